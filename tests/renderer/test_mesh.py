"""The z-buffer against rays cast one by one."""

import numpy as np
import pytest

from emosplat.renderer.camera import Camera
from emosplat.renderer.mesh import view_mesh


def camera(size: int = 24) -> Camera:
    return Camera.look_at([0.1, 0.2, 3], [0, 0, 0], fov_y=0.8, width=size, height=size)


def cast(vertices: np.ndarray, triangles: np.ndarray, camera: Camera, x: float, y: float) -> tuple[int, float]:
    """Nearest triangle and its depth along the camera's axis, by Moeller and Trumbore's intersection."""
    sight = camera.view[:3, :3].T @ np.linalg.inv(camera.K) @ [x, y, 1]
    best, nearest = -1, np.inf
    for index, (a, b, c) in enumerate(vertices[triangles].astype(np.float64)):
        u, v, t = np.linalg.solve(np.column_stack([b - a, c - a, -sight]), camera.position - a)
        if min(u, v, 1 - u - v) >= 0 and 0 < t < nearest:
            best, nearest = index, t
    return best, nearest


def test_every_pixel_shows_what_a_ray_hits() -> None:
    rng = np.random.default_rng(0)
    vertices = rng.normal(0, 0.7, (30, 3)).astype(np.float32)
    triangles = np.arange(30, dtype=np.int32).reshape(10, 3)
    view = view_mesh(vertices, triangles, camera())
    for row in range(24):
        for column in range(24):
            index, depth = cast(vertices, triangles, camera(), column + 0.5, row + 0.5)
            assert view.triangle[row, column] == index
            assert view.depth[row, column] == pytest.approx(depth, rel=1e-4)


def test_a_triangle_behind_the_camera_is_not_seen() -> None:
    vertices = np.array([[-1, -1, 9], [1, -1, 9], [0, 1, 9]], np.float32)
    view = view_mesh(vertices, np.array([[0, 1, 2]], np.int32), camera())
    assert (view.triangle == -1).all()
    assert np.isinf(view.depth).all()
