"""What can be read from a stretch of articulation: whether, how loud and with how much effort somebody speaks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...core.maths import smoothstep, widened
from .closures import FLANKS, swings
from .encoder import AXES, CONTACTS, QUIET, RATE, Articulation, low_pass_kernel

F64 = NDArray[np.float64]

REACH = 1.5  # seconds around a frame within which the speech may matter to it

# The mouth opens wider by these shares for every 10 dB above the middle of the clip's speech (dB), and of the effort of
# its voice: within speech, of two people who were measured, one opens wider by a third and one not at all
LOUDER, MIDDLE = 0.15, -4.0
EFFORT = 0.3
EFFORT_WINDOW = 0.14  # seconds
LEAST_EFFORT, MOST_EFFORT = 0.5, 2.0
OPENING = [AXES.index(name) for name in ("jaw", "upper_lip", "lower_lip")]

# The mouth begins to close where the mean speech probability falls below the first and rests below the second
PAUSE_BEGINS, PAUSE_FULL = 0.55, 0.2
PAUSE_WINDOW = 0.3  # seconds
PAUSE = 1.0  # seconds of a pause after which the mouth shuts
OPENS = 0.2  # seconds before speech in which the mouth is free to open for it (205 ms, median of a filmed speaker)
# An emotion rises before a phrase, holds through its short pauses and relaxes to a share in long ones
RISES, HOLDS, RELAXES = 0.3, 0.5, 0.6  # seconds ahead of the phrase, after it, and for rising and falling
EASE = 0.5  # seconds over which the emotion's mouth gives way to speech
SMOOTH = 9.0  # Hz: the encoder's own low-pass
FILTER_REACH = 25  # samples at 50 Hz, enough for a few frames per second
STRESSED = 5.0  # dB above the surroundings: a strongly stressed syllable
SYLLABLE, SURROUNDINGS = 0.4, 1.8  # seconds
QUIETEST = -14.0  # dB: pauses are no deep dips of the voice


def averaged(signal: F64, seconds: float) -> F64:
    """`signal` [m] at 50 Hz under a moving Hann window of `seconds`; the ends are inexact."""
    taps = 2 * round(seconds * RATE / 2) + 1
    window = np.sin(np.pi * np.arange(1.0, taps + 1.0) / (taps + 1)) ** 2
    average: F64 = np.convolve(signal, window / window.sum(), mode="same").astype(np.float64)
    return average


@dataclass(frozen=True, eq=False)
class Excerpt:
    """A window of the articulation at 50 Hz, silent outside the clip, and what can be read from it.

    Values within `REACH` of its ends may be inexact.
    """

    times: F64  # [m] seconds, multiples of 1 / 50
    axes: F64  # [m, 8]
    speech: F64  # [m]
    level: F64  # [m] dB
    voice: F64  # [m] dB, the effort of the clip's voice so far

    @cached_property
    def activity(self) -> F64:
        """1 while someone speaks, 0 in pauses, [m]."""
        coming = widened(self.speech, round(OPENS * RATE), 0)
        return smoothstep((averaged(coming, PAUSE_WINDOW) - PAUSE_FULL) / (PAUSE_BEGINS - PAUSE_FULL))

    @cached_property
    def phrase(self) -> F64:
        """1 during a phrase with its short pauses, rising before it; 0 in long pauses, [m]."""
        return averaged(widened(self.activity, round(RISES * RATE), round(HOLDS * RATE)), RELAXES)

    @cached_property
    def between(self) -> F64:
        """1 in short pauses, between words, 0 while someone speaks and where nobody spoke or will speak, [m]."""
        said = smoothstep((self.speech - PAUSE_FULL) / (PAUSE_BEGINS - PAUSE_FULL))
        reach = round(PAUSE * RATE)
        around = np.minimum(widened(said, 0, reach), widened(said, reach, 0))
        return averaged(around * (1 - said), SYLLABLE / 2)

    @cached_property
    def stress(self) -> F64:
        """How much louder than their surroundings syllables are, [m], about -1..1."""
        level = np.maximum(self.level, QUIETEST)
        return np.tanh((averaged(level, SYLLABLE) - averaged(level, SURROUNDINGS)) / STRESSED)

    @cached_property
    def speaking(self) -> F64:
        """1 while someone speaks, 0 in pauses, eased, [m]."""
        return averaged(self.activity, EASE)

    def effort(self, asked: float | None) -> F64:
        """How much wider than usual the mouth opens, [m], about 1 in ordinary speech."""
        return effort_of(averaged(self.level, EFFORT_WINDOW), self.voice, asked)

    @property
    def pauses(self) -> F64:
        """Times at which pauses begin."""
        silent = self.activity < 0.5
        return self.times[1:][silent[1:] & ~silent[:-1]]

    def at(self, times: F64, signal: F64) -> F64:
        """A signal [m] of this window, linearly interpolated at `times`."""
        return np.interp(times, self.times, signal)

    def axes_at(self, times: F64, fps: float, *, effort: float | None) -> F64:
        """Axes [n, 8] of frames at `times`: low-passed below the frame rate, contacts by their peak in the frame."""
        axes = self.axes.copy()
        axes[:, OPENING] *= self.effort(effort)[:, None]
        if (cutoff := 0.4 * fps) < SMOOTH:
            kernel = low_pass_kernel(cutoff, reach=FILTER_REACH)
            axes = np.stack([np.convolve(axis, kernel, mode="same") for axis in axes.T], axis=1)
        sampled = np.stack([self.at(times, axis) for axis in axes.T], axis=1)
        sampled[:, CONTACTS] = swings(self.times, self.axes[:, CONTACTS], times, flanks=FLANKS, within=0.5 / fps)
        return sampled


def effort_of(level: ArrayLike, voice: ArrayLike, asked: float | None) -> F64:
    """How much wider than usual the mouth opens for a voice of this `level` over `EFFORT_WINDOW`, dB, and effort, dB;
    `asked`: instead of the voice's effort."""
    usual = 1 + EFFORT * np.asarray(voice) / 10 if asked is None else asked
    louder = np.asarray(level, np.float64) - MIDDLE
    return np.clip((1 + LOUDER * louder / 10) * usual, LEAST_EFFORT, MOST_EFFORT)


class Articulated:
    """The articulation of a clip as it arrives, of which only a window is kept."""

    def __init__(self, pieces: Iterator[Articulation]) -> None:
        self._pieces = pieces
        self._rows = np.zeros((0, len(AXES) + 3))  # axes, speech, level, effort
        self._first = 0  # index of the first row kept
        self.duration = np.inf  # seconds, known once the sound has ended

    def around(self, first: float, last: float) -> Excerpt:
        """The window first..last (seconds) and `REACH` around it; windows must be asked for in order of time."""
        start, stop = int((first - REACH) * RATE) - 1, int((last + REACH) * RATE) + 2
        self._fill(start, stop)
        rows = np.tile([0.0] * (len(AXES) + 1) + [QUIET, 0.0], (stop - start, 1))
        have = self._rows[: stop - self._first]
        offset = self._first - start
        rows[offset : offset + len(have)] = have
        return Excerpt(np.arange(start, stop) / RATE, rows[:, : len(AXES)], *rows[:, len(AXES) :].T)

    def _fill(self, start: int, stop: int) -> None:
        """Hold the rows start..stop of the clip, as far as it goes, and forget those before."""
        pieces = [self._rows]
        end = self._first + len(self._rows)
        while end < stop and (piece := next(self._pieces, None)) is not None:
            effort = np.full(len(piece), piece.effort)
            pieces.append(np.column_stack([piece.axes, piece.speech, piece.level, effort]).astype(np.float64))
            end += len(piece)
        if end < stop:
            self.duration = min(self.duration, (end - 1) / RATE)
        rows = np.concatenate(pieces)
        forgotten = min(max(start - self._first, 0), len(rows))
        self._rows, self._first = rows[forgotten:], self._first + forgotten
