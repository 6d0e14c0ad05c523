"""gsplat.rasterization without CUDA: gsplat's own projection in PyTorch, composited splat by splat in float64.

It takes what both gsplat 1.5.3 and 1.6 take, and holds callers to what their kernels ask for.
"""

from __future__ import annotations

import numpy as np
import torch
from gsplat.cuda import _torch_impl as twins
from numpy.typing import NDArray
from torch import Tensor

F64 = NDArray[np.float64]
ALPHA_CAP = 0.999


def rasterization(
    *,
    means: Tensor,  # [T, N, 3]
    quats: None,
    scales: None,
    opacities: Tensor,  # [T, N]
    colors: Tensor,  # [T, N, 3] after activation
    viewmats: Tensor,  # [T, 1, 4, 4]
    Ks: Tensor,  # [T, 1, 3, 3]
    width: int,
    height: int,
    near_plane: float,
    far_plane: float,
    radius_clip: float,
    eps2d: float,
    rasterize_mode: str,
    covars: Tensor,  # [T, N, 3, 3]
    packed: bool,
    backgrounds: Tensor,  # [T, 1, 3]
) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Colour [T, 1, H, W, 3] over the background and coverage [T, 1, H, W, 1]."""
    frames, count, _ = means.shape
    expected = {
        "opacities": (opacities, (frames, count)),
        "colors": (colors, (frames, count, 3)),
        "viewmats": (viewmats, (frames, 1, 4, 4)),
        "Ks": (Ks, (frames, 1, 3, 3)),
        "covars": (covars, (frames, count, 3, 3)),
        "backgrounds": (backgrounds, (frames, 1, 3)),
    }
    for name, (tensor, shape) in expected.items():
        assert tensor.shape == shape, name
        assert tensor.dtype == torch.float32, name
        assert tensor.device == means.device, name
    assert quats is None
    assert scales is None
    assert not packed  # the packed mode waits for the device once more
    assert rasterize_mode in ("classic", "antialiased")
    pictures, covers = [], []
    for t in range(frames):
        radii, screen, depths, conics, compensations = twins._fully_fused_projection(
            means[t], covars[t], viewmats[t], Ks[t], width, height,
            eps2d=eps2d, near_plane=near_plane, far_plane=far_plane,
            calc_compensations=rasterize_mode == "antialiased",
        )  # fmt: skip
        kept = (depths[0] > near_plane) & (depths[0] < far_plane) & (radii[0] > radius_clip).any(-1)
        opacity = opacities[t] if compensations is None else opacities[t] * compensations[0]
        arrays = (screen[0], conics[0], depths[0], opacity, colors[t])
        points, inverses, z, opacity, rgb = (array[kept].double().numpy() for array in arrays)
        colour, left = composite(points, inverses, z, opacity, rgb, width, height)
        pictures.append(colour + left[..., None] * backgrounds[t, 0].numpy())
        covers.append(1 - left[..., None])
    colours, alphas = (torch.tensor(np.array(images), dtype=torch.float32)[:, None] for images in (pictures, covers))
    return colours, alphas, {}


def composite(
    points: F64, conics: F64, depths: F64, opacities: F64, colours: F64, width: int, height: int
) -> tuple[F64, F64]:
    """Premultiplied colour [H, W, 3] and transmittance [H, W], as gsplat's kernel has it."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    picture, left, going = np.zeros((height, width, 3)), np.ones((height, width)), np.ones((height, width), bool)
    for i in np.argsort(depths, kind="stable"):
        dx, dy = points[i, 0] - x, points[i, 1] - y
        a, b, c = conics[i]
        alpha = np.minimum(ALPHA_CAP, opacities[i] * np.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy))
        alpha[alpha < 1 / 255] = 0
        after = left * (1 - alpha)
        going &= after > 1e-4
        picture += (going * alpha * left)[..., None] * colours[i]
        left = np.where(going, after, left)
    return picture, left
