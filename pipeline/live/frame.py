"""One frame of a live face, and what is read off it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52, ArkitSolver
from ...avatars.motion import Motion
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.solve.solver import Solver

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
DIGITS = 4  # of numbers that are sent as text


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """What a face does at one moment; `time` is that of the frame's middle since the sound began.

    What it looks like on a head is found when it is asked for: a frame that is left out costs nothing.
    """

    face: FaceMotion  # one frame, whoever's face it is
    heard: float  # when the sound at `time` was heard, on the clock of `time.monotonic`
    reader: FrameReader = field(repr=False)
    draw: Callable[[], U8] | None = field(default=None, repr=False)

    @property
    def index(self) -> int:
        """Number of the frame."""
        return self.face.first

    @property
    def time(self) -> float:
        """Seconds."""
        return float(self.face.times[0])

    @cached_property
    def motion(self) -> Motion:
        """One frame of the avatar's head."""
        return self.reader.solver(self.face)

    @cached_property
    def weights(self) -> F32:
        """[52] of ARKit, 0..1, in the order of `ARKIT_52`."""
        return self.reader.arkit.weights(self.motion)[0]

    @property
    def arkit(self) -> dict[str, float]:
        """ARKit's weights by name."""
        return dict(zip(ARKIT_52, self.weights.tolist(), strict=True))

    @property
    def head(self) -> tuple[float, float, float]:
        """Pitch (+ chin down), yaw (+ to the person's left) and roll (+ to the person's right shoulder), radians,
        axis-angle."""
        return tuple(self.face.head[0, :3].tolist())

    @property
    def gaze(self) -> list[list[float]]:
        """Left and right eye: pitch (+ down) and yaw (+ to the person's left), radians, relative to the head."""
        return self.face.gaze[0].tolist()

    def picture(self) -> U8:
        """The avatar at this moment, uint8 [H, W, 3], drawn now. Raises ValueError where nobody can draw it."""
        if self.draw is None:
            raise ValueError("LiveFrame.picture: expected a frame of `emosplat.live`")
        return self.draw()

    def as_json(self) -> dict[str, object]:
        """Plain values."""
        return {
            "frame": self.index,
            "time": round(self.time, DIGITS),
            "weights": {name: round(weight, DIGITS) for name, weight in self.arkit.items()},
            "head": [round(angle, DIGITS) for angle in self.head],
            "gaze": [[round(angle, DIGITS) for angle in eye] for eye in self.gaze],
        }


class FrameReader:
    """What reads faces off one head."""

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.arkit = ArkitSolver(solver.head)

    def __call__(self, face: FaceMotion, heard: float) -> LiveFrame:
        """The frame of a face motion of one frame."""
        return LiveFrame(face, heard, self)
