"""Depth order and tile lists."""

from __future__ import annotations

import numpy as np
from numba import types

from .layout import DIGIT
from .vector import I32, I64, Emitter, Value, kernel, prefetch, vector_function

AHEAD = 24  # rectangles are called into the cache this many Gaussians before they are needed
INDEX = np.uint64(0xFFFFFFFF)  # the lower half of a key


@kernel("boolean(uint64[::1], uint64[::1], int64, int64, int64, int64[::1])")
def sort(keys, spare, count, lowest, highest, histogram):
    """Sort the first `count` keys by their upper 32 bits, which lie in [lowest, highest]; stable.

    The radix sort (least significant digit first) moves the keys to and fro; returns whether they end in `spare`.
    """
    if count < 2:
        return False
    span = highest - lowest
    bits = 1
    while span >> bits:
        bits += 1
    passes = (bits + DIGIT - 1) // DIGIT
    width = (bits + passes - 1) // passes
    base = np.uint64(lowest) << np.uint64(32)
    mask = np.uint64((1 << width) - 1)
    source, target = keys, spare
    for number in range(passes):
        shift = np.uint64(32 + number * width)
        histogram[: 1 << width] = 0
        for i in range(count):
            histogram[np.int64(((source[i] - base) >> shift) & mask)] += 1
        total = 0
        for digit in range(1 << width):
            occurrences = histogram[digit]
            histogram[digit] = total
            total += occurrences
        for i in range(count):
            key = source[i]
            digit = np.int64(((key - base) >> shift) & mask)
            target[histogram[digit]] = key
            histogram[digit] += 1
        source, target = target, source
    return passes % 2 == 1


@vector_function(types.int64)
def put_small(
    e: Emitter,
    rects: Value,  # [N, 4] uint16
    index: Value,
    columns: Value,
    positions: Value,
    entries: Value,
    nowhere: Value,  # an entry that nobody reads
) -> Value:
    """Lengthen the lists of the one or two tiles of a rectangle by its index; returns whether it has more, untouched.

    Without a branch between one and two, which would be guessed wrong half of the time.
    """
    b = e.builder
    rect = b.load(b.bitcast(e.at(rects, e.times(index, 4)), I64.as_pointer()), align=2)
    x0, y0, x1, y1 = (b.and_(b.lshr(rect, I64(16 * k)), I64(0xFFFF)) for k in range(4))
    steps = b.add(b.sub(x1, x0), b.sub(y1, y0))
    first, last = b.add(b.mul(y0, columns), x0), b.add(b.mul(y1, columns), x1)
    few = b.zext(b.icmp_unsigned("<", steps, I64(2)), I64)
    for tile, one in ((first, few), (last, b.and_(few, steps))):
        place = b.load(e.at(positions, tile))
        b.store(b.trunc(index, I32), e.at(entries, b.select(b.icmp_unsigned("!=", one, I64(0)), place, nowhere)))
        b.store(b.add(place, one), e.at(positions, tile))
    return b.sub(I64(1), few)


@kernel("void(uint64[::1], int64, uint16[:, ::1], int64, int64[::1], int64[::1], int32[::1])")
def fill(keys, count, rect_tiles, columns, starts, positions, entries):
    """Write the index of every Gaussian, nearest first, into the lists of the tiles that its rectangle covers."""
    for tile in range(positions.shape[0]):
        positions[tile] = starts[tile]
    for k in range(count):
        prefetch(rect_tiles, np.int64(4 * (keys[min(k + AHEAD, count - 1)] & INDEX)))
        i = np.int64(keys[k] & INDEX)
        if put_small(rect_tiles, i, columns, positions, entries, entries.shape[0] - 1):
            x0, y0, x1, y1 = rect_tiles[i, 0], rect_tiles[i, 1], rect_tiles[i, 2], rect_tiles[i, 3]
            for y in range(y0, y1 + 1):
                for tile in range(y * columns + x0, y * columns + x1 + 1):
                    entries[positions[tile]] = i
                    positions[tile] += 1
