"""Numbers that are multiples of a unit, as bytes: a quarter of the memory that a frame has to read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
LARGEST = 127  # of a byte
FEW = 1000  # rows at a time, which stay in the cache
ROUNDING = 2**-22  # of the largest number: that of a quotient and two products


@dataclass(frozen=True, eq=False)
class Packed:
    """An array as float32, or as int8 times a unit: the other one is empty.

    `units` are 0 where the floats hold the numbers.
    """

    floats: F32
    whole: NDArray[np.int8]
    units: F32

    def arranged(self, arrange: Callable[[NDArray], NDArray]) -> Packed:
        """The same numbers in another order, flat."""
        if self.whole.size:
            return Packed(self.floats, arrange(self.whole).reshape(-1), self.units)
        return Packed(arrange(self.floats).reshape(-1), self.whole, self.units)


def packed(array: F32, *, axis: int | None = None) -> Packed:
    """Pack an array, with one unit or one per index of `axis`, not 0, where that loses no more than float32 rounds.

    It does so for what was kept as bytes in the file of an avatar.

    >>> found = packed(np.array([-1.27, 0.5, 0.01], np.float32))
    >>> found.whole.tolist(), found.units.tolist()
    ([-127, 50, 1], [0.009999999776482582])
    >>> packed(np.array([-1.27, 0.505, 0.01], np.float32)).whole.size
    0
    """
    others = tuple(k for k in range(array.ndim) if k != axis)
    most, least = (of(array, axis=others, keepdims=True, initial=0) for of in (np.max, np.min))
    largest = np.maximum(most, -least)
    units = (largest / LARGEST).astype(np.float32)
    units = np.where(units > 0, units, np.float32(1))
    as_it_is = Packed(array, np.zeros(0, np.int8), np.zeros(units.size, np.float32))
    if not array.size:
        return as_it_is
    whole = np.empty(array.shape, np.int8)
    for start in range(0, len(array), FEW):
        some = array[start : start + FEW]
        rounded = np.rint(some / units)
        if (np.abs(rounded * units - some) > ROUNDING * largest).any():
            return as_it_is
        whole[start : start + FEW] = rounded
    return Packed(np.zeros(0, np.float32), whole, units.reshape(-1))
