"""Mood from the voice, on voices made of harmonics with known pitch, range, tilt and syllables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.blendshapes.emotion import EMOTIONS, FromVoice
from emosplat.blendshapes.models.procedural import heard
from emosplat.blendshapes.score import Score
from emosplat.blendshapes.speech import prosody
from emosplat.blendshapes.speech.prosody import listen

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


def cues(wave: np.ndarray) -> dict[str, float]:
    """Cues of the whole clip in their own units."""
    sums = np.concatenate(list(map(prosody._binned, prosody._frames([wave])))).sum(axis=0)
    return {name: float(value[0]) for name, value in prosody._cues(sums[None], sums).items()}


@pytest.mark.parametrize("pitch", [90.0, 119.0, 207.0, 300.0])
def test_pitch_and_its_range_are_measured_in_semitones(pitch: float) -> None:
    found = cues(voice(pitch=pitch, semitones=2.0))
    nearest = min((119.0, 207.0), key=lambda hz: abs(np.log(pitch / hz)))
    assert found["pitch"] == pytest.approx(12 * np.log2(pitch / nearest), abs=0.5)
    assert found["range"] == pytest.approx(2.0, abs=0.4)


def test_a_flatter_spectrum_is_a_higher_tilt() -> None:
    assert cues(voice(slope=6))["tilt"] > cues(voice(slope=12))["tilt"] + 8


def test_syllables_are_counted() -> None:
    slow, fast = cues(voice(rate=3)), cues(voice(rate=6))
    assert slow["rate"] == pytest.approx(3, rel=0.35)  # per second of voice, and the gaps are no voice
    assert fast["rate"] > 1.6 * slow["rate"]


def test_excited_voices_are_aroused_and_flat_ones_subdued() -> None:
    excited = listen([voice(pitch=180, semitones=6, slope=7, rate=6)])
    subdued = listen([voice(pitch=105, semitones=0.8, slope=15, rate=3)])
    assert excited.arousal.min() > 0.3
    assert subdued.arousal.max() < -0.3
    assert subdued.track().points[:, EMOTIONS.index("sad")].min() > 0.3
    assert excited.track().points[:, EMOTIONS.index("sad")].max() == 0


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(100), np.zeros(40_000), 1e-5 * np.ones(40_000)])
def test_silence_has_no_mood(wave: np.ndarray) -> None:
    mood = listen([wave.astype(np.float32)])
    assert not mood.arousal.any()
    assert not mood.track().points.any()


def test_noise_has_no_mood() -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(80_000).astype(np.float32)
    assert not listen([noise]).track().points.any()


def test_loudness_says_nothing() -> None:
    wave = voice()
    np.testing.assert_allclose(listen([(0.1 * wave).astype(np.float32)]).arousal, listen([wave]).arousal, atol=0.02)


@pytest.mark.slow
@settings(max_examples=10)
@given(st.lists(st.integers(0, 3 * RATE), max_size=6))
def test_the_sizes_of_the_blocks_do_not_matter(cuts: list[int]) -> None:
    wave = voice(seconds=12.3)
    whole, pieces = listen([wave]), listen([piece.astype(np.float32) for piece in np.split(wave, np.cumsum(cuts))])
    np.testing.assert_allclose(pieces.arousal, whole.arousal, atol=1e-9)
    assert len(whole.times) == np.ceil(12.3 / 0.5)


def test_the_mood_follows_the_voice() -> None:
    calm, excited = voice(semitones=0.5, slope=14, seconds=15), voice(pitch=190, semitones=6, slope=6, seconds=15)
    arousal = listen([calm, excited]).arousal
    assert arousal[:15].max() < arousal[-15:].min()


def test_weights_are_a_mix() -> None:
    for wave in (voice(semitones=7, slope=3, pitch=170), voice(semitones=0.1)):
        weights = listen([wave]).track().points
        assert weights.min() >= 0
        assert weights.sum(axis=1).max() <= 1 + 1e-6


def test_only_what_is_left_to_the_voice_is_heard() -> None:
    wave = voice(semitones=0.5, slope=15)
    left = Score(sound=lambda: [wave], emotion=FromVoice(), seed=3)
    told = left.with_emotion("angry")
    assert heard(told) is told
    found = heard(left)
    assert found.seed == 3
    assert found.emotion.at(np.array([2.0]))[0, EMOTIONS.index("sad")] > 0.3  # type: ignore[union-attr]
