"""Triangle meshes as surfaces: normals, nearest points, what is seen from the front."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from scipy.sparse import csr_array

F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
Index = NDArray[np.int64]

CANDIDATES = 12  # triangles per point that are looked at for the nearest
FLAT = 1e-12  # squared sine of an angle of a triangle that is an edge rather than a triangle
FACING = 0.3  # cosine between normals from which on two surfaces face the same way


@dataclass(frozen=True, eq=False)
class Nearest:
    """The points of a surface that are nearest to n given points."""

    face: Index  # [n] triangle
    weight: F64  # [n, 3] barycentric
    point: F64  # [n, 3]
    distance: F64  # [n] metres; infinite where no triangle near faces the same way


@dataclass(frozen=True, eq=False)
class Surface:
    """A triangle mesh; vertices that no triangle uses may be there."""

    vertices: F64  # [V, 3]
    faces: I32  # [F, 3]

    @cached_property
    def normals(self) -> F64:
        """Area-weighted unit normals [V, 3]."""
        a, b, c = self.vertices[self.faces.T]
        total = np.zeros_like(self.vertices)
        np.add.at(total, self.faces, np.cross(b - a, c - a)[:, None])
        return total / np.maximum(np.linalg.norm(total, axis=1, keepdims=True), 1e-12)

    @cached_property
    def face_normals(self) -> F64:
        """Unit normals [F, 3]."""
        a, b, c = self.vertices[self.faces.T]
        normal = np.cross(b - a, c - a)
        return normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)

    @cached_property
    def border(self) -> NDArray[np.bool_]:
        """Whether a vertex lies on the edge of the mesh, [V]."""
        edges = np.sort(self.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        single, count = np.unique(edges, axis=0, return_counts=True)
        border = np.zeros(len(self.vertices), bool)
        border[single[count == 1]] = True
        return border

    def neighbours(self) -> csr_array:
        """Averaging matrix [V, V] over each vertex' neighbours."""
        from scipy.sparse import csr_array, diags_array

        i, j = self.faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2).T
        count = len(self.vertices)
        adjacent = csr_array((np.ones(2 * len(i)), (np.r_[i, j], np.r_[j, i])), (count, count))
        adjacent.data[:] = 1
        degree = np.maximum(adjacent.sum(axis=1), 1)
        return csr_array(diags_array(1 / degree) @ adjacent)

    def nearest(self, points: F64, normals: F64 | None = None) -> Nearest:
        """Nearest points to `points` [n, 3]; with `normals` [n, 3], among triangles that face the same way."""
        from scipy.spatial import KDTree

        corners = self.vertices[self.faces]
        count = min(CANDIDATES, len(corners))
        candidates = KDTree(corners.mean(axis=1)).query(points, count)[1].reshape(len(points), count)
        weight = barycentric_nearest(points[:, None], corners[candidates])
        found = np.einsum("nck,ncka->nca", weight, corners[candidates])
        distance = np.linalg.norm(found - points[:, None], axis=2)
        if normals is not None:
            facing = np.einsum("nca,na->nc", self.face_normals[candidates], normals)
            distance = np.where(facing > FACING, distance, np.inf)
        best = distance.argmin(axis=1)
        rows = np.arange(len(points))
        return Nearest(candidates[rows, best], weight[rows, best], found[rows, best], distance[rows, best])

    def seen_from_front(self, xy: F64) -> tuple[Index, F64]:
        """The triangle [n] (-1: none) and depth z [n] that a ray along -Z through each of `xy` [n, 2] hits first."""
        corners = self.vertices[self.faces]
        low, high = corners[..., :2].min(axis=1), corners[..., :2].max(axis=1)
        near = (high >= xy.min(axis=0)).all(axis=1) & (low <= xy.max(axis=0)).all(axis=1)
        near = np.flatnonzero(near & (self.face_normals[:, 2] > 0))  # what faces away is behind something
        a, b, c = np.moveaxis(corners[near], 1, 0)
        ab, ac = b - a, c - a
        area = ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]
        area = np.where(np.abs(area) < 1e-14, np.inf, area)
        # barycentric coordinates are affine in x and y
        by_u, by_v = np.stack([ac[:, 1], -ac[:, 0]]) / area, np.stack([-ab[:, 1], ab[:, 0]]) / area
        u = xy @ by_u - (a[:, 0] * by_u[0] + a[:, 1] * by_u[1])
        v = xy @ by_v - (a[:, 0] * by_v[0] + a[:, 1] * by_v[1])
        inside = (u >= 0) & (v >= 0) & (u + v <= 1) & np.isfinite(area)
        depth = np.where(inside, a[:, 2] + u * ab[:, 2] + v * ac[:, 2], -np.inf)
        first = depth.argmax(axis=1)
        z = depth[np.arange(len(xy)), first]
        return np.where(np.isfinite(z), near[first], -1), z


def barycentric_nearest(points: F64, triangles: F64) -> F64:
    """Barycentric coordinates [..., 3] of the points of triangles [..., 3, 3] that are nearest to points [..., 3].

    Inside, the foot of the perpendicular; outside, the best of the three edges.
    """
    a, b, c = np.moveaxis(triangles, -2, 0)
    ab, ac, ap = b - a, c - a, points - a
    d00, d01, d11 = _dot(ab, ab), _dot(ab, ac), _dot(ac, ac)
    d20, d21 = _dot(ap, ab), _dot(ap, ac)
    area = d00 * d11 - d01 * d01
    thin = area <= FLAT * d00 * d11
    area = np.where(thin, np.inf, area)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    weight = np.stack([1 - v - w, v, w], axis=-1)
    outside = thin | (weight < 0).any(axis=-1)
    d00, d01, d11, d20, d21, d22 = (
        np.broadcast_to(d, outside.shape)[outside] for d in (d00, d01, d11, d20, d21, _dot(ap, ap))
    )
    along, length = d21 - d20 - d01 + d00, d00 - 2 * d01 + d11  # of b to the point, and of the edge from b to c
    edges = (
        (0, 1, d20, d00, d22),
        (1, 2, along, length, d22 - 2 * d20 + d00),
        (2, 0, d11 - d21, d11, d22 - 2 * d21 + d11),
    )
    nearest, best = np.full(len(d00), np.inf), np.zeros((len(d00), 3))
    for first, second, inner, square, start in edges:
        t = np.clip(inner / np.maximum(square, 1e-30), 0, 1)
        distance = start + t * (t * square - 2 * inner)
        closer = distance < nearest
        nearest[closer] = distance[closer]
        best[closer] = 0
        best[closer, first], best[closer, second] = (1 - t)[closer], t[closer]
    weight[outside] = best
    return weight


def _dot(a: F64, b: F64) -> F64:
    return np.einsum("...a,...a->...", a, b)
