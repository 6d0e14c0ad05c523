"""Rating scales: one score per video."""

from __future__ import annotations

from collections.abc import Sequence

from ..design import Rating, Study
from .clusters import Test
from .contrasts import Scored, differences
from .factors import pairs_to_test
from .responses import Answer


def scored(study: Study, task: Rating, answers: Sequence[Answer]) -> Scored:
    """The answers as scores."""
    limits = (1.0, float(task.scale.points)) if task.scale.points else (0.0, 100.0)
    return Scored.of(answers, [a.number for a in answers], limits, study.conditions_of(task))


def tests(study: Study, task: Rating, answers: Sequence[Answer]) -> list[Test]:
    """Pairs of conditions, as `pairs_to_test` says."""
    unit = "steps" if task.scale.points else "points"
    return differences(scored(study, task, answers), pairs_to_test(study, study.conditions_of(task)), unit)
