"""Whatever the polarity of the channels, what is heard is as loud as its channels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.pipeline.media.mixdown import Mixdown, Weights, mixed

F32 = NDArray[np.float32]
RATE = 16_000
WINDOW = 4096


def voices(count: int, seed: int) -> F32:
    """[count, n] unrelated sounds with the band and slope of speech, roughly."""
    white = np.random.default_rng(seed).standard_normal((count, 4 * WINDOW))
    pitch = np.fft.rfftfreq(4 * WINDOW, 1 / RATE)
    shaped = np.fft.irfft(np.fft.rfft(white) * ((pitch > 120) & (pitch < 4000)) / np.maximum(pitch, 120))
    return (shaped / np.abs(shaped).max() / 2).astype(np.float32)


def weights_of(samples: F32, rate: int = RATE) -> Weights:
    mixdown = Mixdown()
    for at in range(0, samples.shape[1], WINDOW):
        mixdown.add(samples[:, at : at + WINDOW], rate)
    weights = mixdown.weights()
    power = np.square(mixed(samples, weights), dtype=np.float64).sum()
    assert mixdown.energy(weights) == pytest.approx(power, rel=1e-3, abs=1e-6)
    return weights


def loudness(samples: F32) -> NDArray[np.float64]:
    """Power of each window."""
    return np.square(samples.reshape(-1, WINDOW), dtype=np.float64).mean(axis=1)


@given(
    source=st.lists(st.integers(0, 2), min_size=1, max_size=8),
    data=st.data(),
    gains=st.lists(st.floats(0.3, 1), min_size=8, max_size=8),
)
def test_no_window_of_the_mix_is_lost(source: list[int], data: st.DataObject, gains: list[float]) -> None:
    signs = data.draw(st.lists(st.sampled_from([-1, 1]), min_size=len(source), max_size=len(source)))
    scale = np.array(signs) * gains[: len(source)]
    channels = (voices(3, seed=1)[source] * scale[:, None]).astype(np.float32)
    heard = loudness(mixed(channels, weights_of(channels)))
    apart = np.mean([loudness(channel) for channel in channels], axis=0) / len(channels)
    assert (heard > 0.2 * apart).all()


@given(seed=st.integers(0, 100), channels=st.integers(1, 8))
def test_what_does_not_cancel_is_mixed_by_its_mean(seed: int, channels: int) -> None:
    for samples in (voices(channels, seed), np.repeat(voices(1, seed), channels, axis=0)):
        assert weights_of(samples) == pytest.approx([1 / channels] * channels)


@pytest.mark.parametrize("turned", [slice(0, WINDOW), slice(WINDOW, None), slice(3 * WINDOW, None)])
def test_polarity_that_changes_within_the_recording_loses_nothing(turned: slice) -> None:
    left = voices(1, 0)[0]
    right = left.copy()
    right[turned] *= -1
    channels = np.stack([left, right])
    assert (loudness(mixed(channels, weights_of(channels))) > 0.2 * loudness(left)).all()


@pytest.mark.parametrize("hertz", [0, 50, 60])
@pytest.mark.parametrize("level", [0.3, 0.05])
def test_neither_an_offset_nor_hum_hides_that_speech_cancels(hertz: float, level: float) -> None:
    voice = voices(1, 0)[0]
    shared = level * np.cos(2 * np.pi * hertz * np.arange(voice.size) / RATE)
    channels = np.stack([voice + shared, shared - voice]).astype(np.float32)
    assert abs(np.corrcoef(mixed(channels, weights_of(channels)), voice)[0, 1]) > 0.9


def test_silence_has_no_polarity() -> None:
    assert weights_of(np.zeros((2, WINDOW), np.float32)) == (0.5, 0.5)
    assert Mixdown().weights() == ()


def test_a_long_recording_is_not_remembered_in_full() -> None:
    mixdown = Mixdown()
    block = voices(2, 0)[:, :64] * np.array([[1], [-1]], np.float32)
    block[1] = -block[0]
    for _ in range(5000):
        mixdown.add(block, RATE)
    assert len(mixdown._windows) <= 2048
    assert mixdown.weights() == (0.5, -0.5)
