"""PlayCanvas' compressed PLY: four words per Gaussian, within the ranges of blocks of 256 neighbours.

Layout: developer.playcanvas.com, "PLY format"; as github.com/playcanvas/splat-transform reads it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import SH0
from ...renderer import Gaussians
from .order import morton_order
from .quaternions import longest_positive

F64 = NDArray[np.float64]
U32 = NDArray[np.uint32]

BLOCK = 256
RANGES = ("", "scale_")  # of x, y and z in the block; those of colours follow
WORDS = ("packed_position", "packed_rotation", "packed_scale", "packed_color")
WIDEST_LOG_SCALE = 20.0  # what readers allow
SH_RANGE = 8.0  # bytes of the higher harmonics span -4 to 4


def compressed_ply_bytes(gaussians: Gaussians, *, comments: Sequence[str] = ()) -> bytes:
    """16 bytes and one for each higher harmonic; the rows are those of `morton_order`.

    Opacities of 0 and 1 become 1/255 and 254/255, for the bytes at the ends are infinite logits to some readers.
    """
    order = morton_order(gaussians.means)
    count = len(order)
    means = _Blocks(gaussians.means[order])
    scales = np.log(np.maximum(gaussians.scales[order], 1e-30)).clip(-WIDEST_LOG_SCALE, WIDEST_LOG_SCALE)
    sizes = _Blocks(scales)
    colors = _Blocks(0.5 + SH0 * gaussians.sh[order, 0])
    opacity = np.round(255 * gaussians.opacities[order]).clip(1, 254).astype(np.uint32)
    words = np.stack(
        [
            _packed(means.within, (11, 10, 11)),
            _smallest_three(gaussians.quats[order]),
            _packed(sizes.within, (11, 10, 11)),
            _packed(colors.within, (8, 8, 8)) << 8 | opacity,
        ],
        axis=1,
    )
    rest = gaussians.sh[order, 1:].transpose(0, 2, 1).reshape(count, -1)  # channel by channel
    harmonics = np.floor((rest / SH_RANGE + 0.5) * 256).clip(0, 255).astype(np.uint8)
    blocks = np.concatenate([means.ranges, sizes.ranges, colors.ranges], axis=1).astype("<f4")
    header = ["ply", "format binary_little_endian 1.0", *(f"comment {text}" for text in comments)]
    header += [f"element chunk {len(blocks)}", *(f"property float {name}" for name in _range_names())]
    header += [f"element vertex {count}", *(f"property uint {name}" for name in WORDS)]
    if harmonics.shape[1]:
        header += [f"element sh {count}", *(f"property uchar f_rest_{i}" for i in range(harmonics.shape[1]))]
    text = "\n".join([*header, "end_header", ""]).encode("ascii")
    return b"".join([text, blocks.tobytes(), words.astype("<u4").tobytes(), harmonics.tobytes()])


def _range_names() -> list[str]:
    names = [f"{end}_{kind}{axis}" for kind in RANGES for end in ("min", "max") for axis in "xyz"]
    return [*names, *(f"{end}_{channel}" for end in ("min", "max") for channel in "rgb")]


class _Blocks:
    """Rows [N, 3] as shares of the range of their block."""

    def __init__(self, values: NDArray[np.floating]) -> None:
        starts = np.arange(0, len(values), BLOCK)
        low = np.minimum.reduceat(values, starts, axis=0) if len(values) else np.zeros((0, 3))
        high = np.maximum.reduceat(values, starts, axis=0) if len(values) else np.zeros((0, 3))
        low, high = low.astype(np.float32), high.astype(np.float32)  # as the file holds them
        self.ranges = np.concatenate([low, high], axis=1)  # [blocks, 6]
        block = np.arange(len(values)) // BLOCK
        size = np.maximum((high - low)[block].astype(np.float64), 1e-12)
        self.within: F64 = ((values - low[block]) / size).clip(0, 1)  # [N, 3]


def _packed(shares: F64, bits: tuple[int, int, int]) -> U32:
    """Shares [N, 3] of 1 as one word, the first axis highest."""
    word = np.zeros(len(shares), np.uint32)
    for axis, width in enumerate(bits):
        word = (word << np.uint32(width)) | np.round(shares[:, axis] * ((1 << width) - 1)).astype(np.uint32)
    return word


def _smallest_three(quats: NDArray[np.float32]) -> U32:
    """Which of w, x, y, z is longest in two bits, and the others, as it is made positive, in ten bits each."""
    turned, largest = longest_positive(quats)
    word = largest.astype(np.uint32)
    for axis in range(4):
        step = np.round((turned[:, axis] / np.sqrt(2) + 0.5) * 1023).clip(0, 1023).astype(np.uint32)
        word = np.where(largest == axis, word, word << 10 | step)
    return word
