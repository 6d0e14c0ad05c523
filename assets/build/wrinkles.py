"""Relief of the skin in a pose: how far it is compressed, and the furrows and folds that run across the compression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .geometry import interpolate, smoothstep, tangent, unit
from .noise import fractal_noise
from .scalp import scalp_cover
from .surface import Figure

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
STRAIN_BLUR, STRAIN_NEIGHBOURS = 2.0 * MM, 48
FOREHEAD_BLUR, FOREHEAD_NEIGHBOURS = 7.0 * MM, 300  # the scalp slides: a raised brow compresses all of the forehead
FOREHEAD = 0.022, 0.032  # metres above the eyes, from where to where the forehead begins
FROWN = 0.024, 0.036  # metres above the eyes where upright furrows end
ONSET, FULL = 0.02, 0.16  # compression at which furrows appear, and at which they are deepest
WAVELENGTH = {0.015: 3.4 * MM, 0.030: 5.5 * MM, 0.045: 8.0 * MM}  # by distance to the eye: thin skin folds finely
CHEEK = 0.12  # how readily the fat of the cheeks lets furrows form
NEIGHBOURS, ALIGNMENT_STEPS = 14, 60
SHARPNESS = 2.2  # of the valleys; crests are broad
STEEPNESS = 0.62  # of the deepest furrows' walls in the oldest skin, height over length
WANDER = 0.30  # of a wavelength: how far furrows stray from parallel lines
FOLD_VALLEY, FOLD_RISE = 1.1 * MM, 5.0 * MM  # widths of a fold's groove and of the cheek that bulges over it
FOLD_BESIDE = 3.0 * MM  # from a fold's line, where the skin that it takes up is compressed
FOLD_RUNS_ON = 0.15  # of its length: a fold is one, and neither starts nor ends abruptly
FOLD_STEEPNESS = 0.6
YOUNG, OLD = 0.45, 1.0  # depth at 20 and at 70 years
MEN = 1.15


@dataclass(frozen=True, eq=False)
class Relief:
    """Furrows and folds at n points of the skin."""

    slope: F64  # [n, 3] gradient of the height, in the skin's plane
    depth: F64  # [n] 0 on the crests .. 1 at the bottom of the deepest furrow


class Skin:
    """Points of a person's skin [n, 3] in the rest pose, which can be asked for their relief in any pose.

    A sheet on a soft ground buckles across its compression, at a wavelength of its own; furrows begin at some strain
    and deepen with it (Genzer and Groenewold 2006). Those of neighbouring points are joined by aligning their phases
    (the position field of Jakob et al. 2015). The fold between nose and cheek has its place by anatomy.
    """

    def __init__(self, figure: Figure, points: F64, normals: F64) -> None:
        self._figure, self._points, self._normals = figure, points, normals
        distance, near = KDTree(figure.centres).query(points, k=STRAIN_NEIGHBOURS)
        self._near = np.asarray(near, np.int64)
        facing = (figure.normals[figure.triangles[self._near, 0]] * normals[:, None]).sum(-1) > 0.3
        self._weight = _kernel(distance, STRAIN_BLUR) * facing + 1e-12
        self._weight /= self._weight.sum(1, keepdims=True)
        self._capable = self._capability()
        self._fold, self._off_fold, self._across_fold, self._along_fold = _nasolabial_fold(figure, points)
        self._age = skin_age(figure)

    def relief(self, posed: F64, *, folds: float = 1.0) -> Relief:
        """Relief when the mesh takes the vertices `posed` [V, 3]; folds beside the nose are `folds` times as deep."""
        amount, across = self.compression(posed)
        slope, depth = self._furrows(amount, across)
        fold_slope, fold_depth = self._folds(amount, across)
        return Relief(slope + folds * fold_slope, np.minimum(depth + folds * fold_depth, 1))

    def compression(self, posed: F64) -> tuple[F64, F64]:
        """Largest relative shortening [n] of the skin, and its direction [n, 3] in the rest pose."""
        figure = self._figure
        tensors = strain(figure.vertices, figure.fine(posed), figure.triangles)
        mean = np.einsum("nk,nkij->nij", self._weight, tensors[self._near])
        height = self._points[:, 1] - figure.head.eyes[:, 1].mean()
        rows = np.flatnonzero(height > FOREHEAD[0])
        share = smoothstep(*FOREHEAD, height[rows])[:, None, None]
        mean[rows] += share * (_blurred_widely(self._points[rows], mean[rows]) - mean[rows])
        stretch, directions = np.linalg.eigh(mean)
        across = unit(tangent(directions[:, :, 0], self._normals))
        return np.clip(-stretch[:, 0], 0, None), across

    def _furrows(self, amount: F64, across: F64) -> tuple[F64, F64]:
        """Slope [n, 3] and depth [n] of the many furrows."""
        slope, depth = np.zeros_like(self._points), np.zeros(len(self._points))
        strength = smoothstep(ONSET, FULL, amount) * self._capable * self._age
        height = self._points[:, 1] - self._figure.head.eyes[:, 1].mean()
        strength *= 1 - np.abs(across[:, 0]) * smoothstep(*FROWN, height)
        rows = np.flatnonzero(strength > 0.01)
        if len(rows) <= NEIGHBOURS:
            return slope, depth
        p, across, seed = self._points[rows], across[rows], self._figure.person.seed
        wave = interpolate(self._figure.eye_distance(p), WAVELENGTH)
        phase = aligned_phase(p, across, wave, seed)
        valley = np.exp(SHARPNESS * (np.cos(phase) - 1)) * strength[rows] * _broken(p, seed)
        slope[rows] = (STEEPNESS * np.sqrt(SHARPNESS) * valley * np.sin(phase))[:, None] * across
        depth[rows] = valley
        return slope, depth

    def _folds(self, amount: F64, across: F64) -> tuple[F64, F64]:
        """Slope [n, 3] and depth [n] of the fold between nose, mouth and cheek: a groove below a bulge."""
        strength = smoothstep(0, FULL, amount) * np.abs((across * self._across_fold).sum(1))
        strength = self._running_on(strength) * self._fold * (0.35 + 0.65 * self._age)
        off = self._off_fold * (1 - amount)  # widths are those of the skin when it is folded
        groove = np.exp(-0.5 * (off / FOLD_VALLEY) ** 2)
        rise = np.exp(-0.5 * ((off - FOLD_RISE) / FOLD_RISE) ** 2)
        climb = 0.8 * np.sqrt(np.e) * off / FOLD_VALLEY * groove - 0.5 * (off - FOLD_RISE) / FOLD_RISE * rise
        climb = np.where(off > -2 * FOLD_VALLEY, climb, climb * np.exp((off + 2 * FOLD_VALLEY) / FOLD_VALLEY))
        return (FOLD_STEEPNESS * strength * climb)[:, None] * self._across_fold, strength * groove

    def _running_on(self, strength: F64) -> F64:
        """Strength [n] of the fold from that of the skin [n] beside its line, of each side of the face for itself."""
        out = np.zeros_like(strength)
        steps = np.linspace(0, 1, 41)
        for side in (self._points[:, 0] > 0, self._points[:, 0] <= 0):
            near = np.flatnonzero(side & (self._fold > 0))
            apart = (self._along_fold[near] - steps[:, None]) / FOLD_RUNS_ON
            weight = np.exp(-0.5 * apart**2 - 0.5 * (self._off_fold[near] / FOLD_BESIDE) ** 2)
            profile = (weight * strength[near]).sum(1) / np.maximum(weight.sum(1), 1e-12)
            out[near] = np.interp(self._along_fold[near], steps, profile)
        return out

    def _capability(self) -> F64:
        """Where skin furrows at all, 0..1: hardly on the cheeks; not at lids, lips, ears, nostrils, scalp and neck.

        Between lid and brow the skin gathers in the lid's one crease, and is stretched again by every blink.
        """
        figure, p = self._figure, self._points
        masks = {name: mask[self._near[:, 0]] for name, mask in figure.triangle_masks.items()}
        out = 1 - smoothstep(0.05, 0.3, np.max([masks["lips"], masks["inside-mouth"], masks["ears"]], axis=0))
        eyes = figure.eye_distance(p)
        out *= smoothstep(0.0145, 0.0185, eyes) * (1 - _upper_lid(figure, p))
        out *= smoothstep(0.006, 0.014, np.linalg.norm(p - (figure.nose - [0, 0.008, 0.006]), axis=1))
        out *= smoothstep(figure.chin[1] - 0.014, figure.chin[1] - 0.004, p[:, 1])
        cheek = smoothstep(0.026, 0.036, eyes) * smoothstep(0.014, 0.020, np.abs(p[:, 0])) * (p[:, 1] < 0.035)
        return out * (1 - (1 - CHEEK) * cheek) * (1 - scalp_cover(figure, p)[0]) * smoothstep(-0.02, 0.0, p[:, 2])


def _upper_lid(figure: Figure, p: F64) -> F64:
    """1 between the eye and the brow."""
    eye = figure.head.eyes[0]
    height, aside = p[:, 1] - figure.head.eyes[:, 1].mean(), np.abs(np.abs(p[:, 0]) - eye[0])
    return smoothstep(0.001, 0.005, height) * smoothstep(0.022, 0.017, height) * smoothstep(0.025, 0.018, aside)


def skin_age(figure: Figure) -> float:
    """How deep this person's skin folds, 0..1, from age and sex."""
    shape = figure.person.shape
    years = 25 + 130 * (shape.age - 0.5)  # MakeHuman's axis from 25 years on
    return float(interpolate(years, {20: YOUNG, 70: OLD})) * (1 + (MEN - 1) * shape.gender)


def _kernel(distance: F64, radius: float) -> F64:
    return np.exp(-0.5 * (distance / radius) ** 2)


def _blurred_widely(points: F64, values: F64) -> F64:
    """Values [n, ...] at points, averaged over FOREHEAD_BLUR, from a tenth of the points."""
    some = np.arange(len(points))[::10]
    distance, near = KDTree(points[some]).query(points, k=min(FOREHEAD_NEIGHBOURS // 5, len(some)))
    weight = _kernel(distance, FOREHEAD_BLUR)
    return np.einsum("nk,nk...->n...", weight / weight.sum(1, keepdims=True), values[some][near])


def strain(rest: F64, posed: F64, triangles: I64) -> F64:
    """Strain sum_k (s_k - 1) d_k d_k^T of each triangle [F, 3, 3], with principal stretches s and directions d."""
    a, b, c = (rest[triangles[:, k]] for k in range(3))
    x = unit(b - a)
    y = np.cross(unit(np.cross(b - a, c - a)), x)
    plane = np.stack([x, y], 1)  # [F, 2, 3]
    edges = np.einsum("fij,fkj->fik", plane, np.stack([b - a, c - a], 1))
    a, b, c = (posed[triangles[:, k]] for k in range(3))
    gradient = np.stack([b - a, c - a], 2) @ np.linalg.inv(edges)  # [F, 3, 2]
    squares, directions = np.linalg.eigh(gradient.transpose(0, 2, 1) @ gradient)
    world = np.einsum("fij,fik->fkj", plane, directions)  # [F, k, 3]
    return np.einsum("fk,fki,fkj->fij", np.sqrt(np.clip(squares, 0, None)) - 1, world, world)


def _nasolabial_fold(figure: Figure, points: F64) -> tuple[F64, F64, F64, F64]:
    """The fold from the wing of the nose past the corner of the mouth.

    How much of it there is at the points [n], their distance to its line [n] (positive on the cheek), the direction of
    that distance [n, 3], and where along the line they lie [n], 0..1.
    """
    corner = np.abs(figure.head.vertices[figure.topology.mouth_corners]).mean(0)
    lips, nose = figure.lips[1], figure.nose[1]
    line = np.array(
        [
            [0.70 * corner[0] + 0.5 * MM, nose + 5 * MM],
            [0.74 * corner[0] + 4.0 * MM, 0.75 * nose + 0.25 * lips],
            [corner[0] + 6.0 * MM, 0.3 * nose + 0.7 * lips],
            [corner[0] + 8.5 * MM, lips - 1 * MM],
            [corner[0] + 7.5 * MM, lips - 11 * MM],
        ]
    )
    line = _rounded(line)
    distance, nearest = KDTree(line).query(np.column_stack([np.abs(points[:, 0]), points[:, 1]]))
    along = unit(np.gradient(line, axis=0))[nearest]
    outward = np.column_stack([-along[:, 1], along[:, 0], np.zeros(len(points))])  # to the left of a line that descends
    arm = np.column_stack([np.abs(points[:, 0]), points[:, 1]]) - line[nearest]
    off = distance * np.sign((arm * outward[:, :2]).sum(1))
    share = np.asarray(nearest, np.float64) / (len(line) - 1)
    amount = smoothstep(0.0, 0.12, share) * smoothstep(1.0, 0.6, share) * smoothstep(0.018, 0.010, distance)
    amount *= points[:, 2] > 0.045
    outward[:, 0] *= np.sign(points[:, 0])
    return amount, off, outward, share


def _rounded(line: F64) -> F64:
    """A smooth curve of 100 points through those of `line`."""
    from scipy.interpolate import CubicSpline

    return CubicSpline(np.linspace(0, 1, len(line)), line)(np.linspace(0, 1, 100))


def aligned_phase(points: F64, across: F64, wave: F64, seed: int) -> F64:
    """Phase [n] of the furrows: it grows by one turn per wavelength along `across` (whose sign is free)."""
    number = 2 * np.pi / wave
    distance, near = KDTree(points).query(points, k=NEIGHBOURS + 1)
    near, distance = np.asarray(near, np.int64)[:, 1:], np.asarray(distance)[:, 1:]
    same = np.sign((across[near] * across[:, None]).sum(-1) + 1e-9)
    mean = unit(across[:, None] + same[..., None] * across[near])
    advance = ((points[:, None] - points[near]) * mean).sum(-1) * 0.5 * (number[:, None] + number[near])
    step = np.exp(1j * advance) * _kernel(distance, 2 * MM)
    upward = np.where((across * [0.3, 1, 0.1]).sum(1) < 0, -1, 1)
    wander = 2 * np.pi * WANDER * fractal_noise(points, 90.0, 71 + 100 * seed, 2)
    start = number * (points * across * upward[:, None]).sum(1) + wander
    start += np.pi * np.abs(across[:, 0])  # upright furrows lie beside the midline, not on it
    wheel = np.exp(1j * upward * start)
    for _ in range(ALIGNMENT_STEPS):
        total = (np.where(same > 0, wheel[near], wheel[near].conj()) * step).sum(1)
        wheel = total / np.maximum(np.abs(total), 1e-12)
    return np.angle(wheel * np.exp(1j * upward * wander))


def _broken(points: F64, seed: int) -> F64:
    """Furrows come and go along their length, 0..1."""
    return smoothstep(-0.75, 0.35, fractal_noise(points, 55.0, 83 + 100 * seed, 2))
