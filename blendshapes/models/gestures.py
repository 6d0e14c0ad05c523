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
_BLINK, _EXTRA_BLINK, _PAUSE_BLINK, _GLANCE, _SWAY, _DETAIL, _BURST, _HABIT, _BROW, _ACCENT, _MOUTH = range(11)

# People differ by a factor of three in how much they move (docs/model.md, "Naturalness"): each seed is another one
HABITS = 2.0  # the largest and the smallest of them, relative to the usual
_TURNS, _NODS, _BLINKING, _BROWS, _ALL = slice(0, 3), 3, 4, 5, 6  # what they are of

# A blink: the lids fall faster than they rise
CLOSING, CLOSED, OPENING = 0.060, 0.035, 0.095  # seconds
BLINK = CLOSING + CLOSED + OPENING
# Intervals between blinks are as irregular as chance (coefficient of variation 0.8 to 1): one in a slot, or none
BLINK_SLOT, BLINK_CHANCE = 0.5, 0.155  # seconds; 20 blinks a minute
REFRACTORY = 0.3  # seconds after a blink without another one
PAUSE_BLINK, PAUSE_BLINK_DELAY = 0.15, 0.06  # probability of a blink where a pause begins, and seconds until it
# How many more blinks where the emotion is at full strength, as a share of the usual ones
BLINK_DEMAND = {"fearful": 0.6, "sad": 0.35, "angry": 0.25, "disgusted": 0.25, "happy": 0.2}

GLANCE_PERIOD, GLANCE_JITTER = 1.5, 0.35  # seconds, share of it
SACCADE = 0.05  # seconds
AWAY = 0.3  # probability that a glance leaves the camera
AWAY_RANGE = np.radians([4.0, 8.5])  # pitch and yaw, half width
FIXATION_RANGE = np.radians([0.5, 0.8])  # small movements about the camera

# Pitch (+ down), yaw (+ to the person's left), roll (+ to the person's right): standard deviations of the sway
SWAY = np.radians([1.5, 1.7, 1.05])
SWAY_PERIOD = 1.3  # seconds between the knots
DETAIL, DETAIL_PERIOD = 0.35, 0.15  # quick motion: its size beside the sway, seconds between the knots
BURSTS, BURST_PERIOD = 0.7, 1.0  # it comes in bursts: spread of the logarithm of its size, seconds between the knots
NOD = np.radians(1.1)  # pitch for a strongly stressed syllable
NOD_LEAD = 0.12  # seconds by which the head is ahead of the voice
LIVELINESS = {"none": 0.0, "subtle": 1.0, "lively": 2.0}
STILLNESS = 0.6  # share of the motion that remains in pauses
# Posture at full strength, degrees of pitch, yaw, roll
POSTURE = {"angry": (2.0, 0, 0), "sad": (4.0, 0, 1.5), "fearful": (-1.5, 0, 0), "surprised": (-2.0, 0, 0),
           "contempt": (-2.5, 2.0, 2.0), "disgusted": (-1.0, -2.0, 0), "happy": (-0.5, 0, 1.5)}  # fmt: skip

# Brows drift, and rise where the voice stresses a syllable; weights of ARKit shapes
BROW_DRIFT, BROW_PERIOD = 0.3, 1.7  # standard deviation, seconds between the knots
BROW_ACCENT = 0.5  # for a strongly stressed syllable that is accented; half of them are
ACCENT_PERIOD = 0.9  # seconds between the knots of what is accented
# No mouth is alike on both sides: one corner is higher, by a habit and by chance; weights of mouthSmile
ONE_SIDED, ONE_SIDED_PERIOD = 0.09, 2.3

_DEMAND = np.array([BLINK_DEMAND.get(e, 0.0) for e in EMOTIONS])
_POSTURE = np.radians([POSTURE.get(e, (0, 0, 0)) for e in EMOTIONS])


def habits(seed: int) -> F64:
    """How much the person of this seed turns the head (3 ways), nods, blinks and moves the brows, [6], 1 is usual."""
    return HABITS ** (2 * draws(seed, _HABIT, np.arange(_ALL))[:, 0] - 1)


def blinks(times: F64, *, seed: int, emotion: Callable[[F64], F64], pauses: F64) -> F64:
    """Closure of the lids [n], 0 open to 1 closed, at increasing `times` [n].

    `emotion` gives the emotion weights [m, 8] at any times [m]: some emotions blink more often. `pauses` [p] are the
    times at which pauses of speech begin, at least those from `REACH` before the first of `times` on.
    """
    if not len(times):
        return np.zeros(0)
    often = habits(seed)[_BLINKING] ** 0.7
    slots = np.arange(int((times[0] - REACH) // BLINK_SLOT) - 2, int((times[-1] + REACH) // BLINK_SLOT) + 2)
    starts, chance = _slots(_BLINK, slots, seed)
    kept = chance < BLINK_CHANCE * often
    regular = _apart(starts, kept)
    extra, chance = _slots(_EXTRA_BLINK, slots, seed)
    extra = _lonely(extra[chance < BLINK_CHANCE * often * (emotion(extra) @ _DEMAND)], regular)
    paused = _lonely(_pause_blinks(pauses, seed), np.concatenate([regular, extra]))
    phase = times[:, None] - np.concatenate([regular, extra, paused])
    lids = smoothstep(phase / CLOSING) * smoothstep((BLINK - phase) / OPENING)
    return lids.max(axis=1, initial=0.0)


REACH = PAUSE_BLINK_DELAY + BLINK  # seconds after the beginning of a pause in which it may show


def _slots(stream: int, slots: NDArray[np.int64], seed: int) -> tuple[F64, F64]:
    """When something may begin in each slot, and a number in 0..1 that decides whether it does."""
    shift, chance = draws(seed, stream, slots, 2).T
    return BLINK_SLOT * (slots + shift), chance


def _apart(starts: F64, kept: NDArray[np.bool_]) -> F64:
    """The kept ones of one start per slot without those too near the kept one before; the first is only looked at."""
    near = np.diff(starts) < REFRACTORY
    return starts[1:][kept[1:] & ~(near & kept[:-1])]


def _lonely(starts: F64, others: F64) -> F64:
    """Those of `starts` with none of `others` within the refractory time."""
    if not len(starts) or not len(others):
        return starts
    return starts[np.abs(starts[:, None] - others).min(axis=1) > REFRACTORY]


def _pause_blinks(pauses: F64, seed: int) -> F64:
    chance = draws(seed, _PAUSE_BLINK, np.round(pauses * 1000).astype(np.int64))[:, 0]
    return pauses[chance < PAUSE_BLINK] + PAUSE_BLINK_DELAY


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
    """Rotation of the neck [n, 3], axis-angle radians: sway, bursts of quick motion, nods, the emotion's posture.

    `emotion` [n, 8] weights; `speaking` [n] 0..1, smooth; `stress` [n] about -1..1, smooth (see `procedural`), that of
    `NOD_LEAD` later.
    """
    if style == "none":
        return np.zeros((len(times), 3))
    sway = slow_noise(times, seed=seed, stream=_SWAY, period=SWAY_PERIOD, width=3)
    quick = slow_noise(times, seed=seed, stream=_DETAIL, period=DETAIL_PERIOD, width=3)
    burst = BURSTS * slow_noise(times, seed=seed, stream=_BURST, period=BURST_PERIOD)
    own = habits(seed)
    neck = SWAY * own[_TURNS] * (sway + DETAIL * np.exp(burst - BURSTS**2) * quick)
    neck *= (STILLNESS + (1 - STILLNESS) * speaking)[:, None]
    neck[:, 0] += NOD * own[_NODS] * stress
    return LIVELINESS[style] * neck + posture(emotion)


def posture(emotion: F64) -> F64:
    """How an emotion [n, 8] holds the head: rotation of the neck [n, 3]."""
    return emotion @ _POSTURE


def brows(times: F64, *, seed: int, speaking: F64, stress: F64) -> dict[str, F64]:
    """What brows do besides the emotion's, weights [n] of ARKit shapes: they drift, and accent stressed syllables."""
    size = habits(seed)[_BROWS] * (STILLNESS + (1 - STILLNESS) * speaking)
    drift = BROW_DRIFT * slow_noise(times, seed=seed, stream=_BROW, period=BROW_PERIOD, width=2)
    accented = smoothstep(0.5 + slow_noise(times, seed=seed, stream=_ACCENT, period=ACCENT_PERIOD)[:, 0])
    raised = size * (drift[:, 0] + BROW_ACCENT * accented * np.maximum(stress, 0))
    return {
        **dict.fromkeys(("browInnerUp", "browOuterUpLeft", "browOuterUpRight"), np.tanh(np.maximum(raised, 0))),
        **dict.fromkeys(("browDownLeft", "browDownRight"), np.tanh(np.maximum(size * drift[:, 1] - raised, 0))),
    }


def one_sided(times: F64, *, seed: int, speaking: F64) -> dict[str, F64]:
    """How much higher one corner of the mouth is while it speaks, weights [n] of ARKit shapes."""
    habit = 2 * draws(seed, _MOUTH, [0])[0, 0] - 1
    drift = slow_noise(times, seed=seed, stream=_MOUTH, period=ONE_SIDED_PERIOD)[:, 0]
    lopsided = ONE_SIDED * (habit + drift) * speaking
    return {"mouthSmileLeft": np.maximum(lopsided, 0), "mouthSmileRight": np.maximum(-lopsided, 0)}
