"""RGB bytes to planes of YUV 4:2:0, by the numbers of `bt709.py`."""

from __future__ import annotations

from llvmlite import ir
from numba import types

from .bt709 import BEFORE, BLUE, CHROMA, COLOURLESS, DARKEST, FILTER, LUMA, RED
from .layout import LANES
from .vector import FLOATS, I8, Emitter, Value, Vec, kernel, part_of_kernel, vector_function

AT_ONCE = 2 * LANES  # pixels


@vector_function(types.void)
def convert(
    e: Emitter,
    rgb: Value,  # uint8
    first: Value,  # byte of the first of 32 pixels
    luma: Value,  # uint8, written
    luma_place: Value,
    chroma: Value,  # float32, written: 16 of blue
    blue_place: Value,
    red_place: Value,  # and 16 of red
) -> None:
    """32 pixels of a row: luma, and chroma averaged in pairs (without its offset)."""
    pixels = e.load(rgb, first, ir.VectorType(I8, 3 * AT_ONCE))
    halves = [[_floats(e, e.pick(pixels, pixels, range(48 * h + c, 48 * h + 48, 3))) for c in range(3)] for h in (0, 1)]
    grey = [r * RED + g * (1 - RED - BLUE) + b * BLUE for r, g, b in halves]
    for h, y in enumerate(grey):
        e.store((y * (LUMA / 255) + (DARKEST + 0.5)).truncated(), e.at(luma, luma_place), LANES * h)
    for c, weight, place in ((2, BLUE, blue_place), (0, RED, red_place)):
        left, right = (halves[h][c] - grey[h] for h in (0, 1))
        even, odd = (e.pick(left, right, range(start, 2 * LANES, 2)) for start in (0, 1))
        e.store((even + odd) * (CHROMA / 255 / (4 * (1 - weight))), e.at(chroma, place))


@vector_function(types.void)
def filter_rows(e: Emitter, chroma: Value, rows: Value, place: Value, plane: Value, to: Value) -> None:
    """16 bytes of chroma: the sum of eight rows of `chroma`, which begin at `rows` [8], from `place` on, by FILTER."""
    total = e.constant(COLOURLESS + 0.5)
    for k, tap in enumerate(FILTER):
        row = e.builder.add(e.element(rows, k), place)
        total = total + e.load(chroma, row) * tap
    e.store(total.clamp(0.0, 255.0).truncated(), plane, to)


def _floats(e: Emitter, values: Vec) -> Vec:
    return Vec(e.builder, e.builder.uitofp(values.value, FLOATS))


@part_of_kernel
def convert_row(rgb, first, width, luma, luma_place, chroma, slot, room, spare_rgb, spare_luma):
    """A row of any even width; slot and room: where the ring keeps its blue, and how far behind that its red."""
    whole = width - width % AT_ONCE
    for x in range(0, whole, AT_ONCE):
        convert(rgb, first + 3 * x, luma, luma_place + x, chroma, slot + x // 2, slot + room + x // 2)
    if whole < width:
        for k in range(3 * (width - whole)):
            spare_rgb[k] = rgb[first + 3 * whole + k]
        convert(spare_rgb, 0, spare_luma, 0, chroma, slot + whole // 2, slot + room + whole // 2)
        for k in range(width - whole):
            luma[luma_place + whole + k] = spare_luma[k]


@part_of_kernel
def filter_chroma(chroma, rows, width, planes, to, spare):
    """A row of chroma of any width."""
    whole = width - width % LANES
    for x in range(0, whole, LANES):
        filter_rows(chroma, rows, x, planes, to + x)
    if whole < width:
        filter_rows(chroma, rows, whole, spare, 0)
        for k in range(width - whole):
            planes[to + whole + k] = spare[k]


@kernel("void(uint8[::1], int64, int64, uint8[::1], float32[::1], int64[::1], uint8[::1], uint8[::1])")
def to_yuv420(
    rgb,  # [H, W, 3] flat, H and W even
    height,
    width,
    planes,  # [H W 3/2] out: Y, U, V
    ring,  # [8, 2, W/2 rounded up to 16] scratch: the last eight rows of blue and red chroma
    rows,  # [8] scratch
    spare_rgb,  # [96] scratch
    spare,  # [32] scratch
):
    """Convert a picture."""
    half = width // 2
    room = (half + LANES - 1) // LANES * LANES
    done = 0
    for row in range(height):
        convert_row(
            rgb, 3 * width * row, width, planes, width * row, ring, 2 * room * (row & 7), room, spare_rgb, spare
        )
        while done < height // 2 and (2 * done + 4 <= row or row == height - 1):
            for c in range(2):
                for k in range(8):
                    taken = min(max(2 * done + k - BEFORE, 0), height - 1)
                    rows[k] = room * (2 * (taken & 7) + c)
                to = height * width + (c * (height // 2) + done) * half
                filter_chroma(ring, rows, half, planes, to, spare)
            done += 1
