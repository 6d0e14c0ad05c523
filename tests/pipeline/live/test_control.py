"""Steering: every message is a change or one error, and an error changes nothing."""

import json
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.emotion import EMOTIONS, parse_emotion
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.core.errors import InputError
from emosplat.pipeline.live.control import Change, mix_told, read_change, style_names
from emosplat.pipeline.live.keys import pressed

from .pretend import control

VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=10), st.sampled_from(EMOTIONS),
    st.dictionaries(st.sampled_from([*EMOTIONS, "x"]), st.floats(-1, 2), max_size=3),
)  # fmt: skip
NAMES = st.sampled_from([*Change.model_fields, "other"])


MESSAGES = st.dictionaries(NAMES, VALUES, max_size=4).map(lambda fields: json.dumps(fields).encode())


def refusal(message: bytes) -> str | None:
    """Why a message is refused; None where it is done."""
    steered = control()
    before = steered.state()
    try:
        steered.apply(read_change(message))
    except InputError as error:
        return str(error) if steered.state() == before else "done in part"
    state = steered.state()
    steered.apply(read_change(json.dumps(state)))  # what is told can be asked for
    return None if steered.state() == state and 0 <= state["intensity"] <= 1 else "changed to something else"


@given(st.one_of(st.binary(max_size=60), MESSAGES))
def test_any_message_is_a_change_or_one_error(message: bytes) -> None:
    refused = refusal(message)
    assert refused is None or (re.match("control|emotion|style", refused) and "\n" not in refused)


def test_messages_are_not_endless() -> None:
    with pytest.raises(InputError, match="at most"):
        read_change(b" " * 100_000)


def test_words_and_labels() -> None:
    assert mix_told("happy:0.5,sad:0.2") == mix_told({"happy": 0.5, "sad": 0.2}) == parse_emotion("happy:0.5,sad:0.2")
    assert mix_told("a little nervous").point != parse_emotion("neutral").point
    for told in ("calm, then furious", "auto", "her.mp4", "hapy"):
        with pytest.raises(InputError):
            mix_told(told)


def test_weights_are_of_names_that_exist_and_what_is_told_may_be_asked_for_again() -> None:
    assert mix_told({"joy": 0.5}) == mix_told({"happy": 0.5})
    steered = control()
    steered.apply(read_change('{"emotion": "a little nervous"}'))
    before = steered.state()
    assert before["emotion"]["lip_press"] > 0
    steered.apply(read_change(json.dumps({"emotion": before["emotion"]})))
    assert steered.state() == before
    with pytest.raises(InputError, match="hapy"):
        mix_told({"hapy": 1.0})


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ('{"emotion": {"happy": 1.5}}', "control: emotion.happy: input should be less than or equal to 1"),
        ('{"emotion": 5}', "control: emotion: input should be a valid string"),
        ('{"emotion": "%s"}' % ("a" * 600), "control: emotion: string should have at most 500 characters"),
    ],
)
def test_an_error_names_the_field(message: str, error: str) -> None:
    with pytest.raises(InputError) as raised:
        read_change(message)
    assert str(raised.value) == error


def test_gaze_is_the_persons() -> None:
    steered = control()
    steered.apply(Change(look_left=10.0, look_up=5.0))
    pitch, yaw = steered.mood.gaze
    assert np.degrees(yaw) == pytest.approx(10)  # + to the person's left
    assert np.degrees(pitch) == pytest.approx(-5)  # + down


def test_a_style_scales_what_moves() -> None:
    steered = control()
    face = FaceMotion.rest(1, fps=25, first=3).with_columns({"headYaw": 0.2})
    assert steered.styled(face) is face
    steered.apply(Change(style="calm"))
    assert 0 < steered.styled(face).column("headYaw")[0] < 0.2
    assert steered.styled(face).first == 3
    steered.apply(Change(style_strength=0.0))
    assert steered.styled(face).column("headYaw")[0] == pytest.approx(0.2)
    steered.apply(Change(style="usual"))
    assert steered.styled(face) is face


def test_listeners_hear_of_changes() -> None:
    steered, told = control(), []
    steered.listen(lambda: told.append(steered.state()["intensity"]))
    steered.apply(Change(intensity=0.5))
    with pytest.raises(InputError):
        steered.apply(Change(style="no such"))
    assert told == [0.5]


def test_keys_steer() -> None:
    steered = control()
    for key in ("4", "-", "-", "\x1b[D", "\x1b[A", "s"):
        assert pressed(key, steered)
    assert steered.state() == {
        "emotion": {"happy": 1.0}, "intensity": 0.8, "look_left": 5.0, "look_up": 5.0,
        "style": style_names()[1], "style_strength": 1.0,
    }  # fmt: skip
    assert pressed("c", steered)
    assert steered.state()["look_left"] == 0
    for _ in range(15):
        pressed("+", steered)
        pressed("\x1b[C", steered)
    assert steered.state()["intensity"] == 1
    assert steered.state()["look_left"] == -25
    assert not pressed("x", steered)
