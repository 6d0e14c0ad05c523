"""Shares of answers against chance, pair by pair where a task compares two conditions at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike

from ..design import Study
from ..tasks import Discrimination, Preference
from .clusters import SHARES, Estimate, mean_of
from .crossed import Crossing
from .responses import Answer


def answered_pairs(
    study: Study, task: Preference | Discrimination, answers: Sequence[Answer]
) -> Iterator[tuple[str, str, list[Answer]]]:
    """The pairs of conditions that have answers, with theirs."""
    for a, b in study.pairs_of(task):
        theirs = [answer for answer in answers if answer.shown.condition == f"{a}/{b}"]
        if theirs:
            yield a, b, theirs


def share_of(answers: Sequence[Answer], scores: ArrayLike, *, chance: float) -> Estimate:
    """The share of answers that count, each as much as its score in 0..1 says."""
    crossing = Crossing.of((a.participant, a.shown.clip) for a in answers)
    return mean_of(np.array(scores), crossing, null=chance, limits=SHARES)
