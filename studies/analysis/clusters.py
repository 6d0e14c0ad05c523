"""Estimates whose p-values hold for new participants and new clips.

Answers of one participant are alike, and so are answers to one clip: taken as independent they make differences look
surer than they are. `crossed` says what is done about it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .crossed import Crossing, Fitted, fit

Floats = NDArray[np.float64]
Limits = tuple[float, float]
UNLIMITED: Limits = (-np.inf, np.inf)
SHARES: Limits = (0.0, 1.0)
LEVEL = 0.95  # of all intervals


@dataclass(frozen=True)
class Estimate:
    """A value with its uncertainty over participants and clips."""

    value: float
    low: float  # ends of the 95 % interval
    high: float
    p: float  # two-sided, against the null value, for new participants and new clips
    low_these: float  # interval and p-value for new participants and these very clips
    high_these: float
    p_these: float
    df: float
    se: float


@dataclass(frozen=True)
class Test:
    """A headline result: one of a family of comparisons that are corrected together."""

    name: str
    about: Sequence[str]  # the conditions that it compares with each other, or the one that it compares with chance
    unit: str
    null: float
    answers: int
    estimate: Estimate
    p_holm: float = 1.0

    def line(self) -> str:
        """For the terminal."""
        found = self.estimate
        p = "< .001" if self.p_holm < 0.001 else f"= {self.p_holm:.3f}"
        shown = f"{found.value:.2f} {self.unit} [{found.low:.2f}, {found.high:.2f}]"
        return f"{self.name}: {shown}, {self.null:.2f} if there is no effect, p (Holm) {p}"


def mean_of(scores: Floats, crossing: Crossing, *, null: float, limits: Limits) -> Estimate:
    """The mean of scores [N], each within the limits, against a null value."""
    return _estimated(scores, np.ones(len(scores)), None, crossing, null=null, limits=limits)


def difference_of(scores: Floats, second: NDArray[np.bool_], crossing: Crossing, *, limits: Limits) -> Estimate:
    """Mean of the `second` scores minus mean of the others, against 0; all scores are within the limits.

    In a design with each clip once per participant the means are those without what clips and participants add.
    """
    widest = limits[1] - limits[0]
    return slope_of(scores, second.astype(np.float64), crossing, limits=(-widest, widest))


def slope_of(scores: Floats, x: Floats, crossing: Crossing, *, limits: Limits = UNLIMITED) -> Estimate:
    """Change of the scores [N] per unit of x [N] (least squares), against 0; the slope is within the limits."""
    return _estimated(scores, x, np.ones((len(x), 1)), crossing, null=0.0, limits=limits)


def estimate_of(
    fitted: Fitted,
    weights: Floats,
    crossing: Crossing,
    *,
    at: float = 0.0,
    null: float = 0.0,
    limits: Limits = UNLIMITED,
) -> Estimate:
    """A combination of fitted coefficients, plus `at`, against a null value.

    A p-value is never below that of a sign test in which all participants agree: answers without any variation would
    otherwise prove everything, and then there is no interval. Intervals end at the limits of what the value can be.
    """
    value, factor = fitted.of(weights)
    value += at
    people = crossing.sizes[0]
    if people < 2:
        return unknown(value, limits)
    found = fitted.variance
    surest = 2 * 0.5**people
    se, se_these = float(np.sqrt(found.value * factor)), float(np.sqrt(found.these * factor))
    if se == 0:
        p = 1.0 if value == null else surest
        return Estimate(value, np.nan, np.nan, p, np.nan, np.nan, p, found.df, 0.0)
    interval, p = _interval(value, se, found.df, limits), max(_two_sided(value - null, se, found.df), surest)
    these = _interval(value, se_these, found.df_these, limits)
    p_these = max(_two_sided(value - null, se_these, found.df_these), surest)
    if these[1] - these[0] > interval[1] - interval[0]:  # what holds for new clips holds for these
        these, p_these = interval, p
    return Estimate(value, *interval, p, *these, p_these, found.df, se)


def unknown(value: float, limits: Limits) -> Estimate:
    """A value about whose uncertainty the answers say nothing."""
    return Estimate(value, *limits, 1.0, *limits, 1.0, 0.0, np.inf)


def holm(tests: Sequence[Test]) -> list[Test]:
    """The tests with p-values corrected for their number (Holm, 1979)."""
    corrected = holm_corrected([test.estimate.p for test in tests])
    return [replace(test, p_holm=p) for test, p in zip(tests, corrected, strict=True)]


def holm_corrected(p: Sequence[float]) -> list[float]:
    """Holm's step-down correction; statsmodels has it too, but collects garbage for 100 ms each time."""
    values = np.asarray(p, dtype=np.float64)
    order = np.argsort(values)
    corrected = np.empty(len(values))
    corrected[order] = np.minimum(np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1)), 1)
    return corrected.tolist()


def wilson(successes: float, n: float, *, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's interval of a share."""
    from statsmodels.stats.proportion import proportion_confint

    low, high = np.asarray(proportion_confint(successes, n, alpha=1 - level, method="wilson"), dtype=np.float64)
    return float(low), float(high)


def _estimated(
    scores: Floats, x: Floats, nuisance: Floats | None, crossing: Crossing, *, null: float, limits: Limits
) -> Estimate:
    try:
        fitted = fit(scores, x[:, None], crossing, nuisance=nuisance)
    except ValueError:
        return unknown(float("nan"), limits)
    return estimate_of(fitted, np.ones(1), crossing, null=null, limits=limits)


def _interval(value: float, se: float, df: float, limits: Limits) -> tuple[float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(df, (1 + LEVEL) / 2)) * se
    return max(value - half, limits[0]), min(value + half, limits[1])


def _two_sided(distance: float, se: float, df: float) -> float:
    """p of a t test."""
    from scipy.special import stdtr

    return float(2 * stdtr(df, -abs(distance) / se)) if se > 0 else 0.0
