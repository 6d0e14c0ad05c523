"""What training lowers: 0.8 L1 + 0.2 (1 - SSIM), and what keeps Gaussians near their triangles (Qian et al. 2024)."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import relu

SSIM_WEIGHT = 0.2
POSITION_WEIGHT, POSITION_FREE = 0.01, 1.0  # triangle scales from the centre that cost nothing
SCALE_WEIGHT, SCALE_FREE = 1.0, 0.6  # triangle scales of size that cost nothing
WINDOW, SIGMA = 11, 1.5  # of SSIM (Wang et al. 2004)


def picture_loss(drawn: Tensor, truth: Tensor) -> Tensor:
    """0.8 L1 + 0.2 (1 - SSIM) of pictures [H, W, 3] in 0..1 (Kerbl et al. 2023, eq. 7)."""
    return (1 - SSIM_WEIGHT) * (drawn - truth).abs().mean() + SSIM_WEIGHT * (1 - ssim(drawn, truth))


def binding_loss(means: Tensor, scales: Tensor, home: Tensor | None = None, size: Tensor | None = None) -> Tensor:
    """Cost of local means [N, 3] and scales [N, 3] that leave their triangle, in units of its scale.

    Gaussians that stood elsewhere at the start, as hair does, cost what they leave `home` [N, 3], and may be as large
    as `size` [N, 3].
    """
    if not len(means):
        return means.sum()
    away = means if home is None else means - home
    away = relu(torch.linalg.vector_norm(away, dim=1) - POSITION_FREE).mean()
    free = SCALE_FREE if size is None else size.clamp_min(SCALE_FREE)
    large = torch.linalg.vector_norm(relu(scales - free), dim=1).mean()
    return POSITION_WEIGHT * away + SCALE_WEIGHT * large


def ssim(a: Tensor, b: Tensor) -> Tensor:
    """Mean structural similarity of pictures [H, W, 3] in 0..1 (Wang et al. 2004), zeros beyond the edge.

    Gaussian window of 11 pixels, as in 3DGS.
    """
    x, y = a.permute(2, 0, 1), b.permute(2, 0, 1)
    mx, xx, xy = _blur(torch.cat([x, x * x, x * y])).split(3)
    my, yy = _blur(torch.cat([y, y * y])).split(3)  # apart, for no gradient flows into the truth
    c1, c2 = 0.01**2, 0.03**2
    likeness = (2 * mx * my + c1) * (2 * (xy - mx * my) + c2)
    return (likeness / ((mx * mx + my * my + c1) * (xx - mx * mx + yy - my * my + c2))).mean()


def psnr(a: Tensor, b: Tensor) -> float:
    """Peak signal-to-noise ratio of pictures in 0..1, decibels."""
    return float(-10 * torch.log10((a - b).square().mean().clamp_min(1e-10)))


def _blur(planes: Tensor) -> Tensor:
    """Gaussian window over [P, H, W]; as matrix products, many times faster on a processor than convolutions."""
    height, width = planes.shape[1:]
    down, across = (_window(n, planes.dtype, planes.device) for n in (height, width))
    return down @ (planes @ across)


@lru_cache
def _window(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """The symmetric matrix [size, size] that blurs a row; what lies beyond its ends is 0."""
    offset = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    weights = torch.exp(-0.5 * (offset / SIGMA) ** 2)
    weights /= weights.sum()
    rows = torch.arange(size)
    apart = rows[:, None] - rows + WINDOW // 2
    inside = (apart >= 0) & (apart < WINDOW)
    return torch.where(inside, weights[apart.clamp(0, WINDOW - 1)], 0.0).to(device, dtype)
