"""Log-mel features of speech, normalised per clip in constant memory. numpy only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

RATE = 16_000  # Hz
HOP = 160  # samples: 100 feature frames per second; frame i is centred on sample i * HOP
N_FFT = 512
WINDOW = 400
BANDS = 80
SILENCE = -4.0  # the feature value of digital silence: every feature lies in SILENCE..LOUDEST
LOUDEST = 3.0

LOW_BAND, HIGH_BAND = (100.0, 1000.0), (1000.0, 5000.0)  # Hz: the tilt of a voice is the second over the first

_POWER_FLOOR = 1e-14
_DB_PER_UNIT = 12.0
_LOUDNESS_BANDS = slice(4, None)  # above about 180 Hz: mains hum and rumble do not count as loudness
_QUIETEST_SPEECH = -42.0  # dB of `loudness`; speech at about -70 dBFS
_MARGIN = 16.0  # dB below the active level at which a frame still counts as active (ITU-T P.56)
_MIN_ACTIVE = 20  # frames: a shorter bang is not speech
_PRIOR_FRAMES = 30.0  # weight of the prior spectrum against the measured one
_BIN = 0.25  # dB
_LOWEST, _HIGHEST = -140.0, 60.0  # dB


def hz_to_mel(hz: F64) -> F64:
    """Slaney's mel scale: linear to 1 kHz, logarithmic above (Auditory Toolbox, 1998; librosa's default)."""
    return np.where(hz < 1000, hz * 3 / 200, 15 + np.log(np.maximum(hz, 1e-9) / 1000) * 27 / np.log(6.4))


def mel_to_hz(mel: F64) -> F64:
    """Inverse of `hz_to_mel`."""
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp(np.log(6.4) / 27 * (mel - 15)))


def mel_centres() -> F64:
    """Centre frequency of each band, [80] Hz."""
    return _mel_corners()[1:-1]


def mel_filters(frequencies: F64 | None = None) -> F32:
    """Triangular filters of unit area, [80, 257]; `frequencies` [257] (Hz) replaces the FFT's own to warp the axis."""
    hz = np.linspace(0, RATE / 2, N_FFT // 2 + 1) if frequencies is None else frequencies
    return triangular_filters(_mel_corners(), hz).astype(np.float32)


def triangular_filters(corners: F64, hz: F64) -> F64:
    """Triangles of unit area [n, m] at the frequencies `hz` [m], each between three neighbours of `corners` [n + 2]."""
    low, centre, high = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    return np.maximum(0, np.minimum((hz - low) / (centre - low), (high - hz) / (high - centre))) * 2 / (high - low)


def _mel_corners() -> F64:
    top = hz_to_mel(np.array(RATE / 2))
    return mel_to_hz(np.linspace(0, top, BANDS + 2))


def _padded_hann() -> F32:
    window = np.zeros(N_FFT, np.float32)
    start = (N_FFT - WINDOW) // 2
    window[start : start + WINDOW] = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(WINDOW) / WINDOW)
    return window


def _bands(low: float, high: float) -> NDArray[np.bool_]:
    """Which mel bands have their centre in `low`..`high` Hz, [80]."""
    centres = mel_centres()
    return (centres >= low) & (centres < high)


_LOW, _HIGH = _bands(*LOW_BAND), _bands(*HIGH_BAND)
_HANN = _padded_hann()
_FILTERS = mel_filters()


def log_mel(wave: F32, filters: F32 = _FILTERS) -> F32:
    """Log-mel energies of a whole mono 16 kHz clip, [1 + len // 160, 80] dB (librosa's framing, centred)."""
    return np.concatenate(list(log_mel_stream([wave], filters=filters)))


def log_mel_stream(blocks: Iterable[F32], *, frames: int = 1000, filters: F32 = _FILTERS) -> Iterator[F32]:
    """`log_mel` of consecutive blocks of one clip, at most `frames` frames at a time, whatever the blocks' sizes."""
    edge = np.zeros(N_FFT // 2, np.float32)
    padded = chain([edge], blocks, [edge])
    for samples in overlapping(padded, size=(frames - 1) * HOP + N_FFT, step=frames * HOP, least=N_FFT):
        yield _frames_to_mel(samples, filters)


def overlapping(blocks: Iterable[F32], *, size: int, step: int, least: int) -> Iterator[F32]:
    """Windows of `size` rows, `step` rows apart, over the concatenation of `blocks`; the last ones may be shorter.

    The end of the stream is cut into windows as long as `least` rows are left.
    """
    pending: list[F32] = []
    held = 0
    for block in blocks:
        pending.append(np.asarray(block, np.float32))
        held += len(block)
        if held < size:
            continue
        buffer = np.concatenate(pending)
        while len(buffer) >= size:
            yield buffer[:size]
            buffer = buffer[step:]
        pending, held = [buffer], len(buffer)
    buffer = np.concatenate(pending)
    while len(buffer) >= least:
        yield buffer[:size]
        buffer = buffer[step:]


def _frames_to_mel(samples: F32, filters: F32) -> F32:
    windows = np.lib.stride_tricks.sliding_window_view(samples, N_FFT)[::HOP]
    spectrum = np.fft.rfft(windows * _HANN, axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    return 10 * np.log10(power @ filters.T + np.float32(_POWER_FLOOR))


def loudness(mel: F32) -> F64:
    """Loudness of each frame, [n] dB, from log-mel energies [n, 80]; for speech about 30 dB above dBFS."""
    return 10 * np.log10(np.sum(10.0 ** (mel[:, _LOUDNESS_BANDS].astype(np.float64) / 10), axis=1))


@dataclass(frozen=True, eq=False)
class Normaliser:
    """Removes a clip's level and mean spectrum, so that gain and microphone do not matter."""

    level: float  # loudness of the clip's speech, dB
    mean: F64  # [80] mean log-mel energy of the clip's speech, dB
    tilt: float = 0.0  # dB by which 1 to 5 kHz stand out from 0.1 to 1 kHz more than in ordinary speech

    def __call__(self, mel: F32) -> F32:
        """Features [n, 80] from log-mel energies [n, 80]; 12 dB become 1."""
        return np.clip((mel - self.mean) / _DB_PER_UNIT, SILENCE, LOUDEST).astype(np.float32)


class ClipStatistics:
    """Gathers what a `Normaliser` needs, chunk by chunk: a loudness histogram with the sum of spectra per bin.

    The speech level is the active level of ITU-T P.56 (2011): the mean power of the frames above a threshold that
    lies 16 dB below that mean, so that pauses of any length do not count. For clips of a second or less the measured
    mean spectrum leans on `prior`, the mean spectrum of speech. Signals below about -70 dBFS stay silence.
    """

    def __init__(self, prior: F64) -> None:
        """`prior` [80]: mean log-mel energy of speech in dB, relative to its loudness."""
        bins = round((_HIGHEST - _LOWEST) / _BIN)
        self._prior = np.asarray(prior, np.float64)
        self._count = np.zeros(bins)
        self._power = np.zeros(bins)
        self._spectra = np.zeros((bins, BANDS))

    def add(self, mel: F32) -> None:
        """Take in log-mel energies [n, 80]."""
        level = loudness(mel)
        index = np.clip(((level - _LOWEST) / _BIN).astype(int), 0, len(self._count) - 1)
        self._count += np.bincount(index, minlength=len(self._count))
        self._power += np.bincount(index, weights=10 ** (level / 10), minlength=len(self._count))
        order = np.argsort(index, kind="stable")
        bins, first = np.unique(index[order], return_index=True)
        self._spectra[bins] += np.add.reduceat(mel[order].astype(np.float64), first, axis=0)

    def forget(self, share: float) -> None:
        """Let what was taken in so far count less by a share of it."""
        self._count *= 1 - share
        self._power *= 1 - share
        self._spectra *= 1 - share

    def normaliser(self) -> Normaliser:
        """The clip's normaliser; usable for any clip, also an empty or silent one."""
        frames_above = np.cumsum(self._count[::-1])[::-1]
        power_above = np.cumsum(self._power[::-1])[::-1]
        level_above = 10 * np.log10(np.maximum(power_above, _POWER_FLOOR) / np.maximum(frames_above, 1))
        threshold = self._threshold(frames_above, level_above)
        active = frames_above[threshold]
        level = max(float(level_above[threshold]), _QUIETEST_SPEECH)
        expected = self._prior + level
        mean = (self._spectra[threshold:].sum(0) + _PRIOR_FRAMES * expected) / (active + _PRIOR_FRAMES)
        beyond = mean - expected
        tilt = float(beyond[_HIGH].mean() - beyond[_LOW].mean())
        return Normaliser(level, np.maximum(mean, self._prior + _QUIETEST_SPEECH), tilt)

    def _threshold(self, frames_above: F64, level_above: F64) -> int:
        edges = _LOWEST + _BIN * np.arange(len(frames_above))
        enough = frames_above >= min(_MIN_ACTIVE, frames_above[0])
        below_mean = level_above - edges >= _MARGIN
        return int(np.max(np.flatnonzero(enough & below_mean), initial=0))


def normalise(mel: F32, prior: F64) -> F32:
    """Features [n, 80] of a whole clip from its log-mel energies [n, 80]."""
    return normaliser_of([mel], prior)(mel)


def normaliser_of(mels: Iterable[F32], prior: NDArray[np.floating]) -> Normaliser:
    """The normaliser of a clip whose log-mel energies [n, 80] come in pieces."""
    statistics = ClipStatistics(prior.astype(np.float64))
    for mel in mels:
        statistics.add(mel)
    return statistics.normaliser()
