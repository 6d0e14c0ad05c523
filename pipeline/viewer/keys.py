"""Key frames of one visitor: set at a time, moved, taken away, and the performance that meets them."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

from ...avatars.motion import Motion
from ...blendshapes.editing.keys import REACH, columns_of, keyed
from ...blendshapes.emotion import EmotionMix
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.score import Key
from ...blendshapes.solve.solver import Solver
from .performance import Performance

# what can be set by hand -> how far its slider reaches, weights or degrees
CONTROLS: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(
        ("smile", "frown", "pucker", "jaw_open", "brow_raise", "brow_lower", "squint", "wide_eyes"), (0, 1)
    ),
    "nod": (-25, 25),
    "turn": (-45, 45),
    "tilt": (-20, 20),
    "look_left": (-25, 25),
    "look_up": (-25, 25),
}


class KeySheet:
    """Keys by the number of their frame, at most one each; what stands at 0 is left to the motion."""

    def __init__(self, frames: int, fps: float) -> None:
        self._frames, self._fps = frames, fps
        self.seconds = frames / fps
        self._controls: dict[int, dict[str, float]] = {}

    def frames(self) -> list[int]:
        """Where keys are, in order."""
        return sorted(self._controls)

    def frame_at(self, position: float) -> int:
        """The frame that is shown at `position` seconds."""
        return min(max(int(position * self._fps), 0), self._frames - 1)

    def time(self, frame: int) -> float:
        """The middle of a frame, seconds."""
        return (frame + 0.5) / self._fps

    def put(self, frame: int, controls: Mapping[str, float]) -> None:
        """Set the key of a frame."""
        self._controls[frame] = {name: value for name, value in controls.items() if value}

    def move(self, frame: int, to: int) -> int:
        """Move a key to another frame, unless one is there already; returns where it is then."""
        if to in self._controls:
            return frame
        self._controls[to] = self._controls.pop(frame)
        return to

    def take(self, frame: int) -> None:
        """Remove a key."""
        del self._controls[frame]

    def controls(self, frame: int) -> Mapping[str, float]:
        """What a key holds."""
        return self._controls[frame]

    def keys(self) -> list[Key]:
        """All keys, as the motion is led to them."""
        return [Key(self.time(frame), columns_of(self._controls[frame]), REACH) for frame in self.frames()]


class Keyed:
    """A performance led to keys; without any it is what it was."""

    def __init__(self, performance: Performance, solver: Solver) -> None:
        self._performance = performance
        self._solver = solver
        self._keys: Sequence[Key] = ()
        self._led: tuple[EmotionMix, FaceMotion] | None = None
        self._lock = threading.Lock()  # the browser's orders and the pictures come from different threads
        self.frames, self.fps = performance.frames, performance.fps

    def lead(self, keys: Sequence[Key]) -> None:
        """Meet these keys from now on."""
        with self._lock:
            self._keys, self._led = keys, None

    def face(self, emotion: EmotionMix) -> FaceMotion:
        """The whole motion, keys met."""
        with self._lock:
            if self._led is None or self._led[0] != emotion:
                self._led = emotion, keyed(self._performance.face(emotion), self._keys)
            return self._led[1]

    def frame(self, index: int, emotion: EmotionMix) -> Motion:
        """See `Performance.frame`."""
        if not self._keys:
            return self._performance.frame(index, emotion)
        return self._performance.shown(self._solver(self.face(emotion)[index : index + 1]), emotion)

    def shown(self, frame: Motion, emotion: EmotionMix) -> Motion:
        """See `Performance.shown`."""
        return self._performance.shown(frame, emotion)

    def still(self, emotion: EmotionMix) -> Motion:
        """See `Performance.still`."""
        return self._performance.still(emotion)
