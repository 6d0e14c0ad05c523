"""The field's measures of facial motion, on vertices in metres.

T frames, V vertices; a predicted and a true sequence of different length are compared as far as the shorter one goes.
A figure means nothing without its vertex set, frame rate and formula: publish them together. Papers that print LVE
"in 1e-5 mm" mean 1e-5 m^2 (4e-5 m^2 is 6.3 mm).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...core.errors import InputError

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Indices = NDArray[np.integer]

UPPER_FACE = ("forehead", "eye_region", "brows", "left_lid", "right_lid")  # FLAME's masks, then the open head's
TREMBLE = 8.0  # Hz; speech moves the jaw and lips more slowly
CLOSED = 0.002  # metres between the lips


@dataclass(frozen=True, eq=False)
class VertexSets:
    """Where to measure."""

    lips: Indices  # [L]
    upper_face: Indices  # [U]
    lip_pairs: Indices  # [P, 2] inner upper and lower lip, facing each other

    @staticmethod
    def of(head: HeadModel) -> VertexSets:
        """The sets of a head's named regions: `lips`, and whichever of `UPPER_FACE` it has. Raises InputError."""
        upper = [head.regions[name] for name in UPPER_FACE if name in head.regions]
        if "lips" not in head.regions or not upper:
            wanted = f"the regions lips and one of {', '.join(UPPER_FACE)}"
            raise InputError(f"head {head.version!r}: expected {wanted}, found {', '.join(sorted(head.regions))}")
        return VertexSets(np.unique(head.regions["lips"]), np.unique(np.concatenate(upper)), head.lip_pairs)


def lip_errors(predicted: F32, truth: F32, lips: Indices) -> F64:
    """Largest distance of any lip vertex, per frame, [T] metres: e_t = max_{v in lips} |x_tv - y_tv|."""
    return _distances(predicted, truth, lips).max(axis=1)


def lip_vertex_error(predicted: F32, truth: F32, lips: Indices) -> float:
    """LVE, m^2: mean_t max_{v in lips} |x_tv - y_tv|^2 (MeshTalk, Richard et al. 2021; FaceFormer, CodeTalker)."""
    return float(np.square(lip_errors(predicted, truth, lips)).mean())


def lip_vertex_error_mm(predicted: F32, truth: F32, lips: Indices) -> float:
    """LVE, mm: mean_t max_{v in lips} |x_tv - y_tv|, without the square (3DiFACE)."""
    return 1000 * float(lip_errors(predicted, truth, lips).mean())


def mean_vertex_error(predicted: F32, truth: F32) -> float:
    """MVE, metres: mean_{t,v} |x_tv - y_tv| (FaceDiffuser, ScanTalk)."""
    return float(_distances(predicted, truth).mean())


def upper_face_dynamics_deviation(predicted: F32, truth: F32, neutral: F32, upper_face: Indices) -> float:
    """FDD of one sequence, m^2, signed: mean_{v in U} std_t |x_tv - n_v|^2 - mean_{v in U} std_t |y_tv - n_v|^2.

    x truth, y prediction, n [V,3] the person's neutral face; positive when the prediction moves too little.
    Over several sequences report the mean and, as signs cancel, the mean of absolute values (CodeTalker,
    Xing et al. 2023; FaceDiffuser prints absolute values).
    """
    predicted, truth = _same_length(predicted, truth)
    return _dynamics(truth, neutral, upper_face) - _dynamics(predicted, neutral, upper_face)


def lip_gap(vertices: F32, lip_pairs: Indices) -> F64:
    """Opening of the mouth, [T] metres: mean over pairs of |upper - lower| (lip distance of CodeTalker's figures)."""
    upper, lower = vertices[:, lip_pairs[:, 0]], vertices[:, lip_pairs[:, 1]]
    return np.linalg.norm((upper - lower).astype(np.float64), axis=2).mean(axis=1)


def lip_closure_error(predicted: F32, truth: F32, lip_pairs: Indices, *, closed: float = CLOSED) -> float:
    """How far the lips stay open where they should be shut, metres: mean of max(gap_y - gap_x, 0) over the frames
    with gap_x < `closed`; NaN when the true lips never close. Ours; 3DiFACE measures the same pairs.
    """
    predicted, truth = _same_length(predicted, truth)
    true_gap = lip_gap(truth, lip_pairs)
    excess = np.maximum(lip_gap(predicted, lip_pairs) - true_gap, 0)[true_gap < closed]
    return float(excess.mean()) if len(excess) else float("nan")


def diversity(samples: Sequence[F32]) -> float:
    """Mean distance between different results for the same sound, metres: mean over pairs of samples of MVE
    (FaceDiffuser, Stan et al. 2023). NaN for fewer than two samples.
    """
    errors = [mean_vertex_error(a, b) for a, b in combinations(samples, 2)]
    return float(np.mean(errors)) if errors else float("nan")


def mean_acceleration(vertices: F32, fps: float) -> float:
    """Jitter, m/s^2: mean_{t,v} |x_{t+1} - 2 x_t + x_{t-1}| fps^2. NaN below three frames."""
    second = np.diff(vertices.astype(np.float64), n=2, axis=0) * fps**2
    return float(np.linalg.norm(second, axis=2).mean()) if len(second) else float("nan")


def high_frequency_share(vertices: F32, fps: float, *, cutoff: float = TREMBLE) -> float:
    """Jitter, 0..1: the share of the velocities' power above `cutoff` Hz (periodogram with a Hann window).

    0 for a still face; NaN where the frame rate cannot hold `cutoff` or there are fewer than 16 velocities. Ours.
    """
    velocity = np.diff(vertices.reshape(len(vertices), -1).astype(np.float64), axis=0)
    if len(velocity) < 16 or fps <= 2 * cutoff:
        return float("nan")
    power = np.square(np.abs(np.fft.rfft(velocity * np.hanning(len(velocity))[:, None], axis=0))).sum(axis=1)
    high = power[np.fft.rfftfreq(len(velocity), 1 / fps) > cutoff].sum()
    return float(high / power.sum()) if power.any() else 0.0


def sync_offset(
    curve: NDArray[np.floating], reference: NDArray[np.floating], fps: float, *, reach: float = 0.5
) -> float:
    """Delay of `curve` [T] behind `reference` [T], milliseconds; negative when it is early.

    The lag within `reach` seconds at which Pearson's correlation of the overlap is largest, refined between frames
    by a parabola. Compare lip gaps with lip gaps, or with the loudness of the sound. NaN when either curve is constant.
    """
    length = min(len(curve), len(reference))
    if length == 0:
        return float("nan")
    furthest = min(round(reach * fps), length // 2)  # a short overlap correlates by chance
    lags = range(-furthest, furthest + 1)
    scores = np.array([_correlation(*_overlap(curve[:length], reference[:length], lag)) for lag in lags])
    if np.isnan(scores).all():
        return float("nan")
    best = int(np.nanargmax(scores))
    return 1000 / fps * float(lags[best] + _vertex_of_parabola(scores, best))


@dataclass(frozen=True)
class Scores:
    """A whole test set: FDD averaged over sequences, the rest weighted by their frames (as if frames were pooled)."""

    lve: float  # m^2
    lve_mm: float  # mm, mean of the largest distance
    mve: float  # metres
    fdd: float  # m^2, signed
    fdd_absolute: float  # m^2
    closure: float  # metres
    acceleration: float  # m/s^2, of the prediction
    true_acceleration: float  # m/s^2, to compare with
    frames: int
    sequences: int


@dataclass(frozen=True)
class Comparison:
    """One sequence to score."""

    predicted: F32  # [T,V,3] metres
    truth: F32  # [T,V,3]
    neutral: F32  # [V,3]
    fps: float


def score(comparisons: Iterable[Comparison], sets: VertexSets) -> Scores:
    """All measures of a test set in one pass; sequences are asked for one at a time. Raises ValueError for none."""
    return pooled([score_one(c, sets) for c in comparisons])


def pooled(rows: Sequence[Scores]) -> Scores:
    """The scores of sequences as those of the whole set. Raises ValueError for none."""
    if not rows:
        raise ValueError("score: expected at least one sequence, found none")
    frames = [row.frames for row in rows]
    means = {name: _mean([getattr(row, name) for row in rows], frames) for name in _POOLED}
    fdd = [row.fdd for row in rows]
    return Scores(
        **means,
        fdd=float(np.mean(fdd)),
        fdd_absolute=float(np.mean(np.abs(fdd))),
        frames=sum(frames),
        sequences=len(rows),
    )


_POOLED = tuple(f.name for f in fields(Scores) if f.name not in ("fdd", "fdd_absolute", "frames", "sequences"))


def score_one(c: Comparison, sets: VertexSets) -> Scores:
    """All measures of one sequence."""
    predicted, truth = _same_length(c.predicted, c.truth)
    fdd = upper_face_dynamics_deviation(predicted, truth, c.neutral, sets.upper_face)
    return Scores(
        lve=lip_vertex_error(predicted, truth, sets.lips),
        lve_mm=lip_vertex_error_mm(predicted, truth, sets.lips),
        mve=mean_vertex_error(predicted, truth),
        fdd=fdd,
        fdd_absolute=abs(fdd),
        closure=lip_closure_error(predicted, truth, sets.lip_pairs),
        acceleration=mean_acceleration(predicted, c.fps),
        true_acceleration=mean_acceleration(truth, c.fps),
        frames=len(truth),
        sequences=1,
    )


def _mean(values: list[float], weights: list[int]) -> float:
    """Weighted mean over the sequences that have a value."""
    valid = [(v, w) for v, w in zip(values, weights, strict=True) if not np.isnan(v)]
    return float(np.average([v for v, _ in valid], weights=[w for _, w in valid])) if valid else float("nan")


def _same_length(predicted: F32, truth: F32) -> tuple[F32, F32]:
    if predicted.ndim != 3 or predicted.shape[1:] != truth.shape[1:]:
        raise ValueError(f"metrics: expected [T,V,3] of the same mesh, found {predicted.shape} and {truth.shape}")
    frames = min(len(predicted), len(truth))
    if frames == 0:
        raise ValueError("metrics: expected at least one frame, found none")
    return predicted[:frames], truth[:frames]


def _distances(predicted: F32, truth: F32, vertices: Indices | slice = slice(None)) -> F64:
    """|x_tv - y_tv|, [T, vertices]."""
    predicted, truth = _same_length(predicted, truth)
    return np.linalg.norm(predicted[:, vertices].astype(np.float64) - truth[:, vertices], axis=2)


def _dynamics(vertices: F32, neutral: F32, region: Indices) -> float:
    offsets = vertices[:, region].astype(np.float64) - neutral[region]
    return float(np.square(offsets).sum(axis=2).std(axis=0).mean())


def _overlap(curve: NDArray[np.floating], reference: NDArray[np.floating], lag: int) -> tuple[F64, F64]:
    """The parts that coincide when `curve` lags `lag` frames behind."""
    length = len(curve)
    late, early = slice(max(lag, 0), length + min(lag, 0)), slice(max(-lag, 0), length - max(lag, 0))
    return curve[late].astype(np.float64), reference[early].astype(np.float64)


def _correlation(a: F64, b: F64) -> float:
    a, b = a - a.mean(), b - b.mean()
    scale = np.sqrt(np.square(a).sum() * np.square(b).sum())
    return float((a * b).sum() / scale) if scale > 0 else float("nan")


def _vertex_of_parabola(scores: F64, best: int) -> float:
    """Position of the maximum relative to `best`, -0.5..0.5."""
    if not 0 < best < len(scores) - 1:
        return 0.0
    before, at, after = scores[best - 1 : best + 2]
    bend = before - 2 * at + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0
