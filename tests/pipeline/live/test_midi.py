"""Knobs and pads steer a face; any message at all breaks nothing."""

from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.emotion import EMOTIONS, parse_emotion
from emosplat.core.errors import InputError
from emosplat.pipeline.live import midi
from emosplat.pipeline.live.control import Control, style_names
from emosplat.pipeline.live.midi import FIRST_EMOTION, FIRST_PAD, Knobs, steering

mido: Any = pytest.importorskip("mido")

VALUES = st.integers(0, 127)
MESSAGES = st.one_of(
    st.builds(lambda c, v: mido.Message("control_change", control=c, value=v), VALUES, VALUES),
    st.builds(lambda n, v: mido.Message("note_on", note=n, velocity=v), VALUES, VALUES),
    st.builds(lambda n: mido.Message("note_off", note=n), VALUES),
    st.builds(lambda p: mido.Message("program_change", program=p), VALUES),
    st.builds(lambda p: mido.Message("pitchwheel", pitch=p), st.integers(-8192, 8191)),
    st.builds(lambda data: mido.Message("sysex", data=data), st.lists(VALUES, max_size=8)),
    st.sampled_from([mido.Message("clock"), mido.Message("stop")]),
)


def control() -> Control:
    return Control(parse_emotion("neutral"))


def turned(knob: int, value: int) -> Any:
    return mido.Message("control_change", control=knob, value=value)


@given(st.lists(MESSAGES, max_size=20))
def test_any_messages_leave_a_state_that_can_be(messages: list[Any]) -> None:
    steered = control()
    knobs = Knobs(steered)
    for message in messages:
        knobs.moved(message)
    state = steered.state()
    assert 0 <= state["intensity"] <= 1
    assert abs(state["look_left"]) <= 25 >= abs(state["look_up"])
    assert sum(state["emotion"].values()) <= 1.001


def test_knobs_mean_what_the_page_tells() -> None:
    steered = control()
    knobs = Knobs(steered)
    assert knobs.moved(turned(1, 127))
    assert steered.state()["intensity"] == 1
    for value, left in ((64, 0.0), (0, 25.0), (127, -25.0)):
        knobs.moved(turned(10, value))
        assert steered.state()["look_left"] == pytest.approx(left)
    knobs.moved(turned(11, 127))
    assert steered.state()["look_up"] == 25
    assert not knobs.moved(turned(99, 3))


def test_emotions_mix_and_pads_choose() -> None:
    steered = control()
    knobs = Knobs(steered)
    knobs.moved(turned(FIRST_EMOTION, 127))
    knobs.moved(turned(FIRST_EMOTION + 1, 127))
    assert set(steered.state()["emotion"]) == set(EMOTIONS[1:3])
    assert sum(steered.state()["emotion"].values()) == pytest.approx(1, abs=0.01)
    assert knobs.moved(mido.Message("note_on", note=FIRST_PAD + 4, velocity=90))
    assert set(steered.state()["emotion"]) == {EMOTIONS[4]}
    knobs.moved(turned(FIRST_EMOTION, 0))
    assert steered.state()["emotion"] == {"neutral": 1.0}


def test_programs_are_styles() -> None:
    steered = control()
    assert Knobs(steered).moved(mido.Message("program_change", program=1))
    assert steered.state()["style"] == style_names()[1]


def test_a_controller_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mido, "get_input_names", lambda: ["Some Knobs 1"], raising=False)
    with (
        pytest.raises(InputError, match="--midi keys: expected a MIDI input of that name, found Some Knobs 1"),
        steering("keys", control()),
    ):
        pass


def test_a_controller_steers_while_it_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: dict[str, Any] = {}

    class Port(SimpleNamespace):
        def __enter__(self) -> "Port":
            return self

        def __exit__(self, *_: object) -> None:
            opened.clear()

    def open_input(name: str, callback: Any) -> Port:
        opened[name] = callback
        return Port()

    monkeypatch.setattr(mido, "get_input_names", lambda: ["Some Knobs 1"], raising=False)
    monkeypatch.setattr(mido, "open_input", open_input, raising=False)
    steered = control()
    with steering(midi.ANY, steered) as name:
        opened[name](turned(1, 0))
        assert steered.state()["intensity"] == 0
    assert not opened


def test_without_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> list[str]:
        raise ImportError("no module rtmidi")

    monkeypatch.setattr(mido, "get_input_names", none, raising=False)
    with (
        pytest.raises(InputError, match=r"pip install 'emosplat\[midi\]'"),
        steering(midi.ANY, control()),
    ):
        pass
