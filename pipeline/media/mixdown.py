"""One channel out of many, for a model that hears one: chosen so that channels never cancel each other.

The mean of all channels is right for nearly every recording. Where a cable or a plug-in turned one channel's
polarity round, the mean is silence while the file sounds loud and clear; there the channels are aligned first, and
where even that cancels somewhere, the loudest channel alone is heard.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Weights = tuple[float, ...]  # one per channel

SPEECH_RATE = 8000  # Hz: what lies above tells nothing about polarity
WINDOWS = 2048  # kept at most; then neighbours are joined, so that a day needs no more memory than a minute
CANCELLED = 0.25  # a window whose mix has less than this share of the power of unrelated channels has cancelled
TOLERATED = 0.05  # share of the sound, by power, that may cancel
OPPOSED = -0.1  # correlation from which on a channel is turned round


class Mixdown:
    """What the channels of a recording have in common, window by window."""

    def __init__(self) -> None:
        self._windows: list[F64] = []  # [C, C] each: covariance of the slopes, which hum and offsets hardly have
        self._power: F64 | None = None  # [C, C] of the samples themselves

    def add(self, samples: F32, rate: int) -> None:
        """Take in one window, `[C, n]`."""
        power = samples.astype(np.float64) @ samples.T
        self._power = power if self._power is None else self._power + power
        step = max(1, rate // SPEECH_RATE)
        whole = samples.shape[1] // step * step
        slopes = np.diff(samples[:, :whole].reshape(len(samples), -1, step).mean(axis=2, dtype=np.float64), axis=1)
        self._windows.append(slopes @ slopes.T)
        if len(self._windows) > WINDOWS:
            pairs = zip(self._windows[::2], [*self._windows[1::2], 0.0], strict=False)
            self._windows = [first + second for first, second in pairs]

    def weights(self) -> Weights:
        """The mean, unless it cancels; then the channels aligned, unless that cancels; then the loudest channel."""
        if self._power is None:
            return ()
        candidates = list(self._candidates(len(self._power)))
        chosen = next((w for w in candidates if self._cancelled(w) <= TOLERATED), candidates[-1])
        return tuple(chosen.tolist())

    def energy(self, weights: Weights) -> float:
        """Sum of the squares of the mix over all samples."""
        if self._power is None:
            return 0.0
        w = np.asarray(weights)
        return max(0.0, float(w @ self._power @ w))

    def _candidates(self, channels: int) -> Iterator[F64]:
        yield np.full(channels, 1 / channels)
        shared = np.sum(self._windows, axis=0)
        by_power = np.argsort(-np.diag(shared), kind="stable")
        signs = np.zeros(channels)
        for channel in by_power:
            common = float(signs @ shared[:, channel])
            alike = np.sqrt(max(0.0, float(signs @ shared @ signs)) * shared[channel, channel])
            signs[channel] = -1 if common < OPPOSED * alike else 1
        yield signs / channels
        yield np.eye(channels)[by_power[0]]

    def _cancelled(self, weights: F64) -> float:
        """Share of the sound, by power, in windows where the mix loses most of it."""
        windows = np.stack(self._windows)
        apart = np.einsum("c,ncc,c->n", weights, windows, weights)
        mixed = np.einsum("c,ncd,d->n", weights, windows, weights)
        whole = float(apart.sum())
        return float(apart[mixed < CANCELLED * apart].sum()) / whole if whole > 0 else 0.0


def mixed(samples: F32, weights: Weights) -> F32:
    """The mix `[n]` of channels `[C, n]`."""
    if len(set(weights)) <= 1:
        return samples.mean(axis=0)
    return np.asarray(weights, np.float32) @ samples
