"""Who draws splats so that the picture can be differentiated: our kernels on the processor, or gsplat on CUDA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from ...core.errors import InputError
from ...renderer import Camera
from ...renderer.autograd import composite, project_axes
from ...renderer.rasterizer import CLASSIC
from .model import Splats

Rasterization = Callable[..., tuple[Tensor, Tensor, Any]]  # gsplat.rasterization, or what stands in for it
REACH = 3.33  # standard deviations at which a splat's alpha has fallen below 1/255


@dataclass(frozen=True, eq=False)
class Drawing:
    """A picture over a background, and what densification wants to know about it."""

    image: Tensor  # [H, W, 3]
    screen: Tensor  # [..., N, 2] pixels; its gradient is kept
    visible: Tensor  # [N] bool

    def pull(self) -> Tensor:
        """How strongly the loss pulls each splat across the screen, [N], per half image (Kerbl et al. 2023)."""
        gradient = self.screen.grad
        if gradient is None:
            raise RuntimeError("Drawing.pull: expected a call of backward before")
        height, width = self.image.shape[:2]
        half = torch.tensor([width / 2, height / 2], device=gradient.device)
        return torch.linalg.vector_norm(gradient.reshape(-1, 2) * half, dim=1)


class Painter(Protocol):
    """Draws on one device."""

    @property
    def device(self) -> torch.device: ...

    def draw(self, splats: Splats, camera: Camera, background: Tensor | None = None) -> Drawing:
        """The splats over a colour [3], or white; with gradients enabled, `Drawing.screen` keeps its own."""
        ...


class CpuPainter:
    """Our compositing kernels and their gradient."""

    device = torch.device("cpu")

    def draw(self, splats: Splats, camera: Camera, background: Tensor | None = None) -> Drawing:
        behind = torch.ones(3) if background is None else background
        screen, conics, depths, _ = project_axes(splats.means, splats.axes, camera=camera)
        if screen.requires_grad:
            screen.retain_grad()
        size = camera.width, camera.height
        drawn = composite(screen, conics, depths, splats.opacities, splats.colours, width=size[0], height=size[1])
        with torch.no_grad():
            xx, xy, yy = conics.unbind(1)
            reach = REACH * (torch.stack([yy, xx], 1) / (xx * yy - xy * xy)[:, None]).sqrt()
            inside = ((screen + reach > 0) & (screen - reach < torch.tensor(size))).all(1)
        return Drawing(drawn[..., :3] + (1 - drawn[..., 3:]) * behind, screen, inside & (depths >= CLASSIC.near))


class GsplatPainter:
    """gsplat's kernels, compiled at their first use; `rasterization` is called in place of `gsplat.rasterization`."""

    def __init__(self, *, device: str = "cuda", rasterization: Rasterization | None = None) -> None:
        self.device = torch.device(device)
        self._rasterization = rasterization or _gsplat()

    def draw(self, splats: Splats, camera: Camera, background: Tensor | None = None) -> Drawing:
        behind = torch.ones(3, device=self.device) if background is None else background
        image, _, seen = self._rasterization(
            means=splats.means,
            quats=None,  # `covars` stands for both
            scales=None,
            opacities=splats.opacities,
            colors=splats.colours,
            viewmats=torch.tensor(camera.view, dtype=torch.float32, device=self.device)[None],
            Ks=torch.tensor(camera.K, dtype=torch.float32, device=self.device)[None],
            width=camera.width,
            height=camera.height,
            near_plane=CLASSIC.near,
            eps2d=CLASSIC.low_pass,
            covars=splats.axes @ splats.axes.mT,
            packed=False,
            backgrounds=behind[None],
        )
        if seen["means2d"].requires_grad:
            seen["means2d"].retain_grad()
        return Drawing(image[0], seen["means2d"], (seen["radii"] > 0).reshape(len(splats.means), -1).all(1))


def _gsplat() -> Rasterization:
    import gsplat

    return gsplat.rasterization


def open_painter(device: str) -> tuple[Painter, str]:
    """The painter for "auto", "cpu" or "cuda", and why; raises InputError where there is no such device."""
    if device not in ("auto", "cpu", "cuda"):
        raise InputError(f"--device: expected auto, cpu or cuda, found {device!r}")
    if device == "cpu":
        return CpuPainter(), "asked for"
    if torch.cuda.is_available():
        from ...renderer.cuda import gsplat_obstacle

        obstacle = gsplat_obstacle()
        if obstacle is None:
            return GsplatPainter(), torch.cuda.get_device_name()
    else:
        obstacle = "PyTorch finds no CUDA device"
    if device == "cuda":
        raise InputError(f"--device cuda: {obstacle}")
    return CpuPainter(), obstacle
