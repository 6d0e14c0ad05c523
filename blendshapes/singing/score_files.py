"""Scores of songs, as notation programs and singing synthesisers write them: notes, and the phones of their words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ...core.errors import InputError
from ...core.tables import decoded, read_bytes, read_text
from ..speech.phones import Segment
from .lyric_phones import JAPANESE, japanese, lyric_phones
from .melody import LyricNote, with_words
from .musicxml import ROOTS, read_musicxml, read_mxl
from .notes import Note
from .phone_labels import is_phone_labels, read_phone_labels
from .ust import read_ust, read_ustx

MOST_BYTES = 32 << 20
_PEEK = 4096  # bytes


@dataclass(frozen=True)
class SongScore:
    """A song: its notes in order of time, none over another, and its phones from 0 on, silences too.

    Notes are empty where a file tells only phones, phones where it tells no words. Where it tells some, notes without
    any before the first word and after long rests, which an instrument plays, are left out.
    """

    notes: tuple[Note, ...]
    phones: tuple[Segment, ...]


Reader = Callable[[bytes, str, str, str | None], SongScore]  # bytes, what errors begin with, language, voice


def read_score(path: Path, *, language: str = "en", voice: str | None = None) -> SongScore:
    """Read a score of one of `READERS`' kinds.

    `language`: of the words, as `--language`; kana is Japanese whatever it says, and so are .ust and .ustx all of whose
    lyrics are morae in romaji. `voice`: which part (MusicXML) or track (.ustx) is sung, by name or number; without it
    the first that has words. Raises InputError that names file, line or measure, what was expected and what was found.
    """
    kind = path.suffix.lower()
    if kind not in READERS:
        raise InputError(f"{path}: expected a score ({', '.join(READERS)}), found {path.suffix!r}")
    return READERS[kind](read_bytes(path, most=MOST_BYTES), str(path), language, voice)


def is_score(path: Path | str) -> bool:
    """Whether a file is a score: by its name, .xml and .lab by what is in them (.lab of words are transcripts)."""
    path = Path(path)
    kind = path.suffix.lower()
    try:
        if kind == ".xml":
            with path.open("rb") as file:
                begin = file.read(_PEEK).replace(b"\0", b"")  # UTF-16 as well
            return any(root.encode() in begin for root in ROOTS)
        return is_phone_labels(read_text(path, most=MOST_BYTES, utf16=True)) if kind == ".lab" else kind in READERS
    except (OSError, ValueError):
        return False


def _song(
    read: Callable[..., list[LyricNote]], synthesiser: bool, data: bytes, source: str, language: str, voice: str | None
) -> SongScore:
    """Notes and phones of what `read` finds; singing synthesisers mean Japanese where it may be."""
    notes = with_words(read(data, source=source, voice=voice))
    texts = [lyric.text for note in notes for lyric in note.lyrics if lyric.text]
    if synthesiser and language == "en" and japanese(texts):
        language = JAPANESE
    phones = lyric_phones(notes, language=language, source=source)
    return SongScore(
        tuple(Note(note.start, note.end, note.pitch, _syllable(note)) for note in notes),
        tuple(phones),
    )


def _syllable(note: LyricNote) -> str:
    return " ".join(lyric.text for lyric in note.lyrics if lyric.text)


def _labels(data: bytes, source: str, _language: str, voice: str | None) -> SongScore:
    if voice is not None:
        raise InputError(f"{source}: expected no choice of a voice, since it has only one, found {voice[:40]!r}")
    return SongScore((), tuple(read_phone_labels(decoded(data, source=source, utf16=True), source=source)))


READERS: dict[str, Reader] = {
    ".musicxml": partial(_song, read_musicxml, False),
    ".xml": partial(_song, read_musicxml, False),
    ".mxl": partial(_song, read_mxl, False),
    ".ust": partial(_song, read_ust, True),
    ".ustx": partial(_song, read_ustx, True),
    ".lab": _labels,
}
