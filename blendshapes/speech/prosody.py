"""What the voice tells about the mood: arousal over time from pitch, its range, spectral tilt and syllable rate.

A handful of cues, each compared with what ordinary reading sounds like, no learning: signs and roles of the cues follow
Juslin & Laukka, "Communication of emotions in vocal expression and music performance" (2003). Prosody tells how aroused
a voice is and little about what it is aroused by: docs/model.md says how often the guess is right.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ..emotion import EMOTION_AXES, EmotionTrack
from .features import RATE, overlapping

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

HOP, WINDOW, N_FFT = 320, 768, 2048  # samples: 50 frames per second, 48 ms, zero-padded
FRAMES = 500  # analysed at a time
CONTEXT = 10  # frames around a frame that tell whether it is the middle of a syllable
BIN = 25  # frames: half a second, the time step of everything that is kept
MOOD = 6.0  # seconds: width of the window in which the mood is measured
WHOLE = 1.0  # weight of the whole clip beside a full window: moods change slowly

LOWEST, HIGHEST = 70.0, 450.0  # Hz of the voice
VOICED = 0.75  # autocorrelation of a voiced frame
FLOOR = 1e-3  # root mean square below which nothing is heard: -60 dBFS
LOW_BAND, HIGH_BAND = (100.0, 1000.0), (1000.0, 5000.0)  # Hz
SYLLABLE = 0.1  # seconds over which the loudness is smoothed
DIP = 2.0  # dB by which the loudness falls before a new syllable: de Jong & Wempe (2009)

# Semitones, dB, per second of voice, semitones: mean and spread over five readers of ordinary prose (docs/model.md)
NORMS = {"range": (4.5, 0.8), "tilt": (-14.0, 5.0), "rate": (6.0, 0.8), "pitch": (0.0, 2.5)}
WEIGHTS = {"range": 0.3, "tilt": 0.4, "rate": 0.1, "pitch": 0.2}  # of the cues in arousal
# Typical pitch of low and high voices: Traunmueller & Eriksson, "The frequency range of the voice fundamental" (1995)
VOICES = (119.0, 207.0)  # Hz
SPREAD = 1.2  # standard deviations that mean half the greatest arousal
CALM = 0.15  # arousal on either side of 0 that shows no emotion
FULL = 0.7  # arousal from which the emotion is at full strength


@dataclass(frozen=True, eq=False)
class Mood:
    """What was heard, one row per half second."""

    times: F64  # [K] seconds, middles of the bins
    arousal: F64  # [K] -1 subdued .. 1 excited
    cues: dict[str, F64]  # [K] standard deviations above ordinary reading, by name of the cue

    def track(self) -> EmotionTrack:
        """The emotion to show: sad below ordinary arousal; above it happy or angry, melody against sharpness."""
        strength = np.clip((np.abs(self.arousal) - CALM) / (FULL - CALM), 0, 1)
        sharp = 1 / (1 + np.exp(self.cues["range"] - self.cues["tilt"]))
        excited = self.arousal > 0
        shares = {"sad": ~excited * 1.0, "angry": excited * sharp, "happy": excited * (1 - sharp)}
        points = np.zeros((len(self.times), len(EMOTION_AXES)))
        for label, share in shares.items():
            points[:, EMOTION_AXES.index(label)] = strength * share
        return EmotionTrack(self.times, np.round(points, 3))


def listen(blocks: Iterable[F32]) -> Mood:
    """The mood of one clip of consecutive mono 16 kHz arrays of any size; a dozen numbers per second are kept."""
    return _mood(np.concatenate([np.zeros((0, SUMS)), *map(_binned, _frames(blocks))]))


@dataclass(frozen=True, eq=False)
class _Frames:
    """Frames 20 ms apart; arrays [n]."""

    weight: F64  # amplitude of voiced frames, else 0: hum in pauses weighs little
    pitch: F64  # semitones above 1 Hz
    tilt: F64  # dB of the high band over the low one
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
        tilt = 10 * np.log10((_band(power, HIGH_BAND) + 1e-12) / (_band(power, LOW_BAND) + 1e-12))
        inner = slice(CONTEXT, len(windows) - CONTEXT)
        nucleus = _nuclei(20 * np.log10(amplitude + 1e-6)) & voiced
        yield _Frames((voiced * amplitude)[inner], pitch[inner], tilt[inner], nucleus[inner].astype(np.float64))


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


def _binned(frames: _Frames) -> F64:
    """Sums over half seconds, [ceil(n / 25), 6]: weight, pitch, its square, tilt, syllables, voiced seconds."""
    w = frames.weight
    columns = [w, w * frames.pitch, w * frames.pitch**2, w * frames.tilt, frames.nucleus, (w > 0) * (HOP / RATE)]
    return np.add.reduceat(np.stack(columns, axis=1), np.arange(0, len(w), BIN), axis=0)


def _mood(bins: F64) -> Mood:
    """Arousal and cues of half seconds [K, 6]; nothing where nobody speaks in the whole clip."""
    times = np.arange(0.5, max(1, len(bins)), dtype=np.float64) * (BIN * HOP / RATE)
    whole = bins.sum(axis=0)
    if whole[0] <= 0:
        return Mood(times, np.zeros(len(times)), {name: np.zeros(len(times)) for name in NORMS})
    window = np.hanning(round(MOOD / (BIN * HOP / RATE)) + 2)[1:-1]
    near = np.stack([np.convolve(column, window, mode="full") for column in bins.T], axis=1)
    near = near[len(window) // 2 :][: len(bins)]
    heard = near + WHOLE * near[:, 0].max() / whole[0] * whole
    cues = {name: (value - NORMS[name][0]) / NORMS[name][1] for name, value in _cues(heard, whole).items()}
    score = sum(WEIGHTS[name] * cue for name, cue in cues.items())
    return Mood(times, np.tanh(score / SPREAD), cues)


def _cues(heard: F64, whole: F64) -> dict[str, F64]:
    """The cues of weighted sums [K, 6]; the pitch is compared with the typical voice nearest to the clip's."""
    weight, pitch, pitch_squared, tilt, syllables, seconds = heard.T
    typical = 12 * np.log2(VOICES)
    voice = typical[np.abs(typical - whole[1] / whole[0]).argmin()]
    return {
        "range": np.sqrt(np.maximum(pitch_squared / weight - (pitch / weight) ** 2, 0)),
        "tilt": tilt / weight,
        "rate": syllables / seconds,
        "pitch": pitch / weight - voice,
    }


def _hann_correlation() -> F64:
    """Autocorrelation of the window, normalised, at lags 0..WINDOW / 2 - 1."""
    spectrum = np.fft.rfft(_HANN, N_FFT)
    correlation = np.fft.irfft(np.square(np.abs(spectrum)))[: WINDOW // 2]
    return correlation / correlation[0]


def _band(power: F64, band: tuple[float, float]) -> F64:
    low, high = (round(hz * N_FFT / RATE) for hz in band)
    return power[:, low:high].sum(axis=1)


SUMS = 6
_HANN = np.hanning(WINDOW + 2)[1:-1]
_WINDOW_CORRELATION = _hann_correlation()
