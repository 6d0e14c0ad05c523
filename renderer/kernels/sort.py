"""Depth order and tile lists."""

from __future__ import annotations

import numpy as np

from .vector import kernel, part_of_kernel, prefetch

DIGIT = 11  # bits per pass of the radix sort: its counters fit the first-level cache
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


@part_of_kernel
def put(entries, positions, tile, index, one):
    """Lengthen a tile's list by an index, or by nothing where `one` is 0 rather than 1: without a branch."""
    place = positions[tile]
    entries[place if one else entries.shape[0] - 1] = index  # nobody reads the last one
    positions[tile] = place + one


@kernel("void(uint64[::1], int64, uint16[:, ::1], int64, int64[::1], int64[::1], int32[::1])")
def fill(keys, count, rect_tiles, columns, starts, positions, entries):
    """Write the index of every Gaussian, nearest first, into the lists of the tiles that its rectangle covers.

    Most rectangles have one or two tiles a side, at random: those take the same four steps, whatever they are.
    """
    for tile in range(positions.shape[0]):
        positions[tile] = starts[tile]
    for k in range(count):
        prefetch(rect_tiles, np.int64(4 * (keys[min(k + AHEAD, count - 1)] & INDEX)))
        i = np.int64(keys[k] & INDEX)
        x0, y0, x1, y1 = rect_tiles[i, 0], rect_tiles[i, 1], rect_tiles[i, 2], rect_tiles[i, 3]
        right, down = np.int64(x1) - np.int64(x0), np.int64(y1) - np.int64(y0)
        if right <= 1 and down <= 1:
            first = y0 * columns + x0
            below = first + down * columns
            put(entries, positions, first, i, 1)
            put(entries, positions, first + right, i, right)
            put(entries, positions, below, i, down)
            put(entries, positions, below + right, i, right * down)
        else:
            for y in range(y0, y1 + 1):
                for tile in range(y * columns + x0, y * columns + x1 + 1):
                    put(entries, positions, tile, i, 1)
