"""When the sounds of sung syllables come: vowels begin on the beat and are held, consonants lie before and after them.

Singers put the vowel, not the consonant, on the beat: the consonants before it take their time from the note or rest
before (Sundberg, The Science of the Singing Voice, 1987), at the lengths that they have in speech.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from ..speech.phones import DIPHTHONGS, SILENCE, Segment
from .syllables import NUCLEI, parted

# Seconds
_LENGTHS = {
    **dict.fromkeys(("L", "R", "W", "Y", "D", "V", "DH"), 0.06),
    **dict.fromkeys(("P", "B", "T", "K", "G", "M", "N", "NG", "HH", "X"), 0.07),
    **dict.fromkeys(("F", "TH", "S", "Z", "SH", "ZH", "CH", "JH"), 0.09),
}
GLIDE = 0.12  # seconds, of the second half of a diphthong, at the end of a note
SHARE = 0.4  # of a note that consonants, or the glide of a diphthong, take at most
_SHORTEST = 1e-6  # seconds


@dataclass(frozen=True)
class SungSyllable:
    """The phones (of `TARGETS` or `DIPHTHONGS`) of a syllable and the notes, [start, end] in seconds, it is sung on."""

    phones: tuple[str, ...]
    spans: tuple[tuple[float, float], ...]


def phones_in_time(sung: Sequence[SungSyllable]) -> list[Segment]:
    """Phones from 0 to the end of the last note, without gap or overlap; rests are silence.

    >>> hello = [SungSyllable(("HH", "AH"), ((1.0, 1.5),)), SungSyllable(("L", "OW"), ((1.5, 2.0),))]
    >>> [(segment.phone, round(segment.start, 2)) for segment in phones_in_time(hello)]
    [('SIL', 0.0), ('HH', 0.93), ('AH', 1.0), ('L', 1.44), ('OW1', 1.5), ('OW2', 1.88)]
    """
    segments: list[Segment] = []
    for phone, end in _phones_and_ends(sung):
        start = segments[-1].end if segments else 0.0
        if end - start <= _SHORTEST:
            continue
        if segments and segments[-1].phone == phone == SILENCE:
            segments[-1] = segments[-1]._replace(end=end)
        else:
            segments.append(Segment(start, end, phone))
    return segments


def _phones_and_ends(sung: Sequence[SungSyllable]) -> Iterator[tuple[str, float]]:
    parts = [parted(syllable.phones) for syllable in sung]
    before, after = _room(sung, parts)
    for i, (syllable, (onset, body, coda)) in enumerate(zip(sung, parts, strict=True)):
        (first, _), (_, last) = syllable.spans[0], syllable.spans[-1]
        # the first of all may have to begin on its beat; every other onset ends there
        late = max(0.0, before[i] - first) if i == 0 else 0.0
        begin = first + late
        yield SILENCE, begin - before[i]
        yield from _in_row(onset, begin - before[i], begin)
        following = max(0.0, before[i + 1] - (sung[i + 1].spans[0][0] - last)) if i + 1 < len(sung) else 0.0
        spans = [*syllable.spans]
        spans[0] = (begin, spans[0][1])
        spans[-1] = (spans[-1][0], last - following - after[i])
        yield from _held(body, spans)
        yield from _in_row(coda, last - following - after[i], last - following)


def _room(
    sung: Sequence[SungSyllable], parts: Sequence[tuple[list[str], list[str], list[str]]]
) -> tuple[list[float], list[float]]:
    """Seconds that the consonants before and after the vowels of each syllable get.

    What a rest before does not hold is taken from the note before, together with the consonants that end that one.
    """
    before = [_length(onset) for onset, _, _ in parts]
    after = [_length(coda) for _, _, coda in parts]
    gaps = [b.spans[0][0] - a.spans[-1][1] for a, b in pairwise(sung)]
    if sung:
        start, end = sung[0].spans[0]
        before[0] = min(before[0], start + SHARE / 2 * (end - start))
    for i, syllable in enumerate(sung):
        start, end = syllable.spans[-1]
        room = SHARE * (end - start)
        if i == 0 and len(syllable.spans) == 1:
            room -= max(0.0, before[0] - start)
        lent = max(0.0, before[i + 1] - gaps[i]) if i < len(gaps) else 0.0
        scale = min(1.0, room / (after[i] + lent)) if after[i] + lent > 0 else 1.0
        after[i] *= scale
        if lent:
            before[i + 1] -= (1 - scale) * lent
    return before, after


def _length(consonants: Sequence[str]) -> float:
    return sum(_LENGTHS[phone] for phone in consonants)


def _in_row(consonants: Sequence[str], start: float, end: float) -> Iterator[tuple[str, float]]:
    """Consonants over a stretch of time, as their lengths are to each other."""
    total = _length(consonants)
    for i, phone in enumerate(consonants):
        yield phone, end if i == len(consonants) - 1 else start + (end - start) * _length(consonants[: i + 1]) / total


def _held(body: Sequence[str], spans: Sequence[tuple[float, float]]) -> Iterator[tuple[str, float]]:
    """The vowels of a syllable over its notes, equally long, with short consonants between; rests are silent."""
    spans = _joined(spans)
    total = sum(end - start for start, end in spans)
    marks: list[tuple[str, float]] = []  # phones and their ends in time that is sung
    at = 0.0
    consonants = _length([phone for phone in body if phone not in NUCLEI]) if len(body) > 1 else 0.0
    shrink = min(1.0, SHARE * total / consonants) if consonants else 1.0
    vowels = len([phone for phone in body if phone in NUCLEI]) or 1
    held = (total - consonants * shrink) / vowels
    for phone in body:
        if phone in DIPHTHONGS:
            first, second, _ = DIPHTHONGS[phone]
            marks.append((first, at + held - min(GLIDE, SHARE * held)))
            marks.append((second, at + held))
            at += held
        else:
            at += held if phone in NUCLEI or len(body) == 1 else _LENGTHS[phone] * shrink
            marks.append((phone, at))
    marks[-1] = (marks[-1][0], total)
    done = 0.0
    rest = iter(marks)
    phone, until = next(rest)
    for start, end in spans:
        yield SILENCE, start
        while until < done + end - start - _SHORTEST:
            yield phone, start + until - done
            phone, until = next(rest)
        yield phone, end
        done += end - start
        if until <= done + _SHORTEST:
            phone, until = next(rest, (phone, until))


def _joined(spans: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Notes that follow each other without a rest as one."""
    joined = [spans[0]]
    for start, end in spans[1:]:
        if start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
