"""What studies do to speech: noise-vocoding, noise of its own spectrum, another clip's voice in its place."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.signal import butter, sosfiltfilt, welch

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

LOWEST, HIGHEST = 100.0, 8000.0  # Hz, of the vocoder's channels
ENVELOPE = 50.0  # Hz, above which the envelopes of channels are smoothed away
BAND_ORDER, ENVELOPE_ORDER = 3, 2  # of Butterworth filters that run forward and backward: no delay
SEGMENT = 4096  # samples of the spectrum of speech
RAMP = 0.05  # seconds in which noise sets in and ends
STEP = 0.01  # seconds between the levels that an onset is looked for in
BELOW = 25.0  # dB below the loudest level, from which on speech has begun
LASTS = 3  # such levels in a row


def vocoded(samples: F32, channels: int, *, rate: int, seed: int) -> F32:
    """Speech [n] made of as many channels of noise, each with the speech's own envelope there and its energy.

    Channels are equally wide on the basilar membrane (Greenwood 1990) from 100 to 8,000 Hz; envelopes are half-wave
    rectified and low-passed at 50 Hz, as in Shannon et al. (1995).
    """
    noise = np.random.default_rng(seed).normal(size=len(samples))
    edges = channel_edges(channels)
    smooth = butter(ENVELOPE_ORDER, ENVELOPE, fs=rate, output="sos")
    total = np.zeros(len(samples))
    for low, high in pairwise(edges):
        band = butter(BAND_ORDER, (low, high), "bandpass", fs=rate, output="sos")
        speech = sosfiltfilt(band, samples.astype(np.float64))
        envelope = np.maximum(sosfiltfilt(smooth, np.maximum(speech, 0)), 0)
        carried = sosfiltfilt(band, envelope * sosfiltfilt(band, noise))
        total += carried * _rms(speech) / max(_rms(carried), 1e-12)
    return total.astype(np.float32)


@cache
def channel_edges(channels: int) -> tuple[float, ...]:
    """Edges [channels + 1] of the vocoder's channels, Hz: F = 165.4 (10^2.1x - 0.88) at even places x (Greenwood)."""
    low, high = (np.log10(f / 165.4 + 0.88) / 2.1 for f in (LOWEST, HIGHEST))
    return tuple(float(165.4 * (10 ** (2.1 * x) - 0.88)) for x in np.linspace(low, high, channels + 1))


def speech_spectrum(recordings: Sequence[F32], rate: int) -> F64:
    """Long-term amplitude spectrum [SEGMENT / 2 + 1] of all recordings together."""
    whole = np.concatenate([*recordings, np.zeros(max(0, SEGMENT - sum(map(len, recordings))))])
    return np.sqrt(welch(whole, rate, nperseg=SEGMENT)[1])


def in_noise(samples: F32, snr: float, *, speech: slice, spectrum: F64, rate: int, seed: int) -> F32:
    """Speech [n] in noise of a spectrum, from the first sample to the last.

    snr: dB, of the root mean square of the samples in `speech` to that of the noise
    """
    n = len(samples)
    white = np.fft.rfft(np.random.default_rng(seed).normal(size=n))
    places = np.linspace(0, len(spectrum) - 1, len(white))
    noise = np.fft.irfft(white * np.interp(places, np.arange(len(spectrum)), spectrum), n)
    noise *= _rms(samples[speech]) * 10 ** (-snr / 20) / max(_rms(noise), 1e-12)
    ramp = np.minimum(1, np.arange(1, n + 1) / (RAMP * rate))
    return (samples + noise * ramp * ramp[::-1]).astype(np.float32)


def onset(recording: F32, rate: int) -> float:
    """When speech begins in a recording, seconds: it comes within 25 dB of its loudest and stays there for 30 ms."""
    step = round(STEP * rate)
    count = max(1, len(recording) // step)
    levels = np.array([_rms(part) for part in np.array_split(recording, count)])
    loud = levels > levels.max() * 10 ** (-BELOW / 20)
    runs = np.convolve(loud, np.ones(LASTS), "valid") if count >= LASTS else np.zeros(0)
    found = np.flatnonzero(runs >= LASTS)
    return float(found[0] * len(recording) / count / rate) if len(found) else 0.0


def others(durations: Mapping[str, float]) -> dict[str, str]:
    """For each clip another one, each used once, so that durations (seconds) differ as little as possible."""
    names = list(durations)
    seconds = np.array([durations[name] for name in names])
    cost = np.abs(seconds[:, None] - seconds)
    np.fill_diagonal(cost, 1e6)
    rows, columns = linear_sum_assignment(cost)
    return {names[row]: names[column] for row, column in zip(rows, columns, strict=True)}


def moved(samples: F32, by: int) -> F32:
    """Samples [n] that come `by` later (earlier where negative), in silence."""
    out = np.zeros_like(samples)
    if by >= 0:
        out[by:] = samples[: len(samples) - by]
    else:
        out[:by] = samples[-by:]
    return out


def _rms(samples: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
