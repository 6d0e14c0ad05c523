"""The chance that a performance begins with: smooth noise with about the tempo of what it becomes.

Any distribution may be carried to that of motion (Lipman et al., "Flow matching for generative modeling", 2023). Slow
noise leaves a small network little to do that lasts longer than it can see, and being a function of seed and absolute
time it makes a clip in pieces equal the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..noise import slow_noise
from .space import COORDINATES, GAZE, HEAD, LID, MOUTH, RATE

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

STREAM = 200  # of the seed
PERIODS = (3.0, 1.0, 0.35, 0.12, 0.04)  # seconds between the knots
# Shares of the variance that noise of each period has
_SHARES = {
    **dict.fromkeys(MOUTH, (0.10, 0.35, 0.20, 0.30, 0.05)),
    **dict.fromkeys(("brow_left", "brow_right", "brow_inner"), (0.25, 0.40, 0.20, 0.10, 0.05)),
    **dict.fromkeys(("squint", "cheek", "smile_left", "smile_right"), (0.45, 0.40, 0.10, 0.04, 0.01)),
    LID: (0.10, 0.20, 0.50, 0.15, 0.05),
    **dict.fromkeys(GAZE, (0.20, 0.50, 0.20, 0.05, 0.05)),
    **dict.fromkeys(HEAD, (0.50, 0.35, 0.08, 0.06, 0.01)),
}
SHARES = np.sqrt([_SHARES[name] for name in COORDINATES])  # [D, periods]


def chance(frames: I64, seed: int) -> F64:
    """Noise [n, D] of variance 1 in the frames [n], a function of their numbers and the seed alone."""
    times = frames / RATE
    return sum(
        (
            SHARES[:, k] * slow_noise(times, seed=seed, stream=STREAM + k, period=period, width=len(COORDINATES))
            for k, period in enumerate(PERIODS)
        ),
        np.zeros((len(frames), len(COORDINATES))),
    )
