"""What of a motion is slow and what is quick: each may be larger or smaller than the network, or the sound, has it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from .space import MOUTH, RATE

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

BANDS = ("slow", "quick")
REACH = 12  # frames on either side that what is slow is averaged over: syllables are quick, phrases slow
# How large the mouth's motion is beside what the sound alone would have it do, by axis and band
BESIDE_SOUND = tuple(f"{axis}.{band}" for axis in MOUTH for band in BANDS)
LEAST_HEARD = 2 * RATE  # frames of free speech from which this is told
AGREE = 0.2  # correlation of jaw and sound below which they are not of one take
BELIEF = 1e-4  # mean square of an axis in the sound from which it tells something
_TAPS = np.hanning(2 * REACH + 3)[1:-1]


def slow(values: NDArray[np.floating], inside: NDArray[np.floating] | None = None) -> F64:
    """What is slow in `values` [T, D]; frames that do not lie `inside` [T] (by default all do) do not count.

    >>> slow(np.full((40, 2), 3.0))[0].round(9).tolist()
    [3.0, 3.0]
    """
    inside = np.ones(len(values)) if inside is None else inside
    weight = np.convolve(inside, _TAPS, mode="full")[REACH:-REACH]
    summed = [np.convolve(column * inside, _TAPS, mode="full")[REACH:-REACH] for column in values.T]
    return np.stack(summed, axis=1) / np.maximum(weight, 1e-9)[:, None]


def beside_sound(mouth: F64, heard: F64, free: Mask) -> F64 | None:
    """By how much the mouth moves more than the sound has it, by axis and band [5, 2]: least squares.

    `mouth` and `heard` [T, 5]: the axes of `MOUTH` at 25 frames per second, as somebody moved them and as the sound
    alone would; `free` [T]: where somebody speaks and no lips touch. What is hardly heard counts as 1. None where there
    is too little speech, or the mouth does not go with the sound.
    """
    if free.sum() < LEAST_HEARD:
        return None
    jaw = np.cov(mouth[free, 0], heard[free, 0])
    if not jaw[0, 1] > AGREE * math.sqrt(jaw[0, 0] * jaw[1, 1]):
        return None
    held = slow(heard)
    parts = np.stack([held, heard - held], axis=2)[free]  # [t, 5, 2]
    doubt = BELIEF * len(parts)
    square = np.einsum("tki,tkj->kij", parts, parts) + doubt * np.eye(len(BANDS))
    product = np.einsum("tki,tk->ki", parts, mouth[free]) + doubt
    found: F64 = np.linalg.solve(square, product[..., None])
    return found[..., 0]
