"""Seeded randomness that is a pure function of absolute time, so that a clip made in pieces equals the whole."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

BLOCK = 64  # draws that share one generator
# Root of the mean squared weight sum of the uniform cubic B-spline: the noise below has unit variance
SPLINE_RMS = np.sqrt(151 / 315)


def draws(seed: int, stream: int, index: ArrayLike, width: int = 1) -> F64:
    """Uniform numbers in 0..1, [n, width], one row for each integer `index` [n] (negative ones included).

    A row depends only on (seed, stream, index): `stream` separates the uses of one seed.
    """
    index = np.asarray(index, np.int64)
    out = np.empty((len(index), width))
    blocks = index // BLOCK
    for block in set(blocks.tolist()):
        inside = blocks == block
        out[inside] = _table(seed, stream, block, width)[index[inside] % BLOCK]
    return out


@lru_cache(maxsize=1024)  # neighbouring pieces of a clip draw from the same blocks
def _table(seed: int, stream: int, block: int, width: int) -> F64:
    key = np.random.SeedSequence([seed, stream, 2 * abs(block) + int(block < 0)])
    return np.random.Generator(np.random.PCG64(key)).random((BLOCK, width))


def slow_noise(times: F64, *, seed: int, stream: int, period: float, width: int = 1) -> F64:
    """Smooth noise of mean 0 and variance about 1 at `times` [n] seconds: [n, width], twice differentiable.

    A uniform cubic B-spline over random knots that lie `period` seconds apart.
    """
    position = times / period
    knot = np.floor(position).astype(np.int64)
    f = (position - knot)[:, None]
    weights = ((1 - f) ** 3, 3 * f**3 - 6 * f**2 + 4, -3 * f**3 + 3 * f**2 + 3 * f + 1, f**3)
    total = sum(w / 6 * draws(seed, stream, knot + k, width) for k, w in enumerate(weights))
    return (total - 0.5) * np.sqrt(12) / SPLINE_RMS
