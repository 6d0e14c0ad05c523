"""How loud a recording is: integrated loudness after ITU-R BS.1770-4."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]

HOP, HOPS = 0.1, 4  # seconds between the blocks, and their length in hops
ABSOLUTE_GATE = -70.0  # LUFS
RELATIVE_GATE = -10.0  # LU below the mean of what passes the absolute gate


class LoudnessMeter:
    """Measures a stream of samples in constant memory. All channels weigh 1: surround is not told apart."""

    def __init__(self, rate: int) -> None:
        self._sections = k_weighting(rate)
        self._hop = round(HOP * rate)
        self._state: F64 | None = None
        self._rest: F64 = np.zeros(0)  # squares of the last, incomplete hop
        self._energy: list[F64] = []  # of whole hops

    def add(self, samples: NDArray[np.floating]) -> None:
        """Count [channels, n] samples, full scale 1."""
        from scipy.signal import sosfilt

        if self._state is None:
            self._state = np.zeros((len(self._sections), len(samples), 2))
        weighted, self._state = sosfilt(self._sections, samples, axis=-1, zi=self._state)
        squares = np.concatenate([self._rest, np.square(np.asarray(weighted, np.float64)).sum(axis=0)])
        whole = len(squares) - len(squares) % self._hop
        self._energy.append(squares[:whole].reshape(-1, self._hop).sum(axis=1))
        self._rest = squares[whole:]

    def finish(self) -> float | None:
        """Integrated loudness in LUFS; None where nothing passes the gates. A short recording is one block."""
        energy = np.concatenate([np.zeros(0), *self._energy])
        if len(energy) < HOPS:
            samples = len(energy) * self._hop + len(self._rest)
            power = np.array([(energy.sum() + self._rest.sum()) / max(samples, 1)])
        else:
            power = np.convolve(energy, np.ones(HOPS), mode="valid") / (HOPS * self._hop)
        levels = _lufs(power)
        passed = levels > ABSOLUTE_GATE
        if not passed.any():
            return None
        passed &= levels > _lufs(power[passed].mean()) + RELATIVE_GATE
        return float(_lufs(power[passed].mean()))


def k_weighting(rate: int) -> F64:
    """Head shelf and high-pass of BS.1770 as second-order sections [2, 6] for any sample rate.

    The analogue prototypes behind the standard's 48 kHz coefficients, by the bilinear transform (Brecht De Man,
    "Evaluation of implementations of the EBU R128 loudness measurement", 2018).
    """
    shelf_f, shelf_db, shelf_q = 1681.9744509555319, 3.99984385397, 0.7071752369554193
    pass_f, pass_q = 38.13547087602444, 0.5003270373238773
    k = np.tan(np.pi * shelf_f / rate)
    high = 10 ** (shelf_db / 20)
    mid = high**0.4996667741545416
    norm = 1 + k / shelf_q + k * k
    shelf = [
        (high + mid * k / shelf_q + k * k) / norm,
        2 * (k * k - high) / norm,
        (high - mid * k / shelf_q + k * k) / norm,
        1.0,
        2 * (k * k - 1) / norm,
        (1 - k / shelf_q + k * k) / norm,
    ]
    k = np.tan(np.pi * pass_f / rate)
    norm = 1 + k / pass_q + k * k
    high_pass = [1.0, -2.0, 1.0, 1.0, 2 * (k * k - 1) / norm, (1 - k / pass_q + k * k) / norm]
    return np.array([shelf, high_pass])


def _lufs(power: F64 | np.floating) -> F64:
    return -0.691 + 10 * np.log10(np.maximum(power, 1e-20))
