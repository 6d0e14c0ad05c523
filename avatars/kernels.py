"""Compiled inner loops of posing."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..core.compiled import compiled

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]


def skin(rest: F32, weights: F32, transforms: F32) -> F32:
    """Linear blend skinning: rest-pose points [T, V, 3], weights [V, J], transforms [T, J, 3, 4] -> [T, V, 3]."""
    out = np.empty_like(rest)
    _skin(rest, weights, transforms, np.empty((3, 4), np.float32), out)
    return out


def triangle_transforms(vertices: F32, faces: I32) -> F32:
    """Similarity transforms [T, F, 3, 4] of triangles: scale times [edge, normal, edge x normal], and the centroid.

    The frame is GaussianAvatars' (docs/conventions.md): X along the first edge, Y along the normal,
    scale = mean of the first edge's length and the triangle's height over it.
    """
    out = np.empty((len(vertices), len(faces), 3, 4), np.float32)
    _triangle_transforms(vertices, faces, out)
    return out


@compiled("void(float32[:, :, ::1], float32[:, ::1], float32[:, :, :, ::1], float32[:, ::1], float32[:, :, ::1])")
def _skin(rest: F32, weights: F32, transforms: F32, M: F32, out: F32) -> None:
    T, V, _ = rest.shape
    for t in range(T):
        for v in range(V):
            M[:] = np.float32(0)
            for j in range(weights.shape[1]):
                w = weights[v, j]
                if w != 0:
                    for a in range(3):
                        for b in range(4):
                            M[a, b] += w * transforms[t, j, a, b]
            x, y, z = rest[t, v, 0], rest[t, v, 1], rest[t, v, 2]
            for a in range(3):
                out[t, v, a] = M[a, 0] * x + M[a, 1] * y + M[a, 2] * z + M[a, 3]


@compiled("void(float32[:, :, ::1], int32[:, ::1], float32[:, :, :, ::1])")
def _triangle_transforms(vertices: F32, faces: I32, out: F32) -> None:
    T = len(vertices)
    F = len(faces)
    tiny = np.float32(1e-20)
    third = np.float32(1 / 3)
    half = np.float32(0.5)
    for t in range(T):
        for f in range(F):
            p, q, r = vertices[t, faces[f, 0]], vertices[t, faces[f, 1]], vertices[t, faces[f, 2]]
            ex, ey, ez = q[0] - p[0], q[1] - p[1], q[2] - p[2]
            dx, dy, dz = r[0] - p[0], r[1] - p[1], r[2] - p[2]
            edge = math.sqrt(max(ex * ex + ey * ey + ez * ez, tiny))
            ex, ey, ez = ex / edge, ey / edge, ez / edge
            nx, ny, nz = ey * dz - ez * dy, ez * dx - ex * dz, ex * dy - ey * dx
            area = math.sqrt(max(nx * nx + ny * ny + nz * nz, tiny))
            nx, ny, nz = nx / area, ny / area, nz / area
            bx, by, bz = ey * nz - ez * ny, ez * nx - ex * nz, ex * ny - ey * nx
            k = half * (edge + abs(bx * dx + by * dy + bz * dz))
            M = out[t, f]
            M[0, 0], M[1, 0], M[2, 0] = k * ex, k * ey, k * ez
            M[0, 1], M[1, 1], M[2, 1] = k * nx, k * ny, k * nz
            M[0, 2], M[1, 2], M[2, 2] = k * bx, k * by, k * bz
            for a in range(3):
                M[a, 3] = (p[a] + q[a] + r[a]) * third
