"""From FLAME parameters back to the 52 ARKit blendshape weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .head import HeadModel
from .motion import Motion

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Live Link Face's order; read and write by name, other tools swap Left and Right
_EYE = ("Blink", "LookDown", "LookIn", "LookOut", "LookUp", "Squint", "Wide")
_MOUTH_PAIRS = ("Smile", "Frown", "Dimple", "Stretch")
ARKIT_52 = (
    *(f"eye{shape}{side}" for side in ("Left", "Right") for shape in _EYE),
    *("jawForward", "jawRight", "jawLeft", "jawOpen"),
    *("mouthClose", "mouthFunnel", "mouthPucker", "mouthRight", "mouthLeft"),
    *(f"mouth{shape}{side}" for shape in _MOUTH_PAIRS for side in ("Left", "Right")),
    *("mouthRollLower", "mouthRollUpper", "mouthShrugLower", "mouthShrugUpper"),
    *(f"mouth{shape}{side}" for shape in ("Press", "LowerDown", "UpperUp") for side in ("Left", "Right")),
    *("browDownLeft", "browDownRight", "browInnerUp", "browOuterUpLeft", "browOuterUpRight", "cheekPuff"),
    *("cheekSquintLeft", "cheekSquintRight", "noseSneerLeft", "noseSneerRight", "tongueOut"),
)
EYE_RANGE = np.radians(25.0)  # gaze angle at which an eyeLook* weight is 1
STEPS = 300


class ArkitSolver:
    """Finds ARKit weights in 0..1 whose face is nearest to a motion's, in metres over all vertices.

    Jaw and gaze are read from the joints; the rest is a bounded least-squares problem, solved for all
    frames at once by accelerated projected gradient (FISTA, Beck and Teboulle 2009).
    """

    def __init__(self, head: HeadModel) -> None:
        self.head = head
        self._shapes = [n for n in ARKIT_52 if n in head.arkit.names and not n.startswith("eyeLook") and n != "jawOpen"]
        self._systems: dict[tuple[str, ...], tuple[F64, F64, float]] = {}
        self._metric = head.metric / max(np.trace(head.metric), 1e-12)

    def weights(self, motion: Motion) -> F32:
        """ARKit weights [T, 52] in the order of `ARKIT_52`, each in 0..1."""
        out = np.zeros((len(motion), len(ARKIT_52)), np.float32)
        out[:, [ARKIT_52.index(n) for n in self._shapes]] = self.fitted(motion.expr, self._shapes)
        out[:, ARKIT_52.index("jawOpen")] = np.clip(motion.jaw[:, 0] / self.full_jaw, 0, 1)
        for side, first in (("Left", 0), ("Right", 3)):
            for shape, angle in self._gaze(motion.eyes[:, first : first + 2], side).items():
                out[:, ARKIT_52.index(f"eyeLook{shape}{side}")] = np.clip(angle / EYE_RANGE, 0, 1)
        return out

    def fitted(self, expr: NDArray[np.floating], shapes: Sequence[str]) -> NDArray[np.float64]:
        """Weights [T, n] in 0..1 of some of the head's shapes that come nearest to expressions [T, E]."""
        to_target, gram, step = self._system(tuple(shapes))
        target = expr @ to_target
        x = y = np.zeros_like(target)
        momentum = 1.0
        for _ in range(STEPS):
            new = np.minimum(np.maximum(y - step * (y @ gram - target), 0), 1)  # np.clip, in half the time
            following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
            x, y, momentum = new, new + (momentum - 1) / following * (new - x), following
        return x

    def _system(self, shapes: tuple[str, ...]) -> tuple[F64, F64, float]:
        """What the least-squares problem of some shapes [n] is made of: `[E, n]`, `[n, n]`, and the step."""
        if shapes not in self._systems:
            rows = self.head.arkit.expr[[self.head.arkit.names.index(n) for n in shapes]].astype(np.float64)
            gram = rows @ self._metric @ rows.T + 1e-6 * np.eye(len(rows))
            self._systems[shapes] = self._metric @ rows.T, gram, float(1 / np.linalg.norm(gram, 2))
        return self._systems[shapes]

    @property
    def full_jaw(self) -> float:
        """Jaw angle of the head at which jawOpen is 1, radians."""
        rows = self.head.arkit.rows("jawOpen")
        return float(self.head.arkit.jaw[rows[0]]) if rows else float(np.radians(25.0))

    @staticmethod
    def _gaze(pitch_yaw: F32, side: str) -> dict[str, F32]:
        pitch, yaw = pitch_yaw[:, 0], pitch_yaw[:, 1]  # +pitch looks down, +yaw to the person's left
        outward = yaw if side == "Left" else -yaw
        return {"Up": -pitch, "Down": pitch, "Out": outward, "In": -outward}
