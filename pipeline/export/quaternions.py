"""Rotations of Gaussians as formats pack them: what the packers share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


def unit(quats: F32) -> F64:
    """Quaternions [N, 4] of length 1."""
    return quats / np.linalg.norm(quats.astype(np.float64), axis=1, keepdims=True)


def longest_positive(quats: F32) -> tuple[F64, NDArray[np.int64]]:
    """Quaternions [N, 4] of length 1, the longest number of each positive, and which that is [N]."""
    turned = unit(quats)
    longest = np.abs(turned).argmax(axis=1)
    return turned * np.where(np.take_along_axis(turned, longest[:, None], axis=1) < 0, -1, 1), longest
