"""RGB to YUV 4:2:0 on the processor, as our ffmpeg command converts it (`yuv.py` does it on a PyTorch device)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...renderer.kernels import convert_to_yuv420
from ...renderer.kernels.layout import LANES

U8 = NDArray[np.uint8]


def planes_of(rgb: U8) -> U8:
    """Planes Y, U, V in a row, [H W 3/2] (BT.709, video range), of a picture [H, W, 3] with even H and W.

    >>> planes_of(np.full((2, 4, 3), 255, np.uint8)).tolist()
    [235, 235, 235, 235, 235, 235, 235, 235, 128, 128, 128, 128]
    """
    height, width, _ = rgb.shape
    planes = np.empty(height * width * 3 // 2, np.uint8)
    ring = np.empty(16 * (-(-width // (2 * LANES)) * LANES), np.float32)
    scratch = np.zeros(8, np.int64), np.zeros(6 * LANES, np.uint8), np.zeros(2 * LANES, np.uint8)
    convert_to_yuv420(np.ascontiguousarray(rgb).reshape(-1), height, width, planes, ring, *scratch)
    return planes
