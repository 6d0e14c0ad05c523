"""Which blocks of 4 x 4 pixels each splat of a tile's list touches.

256 splats at a time: one by one where the rows of their ellipses begin and end, then the bits are turned, so that each
block has the splats that touch it.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types

from .layout import ACROSS, BATCH, HALF_HEIGHT, RECORD, RIGHTMOST, SLANT, TILE, WIDTH, WORDS, X, Y
from .vector import I8, I32, I64, INTS, Emitter, Value, Vec, constant, part_of_kernel, prefetch, vector_function

AHEAD = 64  # records are called into the cache this many splats before they are needed


@vector_function(types.void)
def touched_blocks(
    e: Emitter,
    records: Value,
    index: Value,
    x: Value,  # centre of the tile's first pixel
    y: Value,
    touched: Value,  # [BATCH] int64, written
    place: Value,
) -> None:
    """Which blocks of a tile a splat reaches with 1/255: byte r is the r-th row of blocks, bit c of it the c-th block.

    In lanes 0 to 7 how far the ellipse reaches to the right within each row of blocks, in lanes 8 to 15 to the left.
    An end is at RIGHTMOST where the row has that height, else at the edge of the row that is nearer to it.
    """
    record = e.at(records, e.times(index, RECORD))

    def field(k: int) -> Vec:
        return e.load_spread(record, k)

    rows, half = 2 * list(range(ACROSS)), field(HALF_HEIGHT)
    side = e.constant([1.0] * ACROSS + [-1.0] * ACROSS)
    top = e.spread(y) + e.constant([4.0 * row for row in rows]) - field(Y)
    bottom = top + 3.0
    end = (side * field(RIGHTMOST)).clamp(top, bottom)
    square = (half - end) * (half + end)  # less than 0 where the row lies above or below
    reach = square.max(0.0).sqrt() * field(WIDTH)
    column = (end * field(SLANT) + side * reach + (field(X) - e.spread(x))) * 0.25
    # The blocks that begin before the right end, without those that end before the left one.
    count = (column + e.constant([1.0] * ACROSS + [0.25] * ACROSS)).clamp(0.0, float(ACROSS)).to_int()
    one = e.constant(1, INTS)
    filled = (square >= 0.0).where(Vec(e.builder, e.builder.shl(one.value, count.value)), one)
    right, left = (e.pick(filled, filled, range(first, first + ACROSS)) for first in (0, ACROSS))
    none = e.constant(0, ir.VectorType(I32, ACROSS))
    between = ((right - left) > none).where(right - left, none)
    bits = e.builder.bitcast(e.builder.trunc(between.value, ir.VectorType(I8, ACROSS)), I64)
    e.builder.store(bits, e.at(touched, place))


@vector_function(types.void)
def turn(e: Emitter, touched: Value, first: Value, rows: Value, place: Value) -> None:
    """Rearrange the blocks of 64 splats, so that the 64 bytes of each row of blocks lie together."""
    chunk = ir.VectorType(I8, 64)
    source = e.builder.bitcast(e.at(touched, first), I8.as_pointer())
    parts = [e.load(source, 64 * k, chunk) for k in range(ACROSS)]
    even, odd = range(0, 128, 2), range(1, 128, 2)
    for _ in range(3):  # each time bytes part by one more bit of their row
        parts = [e.pick(a, b, lanes) for lanes in (even, odd) for a, b in zip(parts[::2], parts[1::2], strict=True)]
    for row, part in enumerate(parts):
        e.store(part, e.at(rows, place), 64 * row)


@vector_function(types.int64)
def find_splats(
    e: Emitter,
    rows: Value,
    block: Value,
    first: Value,  # entry
    words: Value,  # [WORDS], written: which of 64 entries each touch the block, none of them 0; then zeros
    places: Value,  # [WORDS], written: the entry of bit 0 of each
) -> Value:
    """Which of BATCH entries from `first` on touch a block; returns how many words they take."""
    b, chunk = e.builder, ir.VectorType(I8, 64)
    row, column = b.lshr(block, I64(3)), b.and_(block, I64(ACROSS - 1))
    bit = e.spread(b.trunc(b.shl(I64(1), column), I8), 64)
    count = I64(0)
    for group in range(BATCH // 64):
        bytes_ = e.load(rows, e.times(b.add(row, I64(ACROSS * group)), 64), chunk)
        word = b.bitcast(b.icmp_unsigned("!=", (bytes_ & bit).value, constant(0, chunk)), I64)
        b.store(word, e.at(words, count))
        b.store(b.add(first, I64(64 * group)), e.at(places, count))
        count = b.add(count, b.zext(b.icmp_unsigned("!=", word, I64(0)), I64))
    e.store(e.spread(I64(0), WORDS - BATCH // 64), words, count)
    e.store(e.spread(first, WORDS - BATCH // 64), places, count)
    return count


@part_of_kernel
def first_pixel(tile, columns, origin):
    """The centre of a tile's first pixel, counted from the pixel `origin`."""
    x, y = TILE * (tile % columns) - origin[0], TILE * (tile // columns) - origin[1]
    return np.float32(x) + np.float32(0.5), np.float32(y) + np.float32(0.5)


@part_of_kernel
def find_blocks(records, entries, first, end, x, y, touched, rows):
    """Set `rows` to the blocks that entries[first : first + BATCH] before `end` touch."""
    count = min(BATCH, end - first)
    for j in range(count):
        prefetch(records, RECORD * np.int64(entries[min(first + j + AHEAD, entries.shape[0] - 1)]))
        touched_blocks(records, np.int64(entries[first + j]), x, y, touched, j)
    touched[count:] = 0
    for group in range(BATCH // 64):
        turn(touched, 64 * group, rows, 64 * ACROSS * group)
