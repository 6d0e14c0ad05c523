"""The chance that a performance begins with: smooth noise with about the tempo of what it becomes.

Any distribution may be carried to that of motion (Lipman et al., "Flow matching for generative modeling", 2023). Slow
noise leaves a small network little to do that lasts longer than it can see, and being a function of seed and absolute
time it makes a clip in pieces equal the whole.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..noise import slow_noise
from .space import COORDINATES, GAZE, HEAD, INDEX, LID, MOUTH, RATE

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

STREAM = 200  # of the seed
PERIODS = (3.0, 1.0, 0.35, 0.15, 0.06)  # seconds between the knots
# Shares of the variance that noise of each period has
_SHARES = {
    **dict.fromkeys(MOUTH, (0.10, 0.38, 0.22, 0.28, 0.02)),
    **dict.fromkeys(("brow_left", "brow_right", "brow_inner"), (0.30, 0.45, 0.22, 0.03, 0.0)),
    **dict.fromkeys(("squint", "cheek", "smile_left", "smile_right"), (0.45, 0.42, 0.13, 0.0, 0.0)),
    LID: (0.10, 0.22, 0.53, 0.15, 0.0),
    **dict.fromkeys(GAZE, (0.20, 0.55, 0.23, 0.02, 0.0)),
    **dict.fromkeys(HEAD, (0.50, 0.35, 0.05, 0.10, 0.0)),
}
SHARES = np.sqrt([_SHARES[name] for name in COORDINATES])  # [D, periods]


# Heads move quickly now and then, not always: the size of their noise with short periods, of variance 1 in itself
BRIEF, BURSTS, BURST_PERIOD = 0.5, 0.9, 1.0  # seconds, spread of the logarithm, seconds between the knots
MOST = 3.3  # times the usual: what is rarer looks like a shaken head
_HEAD = [INDEX[name] for name in HEAD]


def chance(frames: I64, seed: int) -> F64:
    """Noise [n, D] of variance 1 in the frames [n], a function of their numbers and the seed alone."""
    times = frames / RATE
    burst = np.exp(BURSTS * slow_noise(times, seed=seed, stream=STREAM + len(PERIODS), period=BURST_PERIOD))
    out = np.zeros((len(frames), len(COORDINATES)))
    for k, period in enumerate(PERIODS):
        noise = slow_noise(times, seed=seed, stream=STREAM + k, period=period, width=len(COORDINATES))
        if period < BRIEF:
            noise[:, _HEAD] *= np.minimum(burst, MOST) / np.exp(BURSTS**2)
        out += SHARES[:, k] * noise
    return out
