"""RGB to YUV 4:2:0 on a PyTorch device, as our ffmpeg command converts it (`planes.py` does it on the processor)."""

from __future__ import annotations

import torch
from torch import Tensor

from ...renderer.kernels.bt709 import BEFORE, BLUE, CHROMA, COLOURLESS, DARKEST, FILTER, LUMA, RED


def to_yuv420(rgb: Tensor) -> Tensor:
    """Planes Y, U, V of pictures, bytes [T, H W 3/2], from RGB [T, H, W, 3] in 0..1 with even H and W."""
    frames, height, width, _ = rgb.shape
    r, g, b = rgb.clamp(0, 1).unbind(-1)
    luma = RED * r + (1 - RED - BLUE) * g + BLUE * b
    chroma = torch.stack([(b - luma) / (2 * (1 - BLUE)), (r - luma) / (2 * (1 - RED))], 1)  # [T, 2, H, W]
    planes = torch.empty((frames, height * width * 3 // 2), dtype=torch.uint8, device=rgb.device)
    planes[:, : height * width] = _bytes(DARKEST + LUMA * luma).flatten(1)
    planes[:, height * width :] = _bytes(COLOURLESS + CHROMA * _halved(chroma)).flatten(1)
    return planes


def _halved(chroma: Tensor) -> Tensor:
    """[T, 2, H, W] -> [T, 2, H/2, W/2]."""
    height = chroma.shape[2]
    chroma = (chroma[..., 0::2] + chroma[..., 1::2]) / 2
    rows = torch.nn.functional.pad(chroma, (0, 0, BEFORE, len(FILTER) - 1 - BEFORE), mode="replicate")
    halved = torch.zeros_like(chroma[:, :, ::2])
    for k, weight in enumerate(FILTER):
        halved.add_(rows[:, :, k : k + height : 2], alpha=weight)
    return halved


def _bytes(values: Tensor) -> Tensor:
    return values.add(0.5).clamp_(0, 255).byte()
