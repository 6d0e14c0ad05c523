"""Front-to-back compositing, one tile of 16 x 16 pixels after the other.

A tile is sixteen blocks of 4 x 4 pixels; the pixels of a block are the lanes of a vector. For 64 splats at a time
an exact ellipse test says which blocks each one touches; a block then visits only the splats on its own list, with
red, green, blue and transmittance in registers, until its last pixel is opaque.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types

from .layout import BLOCK, BLUE, CUTOFF, GREEN, LOG_OPACITY, REACH, RECORD, RED, SLOPE_X, SLOPE_Y, XX, XY, YY, X, Y
from .vector import BIT, I16, I64, LANES, MASK, Emitter, Value, Vec, kernel, part_of_kernel, prefetch, vector_function

OPAQUE = 1e-4  # a pixel whose transmittance would fall to this takes no further splat
AHEAD = 64  # records are called into the cache this many splats before they are needed
TOGETHER = 4  # splats that are blended in one round


@vector_function(types.int64)
def touched_blocks(e: Emitter, records: Value, index: Value, corners: Value) -> Value:
    """Bits of the blocks in which the splat reaches 1/255; `corners` = first pixel centres x [16], y [16].

    The maximum of log2(alpha) over a rectangle that does not hold the centre lies on one of the two sides that face
    it, at the vertex of that side's parabola moved into the side.
    """
    record = e.at(records, e.times(index, RECORD))

    def field(k: int) -> Vec:
        return e.load_spread(record, k)

    xx, xy, yy = field(XX), field(XY), field(YY)
    left, top = e.load(corners) - field(X), e.load(corners, LANES) - field(Y)
    right, bottom = left + 3.0, top + 3.0
    near_x, near_y = e.constant(0.0).clamp(left, right), e.constant(0.0).clamp(top, bottom)
    on_x = (near_x, (near_x * field(SLOPE_X)).clamp(top, bottom))
    on_y = ((near_y * field(SLOPE_Y)).clamp(left, right), near_y)
    powers = [(xx * dx + xy * dy) * dx + yy * dy * dy for dx, dy in (on_x, on_y)]
    return (powers[0].max(powers[1]) >= field(REACH)).bits()


@vector_function(types.uint64)
def column_of_bits(e: Emitter, masks: Value, bit: Value) -> Value:
    """Bit j of the result is bit `bit` of masks[j], j = 0..63."""
    sixty_four = ir.VectorType(I16, 64)
    words = e.load(masks, 0, sixty_four)
    selected = e.spread(e.builder.trunc(e.builder.shl(I64(1), bit), I16), 64)
    hit = e.builder.icmp_unsigned("!=", (words & selected).value, e.constant(0, sixty_four).value)
    return e.builder.bitcast(hit, I64)


def log_alphas(e: Emitter, record: Value, px: Vec, py: Vec) -> Vec:
    """log2(alpha), not capped, of one splat in sixteen pixels."""

    def field(k: int) -> Vec:
        return e.load_spread(record, k)

    dx, dy = field(X) - px, field(Y) - py
    return (field(XY) * dy + field(XX) * dx) * dx + (field(YY) * dy * dy + field(LOG_OPACITY))


@vector_function(types.int64)
def blend_block(
    e: Emitter,
    state: Value,  # [BLOCK] of this block, updated
    offset: Value,  # of the block in `state`
    records: Value,
    entries: Value,  # 64 more than there are may be read: any valid index
    first: Value,  # entry of bit 0
    splats: Value,  # which of the 64 entries, not 0
    alive: Value,  # pixels that still take splats, as bits
    alpha_cap: Value,
    x: Value,  # centre of the first pixel
    y: Value,
    unseen: Value,  # [RECORD] of a splat that nobody sees
) -> Value:
    """Blend splats into a block in the order of their bits; returns the pixels that are still alive."""
    builder = e.builder
    state, entries = e.at(state, offset), e.at(entries, first)
    px = e.spread(x) + e.constant([lane & 3 for lane in range(LANES)])
    py = e.spread(y) + e.constant([lane >> 2 for lane in range(LANES)])
    limit = e.spread(alpha_cap)
    red, green, blue, left = (e.variable(e.load(state, LANES * k)) for k in range(4))
    start = Vec(builder, builder.bitcast(builder.trunc(alive, ir.IntType(LANES)), MASK))
    # `running` goes on falling in pixels that have stopped, so that a stopped pixel stays stopped;
    # `left` is the transmittance before the splat that stopped it.
    running = e.variable(start.where(e.get(left), 0.0))
    going = e.variable(start)
    word = e.variable(splats)

    # Several splats in one round: their alphas wait for nothing but themselves, so that the processor always has work.
    # A round that is not full is filled up with a splat that nobody sees.
    def next_record() -> Value:
        bits = builder.load(word)
        builder.store(builder.and_(bits, builder.sub(bits, I64(1))), word)
        index = builder.load(e.at(entries, builder.and_(builder.cttz(bits, BIT(0)), I64(63))))
        record = e.at(records, e.times(builder.sext(index, I64), RECORD))
        return builder.select(builder.icmp_unsigned("!=", bits, I64(0)), record, unseen)

    loop, more, done = (builder.append_basic_block(name) for name in ("splats", "more", "done"))
    builder.branch(loop)
    builder.position_at_end(loop)
    batch = [next_record() for _ in range(TOGETHER)]
    kept = start
    for record, log_alpha in zip(batch, [log_alphas(e, record, px, py) for record in batch], strict=True):
        alpha = (log_alpha >= CUTOFF).where(log_alpha.exp2().min(limit), 0.0)
        before = e.get(running)
        weight = alpha * before
        after = before - weight
        e.set(running, after)
        kept = after > OPAQUE
        for slot, k in ((red, RED), (green, GREEN), (blue, BLUE)):
            colour = e.get(slot)
            e.set(slot, kept.where(colour + weight * e.load_spread(record, k), colour))
        e.set(left, kept.where(after, e.get(left)))
    e.set(going, kept)
    # Two branches, because the processor knows early that no splat is left, and late that no pixel is.
    builder.cbranch(builder.icmp_unsigned("!=", kept.bits(), I64(0)), more, done)
    builder.position_at_end(more)
    builder.cbranch(builder.icmp_unsigned("!=", builder.load(word), I64(0)), loop, done)

    builder.position_at_end(done)
    for k, slot in enumerate((red, green, blue, left)):
        e.store(e.get(slot), state, LANES * k)
    return e.get(going).bits()


@vector_function(types.void)
def store_tile(
    e: Emitter,
    state: Value,  # [16, BLOCK] flat
    background: Value,  # [3]
    rgb: Value,  # uint8, written
    rgb_offset: Value,
    rgb_stride: Value,  # bytes from one row to the next
    alpha: Value,  # uint8, written
    alpha_offset: Value,
    alpha_stride: Value,
) -> None:
    """A tile's state as 16 rows of bytes: colour over the background, and coverage."""
    behind = [e.load_spread(background, k) for k in range(3)]
    rgb, alpha = e.at(rgb, rgb_offset), e.at(alpha, alpha_offset)
    for block_row in range(4):
        blocks = []
        for block in range(4 * block_row, 4 * block_row + 4):
            left = e.load(state, BLOCK * block + 3 * LANES)
            colour = [e.load(state, BLOCK * block + LANES * k) + left * behind[k] for k in range(3)]
            blocks.append([channel.to_bytes() for channel in (*colour, 1.0 - left)])
        for row in range(4):
            y = I64(4 * block_row + row)
            red, green, blue, cover = (_row_of_blocks(e, [block[k] for block in blocks], row) for k in range(4))
            red_green = e.pick(red, green, range(32))
            blue_twice = e.pick(blue, blue, range(32))
            pixels = e.pick(red_green, blue_twice, [part + i for i in range(LANES) for part in (0, 16, 32)])
            e.store(pixels, rgb, e.builder.mul(rgb_stride, y))
            e.store(cover, alpha, e.builder.mul(alpha_stride, y))


def _row_of_blocks(e: Emitter, blocks: list[Vec], row: int) -> Vec:
    """Sixteen bytes: row `row` (four lanes) of four blocks side by side."""
    lanes = [part + 4 * row + i for part in (0, LANES) for i in range(4)]
    return e.pick(e.pick(blocks[0], blocks[1], lanes), e.pick(blocks[2], blocks[3], lanes), range(16))


@part_of_kernel
def begin_tile(left, top, inside_x, inside_y, origin, state, alive, corners):
    """Clear the state of a tile of which inside_x x inside_y pixels lie in the image; returns its living blocks."""
    living = 0
    for block in range(16):
        x, y = 4 * (block % 4), 4 * (block // 4)
        corners[block] = np.float32(left + x - origin[0]) + np.float32(0.5)
        corners[16 + block] = np.float32(top + y - origin[1]) + np.float32(0.5)
        width, height = min(4, max(0, inside_x - x)), min(4, max(0, inside_y - y))
        alive[block] = ((1 << width) - 1) * (0x1111 & ((1 << (4 * height)) - 1))
        if alive[block]:
            living |= 1 << block
        start = BLOCK * block
        state[start : start + 3 * LANES] = np.float32(0)
        state[start + 3 * LANES : start + BLOCK] = np.float32(1)
    return living


@part_of_kernel
def find_blocks(records, entries, first, end, corners, masks):
    """Set masks[j] to the blocks that entries[first + j] touches, for at most 64 entries before `end`; else to none."""
    count = min(64, end - first)
    for j in range(count):
        prefetch(records, RECORD * np.int64(entries[min(first + j + AHEAD, entries.shape[0] - 1)]))
        masks[j] = touched_blocks(records, np.int64(entries[first + j]), corners)
    masks[count:] = 0


@part_of_kernel
def blend_tile(records, entries, begin, end, alpha_cap, living, state, masks, alive, corners, unseen):
    """Composite entries[begin:end] into a tile's state."""
    for first in range(begin, end, 64):
        if living == 0:
            break
        find_blocks(records, entries, first, end, corners, masks)
        for block in range(16):
            if (living >> block) & 1:
                word = column_of_bits(masks, block)
                if word != 0:
                    x, y = corners[block], corners[16 + block]
                    alive[block] = blend_block(
                        state, BLOCK * block, records, entries, first, word, alive[block], alpha_cap, x, y, unseen,
                    )  # fmt: skip
                    if alive[block] == 0:
                        living &= ~(1 << block)


@part_of_kernel
def store_image(state, left, top, inside_x, inside_y, image):
    """Premultiplied colour and coverage of a tile as floats."""
    for y in range(inside_y):
        for x in range(inside_x):
            pixel = BLOCK * (4 * (y // 4) + x // 4) + 4 * (y % 4) + x % 4
            for c in range(3):
                image[top + y, left + x, c] = state[pixel + LANES * c]
            image[top + y, left + x, 3] = np.float32(1) - state[pixel + LANES * 3]


@kernel(
    "void(float32[::1], int32[::1], int64[::1], UniTuple(int64, 2), float32[::1], float32, float32[::1],"
    "uint16[::1], int64[::1], float32[::1], float32[::1], uint8[::1],"
    "uint8[::1], uint8[:, :, ::1], uint8[::1], uint8[:, ::1], uint8[::1], float32[:, :, ::1])"
)
def blend(
    records,  # [N, RECORD] flat
    entries,  # tile lists, nearest first
    starts,  # [tiles + 1] bounds of the lists
    origin,  # the pixel (column, row) from which the records count
    background,  # [3]
    alpha_cap,
    state,  # [16, BLOCK] flat, scratch
    masks,  # [64] scratch
    alive,  # [16] scratch
    corners,  # [32] scratch
    unseen,  # [RECORD] of a splat that nobody sees
    edge_rgb,  # [16 * 16 * 3] scratch for tiles that stick out of the image
    edge_alpha,  # [16 * 16] scratch
    rgb,  # [H, W, 3] out
    flat_rgb,  # the same memory, flat
    alpha,  # [H, W] out
    flat_alpha,  # the same memory, flat
    image,  # [H, W, 4] out: premultiplied colour and coverage as floats; or of size 0
):
    """Composite every tile."""
    height, width = alpha.shape
    columns = (width + 15) // 16
    for tile in range(starts.shape[0] - 1):
        left, top = 16 * (tile % columns), 16 * (tile // columns)
        inside_x, inside_y = min(16, width - left), min(16, height - top)
        living = begin_tile(left, top, inside_x, inside_y, origin, state, alive, corners)
        begin, end = starts[tile], starts[tile + 1]
        blend_tile(records, entries, begin, end, alpha_cap, living, state, masks, alive, corners, unseen)
        if inside_x == 16 and inside_y == 16:
            pixel = top * width + left
            store_tile(state, background, flat_rgb, 3 * pixel, 3 * width, flat_alpha, pixel, width)
        else:
            store_tile(state, background, edge_rgb, 0, 48, edge_alpha, 0, 16)
            for y in range(inside_y):
                for x in range(inside_x):
                    for c in range(3):
                        rgb[top + y, left + x, c] = edge_rgb[48 * y + 3 * x + c]
                    alpha[top + y, left + x] = edge_alpha[16 * y + x]
        if image.shape[0] > 0:
            store_image(state, left, top, inside_x, inside_y, image)
