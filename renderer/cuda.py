"""The gsplat rasterizer: whole chunks of frames in one call on a CUDA device.

Imported only where PyTorch finds a CUDA device. Gaussians are posed and coloured on the device before the call, because
gsplat 1.5 and 1.6 lay out spherical harmonics differently; all else in a call of `gsplat.rasterization` is the same.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..core.errors import InputError
from .camera import Camera
from .checks import (
    check_background,
    check_cameras,
    check_gaussians,
    check_shading,
    check_shading_weights,
    check_transforms,
)
from .device_pose import LocalGaussians
from .gaussians import Gaussians, Shading
from .rasterizer import CLASSIC, Frame
from .settings import RasterSettings

F32 = NDArray[np.float32]
Rasterization = Callable[..., tuple[Tensor, Tensor, Any]]  # gsplat.rasterization, or what stands in for it
CHUNK_BYTES = 2**31  # device memory that one call may take
GAUSSIAN_BYTES, PIXEL_BYTES = 768, 64  # what one Gaussian and one pixel of a frame need at the peak, about


class CudaRasterizer:
    """Draws with gsplat, whose kernels are compiled by nvcc at their first use on a computer (minutes).

    `rasterization` is called in place of `gsplat.rasterization`.
    """

    name = "cuda"
    compiles = False  # gsplat does not tell beforehand

    def __init__(
        self, reason: str, *, device: str | torch.device = "cuda", rasterization: Rasterization | None = None
    ) -> None:
        self.device = torch.device(device)
        self.reason = f"{reason}: {_describe(self.device)}"
        self._rasterization = rasterization

    def warm(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Compile or load gsplat's kernels by drawing one point; calls progress(0, 1) and progress(1, 1).

        Raises InputError where that fails.
        """
        progress(0, 1)
        shapes = ((1, 3), (1, 4), (1, 3), (1,), (1, 1, 3))
        point = Gaussians(*(np.ones(shape, np.float32) for shape in shapes))
        camera = Camera.look_at((0, 0, 2), (0, 0, 0), fov_y=1.0, width=16, height=16)
        try:
            with redirect_stdout(sys.stderr):  # where gsplat says that it compiles; stdout may be a program's
                self.load(point).render(camera)
        except (RuntimeError, ImportError, OSError, AttributeError) as error:
            said = next(iter(str(error).splitlines()), type(error).__name__)
            raise InputError(f"device cuda: gsplat's kernels cannot be built or run here: {said[:300]}") from error
        progress(1, 1)

    def load(
        self,
        gaussians: Gaussians,
        parents: NDArray[np.int32] | None = None,
        *,
        shading: Shading | None = None,
        settings: RasterSettings = CLASSIC,
    ) -> CudaScene:
        """Copy N Gaussians to the device; arguments and errors as `Rasterizer.load`.

        `settings.alpha_cap` has no say here: it is compiled into gsplat (0.999, from 1.6 on 0.99).
        """
        parents = check_gaussians(gaussians, parents)
        check_shading(shading, len(gaussians))
        return CudaScene(
            local=LocalGaussians.load(gaussians, parents, shading, self.device),
            parents=int(parents.max(initial=-1)) + 1,
            settings=settings,
            rasterization=self._rasterization or _gsplat(),
        )


@dataclass(frozen=True, eq=False)
class DeviceCameras:
    """One camera for all frames, or one for each, on the device."""

    views: Tensor  # [T or 1, 4, 4]
    Ks: Tensor  # [T or 1, 3, 3]
    eyes: Tensor  # [T or 1, 3]
    width: int
    height: int

    @staticmethod
    def load(cameras: Sequence[Camera], device: torch.device) -> DeviceCameras:
        """Copy to `device`; all cameras have the first one's size."""

        def load(name: str) -> Tensor:
            return torch.from_numpy(np.stack([getattr(c, name) for c in cameras]).astype(np.float32)).to(device)

        return DeviceCameras(load("view"), load("K"), load("position"), cameras[0].width, cameras[0].height)

    def __getitem__(self, frames: slice) -> DeviceCameras:
        if len(self.views) == 1:
            return self
        return DeviceCameras(self.views[frames], self.Ks[frames], self.eyes[frames], self.width, self.height)


class CudaScene:
    """Gaussians on the device."""

    def __init__(
        self, *, local: LocalGaussians, parents: int, settings: RasterSettings, rasterization: Rasterization
    ) -> None:
        self._local = local
        self._parent_count = parents
        self._settings = settings
        self._rasterization = rasterization

    @property
    def device(self) -> torch.device:
        """Where the Gaussians are."""
        return self._local.means.device

    def frames_per_call(self, width: int, height: int) -> int:
        """How many frames of this size one `draw` may make, so that it takes about `CHUNK_BYTES` at most."""
        size = GAUSSIAN_BYTES * len(self._local.parents) + PIXEL_BYTES * width * height
        return max(1, CHUNK_BYTES // size)

    def render(
        self,
        camera: Camera | Sequence[Camera],
        transforms: F32 | None = None,
        *,
        shading_weights: F32 | None = None,
        background: ArrayLike = (1.0, 1.0, 1.0),
    ) -> list[Frame]:
        """Draw the scene once per pose (see `Scene.render`), in chunks that fit the device."""
        behind = torch.from_numpy(check_background(background)).to(self.device)
        frames: list[Frame] = []
        for images in self._chunks(camera, transforms, shading_weights, behind):
            pictures = (to_bytes(image).cpu().numpy() for image in images)
            frames += [Frame(*picture) for picture in zip(*pictures, strict=True)]
        return frames

    def render_float(
        self,
        camera: Camera | Sequence[Camera],
        transforms: F32 | None = None,
        *,
        shading_weights: F32 | None = None,
    ) -> F32:
        """Premultiplied colour and coverage [T, H, W, 4], neither clamped nor rounded."""
        chunks = self._chunks(camera, transforms, shading_weights, torch.zeros(3, device=self.device))
        return np.concatenate([torch.cat([rgb, alpha[..., None]], -1).cpu().numpy() for rgb, alpha in chunks])

    @torch.inference_mode()
    def _chunks(
        self, camera: Camera | Sequence[Camera], transforms: F32 | None, weights: F32 | None, background: Tensor
    ) -> Iterator[tuple[Tensor, Tensor]]:
        cameras, poses = check_cameras(camera, check_transforms(transforms, self._parent_count))
        weights = check_shading_weights(weights, len(poses), len(self._local.shades))
        seen = DeviceCameras.load(cameras, self.device)
        step = self.frames_per_call(seen.width, seen.height)
        for first in range(0, len(poses), step):
            chunk = slice(first, first + step)
            pose, weight = (torch.from_numpy(array[chunk].copy()).to(self.device) for array in (poses, weights))
            yield self.draw(seen[chunk], pose, weight, background)

    @torch.inference_mode()
    def draw(
        self, cameras: DeviceCameras, transforms: Tensor, shading_weights: Tensor, background: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Colour [T, H, W, 3] over the background [3] and coverage [T, H, W], floats on the device, in one call.

        transforms: [T, P, 3, 4]; shading_weights: [T, M]
        Nothing is copied to the host, and nothing waits for the device but gsplat, once per call.
        """
        frames = len(transforms)
        means, covariances, colours = self._local.pose(transforms, cameras.eyes, shading_weights)
        settings = self._settings
        rgb, alpha, _ = self._rasterization(
            means=means,
            quats=None,  # `covars` stands for both
            scales=None,
            opacities=self._local.opacities.expand(frames, -1),
            colors=colours,
            viewmats=cameras.views[:, None].expand(frames, 1, 4, 4),
            Ks=cameras.Ks[:, None].expand(frames, 1, 3, 3),
            width=cameras.width,
            height=cameras.height,
            near_plane=settings.near,
            far_plane=settings.far,
            radius_clip=settings.radius_clip,
            eps2d=settings.low_pass,
            rasterize_mode="antialiased" if settings.antialiased else "classic",
            covars=covariances,
            packed=False,
            backgrounds=background.expand(frames, 1, 3),
        )
        return rgb[:, 0], alpha[:, 0, ..., 0]


def to_bytes(image: Tensor) -> Tensor:
    """Values 0..1 as uint8, cut at both ends."""
    return image.mul(255).add_(0.5).clamp_(0, 255).byte()


def gsplat_obstacle() -> str | None:
    """Why gsplat cannot draw on this computer's CUDA device, or None."""
    from torch.utils.cpp_extension import CUDA_HOME

    if importlib.util.find_spec("gsplat") is None:
        return "a CUDA device was found, but gsplat is not installed (pip install gsplat)"
    if importlib.util.find_spec("gsplat.csrc") is not None:
        return None
    if shutil.which("nvcc") is None and not (CUDA_HOME and Path(CUDA_HOME, "bin", "nvcc").is_file()):
        return "a CUDA device was found, but no CUDA toolkit (nvcc) that could compile gsplat's kernels"
    return None


def _gsplat() -> Rasterization:
    import gsplat

    return gsplat.rasterization


def _describe(device: torch.device) -> str:
    """The device and what draws on it."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)
    return f"{name}, gsplat {version('gsplat')}"
