"""Orders that cancel what comes from order: Williams and Latin squares, sides, and constraints on neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TypeVar

import numpy as np

T = TypeVar("T")
Cell = tuple[int, int]  # clip, condition
Pools = list[list[int]]  # clips, by condition
TRIES = 100  # random orders that are looked at for one that keeps the constraints


def williams(n: int) -> list[list[int]]:
    """Orders of n conditions in which each stands at each position, and follows each other one, equally often.

    n rows for even n; for odd n the square and its mirror image, 2n rows (Williams 1949).
    """
    first = [0] + [(k + 1) // 2 if k % 2 else n - k // 2 for k in range(1, n)]
    square = [[(c + row) % n for c in first] for row in range(n)]
    return square if n % 2 == 0 else square + [row[::-1] for row in square]


def full_pools(n: int, clips: int, *, repetitions: int) -> Pools:
    """The clips that each of n conditions is shown with when every clip meets every condition."""
    return [list(range(clips)) * repetitions for _ in range(n)]


def latin_pools(n: int, clips: int, *, participant: int, repetitions: int) -> Pools:
    """The clips that each of n conditions is shown with when a participant sees every clip once per repetition.

    Clip i is shown in condition (i + participant + repetition) mod n: over n participants it meets every condition.
    """
    pools: Pools = [[] for _ in range(n)]
    for repetition in range(repetitions):
        for clip in range(clips):
            pools[(clip + participant + repetition) % n].append(clip)
    return pools


def condition_rounds(pools: Pools, *, participant: int) -> list[list[int]]:
    """Rounds in which every condition comes once while it has clips; over participants they take all rows in turn."""
    square = williams(len(pools))
    rounds = max(map(len, pools))
    rows = [square[(participant * rounds + r) % len(square)] for r in range(rounds)]
    return [[c for c in row if r < len(pools[c])] for r, row in enumerate(rows)]


def turn_of(n: int, clip: int, condition: int, *, participant: int, repetition: int, latin: bool) -> int:
    """Which of the versions of a trial comes: modulo 2 the side of a pair, half of each participant's trials and of
    each pair's showings.
    """
    if latin:  # there the condition follows from clip and participant, so their blocks are counted
        return participant // n + clip // n + condition + repetition
    return participant + clip + condition + repetition


def violations(order: Sequence[Cell], *, max_run: int) -> int:
    """How often a clip follows itself, or a condition comes more than `max_run` times in a row."""
    bad, run = 0, 1
    for (clip, condition), (next_clip, next_condition) in pairwise(order):
        run = run + 1 if condition == next_condition else 1
        bad += (clip == next_clip) + (run > max_run)
    return bad


def arrange(pools: Pools, *, participant: int, max_run: int, rng: np.random.Generator) -> list[Cell]:
    """One participant's (clip, condition) in order: rounds in random order, and clips that do not follow themselves.

    Within a round the conditions keep their order, so what the square balances stays balanced. The first of `TRIES`
    random orders without violations is taken, or else the one with the fewest.
    """
    rounds = condition_rounds(pools, participant=participant)
    best: list[Cell] = []
    fewest = None
    for _ in range(TRIES):
        conditions = [condition for i in rng.permutation(len(rounds)) for condition in rounds[i]]
        order = _with_clips(conditions, pools, rng)
        bad = violations(order, max_run=max_run)
        if fewest is None or bad < fewest:
            best, fewest = order, bad
        if fewest == 0:
            break
    return best


def _with_clips(conditions: Sequence[int], pools: Pools, rng: np.random.Generator) -> list[Cell]:
    """A clip from each condition's pool, at random among those that did not just come, if there are others."""
    left = [list(pool) for pool in pools]
    order: list[Cell] = []
    for condition in conditions:
        pool = left[condition]
        others = [clip for clip in pool if not order or clip != order[-1][0]]
        choice = others or pool
        clip = choice[int(rng.integers(len(choice)))]
        pool.remove(clip)
        order.append((clip, condition))
    return _mended(order)


def _mended(order: list[Cell]) -> list[Cell]:
    """The same trials with fewer clips that follow themselves, by exchanging clips within a condition."""
    for i, (clip, condition) in enumerate(order):
        if i == 0 or order[i - 1][0] != clip:
            continue
        for j, (other, same) in enumerate(order):
            if same != condition or other == clip:
                continue
            swapped = order.copy()
            swapped[i], swapped[j] = (other, condition), (clip, condition)
            if violations(swapped, max_run=len(order)) < violations(order, max_run=len(order)):
                return _mended(swapped)
    return order


def spread(items: Sequence[T], extra: Sequence[T]) -> list[T]:
    """`items` with `extra` ones among them at even distances, never first or last where that can be avoided."""
    out = list(items)
    for k, one in reversed(list(enumerate(extra))):
        out.insert(-(-(k + 1) * len(items) // (len(extra) + 1)), one)
    return out
