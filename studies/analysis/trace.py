"""Continuous ratings: each trace as its mean, and how traces go over time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..design import Study
from ..possible import STEP_MS, trace_of
from ..tasks import Trace
from .clusters import Floats, Test
from .contrasts import Scored, differences
from .factors import pairs_to_test
from .responses import Answer

LIMITS = (0.0, 100.0)


def sampled(response: str) -> Floats:
    """Values every 100 ms of the video, from 0 to the trace's end; between two samples the earlier one holds."""
    times, values = np.array(trace_of(response)).T
    at = np.arange(0, times[-1] + 1, STEP_MS)
    return values[np.maximum(np.searchsorted(times, at, side="right") - 1, 0)].astype(np.float64)


def scored(study: Study, task: Trace, answers: Sequence[Answer]) -> Scored:
    """The mean of each trace as a score."""
    means = [float(sampled(a.response).mean()) for a in answers]
    return Scored.of(answers, means, LIMITS, study.conditions_of(task))


def tests(study: Study, task: Trace, answers: Sequence[Answer]) -> list[Test]:
    """Pairs of conditions, as `pairs_to_test` says."""
    return differences(scored(study, task, answers), pairs_to_test(study, study.conditions_of(task)), "points")


def courses(study: Study, task: Trace, answers: Sequence[Answer]) -> dict[str, Floats]:
    """The mean of each condition's traces, every 100 ms; a trace that has ended is left out from there on."""
    made: dict[str, Floats] = {}
    for condition in study.conditions_of(task):
        traces = [sampled(a.response) for a in answers if a.shown.condition == condition]
        if traces:
            table = np.full((len(traces), max(map(len, traces))), np.nan)
            for row, trace in zip(table, traces, strict=True):
                row[: len(trace)] = trace
            made[condition] = np.nanmean(table, axis=0)
    return made
