"""Small functions of numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def smoothstep(x: NDArray[np.floating]) -> NDArray[np.float64]:
    """0 below 0, 1 above 1, smooth in between (3x^2 - 2x^3)."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)
