"""The smooth crowns on which the Gaussians of the teeth lie: finer than the mesh, and inside it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import smoothstep, unit

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
ROUNDING = 0.80  # exponent of the cross-section: 1 is an ellipse, 0 a box
LABIAL = (-0.12 * np.pi, 1.12 * np.pi)  # part of the cross-section that can be seen; the front is at pi / 2
NECK = 0.15  # of the crown's height that the gums always hide
# by tooth, from the central incisor to the molar
NECK_WIDTH = (0.74, 0.72, 0.72, 0.76, 0.78, 0.84)
CORNER = ((0.13, 0.22), (0.18, 0.30), (0.38, 0.46), (0.34, 0.36), (0.26, 0.28), (0.18, 0.18))  # mesial, distal
CORNER_HEIGHT = (0.24, 0.28, 0.36, 0.34, 0.28, 0.2)  # of the crown, over which the corners round off
TURN, TILT, EDGE = np.radians(7.0), np.radians(2.5), 0.2 * MM  # at most: no row is perfectly even


@dataclass(frozen=True, eq=False)
class Crown:
    """Where one tooth of the mesh stands."""

    index: int  # 0 the central incisor .. 5 the molar
    centre: F64  # [3]
    axes: F64  # [3, 3] rows: towards the back of the row, outwards, towards the root
    size: F64  # [3] along these, metres

    @staticmethod
    def of(vertices: F64, index: int) -> Crown:
        """The crown with these vertices [n, 3] of the mesh, whose last two are its poles."""
        root, edge = vertices[-2:]
        up = unit(root - edge)
        centre = 0.5 * (root + edge)
        local = vertices - centre
        # the mesh lists every ring from the side that looks towards the back
        along = local[0] - local[5]
        along = unit(along - (along @ up) * up)
        along = along if (along[2] < 0 or (index == 0 and along[0] * centre[0] > 0)) else -along
        out = np.cross(along, up)
        out = out if out[2] > 0 or (index > 2 and out[0] * centre[0] > 0) else -out
        axes = np.stack([along, out, up])
        return Crown(index, centre, axes, np.ptp(local @ axes.T, axis=0))


@dataclass(frozen=True, eq=False)
class Enamel:
    """Points on one crown."""

    position: F64  # [n, 3]
    normal: F64  # [n, 3]
    radius: F64  # [n] distance to the neighbours, metres
    side: F64  # [n] 0 in the middle of the tooth .. 1 where it meets its neighbours
    height: F64  # [n] 0 at the root .. 1 at the biting edge


def enamel(crown: Crown, spacing: float, rng: np.random.Generator) -> Enamel:
    """Rows of points from the neck to the biting edge, and over the edge to the back."""
    width, depth, height = crown.size
    i = crown.index
    rows = np.linspace(NECK, 1, max(4, round(height * (1 - NECK) / spacing)))
    angle = np.linspace(*LABIAL, 400)
    points, normals, radius, side, along = [], [], [], [], []
    for v in rows:
        ring = _ring(i, angle, v, width, depth, height)
        ahead, behind = (
            _ring(i, angle, float(np.clip(v + d, 0, 1)), width, depth, height) for d in (0.02, -0.02)
        )
        normal = unit(np.cross(np.gradient(ring, axis=0), ahead - behind))
        normal *= np.sign((normal * [1, 1, 0] * ring).sum(1, keepdims=True) + 1e-12)
        length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))]
        count = max(5, round(length[-1] / spacing))
        at = (np.arange(count) + 0.5 + 0.25 * rng.uniform(-1, 1, count) + 0.5 * (len(points) % 2 - 0.5)) / count * length[-1]
        points.append(np.stack([np.interp(at, length, ring[:, k]) for k in range(3)], 1))
        normals.append(unit(np.stack([np.interp(at, length, normal[:, k]) for k in range(3)], 1)))
        radius.append(np.full(count, spacing))
        side.append(np.abs(points[-1][:, 0]) / (0.5 * width))
        along.append(np.full(count, v))
    # the biting edge is closed by rings that draw in
    last = _ring(i, angle, 1.0, width, depth, height)
    for share in np.arange(1, 0, -spacing / (0.36 * depth * (0.5 if i < 3 else 1)))[1:]:
        ring = last * [0.5 + 0.5 * share, share, 1] - [0, 0, 0.10 * MM * (1 - share)]
        count = max(4, round(np.linalg.norm(np.diff(ring, axis=0), axis=1).sum() / spacing))
        chosen = np.round(np.linspace(0, len(angle) - 1, count)).astype(int)
        points.append(ring[chosen])
        normals.append(np.tile(unit([0, 0.35, -1.0]), (count, 1)))
        radius.append(np.full(count, spacing))
        side.append(np.abs(ring[chosen, 0]) / (0.5 * width))
        along.append(np.ones(count))
    local, normal = np.concatenate(points), np.concatenate(normals)
    turn = _unevenness(rng)
    local, normal = local @ turn, normal @ turn
    local[:, 2] += EDGE * rng.uniform(-1, 1) * np.concatenate(along)
    return Enamel(
        crown.centre + local @ crown.axes,
        normal @ crown.axes,
        np.concatenate(radius),
        np.concatenate(side),
        np.concatenate(along),
    )


def _unevenness(rng: np.random.Generator) -> F64:
    """A small rotation [3, 3] about the tooth's own axis and in the plane of the row."""
    a, b = rng.uniform(-1, 1, 2) * (TURN, TILT)
    spin = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    lean = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    return spin @ lean


def _ring(index: int, angle: F64, v: float, width: float, depth: float, height: float) -> F64:
    """Cross-section [n, 3] at height `v` in the crown's own axes."""
    c, s = np.cos(angle), np.sin(angle)
    x = np.sign(c) * np.abs(c) ** ROUNDING / 2
    y = np.sign(s) * np.abs(s) ** ROUNDING / 2
    start = 1 - CORNER_HEIGHT[index]
    drop = np.clip((v - start) / (1 - start), 0, 1)
    neck = 1 - (1 - NECK_WIDTH[index]) * (1 - smoothstep(0, 0.75, v))
    mesial, distal = CORNER[index]
    cut = np.where(x < 0, mesial, distal) * (1 - np.sqrt(1 - 0.98 * drop**2))
    deep = 1 - (0.60 * v**1.4 if index < 3 else 0.16 * v)
    deep *= 1 - (0.25 if index < 3 else 0.12) * smoothstep(0.8, 1, v)
    return np.stack([x * width * neck * (1 - 2 * cut), y * depth * deep, np.full(len(angle), (0.5 - v) * height)], 1)
