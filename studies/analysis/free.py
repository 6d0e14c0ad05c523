"""Words of one's own: which, how often, and how far people agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..design import Study
from ..tasks import Free
from .responses import ANSWER, Answer

MOST = 8  # words of a condition that the report shows


@dataclass(frozen=True)
class Labels:
    """The words that were given to one condition."""

    condition: str
    answers: int
    different: int
    common: Sequence[tuple[str, int]]  # the most frequent ones
    agreement: float | None  # chance that two answers are the same word; None: fewer than two


def word(text: str) -> str:
    """What counts as the same: case, spaces and a full stop do not matter."""
    return " ".join(text.casefold().split()).rstrip(".!")


def labels(study: Study, task: Free, answers: Sequence[Answer]) -> list[Labels]:
    """The words of each condition."""
    made: list[Labels] = []
    for condition in study.conditions_of(task):
        theirs = [word(a.response) for a in answers if a.item == ANSWER and a.shown.condition == condition]
        counted, n = Counter(theirs), len(theirs)
        same = sum(k * (k - 1) for k in counted.values())
        agreed = same / (n * (n - 1)) if n > 1 else None
        made.append(Labels(condition, n, len(counted), counted.most_common(MOST), agreed))
    return made
