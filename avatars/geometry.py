"""Geometry of a head's neutral face: areas, distances, and the part of an expression that moves a region."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..core.maths import smoothstep
from .head import HeadModel

if TYPE_CHECKING:
    from scipy.sparse import csr_array

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

CELLS = 200_000  # of a table of distances that is made at once


def vertex_areas(head: HeadModel) -> F64:
    """Area [V] of the surface around each vertex of the neutral face, square metres."""
    a, b, c = head.v_template[head.faces.T].astype(np.float64)
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    areas = np.zeros(len(head.v_template))
    np.add.at(areas, head.faces, area[:, None])
    return areas


def distance_to(head: HeadModel, vertices: I32, *, within: float) -> F64:
    """Distance [V] of every vertex of the neutral face to the nearest of `vertices`, metres; inf beyond `within`."""
    points = head.v_template.astype(np.float64)
    distances = np.full(len(points), np.inf)
    targets = points[vertices]
    if not len(targets):
        return distances
    near = np.flatnonzero(
        ((points > targets.min(axis=0) - within) & (points < targets.max(axis=0) + within)).all(axis=1)
    )
    for some in np.array_split(near, max(1, len(near) * len(targets) // CELLS)):
        apart = (np.subtract.outer(a, b) for a, b in zip(points[some].T, targets.T, strict=True))
        squared = sum((along * along for along in apart), np.zeros(()))
        distances[some] = np.sqrt(squared.min(axis=1))
    distances[distances > within] = np.inf
    return distances


def edge_lengths(vertices: NDArray[np.floating], faces: I32) -> csr_array:
    """Length of the edge between two of the vertices, [V, V], each edge once; the unit is that of `vertices` [V, 3]."""
    from scipy.sparse import csr_array

    pairs = np.unique(np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1), axis=0)
    length = np.linalg.norm(vertices[pairs[:, 0]] - vertices[pairs[:, 1]], axis=1)
    return csr_array((length, pairs.T), (len(vertices), len(vertices)))


def motion_form(head: HeadModel, cost: F64) -> F64:
    """Quadratic form [E, E]: `expr @ form @ expr` is the squared motion of the vertices, weighed by `cost` [V]."""
    moved = np.flatnonzero(cost)
    modes = head.exprdirs[moved].reshape(-1, head.expressions).astype(np.float64)
    return modes.T @ (np.repeat(cost[moved], 3)[:, None] * modes)


def part_of_face(head: HeadModel, vertices: I32, *, full: float, none: float) -> F64:
    """Matrix [E, E]: `expr @ matrix` is the part of an expression that moves the skin around `vertices`.

    The part counts in full up to a distance of `full` metres, not at all beyond `none`. It is the least-squares
    best within the head's expression space; `expr - expr @ matrix` is the rest.
    """
    if not len(vertices):
        return np.zeros((head.expressions, head.expressions))
    inside = motion_form(head, smoothstep((none - distance_to(head, vertices, within=none)) / (none - full)))
    ridge = 1e-6 * np.trace(head.metric) / head.expressions * np.eye(head.expressions)
    return np.linalg.solve(head.metric + ridge, inside).T
