"""Emotion from the voice: calm where nothing is sure, the same however the sound arrives, and refused when not ours."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.emotion import EMOTIONS, FromVoice
from emosplat.blendshapes.models.speaking import heard
from emosplat.blendshapes.score import Score
from emosplat.blendshapes.speech.prosody import FEATURES
from emosplat.blendshapes.speech.voice_emotion import FORMAT, SURE, UNSURE, Mood, VoiceEmotion
from emosplat.core.errors import InputError
from emosplat.core.tensors import write_tensors

from .test_prosody import RATE, voice

CALM = {"pitch": 105.0, "semitones": 0.8, "slope": 15.0, "rate": 3.0}
EXCITED = {"pitch": 190.0, "semitones": 6.0, "slope": 6.0, "rate": 6.0}
NEUTRAL = EMOTIONS.index("neutral")


@pytest.fixture(scope="module")
def model() -> VoiceEmotion:
    return VoiceEmotion.built_in()


@pytest.mark.parametrize("wave", [np.zeros(0), np.zeros(100), np.zeros(40_000), 1e-5 * np.ones(40_000)])
def test_silence_has_no_mood(model: VoiceEmotion, wave: np.ndarray) -> None:
    mood = model.listen([wave.astype(np.float32)])
    assert (mood.shares[:, NEUTRAL] == 1).all()
    assert not mood.track().points.any()


def test_noise_has_no_mood(model: VoiceEmotion) -> None:
    noise = 0.1 * np.random.default_rng(0).standard_normal(80_000).astype(np.float32)
    assert not model.listen([noise]).track().points.any()


@pytest.mark.parametrize("kind", [CALM, EXCITED])
def test_shares_are_shares(model: VoiceEmotion, kind: dict[str, float]) -> None:
    mood = model.listen([voice(**kind)])
    np.testing.assert_allclose(mood.shares.sum(axis=1), 1)
    assert mood.shares.min() >= 0
    np.testing.assert_array_less(mood.track().points.sum(axis=1), 1 + 1e-6)


def test_excitement_is_told_from_calm_as_the_voice_goes_on(model: VoiceEmotion) -> None:
    aroused = [EMOTIONS.index(e) for e in ("angry", "happy", "fearful")]
    mood = model.listen([voice(**CALM, seconds=15), voice(**EXCITED, seconds=15)])
    excited = mood.shares[:, aroused].sum(axis=1)
    assert excited[:12].max() < excited[-12:].min()


def test_loudness_says_little(model: VoiceEmotion) -> None:
    wave = voice()
    quiet, loud = (model.listen([(gain * wave).astype(np.float32)]).shares for gain in (0.2, 1.0))
    np.testing.assert_allclose(quiet, loud, atol=0.05)


def test_pieces_are_the_whole(model: VoiceEmotion) -> None:
    wave = voice(seconds=7)
    pieces = model.listen(np.array_split(wave, [1, 5_000, 5_001, 60_000]))
    np.testing.assert_allclose(pieces.shares, model.listen([wave]).shares, atol=1e-9)


@given(st.lists(st.floats(0, 1), min_size=len(EMOTIONS), max_size=len(EMOTIONS)).filter(lambda row: sum(row) > 0))
def test_what_is_unsure_shows_nothing_and_nothing_shows_more_than_itself(row: list[float]) -> None:
    shares = np.array([row]) / sum(row)
    shown = Mood(np.zeros(1), shares).track().points[:, : len(EMOTIONS)]
    assert (shown <= shares + 1e-3).all()
    assert not shown[shares <= UNSURE].any()
    assert not shown[:, NEUTRAL].any()
    sure = shares >= SURE
    sure[:, NEUTRAL] = False
    np.testing.assert_allclose(shown[sure], shares[sure], atol=1e-3)


def test_only_what_is_left_to_the_voice_is_heard() -> None:
    wave = voice(**EXCITED)
    left = Score(sound=lambda: [wave], emotion=FromVoice(), seed=3)
    told = left.with_emotion("angry")
    assert heard(told) is told
    found = heard(left)
    assert found.seed == 3
    expected = VoiceEmotion.built_in().listen([wave]).track()
    np.testing.assert_array_equal(found.emotion.at(np.array([2.0])), expected.at(np.array([2.0])))  # type: ignore[union-attr]


def written(path: Path, **changes: Any) -> Path:
    """A file of weights that always hears joy; `changes` replace tensors, and facts of the metadata."""
    size = len(FEATURES)
    tensors = {
        "mean": np.zeros(size),
        "scale": np.ones(size),
        "weight": np.zeros((2, size)),
        "bias": np.array([0, 9.0]),
    }
    info: dict[str, Any] = {"format": FORMAT, "labels": ["neutral", "happy"], "features": FEATURES}
    tensors |= {k: v for k, v in changes.items() if k in tensors}
    info |= {k: v for k, v in changes.items() if k not in tensors}
    write_tensors(path, {k: v.astype(np.float32) for k, v in tensors.items()}, info)
    return path


def test_weights_of_ones_own_are_heard_with(tmp_path: Path) -> None:
    mood = VoiceEmotion.load(written(tmp_path / "mine.safetensors")).listen([voice()])
    assert mood.shares[:, EMOTIONS.index("happy")].min() > 0.99
    assert len(mood.times) == len(mood.shares) == 5 * RATE // 8000 + 1


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": ["happy", "sad"]},
        {"labels": ["neutral", "bored"]},
        {"labels": ["neutral", "neutral"]},
        {"labels": 3},
        {"features": ["pitch"]},
        {"bias": np.zeros(3)},
        {"weight": np.full((2, len(FEATURES)), np.nan)},
        {"scale": np.zeros(len(FEATURES))},
    ],
)
def test_what_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"bad\.safetensors: not usable as weights of the voice's emotion"):
        VoiceEmotion.load(written(tmp_path / "bad.safetensors", **changes))


@pytest.mark.parametrize("content", [b"", b"\xff" * 64])
def test_what_are_no_weights_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "bad.safetensors").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.safetensors: expected weights of the voice's emotion"):
        VoiceEmotion.load(tmp_path / "bad.safetensors")
