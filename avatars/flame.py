"""FLAME's layout (Li et al. 2017): sizes, the lips' vertices, and the teeth that GaussianAvatars adds.

Vertex numbers are facts of the published topology; no mask file is used.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

VERTICES, FACES = 5023, 9976
SHAPES, EXPRESSIONS = 300, 100
TEETH = 120  # vertices, which follow FLAME's own

# Outer edge of the lips, 15 pairs from one corner to the other; the teeth are built from them (GaussianAvatars)
UPPER_RING = (1713, 1715, 1716, 1735, 1696, 1694, 1657, 3543, 2774, 2811, 2813, 2850, 2833, 2832, 2830)
LOWER_RING = (1576, 1577, 1773, 1774, 1795, 1802, 1865, 3503, 2948, 2905, 2898, 2881, 2880, 2713, 2712)
# Inner edge where the lips meet, from one corner to the other (lip-closure sets of ARTalk and CodeTalker)
UPPER_LIP = (2851, 2849, 2865, 2866, 3546, 1751, 1750, 1734, 1736)
LOWER_LIP = (2882, 2897, 2906, 2939, 3506, 1850, 1803, 1794, 1775)

# Rows of 15 teeth vertices, by the index of their first
UPPER_ROOT, LOWER_ROOT, UPPER_EDGE, LOWER_EDGE, UPPER_ROOT_BACK, UPPER_EDGE_BACK, LOWER_ROOT_BACK, LOWER_EDGE_BACK = (
    range(0, TEETH, 15)
)
# Halves of a quad with corners p, p+1 in one row and q, q+1 in the other: two triangles of (row, step) corners.
# The first corner counts, for it is where the triangle's frame begins.
_P, _P1, _Q, _Q1 = (0, 0), (0, 1), (1, 0), (1, 1)
_SPLITS = {
    "a": ((_P, _Q1, _Q), (_P, _P1, _Q1)),
    "b": ((_P, _P1, _Q), (_P1, _Q1, _Q)),
    "c": ((_P, _Q, _Q1), (_P, _Q1, _P1)),
    "d": ((_P, _Q, _P1), (_P1, _Q, _Q1)),
}
# Strips of 14 quads between two rows, and how their first and their last seven quads are split
_STRIPS = (
    (UPPER_ROOT, UPPER_EDGE, "a", "b"),
    (UPPER_ROOT_BACK, UPPER_EDGE_BACK, "c", "d"),
    (UPPER_EDGE_BACK, UPPER_EDGE, "d", "c"),
    (LOWER_EDGE, LOWER_ROOT, "b", "a"),
    (LOWER_ROOT_BACK, LOWER_EDGE_BACK, "a", "b"),
    (LOWER_EDGE_BACK, LOWER_EDGE, "b", "a"),
)


@dataclass(frozen=True, eq=False)
class FlameArrays:
    """The arrays of a FLAME model as published, or with teeth."""

    v_template: F32  # [V, 3] metres
    faces: I32  # [F, 3]
    shapedirs: F32  # [V, 3, 300] identity
    exprdirs: F32  # [V, 3, 100]
    posedirs: F32  # [V, 3, 36]
    weights: F32  # [V, 5]
    J_regressor: F32  # [5, V]


def with_teeth(flame: FlameArrays) -> FlameArrays:
    """FLAME with two rows of teeth behind the lips, bound as in GaussianAvatars: 5143 vertices, 10144 faces."""
    rows = len(range(0, TEETH, 15))
    lips = (flame.shapedirs[list(UPPER_RING)] + flame.shapedirs[list(LOWER_RING)]) / 2
    skin = np.zeros((TEETH, 5), np.float32)
    upper = upper_teeth() - VERTICES
    skin[:, 2] = 1  # lower teeth follow the jaw,
    skin[upper] = (0, 1, 0, 0, 0)  # upper teeth the neck

    def none(like: F32) -> F32:
        return np.zeros((TEETH, *like.shape[1:]), np.float32)

    return replace(
        flame,
        v_template=np.concatenate([flame.v_template, _teeth_positions(flame.v_template)]),
        faces=np.concatenate([flame.faces, teeth_faces() + VERTICES]).astype(np.int32),
        shapedirs=np.concatenate([flame.shapedirs, np.tile(lips, (rows, 1, 1))]),
        exprdirs=np.concatenate([flame.exprdirs, none(flame.exprdirs)]),
        posedirs=np.concatenate([flame.posedirs, none(flame.posedirs)]),
        weights=np.concatenate([flame.weights, skin]),
        J_regressor=np.concatenate([flame.J_regressor, np.zeros((5, TEETH), np.float32)], axis=1),
    )


def upper_teeth() -> I32:
    """Vertices of the upper teeth."""
    return _rows(UPPER_ROOT, UPPER_EDGE, UPPER_ROOT_BACK, UPPER_EDGE_BACK)


def lower_teeth() -> I32:
    """Vertices of the lower teeth."""
    return _rows(LOWER_ROOT, LOWER_EDGE, LOWER_ROOT_BACK, LOWER_EDGE_BACK)


def _rows(*starts: int) -> I32:
    return np.concatenate([VERTICES + start + np.arange(15) for start in starts]).astype(np.int32)


def teeth_faces() -> I32:
    """Triangles [168, 3] of the teeth, counted from the first tooth vertex."""
    faces = []
    for p_row, q_row, first, last in _STRIPS:
        for i in range(14):
            start = (p_row + i, q_row + i)
            for corners in _SPLITS[first if i < 7 else last]:
                faces.append([start[row] + step for row, step in corners])
    return np.array(faces, np.int32)


def _teeth_positions(template: F32) -> F32:
    """Positions [120, 3]; all distances are in units of the mean distance between the outer edges of the lips."""
    upper, lower = template[list(UPPER_RING)], template[list(LOWER_RING)]
    d = np.linalg.norm(upper - lower, axis=1).mean()

    def moved(row: F32, y: float = 0, z: float = 0) -> F32:
        return row + np.array([0, y * d, z * d], np.float32)

    middle: F32 = (upper + lower) / np.float32(2)
    middle[:, 1] = middle[:, 1].mean()
    middle = moved(middle, z=-1.5)
    upper_edge = moved(middle, y=0.1)
    upper_root = moved(upper_edge, y=2)
    lower_edge = moved(middle, y=-0.1, z=-0.4)
    lower_root = moved(lower_edge, y=-2)
    front = {UPPER_ROOT: upper_root, LOWER_ROOT: lower_root, UPPER_EDGE: upper_edge, LOWER_EDGE: lower_edge}
    back = {UPPER_ROOT_BACK: upper_root, UPPER_EDGE_BACK: upper_edge, LOWER_ROOT_BACK: lower_root}
    back[LOWER_EDGE_BACK] = lower_edge
    rows = front | {start: moved(row, z=-1) for start, row in back.items()}
    return np.concatenate([rows[start] for start in sorted(rows)]).astype(np.float32)
