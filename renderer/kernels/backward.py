"""Gradients of the compositing with respect to what was composited.

The tiles are walked in the same order as forwards. With g the gradient of the loss by a pixel's colour, h by its
coverage, T the transmittance before a splat and T' the last one, the gradient by the splat's alpha is

    T (g . colour) - rest / (1 - alpha),   rest = sum over the later splats of weight (g . colour)  -  h T',

so one scalar per pixel replaces the walk backwards. Per splat nine moments are summed over the pixels, from which
the gradients by its mean, conic, opacity and colour follow.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types

from .blend import OPAQUE, begin_tile, log_alphas
from .blocks import find_blocks, find_splats, first_pixel
from .layout import (
    ACROSS,
    BATCH,
    BLOCK_GRADIENT,
    BLUE,
    CUTOFF,
    DEPTH,
    GREEN,
    HALF_HEIGHT,
    LOG_OPACITY,
    REACH_MARGIN,
    RECORD,
    RED,
    RIGHTMOST,
    SLANT,
    TILE,
    TILE_SHIFT,
    WIDTH,
    XX,
    XY,
    YY,
    X,
    Y,
)
from .project import begin_lists, mark
from .vector import BIT, I64, LANES, MASK, Emitter, Value, Vec, kernel, part_of_kernel, vector_function


@part_of_kernel
def enter_splat(i, screen, conics, opacity, width, height, clip, records, rect_tiles):
    """Fill the record and the rectangle of tiles of one splat; returns whether any pixel can see it."""
    x, y = screen[i, 0], screen[i, 1]
    a, b, c = conics[i, 0], conics[i, 1], conics[i, 2]
    determinant = a * c - b * b
    if not (opacity * np.float32(255) > np.float32(1) and determinant > np.float32(0)):
        return False
    opaque = np.float32(2) * np.log(opacity * np.float32(255))
    reach = opaque / determinant
    half_x, half_y = np.sqrt(reach * c), np.sqrt(reach * a)
    if not (half_x > clip or half_y > clip):
        return False
    half_x, half_y = half_x + np.float32(1e-3), half_y + np.float32(1e-3)
    x0, x1 = max(x - half_x + np.float32(0.5), np.float32(0)), min(x + half_x - np.float32(0.5), np.float32(width - 1))
    y0, y1 = max(y - half_y + np.float32(0.5), np.float32(0)), min(y + half_y - np.float32(0.5), np.float32(height - 1))
    if not (x0 < width and y0 < height and x1 >= 0 and y1 >= 0 and int(x0) <= int(x1) and int(y0) <= int(y1)):
        return False
    rect_tiles[i, 0], rect_tiles[i, 1] = int(x0) >> TILE_SHIFT, int(y0) >> TILE_SHIFT
    rect_tiles[i, 2], rect_tiles[i, 3] = int(x1) >> TILE_SHIFT, int(y1) >> TILE_SHIFT
    to_log2 = np.float32(1.4426950408889634)
    start = RECORD * i
    records[start + X], records[start + Y] = x, y
    records[start + XX], records[start + YY] = np.float32(-0.5) * to_log2 * a, np.float32(-0.5) * to_log2 * c
    records[start + XY] = -to_log2 * b
    records[start + LOG_OPACITY] = np.log2(opacity)
    reach = (opaque + np.float32(2 * REACH_MARGIN * math.log(2))) / determinant
    records[start + HALF_HEIGHT], records[start + WIDTH] = np.sqrt(reach * a), np.sqrt(determinant) / a
    records[start + SLANT], records[start + RIGHTMOST] = -b / a, np.sqrt(reach * c) * -b / c
    return True


@kernel(
    "UniTuple(int64, 4)(float32[:, ::1], float32[:, ::1], float32[:, ::1], float32[::1], float32[::1], int64, int64,"
    "float32, float32, float32, float32[::1], uint32[::1], uint16[:, ::1], uint64[::1], int32[:, ::1], int64[::1])"
)
def enter(
    screen,  # [N, 2] means in pixels
    conics,  # [N, 3] inverse covariance on screen: xx, xy, yy
    colours,  # [N, 3]
    opacities,  # [N]
    depths,  # [N] metres
    width,
    height,
    near,
    far,
    clip,
    records,  # [N, RECORD] flat, out; this and all that follow as in `project`
    record_bits,
    rect_tiles,
    keys,
    grid,
    starts,
):
    """ClipSource splats that have been projected elsewhere, as `project` takes Gaussians; returns the same."""
    grid[:] = 0
    visible, lowest, highest = 0, np.uint32(0xFFFFFFFF), np.uint32(0)
    for i in range(depths.shape[0]):
        if near <= depths[i] <= far and enter_splat(
            i, screen, conics, opacities[i], width, height, clip, records, rect_tiles
        ):
            for c in range(3):
                records[RECORD * i + RED + c] = colours[i, c]
            records[RECORD * i + DEPTH] = depths[i]
            depth = record_bits[RECORD * i + DEPTH]
            lowest, highest = min(lowest, depth), max(highest, depth)
            keys[visible] = (np.uint64(depth) << np.uint64(32)) | np.uint64(i)
            visible += 1
            mark(grid, rect_tiles[i])
    return visible, np.int64(lowest), np.int64(highest), begin_lists(grid, starts)


@vector_function(types.int64)
def block_moments(
    e: Emitter,
    state: Value,  # [BLOCK_GRADIENT] of this block, updated
    offset: Value,  # of the block in `state`
    records: Value,
    entries: Value,
    first: Value,  # entry of bit 0
    splats: Value,  # which of the 64 entries, not 0
    alive: Value,  # pixels that still take splats, as bits
    alpha_cap: Value,
    x: Value,  # centre of the first pixel
    y: Value,
    moments: Value,  # [N, LANES], added to
) -> Value:
    """Add the moments of splats over a block, in the order of their bits; returns the pixels that are still alive."""
    builder = e.builder
    state, entries = e.at(state, offset), e.at(entries, first)
    px = e.spread(x) + e.constant([lane & 3 for lane in range(LANES)])
    py = e.spread(y) + e.constant([lane >> 2 for lane in range(LANES)])
    limit = e.spread(alpha_cap)
    gradient = [e.load(state, LANES * k) for k in range(3)]
    start = Vec(builder, builder.bitcast(builder.trunc(alive, ir.IntType(LANES)), MASK))
    rest, running = e.variable(e.load(state, 3 * LANES)), e.variable(start.where(e.load(state, 4 * LANES), 0.0))
    going, word = e.variable(start), e.variable(splats)

    loop, done = builder.append_basic_block("splat"), builder.append_basic_block("done")
    builder.branch(loop)
    builder.position_at_end(loop)
    bits = builder.load(word)
    remaining = builder.and_(bits, builder.sub(bits, I64(1)))
    builder.store(remaining, word)
    index = builder.sext(builder.load(e.at(entries, builder.cttz(bits, BIT(1)))), I64)
    record = e.at(records, e.times(index, RECORD))

    def field(k: int) -> Vec:
        return e.load_spread(record, k)

    dx, dy = field(X) - px, field(Y) - py
    log_alpha = log_alphas(e, record, px, py)
    uncapped = log_alpha.exp2()
    shown = log_alpha >= CUTOFF
    alpha = shown.where(uncapped.min(limit), 0.0)
    before = e.get(running)
    after = before - alpha * before
    e.set(running, after)
    kept = after > OPAQUE
    e.set(going, kept)
    weight = kept.where(alpha * before, 0.0)
    value = gradient[0] * field(RED) + gradient[1] * field(GREEN) + gradient[2] * field(BLUE)
    later = e.get(rest) - weight * value
    e.set(rest, later)
    by_alpha = before * value - later / (1.0 - alpha)
    w = (shown & kept & (uncapped < limit)).where(by_alpha * alpha, 0.0)
    w_dx, w_dy = w * dx, w * dy
    sums = [w_dx, w_dy, w_dx * dx, w_dx * dy, w_dy * dy, w, *(weight * g for g in gradient)]
    place = e.times(index, LANES)
    e.store(e.load(moments, place) + e.sums(sums), moments, place)
    more = builder.and_(
        builder.icmp_unsigned("!=", kept.bits(), I64(0)), builder.icmp_unsigned("!=", remaining, I64(0))
    )
    builder.cbranch(more, loop, done)

    builder.position_at_end(done)
    e.store(e.get(rest), state, 3 * LANES)
    e.store(e.get(running), state, 4 * LANES)
    return e.get(going).bits()


@part_of_kernel
def load_gradient(state, left, top, inside_x, inside_y, image, gradient):
    """Set a tile's state to the gradient of its pixels, the value of all their splats, and transmittance 1."""
    for y in range(inside_y):
        for x in range(inside_x):
            pixel = BLOCK_GRADIENT * (ACROSS * (y // 4) + x // 4) + 4 * (y % 4) + x % 4
            transmittance = np.float32(1) - image[top + y, left + x, 3]
            rest = -gradient[top + y, left + x, 3] * transmittance
            for c in range(3):
                state[pixel + LANES * c] = gradient[top + y, left + x, c]
                rest += gradient[top + y, left + x, c] * image[top + y, left + x, c]
            state[pixel + LANES * 3] = rest
            state[pixel + LANES * 4] = np.float32(1)


@kernel(
    "void(float32[::1], int32[::1], int64[::1], float32, float32[::1], float32[::1], int64[::1], int64[::1],"
    "uint8[::1], int64[::1], int64[::1], float32[:, :, ::1], float32[:, :, ::1], float32[::1])"
)
def blend_backward(
    records,  # [N, RECORD] flat
    entries,  # tile lists, nearest first
    starts,  # [tiles + 1] bounds of the lists
    alpha_cap,
    state,  # [64, BLOCK_GRADIENT] flat, scratch
    cleared,  # this and the next five: scratch, as `blend` has it
    alive,
    touched,
    rows,
    words,
    places,
    image,  # [H, W, 4] what `blend` made
    gradient,  # [H, W, 4] of the loss by it
    moments,  # [N, LANES] flat, out
):
    """Sum the moments of every splat."""
    moments[:] = 0
    height, width = image.shape[0], image.shape[1]
    columns = (width + TILE - 1) // TILE
    for tile in range(starts.shape[0] - 1):
        left, top = TILE * (tile % columns), TILE * (tile // columns)
        inside_x, inside_y = min(TILE, width - left), min(TILE, height - top)
        living = begin_tile(inside_x, inside_y, cleared, alive)
        load_gradient(state, left, top, inside_x, inside_y, image, gradient)
        x, y = first_pixel(tile, columns, (0, 0))
        end = starts[tile + 1]
        for first in range(starts[tile], end, BATCH):
            if living == 0:
                break
            find_blocks(records, entries, first, end, x, y, touched, rows)
            for block in range(ACROSS * ACROSS):
                lives = (living >> np.uint64(block)) & np.uint64(1)
                count = find_splats(rows, block, first, words, places) if lives else 0
                for k in range(count):
                    if alive[block]:
                        alive[block] = block_moments(
                            state, BLOCK_GRADIENT * block, records, entries, places[k], words[k], alive[block],
                            alpha_cap, x + np.float32(4 * (block % ACROSS)), y + np.float32(4 * (block // ACROSS)),
                            moments,
                        )  # fmt: skip
                if alive[block] == 0:
                    living &= ~(np.uint64(1) << np.uint64(block))
