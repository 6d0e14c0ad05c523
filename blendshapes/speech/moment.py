"""What can be read from speech while it sounds: what `excerpt` reads from a stretch of it, from the past alone.

Nothing waits here: the windows of `excerpt` are followed by filters that remember (exponentially), quick where somebody
begins to speak and slow where they stop.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.maths import smoothstep
from .encoder import AXES, CONTACTS, RATE, Articulation
from .excerpt import HOLDS, OPENING, PAUSE_BEGINS, PAUSE_FULL, QUIETEST, STRESSED, Excerpt, effort_of

F64 = NDArray[np.float64]

# Time constants, seconds
BEGINS, STOPS, SETTLES = 0.04, 0.15, 0.05  # of the activity
EASES = 0.2  # of `speaking`
RELAXES = 0.3  # of `phrase`
PARTS = 0.08  # of `between`
SYLLABLE, SURROUNDINGS = 0.1, 0.6  # of the loudness, for `stress`
AJAR = 0.6  # seconds after speech in which a pause may turn out to be a short one
REMEMBERED = 2.0  # seconds for which the beginning of a pause is known


@dataclass(frozen=True, eq=False)
class Moment:
    """What an `Excerpt` tells at one time, each [1]; it may take the place of one for that time."""

    axes: F64  # [1, 8]
    activity: F64
    speaking: F64
    phrase: F64
    between: F64
    stress: F64
    pauses: F64  # [p] times at which the last pauses began, seconds

    def at(self, _times: F64, signal: F64) -> F64:
        """The signal itself: there is no other time."""
        return signal

    def axes_at(self, _times: F64, _fps: float, *, effort: float | None) -> F64:
        """The axes; `Listener` knows the frame rate and the effort."""
        del effort
        return self.axes.copy()


class Listener:
    """Takes in articulation (of `LiveEncoder`) frame by frame and tells moments of it, in constant memory."""

    def __init__(self, fps: float, effort: float | None) -> None:
        """`fps`: of the moments that will be asked for; `effort` as `Score.effort`."""
        self._effort = effort
        self._half = 0.5 / fps
        # Axes, activity, speaking, phrase, between, stress of each frame
        self._rows: deque[F64] = deque(maxlen=int(2 * self._half * RATE) + 4)
        self._pauses: deque[float] = deque(maxlen=round(REMEMBERED * RATE))
        self._since = np.inf  # seconds since somebody spoke
        self._envelope = self._activity = self._speaking = self._phrase = self._between = 0.0
        self._syllable = self._surroundings = QUIETEST
        self.heard = 0  # frames at 50 Hz

    def hear(self, piece: Articulation) -> None:
        """Take in one frame."""
        said, before = float(piece.speech[0]), self._active
        self._envelope = _nearer(self._envelope, said, BEGINS if said > self._envelope else STOPS)
        if before >= 0.5 > self._active:
            self._pauses.append(self.heard / RATE)
        self._since = 0.0 if self._active >= 0.5 else self._since + 1 / RATE
        self._activity = _nearer(self._activity, self._active, SETTLES)
        self._speaking = _nearer(self._speaking, self._active, EASES)
        self._phrase = _nearer(self._phrase, float(self._since <= HOLDS), RELAXES)
        parted = float(self._since <= AJAR) * (1 - _open(said))
        self._between = _nearer(self._between, parted, PARTS)
        level = max(float(piece.level[0]), QUIETEST)
        self._syllable = _nearer(self._syllable, level, SYLLABLE)
        self._surroundings = _nearer(self._surroundings, level, SURROUNDINGS)
        stress = np.tanh((self._syllable - self._surroundings) / STRESSED)
        axes = piece.axes[0].astype(np.float64)
        axes[OPENING] *= effort_of(piece.level[0], piece.effort, self._effort)
        self._rows.append(np.array([*axes, self._activity, self._speaking, self._phrase, self._between, stress]))
        self.heard += 1

    def knows(self, time: float) -> bool:
        """Whether enough has been heard to tell what the moment at `time` (seconds) is."""
        return self.heard > _frame(time) + 1

    def moment(self, time: float) -> Moment:
        """The moment at `time`.

        Signals are linear between two frames. Axes are those of the line through the last four, which has no delay and
        less of the network's tremble; contacts the peak within half a picture around, as far as it is known, and of all
        that no picture has shown.
        """
        frame = _frame(time)
        rows, first = np.array(self._rows), self.heard - len(self._rows)
        share = time * RATE - frame
        row = (1 - share) * rows[frame - first] + share * rows[frame + 1 - first]
        begins = min(int(np.ceil((time - self._half) * RATE - 1e-9)), _frame(time - 2 * self._half) + 2)
        near = rows[max(begins - first, 0) : frame + 2 - first]
        axes = np.clip(_line(share) @ rows[np.maximum(np.arange(frame - 2, frame + 2) - first, 0), : len(AXES)], 0, 1)
        axes[list(CONTACTS)] = np.vstack([near, row])[:, CONTACTS].max(axis=0)
        return Moment(axes[None], *row[len(AXES) :, None], pauses=np.array(self._pauses))

    @property
    def _active(self) -> float:
        return _open(self._envelope)


Speech = Excerpt | Moment  # what motion models read


def _open(share: float) -> float:
    return float(smoothstep(np.array((share - PAUSE_FULL) / (PAUSE_BEGINS - PAUSE_FULL))))


def _nearer(value: float, target: float, seconds: float) -> float:
    """`value` after one more frame on its way to `target`, with so long a time constant."""
    return value + (target - value) * (1 - float(np.exp(-1 / (seconds * RATE))))


def _line(share: float) -> F64:
    """Weights [4] of four frames for the value that their least-squares line has at `share` of the way from the third
    to the fourth."""
    return 0.25 + (share + 0.5) * np.array([-1.5, -0.5, 0.5, 1.5]) / 5


def _frame(time: float) -> int:
    return int(np.floor(time * RATE + 1e-9))
