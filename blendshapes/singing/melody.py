"""What every file of a song comes down to: one voice's notes in seconds, with the syllables that are sung on them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from ...core.errors import InputError

MOST_NOTES = 20_000
LONGEST = 3600.0  # seconds
SLOWEST, FASTEST = 1.0, 2000.0  # quarter notes per minute
USUAL_TEMPO = 120.0
LONGEST_REST = 2.0  # seconds, within a syllable
_TOGETHER = 1e-4  # seconds: starts and ends that lie closer are one moment, and nothing shorter is a note


class Lyric(NamedTuple):
    """A syllable, or a word: its text, and whether a word begins with it."""

    text: str  # "" is the next syllable of the word, whichever that is
    begins: bool = True


@dataclass(frozen=True)
class LyricNote:
    """A note and the syllables on it: mostly one, none where the one before goes on, several where words run together.

    `place` says where in the file it stands, for errors.
    """

    start: float  # seconds
    end: float
    pitch: float  # MIDI's semitones
    lyrics: tuple[Lyric, ...] = ()
    place: str = ""


class TempoMap:
    """Seconds of positions in a song whose tempo changes.

    >>> TempoMap([(0, 120), (4, 60)]).seconds(5)
    3.0
    """

    def __init__(self, changes: Iterable[tuple[float, float]]) -> None:
        """From (position in quarter notes, quarter notes per minute); before the first, and without any, 120."""
        self._positions, self._seconds, self._tempi = [0.0], [0.0], [USUAL_TEMPO]
        for position, tempo in sorted(changes, key=lambda change: change[0]):  # of several at once the last holds
            self._seconds.append(self.seconds(position))
            self._positions.append(position)
            self._tempi.append(tempo)

    def seconds(self, position: float) -> float:
        """When the position (in quarter notes, from 0) comes."""
        at = bisect_right(self._positions, position) - 1
        return self._seconds[at] + (position - self._positions[at]) * 60 / self._tempi[at]


def one_voice(notes: Iterable[LyricNote], *, source: str) -> list[LyricNote]:
    """The notes in order of time, none over another: of notes that start together the highest, with all syllables.

    A note ends where the next one starts. Raises InputError for too many and for a song that is too long.
    """
    kept: list[LyricNote] = []
    for note in sorted(notes, key=lambda note: (note.start, note.pitch)):
        if note.end - note.start <= _TOGETHER:
            continue
        if note.end > LONGEST:
            raise InputError(f"{source}: {note.place}: expected at most {LONGEST / 60:g} minutes of song, found more")
        if kept and note.start - kept[-1].start <= _TOGETHER:
            lower = kept.pop()
            kept.append(replace(note, start=lower.start, lyrics=lower.lyrics or note.lyrics))
            continue
        if kept and note.start < kept[-1].end + _TOGETHER:
            kept[-1] = replace(kept[-1], end=note.start)
        kept.append(note)
    if len(kept) > MOST_NOTES:
        raise InputError(f"{source}: expected at most {MOST_NOTES} notes, found {len(kept)}")
    if not kept:
        raise InputError(f"{source}: expected notes, found none")
    return kept


def with_words(notes: Sequence[LyricNote]) -> list[LyricNote]:
    """The notes that are sung where some have words: an instrument's before the first and after long rests left out."""
    sung: list[LyricNote] = []
    singing = not any(note.lyrics for note in notes)
    worded = not singing
    for note in notes:
        if note.lyrics:
            singing = True
        elif worded and sung and note.start - sung[-1].end > LONGEST_REST:
            singing = False
        if singing:
            sung.append(note)
    return sung
