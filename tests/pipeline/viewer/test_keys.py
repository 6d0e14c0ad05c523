"""Keys of a visitor: the sheet that holds them, the panel that shapes them, and the motion that meets them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes import TalkingHead, parse_emotion
from emosplat.blendshapes.editing.keys import CONTROLS as NAMED
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.solve.solver import Solver
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.viewer.keys import CONTROLS, Keyed, KeySheet
from emosplat.pipeline.viewer.panel import NO_KEY, KeyPanel
from emosplat.pipeline.viewer.performance import Recording, Speech

HEAD = builtin_head()
SOLVER = Solver(HEAD)
NEUTRAL = parse_emotion("neutral")
FRAMES, FPS = 50, 25.0
BROWSER = SimpleNamespace(client=object())
OURS = SimpleNamespace(client=None)


class Handle:
    """A slider, a list or a button of viser: a value that calls whoever waits for it."""

    def __init__(self, label: str, value: Any = None) -> None:
        self.label, self._value, self.options = label, value, (NO_KEY,)
        self._calls: list[Callable[[Any], object]] = []

    def on_update(self, call: Callable[[Any], object]) -> None:
        self._calls.append(call)

    on_click = on_update

    @property
    def value(self) -> Any:
        return self._value

    @value.setter
    def value(self, value: Any) -> None:
        self._value = value
        self.tell(OURS)

    def set(self, value: Any) -> None:
        """As somebody does in the browser."""
        self._value = value
        self.tell(BROWSER)

    def tell(self, event: Any = BROWSER) -> None:
        for call in self._calls:
            call(event)


class Gui:
    """What the panel needs of viser's."""

    def __init__(self) -> None:
        self.handles: dict[str, Handle] = {}

    @contextmanager
    def add_folder(self, _label: str, **_: Any):
        yield

    def add_slider(self, label: str, low: float, high: float, **more: Any) -> Handle:
        assert low <= more["initial_value"] <= high
        return self.handles.setdefault(label, Handle(label, more["initial_value"]))

    def add_dropdown(self, label: str, options: tuple[str, ...]) -> Handle:
        return self.handles.setdefault(label, Handle(label, options[0]))

    def add_button(self, label: str) -> Handle:
        return self.handles.setdefault(label, Handle(label))


class Desk:
    """A panel over a still face, and what somebody does with it."""

    def __init__(self) -> None:
        self.gui, self.sheet, self.position, self.saved = Gui(), KeySheet(FRAMES, FPS), 0.0, 0
        self.keyed = Keyed(Recording(SOLVER, FaceMotion.rest(FRAMES, fps=FPS)), SOLVER)
        KeyPanel(
            self.gui,  # pyright: ignore[reportArgumentType]
            self.sheet,
            here=lambda: self.position,
            lead=lambda sheet: self.keyed.lead(sheet.keys()),
            save=self._save,
        )

    def _save(self) -> None:
        self.saved += 1

    def press(self, label: str) -> None:
        self.gui.handles[label].tell()

    def set(self, label: str, value: Any) -> None:
        self.gui.handles[label].set(value)

    def column(self, name: str) -> np.ndarray:
        return self.keyed.face(NEUTRAL).column(name)


def test_every_slider_is_a_control() -> None:
    assert set(CONTROLS) <= set(NAMED)


def test_a_key_is_set_shaped_moved_and_removed() -> None:
    desk = Desk()
    desk.set("key smile", 0.8)  # nothing is chosen yet: it waits for the key
    desk.position = 1.0
    desk.press("Add key here")
    assert desk.column("mouthSmileLeft")[25] == 0.8
    desk.set("key turn", 20.0)
    assert np.degrees(desk.keyed.frame(25, NEUTRAL).neck[0, 1]) == pytest.approx(20)
    desk.set("key time, s", 0.5)
    assert np.degrees(desk.column("headYaw")[[12, 25]]) == pytest.approx([20, 0])
    desk.press("Remove key")
    assert not desk.column("headYaw").any()
    assert desk.gui.handles["key"].value == NO_KEY
    desk.press("Remove key")  # there is none any more
    desk.press("Save face motion")
    assert desk.saved == 1


def test_the_sliders_show_the_key_that_is_chosen() -> None:
    desk = Desk()
    desk.position = 0.4
    desk.set("key smile", 0.5)
    desk.press("Add key here")
    desk.position = 1.6
    desk.set("key smile", 0.0)
    desk.set("key nod", 10.0)
    desk.press("Add key here")
    first, second = list(desk.gui.handles["key"].options)[1:]
    assert (first, second) == ("0.42 s (frame 10)", "1.62 s (frame 40)")
    # what was changed before the second key was added was the first one's
    desk.set("key", first)
    assert desk.gui.handles["key nod"].value == 10.0
    desk.set("key nod", -5.0)
    desk.set("key", second)
    assert desk.gui.handles["key nod"].value == 10.0
    assert np.degrees(desk.column("headPitch")[[10, 40]]) == pytest.approx([-5, 10])
    desk.set("key time, s", 0.4)  # there is another
    assert np.degrees(desk.column("headPitch")[[10, 40]]) == pytest.approx([-5, 10])


@given(st.lists(st.tuples(st.sampled_from(("put", "move", "take")), st.floats(-1, 3), st.floats(-1, 3)), max_size=20))
def test_a_sheet_has_one_key_per_frame_and_all_can_be_met(orders: list[tuple[str, float, float]]) -> None:
    sheet = KeySheet(FRAMES, FPS)
    for order, here, there in orders:
        frame = sheet.frame_at(here)
        if order == "put":
            sheet.put(frame, {"smile": 0.5, "turn": 0.0})
        elif frame in sheet.frames():
            count = len(sheet.frames())
            if order == "move":
                assert sheet.move(frame, sheet.frame_at(there)) in sheet.frames()
                assert len(sheet.frames()) == count
            else:
                sheet.take(frame)
    keyed = Keyed(Recording(SOLVER, FaceMotion.rest(FRAMES, fps=FPS)), SOLVER)
    keyed.lead(sheet.keys())
    assert (keyed.face(NEUTRAL).column("mouthSmileLeft")[sheet.frames()] == 0.5).all()
    assert not keyed.face(NEUTRAL).head.any()


def test_without_keys_it_plays_as_it_was_and_with_them_on_the_same_face(babble: Path) -> None:
    speech = Speech(TalkingHead.of(HEAD), open_audio(babble))
    keyed, happy = Keyed(speech, SOLVER), parse_emotion("happy")
    assert keyed.frame(20, happy) is not None
    np.testing.assert_array_equal(keyed.frame(20, happy).expr, speech.frame(20, happy).expr)
    sheet = KeySheet(speech.frames, speech.fps)
    sheet.put(5, {"turn": 30.0})
    keyed.lead(sheet.keys())
    np.testing.assert_array_equal(keyed.frame(30, happy).neck, speech.frame(30, happy).neck)
    assert np.degrees(keyed.frame(5, happy).neck[0, 1]) == pytest.approx(30)
    np.testing.assert_array_equal(keyed.face(happy).values, speech.face(happy).values)


def test_a_recording_of_a_face_takes_an_emotion_on_top_of_its_keys() -> None:
    recording = Recording(SOLVER, FaceMotion.rest(FRAMES, fps=FPS))
    keyed = Keyed(recording, SOLVER)
    sheet = KeySheet(FRAMES, FPS)
    sheet.put(25, {"nod": 10.0})
    keyed.lead(sheet.keys())
    happy = parse_emotion("happy")
    np.testing.assert_allclose(keyed.frame(25, happy).expr, recording.frame(25, happy).expr, atol=1e-6)
    assert np.degrees(keyed.frame(25, happy).neck[0, 0]) == pytest.approx(10)
    assert not keyed.face(happy).column("emotion.happy").any()  # it is shown, and not kept
