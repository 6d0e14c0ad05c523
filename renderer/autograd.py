"""The CPU rasterizer as a differentiable PyTorch function, to fit Gaussians to pictures without a GPU.

Projection is ordinary PyTorch; compositing and its gradient are kernels (float32).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor

from .camera import Camera
from .cpu import JACOBIAN_MARGIN, UNSEEN, Buffers, aligned
from .kernels import GRADIENT_KERNELS, blend_backward, blend_tiles, enter_splats
from .kernels.layout import ACROSS, BLOCK_GRADIENT, COLOUR, LANES, MOMENTS, W_DX, W_DX_DX, W_DX_DY, W_DY, W_DY_DY, W
from .rasterizer import CLASSIC
from .settings import RasterSettings


def rasterize(
    means: Tensor,  # [N, 3] world
    quats: Tensor,  # [N, 4] wxyz, of any length
    scales: Tensor,  # [N, 3]
    opacities: Tensor,  # [N] 0..1
    colours: Tensor,  # [N, 3]
    *,
    camera: Camera,
    settings: RasterSettings = CLASSIC,
) -> Tensor:
    """Premultiplied colour and coverage [H, W, 4], differentiable by every tensor; the picture is `CpuScene`'s.

    Over a background b the picture is `image[..., :3] + (1 - image[..., 3:]) * b`.
    """
    screen, conics, depths, compensation = project(means, quats, scales, camera=camera, settings=settings)
    if settings.antialiased:
        opacities = opacities * compensation
    return composite(
        screen, conics, depths, opacities, colours, width=camera.width, height=camera.height, settings=settings
    )


def project(
    means: Tensor, quats: Tensor, scales: Tensor, *, camera: Camera, settings: RasterSettings = CLASSIC
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Means on screen [N, 2] in pixels, conics [N, 3] (xx, xy, yy of the inverse covariance), depths [N] and [N] how
    much of a splat's opacity is its own, not the low-pass filter's.

    The affine approximation of EWA splatting (Zwicker et al. 2001), as gsplat evaluates it. What lies nearer than the
    near plane gets some finite values.
    """
    return project_axes(means, rotations(quats) * scales[:, None, :], camera=camera, settings=settings)


def project_axes(
    means: Tensor, axes: Tensor, *, camera: Camera, settings: RasterSettings = CLASSIC
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """`project` for Gaussians given by their half axes [N, 3, 3], one per column: covariance = axes axes^T."""
    view = torch.tensor(camera.view, dtype=means.dtype)
    (fx, _, cx), (_, fy, cy) = camera.K[:2].tolist()
    R = view[:3, :3]
    x, y, depth = (means @ R.T + view[:3, 3]).unbind(-1)
    z = torch.where(depth >= settings.near, depth, 1.0)
    margin_x, margin_y = JACOBIAN_MARGIN * camera.width / (2 * fx), JACOBIAN_MARGIN * camera.height / (2 * fy)
    u = (x / z).clamp(-cx / fx - margin_x, (camera.width - cx) / fx + margin_x)
    v = (y / z).clamp(-cy / fy - margin_y, (camera.height - cy) / fy + margin_y)
    ax, ay, az = (R @ axes).unbind(1)  # [N, 3]: camera coordinates of the three half axes
    across, down = (fx / z)[:, None] * (ax - u[:, None] * az), (fy / z)[:, None] * (ay - v[:, None] * az)
    a, b, c = (across * across).sum(-1), (across * down).sum(-1), (down * down).sum(-1)
    unfiltered = torch.linalg.cross(across, down).square().sum(-1)  # a c - b b, without its cancellation
    determinant = unfiltered + settings.low_pass * (a + c + settings.low_pass)
    screen = torch.stack([fx * x / z + cx, fy * y / z + cy], -1)
    conics = torch.stack([c + settings.low_pass, -b, a + settings.low_pass], -1) / determinant[:, None]
    return screen, conics, depth, (unfiltered / determinant).clamp_min(1e-30).sqrt()


def rotations(quats: Tensor) -> Tensor:
    """Rotation matrices [N, 3, 3] of quaternions wxyz of any length."""
    w, x, y, z = torch.nn.functional.normalize(quats, dim=-1).unbind(-1)
    return torch.stack(
        [
            1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y),
            2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x),
            2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y),
        ],
        -1,
    ).unflatten(-1, (3, 3))  # fmt: skip


def composite(
    screen: Tensor,  # [N, 2] pixels
    conics: Tensor,  # [N, 3] xx, xy, yy
    depths: Tensor,  # [N] metres; only their order matters, no gradient
    opacities: Tensor,  # [N]
    colours: Tensor,  # [N, 3]
    *,
    width: int,
    height: int,
    settings: RasterSettings = CLASSIC,
) -> Tensor:
    """Splats composited front to back: premultiplied colour and coverage [H, W, 4]."""
    return _Composite.apply(screen, conics, depths, opacities, colours, width, height, settings)  # pyright: ignore


class _Composite(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        screen: Tensor,
        conics: Tensor,
        depths: Tensor,
        opacities: Tensor,
        colours: Tensor,
        width: int,
        height: int,
        settings: RasterSettings,
    ) -> Tensor:
        for kernel in GRADIENT_KERNELS:
            kernel.compile()
        b = Buffers(len(screen))
        b.fit(width, height)
        inputs = (_array(t) for t in (screen, conics, colours, opacities, depths))
        b.visible, b.lowest, b.highest, b.entry_count = enter_splats(
            *inputs, width, height, np.float32(settings.near), np.float32(settings.far), np.floor(settings.radius_clip),
            b.records, b.record_bits, b.rect_tiles, b.keys, b.grid, b.starts,
        )  # fmt: skip
        b.sort()
        b.fill()
        image = np.empty((height, width, 4), np.float32)
        rgb, alpha = np.empty((height, width, 3), np.uint8), np.empty((height, width), np.uint8)
        blend_tiles(
            b.records, b.entries, b.starts, (0, 0), np.zeros(3, np.float32), np.float32(settings.alpha_cap),
            *b.scratch, UNSEEN, b.edge_rgb, b.edge_alpha, rgb, rgb.reshape(-1),
            alpha, alpha.reshape(-1), image,
        )  # fmt: skip
        ctx.save_for_backward(conics, opacities)
        ctx.drawn, ctx.image, ctx.alpha_cap = b, image, settings.alpha_cap
        return torch.from_numpy(image.copy()).to(screen.dtype)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        conics, opacities = ctx.saved_tensors
        b: Buffers = ctx.drawn
        sums, state = aligned(len(conics) * LANES), aligned(ACROSS * ACROSS * BLOCK_GRADIENT)
        state[:] = 0
        blend_backward(
            b.records, b.entries, b.starts, np.float32(ctx.alpha_cap), state, *b.scratch,
            ctx.image, _array(gradients[0]), sums,
        )  # fmt: skip
        m = torch.from_numpy(sums.reshape(-1, LANES)[:, :MOMENTS]).to(conics.dtype)
        by_screen = -torch.stack(
            [
                conics[:, 0] * m[:, W_DX] + conics[:, 1] * m[:, W_DY],
                conics[:, 1] * m[:, W_DX] + conics[:, 2] * m[:, W_DY],
            ],
            -1,
        )
        by_conics = -torch.stack([m[:, W_DX_DX] / 2, m[:, W_DX_DY], m[:, W_DY_DY] / 2], -1)
        by_opacities = m[:, W] / opacities.clamp_min(1 / 255)
        return by_screen, by_conics, None, by_opacities, m[:, COLOUR:], None, None, None


def _array(tensor: Tensor) -> Any:
    return np.ascontiguousarray(tensor.detach().numpy(), np.float32)
