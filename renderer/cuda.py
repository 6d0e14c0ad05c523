"""The gsplat rasterizer: whole chunks of frames in one call on a CUDA device.

Imported only where PyTorch finds a CUDA device. Poses are applied on the device; colours are evaluated
before the call and passed as such, because gsplat 1.5 and 1.6 lay out spherical harmonics differently.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from .camera import Camera
from .gaussians import Gaussians
from .rasterizer import Frame, check_background, check_gaussians, check_transforms

F32 = NDArray[np.float32]
CHUNK_BYTES = 2**30  # device memory that one call may take
GAUSSIAN_BYTES, PIXEL_BYTES = 512, 32  # what one Gaussian and one pixel of a frame need, about


class CudaRasterizer:
    """Draws with gsplat; its kernels are compiled by nvcc at their first use on a computer (minutes)."""

    name = "cuda"

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def warm(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Compile or load gsplat's kernels by drawing one point; calls progress(0, 1) and progress(1, 1)."""
        progress(0, 1)
        shapes = ((1, 3), (1, 4), (1, 3), (1,), (1, 1, 3))
        point = Gaussians(*(np.ones(shape, np.float32) for shape in shapes))
        self.load(point).render(Camera.look_at((0, 0, 2), (0, 0, 0), fov_y=1.0, width=16, height=16))
        progress(1, 1)

    def load(self, gaussians: Gaussians, parents: NDArray[np.int32] | None = None) -> CudaScene:
        """Copy N Gaussians to the device; arguments and errors as `CpuRasterizer.load`."""
        return CudaScene(gaussians, check_gaussians(gaussians, parents), torch.device("cuda"))


class CudaScene:
    """Gaussians on the device."""

    def __init__(self, gaussians: Gaussians, parents: NDArray[np.int32], device: torch.device) -> None:
        def load(array: NDArray) -> Tensor:
            return torch.from_numpy(np.ascontiguousarray(array)).to(device)

        self._device = device
        self._degree = gaussians.sh_degree
        self._parent_count = int(parents.max(initial=-1)) + 1
        self._means = load(gaussians.means)
        self._covariances = load(gaussians.covariances().astype(np.float32))
        self._opacities = load(gaussians.opacities)
        self._sh = load(gaussians.sh)
        self._parents = load(parents.astype(np.int64))

    def render(
        self, camera: Camera, transforms: F32 | None = None, *, background: ArrayLike = (1.0, 1.0, 1.0)
    ) -> list[Frame]:
        """Draw the scene once per pose (see `Scene.render`), in chunks that fit the device."""
        behind = torch.from_numpy(check_background(background)).to(self._device)
        poses = torch.from_numpy(check_transforms(transforms, self._parent_count))
        size = GAUSSIAN_BYTES * len(self._means) + PIXEL_BYTES * camera.width * camera.height
        frames: list[Frame] = []
        with torch.inference_mode():
            for chunk in poses.split(max(1, CHUNK_BYTES // size)):
                rgb, alpha = _to_host(*self._draw(camera, chunk.to(self._device), behind))
                frames += [Frame(*pictures) for pictures in zip(rgb, alpha, strict=True)]
        return frames

    def _draw(self, camera: Camera, poses: Tensor, background: Tensor) -> tuple[Tensor, Tensor]:
        """Bytes [T, H, W, 3] and [T, H, W] on the device."""
        import gsplat

        frames = len(poses)
        means, covars = pose(self._means, self._covariances, self._parents, poses)
        eye = torch.tensor(camera.position, dtype=torch.float32, device=self._device)
        colours = [gsplat.spherical_harmonics(self._degree, directions, self._sh) for directions in means - eye]
        view, K = (torch.tensor(m, dtype=torch.float32, device=self._device) for m in (camera.view, camera.K))
        rgb, alpha, _ = gsplat.rasterization(
            means=means,
            quats=None,  # pyright: ignore[reportArgumentType]  (`covars` stands for both)
            scales=None,  # pyright: ignore[reportArgumentType]
            opacities=self._opacities.expand(frames, -1),
            colors=(torch.stack(colours) + 0.5).clamp_min(0.0),
            viewmats=view.expand(frames, 1, 4, 4),
            Ks=K.expand(frames, 1, 3, 3),
            width=camera.width,
            height=camera.height,
            covars=covars,
            packed=False,
            backgrounds=background.expand(frames, 1, 3),
        )
        return _to_bytes(rgb[:, 0]), _to_bytes(alpha[:, 0, ..., 0])


def missing_compiler() -> str | None:
    """Why gsplat's kernels cannot be built here, or None."""
    from torch.utils.cpp_extension import CUDA_HOME

    if importlib.util.find_spec("gsplat.csrc") is None and CUDA_HOME is None:
        return "a CUDA device was found, but no CUDA toolkit (nvcc) to build gsplat's kernels"
    return None


def pose(means: Tensor, covars: Tensor, parents: Tensor, transforms: Tensor) -> tuple[Tensor, Tensor]:
    """Means [T, N, 3] and covariances [T, N, 3, 3] carried into the world by transforms [T, P, 3, 4]."""
    carriers = transforms[:, parents]
    linear = carriers[..., :3]
    return (linear @ means[..., None])[..., 0] + carriers[..., 3], linear @ covars @ linear.mT


def _to_bytes(image: Tensor) -> Tensor:
    return (image.clamp(0, 1) * 255 + 0.5).byte()


def _to_host(*tensors: Tensor) -> list[NDArray[np.uint8]]:
    """Copies in page-locked memory: all on their way at once, complete on return."""
    copies = [torch.empty(t.shape, dtype=t.dtype, pin_memory=t.is_cuda).copy_(t, non_blocking=True) for t in tensors]
    if tensors[0].is_cuda:
        torch.cuda.current_stream().synchronize()
    return [copy.numpy() for copy in copies]
