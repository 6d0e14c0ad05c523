"""Sliders side by side: conditions against each other, and were the hidden reference and the anchor found?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from ..design import Mushra, Study
from .clusters import Test, holm_corrected
from .contrasts import Scored, differences
from .factors import pairs_to_test
from .key import ANCHOR
from .responses import Answer

GOOD = 90.0  # of 100: what a hidden reference should reach (ITU-R BS.1534-3, 4.1.2)


@dataclass(frozen=True)
class SignedRank:
    """Wilcoxon's signed-rank test of two conditions over participants' means."""

    name: str
    participants: int  # whose means differ
    p: float
    p_holm: float


@dataclass(frozen=True)
class Checks:
    """Were the sliders used as they should be? Reported; nobody is left out for it."""

    reference_good: float | None  # share of the hidden references at 90 or more; None: the design has none
    anchor_lowest: float | None  # share of the pages on which nothing was rated below the anchor


def scored(study: Study, task: Mushra, answers: Sequence[Answer]) -> Scored:
    """The sliders as scores, the hidden reference and the anchor among the conditions."""
    names = [*study.conditions_of(task), *([task.reference] if task.reference else []), ANCHOR]
    return Scored(
        np.array([a.number for a in answers]),
        [a.shown.stimuli[a.item] for a in answers],
        [a.participant for a in answers],
        [a.shown.clip for a in answers],
        (0.0, 100.0),
        list(dict.fromkeys(names)),
    )


def tests(study: Study, task: Mushra, answers: Sequence[Answer]) -> list[Test]:
    """Pairs of conditions, as `pairs_to_test` says; the anchor is a check and no condition."""
    return differences(scored(study, task, answers), pairs_to_test(study, study.conditions_of(task)), "points")


def signed_ranks(study: Study, task: Mushra, answers: Sequence[Answer]) -> list[SignedRank]:
    """Each participant's mean per condition, compared in pairs and corrected by Holm."""
    from scipy.stats import wilcoxon

    sliders = scored(study, task, answers)
    means: dict[tuple[str, str], list[float]] = {}
    for who, what, value in zip(sliders.participants, sliders.conditions, sliders.scores, strict=True):
        means.setdefault((who, what), []).append(float(value))
    people = sorted(set(sliders.participants))
    found: list[tuple[str, int, float]] = []
    for a, b in pairs_to_test(study, study.conditions_of(task)):
        both = [p for p in people if (p, a) in means and (p, b) in means]
        gaps = np.array([np.mean(means[p, b]) - np.mean(means[p, a]) for p in both])
        differ = int(np.count_nonzero(gaps))
        found.append((f"{b} - {a}", differ, cast(float, wilcoxon(gaps)[1]) if differ else 1.0))
    corrected = holm_corrected([p for *_, p in found])
    return [SignedRank(*one, p) for one, p in zip(found, corrected, strict=True)]


def checks(task: Mushra, answers: Sequence[Answer]) -> Checks:
    """How the hidden reference and the anchor were rated."""
    pages: dict[tuple[str, int], dict[str, float]] = {}
    for answer in answers:
        page = pages.setdefault((answer.participant, answer.shown.trial), {})
        page[answer.shown.stimuli[answer.item]] = answer.number
    references = [page[task.reference] >= GOOD for page in pages.values() if task.reference in page]
    anchors = [page[ANCHOR] == min(page.values()) for page in pages.values() if ANCHOR in page]
    return Checks(
        float(np.mean(references)) if references else None,
        float(np.mean(anchors)) if anchors else None,
    )
