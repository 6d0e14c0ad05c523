"""Squares, pools and orders are balanced as they promise, for many sizes."""

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.studies.counterbalance import (
    arrange,
    condition_rounds,
    full_pools,
    latin_pools,
    spread,
    turn_of,
    violations,
    williams,
)


@pytest.mark.parametrize("n", range(1, 16))
def test_williams_squares_balance_position_and_carry_over(n: int) -> None:
    square = williams(n)
    assert len(square) == (n if n % 2 == 0 else 2 * n)
    assert all(sorted(row) == list(range(n)) for row in square)
    for position in range(n):
        assert set(Counter(row[position] for row in square).values()) == {len(square) // n}
    follows = Counter(pair for row in square for pair in pairwise(row))
    assert len(follows) == n * (n - 1)
    assert len(set(follows.values())) <= 1


@given(n=st.integers(1, 6), clips=st.integers(1, 8), repetitions=st.integers(1, 2), seed=st.integers(0, 99))
def test_everybody_meets_everything_once(n: int, clips: int, repetitions: int, seed: int) -> None:
    pools = full_pools(n, clips, repetitions=repetitions)
    order = arrange(pools, participant=seed, max_run=2, rng=np.random.default_rng(seed))
    cells = Counter(order)
    assert set(cells) == {(clip, c) for clip in range(clips) for c in range(n)}
    assert set(cells.values()) == {repetitions}


@given(n=st.integers(1, 7), clips=st.integers(1, 12), groups=st.integers(1, 2))
def test_latin_lists_show_each_clip_once_and_every_cell_equally_often(n: int, clips: int, groups: int) -> None:
    cells: Counter[tuple[int, int]] = Counter()
    for participant in range(n * groups):
        pools = latin_pools(n, clips, participant=participant, repetitions=1)
        order = arrange(pools, participant=participant, max_run=2, rng=np.random.default_rng(participant))
        assert sorted(clip for clip, _ in order) == list(range(clips))
        cells.update(order)
    assert set(cells.values()) == {groups}
    assert len(cells) == n * clips


@given(n=st.integers(2, 6), clips=st.integers(1, 6))
def test_rounds_take_every_row_equally_often(n: int, clips: int) -> None:
    rows = len(williams(n))
    taken = Counter(
        tuple(row)
        for participant in range(rows)
        for row in condition_rounds(full_pools(n, clips, repetitions=1), participant=participant)
    )
    assert set(taken.values()) == {clips}


@given(n=st.integers(1, 6), clips=st.integers(3, 9), seed=st.integers(0, 50))
def test_no_clip_follows_itself_where_there_are_enough(n: int, clips: int, seed: int) -> None:
    pools = full_pools(n, clips, repetitions=1)
    order = arrange(pools, participant=seed, max_run=n if n > 1 else clips, rng=np.random.default_rng(seed))
    assert violations(order, max_run=clips * n) == 0


@given(n=st.integers(1, 5), clips=st.integers(1, 6), groups=st.integers(1, 3), latin=st.booleans())
def test_sides_are_balanced(n: int, clips: int, groups: int, latin: bool) -> None:
    participants = 2 * n * groups
    sides: Counter[tuple[int, bool]] = Counter()
    for participant in range(participants):
        shown = [
            ((clip + participant) % n, clip) if latin else (c, clip)
            for clip in range(clips)
            for c in ([0] if latin else range(n))
        ]
        turns = [turn_of(n, clip, c, participant=participant, repetition=0, latin=latin) for c, clip in shown]
        left = [turn % 2 == 0 for turn in turns]
        sides.update((c, side) for (c, _), side in zip(shown, left, strict=True))
        if clips % (2 * n) == 0 or (not latin and clips % 2 == 0):
            assert sum(left) * 2 == len(left)
    for c in range(n):
        assert sides[c, True] == sides[c, False]


def test_violations_are_counted() -> None:
    assert violations([(0, 0), (0, 1)], max_run=2) == 1
    assert violations([(0, 0), (1, 0), (2, 0)], max_run=2) == 1
    assert violations([(0, 0), (1, 0), (2, 1)], max_run=2) == 0


@given(items=st.integers(2, 30), extra=st.integers(0, 5))
def test_checks_are_spread_inside(items: int, extra: int) -> None:
    out = spread(list(range(items)), ["check"] * extra)
    assert [x for x in out if x != "check"] == list(range(items))
    assert out.count("check") == extra
    assert out[0] != "check"
