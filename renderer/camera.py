"""A pinhole camera, in gsplat's and OpenCV's conventions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

F64 = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Camera:
    """Pinhole camera: X right, Y down, Z forward; pixel centres lie at +0.5.

    view: [4, 4] world to camera, metres
    K: [3, 3] intrinsics in pixels
    width, height: pixels

    >>> from emosplat import Camera
    >>> camera = Camera.look_at((0, 0, 1.0), (0, 0, 0), fov_y=0.3, width=64, height=64)
    >>> camera.position.tolist()  # metres
    [0.0, 0.0, 1.0]
    """

    view: F64  # [4, 4] world to camera, metres
    K: F64  # [3, 3] intrinsics in pixels
    width: int
    height: int

    @staticmethod
    def look_at(
        eye: ArrayLike, target: ArrayLike, *, fov_y: float, width: int, height: int, up: ArrayLike = (0.0, 1.0, 0.0)
    ) -> Camera:
        """Camera at `eye` [3] (metres, world) that looks at `target` [3], with `up` [3] upwards; `fov_y` is the full
        vertical angle in radians.
        """
        eye, target, up = (np.asarray(a, np.float64) for a in (eye, target, up))
        z = (target - eye) / np.linalg.norm(target - eye)
        x = np.cross(z, up)
        x /= np.linalg.norm(x)
        view = np.eye(4)
        view[:3, :3] = np.stack([x, np.cross(z, x), z])
        view[:3, 3] = -view[:3, :3] @ eye
        focal = 0.5 * height / np.tan(0.5 * fov_y)
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
        return Camera(view, K, width, height)

    @property
    def position(self) -> F64:
        """Camera centre in world space, [3] metres."""
        return -self.view[:3, :3].T @ self.view[:3, 3]

    def project(self, points: NDArray[np.floating]) -> tuple[F64, F64]:
        """Pixels (x, y) [..., 2] and depths [...] in metres of points [..., 3] in the world.

        What does not lie in front of the camera has a depth up to 0 and the pixel (0, 0). Raises ValueError for points
        of another shape.

        >>> import numpy as np
        >>> from emosplat import Camera
        >>> camera = Camera.look_at((0, 0, 1.0), (0, 0, 0), fov_y=0.3, width=64, height=48)
        >>> pixel, depth = camera.project(np.zeros(3))
        >>> pixel.tolist(), depth.tolist()
        ([32.0, 24.0], 1.0)
        """
        seen = points @ self.view[:3, :3].T + self.view[:3, 3]
        z = seen[..., 2]
        return ((seen / np.where(z > 0, z, np.inf)[..., None]) @ self.K.T)[..., :2], z
