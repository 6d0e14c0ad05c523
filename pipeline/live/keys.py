"""Steering from the terminal, a key at a time."""

from __future__ import annotations

import contextlib
import os
import re
import select
import sys
import threading
from collections.abc import Callable, Iterator

from ...blendshapes.emotion import EMOTIONS
from .control import MOST_GAZE, Change, Control, style_names

HELP = "keys: 0-7 emotion, - + intensity, arrows gaze, c centre, s style, l latency, q quit"
_ARROWS = {"\x1b[A": (0, 1), "\x1b[B": (0, -1), "\x1b[C": (-1, 0), "\x1b[D": (1, 0)}  # left and up of the person
_KEY = re.compile(r"\x1b\[.|.", re.DOTALL)
_STEP, _TURN = 0.1, 5.0  # of intensity, and degrees


def pressed(key: str, control: Control) -> bool:
    """Do what a key means; False where it means nothing to a control."""
    state = control.state()
    if key.isascii() and key.isdigit() and int(key) < len(EMOTIONS):
        control.apply(Change(emotion=EMOTIONS[int(key)]))
    elif key in {"+", "=", "-"}:
        change = -_STEP if key == "-" else _STEP
        control.apply(Change(intensity=round(min(max(state["intensity"] + change, 0), 1), 2)))
    elif key in _ARROWS:
        left, up = (
            _within(state[name] + _TURN * way) for name, way in zip(("look_left", "look_up"), _ARROWS[key], strict=True)
        )
        control.apply(Change(look_left=left, look_up=up))
    elif key == "c":
        control.apply(Change(look_left=0.0, look_up=0.0))
    elif key == "s":
        names = style_names()
        here = names.index(state["style"]) if state["style"] in names else 0
        control.apply(Change(style=names[(here + 1) % len(names)]))
    else:
        return False
    return True


@contextlib.contextmanager
def listening(told: Callable[[str], None]) -> Iterator[bool]:
    """Call `told` with every key while the block runs, in a thread; False where there is no terminal for that."""
    if sys.stdin is None or not sys.stdin.isatty() or sys.platform == "win32":
        yield False
        return
    import termios
    import tty

    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    gone_out, gone_in = os.pipe()
    thread = threading.Thread(target=_listen, args=(terminal, gone_out, told), name="keys", daemon=True)
    try:
        tty.setcbreak(terminal)
        thread.start()
        yield True
    finally:
        os.write(gone_in, b".")
        thread.join()
        os.close(gone_in)
        os.close(gone_out)
        with contextlib.suppress(termios.error):  # the terminal itself is gone
            termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def _listen(terminal: int, gone: int, told: Callable[[str], None]) -> None:
    while gone not in (ready := select.select([terminal, gone], [], [])[0]):
        try:
            data = os.read(terminal, 16) if ready else b""
        except OSError:  # the terminal is gone
            return
        if not data:
            return
        for key in _KEY.findall(data.decode(errors="replace")):
            told(key)


def _within(degrees: float) -> float:
    return min(max(degrees, -MOST_GAZE), MOST_GAZE)
