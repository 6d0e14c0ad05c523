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


def check_gaussians(gaussians: Gaussians, parents: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """The parents of Gaussians that can be drawn, [N] int32; raises InputError otherwise."""
    if gaussians.means.ndim != 2:
        raise InputError(f"Gaussians: expected one set [N, 3] to load, found means of shape {gaussians.means.shape}")
    for field in ("means", "quats", "scales", "opacities", "sh"):
        values = getattr(gaussians, field)
        bad = ~np.isfinite(values).all(axis=tuple(range(1, values.ndim)))
        if bad.any():
            raise InputError(f"Gaussians.{field}: expected finite numbers, found NaN or infinity in row {bad.argmax()}")
    outside = (gaussians.opacities < 0) | (gaussians.opacities > 1)
    if outside.any():
        value = gaussians.opacities[outside][0]
        raise InputError(f"Gaussians.opacities: expected 0..1 (after the sigmoid), found {value:g}")
    if not (np.abs(gaussians.quats).max(axis=1, initial=0) > 0).all():
        raise InputError("Gaussians.quats: expected rotations, found a quaternion of length 0")
    if parents is None:
        return np.zeros(len(gaussians), np.int32)
    if parents.shape != (len(gaussians),) or (parents < 0).any():
        raise InputError(f"parents: expected {len(gaussians)} indices from 0, found shape {parents.shape}")
    return parents.astype(np.int32)


def check_transforms(transforms: F32 | None, parents: int) -> F32:
    """Transforms [T, P, 3, 4] for `parents` parents; identity for None; raises InputError otherwise."""
    if transforms is None:
        return np.broadcast_to(np.eye(3, 4, dtype=np.float32), (1, max(parents, 1), 3, 4)).copy()
    if transforms.ndim != 4 or transforms.shape[2:] != (3, 4) or transforms.shape[1] < parents:
        raise InputError(f"transforms: expected [T, {parents} or more, 3, 4], found {list(transforms.shape)}")
    if not np.isfinite(transforms).all():
        raise InputError("transforms: expected finite numbers, found NaN or infinity")
    return np.require(transforms, np.float32, ["C", "W"])


def check_cameras(camera: Camera | Sequence[Camera], poses: F32) -> tuple[list[Camera], F32]:
    """One camera for each pose [T, P, 3, 4]; a single pose is repeated for several cameras; raises InputError."""
    if isinstance(camera, Camera):
        return [camera] * len(poses), poses
    if len(poses) == 1:
        poses = np.repeat(poses, len(camera), axis=0)
    if len(camera) != len(poses):
        raise InputError(f"camera: expected one, or one for each of {len(poses)} poses, found {len(camera)}")
    sizes = {(one.width, one.height) for one in camera}
    if len(sizes) > 1:
        raise InputError(f"camera: expected pictures of one size in one call, found {sorted(sizes)}")
    return list(camera), poses


def check_shading(shading: Shading | None, count: int) -> None:
    """Raises InputError when the shading names other than `count` Gaussians or holds a value that is not finite."""
    if shading is None:
        return
    if len(shading.index) and shading.index[-1] >= count:
        raise InputError(f"Shading.index: expected indices below {count}, found {shading.index[-1]}")
    if not np.isfinite(shading.delta).all():
        raise InputError("Shading.delta: expected finite numbers, found NaN or infinity")


def check_shading_weights(weights: F32 | None, frames: int, modes: int) -> F32:
    """Shading weights [T, M] for T frames; None means M zeros each; raises InputError otherwise."""
    if weights is None:
        return np.zeros((frames, modes), np.float32)
    if weights.shape != (frames, modes):
        raise InputError(f"shading_weights: expected shape [{frames}, {modes}], found {list(weights.shape)}")
    if not np.isfinite(weights).all():
        raise InputError("shading_weights: expected finite numbers, found NaN or infinity")
    return np.require(weights, np.float32, ["C", "W"])


def check_background(background: ArrayLike) -> F32:
    """The background colour [3]; raises InputError when it is not three finite numbers."""
    colour = np.require(background, np.float32, ["C", "W"])
    if colour.shape != (3,) or not np.isfinite(colour).all():
        raise InputError(f"background: expected three numbers 0..1 (red, green, blue), found {background!r}")
    return colour
