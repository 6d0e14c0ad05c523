"""What a face does besides speaking: blinks, glances and the motion of the head.

Every function depends on absolute time and a seed only, so that a clip made in pieces equals the whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from ...core.maths import smoothstep
from ..emotion import EMOTIONS
from ..noise import draws, slow_noise

F64 = NDArray[np.float64]
HeadMotion = Literal["none", "subtle", "lively"]

# Streams of the seed
_BLINK, _EXTRA_BLINK, _PAUSE_BLINK, _GLANCE, _SWAY, _DETAIL = range(6)

# A blink: the lids fall faster than they rise
CLOSING, CLOSED, OPENING = 0.060, 0.035, 0.095  # seconds
BLINK = CLOSING + CLOSED + OPENING
BLINK_PERIOD, BLINK_JITTER = 3.8, 0.23  # seconds; one blink per period, up to this share of it early or late
PAUSE_BLINK, PAUSE_BLINK_DELAY = 0.5, 0.06  # probability of a blink where a pause begins, and seconds until it
REFRACTORY = 1.0  # seconds before and after a blink without one for a pause
# Probability of a second blink in a period where the emotion is at full strength
BLINK_DEMAND = {"fearful": 0.6, "sad": 0.35, "angry": 0.25, "disgusted": 0.25, "happy": 0.2}

GLANCE_PERIOD, GLANCE_JITTER = 1.5, 0.35  # seconds, share of it
SACCADE = 0.05  # seconds
AWAY = 0.3  # probability that a glance leaves the camera
AWAY_RANGE = np.radians([3.5, 7.0])  # pitch and yaw, half width
FIXATION_RANGE = np.radians([0.5, 0.8])  # small movements about the camera

# Pitch (+ down), yaw (+ to the person's left), roll (+ to the person's right): standard deviations of the sway
SWAY = np.radians([0.9, 1.5, 0.8])
SWAY_PERIOD = 1.6  # seconds between the knots
NOD = np.radians(2.0)  # pitch for a strongly stressed syllable
LIVELINESS = {"none": 0.0, "subtle": 1.0, "lively": 2.2}
STILLNESS = 0.5  # share of the sway that remains in pauses
# Posture at full strength, degrees of pitch, yaw, roll
POSTURE = {"angry": (2.0, 0, 0), "sad": (4.0, 0, 1.5), "fearful": (-1.5, 0, 0), "surprised": (-2.0, 0, 0),
           "contempt": (-2.5, 2.0, 2.0), "disgusted": (-1.0, -2.0, 0), "happy": (-0.5, 0, 1.5)}  # fmt: skip

_DEMAND = np.array([BLINK_DEMAND.get(e, 0.0) for e in EMOTIONS])
_POSTURE = np.radians([POSTURE.get(e, (0, 0, 0)) for e in EMOTIONS])


def blinks(times: F64, *, seed: int, emotion: Callable[[F64], F64], pauses: F64) -> F64:
    """Closure of the lids [n], 0 open to 1 closed, at increasing `times` [n].

    `emotion` gives the emotion weights [m, 8] at any times [m]: some emotions blink more often. `pauses` [p] are the
    times at which pauses of speech begin, at least those from `REACH` before the first of `times` on.
    """
    if not len(times):
        return np.zeros(0)
    regular = _regular_blinks(times[0], times[-1], seed)
    starts = np.concatenate([
        regular,
        _extra_blinks(times[0], times[-1], seed, emotion),
        _pause_blinks(pauses, regular, seed),
    ])  # fmt: skip
    phase = times[:, None] - starts
    lids = smoothstep(phase / CLOSING) * smoothstep((BLINK - phase) / OPENING)
    return lids.max(axis=1, initial=0.0)


REACH = PAUSE_BLINK_DELAY + BLINK  # seconds after the beginning of a pause in which it may show


def _periods(first: float, last: float) -> NDArray[np.int64]:
    """Indices of the blink periods whose blinks may fall into first..last or near it."""
    margin = BLINK_PERIOD + REFRACTORY + REACH
    return np.arange(int((first - margin) // BLINK_PERIOD), int((last + margin) // BLINK_PERIOD) + 1)


def _regular_blinks(first: float, last: float, seed: int) -> F64:
    index = _periods(first, last)
    return BLINK_PERIOD * (index + 0.5 + BLINK_JITTER * (2 * draws(seed, _BLINK, index)[:, 0] - 1))


def _extra_blinks(first: float, last: float, seed: int, emotion: Callable[[F64], F64]) -> F64:
    index = _periods(first, last)
    chance, shift = draws(seed, _EXTRA_BLINK, index, 2).T
    starts = BLINK_PERIOD * (index + 0.1 * (2 * shift - 1))
    return starts[chance < emotion(starts) @ _DEMAND]


def _pause_blinks(pauses: F64, regular: F64, seed: int) -> F64:
    if not len(pauses):
        return pauses
    starts = pauses + PAUSE_BLINK_DELAY
    chance = draws(seed, _PAUSE_BLINK, np.round(pauses * 1000).astype(np.int64))[:, 0]
    lonely = np.abs(starts[:, None] - regular).min(axis=1) > REFRACTORY
    return starts[lonely & (chance < PAUSE_BLINK)]


def glances(times: F64, *, seed: int) -> F64:
    """Where the eyes look relative to the camera, [n, 2] pitch (+ down) and yaw (+ to the person's left), radians."""
    index = np.floor(times / GLANCE_PERIOD).astype(np.int64)
    start, here = _glance(index, seed)
    _, before = _glance(index - 1, seed)
    following, after = _glance(index + 1, seed)
    moved = smoothstep((times - start) / SACCADE)[:, None]
    leaving = smoothstep((times - following) / SACCADE)[:, None]
    return before + moved * (here - before) + leaving * (after - here)


def _glance(index: NDArray[np.int64], seed: int) -> tuple[F64, F64]:
    """Start time [n] and direction [n, 2] of glances."""
    u = draws(seed, _GLANCE, index, 4)
    start = GLANCE_PERIOD * (index + GLANCE_JITTER * u[:, 0])
    reach = np.where(u[:, 1:2] < AWAY, AWAY_RANGE, FIXATION_RANGE)
    return start, reach * (2 * u[:, 2:] - 1)


def head_motion(times: F64, *, seed: int, style: HeadMotion, emotion: F64, speaking: F64, stress: F64) -> F64:
    """Rotation of the neck [n, 3], axis-angle radians: sway, nods on stressed syllables, the emotion's posture.

    `emotion` [n, 8] weights; `speaking` [n] 0..1, smooth; `stress` [n] about -1..1, smooth (see `procedural`).
    """
    if style == "none":
        return np.zeros((len(times), 3))
    sway = 0.8 * slow_noise(times, seed=seed, stream=_SWAY, period=SWAY_PERIOD, width=3)
    sway += 0.6 * slow_noise(times, seed=seed, stream=_DETAIL, period=SWAY_PERIOD / 2.3, width=3) * speaking[:, None]
    neck = SWAY * sway * (STILLNESS + (1 - STILLNESS) * speaking)[:, None]
    neck[:, 0] += NOD * stress
    return LIVELINESS[style] * neck + emotion @ _POSTURE
