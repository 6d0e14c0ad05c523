"""Song and speech told apart, and notes found, in sounds whose notes are known (synthetic)."""

from itertools import pairwise
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from emosplat import example_speech
from emosplat.blendshapes.singing import song as song_module
from emosplat.blendshapes.singing.song import RATE, VOICED, Song
from emosplat.pipeline.media.audio import open_audio

SAMPLES = 16_000  # per second
TUNE = (57.0, 59.0, 61.0, 62.0, 64.0, 61.0)


def sung(pitches=TUNE, *, length: float = 0.6, gap: float = 0.0, glide: float = 0.0) -> np.ndarray:
    """A voice-like sound of harmonics on these notes; `gap` seconds of silence after each; `glide` semitones a note."""
    steps = round(length * SAMPLES)
    curve = np.concatenate([pitch + np.linspace(-glide / 2, glide / 2, steps) for pitch in pitches])
    phase = 2 * np.pi * np.cumsum(440 * 2 ** ((curve - 69) / 12)) / SAMPLES
    tone = np.sum([np.sin(k * phase) / k**1.5 for k in range(1, 12)], axis=0).reshape(len(pitches), steps)
    edge = np.minimum(1, np.minimum(np.arange(steps), np.arange(steps)[::-1]) / (0.02 * SAMPLES))
    silence = np.zeros((len(pitches), round(gap * SAMPLES)))
    return (0.1 * np.concatenate([tone * edge, silence], axis=1)).ravel().astype(np.float32)


def song(wave: np.ndarray, block: int = SAMPLES) -> Song:
    return Song.listen(lambda: (wave[i : i + block] for i in range(0, len(wave), block)))


@pytest.fixture(scope="module")
def tune() -> Song:
    return song(sung())


def test_notes_are_where_they_are_sung(tune):
    assert [round(note.pitch) for note in tune.notes] == [round(pitch) for pitch in TUNE]
    for number, note in enumerate(tune.notes):
        assert note.start == pytest.approx(0.6 * number, abs=0.06)
        assert note.length == pytest.approx(0.6, abs=0.1)


def test_held_notes_are_song(tune):
    assert tune.anywhere
    assert tune.sung.min() == 1
    assert tune.middle == pytest.approx(np.median(TUNE), abs=0.6)


@pytest.mark.parametrize(
    "wave",
    [
        sung(TUNE * 2, glide=5.0, length=0.3),
        sung((57.0,) * 6, gap=0.2),  # a robot on one note
        np.zeros(4 * SAMPLES, np.float32),
        np.random.default_rng(0).normal(0, 0.05, 4 * SAMPLES).astype(np.float32),
    ],
    ids=["gliding", "monotone", "silence", "noise"],
)
def test_what_is_no_song(wave):
    found = song(wave)
    assert not found.anywhere
    assert found.throughout().sung.min() == 1


def test_speech_is_no_song():
    assert not Song.listen(open_audio(example_speech()).blocks).anywhere


def test_only_the_sung_part_is_song():
    speech = np.concatenate(list(open_audio(example_speech()).blocks()))
    found = song(np.concatenate([speech, speech, sung(TUNE * 2)]))
    begin = round(2 * len(speech) / SAMPLES * RATE)
    assert found.sung[begin + RATE : -RATE].min() == 1
    assert found.sung[: begin // 4].max() == 0


def test_phrases_are_parted_by_breaths():
    found = song(np.concatenate([sung(TUNE[:3]), np.zeros(SAMPLES // 2, np.float32), sung(TUNE[3:])]))
    (_, first), (second, _) = found.phrases
    assert first == pytest.approx(1.8, abs=0.1)
    assert second == pytest.approx(2.3, abs=0.1)
    assert all(a[1] <= b[0] for a, b in pairwise(found.phrases))


@given(block=st.integers(1, 3 * SAMPLES), length=st.integers(0, 2 * SAMPLES))
@hypothesis_settings(max_examples=15)
def test_the_sizes_of_blocks_do_not_matter(block, length):
    wave = sung()[:length]
    whole = song(wave, len(wave) + 1)
    with patch.object(song_module, "PIECE", 0.1):  # of a long sound; else all of it would be heard at once
        pieces = song(wave, max(block, 200))
    assert len(whole.pitch) == 1 + length // 320
    for name in ("pitch", "voice", "bright", "sung"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), atol=1e-3, err_msg=name)
    assert [round(n.pitch) for n in pieces.notes] == [round(n.pitch) for n in whole.notes]


def test_silence_has_a_pitch_to_go_on_with():
    found = song(np.zeros(SAMPLES, np.float32))
    assert np.isfinite(found.pitch).all()
    assert (found.voice < VOICED).all()
    assert found.phrases == []
