"""How good generated acting is, as numbers: alike where it must be, different where it may, of one manner, in time.

Everything here is arithmetic on curves, statistics (`acting.style.measured`) and coordinates (`acting.space`);
`benchmarks/acting.py` measures the built-in model with it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ..acting.flow import WIDTH, rows, shown
from ..acting.network import ActingNetwork
from ..acting.prior import chance
from ..acting.space import COORDINATES
from ..face_motion import ACTIVITY, FaceMotion
from .naturalness import PEOPLE, correlation

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Numbers = NDArray[np.integer]

TOUCHING = 0.3  # of a contact: lips that touch or nearly do
SHRUNK = 0.5  # share of the pooled covariance that is replaced by its diagonal
NEAREST = 3  # neighbours that are near
BEAT = 0.1  # seconds: how exact a beat is
ASIDE = 0.5  # seconds beside a beat
SMOOTH = 0.2  # seconds over which a head's speed is averaged: trembling is no stop
LEAD = -PEOPLE["pitch after loudness"].value / 1000  # seconds by which people's heads are ahead of their voices
SHIFTS = (0.15, 0.3, 0.45, 0.6, 0.75, 0.9)  # shares of a clip by which its beats are moved to see what chance does
WAYS = (0.1, 0.3, 0.5, 0.7, 0.9)  # of the way from chance to a performance
TINY = 1e-9


def free(face: FaceMotion) -> Mask:
    """Frames [T] in which somebody speaks and the lips do not touch: there, and only there, mouths may differ."""
    contact = np.maximum(face.column("speech.close"), face.column("speech.tuck"))
    return (face.column(ACTIVITY) > 0.5) & (contact < TOUCHING)


def alike(curves: Sequence[F64], where: Mask) -> list[float]:
    """Correlation of every pair of curves [T] in the frames `where`.

    >>> t = np.linspace(0, 1, 50)
    >>> alike([t, 2 * t, -t], np.ones(50, bool))
    [1.0, -1.0, -1.0]
    """
    return [round(correlation(a[where], b[where]), 12) for a, b in combinations(curves, 2)]


@dataclass(frozen=True, eq=False)
class Recogniser:
    """Tells people apart by their statistics: linear discriminants (Fisher, 1936) with a shrunk covariance."""

    means: F64  # [K, S]
    inverse: F64  # [S, S]

    @staticmethod
    def of(statistics: F64, who: Numbers) -> Recogniser:
        """Of examples [n, S] by people 0..K-1 [n], several of each."""
        people = range(int(who.max()) + 1)
        means = np.array([statistics[who == k].mean(axis=0) for k in people])
        apart = statistics - means[who]
        pooled = apart.T @ apart / max(len(apart) - len(means), 1)
        own = np.diag(np.maximum(np.diag(pooled), TINY))
        return Recogniser(means, np.linalg.inv((1 - SHRUNK) * pooled + SHRUNK * own).astype(np.float64))

    def __call__(self, statistics: F64) -> Numbers:
        """Who it most likely is, [m], of statistics [m, S]."""
        apart = statistics[:, None] - self.means
        return np.einsum("mks,st,mkt->mk", apart, self.inverse, apart).argmin(axis=1)


def diversity(samples: Sequence[F64]) -> float:
    """Mean distance of every two samples [T, D]: root mean square over frames and columns. NaN for fewer than two."""
    distances = [float(np.sqrt(np.mean((a - b) ** 2))) for a, b in combinations(samples, 2)]
    return float(np.mean(distances)) if distances else math.nan


def coverage(made: F64, real: F64) -> float:
    """Share of real examples [m, S] with a made one [n, S] nearer than their third nearest real neighbour.

    Naeem et al., "Reliable fidelity and diversity metrics for generative models" (2020). About 0.9 for equal
    distributions; 0 where everything made is far off. NaN for hardly any real examples.
    """
    if len(real) <= NEAREST or not len(made):
        return math.nan
    reach = np.sort(_distances(real, real), axis=1)[:, NEAREST]
    return float(np.mean(_distances(real, made).min(axis=1) <= reach))


def frechet_distance(a: F64, b: F64) -> float:
    """Squared Frechet distance of two clouds [n, S] and [m, S] taken as Gaussians (Dowson & Landau, 1982).

    >>> x = np.random.default_rng(0).standard_normal((500, 3))
    >>> round(frechet_distance(x, x + [2, 0, 0]), 6)
    4.0
    """
    ca, cb = (np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1]) for x in (a, b))
    values, vectors = np.linalg.eigh(ca)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cb @ root), 0)).sum()
    return float(np.sum((a.mean(axis=0) - b.mean(axis=0)) ** 2) + np.trace(ca) + np.trace(cb) - 2 * shared)


def moving(values: F64, fps: float) -> F64:
    """Coordinates [T, D] with their speeds, [T - 1, 2 D]: what frames are compared by; speeds per 0.1 s."""
    return np.concatenate([values[1:], np.diff(values, axis=0) * fps / 10], axis=1)


def beat_alignment(turned: F64, fps: float, beats: F64) -> tuple[float, float]:
    """How well the head [T, 3] stops where the voice beats, [n] seconds, 0..1; and the same of beats moved elsewhere.

    Mean over the beats of exp(-d^2 / 2 s^2), d the distance to the nearest minimum of the head's speed that is below
    its median, s = `BEAT` (Li et al., "AI choreographer", 2021); people's heads are ahead of their voices by `LEAD`.
    NaN without beats.
    """
    smooth = sliding_window_view(np.linalg.norm(np.diff(turned, axis=0), axis=1), max(1, round(SMOOTH * fps)))
    speed = smooth.mean(axis=1)
    low = (speed[1:-1] < speed[:-2]) & (speed[1:-1] <= speed[2:]) & (speed[1:-1] < np.median(speed))
    stops = (np.flatnonzero(low) + 1 + (smooth.shape[1] + 1) / 2) / fps
    if not len(stops) or not len(beats):
        return math.nan, math.nan
    length = len(turned) / fps

    def near(times: F64) -> float:
        nearest = np.abs(times[:, None] - stops).min(axis=1)
        return float(np.exp(-(nearest**2) / (2 * BEAT**2)).mean())

    moved = [near((beats - LEAD + share * length) % length) for share in SHIFTS]
    return near(beats - LEAD), float(np.mean(moved))


def nod(pitch: F64, fps: float, beats: F64) -> float:
    """How far the head [T] is down where the voice beats, less half a second before and after, mean; its own unit.

    People's heads are ahead by `LEAD`. NaN without beats.
    """
    times = (np.arange(len(pitch)) + 0.5) / fps
    found = [np.interp(beats - LEAD + away, times, pitch) for away in (0.0, -ASIDE, ASIDE)]
    return float(np.mean(found[0] - (found[1] + found[2]) / 2)) if len(beats) else math.nan


def jumps(values: F64, edges: Sequence[int]) -> F64:
    """Changes of columns [T, D] into the frames `edges` by the 99th percentile of their changes elsewhere, [n, D].

    About one in a hundred of a motion's own is above 1. Of speeds: give differences.
    """
    change = np.abs(np.diff(values, axis=0))
    at = np.array([e - 1 for e in edges])
    own = np.percentile(np.delete(change, at, axis=0), 99, axis=0)
    return change[at] / np.maximum(own, TINY)


def direction_error(network: ActingNetwork, style: F32, told: F32, values: F32, *, seed: int) -> float:
    """What flow matching costs on a performance: mean squared error of the direction from chance to `values` [T, D].

    `told` [T, C]; `values` in units of `SCALE`; a style that fits makes it smaller, by less than one might think: most
    of it is what nobody could know.
    """
    begin = chance(np.arange(len(values)), seed).astype(np.float32)
    nothing = np.zeros_like(values)
    outside = np.zeros((network.context, WIDTH), np.float32)
    errors = []
    for way in WAYS:
        here = rows(begin, told, nothing, nothing)
        here[:, : len(COORDINATES)] = begin + np.float32(way) * (values - begin)
        padded = np.concatenate([outside, here, outside])
        found = network(shown(padded), style, way)
        errors.append(np.mean((found - (values - begin)) ** 2))
    return float(np.mean(errors))


def _distances(a: F64, b: F64) -> F64:
    return np.sqrt(np.maximum(((a[:, None] - b) ** 2).sum(axis=2), 0))
