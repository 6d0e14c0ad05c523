"""Main effects and interactions of a design's factors, and what lies between their levels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ..design import AnyTask, Study
from ..targets import targets
from ..tasks import Identification, Mushra, Rating, Trace
from . import identification, mushra, rating, trace
from .clusters import UNLIMITED, Estimate, Floats, Test, estimate_of, holm, holm_corrected, unknown
from .contrasts import Scored
from .crossed import Crossing, Fitted, fit
from .factors import BY, Layout, layout_of, sum_coding
from .logistic import log_odds, score_fit
from .responses import Answer

LOG_ODDS = "log odds"
NO_SIZE = (float("nan"), float("nan"), float("nan"))


@dataclass(frozen=True)
class Measure:
    """What the answers to a task say in numbers."""

    name: str
    unit: str
    scored: Scored
    binary: bool = False  # yes or no


@dataclass(frozen=True)
class Effect:
    """An F test of a main effect or an interaction, valid for new participants and new clips."""

    name: str
    factors: Sequence[str]
    df1: float
    df2: float
    f: float
    p: float
    size: float | None  # Cohen's f: spread of the effect over the spread of answers within conditions; None: yes or no
    p_holm: float = 1.0

    def line(self, suffix: str = "") -> str:
        """For the terminal."""
        p = "< .001" if self.p_holm < 0.001 else f"= {self.p_holm:.3f}"
        return f"{self.name}{suffix}: F({self.df1:.1f}, {self.df2:.1f}) = {self.f:.2f}, p (Holm) {p}"


@dataclass(frozen=True)
class Contrast:
    """One degree of freedom of an effect: two levels of a factor, or a difference of differences."""

    effect: str
    test: Test  # in the unit of the measure; log odds for yes or no
    difference: Estimate  # in the unit of the measure
    size: tuple[float, float, float]  # with its 95 % interval: Cohen's d, or an odds ratio for yes or no


@dataclass(frozen=True)
class Factorial:
    """All effects of one measure of a task."""

    measure: Measure  # of the conditions in the layout
    layout: Layout
    effects: Sequence[Effect]
    contrasts: Sequence[Contrast]  # corrected by Holm within each effect
    alike: Sequence[str]  # conditions whose answers are all yes or all no; if any, tests are those of shares


def measures(study: Study, task: AnyTask, answers: Sequence[Answer]) -> list[Measure]:
    """The numbers that a task's factors may change; none for tasks without conditions of their own."""
    match task:
        case Rating():
            return [Measure("rating", "steps" if task.scale.points else "points", rating.scored(study, task, answers))]
        case Trace():
            return [Measure("mean of the trace", "points", trace.scored(study, task, answers))]
        case Mushra():
            sliders = mushra.scored(study, task, answers).only(study.conditions_of(task))  # no reference, no anchor
            return [Measure("score", "points", sliders)]
        case Identification():
            named = identification.scored_hits(study, task, answers)
            strong = identification.scored_intensities(study, task, answers)
            return [
                Measure("named right", "of answers", named, binary=True),
                *([Measure("strength", "points", strong)] if strong.conditions else []),
            ]
        case _:
            return []


def tested_layout(study: Study, task: AnyTask) -> Layout | None:
    """The factors of a task's first measure; None if there are none to test."""
    match task:
        case Rating() | Mushra() | Trace():
            names = study.conditions_of(task)
        case Identification():
            names = list(targets(study, task))
        case _:
            return None
    layout = layout_of(study, names)
    return layout if layout is not None and is_tested(layout) else None


def is_tested(layout: Layout) -> bool:
    """Whether there is more than the difference of two conditions, which has a test already."""
    return len(layout.factors) > 1 or len(layout.cells) > 2


def factorials(study: Study, task: AnyTask, answers: Sequence[Answer], *, contrasts: bool = True) -> list[Factorial]:
    """The analysis of each measure of a task, where its conditions are a full crossing of factors."""
    made = (factorial(study, measure, contrasts=contrasts) for measure in measures(study, task, answers))
    return [one for one in made if one is not None]


def factorial(study: Study, measure: Measure, *, contrasts: bool = True) -> Factorial | None:
    """Effects and contrasts of one measure; None without factors, or where answers are missing for a combination."""
    layout = layout_of(study, measure.scored.names)
    if layout is None or not is_tested(layout):
        return None
    kept = replace(measure, scored=measure.scored.only(list(layout.cells)))
    model = _Model(kept, layout)
    effects = [model.effect(factors) for factors in layout.effects]
    corrected = holm_corrected([effect.p for effect in effects])
    effects = [replace(effect, p_holm=p) for effect, p in zip(effects, corrected, strict=True)]
    between = [one for factors in layout.effects for one in model.contrasts(factors)] if contrasts else []
    return Factorial(kept, layout, effects, between, model.alike)


class _Model:
    """All effects of a layout, fitted together."""

    def __init__(self, measure: Measure, layout: Layout) -> None:
        scored = measure.scored
        self._measure, self._layout, self._scores = measure, layout, scored.scores
        self._crossing: Crossing = scored.crossing
        self._columns = {factors: layout.columns(factors, scored.conditions) for factors in layout.effects}
        shares = {name: scored.scores[np.array(scored.conditions) == name] for name in scored.names}
        self.alike = [name for name, own in shares.items() if measure.binary and np.ptp(own) == 0 and own[0] in (0, 1)]
        within = np.concatenate([own - own.mean() for own in shares.values()])
        self._sd = float(np.sqrt(within @ within / max(len(within) - len(shares), 1)))

    def effect(self, factors: tuple[str, ...]) -> Effect:
        """The F test of an effect. As in `estimate_of`, p is never below that of a sign test."""
        tested = self._columns[factors]
        name, q, people = BY.join(factors), tested.shape[1], self._crossing.sizes[0]
        try:
            fitted = self._fit(tested, self._others(factors))
        except ValueError:
            fitted = None
        if fitted is None or people < 2:
            return Effect(name, factors, q, 0.0, float("nan"), 1.0, None)
        from scipy.special import fdtrc

        df1, df2 = q * fitted.sphericity, max(fitted.variance.df * fitted.sphericity, 1.0)
        p = 1.0 if np.isnan(fitted.f) else float(fdtrc(df1, df2, fitted.f))
        spread = tested @ fitted.coefficients
        size = float(spread.std() / self._sd) if self._sd > 0 and not self._measure.binary else None
        return Effect(name, factors, df1, df2, fitted.f, max(p, 2 * 0.5**people), size)

    def contrasts(self, factors: tuple[str, ...]) -> list[Contrast]:
        """Pairs of levels of a factor; the difference of differences of an interaction of two levels each."""
        name, q = BY.join(factors), self._columns[factors].shape[1]
        if len(factors) == 1:
            levels = self._layout.factors[name]
            coded = sum_coding(len(levels))
            made = [
                self._contrast(factors, f"{name}: {levels[b]} - {levels[a]}", coded[b] - coded[a], spread=1)
                for a, b in combinations(range(len(levels)), 2)
            ]
        elif q == 1:
            weights = np.full(1, 2.0 ** len(factors))
            spread = 2 ** (len(factors) - 1)
            made = [self._contrast(factors, f"{name}: difference of differences", weights, spread=spread)]
        else:
            return []
        tests = holm([one.test for one in made])
        return [replace(one, test=test) for one, test in zip(made, tests, strict=True)]

    def _contrast(self, factors: tuple[str, ...], name: str, weights: Floats, *, spread: int) -> Contrast:
        """A combination of an effect's coefficients, with an error of its own."""
        tested = self._columns[factors]
        own = (tested @ (weights / (weights @ weights)))[:, None]
        beside = tested @ np.linalg.svd(weights[None, :])[2][1:].T
        others = np.column_stack([self._others(factors), beside])
        low, high = self._measure.scored.limits
        limits = (-spread * (high - low), spread * (high - low))
        n, unit = len(own), self._measure.unit
        try:
            plain = fit(self._scores, own, self._crossing, nuisance=others)
            difference = estimate_of(plain, np.ones(1), self._crossing, limits=limits)
            if self._measure.binary and self.alike:
                return Contrast(BY.join(factors), Test(name, (), unit, 0.0, n, difference), difference, NO_SIZE)
            if not self._measure.binary:
                size = _mapped(difference, lambda v: v / self._sd if self._sd else float("nan"))
                return Contrast(BY.join(factors), Test(name, (), unit, 0.0, n, difference), difference, size)
            odds = estimate_of(
                log_odds(self._scores, own[:, 0], self._crossing, nuisance=others), np.ones(1), self._crossing
            )
        except ValueError:
            difference, odds = unknown(float("nan"), limits), unknown(float("nan"), UNLIMITED)
        size = _mapped(odds, lambda v: float(np.exp(v)))
        return Contrast(BY.join(factors), Test(name, (), LOG_ODDS, 0.0, n, odds), difference, size)

    def _fit(self, tested: Floats, others: Floats) -> Fitted:
        if self._measure.binary and not self.alike:
            return score_fit(self._scores, tested, self._crossing, nuisance=others)
        return fit(self._scores, tested, self._crossing, nuisance=others)

    def _others(self, factors: tuple[str, ...]) -> Floats:
        n = len(self._scores)
        return np.column_stack([np.ones(n), *(c for other, c in self._columns.items() if other != factors)])


def _mapped(found: Estimate, to: Callable[[float], float]) -> tuple[float, float, float]:
    return to(found.value), to(found.low), to(found.high)
