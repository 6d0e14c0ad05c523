"""Small random scenes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emosplat.renderer import Camera, Gaussians, open_rasterizer


def cloud(count: int, *, seed: int = 0, degree: int = 3, size: tuple[float, float] = (0.005, 0.04)) -> Gaussians:
    """Gaussians around the origin, 0.3 m across, of scales within `size` (metres)."""
    rng = np.random.default_rng(seed)
    arrays = (
        rng.normal(0, 0.1, (count, 3)),
        rng.normal(size=(count, 4)),
        np.exp(rng.uniform(np.log(size[0]), np.log(size[1]), (count, 3))),
        rng.beta(2, 1, count),
        rng.normal(0, 0.25, (count, (degree + 1) ** 2, 3)),
    )
    return Gaussians(*(array.astype(np.float32) for array in arrays))


def front(width: int = 75, height: int = 52, *, distance: float = 1.0) -> Camera:
    """A camera before the origin whose principal point is off the image's centre."""
    camera = Camera.look_at((0.1, 0.15, distance), (0, 0, 0), fov_y=0.5, width=width, height=height)
    K = camera.K.copy()
    K[:2, 2] += (3.25, -2.5)
    return Camera(camera.view, K, width, height)


def similarities(count: int, *, seed: int = 0) -> NDArray[np.float32]:
    """Random transforms [count, 3, 4]: rotation, scale near 1, small translation."""
    rng = np.random.default_rng(seed)
    rotations = np.linalg.qr(rng.normal(size=(count, 3, 3)))[0]
    rotations *= np.linalg.det(rotations)[:, None, None]
    scale = rng.uniform(0.7, 1.4, (count, 1, 1))
    return np.concatenate([scale * rotations, rng.normal(0, 0.05, (count, 3, 1))], -1).astype(np.float32)


def picture(seed: int) -> bytes:
    """A small picture drawn on the CPU: work for a worker process."""
    frame = open_rasterizer("cpu").load(cloud(200, seed=seed)).render(front())[0]
    return frame.rgb.tobytes() + frame.alpha.tobytes()


def psnr(image: NDArray, reference: NDArray) -> float:
    """Peak signal-to-noise ratio in dB of values 0..1."""
    return -10 * np.log10(np.mean((image.astype(np.float64) - reference) ** 2) + 1e-30)
