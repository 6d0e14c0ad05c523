"""Articulation by rule: phones with times become curves of the eight axes.

Coarticulation by dominance functions: Cohen & Massaro, "Modeling coarticulation in synthetic visual speech" (1993).
Lip closures (P B M) and lip-teeth contacts (F V) are enforced on top, because a viewer misses them first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .encoder import AXES, RATE
from .phones import BILABIALS, INDEX, LABIODENTALS, PHONES, SILENCE, TARGETS, VOWELS, Segment

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

LEAD = 0.03  # seconds by which the lips are ahead of the sound; 20 ms behind to 70 ms ahead in natural speech
# (Schwartz & Savariaux, PLoS Computational Biology 2014). The jaw is not: it is lowest in the middle of the vowel.
_CLOSURE_LEAD = 0.01
_POWER = 1.15  # of the dominance's decay
_LEADS = np.array([0.0, *[LEAD] * (len(AXES) - 1)])  # seconds, of each axis
_REACH = 0.6  # seconds beyond which a phone has no influence
_VOWEL_HOLD = 0.18  # share of a vowel before its target is reached
_RAMPS = {"close": 0.055, "tuck": 0.065}  # seconds in which a contact closes and opens
_SMOOTH = (0.25, 0.5, 0.25)

_JAW, _CLOSE, _ROUND, _WIDE, _UPPER, _LOWER, _TUCK, _TONGUE = range(len(AXES))
_LIPS = [_UPPER, _LOWER]


@dataclass(frozen=True, eq=False)
class Dominance:
    """How strongly, how early and how long a phone pulls at each axis."""

    strength: F64  # [8]
    before: F64  # [8] time constant of the approach, seconds
    after: F64  # [8] time constant of the release, seconds


def _silence() -> Dominance:
    strength = np.full(len(AXES), 0.35)
    strength[_CLOSE] = 0.02
    return Dominance(strength, np.full(len(AXES), 0.10), np.full(len(AXES), 0.10))


def _vowel(phone: str) -> Dominance:
    strength = np.ones(len(AXES))
    before, after = np.full((2, len(AXES)), 0.06)
    before[_JAW] = after[_JAW] = 0.075
    strength[[_CLOSE, _TUCK]] = 0.3
    strength[_TONGUE] = 0.5
    strength[_WIDE] = 1.0 if TARGETS[phone][_WIDE] > 0.3 else 0.6
    strength[_ROUND] = 0.8
    if TARGETS[phone][_ROUND] > 0.3:  # rounding starts early
        strength[_ROUND], before[_ROUND], after[_ROUND] = 1.6, 0.14, 0.09
    return Dominance(strength, before, after)


def _consonant(phone: str) -> Dominance:
    strength = np.array([0.7, 0.3, 0.08, 0.12, 0.35, 0.35, 0.3, 1.2])
    before, after = np.full((2, len(AXES)), 0.06)
    if phone in {"S", "Z", "SH", "ZH", "CH", "JH"}:  # the teeth must nearly meet
        strength[_JAW], strength[_LIPS] = 3.0, 0.9
        before[_JAW] = after[_JAW] = 0.05
    if phone in {"SH", "ZH", "CH", "JH", "R"}:
        strength[_ROUND], before[_ROUND] = 1.0, 0.09
    if phone == "W":
        strength[_ROUND], before[_ROUND], strength[_JAW] = 2.5, 0.10, 1.2
    if phone == "Y":
        strength[_WIDE] = 1.0
    if phone in BILABIALS:
        strength[_JAW], strength[_CLOSE], strength[_LIPS], strength[_TUCK] = 1.1, 12, 1.5, 2
        before[[_CLOSE, *_LIPS]] = after[[_CLOSE, *_LIPS]] = (0.022, 0.03, 0.03)
    if phone in LABIODENTALS:
        strength[_JAW], strength[_TUCK], strength[_LOWER], strength[_UPPER] = 1.6, 8, 1.5, 1.2
        before[[_TUCK, _LOWER]] = after[[_TUCK, _LOWER]] = (0.028, 0.035)
    if phone in {"T", "D", "N", "TH", "DH", "L"}:
        strength[_TONGUE], strength[_JAW] = 2.0, 0.8
        before[_TONGUE] = after[_TONGUE] = 0.035
    if phone in {"K", "G", "NG", "HH", "X"}:
        strength[_JAW] = 0.35
    if phone == "HH":  # takes the shape of its neighbours
        strength[:] = 0.06
    return Dominance(strength, before, after)


def _dominance(phone: str) -> Dominance:
    if phone == SILENCE:
        return _silence()
    return _vowel(phone) if phone in VOWELS else _consonant(phone)


_DOMINANCES = {phone: _dominance(phone) for phone in PHONES}


def articulate(segments: Sequence[Segment], frames: int) -> F32:
    """Curves of the axes, [frames, 8] in 0..1, frame k at k / 50 s."""
    times = np.arange(frames) / RATE
    curves = _blend(segments, times)
    curves = _smoothed(curves)
    curves[:, _CLOSE] = _contact(segments, times, BILABIALS, ramp=_RAMPS["close"])
    curves[:, _TUCK] = _contact(segments, times, LABIODENTALS, ramp=_RAMPS["tuck"])
    return np.clip(curves, 0, 1).astype(np.float32)


def phone_labels(segments: Iterable[Segment], frames: int) -> NDArray[np.uint8]:
    """Index in `PHONES` of what sounds at each frame, [frames], frame k at k / 50 s."""
    labels = np.zeros(frames, np.uint8)
    for start, end, phone in segments:
        labels[round(start * RATE) : round(end * RATE)] = INDEX[phone]
    return labels


def opening(axes: F32) -> F32:
    """Opening between the lips, [...] from about 0 to 1.1, of axes [..., 8]: the measure of the tests."""
    lips = 0.8 * axes[..., _JAW] + 0.25 * axes[..., _LOWER] + 0.1 * axes[..., _UPPER]
    lips = lips * (1 - 0.3 * axes[..., _ROUND])
    return (lips * (1 - axes[..., _CLOSE]) * (1 - 0.75 * axes[..., _TUCK])).astype(np.float32)


def _blend(segments: Sequence[Segment], times: F64) -> F64:
    """Mean of the targets, weighted by dominance, [n, 8]."""
    weighted = np.zeros((len(times), len(AXES)))
    total = np.full((len(times), len(AXES)), 1e-4)
    for segment in segments:
        start, end = _held(segment)
        near = _between(times, start - _REACH, end + _REACH)
        dominance = _DOMINANCES[segment.phone]
        sound = times[near, None] + _LEADS  # [m, 8] when what the lips do now will sound
        early = np.maximum(start - sound, 0) / dominance.before
        late = np.maximum(sound - end, 0) / dominance.after
        pull = dominance.strength * np.exp(-(early**_POWER) - late**_POWER)
        weighted[near] += pull * np.array(TARGETS[segment.phone])
        total[near] += pull
    return weighted / total


def _held(segment: Segment) -> tuple[float, float]:
    """The time in which a phone's target is fully heard."""
    start, end = segment.start, segment.end
    if segment.phone in VOWELS:
        hold = _VOWEL_HOLD * (end - start)
        start, end = start + hold, end - 0.6 * hold
    if segment.phone == SILENCE:
        start, end = start + 0.06, end - 0.10
    if end < start:
        start = end = (start + end) / 2
    return start, end


def _contact(segments: Sequence[Segment], times: F64, phones: frozenset[str], *, ramp: float) -> F64:
    """1 during each of `phones`, with raised-cosine ramps, [n]."""
    curve = np.zeros(len(times))
    for start, end, phone in segments:
        if phone not in phones:
            continue
        release = start + 0.8 * (end - start) if phone in {"P", "B"} else end - 0.012
        first, last = start - 0.005 - _CLOSURE_LEAD, release - _CLOSURE_LEAD
        if last - first < 0.03:
            middle = (first + last) / 2
            first, last = middle - 0.015, middle + 0.015
        near = _between(times, first - ramp, last + ramp)
        away = np.maximum(np.maximum(first - times[near], times[near] - last), 0)
        curve[near] = np.maximum(curve[near], 0.5 + 0.5 * np.cos(np.pi * np.minimum(away / ramp, 1)))
    return curve


def _between(times: F64, first: float, last: float) -> slice:
    low, high = np.searchsorted(times, (first, last))
    return slice(int(low), int(high))


def _smoothed(curves: F64) -> F64:
    padded = np.pad(curves, ((1, 1), (0, 0)), mode="edge")
    return sum(weight * padded[i : i + len(curves)] for i, weight in enumerate(_SMOOTH))  # type: ignore[return-value]
