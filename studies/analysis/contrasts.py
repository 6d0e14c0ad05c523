"""Scores per condition: means, differences with corrected p-values, and a linear mixed model beside them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np

from .clusters import Estimate, Floats, Limits, Test, difference_of, holm, mean_of
from .crossed import Crossing

LARGEST = 1200  # answers; the crossed model needs matrices of this size squared


@dataclass(frozen=True)
class Scored:
    """N scores, the condition of each, and who gave it to which clip."""

    scores: Floats
    conditions: Sequence[str]
    participants: Sequence[str]
    clips: Sequence[str]
    limits: Limits  # of a score
    order: Sequence[str]  # in which conditions are shown; the first is what a mixed model compares with

    @property
    def crossing(self) -> Crossing:
        """Participants and clips, numbered."""
        return Crossing.of(zip(self.participants, self.clips, strict=True))

    def only(self, conditions: Sequence[str]) -> Scored:
        """The scores of some of the conditions."""
        rows = [i for i, name in enumerate(self.conditions) if name in conditions]
        return Scored(
            self.scores[rows],
            [self.conditions[i] for i in rows],
            [self.participants[i] for i in rows],
            [self.clips[i] for i in rows],
            self.limits,
            [name for name in self.order if name in conditions],
        )

    @property
    def names(self) -> list[str]:
        """The conditions that have scores."""
        return [name for name in self.order if name in set(self.conditions)]


@dataclass(frozen=True)
class Mean:
    """The mean score of a condition."""

    condition: str
    answers: int
    estimate: Estimate


@dataclass(frozen=True)
class MixedModel:
    """A fitted linear mixed model."""

    fitted: str  # what was fitted, in words
    reference: str  # the condition that the others are compared with
    effects: Sequence[tuple[str, float, float, float]]  # condition, difference to the reference, its 95 % interval
    converged: bool


def means(scored: Scored) -> list[Mean]:
    """Mean per condition, with intervals over participants and clips."""
    crossing, conditions = scored.crossing, np.array(scored.conditions)
    made: list[Mean] = []
    for name in scored.names:
        rows = conditions == name
        made.append(
            Mean(name, int(rows.sum()), mean_of(scored.scores[rows], crossing.at(rows), null=0.0, limits=scored.limits))
        )
    return made


def differences(scored: Scored, names: Sequence[str], unit: str) -> list[Test]:
    """All pairs of the named conditions: second minus first."""
    crossing, conditions = scored.crossing, np.array(scored.conditions)
    made: list[Test] = []
    for a, b in combinations(names, 2):
        rows = (conditions == a) | (conditions == b)
        if {a, b} <= set(conditions[rows]):
            estimate = difference_of(
                scored.scores[rows], conditions[rows] == b, crossing.at(rows), limits=scored.limits
            )
            made.append(Test(f"{b} - {a}", (a, b), unit, 0.0, int(rows.sum()), estimate))
    return holm(made)


def mixed_model(scored: Scored) -> MixedModel | None:
    """Conditions as fixed effects, participants and clips as crossed random ones; None where nothing can be fitted.

    Too many answers for the crossed model, or one that does not converge, leave participants as the only random
    effect and clips as fixed ones. `fitted` says which it was.
    """
    if len(scored.names) < 2 or len(set(scored.participants)) < 2 or np.ptp(scored.scores) == 0:
        return None
    crossed = len(scored.scores) <= LARGEST and len(set(scored.clips)) > 1
    found = _fit(scored, crossed=True) if crossed else None
    if found is None or not found.converged:
        found = _fit(scored, crossed=False) or found
    return found


def _fit(scored: Scored, *, crossed: bool) -> MixedModel | None:
    import statsmodels.api as sm
    from statsmodels.regression.mixed_linear_model import VCSpec

    names = scored.names
    fixed = np.column_stack([np.ones(len(scored.scores)), *(_is(scored.conditions, n) for n in names[1:])])
    people, clips = _indicators(scored.participants), _indicators(scored.clips)
    if crossed:
        spec = VCSpec(["participant", "clip"], [[_labels(people)], [_labels(clips)]], [[people], [clips]])
        model: dict[str, Any] = {"groups": np.zeros(len(fixed)), "exog_vc": spec}
        words = "participants and clips as crossed random intercepts"
    else:
        fixed = np.column_stack([fixed, clips[:, 1:]])
        model = {"groups": np.array(scored.participants)}
        words = "participants as random intercepts, clips as fixed effects"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they say is in `converged`
        try:
            result = sm.MixedLM(scored.scores, fixed, **model).fit(reml=True)
        except (np.linalg.LinAlgError, ValueError):
            return None
        intervals = np.asarray(result.conf_int())
    effects = [
        (name, float(result.fe_params[i]), float(intervals[i, 0]), float(intervals[i, 1]))
        for i, name in enumerate(names[1:], start=1)
    ]
    sound = bool(result.converged) and bool(np.isfinite(np.array([e[1:] for e in effects])).all())
    return MixedModel(f"statsmodels MixedLM (REML), conditions fixed, {words}", names[0], effects, sound)


def _is(values: Sequence[str], name: str) -> Floats:
    return np.array([float(value == name) for value in values])


def _indicators(values: Sequence[str]) -> Floats:
    """[N, K] of 0 and 1."""
    return np.column_stack([_is(values, name) for name in dict.fromkeys(values)])


def _labels(indicators: Floats) -> list[str]:
    return [str(i) for i in range(indicators.shape[1])]
