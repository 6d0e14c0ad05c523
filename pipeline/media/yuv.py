"""RGB to YUV 4:2:0 on a PyTorch device, as our ffmpeg command converts it: BT.709, video range."""

from __future__ import annotations

import torch
from torch import Tensor

RED, BLUE = 0.2126, 0.0722  # luma weights of BT.709
# Rows of chroma are made by swscale's bicubic filter (B = 0, C = 0.6), stretched twofold: rows 2k - 3 .. 2k + 4 of k.
HALF_FILTER = (-0.0140625, -0.0421875, 0.1203125, 0.4359375)


def to_yuv420(rgb: Tensor) -> Tensor:
    """Planes Y, U, V of pictures, bytes [T, H W 3/2], from RGB [T, H, W, 3] in 0..1 with even H and W.

    Chroma lies in the middle of its four pixels, where ffmpeg puts it: columns are averaged in pairs.
    """
    frames, height, width, _ = rgb.shape
    r, g, b = rgb.clamp(0, 1).unbind(-1)
    luma = RED * r + (1 - RED - BLUE) * g + BLUE * b
    chroma = torch.stack([(b - luma) / (2 * (1 - BLUE)), (r - luma) / (2 * (1 - RED))], 1)  # [T, 2, H, W]
    planes = torch.empty((frames, height * width * 3 // 2), dtype=torch.uint8, device=rgb.device)
    planes[:, : height * width] = _bytes(16 + 219 * luma).flatten(1)
    planes[:, height * width :] = _bytes(128 + 224 * _halved(chroma)).flatten(1)
    return planes


def _halved(chroma: Tensor) -> Tensor:
    """[T, 2, H, W] -> [T, 2, H/2, W/2]."""
    height = chroma.shape[2]
    chroma = (chroma[..., 0::2] + chroma[..., 1::2]) / 2
    taps = (*HALF_FILTER, *reversed(HALF_FILTER))
    rows = torch.nn.functional.pad(chroma, (0, 0, 3, 4), mode="replicate")
    halved = torch.zeros_like(chroma[:, :, ::2])
    for k, weight in enumerate(taps):
        halved.add_(rows[:, :, k : k + height : 2], alpha=weight)
    return halved


def _bytes(values: Tensor) -> Tensor:
    return values.add(0.5).clamp_(0, 255).byte()
