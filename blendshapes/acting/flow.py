"""From chance to a performance in a few steps, over a clip of any length in constant memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ...core.maths import runs
from ..emotion import EMOTIONS
from ..face_motion import ramp
from ..speech.features import overlapping
from .bands import REACH, slow
from .conditions import COLUMNS, GROUPS, TOLD
from .network import MANNER, ActingNetwork
from .space import COORDINATES, MOUTH, SCALE

F32 = NDArray[np.float32]

STEPS = 8
WINDOW = 512  # frames at a time
# Frames in which what is free is led to what is known; beside a stretch of it, what moves slowly is led slowly, too
BRIDGE, SLOW_BRIDGE = 10, 25
_SLOW = ("brow_left", "brow_right", "brow_inner", "squint", "cheek", "smile_left", "smile_right")
# What is learned of manners and emotions shows more faintly than it was acted; more of it is nearer to the actors
GUIDANCE = {"emotion": 1.6, "style": 1.6}
_D, _C, _M = len(COORDINATES), len(TOLD), len(MOUTH)
_MOTION, _CHANCE, _KNOWN, _MASK, _BEFORE = (slice(k * _D, (k + 1) * _D) for k in range(5))
_TOLD, _INSIDE = slice(5 * _D, 5 * _D + _C), 5 * _D + _C
WIDTH = 5 * _D + _C + 1  # of a row on its way
_AXES = [TOLD.index(f"sound.{name}") for name in MOUTH]
_FEELINGS = [TOLD.index(f"emotion.{name}") for name in EMOTIONS[1:]]


@dataclass(frozen=True, eq=False)
class Sizes:
    """How much larger motion is, slow and quick, than the network makes it, where it is free.

    The face moves about its place; of the mouth the whole is meant, what is heard and what differs from it, and quick
    articulation is changed by itself.
    """

    place: F32  # [D] units
    slow: F32  # [D] gains
    quick: F32  # [D]
    articulation: F32  # [5] what is added of the sound's own quick motion
    felt: F32  # [2, D] logarithms of further gains, slow and quick, where an emotion is at full strength

    def __call__(self, rows: F32) -> F32:
        """The inner rows, without `bands.REACH` on either side, with motion of the right size."""
        inner = slice(REACH, len(rows) - REACH)
        out = rows[inner].copy()
        out[:, _MOTION] = self.of(rows, rows[:, _MOTION])[inner]
        return out

    def of(self, rows: F32, values: F32) -> F32:
        """Coordinates [n, D] of the right size where rows are free."""
        inside, heard = rows[:, _INSIDE], rows[:, _TOLD][:, _AXES] / SCALE[:_M]
        apart = values - self.place
        apart[:, :_M] += heard
        held = slow(apart, inside)
        more, quicker = np.exp(strength(rows[:, _TOLD])[:, None] * self.felt[:, None])  # [n, D] each
        sized = values + (self.slow * more - 1) * held + (self.quick * quicker - 1) * (apart - held)
        sized[:, :_M] += self.articulation * (heard - slow(heard, inside))
        return np.where(rows[:, _MASK] == 0, sized, values).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Flow:
    """A network with all that holds for a whole clip."""

    network: ActingNetwork
    style: F32  # [MANNER]
    guidance: Mapping[str, float] = field(default_factory=dict)  # group of conditions, or "style", -> 1 as learned
    steps: int = STEPS
    sizes: Sizes | None = None

    def perform(self, rows: Iterable[F32], *, window: int = WINDOW) -> Iterator[F32]:
        """Coordinates [n, D] of consecutive rows (see `rows`), in units of `SCALE`; the pieces may differ in size.

        Every step follows the one before at the distance that the network sees, so that the whole equals its pieces.
        """
        for step in range(self.steps):
            rows = map(partial(self._stepped, step=step), _windows(rows, window, self.network.context))
        if self.sizes is not None:
            rows = map(self.sizes, _windows(rows, window, REACH))
        return map(_bridged, _windows(rows, window, 2 * SLOW_BRIDGE))

    def _stepped(self, rows: F32, *, step: int) -> F32:
        """The inner rows, one step farther; what is known goes straight to where it must arrive.

        Steps of second order, which bend with the change of the direction since the step before (Adams & Bashforth).
        """
        way, after = np.float32(step / self.steps), np.float32((step + 1) / self.steps)
        inner = rows[self.network.context : len(rows) - self.network.context].copy()
        direction = self._direction(rows, float(way))
        bent = direction + np.float32(0.5) * (direction - inner[:, _BEFORE]) if step else direction
        moved = inner[:, _MOTION] + bent / np.float32(self.steps)
        inner[:, _BEFORE] = direction
        known = (1 - after) * inner[:, _CHANCE] + after * inner[:, _KNOWN]
        inner[:, _MOTION] = np.where(inner[:, _MASK] > 0, known, moved)
        return inner

    def _direction(self, rows: F32, way: float) -> F32:
        """Where to go; conditions that count equally much are left out together, so that they cost one evaluation."""
        full = self.network(shown(rows), self.style, way)
        direction = full
        for amount in sorted({a for a in self.guidance.values() if a != 1}):
            names = [name for name, a in self.guidance.items() if a == amount]
            style = np.zeros(MANNER, np.float32) if "style" in names else self.style
            without = self.network(shown(rows, without=names), style, way)
            direction = direction + np.float32(amount - 1) * (full - without)
        return direction.astype(np.float32, copy=False)


def strength(told: F32) -> F32:
    """How strong the emotion is, [n] in 0..1, of what is told [n, C]."""
    return told[:, _FEELINGS].sum(axis=1).clip(0, 1)


def _windows(rows: Iterable[F32], window: int, reach: int) -> Iterator[F32]:
    """Consecutive rows, `window` at a time with `reach` more on either side; outside the clip they are zeros."""
    outside = np.zeros((reach, WIDTH), np.float32)
    padded = chain([outside], rows, [outside])
    return overlapping(padded, size=window + 2 * reach, step=window, least=2 * reach + 1)


def _bridged(rows: F32) -> F32:
    """Coordinates of the inner rows; what is free beside what is known is led to it, in value and speed.

    The network mostly meets what is known by itself; this takes away what is left.
    """
    inner = slice(2 * SLOW_BRIDGE, len(rows) - 2 * SLOW_BRIDGE)
    values, known, free = rows[:, _MOTION], rows[:, _KNOWN], rows[:, _MASK] == 0
    if free.all():
        return values[inner]
    led = values.copy()
    for column in np.flatnonzero(~free.all(axis=0)):
        for first, stop in runs(free[:, column]):
            for edge, step in ((first, 1), (stop - 1, -1)):
                beside = edge - step
                stretch = 0 <= beside - step < len(rows) and not free[beside - step, column]
                reach = min(SLOW_BRIDGE if stretch and COORDINATES[column] in _SLOW else BRIDGE, (stop - first) // 2)
                if reach < 2 or not 0 <= beside < len(rows):
                    continue
                speed = values[edge + step, column] - values[edge, column]
                frames = edge + step * np.arange(reach)
                led[frames, column] += (known[beside, column] - (values[edge, column] - speed)) * ramp(reach)[::-1]
                if stretch:
                    turned = known[beside, column] - known[beside - step, column] - speed
                    led[frames, column] += turned * (np.arange(reach) + 1) * (1 - np.arange(reach) / reach) ** 2
    return led[inner]


def rows(chance: F32, told: F32, known: F32, mask: F32) -> F32:
    """Rows [n, WIDTH] at the beginning of the way: `chance`, `known` and `mask` [n, D], `told` [n, C]."""
    inside = np.ones((len(chance), 1), np.float32)
    before = np.zeros_like(chance)
    return np.concatenate([chance, chance, known * mask, mask, before, told, inside], axis=1, dtype=np.float32)


def settled(rows: F32, values: F32) -> F32:
    """The rows with `values` [n, D] known."""
    out = rows.copy()
    out[:, _KNOWN], out[:, _MASK] = values, 1
    return out


def shown(rows: F32, *, without: Sequence[str] = ()) -> F32:
    """What the network sees of rows on their way, some groups of conditions left out."""
    told, flags = rows[:, _TOLD].copy(), np.ones((len(rows), len(GROUPS)), np.float32)
    for index, (group, columns) in enumerate(COLUMNS.items()):
        if group in without:
            told[:, columns], flags[:, index] = 0, 0
    seen = [rows[:, _MOTION], rows[:, _KNOWN], rows[:, _MASK], told, flags]
    return np.concatenate(seen, axis=1, dtype=np.float32) * rows[:, _INSIDE, None]
