"""Estimates whose p-values hold for new participants and new clips.

Answers of one participant are alike, and so are answers to one clip: taken as independent they make differences look
surer than they are. Every estimate here is a sum of what each answer contributes (its influence), so its variance
follows from the contributions summed within participants, within clips, and what is left: V_P + V_C - V_E, the
two-way clustered variance (Cameron, Gelbach and Miller, 2011). In a complete crossing this is the quasi-F ratio of
Winer (1971) and Clark (1973), whose degrees of freedom (Satterthwaite, 1946) are used. They are estimates too, and too
large where a few clips happen to be alike: never more than participants minus one, nor than twice the clips minus one,
are taken. With eight clips the second bound hardly matters; with two it halves the false positives.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]
Limits = tuple[float, float]
UNLIMITED: Limits = (-np.inf, np.inf)
SHARES: Limits = (0.0, 1.0)
LEVEL = 0.95  # of all intervals
SWEEPS = 20  # of taking out participants' and clips' means in turn; one is exact in a complete crossing


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


@dataclass(frozen=True)
class Crossing:
    """Which participant and which clip each of N answers belongs to, numbered from 0."""

    participants: Ints
    clips: Ints

    @classmethod
    def of(cls, pairs: Iterable[tuple[Hashable, Hashable]]) -> Crossing:
        """From (participant, clip) names."""
        who, what = zip(*pairs, strict=True)
        return cls(_numbered(who), _numbered(what))

    def at(self, rows: NDArray[np.bool_]) -> Crossing:
        """That of some of the answers, numbered anew."""
        return Crossing(
            np.unique(self.participants[rows], return_inverse=True)[1],
            np.unique(self.clips[rows], return_inverse=True)[1],
        )


def mean_of(scores: Floats, crossing: Crossing, *, null: float, limits: Limits) -> Estimate:
    """The mean of scores [N], each within the limits, against a null value."""
    mean = float(scores.mean())
    return estimate(mean, (scores - mean) / len(scores), crossing, null=null, limits=limits)


def difference_of(scores: Floats, second: NDArray[np.bool_], crossing: Crossing, *, limits: Limits) -> Estimate:
    """Mean of the `second` scores minus mean of the others, against 0; all scores are within the limits."""
    widest = limits[1] - limits[0]
    return slope_of(scores, second.astype(np.float64), crossing, limits=(-widest, widest))


def slope_of(scores: Floats, x: Floats, crossing: Crossing, *, limits: Limits = UNLIMITED) -> Estimate:
    """Change of the scores [N] per unit of x [N] (least squares), against 0; the slope is within the limits."""
    centred = x - x.mean()
    spread = centred @ centred
    slope = centred @ scores / spread
    rest = scores - scores.mean() - slope * centred
    return estimate(float(slope), centred * rest / spread, crossing, limits=limits)


def estimate(
    value: float, influence: Floats, crossing: Crossing, *, null: float = 0.0, limits: Limits = UNLIMITED
) -> Estimate:
    """A value that is a sum of contributions: `influence` [N] holds each answer's, which sum to zero.

    A p-value is never below that of a sign test in which all participants agree: answers without any variation would
    otherwise prove everything. Intervals end at the limits of what the value can be.
    """
    by_person, people = _cluster_variance(influence, crossing.participants)
    by_clip, clips = _cluster_variance(influence, crossing.clips)
    rest, rest_df = _residual_variance(influence, crossing)
    if people < 2:
        return Estimate(value, *limits, 1.0, *limits, 1.0, 0.0, np.inf)
    variance = max(by_person, by_person + by_clip - rest)
    spread = by_person**2 / (people - 1) + by_clip**2 / max(clips - 1, 1) + rest**2 / max(rest_df, 1)
    most = min(people - 1, 2 * (clips - 1)) if clips > 1 else people - 1
    df = float(np.clip(variance**2 / spread if spread else most, 1, most))
    surest = 2 * 0.5**people
    se, se_these = float(np.sqrt(variance)), float(np.sqrt(by_person))
    return Estimate(
        value,
        *_interval(value, se, df, limits),
        max(_two_sided(value - null, se, df), surest),
        *_interval(value, se_these, people - 1, limits),
        max(_two_sided(value - null, se_these, people - 1), surest),
        df,
        se,
    )


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


def _cluster_variance(influence: Floats, cluster: Ints) -> tuple[float, int]:
    """Variance from sums within clusters, and the number of clusters."""
    sums = np.bincount(cluster, influence)
    n = len(sums)
    return (float(sums @ sums) * n / (n - 1), n) if n > 1 else (0.0, n)


def _residual_variance(influence: Floats, crossing: Crossing) -> tuple[float, int]:
    """Variance from what neither participant nor clip explains, which both of the other two contain, and its df."""
    clips = int(crossing.clips.max()) + 1
    people = int(crossing.participants.max()) + 1
    _, cell = np.unique(crossing.participants * clips + crossing.clips, return_inverse=True)
    cells = int(cell.max()) + 1
    df = cells - people - clips + 1
    if clips < 2 or df < 1:
        return 0.0, 0
    sums = np.bincount(cell, influence)
    who, what = np.zeros(cells, dtype=np.intp), np.zeros(cells, dtype=np.intp)
    who[cell], what[cell] = crossing.participants, crossing.clips
    for _ in range(SWEEPS if cells < people * clips else 1):
        for cluster in (who, what):
            sums = sums - (np.bincount(cluster, sums) / np.bincount(cluster))[cluster]
    return float(sums @ sums) * cells / df, df


def _interval(value: float, se: float, df: float, limits: Limits) -> tuple[float, float]:
    from scipy.special import stdtrit

    half = float(stdtrit(df, (1 + LEVEL) / 2)) * se
    return max(value - half, limits[0]), min(value + half, limits[1])


def _two_sided(distance: float, se: float, df: float) -> float:
    """p of a t test."""
    from scipy.special import stdtr

    if distance == 0:
        return 1.0
    return float(2 * stdtr(df, -abs(distance) / se)) if se > 0 else 0.0


def _numbered(names: Sequence[Hashable]) -> Ints:
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.intp)
