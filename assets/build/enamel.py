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
TOUCHING = 1.03  # in the width of the mesh's crowns, which stand apart
NECK = 0.15  # of the crown's height that the gums always hide
# by tooth, from the central incisor to the molar
NECK_WIDTH = (0.74, 0.72, 0.72, 0.76, 0.78, 0.84)
CORNER = ((0.13, 0.22), (0.18, 0.30), (0.38, 0.46), (0.34, 0.36), (0.26, 0.28), (0.18, 0.18))  # mesial, distal
CORNER_HEIGHT = (0.24, 0.28, 0.36, 0.34, 0.28, 0.2)  # of the crown, over which the corners round off
EDGE_DEPTH = (0.18, 0.36)  # half the depth of the biting edge, of front and back teeth, in the depth of the crown
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
    """Points on the sides of a crown that can be seen, and over its biting edge."""
    rows = np.linspace(NECK, 1, max(4, round(crown.size[2] * (1 - NECK) / spacing)))
    parts = [_row(crown, v, k % 2, spacing, rng) for k, v in enumerate(rows.tolist())]
    heights = rows.tolist()
    for share in np.arange(1, 0, -spacing / (EDGE_DEPTH[crown.index > 2] * crown.size[1]))[1:].tolist():
        parts.append(_over_the_edge(crown, share, spacing))
        heights.append(1.0)
    height = np.repeat(heights, [len(p) for p, _ in parts])
    local, normal = (np.concatenate(x) for x in zip(*parts, strict=True))
    side = np.abs(local[:, 0]) / (0.5 * crown.size[0])
    turn = _unevenness(rng)
    local, normal = local @ turn, normal @ turn
    local[:, 2] += EDGE * rng.uniform(-1, 1) * height
    return Enamel(crown.centre + local @ crown.axes, normal @ crown.axes, np.full(len(local), spacing), side, height)


def _row(crown: Crown, v: float, odd: int, spacing: float, rng: np.random.Generator) -> tuple[F64, F64]:
    """Points and normals of one row at height `v`, jittered; odd rows are staggered."""
    angle = np.linspace(*LABIAL, 400)
    ring = _ring(crown, angle, v)
    upwards = _ring(crown, angle, min(v + 0.02, 1)) - _ring(crown, angle, v - 0.02)
    normal = unit(np.cross(np.gradient(ring, axis=0), upwards))
    normal *= np.sign((normal * [1, 1, 0] * ring).sum(1, keepdims=True) + 1e-12)
    length = np.r_[0, np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))]
    count = max(5, round(length[-1] / spacing))
    place = np.arange(count) + 0.25 + 0.5 * odd + 0.25 * rng.uniform(-1, 1, count)
    at = place / count * length[-1]
    points, normals = (np.stack([np.interp(at, length, x[:, k]) for k in range(3)], 1) for x in (ring, normal))
    return points, unit(normals)


def _over_the_edge(crown: Crown, share: float, spacing: float) -> tuple[F64, F64]:
    """Points and normals of a ring that closes the biting edge; `share` of the edge's depth."""
    angle = np.linspace(*LABIAL, 400)
    ring = _ring(crown, angle, 1.0) * [0.5 + 0.5 * share, share, 1] - [0, 0, 0.10 * MM * (1 - share)]
    count = max(4, round(np.linalg.norm(np.diff(ring, axis=0), axis=1).sum() / spacing))
    chosen = np.round(np.linspace(0, len(angle) - 1, count)).astype(int)
    return ring[chosen], np.tile(unit([0, 0.35, -1.0]), (count, 1))


def _unevenness(rng: np.random.Generator) -> F64:
    """A small rotation [3, 3] about the tooth's own axis and in the plane of the row."""
    a, b = rng.uniform(-1, 1, 2) * (TURN, TILT)
    spin = np.array([[np.cos(a), np.sin(a), 0], [-np.sin(a), np.cos(a), 0], [0, 0, 1]])
    lean = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    return spin @ lean


def _ring(crown: Crown, angle: F64, v: float) -> F64:
    """Cross-section [n, 3] at height `v` in the crown's own axes."""
    index, (width, depth, height) = crown.index, crown.size * np.array([TOUCHING, 1, 1])
    c, s = np.cos(angle), np.sin(angle)
    x = np.sign(c) * np.abs(c) ** ROUNDING / 2
    y = np.sign(s) * np.abs(s) ** ROUNDING / 2
    start = 1 - CORNER_HEIGHT[index]
    drop = np.clip((v - start) / (1 - start), 0, 1)
    neck = 1 - (1 - NECK_WIDTH[index]) * (1 - smoothstep(0, 0.75, v))
    cut = np.where(x < 0, *CORNER[index]) * (1 - np.sqrt(1 - 0.98 * drop**2))
    front = index < 3  # incisors and canines are thin at the edge
    deep = 1 - (0.60 * v**1.4 if front else 0.16 * v)
    deep *= 1 - (0.25 if front else 0.12) * smoothstep(0.8, 1, v)
    return np.stack([x * width * neck * (1 - 2 * cut), y * depth * deep, np.full(len(angle), (0.5 - v) * height)], 1)
