"""Value noise and blue-noise sampling, both reproducible from a seed."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

F64 = NDArray[np.float64]


@njit(cache=True)
def _lattice(i: int, j: int, k: int, seed: int) -> float:
    n = (i * 374761393 + j * 668265263 + k * 2147483647 + seed * 1274126177) & 0xFFFFFFFF
    n = ((n ^ (n >> 13)) * 1274126177) & 0xFFFFFFFF
    return ((n ^ (n >> 16)) & 0xFFFF) / 32767.5 - 1.0


@njit(cache=True)
def _value_noise(points: F64, frequency: float, seed: int) -> F64:
    out = np.zeros(len(points))
    for a in range(len(points)):
        p = points[a] * frequency
        base = np.floor(p)
        f = p - base
        f = f * f * (3 - 2 * f)
        i, j, k = int(base[0]), int(base[1]), int(base[2])
        for di in range(2):
            for dj in range(2):
                for dk in range(2):
                    w = (f[0] if di else 1 - f[0]) * (f[1] if dj else 1 - f[1]) * (f[2] if dk else 1 - f[2])
                    out[a] += w * _lattice(i + di, j + dj, k + dk, seed)
    return out


def value_noise(points: F64, frequency: float, seed: int) -> F64:
    """Smooth noise in -1..1 at points [n, 3] (metres); `frequency` is cells per metre."""
    return _value_noise(np.ascontiguousarray(points, np.float64), frequency, seed)


def fractal_noise(points: F64, frequency: float, seed: int, octaves: int = 3) -> F64:
    """Sum of octaves of value noise, each twice as fine and half as strong."""
    return sum(
        (0.5**o * value_noise(points, frequency * 2**o, seed + 17 * o) for o in range(octaves)),
        np.zeros(len(points)),
    )


@njit(cache=True)
def _throw(points: F64, radius: F64, cell: float, dims: NDArray[np.int64], low: F64) -> NDArray[np.bool_]:
    keep = np.zeros(len(points), np.bool_)
    head = np.full(dims[0] * dims[1] * dims[2], -1, np.int64)
    following = np.full(len(points), -1, np.int64)
    for a in range(len(points)):
        i, j, k = ((points[a] - low) / cell).astype(np.int64)
        free = True
        for x in range(max(i - 1, 0), min(i + 2, dims[0])):
            for y in range(max(j - 1, 0), min(j + 2, dims[1])):
                for z in range(max(k - 1, 0), min(k + 2, dims[2])):
                    b = head[(x * dims[1] + y) * dims[2] + z]
                    while b >= 0 and free:
                        r = 0.5 * (radius[a] + radius[b])
                        free = ((points[a] - points[b]) ** 2).sum() >= r * r
                        b = following[b]
        if free:
            keep[a] = True
            c = (i * dims[1] + j) * dims[2] + k
            following[a] = head[c]
            head[c] = a
    return keep


def throw_darts(points: F64, spacing: F64) -> NDArray[np.bool_]:
    """Greedy Poisson-disk selection: keeps points [n, 3], in order, that lie `spacing` [n] from those kept before."""
    cell = float(spacing.max()) * 1.001
    low = points.min(0)
    dims = np.ceil((points.max(0) - low) / cell).astype(np.int64) + 1
    return _throw(np.ascontiguousarray(points, np.float64), spacing, cell, dims, low)
