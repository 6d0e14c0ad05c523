"""How well lips close: measures of articulation against phones with times."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..speech.encoder import RATE
from ..speech.phones import BILABIALS, TARGETS, VOWELS, Segment
from ..speech.rules import opening

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

CONTRASTS = frozenset({"T", "D", "N", "K", "G", "NG"})  # stops and nasals that leave the lips apart
_CLOSED = 0.25  # share of the clip's opening in open vowels
_SLACK = 0.02  # seconds around the phone
_OPEN_JAW = 0.5
_AXES_JAW = 0


@dataclass(frozen=True, eq=False)
class Closures:
    """Least opening during each phone, relative to the clip's open vowels. What none of its phones tell is NaN."""

    bilabial: F64  # [n] P B M
    other: F64  # [m] T D N K G NG

    @property
    def hit(self) -> float:
        """Share of P B M in which the lips close."""
        return _share(self.bilabial < _CLOSED)

    @property
    def false(self) -> float:
        """Share of T D N K G NG in which the lips close."""
        return _share(self.other < _CLOSED)

    @property
    def auc(self) -> float:
        """Probability that a P B M is more closed than one of the others (area under the ROC curve)."""
        return area_under_curve(self.other, self.bilabial)

    @staticmethod
    def pool(parts: Iterable[Closures]) -> Closures:
        """All phones of several clips together."""
        parts = list(parts)
        return Closures(np.concatenate([p.bilabial for p in parts]), np.concatenate([p.other for p in parts]))


def area_under_curve(higher: ArrayLike, lower: ArrayLike) -> float:
    """Probability that one of `higher` exceeds one of `lower`, area under the ROC curve; chance is 0.5, NaN of none."""
    difference = np.asarray(higher)[:, None] - np.asarray(lower)[None, :]
    return _share((difference > 0) + 0.5 * (difference == 0))


def _share(found: NDArray[Any]) -> float:
    return float(np.mean(found)) if found.size else math.nan


def closures(axes: F32, segments: Sequence[Segment]) -> Closures:
    """Measure one clip: axes [n, 8] at 50 per second against its phones."""
    curve = opening(axes)
    vowels = [s for s in segments if s.phone in VOWELS and TARGETS[s.phone][_AXES_JAW] >= _OPEN_JAW]
    reference = np.median([during(curve, s).max() for s in vowels or segments])
    least = {kind: [during(curve, s).min() for s in segments if s.phone in kind] for kind in (BILABIALS, CONTRASTS)}
    relative = {kind: np.array(values, np.float64) / max(reference, 1e-6) for kind, values in least.items()}
    return Closures(relative[BILABIALS], relative[CONTRASTS])


def during(curve: F32, segment: Segment) -> F32:
    """The part of a curve from shortly before a phone to shortly after it; at least one frame."""
    first = min(max(0, int(np.ceil((segment.start - _SLACK) * RATE))), len(curve) - 1)
    last = int((segment.end + _SLACK) * RATE)
    return curve[first : max(first, last) + 1]


def best_lag(predicted: F64, measured: F64, *, rate: float, reach: float = 0.3) -> tuple[float, float]:
    """Highest Pearson correlation over time shifts, and the shift in seconds; positive: the prediction is late."""
    steps = int(reach * rate)
    scores = {lag: _shifted_correlation(predicted, measured, lag) for lag in range(-steps, steps + 1)}
    lag = max(scores, key=lambda key: scores[key])
    return scores[lag], lag / rate


def _shifted_correlation(predicted: F64, measured: F64, lag: int) -> float:
    if lag >= 0:
        a, b = predicted[lag:], measured[: len(measured) - lag]
    else:
        a, b = predicted[:lag], measured[-lag:]
    count = min(len(a), len(b))
    return float(np.corrcoef(a[:count], b[:count])[0, 1])
