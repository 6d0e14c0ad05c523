"""What recordings of people tell of their faces, whatever they were measured as, in the acting model's coordinates.

Nothing is taken for still that was not measured: a mesh without eyes tells no gaze, a head whose basis hardly moves the
inner brows tells nothing of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.pose import Poser
from ...core.errors import InputError
from ..acting.space import COORDINATES, INDEX, LID, RATE, REGION, SCALE, columns, coordinates
from ..data.faces import facing
from ..data.flame_fits import check_head, of_skin
from ..data.sequence import FLAME_TOPOLOGY, DataSet, Sequence
from ..face_motion import JAW_OPEN, REGIONS, SIDES, FaceMotion
from ..noise import slow_noise
from ..solve.meshes import MeshReader
from ..solve.solver import Solver

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

BELIEVED = 0.5  # correlation from which on a head's parameters, or its mesh, tell a coordinate
MADE_UP = 400  # frames that it is measured on
# The shapes of `MOUTH` that are made up for it, and how far they usually move
ARTICULATED = (
    {"jawPitch": 0.3 * JAW_OPEN},
    {"mouthFunnel": 0.2},
    *({f"{shape}{side}": 0.2 for side in SIDES} for shape in ("mouthStretch", "mouthUpperUp", "mouthLowerDown")),
)
_OF_REGION = [REGIONS.index(REGION[name]) for name in COORDINATES]


@dataclass(frozen=True, eq=False)
class Reading:
    """A face at the model's rate."""

    values: F64  # [T, D] coordinates, the mouth as a whole
    given: Mask  # [T, D] which of them its source may tell


class FaceReader:
    """Reads the sequences of a data set."""

    def __init__(self, data: DataSet, head: HeadModel) -> None:
        """`head` is the one that parameters and meshes belong to; raises InputError where none can be read."""
        self._head = head
        if any(s.performed is None for s in data):
            if data.topology != FLAME_TOPOLOGY:
                raise InputError(f"data set {data.kind!r}: expected meshes in FLAME's topology, found {data.topology}")
            check_head(head)

    def __call__(self, sequence: Sequence) -> Reading:
        """What a sequence tells; raises InputError."""
        face, told = self._face(sequence)
        if not len(face):
            raise InputError(f"{sequence.subject}/{sequence.name}: expected frames, found none")
        face = at_rate(face)
        return Reading(coordinates(face), face.given[:, _OF_REGION] & told)

    def _face(self, sequence: Sequence) -> tuple[FaceMotion, Mask]:
        """The face of a sequence at its own rate, and which coordinates it may tell [D]."""
        if sequence.performed is None:
            return self._meshes(sequence.displacements(), sequence.fps), self._of_meshes
        found = sequence.performed()
        if isinstance(found, FaceMotion):
            return found, np.ones(len(COORDINATES), bool)
        return facing(self._solver.face_motion(found)), self._of_parameters

    @cached_property
    def _solver(self) -> Solver:
        return Solver(self._head)

    @cached_property
    def _meshes(self) -> MeshReader:
        return MeshReader(self._head)

    @cached_property
    def _of_parameters(self) -> Mask:
        """Which coordinates this head's parameters tell, [D]."""
        return believed(self._solver.face_motion(self._solver(made_up())))

    @cached_property
    def _of_meshes(self) -> Mask:
        """Which coordinates a mesh that is posed by this head tells, [D]."""
        motion = of_skin(self._solver(made_up()))
        return believed(self._meshes(Poser(self._head).vertices(motion) - self._head.v_template, motion.fps))


def at_rate(face: FaceMotion) -> FaceMotion:
    """The face at 25 frames per second, the first as it is in the middle of its own first frame."""
    frames = int((len(face) - 1) / face.fps * RATE + 1e-6) + 1
    begin = 0.5 / face.fps
    sampled = face.sampled(np.arange(frames) / RATE + begin, (np.arange(frames + 1) - 0.5) / RATE + begin)
    return replace(sampled, fps=RATE, first=0)


def made_up() -> FaceMotion:
    """A face whose coordinates all move, each by itself, about as much as people's do."""
    face = FaceMotion.rest(MADE_UP, fps=RATE)
    values = SCALE * slow_noise(face.times, seed=0, stream=0, period=0.4, width=len(COORDINATES))
    moving = columns(values)
    for k, shapes in enumerate(ARTICULATED):
        moving |= {name: most * np.abs(values[:, k]) / SCALE[k] for name, most in shapes.items()}
    shut = np.clip(values[:, INDEX[LID]] / SCALE[INDEX[LID]] - 1, 0, 1)
    moving |= {"lidLeft": shut, "lidRight": shut}
    for k, angle in enumerate(("Pitch", "Yaw")):
        gaze = values[:, INDEX["gaze_pitch"] + k] - values[:, INDEX["head_pitch"] + k]
        moving |= {f"gaze{side}{angle}": gaze for side in ("Left", "Right")}
    return face.with_columns(moving)


def believed(read: FaceMotion) -> Mask:
    """Which coordinates of `made_up` come back in what was read, [D]."""
    true, found = (coordinates(face) for face in (made_up(), read))
    true, found = true - true.mean(axis=0), found - found.mean(axis=0)
    size = np.maximum(np.sqrt(np.square(true).sum(axis=0) * np.square(found).sum(axis=0)), 1e-12)
    return (true * found).sum(axis=0) / size > BELIEVED
