"""Articulation by rule: phones with times become curves of the eight axes.

Coarticulation by dominance functions: Cohen & Massaro, "Modeling coarticulation in synthetic visual speech" (1993).
Targets (`phones.TARGETS`), strengths and time constants are measured: least squares on the lips of a filmed speaker,
400 sentences of s1 of the GRID corpus (Cooke, Barker, Cunningham & Shao, JASA 120, 2006), phones as pocketsphinx aligns
them. On the other 400 sentences, opening and width follow the real ones with a correlation of 0.86 and 0.68. Lip
closures (P B M) and lip-teeth contacts (F V) are enforced on top, because a viewer misses them first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .encoder import AXES, NARROWED, RATE, Articulation
from .phones import BILABIALS, INDEX, LABIODENTALS, SILENCE, TARGETS, VOWELS, Segment

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

GIVEN = tuple(AXES.index(name) for name in ("close", "tuck", "round"))  # from the phones alone
SHARED = tuple(i for i in range(len(AXES)) if i not in GIVEN)  # mostly from the phones, the rest from the voice
PHONES_SHARE = 0.75

_REACH = 0.6  # seconds beyond which a phone has no influence
_VOWEL_HOLD = 0.31  # share of a vowel before its target is reached; it is left at the vowel's end
_SILENCE_HOLD = 0.06  # seconds between a pause's ends and the target of its rest
_BREATH = 0.2  # seconds before speech in which the mouth opens for it
_BREATH_TARGET = (0.21, 0.0, 0.11, 0.0, 0.30, 0.30, 0.0, 0.0)
_RAMPS = {"close": 0.059, "tuck": 0.065}  # seconds in which a contact closes and opens
_LATE, _EARLY = 0.01, 0.025  # seconds from a phone's start, and before its release, in which a contact is full
_BRIEF = 0.02  # seconds: every contact lasts as long
_SMOOTH = (0.25, 0.5, 0.25)

_JAW, _CLOSE, _ROUND, _WIDE, _UPPER, _LOWER, _TUCK, _TONGUE = range(len(AXES))
_SPAN = {_ROUND: -0.13, _WIDE: 0.07}  # how far the axes change the width of the mouth, as a share of it


class Pull(NamedTuple):
    """How strongly, how early and how long a phone pulls."""

    strength: float
    before: float  # time constant of the approach, seconds
    after: float  # time constant of the release, seconds


class Dominance(NamedTuple):
    """The pull of a phone at the opening of the mouth (jaw and lips), at its width, and at the tongue."""

    opening: Pull
    width: Pull
    tongue: Pull = Pull(1.2, 0.06, 0.06)


_ROUNDED = frozenset({"UW", "UH", "AO", "OW1", "OW2", "OY1", "YY", "OE"})
_ON_TONGUE = Pull(2.0, 0.035, 0.06)
_SILENT = Dominance(Pull(0.26, 0.110, 0.068), Pull(1.09, 0.091, 0.065), Pull(0.35, 0.10, 0.10))
_INHALED = Dominance(Pull(0.58, 0.060, 0.075), Pull(0.72, 0.060, 0.061), Pull(0.35, 0.10, 0.10))
_VOWEL = Dominance(Pull(2.09, 0.027, 0.033), Pull(1.58, 0.031, 0.052), Pull(0.5, 0.06, 0.06))
_ROUND_VOWEL = Dominance(Pull(1.68, 0.043, 0.054), Pull(0.75, 0.076, 0.079), Pull(0.5, 0.06, 0.06))
_CONSONANTS = {
    "P B M": Dominance(Pull(3.37, 0.035, 0.037), Pull(1.01, 0.100, 0.050)),
    "F V": Dominance(Pull(1.42, 0.035, 0.083), Pull(1.88, 0.054, 0.097)),
    "S Z SH ZH CH JH": Dominance(Pull(0.49, 0.104, 0.032), Pull(1.41, 0.053, 0.100)),
    "T D N L": Dominance(Pull(0.26, 0.238, 0.043), Pull(0.40, 0.058, 0.043), _ON_TONGUE),
    "TH DH": Dominance(Pull(2.34, 0.063, 0.050), Pull(1.67, 0.063, 0.080), _ON_TONGUE),
    "K G NG X": Dominance(Pull(0.66, 0.068, 0.060), Pull(0.56, 0.061, 0.073)),
    "R": Dominance(Pull(1.72, 0.036, 0.039), Pull(1.24, 0.055, 0.044)),
    "W": Dominance(Pull(1.41, 0.058, 0.032), Pull(1.41, 0.046, 0.097)),
    "Y": Dominance(Pull(1.10, 0.067, 0.070), Pull(0.95, 0.065, 0.077)),
    "HH": Dominance(Pull(0.06, 0.074, 0.066), Pull(0.06, 0.070, 0.056), Pull(0.06, 0.06, 0.06)),  # as its neighbours
}
_DOMINANCES = {
    SILENCE: _SILENT,
    **{phone: _ROUND_VOWEL if phone in _ROUNDED else _VOWEL for phone in VOWELS},
    **{phone: dominance for phones, dominance in _CONSONANTS.items() for phone in phones.split()},
}


def articulate(segments: Sequence[Segment], frames: int) -> F32:
    """Curves of the axes, [frames, 8] in 0..1, frame k at k / 50 s."""
    times = np.arange(frames) / RATE
    curves = _smoothed(_blend(segments, times))
    narrowed = NARROWED * _contact(segments, times, frozenset({"W"}), ramp=_RAMPS["close"])
    curves[:, _CLOSE] = np.maximum(_contact(segments, times, BILABIALS, ramp=_RAMPS["close"]), narrowed)
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
    """Means of the targets, weighted by dominance, [n, 8]; contacts are left 0."""
    # Of jaw, both lips, width, tongue: width is one curve, so that rounding and spreading give way to each other
    weighted = np.zeros((len(times), 5))
    total = np.full((len(times), 3), 1e-4)
    for start, end, target, dominance in _pulls(segments):
        near = _between(times, start - _REACH, end + _REACH)
        early, late = np.maximum(start - times[near], 0), np.maximum(times[near] - end, 0)
        opening, width, tongue = (p.strength * np.exp(-early / p.before - late / p.after) for p in dominance)
        values = (target[_JAW], target[_UPPER], target[_LOWER], _width(target), target[_TONGUE])
        pulls = np.stack([opening, opening, opening, width, tongue], axis=1)
        weighted[near] += pulls * np.array(values)
        total[near] += np.stack([opening, width, tongue], axis=1)
    jaw, upper, lower, width, tongue = (weighted / total[:, [0, 0, 0, 1, 2]]).T
    curves = np.zeros((len(times), len(AXES)))
    curves[:, [_JAW, _UPPER, _LOWER, _TONGUE]] = np.stack([jaw, upper, lower, tongue], axis=1)
    for axis, span in _SPAN.items():
        curves[:, axis] = np.maximum(width / span, 0)
    return curves


def _width(target: Sequence[float]) -> float:
    """Change of the width of the mouth, as a share of it."""
    return sum(span * target[axis] for axis, span in _SPAN.items())


def _pulls(segments: Sequence[Segment]) -> Iterator[tuple[float, float, Sequence[float], Dominance]]:
    """From when to when each phone's target is held, the target, and how it pulls; speech begins with a breath."""
    for i, (start, end, phone) in enumerate(segments):
        if phone == SILENCE:
            spoken = i + 1 < len(segments) and end - start > 2 * _BREATH
            rest = end - _BREATH if spoken else end
            if spoken:
                yield rest, end, _BREATH_TARGET, _INHALED
            yield *_ordered(start + _SILENCE_HOLD, rest - _SILENCE_HOLD), TARGETS[phone], _SILENT
        else:
            hold = _VOWEL_HOLD * (end - start) if phone in VOWELS else 0.0
            yield start + hold, end, TARGETS[phone], _DOMINANCES[phone]


def _ordered(start: float, end: float) -> tuple[float, float]:
    """Both in the middle where the end would come first."""
    return (start, end) if start <= end else ((start + end) / 2, (start + end) / 2)


def _contact(segments: Sequence[Segment], times: F64, phones: frozenset[str], *, ramp: float) -> F64:
    """1 during each of `phones`, with raised-cosine ramps, [n]."""
    curve = np.zeros(len(times))
    for start, end, phone in segments:
        if phone not in phones:
            continue
        release = start + 0.8 * (end - start) if phone in {"P", "B"} else end - 0.012
        first, last = start + _LATE, release - _EARLY
        if last - first < _BRIEF:
            middle = (first + last) / 2
            first, last = middle - _BRIEF / 2, middle + _BRIEF / 2
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


def corrected(pieces: Iterable[Articulation], phones: Sequence[Segment]) -> Iterator[Articulation]:
    """The articulation with what the phones tell: contacts and rounding as they are, most of everything else.

    Without phones it stays what it is.
    """
    taught = articulate(phones, int(phones[-1].end * RATE) + 1) if phones else np.zeros((0, len(AXES)), np.float32)
    start = 0
    for piece in pieces:
        rules = taught[start : start + len(piece)]
        start += len(piece)
        axes = piece.axes.copy()
        axes[: len(rules), GIVEN] = rules[:, GIVEN]
        axes[: len(rules), SHARED] += PHONES_SHARE * (rules[:, SHARED] - axes[: len(rules), SHARED])
        yield replace(piece, axes=axes)
