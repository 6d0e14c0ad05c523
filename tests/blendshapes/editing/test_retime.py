"""A motion on another recording of the same words: its course is found, never runs back, contacts stay whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat import example_speech
from emosplat.blendshapes.editing.retime import (
    LONGEST,
    SMOOTHED,
    SMOOTHED_OWN_PACE,
    Course,
    by_phones,
    by_sound,
    heard,
    retimed,
)
from emosplat.blendshapes.face_motion import CONTACTS, FaceMotion
from emosplat.blendshapes.models import find_model
from emosplat.blendshapes.score import Score
from emosplat.blendshapes.speech.encoder import BUILT_IN, RATE, SpeechEncoder
from emosplat.blendshapes.speech.phones import Segment
from emosplat.core.errors import InputError
from emosplat.pipeline.media.audio import open_audio

FPS = 25.0
STRETCHED = (1.25, 0.75, 1.4, 0.8, 1.1)  # how much faster each fifth of the sentence is said


def courses() -> st.SearchStrategy[Course]:
    """Any course of a few seconds that never runs backwards, with places where one recording stands still."""
    steps = st.lists(st.tuples(st.floats(0.02, 1), st.floats(0, 1)), min_size=1, max_size=12)
    return steps.map(lambda s: Course(*np.concatenate([np.zeros((1, 2)), np.cumsum(s, axis=0)]).T))


@given(courses(), st.sampled_from((0.0, SMOOTHED, SMOOTHED_OWN_PACE)))
def test_a_course_never_runs_backwards_and_keeps_its_ends(course: Course, smoothed: float) -> None:
    times = np.linspace(0, course.new[-1], 200)
    old = course(times, smoothed=smoothed)
    assert (np.diff(old) >= -1e-9).all()
    assert old[0] == pytest.approx(0, abs=1e-9)
    assert old[-1] == pytest.approx(course.old[-1], abs=0.02)


@given(courses(), st.integers(0, 2**32))
def test_contacts_are_as_many_and_as_firm_however_fast_the_words(course: Course, seed: int) -> None:
    """The firmest of any stretch of the old motion is found in the frames that show that stretch."""
    frames = max(2, int(course.old[-1] * FPS) + 1)
    column = np.random.default_rng(seed).uniform(0, 1, frames) ** 4
    face = FaceMotion.rest(frames, fps=FPS).with_columns({name: column for name in CONTACTS})
    after = retimed(face, course, seconds=float(course.new[-1]))
    ends = course(np.arange(len(after) + 1) / FPS, smoothed=SMOOTHED)
    inside = (face.times > ends[0]) & (face.times < ends[-1])
    for name in CONTACTS:
        assert after.column(name).max() >= column[inside].max(initial=0) - 1e-12
        assert after.column(name).max() <= column.max() + 1e-12


@given(st.integers(1, 60), st.floats(0.5, 2))
def test_a_steady_course_stretches_everything_alike(frames: int, pace: float) -> None:
    face = FaceMotion.rest(frames, fps=FPS, first=9, seed=4)
    face = face.with_columns({name: np.arange(frames) / frames for name in ("speech.jaw", "headYaw", "lidLeft")})
    course = Course(np.array([0.0, face.duration * pace]), np.array([0.0, face.duration]))
    after = retimed(face, course, seconds=face.duration * pace)
    assert len(after) == max(1, int(np.ceil(frames * pace - 1e-6)))
    assert (after.first, after.seed) == (0, 4)
    expected = np.clip((after.times / pace * FPS - 0.5) / frames, 0, (frames - 1) / frames)
    for name in ("speech.jaw", "headYaw", "lidLeft"):
        np.testing.assert_allclose(after.column(name), expected, atol=2e-2)


@pytest.fixture(scope="module")
def encoder() -> SpeechEncoder:
    return SpeechEncoder.load(BUILT_IN)


@pytest.fixture(scope="module")
def said() -> np.ndarray:
    return np.concatenate(list(open_audio(example_speech()).blocks()))


@pytest.fixture(scope="module")
def again(said: np.ndarray) -> tuple[np.ndarray, Course]:
    """The sentence said at another pace, and its true course."""
    from librosa.effects import time_stretch

    cuts = np.linspace(0, len(said), len(STRETCHED) + 1).astype(int)
    parts = [time_stretch(said[a:b], rate=r) for a, b, r in zip(cuts, cuts[1:], STRETCHED, strict=False)]
    new = np.cumsum([0, *map(len, parts)]) / 16_000
    return np.concatenate(parts).astype(np.float32), Course(new, cuts / 16_000)


@pytest.mark.slow  # librosa compiles what stretches the sound
def test_the_words_are_found_in_a_recording_at_another_pace(
    encoder: SpeechEncoder, said: np.ndarray, again: tuple[np.ndarray, Course]
) -> None:
    new, true = again
    features = [heard(sound, list(encoder.articulate(lambda s=sound: [s]))) for sound in (said, new)]
    course = by_sound(*features)
    pieces = list(encoder.articulate(lambda: [new]))
    times = np.arange(sum(map(len, pieces))) / RATE
    speaking = np.concatenate([p.speech for p in pieces]) > 0.5
    aside = np.abs(course(times, smoothed=SMOOTHED) - true(times))[speaking]
    assert np.median(aside) < 0.03  # seconds
    assert np.percentile(aside, 95) < 0.1
    before = find_model().plan(Score(len(said) / 16_000, FPS, lambda: [said]))
    after = retimed(before, course, seconds=len(new) / 16_000)
    wanted = find_model().plan(Score(len(new) / 16_000, FPS, lambda: [new]))
    assert len(after) == len(wanted)
    assert np.corrcoef(after.column("speech.jaw"), wanted.column("speech.jaw"))[0, 1] > 0.8
    for name in ("headYaw", "headPitch", "browInnerUp", "lidLeft"):
        own, now = (np.abs(np.diff(m.column(name))).max() for m in (before, after))
        assert now < 1.5 * own, name


def test_the_same_recording_gives_the_same_motion(encoder: SpeechEncoder, said: np.ndarray) -> None:
    features = heard(said, list(encoder.articulate(lambda: [said])))
    face = find_model().plan(Score(len(said) / 16_000, FPS, lambda: [said]))
    after = retimed(face, by_sound(features, features), seconds=len(said) / 16_000)
    assert len(after) == len(face)
    for name in set(face.columns) - CONTACTS:
        np.testing.assert_allclose(after.column(name), face.column(name), atol=1e-9)


def test_phones_lead_to_their_like() -> None:
    def phones(*lengths: float) -> list[Segment]:
        ends, names = np.cumsum([0, *lengths]), ("SIL", "HH", "AH", "L", "OW1")
        return [Segment(a, b, phone) for a, b, phone in zip(ends, ends[1:], names, strict=False)]

    course = by_phones(phones(0.5, 0.1, 0.1, 0.1, 0.2), phones(0.1, 0.1, 0.3, 0.1, 0.1), seconds=(1.2, 1.0))
    np.testing.assert_allclose(course(np.array([0, 0.1, 0.35, 0.6, 0.7, 1.0])), [0, 0.5, 0.65, 0.8, 1.0, 1.2])
    with pytest.raises(InputError, match="expected the same words in both recordings, found 0 phones in common"):
        by_phones(phones(0.1, 0.1, 0.1, 0.1), [Segment(0, 1, p) for p in ("S", "T", "Z")], seconds=(1.0, 1.0))


def test_a_sound_that_is_too_long_to_compare_is_refused() -> None:
    long = np.zeros((int(LONGEST * RATE) + 1, 1))
    with pytest.raises(InputError, match="expected at most 180 s of sound, found 180 s; give a transcript"):
        by_sound(long, long[:10])
