"""Axis-angle rotations."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

F = TypeVar("F", bound=np.floating)
F32 = NDArray[np.float32]


def rotation_matrices(axis_angle: F32) -> F32:
    """Rotation matrices [..., 3, 3] of axis-angle vectors [..., 3] in radians (Rodrigues' formula)."""
    r = axis_angle.astype(np.float64)
    angle = np.linalg.norm(r, axis=-1)[..., None, None]
    x, y, z = r[..., 0], r[..., 1], r[..., 2]
    zero = np.zeros_like(x)
    K = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=-1).reshape(*r.shape[:-1], 3, 3)
    # sin(a)/a and (1 - cos(a))/a^2 without a division by zero
    sine = np.sinc(angle / np.pi)
    cosine = 0.5 * np.sinc(angle / (2 * np.pi)) ** 2
    return (np.eye(3) + sine * K + cosine * (K @ K)).astype(np.float32)


def nearest_rotation(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    """The rotation [3, 3] next to a matrix [3, 3], such as one that also scales or a mean of rotations."""
    left, _, right = np.linalg.svd(matrix.astype(np.float64))
    return left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right


def axis_angles(matrices: NDArray[F]) -> NDArray[F]:
    """Axis-angle vectors [..., 3] in radians of rotation matrices [..., 3, 3]; angles lie in 0..pi."""
    from scipy.spatial.transform import Rotation  # only motions whose root turns need it

    vectors = Rotation.from_matrix(matrices.reshape(-1, 3, 3)).as_rotvec()
    return vectors.reshape(*matrices.shape[:-2], 3).astype(matrices.dtype)
