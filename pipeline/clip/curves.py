"""Curves that people read off a face: mouth opening, blinks, head turn, one value per frame."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52, ArkitSolver
from ...avatars.head import JOINTS, HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...blendshapes.evaluation import naturalness as n

F32 = NDArray[np.float32]
LEFT_EYE, RIGHT_EYE = JOINTS.index("left_eye"), JOINTS.index("right_eye")
SHAPES = {
    "blink_left": ("eyeBlinkLeft",),
    "blink_right": ("eyeBlinkRight",),
    "brow_raise": ("browInnerUp", "browOuterUpLeft", "browOuterUpRight"),
    "brow_lower": ("browDownLeft", "browDownRight"),
    "smile": ("mouthSmileLeft", "mouthSmileRight"),
    "pucker": ("mouthPucker",),
}

REGIONS = ("brows",)  # of whose vertices something is measured

# Of the distance between the outer corners of the eyes, that between the irises is 0.70 (trackers on our people)
IRISES = 0.70
WEIGHTS = {
    n.JAW_OPEN: ("jawOpen",),
    n.BROW_DOWN: ("browDownLeft", "browDownRight"),
    n.BROW_UP: SHAPES["brow_raise"],
    n.SQUINT: ("eyeSquintLeft", "eyeSquintRight"),
    n.SMILE: ("mouthSmileLeft", "mouthSmileRight"),
    n.PUCKER: ("mouthPucker",),
}


class CurveReader:
    """Measures a head's motion in millimetres, degrees and ARKit weights (0..1)."""

    def __init__(self, head: HeadModel) -> None:
        self._poser = Poser(_looked_at(head))
        self._arkit = ArkitSolver(head)

    def read(self, motion: Motion, weights: F32 | None = None) -> dict[str, F32]:
        """Curves [T] by name; `mouth_opening_mm` is the inner-lip gap on the midline (negative: pressed).

        `weights` spares finding those of `weights` again.
        """
        head = self._poser.head
        face = self._still(motion)
        upper, lower = head.lip_pairs[len(head.lip_pairs) // 2]
        left, right = head.mouth_corners
        weights = self.weights(motion) if weights is None else weights
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

    def weights(self, motion: Motion) -> F32:
        """ARKit weights [T, 52] in the order of `ARKIT_52`, 0..1."""
        return self._arkit.weights(motion)

    def measures(self, motion: Motion) -> dict[str, NDArray[np.float64]]:
        """Curves [T] by the names of `naturalness`, in its units; what only a picture shows is missing."""
        head, face = self._poser.head, self._still(motion)
        unit = self._unit
        upper = head.lip_pairs[len(head.lip_pairs) // 2, 0]
        left, right = head.mouth_corners
        weights = self._arkit.weights(motion)
        turn = np.degrees(motion.rotation + motion.neck)
        curves = {
            n.OPENING: self._opening(face),
            n.WIDTH: self._width(face),
            n.JAW: motion.jaw[:, 0],
            n.UPPER: face[:, upper, 1] / unit,
            n.CORNERS: (face[:, left, 1] - face[:, right, 1]) / unit,
            n.LIDS: 1 - weights[:, [ARKIT_52.index(f"eyeBlink{side}") for side in ("Left", "Right")]].mean(axis=1),
        }
        if "brows" in head.regions:
            curves[n.BROW] = face[:, head.regions["brows"], 1].mean(axis=1) / unit
        for name, units in WEIGHTS.items():
            curves[name] = weights[:, [ARKIT_52.index(u) for u in units]].mean(axis=1)
        curves |= dict(zip((n.PITCH, n.YAW, n.ROLL), (turn - turn.mean(axis=0)).T, strict=True))
        return {name: curve.astype(np.float64) for name, curve in curves.items()}

    def opening(self, motion: Motion) -> NDArray[np.float64]:
        """The gap of the inner lips on the midline [T], in the unit of `measures`."""
        return self._opening(self._still(motion)).astype(np.float64)

    def width(self, motion: Motion) -> NDArray[np.float64]:
        """The distance of the mouth's corners [T], in the unit of `measures`."""
        return self._width(self._still(motion)).astype(np.float64)

    def _width(self, face: F32) -> NDArray[np.floating]:
        left, right = self._poser.head.mouth_corners
        return np.linalg.norm(face[:, left] - face[:, right], axis=1) / self._unit

    def _opening(self, face: F32) -> NDArray[np.floating]:
        upper, lower = self._poser.head.lip_pairs[len(self._poser.head.lip_pairs) // 2]
        return np.maximum(face[:, upper, 1] - face[:, lower, 1], 0) / self._unit

    @property
    def _unit(self) -> float:
        """Distance between the outer corners of the eyes, metres."""
        joints = self._poser.head.joints
        return float(np.linalg.norm(joints[LEFT_EYE] - joints[RIGHT_EYE])) / IRISES

    def _still(self, motion: Motion) -> F32:
        """Vertices [T, V, 3] of the face whose head does not move."""
        still = np.zeros_like(motion.neck)
        return self._poser.vertices(replace(motion, neck=still, rotation=still, translation=still))


def _looked_at(head: HeadModel) -> HeadModel:
    """The head with those vertices alone that curves are read from."""
    wanted = [head.lip_pairs.reshape(-1), head.mouth_corners, *(head.regions[n] for n in REGIONS if n in head.regions)]
    seen = np.unique(np.concatenate(wanted))
    return replace(
        head,
        **{name: getattr(head, name)[seen] for name in ("v_template", "shapedirs", "exprdirs", "posedirs", "weights")},
        faces=np.empty((0, 3), np.int32),
        J_regressor=head.J_regressor[:, seen],
        regions={name: np.searchsorted(seen, head.regions[name]) for name in REGIONS if name in head.regions},
        lip_pairs=np.searchsorted(seen, head.lip_pairs),
        mouth_corners=np.searchsorted(seen, head.mouth_corners),
    )


def frame_times(frames: int, fps: float) -> NDArray[np.float64]:
    """Times in seconds of `frames` frames: the middle of each."""
    return (np.arange(frames, dtype=np.float64) + 0.5) / fps
