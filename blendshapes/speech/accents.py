"""Salient moments of speech: stressed syllables, and where phrases begin and end; what faces and heads react to."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import runs
from .encoder import RATE, Articulation
from .excerpt import REACH, Articulated, Excerpt
from .phones import VOWELS, Segment

F64 = NDArray[np.float64]

Kind = Literal["begin", "stress", "end"]
KINDS: tuple[Kind, ...] = get_args(Kind)

FAINTEST = 0.2  # of `Excerpt.stress`: a syllable that stands out
BREATH = 0.25  # seconds of silence that part two phrases
WIDTH = 0.12  # seconds within which a moment is felt
NEAR = 0.15  # seconds between the loudest moment of a syllable and its vowel


@dataclass(frozen=True)
class Accent:
    """A moment that stands out.

    >>> emphasis = Accent(1.4, "stress", 0.8)
    """

    time: float  # seconds
    kind: Kind = "stress"  # where a phrase begins, a stressed syllable, where a phrase ends
    strength: float = 1.0  # 0..1

    def __post_init__(self) -> None:
        """Raises InputError for an unknown kind, a negative time or a strength outside 0..1."""
        if self.kind not in KINDS:
            raise InputError(f"accent: expected a kind of {', '.join(KINDS)}, found {self.kind!r}")
        if not 0 <= self.time < math.inf:
            raise InputError(f"accent: expected a time from 0 on, found {self.time:g}")
        if not 0 <= self.strength <= 1:
            raise InputError(f"accent: expected a strength in 0..1, found {self.strength:g}")


def accents(pieces: Iterable[Articulation], *, phones: Sequence[Segment] = ()) -> list[Accent]:
    """The salient moments of a clip by its articulation, in order of time; syllables are those of `phones`, if known.

    >>> from emosplat.blendshapes.speech.encoder import SpeechEncoder
    >>> accents(SpeechEncoder.load().articulate(lambda: [np.zeros(16_000, np.float32)]))
    []
    """
    speech = Articulated(iter(pieces))
    found: list[Accent] = []
    start = 0.0
    while start < speech.duration:
        window = speech.around(start, start + 2 * REACH)
        stop = min(start + 2 * REACH, speech.duration)
        found += [a for a in accents_in(window, phones=phones) if start <= a.time < stop]
        start += 2 * REACH
    return found


def accents_in(speech: Excerpt, *, phones: Sequence[Segment] = ()) -> list[Accent]:
    """The salient moments of a window of speech; those near its ends are inexact."""
    found = [*_phrases(speech), *_stresses(speech, [p for p in phones if p.phone in VOWELS])]
    return sorted((a for a in found if a.time >= 0), key=lambda a: a.time)


def felt(moments: Sequence[Accent], times: F64) -> F64:
    """How near the strongest moment of each kind is at `times` [n], 0..1, [n, 3]."""
    out = np.zeros((len(times), len(KINDS)))
    for moment in moments:
        near = moment.strength * np.exp(-(((times - moment.time) / WIDTH) ** 2))
        column = KINDS.index(moment.kind)
        out[:, column] = np.maximum(out[:, column], near)
    return out


def _phrases(speech: Excerpt) -> Iterator[Accent]:
    """Where phrases begin and end: silences of a breath or more part them."""
    silent = speech.speech < 0.5
    for first, stop in runs(silent):
        if stop - first < BREATH * RATE:
            silent[first:stop] = False
    for first, stop in runs(~silent):
        if first > 0:
            yield Accent(max(0.0, float(speech.times[first])), "begin")
        if stop < len(silent):
            yield Accent(max(0.0, float(speech.times[stop])), "end")


def _stresses(speech: Excerpt, vowels: Sequence[Segment]) -> Iterator[Accent]:
    stress = speech.stress * speech.activity
    peaks = (stress[1:-1] > stress[:-2]) & (stress[1:-1] >= stress[2:]) & (stress[1:-1] > FAINTEST)
    for index in np.flatnonzero(peaks) + 1:
        time = float(speech.times[index])
        middles = [(v.start + v.end) / 2 for v in vowels]
        nearest = min(middles, key=lambda m: abs(m - time), default=math.inf)
        if time >= 0:
            snapped = nearest if abs(nearest - time) <= NEAR else time
            yield Accent(max(0.0, snapped), "stress", min(1.0, float(stress[index])))
