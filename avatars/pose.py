"""From FLAME parameters to vertices, and to the frames of the triangles that carry the Gaussians."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from ..core.rotation import rotation_matrices
from .head import PARENTS, HeadModel
from .motion import Motion

F32 = NDArray[np.float32]


class Poser:
    """Skins one head: expression and pose correctives as one matrix product, then linear blend skinning.

    Equations of FLAME (Li et al. 2017, eq. 1-4) with the identity already in `head.v_template`. Where the head says
    so, joints follow the expression as FLAME's do.
    """

    def __init__(self, head: HeadModel) -> None:
        self.head = head
        directions = np.concatenate([head.exprdirs, head.posedirs], axis=2)  # [V, 3, E + 36]
        self._basis = np.ascontiguousarray(directions.reshape(-1, directions.shape[2]).T)
        self._template = head.v_template.reshape(-1)
        self._faces = np.ascontiguousarray(head.faces)
        self._weights = np.ascontiguousarray(head.weights)

    def vertices(self, motion: Motion, moved: F32 | None = None) -> F32:
        """Posed vertices [T, V, 3], metres, world space; `moved` [T, V, 3] is added to the skin before it is posed."""
        from .kernels import skin

        rotations = rotation_matrices(local_rotations(motion))
        features = (rotations[:, 1:] - np.eye(3, dtype=np.float32)).reshape(len(motion), -1)
        rest = np.concatenate([motion.expr, features], axis=1) @ self._basis + self._template
        if moved is not None:
            rest = rest + moved.reshape(len(motion), -1)
        transforms = joint_transforms(rotations, self._joints(motion), motion.translation)
        return skin(rest.reshape(len(motion), -1, 3).astype(np.float32, copy=False), self._weights, transforms)

    def _joints(self, motion: Motion) -> F32:
        """Joints of the rest pose, [T or 1, 5, 3]."""
        joints, follow = self.head.joints, self.head.joint_exprdirs
        if follow is None:
            return joints[None]
        moved = motion.expr @ follow.reshape(-1, self.head.expressions).T
        return (joints + moved.reshape(-1, 5, 3)).astype(np.float32)

    def transforms(self, motion: Motion) -> F32:
        """World-from-triangle similarity transforms [T, F, 3, 4] of the posed head."""
        from .kernels import triangle_transforms

        return triangle_transforms(self.vertices(motion), self._faces)

    def each(self, motion: Motion) -> Iterator[F32]:
        """The same frame by frame, [1, F, 3, 4]: those of many frames need much memory, which is far from the cores."""
        from .kernels import triangle_transforms

        vertices = self.vertices(motion)
        for t in range(len(vertices)):
            yield triangle_transforms(vertices[t : t + 1], self._faces)


def local_rotations(motion: Motion) -> F32:
    """Axis-angle rotation of each joint relative to its parent, [T, 5, 3] radians."""
    joints = [motion.rotation, motion.neck, motion.jaw, motion.eyes[:, :3], motion.eyes[:, 3:]]
    return np.stack(joints, axis=1)


def joint_transforms(rotations: F32, joints: F32, translation: F32) -> F32:
    """World transforms [T, 5, 3, 4] that carry rest-pose points, from local rotations [T, 5, 3, 3].

    `joints` [T or 1, 5, 3] are the joints of the rest pose.
    """
    frames = len(rotations)
    R = np.empty((frames, 5, 3, 3), np.float32)
    origin = np.empty((frames, 5, 3), np.float32)
    for j, parent in enumerate(PARENTS):
        if parent < 0:
            R[:, j] = rotations[:, j]
            origin[:, j] = joints[:, j] + translation
        else:
            R[:, j] = R[:, parent] @ rotations[:, j]
            bone = joints[:, j] - joints[:, parent]
            origin[:, j] = origin[:, parent] + (R[:, parent] @ bone[..., None])[..., 0]
    offset = origin - (R @ joints[..., None])[..., 0]
    return np.concatenate([R, offset[..., None]], axis=3, dtype=np.float32)
