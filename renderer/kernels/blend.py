"""Front-to-back compositing, one tile of 32 x 32 pixels after the other.

A tile is 8 x 8 blocks of 4 x 4 pixels; the pixels of a block are the lanes of a vector. For 256 splats at a time the
ends of the rows of an ellipse say which blocks each one touches; a block then visits only the splats on its own list,
with red, green, blue and transmittance in registers, until its last pixel is opaque.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types

from .blocks import find_blocks, find_splats, first_pixel
from .layout import ACROSS, BATCH, BLOCK, BLUE, CUTOFF, GREEN, LOG_OPACITY, RECORD, RED, TILE, XX, XY, YY, X, Y
from .vector import BIT, I64, LANES, MASK, Emitter, Value, Vec, kernel, part_of_kernel, vector_function

OPAQUE = 1e-4  # a pixel whose transmittance would fall to this takes no further splat
TOGETHER = 4  # splats that are blended in one round, at most WORDS - BATCH / 64 - 1


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
    words: Value,  # as `find_splats` writes them, at least one
    places: Value,
    alive: Value,  # pixels that still take splats, as bits
    alpha_cap: Value,
    x: Value,  # centre of the first pixel
    y: Value,
    unseen: Value,  # [RECORD] of a splat that nobody sees
) -> Value:
    """Blend splats into a block in the order of their bits; returns the pixels that are still alive."""
    builder = e.builder
    state = e.at(state, offset)
    px = e.spread(x) + e.constant([lane & 3 for lane in range(LANES)])
    py = e.spread(y) + e.constant([lane >> 2 for lane in range(LANES)])
    limit = e.spread(alpha_cap)
    red, green, blue, left = (e.variable(e.load(state, LANES * k)) for k in range(4))
    start = Vec(builder, builder.bitcast(builder.trunc(alive, ir.IntType(LANES)), MASK))
    # `running` goes on falling in pixels that have stopped, so that a stopped pixel stays stopped;
    # `left` is the transmittance before the splat that stopped it.
    running = e.variable(start.where(e.get(left), 0.0))
    going = e.variable(start)
    word, following = e.variable(builder.load(words)), e.variable(builder.load(e.at(words, 1)))
    number = e.variable(I64(0))  # of the word

    # Several splats in one round: their alphas wait for nothing but themselves, so that the processor always has work.
    # A round that is not full is filled up with a splat that nobody sees.
    def next_record() -> Value:
        bits, k = builder.load(word), builder.load(number)
        place = builder.add(builder.load(e.at(places, k)), builder.and_(builder.cttz(bits, BIT(0)), I64(63)))
        index = builder.load(e.at(entries, place))
        rest = builder.and_(bits, builder.sub(bits, I64(1)))
        # The sign tells that nothing is left. A comparison would become a branch, which is often guessed wrong.
        sign = builder.and_(builder.sub(rest, I64(1)), builder.not_(rest))
        over = builder.ashr(sign, I64(63))
        builder.store(builder.or_(rest, builder.and_(builder.load(following), over)), word)
        k = builder.sub(k, over)
        builder.store(k, number)
        builder.store(builder.load(e.at(words, builder.add(k, I64(1)))), following)
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
        after = (alpha * -1.0).times_plus(before, before)  # for the next splat waits for it
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
def store_quarter(
    e: Emitter,
    state: Value,  # [64, BLOCK] flat
    first: Value,  # block
    background: Value,  # [3]
    rgb: Value,  # uint8, written
    rgb_offset: Value,
    rgb_stride: Value,  # bytes from one row to the next
    alpha: Value,  # uint8, written
    alpha_offset: Value,
    alpha_stride: Value,
) -> None:
    """A quarter of a tile's state as 16 rows of bytes: colour over the background, and coverage."""
    state = e.at(state, e.times(first, BLOCK))
    behind = [e.load_spread(background, k) for k in range(3)]
    rgb, alpha = e.at(rgb, rgb_offset), e.at(alpha, alpha_offset)
    for block_row in range(4):
        blocks = []
        for block in range(ACROSS * block_row, ACROSS * block_row + 4):
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
def begin_tile(inside_x, inside_y, state, alive):
    """Clear the state of a tile of which inside_x x inside_y pixels lie in the image; returns its living blocks."""
    living = np.uint64(0)
    for block in range(ACROSS * ACROSS):
        x, y = 4 * (block % ACROSS), 4 * (block // ACROSS)
        width, height = min(4, max(0, inside_x - x)), min(4, max(0, inside_y - y))
        alive[block] = ((1 << width) - 1) * (0x1111 & ((1 << (4 * height)) - 1))
        if alive[block]:
            living |= np.uint64(1) << np.uint64(block)
        start = BLOCK * block
        state[start : start + 3 * LANES] = np.float32(0)
        state[start + 3 * LANES : start + BLOCK] = np.float32(1)
    return living


@part_of_kernel
def blend_tile(
    records, entries, begin, end, alpha_cap, living, x, y, state, alive, touched, rows, words, places, unseen
):
    """Composite entries[begin:end] into a tile's state."""
    for first in range(begin, end, BATCH):
        if living == 0:
            break
        find_blocks(records, entries, first, end, x, y, touched, rows)
        for block in range(ACROSS * ACROSS):
            if (living >> np.uint64(block)) & np.uint64(1) and find_splats(rows, block, first, words, places):
                alive[block] = blend_block(
                    state, BLOCK * block, records, entries, words, places, alive[block], alpha_cap,
                    x + np.float32(4 * (block % ACROSS)), y + np.float32(4 * (block // ACROSS)), unseen,
                )  # fmt: skip
                if alive[block] == 0:
                    living &= ~(np.uint64(1) << np.uint64(block))


@part_of_kernel
def store_image(state, left, top, inside_x, inside_y, image):
    """Premultiplied colour and coverage of a tile as floats."""
    for y in range(inside_y):
        for x in range(inside_x):
            pixel = BLOCK * (ACROSS * (y // 4) + x // 4) + 4 * (y % 4) + x % 4
            for c in range(3):
                image[top + y, left + x, c] = state[pixel + LANES * c]
            image[top + y, left + x, 3] = np.float32(1) - state[pixel + LANES * 3]


@kernel(
    "void(float32[::1], int32[::1], int64[::1], UniTuple(int64, 2), float32[::1], float32, float32[::1],"
    "int64[::1], int64[::1], uint8[::1], int64[::1], int64[::1], float32[::1], uint8[::1],"
    "uint8[::1], uint8[:, :, ::1], uint8[::1], uint8[:, ::1], uint8[::1], float32[:, :, ::1])"
)
def blend(
    records,  # [N, RECORD] flat
    entries,  # tile lists, nearest first
    starts,  # [tiles + 1] bounds of the lists
    origin,  # the pixel (column, row) from which the records count
    background,  # [3]
    alpha_cap,
    state,  # [64, BLOCK] flat, scratch
    alive,  # [64] scratch: the pixels of each block that still take splats, as bits
    touched,  # [BATCH] scratch: blocks of each splat
    rows,  # [BATCH * ACROSS] scratch: the same, row by row
    words,  # [WORDS] scratch
    places,  # [WORDS] scratch
    unseen,  # [RECORD] of a splat that nobody sees
    edge_rgb,  # [16 * 16 * 3] scratch for quarters of tiles that stick out of the image
    edge_alpha,  # [16 * 16] scratch
    rgb,  # [H, W, 3] out
    flat_rgb,  # the same memory, flat
    alpha,  # [H, W] out
    flat_alpha,  # the same memory, flat
    image,  # [H, W, 4] out: premultiplied colour and coverage as floats; or of size 0
):
    """Composite every tile."""
    height, width = alpha.shape
    columns = (width + TILE - 1) // TILE
    for tile in range(starts.shape[0] - 1):
        left, top = TILE * (tile % columns), TILE * (tile // columns)
        inside_x, inside_y = min(TILE, width - left), min(TILE, height - top)
        living = begin_tile(inside_x, inside_y, state, alive)
        x, y = first_pixel(tile, columns, origin)
        blend_tile(
            records, entries, starts[tile], starts[tile + 1], alpha_cap, living, x, y, state, alive, touched, rows,
            words, places, unseen,
        )  # fmt: skip
        for down in range(0, inside_y, 16):
            for right in range(0, inside_x, 16):
                block = ACROSS * (down // 4) + right // 4
                if inside_x - right >= 16 and inside_y - down >= 16:
                    pixel = (top + down) * width + left + right
                    store_quarter(state, block, background, flat_rgb, 3 * pixel, 3 * width, flat_alpha, pixel, width)
                else:
                    store_quarter(state, block, background, edge_rgb, 0, 48, edge_alpha, 0, 16)
                    for v in range(min(16, inside_y - down)):
                        for u in range(min(16, inside_x - right)):
                            for c in range(3):
                                rgb[top + down + v, left + right + u, c] = edge_rgb[48 * v + 3 * u + c]
                            alpha[top + down + v, left + right + u] = edge_alpha[16 * v + u]
        if image.shape[0] > 0:
            store_image(state, left, top, inside_x, inside_y, image)
