"""Makes clean synthetic speech sound like other people in other rooms, and invents clips in which nobody speaks."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import soxr
from numpy.typing import ArrayLike, NDArray
from scipy.ndimage import zoom
from scipy.signal import fftconvolve, firwin2

from ..speech.features import BANDS, N_FFT, RATE, mel_filters
from ..speech.phones import SILENCE, Segment
from .corpus import shifted

F32 = NDArray[np.float32]
Rng = np.random.Generator

_VTLP_KNEE = 4800.0  # Hz


def augment(wave: F32, segments: Sequence[Segment], others: Sequence[F32], rng: Rng) -> tuple[F32, list[Segment]]:
    """The utterance with another size of speaker, pauses around it, room, microphone, noise and gain.

    `others`: waveforms of other speakers, for babble.
    """
    segments = list(segments)
    if rng.random() < 0.7:
        wave, segments = _resize(wave, segments, rng)
    wave, segments = _pause_around(wave, segments, rng)
    if rng.random() < 0.3:
        wave = _breathe(wave, segments, rng)
    if rng.random() < 0.5:
        wave = _drift(wave, rng, decibels=6)
    if rng.random() < 0.5:
        drive = rng.uniform(1, 6)
        wave = np.tanh(drive * wave) / np.tanh(drive)
    if rng.random() < 0.45:
        wave = _reverberate(wave, rng)
    if rng.random() < 0.6:
        gains = 10 ** (rng.uniform(-10, 10, 9) / 20)
        wave = _shape_spectrum(wave, np.linspace(0, 1, 9), gains)
    if rng.random() < 0.12:
        cutoff = rng.uniform(0.42, 0.9)
        wave = _shape_spectrum(wave, [0, cutoff, min(0.99, cutoff + 0.05), 1], [1, 1, 0, 0])
    if rng.random() < 0.9:
        wave = wave + _background(len(wave), others, rng) * (np.sqrt(np.mean(wave**2)) + 1e-6)
    return _with_peak(wave, rng.uniform(-30, 0)), segments


def random_filters(rng: Rng) -> F32:
    """Mel filters on a warped frequency axis: vocal-tract length perturbation (Jaitly & Hinton, 2013), +-17 %."""
    warp = float(np.exp(rng.uniform(-0.17, 0.17))) if rng.random() < 0.75 else 1.0
    hz = np.linspace(0, RATE / 2, N_FFT // 2 + 1)
    knee = _VTLP_KNEE * min(1.0, 1 / warp)
    above = RATE / 2 - (RATE / 2 - knee * warp) / (RATE / 2 - knee) * (RATE / 2 - hz)
    return mel_filters(np.where(hz <= knee, hz * warp, above))


def wobble(mel: F32, rng: Rng) -> F32:
    """Log-mel energies [n, 80] with blurred harmonics and slow random changes of a few dB."""
    if rng.random() < 0.35:
        width = int(rng.choice([3, 5]))
        padded = np.pad(mel, ((0, 0), (width // 2, width // 2)), mode="edge")
        mel = np.lib.stride_tricks.sliding_window_view(padded, width, axis=1).mean(axis=2)
    if rng.random() < 0.5:
        coarse = 2 * rng.standard_normal((max(2, len(mel) // 25), 6))
        fine = np.asarray(zoom(coarse, (len(mel) / len(coarse), BANDS / 6), order=1), np.float32)
        mel = mel + fine[: len(mel), :BANDS]
    return mel.astype(np.float32)


def crop(frames: int, rng: Rng) -> slice:
    """The whole clip, or now and then 0.2 to 1.5 s of it, in frames at 50 per second."""
    if rng.random() >= 0.12:
        return slice(0, frames)
    length = min(frames, int(rng.integers(10, 75)))
    start = int(rng.integers(0, frames - length + 1))
    return slice(start, start + length)


def no_speech(rng: Rng) -> F32:
    """0.2 to 7 s in which nobody speaks: silence, noise, hum, tones, music, knocks or breath."""
    samples = int(np.exp(rng.uniform(np.log(0.2), np.log(7))) * RATE)
    kinds: list[Callable[[int, Rng], F32]] = [
        _zeros,
        _least_bits,
        _noise,
        _noise,
        _hum,
        _tones,
        music,
        _knocks,
        _breaths,
    ]
    wave = kinds[int(rng.integers(len(kinds)))](samples, rng)
    if rng.random() < 0.5:
        wave = _drift(wave, rng, decibels=6)
    if rng.random() < 0.5:
        wave = wave + _noise(samples, rng) * np.abs(wave).max(initial=0) * 10 ** (-rng.uniform(10, 50) / 20)
    return wave if np.abs(wave).max() < 1e-3 else _with_peak(wave, rng.uniform(-50, 0))


def _resize(wave: F32, segments: Sequence[Segment], rng: Rng) -> tuple[F32, list[Segment]]:
    """Speed, pitch and formants together, +-20 %."""
    scale = float(np.exp(rng.uniform(-0.2, 0.2)))
    return soxr.resample(wave, RATE, RATE * scale), shifted(segments, scale=scale)


def _pause_around(wave: F32, segments: Sequence[Segment], rng: Rng) -> tuple[F32, list[Segment]]:
    before, after = (int(pause * RATE) for pause in rng.uniform(0, 0.8, 2))
    end = (before + len(wave)) / RATE
    wave = np.pad(wave, (before, after))
    return wave, [*shifted(segments, offset=before / RATE), Segment(end, len(wave) / RATE, SILENCE)]


def _breathe(wave: F32, segments: Sequence[Segment], rng: Rng) -> F32:
    wave = wave.copy()
    for start, end, phone in segments:
        if phone == SILENCE and end - start > 0.3 and rng.random() < 0.7:
            first, last = int((start + 0.05) * RATE), int((end - 0.05) * RATE)
            taken = breath(last - first, rng)[: max(0, len(wave) - first)]
            wave[first : first + len(taken)] += taken * 10 ** (-rng.uniform(20, 40) / 20)
    return wave


def _drift(wave: F32, rng: Rng, *, decibels: float) -> F32:
    knots = max(2, int(2 * len(wave) / RATE))
    curve = np.interp(np.arange(len(wave)), np.linspace(0, len(wave), knots), rng.uniform(-decibels, decibels, knots))
    return (wave * 10 ** (curve / 20)).astype(np.float32)


def _shape_spectrum(wave: NDArray[np.floating], frequencies: ArrayLike, gains: ArrayLike) -> F32:
    """Filter with the gains at the frequencies (0 to 1: half the sample rate)."""
    return np.asarray(fftconvolve(wave, firwin2(129, frequencies, gains), "same"), np.float32)


def _reverberate(wave: F32, rng: Rng) -> F32:
    """Exponentially decaying noise as room response, 0.1 to 0.7 s to -60 dB, up to 18 dB below the direct sound."""
    count = int(rng.uniform(0.1, 0.7) * RATE)
    response = rng.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    response *= 10 ** (-rng.uniform(0, 18) / 20) / np.sqrt(np.sum(response**2))
    response[: int(rng.uniform(0, 0.01) * RATE) + 1] = 0
    response[0] = 1
    return np.asarray(fftconvolve(wave, response)[: len(wave)], np.float32)


def _background(samples: int, others: Sequence[F32], rng: Rng) -> F32:
    """Noise, music, one other voice or babble, up to 60 dB below an RMS of 1."""
    ratio = rng.uniform(3, 30) if rng.random() < 0.6 else rng.uniform(30, 60)
    kind = rng.random()
    if kind < 0.22:
        return music(samples, rng) * 10 ** (-max(ratio - 3, 0) / 20)
    if kind < 0.38:
        return _voices(samples, others, 1, rng) * 10 ** (-max(ratio, 5) / 20)
    if kind < 0.53:
        return _voices(samples, others, int(rng.integers(2, 5)), rng) * 10 ** (-max(ratio, 8) / 20)
    return _noise(samples, rng) * 10 ** (-ratio / 20)


def _voices(samples: int, others: Sequence[F32], count: int, rng: Rng) -> F32:
    """So many people who speak at once, RMS 1."""
    heard = np.zeros(samples)
    for _ in range(count):
        other = others[int(rng.integers(len(others)))]
        heard += np.resize(np.roll(other, rng.integers(len(other))), samples)
    return (heard / (heard.std() + 1e-6)).astype(np.float32)


def music(samples: int, rng: Rng) -> F32:
    """Chords, a bass, a melody and drums in a tempo, some of them at a time; RMS 1."""
    beat = int(rng.uniform(0.3, 0.8) * RATE)
    key = 55 * 2 ** (rng.integers(0, 12) / 12)
    scale = np.array((0, 2, 4, 5, 7, 9, 11) if rng.random() < 0.5 else (0, 2, 3, 5, 7, 8, 10))
    parts = rng.random(4) < 0.6
    parts[int(rng.integers(4))] = True
    fades = rng.uniform((0.3, 1, 1, 8), (2, 5, 6, 40))
    wave = np.zeros(samples + beat, np.float32)
    for start in range(0, samples, beat):
        degree = int(rng.integers(7))
        pitches = key * 2 ** ((scale[(degree + np.array((0, 2, 4))) % 7]) / 12)
        notes = [
            pitches * rng.choice([2, 4]),
            pitches[:1],
            pitches[rng.integers(3)] * np.array([8 / rng.choice([1, 2])]),
        ]
        sounding = np.exp(-np.arange(beat) / RATE * fades[:3, None])
        for part, (played, fade) in enumerate(zip(notes, sounding, strict=True)):
            if parts[part]:
                wave[start : start + beat] += fade * sum(_harmonics(beat, float(pitch), rng) for pitch in played)
        if parts[3]:
            hit = _noise(beat, rng) * np.exp(-np.arange(beat) / RATE * fades[3])
            wave[start : start + beat] += hit * rng.uniform(0.5, 3)
    return (wave[:samples] / (wave[:samples].std() + 1e-6)).astype(np.float32)


def _zeros(samples: int, _: Rng) -> F32:
    return np.zeros(samples, np.float32)


def _least_bits(samples: int, rng: Rng) -> F32:
    return (rng.integers(-1, 2, samples) * rng.integers(1, 6) / 32768).astype(np.float32)


def _noise(samples: int, rng: Rng) -> F32:
    """Noise between white and brown, RMS 1."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    spectrum *= np.arange(1, len(spectrum) + 1) ** (-rng.uniform(0, 2) / 2)
    noise = np.fft.irfft(spectrum, samples)
    return (noise / (noise.std() + 1e-9)).astype(np.float32)


def _hum(samples: int, rng: Rng) -> F32:
    base = rng.choice([50.0, 60.0, 100.0, 120.0, rng.uniform(80, 400)])
    return _harmonics(samples, base, rng, most=int(rng.integers(1, 21)))  # a transformer's has few, a rectifier's many


def _harmonics(samples: int, base: float, rng: Rng, *, most: int = 20) -> F32:
    numbers = np.arange(1, min(most, int(7500 / base)) + 1)
    amplitudes = rng.uniform(0, 1, len(numbers)) / numbers ** rng.uniform(0.3, 2)
    phases = 2 * np.pi * (base * np.arange(samples)[:, None] / RATE * numbers + rng.random(len(numbers)))
    return (np.sin(phases) @ amplitudes).astype(np.float32)


def _tones(samples: int, rng: Rng) -> F32:
    """Chords that ring and fade, like a piano or a telephone."""
    wave = np.zeros(samples, np.float32)
    for _ in range(rng.integers(2, 4)):
        position = 0
        while position < samples:
            length = min(samples - position, int(rng.uniform(0.1, 1.0) * RATE))
            fade = np.exp(-np.arange(length) / RATE * rng.uniform(0.5, 8))
            wave[position : position + length] += fade * _harmonics(length, 110 * 2 ** (rng.integers(0, 36) / 12), rng)
            position += length
    return wave


def _knocks(samples: int, rng: Rng) -> F32:
    wave = 0.001 * _noise(samples, rng)
    for _ in range(rng.integers(1, 15)):
        length = int(rng.uniform(0.002, 0.1) * RATE)
        start = int(rng.integers(0, max(1, samples - length)))
        knock = _noise(length, rng) * np.exp(-5 * np.arange(length) / length) * rng.uniform(0.1, 1)
        wave[start : start + length] += knock[: samples - start]
    return wave


def _breaths(samples: int, rng: Rng) -> F32:
    wave = 0.001 * _noise(samples, rng)
    for _ in range(rng.integers(1, 4)):
        length = min(samples, int(rng.uniform(0.2, 1.0) * RATE))
        start = int(rng.integers(0, samples - length + 1))
        wave[start : start + length] += breath(length, rng)
    return wave


def breath(samples: int, rng: Rng) -> F32:
    """Noise through a relaxed mouth: two broad resonances, swelling and fading."""
    noise = rng.standard_normal(max(samples, 1))
    peaks = rng.uniform(400, 4000, 2) / (RATE / 2)
    grid = np.linspace(0, 1, 33)
    gains = 0.05 + sum(np.exp(-(((grid - peak) / rng.uniform(0.05, 0.2)) ** 2)) for peak in peaks)
    noise = _shape_spectrum(noise, grid, gains) * np.hanning(len(noise))
    return (noise / (np.abs(noise).max() + 1e-9)).astype(np.float32)


def _with_peak(wave: F32, decibels: float) -> F32:
    return (wave / (np.abs(wave).max() + 1e-9) * 10 ** (decibels / 20)).astype(np.float32)
