"""Curves that people read off a face: mouth opening, blinks, head turn, one value per frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52, ArkitSolver
from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser

F32 = NDArray[np.float32]
SHAPES = {
    "blink_left": ("eyeBlinkLeft",),
    "blink_right": ("eyeBlinkRight",),
    "brow_raise": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "brow_lower": ("browDownLeft", "browDownRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "pucker": ("mouthPucker",),
}


class CurveReader:
    """Measures a head's motion in millimetres, degrees and ARKit weights (0..1)."""

    def __init__(self, head: HeadModel) -> None:
        self._poser = Poser(head)
        self._arkit = ArkitSolver(head)

    def read(self, motion: Motion) -> dict[str, F32]:
        """Curves [T] by name; `mouth_opening_mm` is the inner-lip gap on the midline (negative: pressed)."""
        head = self._poser.head
        still = np.zeros_like(motion.neck)
        face = self._poser.vertices(replace(motion, neck=still, rotation=still, translation=still))
        upper, lower = head.lip_pairs[len(head.lip_pairs) // 2]
        left, right = head.mouth_corners
        weights = self._arkit.weights(motion)
        turn = np.degrees(motion.rotation + motion.neck)
        curves = {
            "mouth_opening_mm": 1000 * (face[:, upper, 1] - face[:, lower, 1]),
            "lip_width_mm": 1000 * np.linalg.norm(face[:, left] - face[:, right], axis=1),
            "jaw_open_deg": np.degrees(motion.jaw[:, 0]),
        }
        for name, shapes in SHAPES.items():
            curves[name] = weights[:, [ARKIT_52.index(s) for s in shapes]].mean(axis=1)
        names = ("head_pitch_deg", "head_yaw_deg", "head_roll_deg")
        return curves | dict(zip(names, turn.T, strict=True))


def frame_times(frames: int, fps: float) -> NDArray[np.float64]:
    """Times in seconds of `frames` frames: the middle of each."""
    return (np.arange(frames, dtype=np.float64) + 0.5) / fps
