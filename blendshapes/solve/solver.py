"""Face motion to the motion of one head, lips in contact, and back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52, ArkitSolver
from ...avatars.geometry import part_of_face
from ...avatars.head import JOINTS, HeadModel
from ...avatars.motion import Motion
from ...core.rotation import axis_angles, rotation_matrices
from ..emotion import EMOTIONS, Emotion
from ..face_motion import ACTIVITY, BASIS, EMOTION, JAW_OPEN, LIP_CONTACT, SHAPES, SIDES, SPEAKING, SPEECH, FaceMotion
from .articulation import seal
from .composition import NeutralMouth, SpeakingFace, composer_for
from .fusion import FusionModel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

LIDS = 0.003, 0.010  # metres from the eyelids, which a blink closes whatever the emotion does to them
HIDDEN = 1e-4  # share of an expression that a blink must leave for much to be said of what lies under it
NECK = JOINTS.index("neck")


class Solver:
    """One head's way to do what a face motion says.

    Speech and emotion meet in the learned blendshapes where those belong to the head (dV = B_A w_A + B_E w_E, see
    `composition`); ARKit shapes are added; the lips meet on the head's own mesh; blinks close the lids whatever else
    they do. Shapes that the head lacks are left out.

    >>> from emosplat.avatars.library import builtin_head
    >>> motion = Solver(builtin_head())(FaceMotion.rest(3, fps=25).with_column("mouthPucker", 0.5))
    >>> len(motion), motion.fps
    (3, 25)
    """

    def __init__(self, head: HeadModel, fusion: FusionModel | None = None) -> None:
        """`fusion`: learned blendshapes, used where they belong to the head's version; elsewhere poses are added."""
        self.head = head
        self._mouth = NeutralMouth(head)
        self._compose = composer_for(head, self._mouth, fusion)
        self._lids = self._lid_part(*SIDES)
        self._blink = self._blink_of(*SIDES)
        self._jaw = ArkitSolver(head).full_jaw / JAW_OPEN  # how far this head's jaw opens beside the usual one
        self._shapes = {name: rows for name in SHAPES if (rows := head.arkit.rows(name))}

    def check(self, emotion: Emotion) -> None:
        """Raise InputError where `emotion` asks for an expression that the head lacks."""
        self._compose.emotions.check(emotion)

    def __call__(self, face: FaceMotion) -> Motion:
        """The motion [T] of the head, float32; frames do not depend on each other."""
        if not len(face):
            return Motion.rest(0, self.head.expressions, face.fps)
        expr, jaw, closed = self._spoken(face)
        if (shapes := self._added(face)) is not None:
            spoken = self._mouth.gap(expr, jaw)
            jaw = jaw + self._jaw * face.jaw[:, 0]
            expr = self._mouth.contact.match(expr + shapes, jaw, gap=spoken, share=closed)
            if LIP_CONTACT in face.channels:
                expr, jaw = self._pressed(expr, jaw, np.clip(face.column(LIP_CONTACT), 0, 1))
        motion = Motion.rest(len(face), self.head.expressions, face.fps)
        motion.expr[:] = self._blinked(expr, np.clip(face.lids, 0, 1))
        motion.jaw[:] = face.jaw
        motion.jaw[:, 0] = jaw
        motion.neck[:], motion.translation[:] = face.head[:, :3], face.head[:, 3:]
        for eye in range(2):
            motion.eyes[:, 3 * eye : 3 * eye + 2] = face.gaze[:, eye]
        return motion

    def stream(self, pieces: Iterable[FaceMotion]) -> Iterator[Motion]:
        """Piece by piece."""
        for piece in pieces:
            yield self(piece)

    def face_motion(self, motion: Motion) -> FaceMotion:
        """What the face does in a motion of this head: ARKit shapes, and what they cannot say in the head's own basis.

        `Solver` of the same head gives the motion back; that of another head leaves the rest away. A turn of the root
        becomes one of the neck, with the same skull.
        """
        weights = ArkitSolver(self.head).weights(motion).astype(np.float64)
        lids = np.stack([weights[:, ARKIT_52.index(f"eyeBlink{side}")] for side in SIDES], axis=1)
        lids[np.abs(lids) < 1e-3] = 0
        expr = self._under_blinks(motion.expr.astype(np.float64), lids)
        names = [n for n in self._shapes if n in ARKIT_52]
        solved = ArkitSolver(self.head).fitted(expr, names)
        rows = np.stack([self.head.arkit.expr[self._shapes[n]].sum(axis=0) for n in names]).astype(np.float64)
        rest = expr - solved @ rows
        basis = [f"{BASIS}{self.head.version}:{k}" for k in range(self.head.expressions)]
        return FaceMotion(
            fps=motion.fps,
            channels=(*names, *basis),
            values=np.concatenate([solved, rest], axis=1),
            jaw=motion.jaw.astype(np.float64) / [self._jaw, 1, 1],
            head=self._skull(motion),
            gaze=motion.eyes.astype(np.float64).reshape(-1, 2, 3)[:, :, :2],
            lids=lids,
        )

    def _spoken(self, face: FaceMotion) -> tuple[F64, F64, F64]:
        """Expression, jaw, and how far the lips are closed by speech and emotion."""
        if not any(name in (*SPEECH, ACTIVITY) or name.startswith(EMOTION) for name in face.channels):
            nothing = np.zeros(len(face))
            return np.zeros((len(face), self.head.expressions)), nothing, nothing
        axes, activity = face.table(SPEECH), face.column(ACTIVITY)
        emotion = face.table([EMOTION + label for label in EMOTIONS])
        wanted = SpeakingFace(face.times, axes, activity, face.column(SPEAKING), emotion, face.seed)
        expr, jaw = self._compose(wanted)
        return expr, jaw, seal(axes) * activity

    def _added(self, face: FaceMotion) -> F64 | None:
        """Expression [T, E] of the ARKit shapes and of this head's own basis; None where the face has neither."""
        basis = f"{BASIS}{self.head.version}:"
        own = [n for n in face.channels if n.startswith(basis) and int(n[len(basis) :]) < self.head.expressions]
        shapes = [n for n in face.channels if n in self._shapes]
        if not (own or shapes or LIP_CONTACT in face.channels or face.jaw.any()):
            return None
        added = np.zeros((len(face), self.head.expressions))
        if shapes:
            rows = np.stack([self.head.arkit.expr[self._shapes[n]].sum(axis=0) for n in shapes])
            added += face.table(shapes) @ rows.astype(np.float64)
        if own:
            added[:, [int(n[len(basis) :]) for n in own]] += face.table(own)
        return added

    def _pressed(self, expr: F64, jaw: F64, pressed: F64) -> tuple[F64, F64]:
        """Lips pressed together as `pressed` [T] says."""
        gap = self._mouth.gap(expr, jaw)
        return self._mouth.contact(expr, jaw, seal=pressed, rest=np.zeros(len(jaw)), speech=gap)

    def _blinked(self, expr: F64, lids: F64) -> F64:
        if not lids.any():
            return expr
        if np.array_equal(lids[:, 0], lids[:, 1]):
            return expr + lids[:, :1] * (self._blink - expr @ self._lids)
        closing = sum(lids[:, [s]] * (self._one_blink[s] - expr @ self._one_lid[s]) for s in range(2))
        return expr + closing

    def _under_blinks(self, expr: F64, lids: F64) -> F64:
        """The expression that `_blinked` makes into `expr`, as far as the blink leaves anything of it."""
        out = expr.copy()
        for t in np.flatnonzero(lids.any(axis=1)):
            left = np.eye(len(expr[t])) - sum(lids[t, s] * self._one_lid[s] for s in range(2))
            rest = expr[t] - sum(lids[t, s] * self._one_blink[s] for s in range(2))
            # damped least squares: of what is hidden nearly wholly, the smallest that it may be
            out[t] = np.linalg.solve(left @ left.T + HIDDEN**2 * np.eye(len(left)), left @ rest)
        return out

    def _skull(self, motion: Motion) -> F64:
        """Rotation about the neck's joint and translation of it, [T, 6], that carry the skull as the motion does."""
        root, neck = rotation_matrices(motion.rotation), rotation_matrices(motion.neck)
        bone = self.head.joints[NECK] - self.head.joints[0]
        moved = motion.translation + root @ bone - bone
        turned = axis_angles(root @ neck) if motion.rotation.any() else motion.neck
        return np.concatenate([turned, moved], axis=1).astype(np.float64)

    def _lid_part(self, *sides: str) -> F64:
        regions = self.head.regions
        lids = [regions[name] for name in (f"{side.lower()}_lid" for side in sides) if name in regions]
        return part_of_face(self.head, np.concatenate([np.zeros(0, np.int32), *lids]), full=LIDS[0], none=LIDS[1])

    def _blink_of(self, *sides: str) -> F32:
        rows = [i for side in sides for i in self.head.arkit.rows(f"eyeBlink{side}")]
        return self.head.arkit.expr[rows].sum(axis=0)

    @cached_property
    def _one_lid(self) -> list[F64]:
        return [self._lid_part(side) for side in SIDES]

    @cached_property
    def _one_blink(self) -> list[F32]:
        return [self._blink_of(side) for side in SIDES]
