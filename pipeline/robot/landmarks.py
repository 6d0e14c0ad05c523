"""The points of MediaPipe's face mesh that a robot's face is known by, on a head and in films."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from ...core.rotation import axis_angles, rotation_matrices
from ..capture.landmark_model import load_table

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Index = NDArray[np.int64]

# numbers in MediaPipe's face mesh; left and right are the person's
LIPS = (
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185,  # outer
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 415, 310, 311, 312, 13, 82, 81, 80, 191,  # inner
)  # fmt: skip
EYES = (
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
)  # fmt: skip
IRISES = tuple(range(468, 478))
BROWS = (276, 283, 282, 295, 285, 300, 293, 334, 296, 336, 46, 53, 52, 65, 55, 70, 63, 105, 66, 107)
NOSE = (1, 2, 4, 5, 6, 168, 195, 197, 48, 278, 64, 294, 98, 327, 129, 358)
CHEEKS = (50, 280, 36, 266, 205, 425, 101, 330, 118, 347, 187, 411, 207, 427, 216, 436, 206, 426, 203, 423, 147, 376)
CHIN = (152, 148, 377, 176, 400, 200, 199, 18, 83, 313, 201, 421)
FOREHEAD = (10, 151, 9, 8, 108, 337, 69, 299)
POINTS = tuple(sorted({*LIPS, *EYES, *IRISES, *BROWS, *NOSE, *CHEEKS, *CHIN, *FOREHEAD}))
LIP_PAIRS = ((80, 88), (81, 178), (82, 87), (13, 14), (312, 317), (311, 402), (310, 318))  # upper, lower inner lip
STEADY = (33, 133, 263, 362, 6, 168, 10, 151)  # hardly moved by any servo of the face
FRAMES = 512  # posed at a time


@dataclass(frozen=True, eq=False)
class Seen:
    """What is seen of a face in T frames."""

    landmarks: F32  # [T, L, 3] metres, of a skull that does not turn
    pose: F32  # [T, 3] axis-angle radians, how the skull is turned

    def __len__(self) -> int:
        return len(self.landmarks)


@dataclass(frozen=True, eq=False)
class Places:
    """Where points of the mesh lie on the triangles of a head."""

    points: Index  # [L] number in MediaPipe's mesh
    corners: Index  # [L, 3] vertices
    weights: F64  # [L, 3] barycentric

    @staticmethod
    def on(head: HeadModel, points: tuple[int, ...] = POINTS) -> Places:
        """On a head of the built-in layout; raises InputError for another one."""
        table = load_table()
        if table.head != head.version:
            raise InputError(f"head: expected {table.head!r}, whose landmarks are known, found {head.version!r}")
        rows = {int(point): i for i, point in enumerate(table.points)}
        chosen = [rows[point] for point in points]
        return Places(np.array(points), head.faces[table.faces[chosen]].astype(np.int64), table.weights[chosen])

    def of(self, vertices: NDArray[np.floating]) -> F64:
        """The points [..., L, 3] of vertices [..., V, 3]."""
        return np.einsum("lk,...lka->...la", self.weights, vertices[..., self.corners, :])


def index_of(points: Index) -> dict[int, int]:
    """Number in the mesh -> place among the L."""
    return {int(point): i for i, point in enumerate(points)}


class FaceReader:
    """The landmarks of a head's own motions: what is wished of a robot with that head."""

    def __init__(self, head: HeadModel) -> None:
        self.places = Places.on(head)
        self._poser = Poser(head)

    def read(self, motion: Motion) -> Seen:
        """Of a motion [T]."""
        pieces = [self.places.of(self.skin(part)) for part in motion.chunks(FRAMES)]
        turned = rotation_matrices(motion.rotation) @ rotation_matrices(motion.neck)
        return Seen(np.concatenate(pieces).astype(np.float32), axis_angles(turned).astype(np.float32))

    def skin(self, motion: Motion) -> F32:
        """Vertices [T, V, 3] of a head that does not turn."""
        return self._poser.vertices(still(motion))


def still(motion: Motion) -> Motion:
    """The same face on a head that does not turn."""
    curves = {name: getattr(motion, name) for name in ("expr", "jaw", "eyes")}
    rest = Motion.rest(len(motion), motion.expr.shape[1], motion.fps)
    return Motion(**curves, neck=rest.neck, rotation=rest.rotation, translation=rest.translation, fps=motion.fps)
