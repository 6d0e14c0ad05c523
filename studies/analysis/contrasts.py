"""Scores per condition: means, differences with corrected p-values, and a linear mixed model beside them."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .clusters import LEVEL, Estimate, Floats, Limits, Test, difference_of, holm, mean_of
from .crossed import Crossing
from .responses import Answer

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

    @classmethod
    def of(cls, answers: Sequence[Answer], scores: Sequence[float], limits: Limits, order: Sequence[str]) -> Scored:
        """The scores of answers to one condition each."""
        return cls(
            np.array(scores),
            [a.shown.condition for a in answers],
            [a.participant for a in answers],
            [a.shown.clip for a in answers],
            limits,
            order,
        )

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


def differences(scored: Scored, pairs: Sequence[tuple[str, str]], unit: str) -> list[Test]:
    """The conditions of each pair: second minus first."""
    crossing, conditions = scored.crossing, np.array(scored.conditions)
    made: list[Test] = []
    for a, b in pairs:
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
    from scipy.special import ndtri

    names = scored.names
    if len(names) < 2 or len(set(scored.participants)) < 2 or np.ptp(scored.scores) == 0:
        return None
    found = _best(
        scored, np.column_stack([np.ones(len(scored.scores)), *(_is(scored.conditions, n) for n in names[1:])])
    )
    if found is None:
        return None
    half = float(ndtri((1 + LEVEL) / 2)) * np.sqrt(np.diag(found.covariance))
    effects = [
        (name, float(value), float(value - around), float(value + around))
        for name, value, around in zip(names[1:], found.values[1:], half[1:], strict=True)
    ]
    words = f"statsmodels MixedLM (REML), conditions fixed, {found.words}"
    return MixedModel(words, names[0], effects, found.converged)


@dataclass(frozen=True)
class MixedEffects:
    """Wald tests of several columns each, in a fitted linear mixed model."""

    fitted: str
    effects: Sequence[tuple[str, float, int, float]]  # name, chi-square, degrees of freedom, p
    converged: bool


def mixed_effects(scored: Scored, columns: Mapping[str, Floats]) -> MixedEffects | None:
    """Effects with these columns [N, q] as fixed ones, participants and clips as in `mixed_model`."""
    from scipy.special import gammaincc

    if len(set(scored.participants)) < 2 or np.ptp(scored.scores) == 0:
        return None
    fixed = np.column_stack([np.ones(len(scored.scores)), *columns.values()])
    found = _best(scored, fixed)
    if found is None:
        return None
    made: list[tuple[str, float, int, float]] = []
    first = 1
    for name, own in columns.items():
        rows = slice(first, first + own.shape[1])
        first += own.shape[1]
        chi = float(found.values[rows] @ np.linalg.pinv(found.covariance[rows, rows]) @ found.values[rows])
        made.append((name, chi, own.shape[1], float(gammaincc(own.shape[1] / 2, max(chi, 0.0) / 2))))
    return MixedEffects(f"statsmodels MixedLM (REML), {found.words}", made, found.converged)


@dataclass(frozen=True)
class _Mixed:
    words: str  # about participants and clips
    values: Floats  # of the fixed effects
    covariance: Floats  # of the same
    converged: bool


def _best(scored: Scored, fixed: Floats) -> _Mixed | None:
    crossed = len(scored.scores) <= LARGEST and len(set(scored.clips)) > 1
    found = _fit(scored, fixed, crossed=True) if crossed else None
    if found is None or not found.converged:
        found = _fit(scored, fixed, crossed=False) or found
    return found


def _fit(scored: Scored, fixed: Floats, *, crossed: bool) -> _Mixed | None:
    import statsmodels.api as sm
    from statsmodels.regression.mixed_linear_model import VCSpec

    people, clips = _indicators(scored.participants), _indicators(scored.clips)
    n = fixed.shape[1]
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
        values = np.asarray(result.fe_params, dtype=np.float64)[:n]
        covariance = np.asarray(result.cov_params(), dtype=np.float64)[:n, :n]
    if not (np.isfinite(values).all() and np.isfinite(covariance).all()) or np.diag(covariance).min() <= 0:
        return None
    return _Mixed(words, values, covariance, bool(result.converged))


def _is(values: Sequence[str], name: str) -> Floats:
    return np.array([float(value == name) for value in values])


def _indicators(values: Sequence[str]) -> Floats:
    """[N, K] of 0 and 1."""
    return np.column_stack([_is(values, name) for name in dict.fromkeys(values)])


def _labels(indicators: Floats) -> list[str]:
    return [str(i) for i in range(indicators.shape[1])]
