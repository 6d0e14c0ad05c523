"""antimatter15's .splat, and Gaussians turned to the axes of scanned scenes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import SH0
from ...renderer import Gaussians

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SPLAT = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])
# signs of the spherical harmonics of degrees 0 to 3 where y and z change theirs
TURNED = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)


def splat_bytes(gaussians: Gaussians) -> bytes:
    """32 bytes per Gaussian, the most visible first: position, linear scale, RGBA, wxyz; one colour from everywhere.

    Layout: github.com/antimatter15/splat.
    """
    rows = np.zeros(len(gaussians), SPLAT)
    rows["mean"], rows["scale"] = gaussians.means, gaussians.scales
    rows["rgba"][:, :3] = _byte(255 * (0.5 + SH0 * gaussians.sh[:, 0]))
    rows["rgba"][:, 3] = _byte(255 * gaussians.opacities)
    rows["quat"] = _byte(128 + 128 * gaussians.quats / np.linalg.norm(gaussians.quats, axis=1, keepdims=True))
    visible = gaussians.opacities * gaussians.scales.prod(axis=1)
    return rows[np.argsort(-visible, kind="stable")].tobytes()


def turned_over(gaussians: Gaussians) -> Gaussians:
    """The same half a turn about the X axis: Y and Z point the other way, colours and all."""
    rotated = gaussians.quats[:, [1, 0, 3, 2]] * np.array([-1, 1, -1, 1], np.float32)  # (0, 1, 0, 0) times wxyz
    return Gaussians(
        means=gaussians.means * np.array([1, -1, -1], np.float32),
        quats=rotated,
        scales=gaussians.scales,
        opacities=gaussians.opacities,
        sh=gaussians.sh * TURNED[: gaussians.sh.shape[1], None],
    )


def _byte(values: NDArray[np.floating]) -> U8:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
