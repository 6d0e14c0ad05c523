"""Small functions of numbers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

F = TypeVar("F", bound=np.floating)


def smoothstep(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, smooth in between (3x^2 - 2x^3)."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def softmax(logits: NDArray[F]) -> NDArray[F]:
    """Shares [n, K] of sum 1 that are in proportion to the exponentials of `logits` [n, K]."""
    powers: NDArray[F] = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.divide(powers, powers.sum(axis=1, keepdims=True), dtype=logits.dtype)


def runs(mask: NDArray[np.bool_]) -> Iterator[tuple[int, int]]:
    """First index of each run of True in [n], and the first one after it.

    >>> list(runs(np.array([True, True, False, True])))
    [(0, 2), (3, 4)]
    """
    edges = np.flatnonzero(np.diff(np.concatenate([[0], mask.astype(np.int8), [0]])))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


def widened(signal: NDArray[F], before: int, after: int) -> NDArray[F]:
    """The greatest of each sample [n], of the `before` that follow it and of the `after` that precede it, or 0 beyond.

    >>> widened(np.array([0.0, 0.0, 1.0, 0.0, 0.0]), 1, 2)
    array([0., 1., 1., 1., 1.])
    """
    padded: NDArray[F] = np.pad(signal, (after, before))
    greatest: NDArray[F] = sliding_window_view(padded, before + after + 1).max(axis=1)
    return greatest
