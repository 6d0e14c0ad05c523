"""Which blocks of a tile a splat is blended in: all that it reaches, and hardly any other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.compiled import compiled
from emosplat.renderer.kernels import SOURCES
from emosplat.renderer.kernels import blocks as kernels
from emosplat.renderer.kernels.blend import TOGETHER
from emosplat.renderer.kernels.layout import (
    ACROSS,
    BATCH,
    CUTOFF,
    HALF_HEIGHT,
    REACH_MARGIN,
    RECORD,
    RIGHTMOST,
    SLANT,
    TILE,
    WIDTH,
    WORDS,
    X,
    Y,
)

CORNER = 0.5, 0.5  # centre of the tile's first pixel
MADE_OF = *SOURCES, Path(__file__)
Numbers = Sequence[float] | np.ndarray


@compiled("void(float32[::1], int32[::1], float32, float32, int64[::1], uint8[::1])", made_of=MADE_OF)
def find_blocks(records, entries, x, y, touched, rows):
    kernels.find_blocks(records, entries, 0, entries.shape[0], x, y, touched, rows)


@compiled("int64(uint8[::1], int64, int64, int64[::1], int64[::1])", made_of=MADE_OF)
def find_splats(rows, block, first, words, places):
    return kernels.find_splats(rows, block, first, words, places)


def record(middle: Numbers, sizes: Numbers, angle: float, opacity: float) -> tuple[np.ndarray, np.ndarray]:
    """What the kernel reads of a splat of these standard deviations in pixels, and its covariance."""
    long, wide = sizes
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    (a, b), (_, c) = covariance = turn @ np.diag([long**2, wide**2]) @ turn.T
    reach = 2 * math.log(2) * (math.log2(opacity) - CUTOFF + REACH_MARGIN)
    fields = np.zeros(RECORD, np.float32)
    fields[[X, Y, HALF_HEIGHT]] = *middle, math.sqrt(reach * c)
    fields[[WIDTH, SLANT, RIGHTMOST]] = long * wide / c, b / c, math.sqrt(reach * a) * b / a
    return fields, covariance


def touched_by(fields: np.ndarray) -> np.ndarray:
    """Blocks of a tile [ACROSS, ACROSS]."""
    touched, rows = np.zeros(BATCH, np.int64), np.zeros(BATCH * ACROSS, np.uint8)
    find_blocks(fields, np.zeros(1, np.int32), *CORNER, touched, rows)
    return np.unpackbits(rows[: 64 * ACROSS : 64, None], axis=1, bitorder="little").astype(bool)


@given(
    middle=st.tuples(*[st.floats(-30, TILE + 30)] * 2),
    sizes=st.tuples(*[st.floats(math.log(0.55), math.log(300))] * 2),
    angle=st.floats(0, math.pi),
    opacity=st.floats(1.1 / 255, 1),
)
def test_blocks_are_those_that_are_reached(middle, sizes, angle, opacity):
    fields, covariance = record(middle, [*map(math.exp, sizes)], angle, opacity)
    # a fine grid over each block, from the centre of its first pixel to that of its last
    place = (np.arange(TILE)[:, None] // 4 * 4 + np.linspace(0, 3, 4)).reshape(-1, 4)[::4].reshape(-1) + 0.5
    d = np.stack(np.meshgrid(place, place), -1) - fields[[X, Y]]
    power = 0.5 * np.einsum("yxi,ij,yxj->yx", d, np.linalg.inv(covariance), d)
    alpha = (opacity * np.exp(-power)).reshape(ACROSS, 4, ACROSS, 4).max((1, 3))
    touched = touched_by(fields)
    assert touched[alpha >= (1 + 1e-4) / 255].all()
    if touched.any():  # none beyond the rectangle about the ellipse, which is half a pixel wider here
        radius = np.sqrt(2 * math.log(255 * 1.01 * opacity) * np.diagonal(covariance)) + 0.5
        first = 4 * np.arange(ACROSS) + 0.5
        inside = [(first - fields[k] <= radius[k]) & (first + 3 - fields[k] >= -radius[k]) for k in (X, Y)]
        assert not touched[~(inside[1][:, None] & inside[0])].any()


def test_hardly_any_block_is_touched_for_nothing():
    rng = np.random.default_rng(0)
    found = needed = 0
    for _ in range(300):
        fields, covariance = record(rng.uniform(0, TILE, 2), rng.uniform(0.7, 6, 2), rng.uniform(0, 3), 0.7)
        y, x = np.mgrid[:TILE, :TILE] + 0.5
        d = np.stack([x, y], -1) - fields[[X, Y]]
        power = 0.5 * np.einsum("yxi,ij,yxj->yx", d, np.linalg.inv(covariance), d)
        reached = 0.7 * np.exp(-power) >= 1 / 255
        needed += reached.reshape(ACROSS, 4, ACROSS, 4).any((1, 3)).sum()
        found += touched_by(fields).sum()
    assert needed <= found < 1.02 * needed


@pytest.mark.parametrize("count", [1, 63, 64, 65, 200, BATCH])
def test_every_block_lists_its_splats_in_order(count):
    """The turned bits are those that were found splat by splat, whatever is left of a batch."""
    rng = np.random.default_rng(count)
    splats = [record(rng.uniform(-8, TILE + 8, 2), rng.uniform(0.6, 9, 2), 1.0, 0.9)[0] for _ in range(count)]
    alone = np.stack([touched_by(fields) for fields in splats])
    touched, rows = np.zeros(BATCH, np.int64), np.full(BATCH * ACROSS, 255, np.uint8)  # as a full batch leaves them
    find_blocks(np.concatenate(splats), np.arange(count, dtype=np.int32), *CORNER, touched, rows)
    for block in range(ACROSS * ACROSS):
        words, places = np.full(WORDS, -1), np.full(WORDS, -1)
        used = find_splats(rows, block, 1000, words, places)
        after = slice(used, used + TOGETHER + 1)  # what a last round may read
        assert not words[after].any()
        assert (places[after] == 1000).all()
        listed = [
            places[k] + bit - 1000 for k in range(used) for bit in range(64) if int(words[k]) % (1 << 64) >> bit & 1
        ]
        assert listed == np.flatnonzero(alone[:, block // ACROSS, block % ACROSS]).tolist()
        assert all(words[:used])
