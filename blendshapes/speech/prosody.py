"""How a voice sounds, as numbers that a model can tell emotions by: pitch, loudness, timbre, and how they move.

Everything is relative to the clip's own loudness; a hundred numbers per second are kept.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from .features import HIGH_BAND, LOW_BAND, RATE, hz_to_mel, mel_to_hz, overlapping, triangular_filters

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

HOP, WINDOW, N_FFT = 320, 768, 2048  # samples: 50 frames per second, 48 ms, zero-padded
FRAMES = 500  # analysed at a time
CONTEXT = 10  # frames around a frame that tell whether it is the middle of a syllable
BIN = 25  # frames: half a second, the time step of everything that is kept

LOWEST, HIGHEST = 70.0, 450.0  # Hz of the voice
VOICED = 0.75  # autocorrelation of a voiced frame
FLOOR = 1e-3  # root mean square below which nothing is heard: -60 dBFS
BANDS, LOWEST_BAND, HIGHEST_BAND = 24, 100.0, 7000.0  # mel bands between these, Hz
CEPSTRA = 12
FAINTEST = 1e-6  # of a frame's power, below which nothing is told apart
SYLLABLE = 0.1  # seconds over which the loudness is smoothed
DIP = 2.0  # dB by which the loudness falls before a new syllable: de Jong & Wempe (2009)
MOST_STEP = 3.0  # semitones from frame to frame; a larger one is an octave taken for another
# Typical pitch of low and high voices: Traunmueller & Eriksson, "The frequency range of the voice fundamental" (1995)
VOICES = (119.0, 207.0)  # Hz

# What is known of a frame, and the features of many frames
TIMBRE = tuple(f"cepstrum {k}" for k in range(1, CEPSTRA + 1))
KNOWN = ("pitch", "level", "voicing", "tilt", *TIMBRE)
MOVING = ("pitch", "level", *TIMBRE)
FEATURES = (
    "pitch beside a typical voice",
    "pitch",
    *(f"mean {name}" for name in KNOWN[2:]),
    *(f"spread of {name}" for name in KNOWN),
    *(f"steps of {name}" for name in MOVING),
    "syllables per voiced second",
)
SUMS = 1 + 2 * len(KNOWN) + 1 + len(MOVING) + 2


def binned(blocks: Iterable[F32]) -> F64:
    """Sums over half seconds [K, SUMS] of one clip of consecutive mono 16 kHz arrays of any size.

    Columns: weight of the voiced frames; the weighted sums of `KNOWN` and of their squares; weight of the pairs of
    voiced frames and the weighted sums of the steps of `MOVING`; syllables; seconds of voice. Sums of sums are those of
    longer times.
    """
    return np.concatenate([np.zeros((0, SUMS)), *map(_sums, _frames(blocks))])


def features(sums: F64, whole: F64) -> F64:
    """Features [K, FEATURES] of sums [K, SUMS] with some voice in them; `whole` [SUMS] tells whose voice it is."""
    known, moving = len(KNOWN), len(MOVING)
    weight, rest = sums[:, :1], sums[:, 1:]
    mean = rest[:, :known] / weight
    spread = np.sqrt(np.maximum(rest[:, known : 2 * known] / weight - mean**2, 0))
    pairs, rest = rest[:, 2 * known : 2 * known + 1], rest[:, 2 * known + 1 :]
    steps = rest[:, :moving] / np.maximum(pairs, 1e-12)
    syllables, seconds = rest[:, moving], rest[:, moving + 1]
    typical = 12 * np.log2(VOICES)
    voice = typical[np.abs(typical - whole[1] / whole[0]).argmin()]
    pitch = mean[:, 0]
    rate = syllables / np.maximum(seconds, HOP / RATE)
    columns = [(pitch - voice)[:, None], (pitch - typical.mean())[:, None], mean[:, 2:], spread, steps, rate[:, None]]
    return np.concatenate(columns, axis=1)


@dataclass(frozen=True, eq=False)
class _Frames:
    """Frames 20 ms apart; arrays [n]."""

    weight: F64  # root of the amplitude of voiced frames, else 0: hum in pauses weighs little
    pairs: F64  # of frames with a voiced frame before them
    known: F64  # [n, KNOWN]
    steps: F64  # [n, MOVING] size of the change from the frame before
    nucleus: F64  # 1 in the middle of a syllable


def _frames(blocks: Iterable[F32]) -> Iterator[_Frames]:
    """Consecutive pieces of `FRAMES` frames; frame k is centred on sample 320 k."""
    edge = np.zeros(WINDOW // 2 + CONTEXT * HOP, np.float32)
    reach = 2 * CONTEXT * HOP + WINDOW - HOP
    padded = chain([edge], blocks, [edge])
    for samples in overlapping(padded, size=FRAMES * HOP + reach, step=FRAMES * HOP, least=reach + HOP):
        windows = np.lib.stride_tricks.sliding_window_view(samples, WINDOW)[::HOP].astype(np.float64)
        amplitude = np.sqrt(np.square(windows).mean(axis=1))
        power = np.square(np.abs(np.fft.rfft(windows * _HANN, N_FFT, axis=1)))
        pitch, voicing = _pitch(power)
        voiced = (voicing > VOICED) & (amplitude > FLOOR)
        level = 20 * np.log10(amplitude + 1e-6)
        tilt = 10 * np.log10(_band(power, HIGH_BAND) / (_band(power, LOW_BAND) + 1e-12) + FAINTEST)
        density = power.mean(axis=1, keepdims=True) * (RATE / N_FFT) + 1e-12
        timbre = 10 * np.log10(power @ _FILTERS.T / density + FAINTEST) @ _COSINES
        known = np.column_stack([pitch, level, voicing, tilt, timbre])
        steps = np.abs(np.diff(np.delete(known, (2, 3), axis=1), axis=0, prepend=np.nan))
        steps[:, 0] = np.minimum(steps[:, 0], MOST_STEP)
        weight = voiced * np.sqrt(amplitude)
        pairs = np.minimum(weight, np.append(0, weight[:-1]))
        nucleus = (_nuclei(level) & voiced).astype(np.float64)
        inner = slice(CONTEXT, len(windows) - CONTEXT)
        yield _Frames(*(array[inner] for array in (weight, pairs, known, steps, nucleus)))


def _pitch(power: F64) -> tuple[F64, F64]:
    """Pitch (semitones above 1 Hz) and strength of voicing of power spectra [n, 1025], by autocorrelation.

    Divided by the window's own autocorrelation: Boersma, "Accurate short-term analysis of the fundamental frequency"
    (1993).
    """
    autocorrelation = np.fft.irfft(power, axis=1)[:, : WINDOW // 2]
    normalised = autocorrelation / np.maximum(autocorrelation[:, :1], 1e-12) / _WINDOW_CORRELATION
    first, last = int(RATE / HIGHEST), int(RATE / LOWEST)
    lags = np.arange(first, last + 1)
    scores = normalised[:, first : last + 1] - 0.01 * np.log2(lags / first)  # the shortest of equal periods
    best = scores.argmax(axis=1)
    return 12 * np.log2(RATE / lags[best]), normalised[np.arange(len(best)), lags[best]]


def _nuclei(level: F64) -> NDArray[np.bool_]:
    """Whether frames are the loudest of a syllable, [n]; the outer `CONTEXT` frames are inexact."""
    taps = round(SYLLABLE * RATE / HOP) | 1
    window = np.hanning(taps + 2)[1:-1]
    smooth = np.convolve(level, window / window.sum(), mode="same")
    peak = np.zeros(len(smooth), bool)
    peak[1:-1] = (smooth[1:-1] > smooth[:-2]) & (smooth[1:-1] >= smooth[2:])
    around = np.lib.stride_tricks.sliding_window_view(np.pad(smooth, CONTEXT, mode="edge"), 2 * CONTEXT + 1)
    before = around[:, : CONTEXT + 1].min(axis=1)
    return peak & (smooth - before > DIP)


def _sums(frames: _Frames) -> F64:
    """Sums over half seconds, [ceil(n / 25), SUMS]."""
    w, pairs = frames.weight[:, None], frames.pairs[:, None]
    voice = (w > 0) * (HOP / RATE)
    columns = [w, w * frames.known, w * frames.known**2, pairs, pairs * frames.steps, frames.nucleus[:, None], voice]
    return np.add.reduceat(np.concatenate(columns, axis=1), np.arange(0, len(w), BIN), axis=0)


def _hann_correlation() -> F64:
    """Autocorrelation of the window, normalised, at lags 0..WINDOW / 2 - 1."""
    spectrum = np.fft.rfft(_HANN, N_FFT)
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[: WINDOW // 2]
    return correlation / correlation[0]


def _band(power: F64, band: tuple[float, float]) -> F64:
    low, high = (round(hz * N_FFT / RATE) for hz in band)
    return power[:, low:high].sum(axis=1)


def _mel_filters() -> F64:
    """Triangular filters of unit area, [BANDS, 1025]."""
    low, high = hz_to_mel(np.array([LOWEST_BAND, HIGHEST_BAND]))
    corners = mel_to_hz(np.linspace(low, high, BANDS + 2))
    return triangular_filters(corners, np.arange(N_FFT // 2 + 1) * RATE / N_FFT)


_HANN = np.hanning(WINDOW + 2)[1:-1]
_WINDOW_CORRELATION = _hann_correlation()
_FILTERS = _mel_filters()
_COSINES = np.cos(np.pi / BANDS * (np.arange(BANDS) + 0.5)[:, None] * np.arange(1, CEPSTRA + 1)) * 2 / BANDS
