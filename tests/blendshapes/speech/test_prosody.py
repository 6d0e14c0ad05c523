"""How a voice sounds, on voices made of harmonics with known pitch, range, tilt and syllables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.blendshapes.speech.prosody import BIN, FEATURES, HOP, SUMS, binned, features

RATE = 16_000


def voice(
    *, pitch: float = 120.0, semitones: float = 3.0, slope: float = 12.0, rate: float = 4.0, seconds: float = 5.0
) -> np.ndarray:
    """Syllables of a hummed voice: `slope` in dB per octave, pitch swinging by `semitones` (standard deviation)."""
    times = np.arange(int(seconds * RATE)) / RATE
    hertz = pitch * 2 ** (np.sqrt(2) * semitones * np.sin(2 * np.pi * 0.7 * times) / 12)
    phase = 2 * np.pi * np.cumsum(hertz) / RATE
    wave = sum(k ** (-slope / 6.02) * np.sin(k * phase) for k in range(1, 30))
    return (0.1 * wave * np.sin(np.pi * rate * times) ** 2).astype(np.float32)


def found(wave: np.ndarray) -> dict[str, float]:
    """The features of a whole clip."""
    whole = binned([wave]).sum(axis=0)
    return dict(zip(FEATURES, features(whole[None], whole)[0].tolist(), strict=True))


@pytest.mark.parametrize("pitch", [90.0, 119.0, 207.0, 300.0])
def test_pitch_and_its_range_are_measured_in_semitones(pitch: float) -> None:
    heard = found(voice(pitch=pitch, semitones=2.0))
    nearest = min((119.0, 207.0), key=lambda hz: abs(np.log(pitch / hz)))
    assert heard["pitch beside a typical voice"] == pytest.approx(12 * np.log2(pitch / nearest), abs=0.5)
    assert heard["spread of pitch"] == pytest.approx(2.0, abs=0.4)


def test_a_flatter_spectrum_is_a_higher_tilt() -> None:
    assert found(voice(slope=6))["mean tilt"] > found(voice(slope=12))["mean tilt"] + 8


def test_a_voice_that_moves_has_larger_steps() -> None:
    assert found(voice(semitones=4))["steps of pitch"] > 3 * found(voice(semitones=1))["steps of pitch"]
    assert found(voice(rate=8))["steps of level"] > 1.2 * found(voice(rate=3))["steps of level"]


def test_syllables_are_counted() -> None:
    slow, fast = (found(voice(rate=rate))["syllables per voiced second"] for rate in (3, 6))
    assert slow == pytest.approx(3, rel=0.35)  # per second of voice, and the gaps are no voice
    assert fast > 1.6 * slow


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(100), np.zeros(40_000), 1e-5 * np.ones(40_000)])
def test_silence_has_no_voice(wave: np.ndarray) -> None:
    sums = binned([wave.astype(np.float32)])
    assert sums.shape == (np.ceil(np.ceil(len(wave) / HOP) / BIN), SUMS) or len(sums) == len(wave) // (HOP * BIN) + 1
    assert not sums.any()


def test_noise_has_no_voice() -> None:
    assert not binned([0.1 * np.random.default_rng(0).standard_normal(80_000).astype(np.float32)])[:, -1].sum() > 0.1


def test_loudness_says_nothing() -> None:
    loud, quiet = found(voice()), found((0.5 * voice()).astype(np.float32))
    assert quiet == pytest.approx(loud, abs=0.3, rel=0.06)


@pytest.mark.slow
@settings(max_examples=10)
@given(st.lists(st.integers(0, 3 * RATE), max_size=6))
def test_the_sizes_of_the_blocks_do_not_matter(cuts: list[int]) -> None:
    wave = voice(seconds=12.3)
    whole, pieces = binned([wave]), binned([piece.astype(np.float32) for piece in np.split(wave, np.cumsum(cuts))])
    np.testing.assert_allclose(pieces, whole, atol=1e-9, rtol=1e-9)
    assert len(whole) == np.ceil(12.3 / 0.5)


@given(st.integers(1, 9))
def test_sums_of_sums_are_those_of_longer_times(split: int) -> None:
    sums = np.random.default_rng(split).uniform(0.1, 1, (10, SUMS))
    whole = sums.sum(axis=0)
    joined = sums[:split].sum(axis=0) + sums[split:].sum(axis=0)
    np.testing.assert_allclose(features(joined[None], whole), features(whole[None], whole), atol=1e-9)
