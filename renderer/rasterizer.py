"""The one protocol behind which the CPU and the gsplat rasterizers stand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from .camera import Camera
from .gaussians import Gaussians, Shading
from .settings import RasterSettings

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
CLASSIC = RasterSettings()


@dataclass(frozen=True, eq=False)
class Frame:
    """One rendered picture: colour over the background, and coverage."""

    rgb: U8  # [H, W, 3] sRGB over the background; over black it is premultiplied by alpha
    alpha: U8  # [H, W] coverage


class Scene(Protocol):
    """Gaussians loaded into a rasterizer, ready to be drawn in many poses."""

    def render(
        self,
        camera: Camera | Sequence[Camera],  # for all frames, or one per frame, all of one size
        transforms: F32 | None = None,  # [T, P, 3, 4] world from parent: scaled rotation | translation
        *,
        shading_weights: F32 | None = None,  # [T, M] of the `Shading` that was loaded; None: unchanged colours
        background: ArrayLike = (1.0, 1.0, 1.0),
    ) -> list[Frame]:
        """Draw the scene once per pose, T frames; one pose (None: identity) may be seen by several cameras.

        Each Gaussian's mean and covariance are carried by its parent's similarity transform;
        spherical harmonics are evaluated with the world view direction and are not rotated
        (as GaussianAvatars does). Safe to call from several threads at once.
        Raises InputError when an argument has another shape or holds a value that is not finite.
        """
        ...

    def render_float(
        self,
        camera: Camera | Sequence[Camera],
        transforms: F32 | None = None,
        *,
        shading_weights: F32 | None = None,
    ) -> F32:
        """The same frames as numbers: premultiplied colour and coverage [T, H, W, 4], neither clamped nor rounded."""
        ...


class Rasterizer(Protocol):
    """A backend: `cpu` (exact, numba) or `cuda` (gsplat)."""

    name: str
    reason: str  # why this backend was chosen, in words

    @property
    def compiles(self) -> bool:
        """Whether `warm` has something to compile that is done once for an installation, as far as can be told."""
        ...

    def warm(self, progress: Callable[[int, int], None] = ...) -> None:
        """Compile or load the kernels, which takes seconds the first time; calls progress(steps done, steps in all)."""
        ...

    def load(
        self,
        gaussians: Gaussians,
        parents: NDArray[np.int32] | None = None,
        *,
        shading: Shading | None = None,
        settings: RasterSettings = CLASSIC,
    ) -> Scene:
        """Prepare N Gaussians; `parents` [N] names the transform that moves each one (None: all the first one)."""
        ...


def draw(
    gaussians: Gaussians,
    camera: Camera | Sequence[Camera],
    *,
    background: ArrayLike = (1.0, 1.0, 1.0),
    settings: RasterSettings = CLASSIC,
    rasterizer: Rasterizer | None = None,
) -> list[Frame]:
    """Draw Gaussians in world space: one set [N] through one or several cameras, or a sequence of sets [T, N].

    A sequence is seen by one camera, or by one per set. `rasterizer`: None chooses as `open_rasterizer` does.
    A scene that only moves is drawn much faster by `Rasterizer.load` and `Scene.render`.
    """
    rasterizer = rasterizer or open_rasterizer()
    if gaussians.means.ndim == 2:
        return rasterizer.load(gaussians, settings=settings).render(camera, background=background)
    sets = len(gaussians.means)
    cameras = [camera] * sets if isinstance(camera, Camera) else camera
    if gaussians.means.ndim > 3 or len(cameras) != sets:
        shape = list(gaussians.means.shape)
        raise InputError(
            f"Gaussians: expected [N] or [T, N] and T cameras, found means {shape}, {len(cameras)} cameras"
        )
    scenes = (rasterizer.load(one, settings=settings) for one in gaussians.frames())
    return [scene.render(eye, background=background)[0] for scene, eye in zip(scenes, cameras, strict=True)]


def open_rasterizer(device: str = "auto") -> Rasterizer:
    """The rasterizer for `device` ("auto", "cpu" or "cuda"); raises InputError when "cuda" cannot be had."""
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"device: expected auto, cpu or cuda, found {device!r}")
    obstacle = None if device == "cpu" else _cuda_obstacle()
    if device == "cuda" and obstacle:
        raise InputError(f"device cuda: {obstacle}; use --device cpu or auto")
    if device == "cpu" or obstacle:
        from .cpu import CpuRasterizer

        return CpuRasterizer("asked for" if device == "cpu" else str(obstacle))
    from .cuda import CudaRasterizer

    return CudaRasterizer("asked for" if device == "cuda" else "a CUDA device was found")


def _cuda_obstacle() -> str | None:
    """Why gsplat cannot run here, or None. Imports torch only where an NVIDIA driver is present."""
    if not _has_nvidia_driver():
        return "no NVIDIA driver found"
    import torch

    if torch.version.cuda is None:
        return "an NVIDIA driver is present, but PyTorch finds no CUDA device: it was built without CUDA"
    if not torch.cuda.is_available():
        return "an NVIDIA driver is present, but PyTorch finds no CUDA device"
    from .cuda import gsplat_obstacle

    return gsplat_obstacle()


def _has_nvidia_driver() -> bool:
    """Whether an NVIDIA driver seems to be installed: a look at the file system, nothing is loaded."""
    windows = Path(os.environ.get("SYSTEMROOT", "C:/Windows")) / "System32/nvcuda.dll"
    wsl = Path("/usr/lib/wsl/lib/libcuda.so.1")
    found = any(path.exists() for path in (Path("/proc/driver/nvidia/version"), Path("/dev/nvidiactl"), windows, wsl))
    return found or shutil.which("nvidia-smi") is not None
