"""What an example tells: the emotion that a face was given is read off it again, whatever it says meanwhile."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emosplat
from emosplat.blendshapes.emotion import ACTIONS, EMOTION_AXES, EMOTIONS, EmotionArc, EmotionMix
from emosplat.blendshapes.emotion_example import (
    LEAST,
    STAGE,
    _recipes,
    _sides,
    face_emotion,
    shows_nothing,
    voice_emotion,
)
from emosplat.blendshapes.face_motion import EMOTION, FaceMotion, join
from emosplat.blendshapes.face_motion_files import load_face_motion
from emosplat.blendshapes.speech.voice_emotion import Mood

SHOWN = [label for label in EMOTIONS if label != "neutral"]


def posed(label: str, strength: float = 1.0, seconds: float = 2.0) -> FaceMotion:
    """A still face that does the actions of an emotion's expression."""
    row = strength * _recipes()[EMOTIONS.index(label)]
    face = FaceMotion.rest(round(25 * seconds), fps=25.0)
    columns = dict.fromkeys((s for parts in ACTIONS.values() for p in parts for s in _sides(p)), 0.0)
    for name, weight in zip(ACTIONS, row.tolist(), strict=True):
        sides = ["mouthSmileLeft"] if name == "corner_pull_left" else [s for p in ACTIONS[name] for s in _sides(p)]
        columns |= {side: columns[side] + weight for side in sides}
    return face.with_columns(columns)


def told(emotion: EmotionMix | EmotionArc, stage: int = 0) -> dict[str, float]:
    row = emotion.point if isinstance(emotion, EmotionMix) else emotion.points[stage].tolist()
    return {axis: value for axis, value in zip(EMOTION_AXES, row, strict=True) if value}


@given(st.sampled_from(SHOWN), st.floats(0.3, 1.0))
def test_an_expression_is_read_in_its_strength(label: str, strength: float) -> None:
    assert told(face_emotion(posed(label, strength))) == pytest.approx({label: strength}, abs=2e-3)


@pytest.mark.parametrize("label", ["neutral", "angry", "happy", "contempt"])
def test_the_emotion_of_a_face_that_speaks_is_read_off_its_arkit_shapes(
    label: str, babble: Path, tmp_path: Path
) -> None:
    emosplat.speak(babble, emotion=label).save(tmp_path / "face.csv")
    found = told(face_emotion(load_face_motion(tmp_path / "face.csv")))
    emotions = {axis: value for axis, value in found.items() if axis in EMOTIONS}
    assert max(emotions, key=emotions.__getitem__, default="neutral") == label
    assert label == "neutral" or emotions[label] > 0.35


def test_named_emotions_are_taken_as_they_are_and_other_actions_stay() -> None:
    face = FaceMotion.rest(50, fps=25.0).with_columns({EMOTION + "sad": 0.6, "mouthPressLeft": 0.5})
    assert told(face_emotion(face.with_column("mouthPressRight", 0.5))) == {"sad": 0.6, "lip_press": 0.5}


def test_what_comes_and_goes_or_hardly_shows_tells_nothing() -> None:
    face = FaceMotion.rest(100, fps=25.0).with_column("browInnerUp", LEAST / 2)
    now_and_then = np.where(np.arange(100) % 4 == 0, 1.0, 0.0)
    assert shows_nothing(face_emotion(face.with_column("mouthStretchLeft", now_and_then)))
    assert shows_nothing(face_emotion(FaceMotion.rest(0, fps=25.0)))


def test_what_a_tracker_does_not_see_is_not_taken_for_still() -> None:
    face = posed("disgusted")
    kept = [name for name in face.channels if not name.startswith(("nose", "cheek"))]
    seen = replace(face, channels=tuple(kept), values=face.table(kept)).with_given("mouth", "brows", "lids")
    assert told(face_emotion(seen)) == pytest.approx({"disgusted": 1.0}, abs=2e-3)


def test_a_long_example_changes_as_it_does() -> None:
    found = face_emotion(join([posed("happy", seconds=STAGE), posed("sad", seconds=STAGE)]))
    assert isinstance(found, EmotionArc)
    assert [max(told(found, k)) for k in range(len(found.points))] == ["happy", "sad"]


def test_a_voice_tells_what_is_surely_heard() -> None:
    shares = np.zeros((10, len(EMOTIONS)))
    shares[:, EMOTIONS.index("angry")], shares[:, 0] = 0.9, 0.1
    times = np.arange(0.5, 10) * 0.5
    assert told(voice_emotion(Mood(times, shares))) == {"angry": 0.9}
    unsure = np.full_like(shares, 1 / len(EMOTIONS))
    assert shows_nothing(voice_emotion(Mood(times, unsure)))
