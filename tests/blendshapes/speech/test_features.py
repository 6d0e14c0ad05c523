"""Log-mel features: against librosa, in chunks, and the clip normaliser against its definition."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.speech import features

F32 = NDArray[np.float32]
PRIOR = np.linspace(-20, -50, features.BANDS)


def babble(seconds: float, seed: int = 0) -> F32:
    """Noise whose loudness rises and falls like speech."""
    rng = np.random.default_rng(seed)
    samples = int(seconds * features.RATE)
    knots = rng.random(samples // 2000 + 2) ** 2
    loudness = np.interp(np.arange(samples), 2000 * np.arange(len(knots)), knots)
    return (0.2 * loudness * rng.standard_normal(samples)).astype(np.float32)


def test_log_mel_equals_librosa() -> None:
    """Oracle, stored because librosa takes long to import (librosa 0.11).

    mel = librosa.feature.melspectrogram(
        y=wave, sr=16000, n_fft=512, win_length=400, hop_length=160, n_mels=80, pad_mode="constant").T
    """
    with np.load(Path(__file__).with_name("librosa_mel.npz"), allow_pickle=False) as oracle:
        wave, mel = oracle["wave"], oracle["mel"]
    np.testing.assert_allclose(features.log_mel(wave), 10 * np.log10(mel + 1e-14), atol=1e-2)


def test_mel_scale_round_trip() -> None:
    hz = np.linspace(0, 8000, 100)
    np.testing.assert_allclose(features.mel_to_hz(features.hz_to_mel(hz)), hz, atol=1e-6)


@settings(max_examples=30)
@given(
    samples=st.integers(0, 3000),
    cuts=st.lists(st.integers(0, 3000), max_size=6),
    frames=st.integers(1, 12),
)
def test_blocks_and_chunk_size_do_not_matter(samples: int, cuts: list[int], frames: int) -> None:
    wave = babble(1)[:samples]
    blocks = np.split(wave, sorted(min(cut, samples) for cut in cuts))
    chunks = list(features.log_mel_stream(blocks, frames=frames))
    assert sum(map(len, chunks)) == 1 + samples // features.HOP
    np.testing.assert_allclose(np.concatenate(chunks), features.log_mel(wave), atol=1e-4)


def direct_normaliser(mel: F32) -> tuple[float, NDArray[np.float64]]:
    """The definition, without a histogram: the highest quarter-decibel threshold 16 dB below the mean above it."""
    level = features.loudness(mel)
    powers = 10 ** (level / 10)
    edges = [
        edge
        for edge in np.arange(-140, 60, 0.25)
        if np.sum(level >= edge) >= min(20, len(level)) and 10 * np.log10(powers[level >= edge].mean()) - edge >= 16
    ]
    active = level >= max(edges)
    speech = float(10 * np.log10(powers[active].mean()))
    return speech, (mel[active].astype(np.float64).sum(0) + 30 * (PRIOR + speech)) / (active.sum() + 30)


@pytest.mark.parametrize("seconds", [0.3, 1.0, 8.0])
def test_two_pass_normaliser_equals_its_definition(seconds: float) -> None:
    wave = babble(seconds)
    statistics = features.ClipStatistics(PRIOR)
    for mel in features.log_mel_stream(np.array_split(wave, 7), frames=50):
        statistics.add(mel)
    normaliser = statistics.normaliser()
    level, mean = direct_normaliser(features.log_mel(wave))
    assert normaliser.level == pytest.approx(level, abs=1e-3)
    np.testing.assert_allclose(normaliser.mean, mean, atol=1e-3)


def test_gain_does_not_change_the_features() -> None:
    loud = babble(3)
    quiet = (loud * 10 ** (-30 / 20)).astype(np.float32)
    expected = features.normalise(features.log_mel(loud), PRIOR)
    np.testing.assert_allclose(features.normalise(features.log_mel(quiet), PRIOR), expected, atol=2e-2)


def test_long_pauses_do_not_change_the_level() -> None:
    speech = babble(3)
    hiss = 1e-4 * np.random.default_rng(1).standard_normal(60 * features.RATE)
    levels = []
    for wave in (speech, np.concatenate([hiss, speech, hiss]).astype(np.float32)):
        statistics = features.ClipStatistics(PRIOR)
        statistics.add(features.log_mel(wave))
        levels.append(statistics.normaliser().level)
    assert levels[1] == pytest.approx(levels[0], abs=1.0)


@pytest.mark.parametrize("samples", [0, 1, 3200, 16000])
def test_digital_silence_is_silence(samples: int) -> None:
    mel = features.log_mel(np.zeros(samples, np.float32))
    assert np.all(features.normalise(mel, PRIOR) == features.SILENCE)
