"""From meshes of a moving face to face motion: parameters of the head of their topology, then what any head does."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.retarget import ExpressionSolver
from ..face_motion import FaceMotion
from .solver import Solver

F32 = NDArray[np.float32]

MOVED = 0.1  # of the most moved vertex: how much an expression must move one for it to tell much of the face
CHUNK = 64  # frames at a time


class MeshReader:
    """Face motions of displacements from a person's neutral face, on a head of the same topology.

    Every frame is a bounded least-squares problem with one answer, which changes continuously with the mesh. A mesh
    without eyes tells no gaze, one that is aligned no head.
    """

    def __init__(self, head: HeadModel) -> None:
        moves = np.linalg.norm(head.exprdirs.astype(np.float64), axis=(1, 2))
        self._head, self._to_face = head, Solver(head)
        self._trust = (moves > MOVED * moves.max()).astype(np.float64)
        self._solver = ExpressionSolver(head, self._trust)

    def __call__(self, displacements: F32, fps: float) -> FaceMotion:
        """The face motion [T] of displacements [T, N, 3] of the head's first N vertices, metres."""
        motion = Motion.rest(len(displacements), self._head.expressions, fps)
        rest = self._head.v_template.astype(np.float64)
        for first in range(0, len(motion), CHUNK):
            part = displacements[first : first + CHUNK]
            vertices = np.repeat(rest[None], len(part), axis=0)
            vertices[:, : part.shape[1]] += part
            expr, jaw = self._solver(vertices, np.zeros(len(part)))
            motion.expr[first : first + CHUNK], motion.jaw[first : first + CHUNK, 0] = expr, jaw
        return self._to_face.face_motion(motion)
