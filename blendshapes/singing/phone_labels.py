"""Phones with times, as HTK, NNSVS and Sinsy label singing (.lab): ARPABET or the phones of Japanese.

Format: a line `start end phone` each, times in 100 ns (HTK Book 3.4, chapter 6) or, with a point, in seconds; of the
full-context labels of HTS (`a^b-c+d=e...`) the phone in the middle counts. Labels that Sinsy makes of a score give all
phones of a note the note's times; those are timed as those of other scores.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

from ...core.errors import InputError
from ..speech.phones import SILENCE, TARGETS, Segment, from_arpabet
from ..speech.transcript_files import HTK_TICKS, mostly
from .kana import CLOSURE, MORAIC_N, phones_of_romaji, settled
from .melody import LONGEST
from .note_phones import SungSyllable, phones_in_time
from .syllables import NUCLEI

MOST_LABELS = 200_000
_KNOWN = 0.8  # of the labels, and they are phones and not words
_SHORTEST = 1e-3  # seconds, of a phone
_OVERLAP = 1e-3  # seconds that labels may lie over each other, rounded
_SILENCES = frozenset({"pau", "sil", "silence", "br", "sp", "ap", "rest", "pause", "edge", "vf", "xx", "#", "_", "-"})
_CLOSURES = frozenset({"cl", "q"})
_VOWELS = {"a": "AA", "i": "IY", "u": "UW", "e": "EH", "o": "OW1"}
_LINE = re.compile(r"\s*(\d{1,15}(?:[.,]\d{1,15})?)\s+(\d{1,15}(?:[.,]\d{1,15})?)\s+(\S+)(?:\s.*)?")
_MIDDLE = re.compile(r"[^\s^]*\^[^\s-]*-([^\s+]+)\+\S*=\S*")


class _Label(NamedTuple):
    line: int
    start: float  # seconds
    end: float
    name: str


def is_phone_labels(text: str) -> bool:
    """Whether a .lab holds phones, but for a few lines that are damaged; one of words is a transcript.

    >>> is_phone_labels("0 1500000 k\\n1500000 9000000 a"), is_phone_labels("0 9000000 hello")
    (True, False)
    """
    lines = [line for line in text.splitlines() if line.strip()]
    whole = [line for line in lines if _LINE.fullmatch(line)]
    if not mostly(len(whole), len(lines)) or len(whole) > MOST_LABELS:
        return False
    labels = list(_labels("\n".join(whole), ""))
    japanese = _is_japanese(labels)
    known = [_phones(label.name, japanese) is not None for label in labels]
    return bool(known) and sum(known) >= _KNOWN * len(known)


def read_phone_labels(text: str, *, source: str) -> list[Segment]:
    """The phones of a .lab, from 0 on, silence where no label is. Raises InputError, which `source` begins."""
    labels = list(_labels(text, source))
    if not labels:
        raise InputError(f"{source}: expected lines of start, end and phone, found none")
    japanese = _is_japanese(labels)
    if any((a.start, a.end) == (b.start, b.end) for a, b in pairwise(labels)):
        return _of_notes(labels, source)
    segments: list[Segment] = []
    before = 0.0
    for i, label in enumerate(labels):
        where = f"{source}: line {label.line}"
        phones = _checked(label, before, japanese, where)
        if label.name.lower() in _CLOSURES:  # the consonant that follows is held
            following = _phones(labels[i + 1].name, japanese) if i + 1 < len(labels) else None
            phones = following[:1] if following and following[0] not in NUCLEI | {SILENCE} else ("X",)
        _append(segments, (SILENCE,), label.start)
        _append(segments, phones, label.end)
        before = max(before, label.end)
    return _some(segments, source)


def _of_notes(labels: list[_Label], source: str) -> list[Segment]:
    """Labels whose phones have the times of the notes that they are sung on."""
    japanese = _is_japanese(labels)
    sounds: list[list[str]] = []
    spans: list[tuple[float, float]] = []
    for label in labels:
        span = (label.start, label.end)
        same = bool(spans) and span == spans[-1]
        before = spans[-1][1] if spans and not same else 0.0
        phones = _checked(label, before, japanese, f"{source}: line {label.line}")
        if phones == (SILENCE,) or label.end - label.start <= _SHORTEST:
            continue
        if not same:
            sounds.append([])
            spans.append((max(label.start, before), label.end))
        closed, moraic = label.name.lower() in _CLOSURES, japanese and label.name == "N"
        sounds[-1] += (CLOSURE,) if closed else (MORAIC_N,) if moraic else phones
    settle = settled([phone for phones in sounds for phone in phones])
    sung = [
        SungSyllable(tuple(next(settle) for _ in phones), (span,)) for phones, span in zip(sounds, spans, strict=True)
    ]
    return _some(phones_in_time(sung), source)


def _some(segments: list[Segment], source: str) -> list[Segment]:
    if not segments:
        raise InputError(f"{source}: expected phones, found none that lasts {_SHORTEST:g} s")
    return segments


def _checked(label: _Label, before: float, japanese: bool, where: str) -> tuple[str, ...]:
    """The phones of a label; raises InputError where it lies before `before` (seconds) or is no phone."""
    if label.end < label.start or label.start < before - _OVERLAP:
        raise InputError(f"{where}: expected times in order, found {label.start:g} to {label.end:g} s")
    if label.end > LONGEST:
        raise InputError(f"{where}: expected at most {LONGEST / 60:g} minutes, found {label.end:g} s")
    phones = _phones(label.name, japanese)
    if phones is None:
        raise InputError(f"{where}: expected a phone (ARPABET or Japanese), found {label.name[:20]!r}")
    return phones


def _append(segments: list[Segment], phones: tuple[str, ...], end: float) -> None:
    """Add phones, equally long (diphthongs in their halves), from where the segments end to `end`."""
    start = segments[-1].end if segments else 0.0
    if phones == (SILENCE,) and segments and segments[-1].phone == SILENCE and end > start:
        segments[-1] = segments[-1]._replace(end=end)
        return
    if end - start <= len(phones) * _SHORTEST:
        return
    for i, phone in enumerate(phones):
        begin = segments[-1].end if segments else 0.0
        until = end if i == len(phones) - 1 else start + (i + 1) / len(phones) * (end - start)
        # from_arpabet would take OW1, which is half a diphthong here, for an OW with stress
        segments += [Segment(begin, until, phone)] if phone in TARGETS else from_arpabet([(begin, until, phone)])


def _labels(text: str, source: str) -> Iterator[_Label]:
    lines = [(number, line) for number, line in enumerate(text.splitlines(), start=1) if line.strip()]
    if len(lines) > MOST_LABELS:
        raise InputError(f"{source}: expected at most {MOST_LABELS} labels, found more")
    found: list[tuple[int, re.Match[str]]] = []
    for number, line in lines:
        match = _LINE.fullmatch(line)
        if match is None:
            raise InputError(f"{source}: line {number}: expected start, end and phone, found {line.strip()[:40]!r}")
        found.append((number, match))
    seconds = any(re.search("[.,]", time) for _, match in found for time in (match[1], match[2]))
    ticks = 1.0 if seconds else HTK_TICKS
    for number, match in found:
        start, end = (float(time.replace(",", ".")) / ticks for time in (match[1], match[2]))
        middle = _MIDDLE.match(match[3])
        yield _Label(number, start, end, middle[1] if middle else match[3])


def _is_japanese(labels: list[_Label]) -> bool:
    """Whether vowels are written with one letter; ARPABET has two for each."""
    return any(label.name.lower() in _VOWELS for label in labels)


def _phones(name: str, japanese: bool) -> tuple[str, ...] | None:
    """The phones that a label stands for, of `TARGETS` and diphthongs; None for what is no phone."""
    if name.lower() in _SILENCES:
        return (SILENCE,)
    if not japanese:
        known = re.fullmatch(r"[A-Za-z]{1,4}[012]?", name) and from_arpabet([(0.0, 1.0, name)])
        if known and known[0].phone != "X":
            return (SILENCE,) if known[0].phone == SILENCE else (name.upper().rstrip("012"),)
    if name.lower() in _CLOSURES or name in ("GlottalStop", "ʔ"):
        return ("X",)
    if name == "N":
        return ("N",)
    if name.lower() in _VOWELS:
        return (_VOWELS[name.lower()],)
    spelled = phones_of_romaji(f"{name}a") if re.fullmatch("[A-Za-z]{1,2}", name) else None
    return tuple(spelled[:-1]) if spelled and len(spelled) > 1 and spelled[-1] == "AA" else None
