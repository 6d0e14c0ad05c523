"""Small geometry on arrays of points, triangles and quads; metres throughout."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Sparse = Any  # scipy's stubs lose the type in products of sparse matrices


def unit(x: ArrayLike) -> F64:
    """Vectors of length one (zero stays zero)."""
    x = np.asarray(x, np.float64)
    return x / np.maximum(np.linalg.norm(x, axis=-1, keepdims=True), 1e-12)


def smoothstep(low: ArrayLike, high: ArrayLike, x: ArrayLike) -> F64:
    """Hermite step from 0 at `low` to 1 at `high`; `low` may lie above `high`."""
    low, high = np.asarray(low, np.float64), np.asarray(high, np.float64)
    t = np.clip((np.asarray(x) - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def bell(x: F64, centre: ArrayLike, radius: float, stretch: ArrayLike = (1, 1, 1)) -> F64:
    """Gaussian bump of points `x` [n, 3] about `centre`; `stretch` shrinks it per axis."""
    return np.exp(-0.5 * (np.linalg.norm((x - np.asarray(centre)) * np.asarray(stretch), axis=-1) / radius) ** 2)


def mirrored(x: F64) -> F64:
    """Points [n, 3] with both sides of the face folded onto the person's left."""
    return np.column_stack([np.abs(x[:, 0]), x[:, 1:]])


def interpolate(x: ArrayLike, table: dict[float, float]) -> F64:
    """Piecewise linear function given as {x: y} in rising x."""
    return np.interp(np.asarray(x, np.float64), list(table), list(table.values()))


def quad_triangles(quads: I64) -> I64:
    """Two triangles per quad [2 Q, 3]: triangle i and i + Q make up quad i."""
    return np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])


def triangle_areas(vertices: F64, triangles: I64) -> F64:
    """Areas [F]."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    return 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)


def vertex_normals(vertices: F64, triangles: I64) -> F64:
    """Area-weighted unit normals [V, 3]."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    face_normals = np.cross(b - a, c - a)
    normals = np.zeros_like(vertices)
    for k in range(3):
        np.add.at(normals, triangles[:, k], face_normals)
    return unit(normals)


def triangle_frames(vertices: F64, triangles: I64) -> tuple[F64, F64, F64]:
    """Centroids [F, 3], rotations [F, 3, 3] with columns (edge, normal, edge x normal), scales [F].

    GaussianAvatars' convention (Qian et al. 2024, section 3.2).
    """
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    edge = unit(b - a)
    normal = unit(np.cross(edge, c - a))
    binormal = np.cross(edge, normal)
    scale = 0.5 * (np.linalg.norm(b - a, axis=1) + np.abs(((c - a) * binormal).sum(1)))
    return (a + b + c) / 3, np.stack([edge, normal, binormal], -1), scale


def frames_about(normals: F64) -> F64:
    """Rotations [n, 3, 3] whose third column is the normal."""
    helper = np.where(np.abs(normals[:, :1]) < 0.8, [[1.0, 0, 0]], [[0, 1.0, 0]])
    x = unit(helper - (helper * normals).sum(1, keepdims=True) * normals)
    return np.stack([x, np.cross(normals, x), normals], -1)


def frames_along(directions: F64) -> F64:
    """Rotations [n, 3, 3] whose first column is the direction."""
    helper = np.where(np.abs(directions[:, 1:2]) < 0.9, [[0, 1.0, 0]], [[1.0, 0, 0]])
    y = unit(np.cross(helper, directions))
    return np.stack([directions, y, np.cross(directions, y)], -1)


def tangent(vectors: F64, normals: F64) -> F64:
    """The part of each vector that lies in the plane of its normal."""
    return vectors - (vectors * normals).sum(-1, keepdims=True) * normals


def neighbour_average(triangles: I64, count: int) -> Sparse:
    """Matrix [V, V] that replaces each vertex by the mean of its neighbours."""
    row = triangles.ravel()
    column = np.roll(triangles, -1, axis=1).ravel()
    links = sparse.coo_matrix((np.ones(len(row)), (row, column)), shape=(count, count)).tocsr()
    links = ((links + links.T) > 0).astype(float)
    degree = np.asarray(links.sum(1)).ravel()
    return sparse.diags(1 / np.maximum(degree, 1)) @ links


def catmull_clark(quads: I64, count: int) -> tuple[Sparse, I64, I64]:
    """One subdivision step (Catmull and Clark 1978) of a quad mesh with boundary and `count` vertices.

    Returns the matrix new-from-old vertices, the new quads (child k of a quad holds its corners
    [corner k, edge k, face, edge k-1]) and the parent of each new quad.
    """
    n_faces = len(quads)
    pairs = np.sort(np.stack([quads, np.roll(quads, -1, 1)], -1).reshape(-1, 2), axis=1)
    edges, edge_of, uses = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    edge_of = edge_of.reshape(n_faces, 4)

    def incidence(rows: I64, columns: I64, shape: tuple[int, int]) -> Sparse:
        return sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=shape).tocsr()

    corner_face = np.repeat(np.arange(n_faces), 4)
    face_points = 0.25 * incidence(corner_face, quads.ravel(), (n_faces, count))
    end_of = np.repeat(np.arange(len(edges)), 2)
    midpoints = 0.5 * incidence(end_of, edges.ravel(), (len(edges), count))
    edge_faces = sparse.diags(1 / uses) @ incidence(edge_of.ravel(), corner_face, (len(edges), n_faces))
    boundary = uses == 1
    keep = np.where(boundary, 1.0, 0.5)
    edge_points = sparse.diags(keep) @ midpoints + sparse.diags(1 - keep) @ edge_faces @ face_points

    identity = sparse.identity(count, format="csr")
    vertex_edges = incidence(edges.ravel(), end_of, (count, len(edges)))
    vertex_faces = incidence(quads.ravel(), corner_face, (count, n_faces))
    valence = np.maximum(np.asarray(vertex_faces.sum(1)).ravel(), 1)
    edge_count = np.maximum(np.asarray(vertex_edges.sum(1)).ravel(), 1)
    inner = (
        sparse.diags(1 / valence**2) @ vertex_faces @ face_points
        + sparse.diags(2 / (valence * edge_count)) @ vertex_edges @ midpoints
        + sparse.diags((valence - 3) / valence) @ identity
    )
    border_edges = vertex_edges @ sparse.diags(boundary.astype(float))
    border_count = np.asarray(border_edges.sum(1)).ravel()
    border = 0.5 * identity + 0.5 * sparse.diags(1 / np.maximum(border_count, 1)) @ border_edges @ midpoints
    kinds = (border_count == 0, border_count == 2, (border_count != 0) & (border_count != 2))
    vertex_points = sum(
        (sparse.diags(kind.astype(float)) @ rule for kind, rule in zip(kinds, (inner, border, identity), strict=True)),
        sparse.csr_matrix((count, count)),
    )
    matrix = sparse.vstack([vertex_points, face_points, edge_points]).tocsr()
    face = count + np.arange(n_faces)
    edge = count + n_faces + edge_of
    children = [np.stack([quads[:, k], edge[:, k], face, edge[:, k - 1]], 1) for k in range(4)]
    return matrix, np.stack(children, 1).reshape(-1, 4), np.repeat(np.arange(n_faces), 4)


def isoline(vertices: F64, triangles: I64, field: F64, level: float) -> tuple[F64, F64, I64]:
    """Where a vertex field [V] crosses `level`: segment starts and ends [S, 3] and their triangles [S]."""
    above = field[triangles] > level
    mixed = np.flatnonzero(above.any(1) & ~above.all(1))
    t, up = triangles[mixed], above[mixed]
    # rotate each triangle so that its odd corner comes first
    odd = np.argmax(np.where(up.sum(1, keepdims=True) == 1, up, ~up), axis=1)
    t = np.take_along_axis(t, (odd[:, None] + np.arange(3)) % 3, axis=1)

    def crossing(a: I64, b: I64) -> F64:
        w = (level - field[a]) / (field[b] - field[a])
        return vertices[a] + w[:, None] * (vertices[b] - vertices[a])

    return crossing(t[:, 0], t[:, 1]), crossing(t[:, 0], t[:, 2]), mixed


def sphere_directions(n: int) -> F64:
    """Fibonacci sphere: n nearly even unit vectors [n, 3]."""
    i = np.arange(n) + 0.5
    polar, azimuth = np.arccos(1 - 2 * i / n), np.pi * (1 + 5**0.5) * i
    return np.stack([np.cos(azimuth) * np.sin(polar), np.sin(azimuth) * np.sin(polar), np.cos(polar)], 1)


def fit_sphere(points: F64) -> tuple[F64, float]:
    """Least-squares centre and radius."""
    system = np.c_[2 * points, np.ones(len(points))]
    x = np.linalg.lstsq(system, (points**2).sum(1), rcond=None)[0]
    return x[:3], float(np.sqrt(x[3] + x[:3] @ x[:3]))


def rigid_rotation(before: F64, after: F64) -> F64:
    """The rotation [3, 3] that best carries `before` onto `after` (Kabsch)."""
    u, _, vt = np.linalg.svd((before - before.mean(0)).T @ (after - after.mean(0)))
    return (u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt).T


def quaternions(rotations: F64) -> F64:
    """Rotations [N, 3, 3] as wxyz with w >= 0, [N, 4]."""
    from scipy.spatial.transform import Rotation

    xyzw = Rotation.from_matrix(rotations).as_quat()
    wxyz = xyzw[:, [3, 0, 1, 2]]
    return wxyz * np.where(wxyz[:, :1] < 0, -1, 1)
