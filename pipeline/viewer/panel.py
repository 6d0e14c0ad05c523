"""The panel beside the picture: sliders, time line and buttons of one visitor."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ...blendshapes.emotion import LABELS
from ...blendshapes.emotion_text import read_emotion_text
from ...core.errors import InputError
from ..camera.views import YAW
from .controls import UNITS, Controls
from .keys import CONTROLS, KeySheet

if TYPE_CHECKING:
    from viser import ClientHandle, GuiApi

Act = Callable[[], None]

GAZE, TURN, NOD, TILT, JAW = 25.0, 45.0, 25.0, 20.0, 25.0  # degrees that the sliders reach


class Sliders:
    """Everything that shapes the face."""

    def __init__(self, gui: GuiApi, changed: Act) -> None:
        self._gui = gui
        self._changed = changed
        self._all: list[Any] = []
        with gui.add_folder("Emotion"):
            self._emotions = {name: self._share(name) for name in LABELS if name != "neutral"}
            self._intensity = self._slider("intensity", 0.0, 1.0, 1.0)
            self._words = gui.add_text("in words", "", hint="For instance: a little nervous but smiling")
            self._told = gui.add_markdown("")
            self._words.on_update(lambda _: self._read_words())
        with gui.add_folder("Expression", expand_by_default=False):
            self._units = {}
            for part, shapes in UNITS.items():
                with gui.add_folder(part, expand_by_default=part == "mouth"):
                    self._units |= {shape: self._share(label) for label, shape in shapes.items()}
            self._jaw = self._slider("jaw", 0.0, JAW)
        with gui.add_folder("Head and eyes", expand_by_default=False):
            self._gaze = [self._slider(name, -GAZE, GAZE) for name in ("gaze left", "gaze up")]
            reach = {"head left": TURN, "head up": NOD, "head tilt": TILT}
            self._head = [self._slider(name, -most, most) for name, most in reach.items()]
        gui.add_button("Reset face").on_click(lambda _: self._reset())

    def read(self) -> Controls:
        """Where they stand."""
        left, up = (slider.value for slider in self._gaze)
        turn, lift, tilt = (slider.value for slider in self._head)
        return Controls(
            emotion={name: slider.value for name, slider in self._emotions.items()},
            words=self._words.value,
            intensity=self._intensity.value,
            units={shape: slider.value for shape, slider in self._units.items()},
            jaw=self._jaw.value,
            gaze=(left, up),
            head=(turn, lift, tilt),
        )

    def _read_words(self) -> None:
        self._told.content = told_of(self._words.value)
        self._changed()

    def _share(self, name: str) -> Any:
        return self._slider(name, 0.0, 1.0)

    def _slider(self, name: str, low: float, high: float, start: float = 0.0) -> Any:
        slider = self._gui.add_slider(name, low, high, step=(high - low) / 100, initial_value=start)
        slider.on_update(lambda _: self._changed())
        self._all.append((slider, start))
        return slider

    def _reset(self) -> None:
        for slider, start in self._all:
            slider.value = start
        self._words.value = ""


def told_of(words: str) -> str:
    """What a person should know of an emotion in words; nothing where all is understood."""
    try:
        return "; ".join(read_emotion_text(words).notes) if words.strip() else ""
    except InputError as error:
        return str(error)


class TimeLine:
    """A slider over the clip and a button that plays it."""

    def __init__(self, gui: GuiApi, *, frames: int, fps: float, seek: Callable[[float], None], toggle: Act) -> None:
        self._slider = gui.add_slider("time, s", 0.0, round(frames / fps, 2), step=0.01, initial_value=0.0)
        self._button = gui.add_button("Play")
        # our own updates come back without a client
        self._slider.on_update(lambda event: seek(self._slider.value) if event.client is not None else None)
        self._button.on_click(lambda _: toggle())

    def show(self, position: float, *, playing: bool) -> None:
        """Follow the player."""
        self._slider.value = round(position, 2)
        self._button.label = "Pause" if playing else "Play"


NO_KEY = "none"


class KeyPanel:
    """Keys of the motion: added at the time line's place, chosen, shaped and moved by sliders, removed, and saved."""

    def __init__(
        self, gui: GuiApi, sheet: KeySheet, *, here: Callable[[], float], lead: Callable[[KeySheet], None], save: Act
    ) -> None:
        self._sheet, self._lead = sheet, lead
        self._lock = threading.Lock()  # a browser's orders may come in several threads
        with gui.add_folder("Keys", expand_by_default=False):
            gui.add_button("Add key here").on_click(lambda _: self._add(here()))
            self._chosen: Any = gui.add_dropdown("key", (NO_KEY,))
            self._time = gui.add_slider("key time, s", 0.0, round(sheet.seconds, 2), step=0.01, initial_value=0.0)
            self._sliders = {
                name: gui.add_slider(_told(name), low, high, step=(high - low) / 100, initial_value=0.0)
                for name, (low, high) in CONTROLS.items()
            }
            gui.add_button("Remove key").on_click(lambda _: self._remove())
            gui.add_button("Save face motion").on_click(lambda _: save())
        # our own updates come back without a client
        self._chosen.on_update(lambda event: self._show(self._frame) if event.client is not None else None)
        self._time.on_update(lambda event: self._move() if event.client is not None else None)
        for slider in self._sliders.values():
            slider.on_update(lambda event: self._shape() if event.client is not None else None)

    @property
    def _frame(self) -> int | None:
        """The key that is chosen."""
        names = {self._name(frame): frame for frame in self._sheet.frames()}
        return names.get(self._chosen.value)

    def _name(self, frame: int) -> str:
        return f"{self._sheet.time(frame):.2f} s (frame {frame})"

    def _add(self, position: float) -> None:
        """A key with what the sliders say, where the time line is."""
        with self._lock:
            frame = self._sheet.frame_at(position)
            self._sheet.put(frame, self._read())
            self._show(frame)
            self._lead(self._sheet)

    def _move(self) -> None:
        with self._lock:
            if (frame := self._frame) is not None:
                self._choose(self._sheet.move(frame, self._sheet.frame_at(self._time.value)))
                self._lead(self._sheet)

    def _shape(self) -> None:
        with self._lock:
            if (frame := self._frame) is not None:
                self._sheet.put(frame, self._read())
                self._lead(self._sheet)

    def _remove(self) -> None:
        with self._lock:
            if (frame := self._frame) is not None:
                self._sheet.take(frame)
                self._choose(None)
                self._lead(self._sheet)

    def _read(self) -> dict[str, float]:
        return {name: slider.value for name, slider in self._sliders.items()}

    def _choose(self, frame: int | None) -> None:
        self._chosen.options = (NO_KEY, *map(self._name, self._sheet.frames()))
        self._chosen.value = NO_KEY if frame is None else self._name(frame)

    def _show(self, frame: int | None) -> None:
        """Let everything say what the key of a frame is."""
        self._choose(frame)
        if frame is not None:
            self._time.value = round(self._sheet.time(frame), 2)
            for name, slider in self._sliders.items():
                slider.value = self._sheet.controls(frame).get(name, 0.0)


def _told(control: str) -> str:
    return f"key {control.replace('_', ' ')}"


def add_camera_buttons(client: ClientHandle, *, look: Callable[[str], None], shoot: Act, save: Act) -> None:
    """Presets, a picture of what is seen, and the camera as a file that `--camera` reads."""
    with client.gui.add_folder("Camera"):
        views = client.gui.add_button_group("view", tuple(YAW))
        views.on_click(lambda _: look(views.value))
        client.gui.add_button("Screenshot").on_click(lambda _: shoot())
        client.gui.add_button("Save camera").on_click(lambda _: save())


FILM = "Film me"


def add_film_button(gui: GuiApi, press: Callable[[], str]) -> None:
    """Keeps what the camera of this machine sees, and offers the film; `press` returns what it says next."""
    with gui.add_folder("Webcam"):
        button = gui.add_button(FILM)

    def pressed() -> None:
        button.label = press()

    button.on_click(lambda _: pressed())
