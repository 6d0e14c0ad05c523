"""Steering by MIDI: the knobs, pads and programs of a controller."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...blendshapes.emotion import EMOTIONS
from ...core.errors import InputError
from .control import MOST_GAZE, Change, Control, style_names

ANY = "any"  # the first controller there is
# Control changes: modulation, pan, expression pedal; the emotions from the first undefined ones on (MIDI 1.0, table 3)
INTENSITY, LOOK_LEFT, LOOK_UP, STYLE_STRENGTH, FIRST_EMOTION = 1, 10, 11, 14, 20
FIRST_PAD = 60  # note: middle C is neutral, the keys after it are the other emotions
_MOST = 127


class Knobs:
    """What a controller's knobs stand at, and what that means for a face."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._weights: dict[str, float] = {}

    def moved(self, message: Any) -> bool:
        """Do what a message of `mido` means; False where it means nothing to a control."""
        change = self._change(message)
        if change is not None:
            self._control.apply(change)
        return change is not None

    def _change(self, message: Any) -> Change | None:
        if message.type == "control_change":
            return self._turned(message.control, message.value / _MOST)
        if message.type == "note_on" and message.velocity and 0 <= message.note - FIRST_PAD < len(EMOTIONS):
            self._weights = {}
            return Change(emotion=EMOTIONS[message.note - FIRST_PAD])
        if message.type == "program_change" and message.program < len(names := style_names()):
            return Change(style=names[message.program])
        return None

    def _turned(self, knob: int, share: float) -> Change | None:
        """Knobs in the middle look straight ahead."""
        aside = MOST_GAZE * min(max((share * _MOST - 64) / 63, -1), 1)
        plain = {
            INTENSITY: {"intensity": share},
            LOOK_LEFT: {"look_left": -aside},  # as the arrow keys: turned right, to the right of the person
            LOOK_UP: {"look_up": aside},
            STYLE_STRENGTH: {"style_strength": 2 * share},
        }
        if knob in plain:
            return Change.model_validate(plain[knob])
        if not 0 <= knob - FIRST_EMOTION < len(EMOTIONS) - 1:
            return None
        self._weights[EMOTIONS[1 + knob - FIRST_EMOTION]] = share
        felt = {name: weight for name, weight in self._weights.items() if weight}
        total = max(sum(felt.values()), 1.0)
        return Change(emotion={name: weight / total for name, weight in felt.items()} or EMOTIONS[0])


@contextlib.contextmanager
def steering(port: str, control: Control) -> Iterator[str]:
    """Let a controller steer while the block runs; gives its name. `port`: a part of that, or `ANY`.

    Raises InputError without the package, or without such a controller.
    """
    try:
        import mido  # pyright: ignore[reportMissingImports]

        names: list[str] = mido.get_input_names()  # pyright: ignore[reportAttributeAccessIssue]
    except ImportError as error:
        raise InputError(f"--midi: expected mido and python-rtmidi ({error}); pip install 'emosplat[midi]'") from None
    except OSError as error:
        raise InputError(f"--midi {port}: expected a system with MIDI, found none ({error})") from None
    found = next((name for name in names if port == ANY or port.lower() in name.lower()), None)
    if found is None:
        there = ", ".join(names) or "none"
        raise InputError(f"--midi {port}: expected a MIDI input of that name, found {there}")
    knobs = Knobs(control)
    with mido.open_input(found, callback=knobs.moved):  # pyright: ignore[reportAttributeAccessIssue]
        yield found
