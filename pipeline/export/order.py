"""An order in which neighbours in space are neighbours in the file (Morton 1966): blocks of it compress well."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BITS = 10  # per axis


def morton_order(means: NDArray[np.float32]) -> NDArray[np.int64]:
    """Rows of `means` [N, 3] along the Z-curve through their box."""
    low = means.min(axis=0, initial=np.inf)
    size = np.maximum(means.max(axis=0, initial=-np.inf) - low, 1e-12)
    cells = ((means - low) / size * ((1 << BITS) - 1)).astype(np.uint32)
    code = np.zeros(len(means), np.uint32)
    for bit in range(BITS):
        for axis in range(3):
            code |= (cells[:, axis] >> bit & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable")
