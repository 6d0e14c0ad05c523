"""Recordings as aligners keep them: sounds, and beside them or in a folder of their own what is said and when.

    LICENCE                 as with a manifest (`recordings.py`)
    anna/a1.wav             a recording; the folder is its speaker
    anna/a1.lab             what is said (or .txt), as the Montreal Forced Aligner wants it
    phones/anna/a1.TextGrid what it makes of that: one speaker's phones, ARPABET or IPA. Beside the sound is as good
    phones.ctm              or the phones of all of them, as Kaldi's `ali-to-phones --ctm-output` writes them

A file belongs to the recording with which alone it shares an end of the path: `phones/anna/a1.TextGrid` to
`wav/anna/a1.wav`, even if `wav/ben/a1.wav` is there, and `phones/a1.TextGrid` if it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

from ...core.errors import InputError
from ...core.tables import read_text
from ..speech.phones import IPA, SILENCE, Segment, from_arpabet, from_ipa
from ..speech.transcript_files import SILENCE as NO_SOUND
from ..speech.transcript_files import Cue, ctm_rows, textgrid_tiers

T = TypeVar("T")

SOUNDS = (".wav", ".flac", ".ogg", ".opus", ".mp3")
LAB, GRID, CTM = ".lab", ".textgrid", ".ctm"
TEXTS = (LAB, ".txt")
KNOWN = 0.8  # of the labels, and they are phones that we know
MOST_BYTES = 64 << 20  # of a file; a CTM holds all recordings

_PHONE_TIER = re.compile(r"phon", re.IGNORECASE)
_WHOSE = re.compile(r"(.+) - phones", re.IGNORECASE)  # as the Montreal Forced Aligner calls it
_PLACE = re.compile(r"_[BIES]$")  # of a phone in its word, as Kaldi marks it
_PLAIN = {"audio", "wav", "wavs", "sound", "sounds", "clips"}  # folders that are no speakers
_NOISES = {"nsn", "lau", "noise"}  # of Kaldi's recipes, besides what ARPABET knows


def are_aligned(folder: Path) -> bool:
    """Whether a folder without a manifest holds such recordings: sounds, and texts or phone times of an aligner."""
    kinds = {path.suffix.lower() for path in _files(folder, (*SOUNDS, LAB, GRID, CTM))}
    return not kinds.isdisjoint(SOUNDS) and not kinds <= set(SOUNDS)


def rows_of_files(folder: Path) -> list[dict[str, Any]]:
    """Lines of a manifest for the sounds of a folder that has none."""
    return [
        {"id": path.with_suffix("").as_posix(), "file": path.as_posix(), "text": _text(folder / path), "speaker": who}
        for path in _files(folder, SOUNDS)
        for who in [path.parent.name if path.parent.name.lower() not in {"", *_PLAIN} else None]
    ]


class PhoneTimes:
    """The phones of recordings in TextGrid and CTM files, each read when it is asked for."""

    def __init__(self, folder: Path, manifest: Sequence[dict[str, Any]]) -> None:
        """Raises InputError for a CTM that is none."""
        grids = [(path.with_suffix(""), folder / path) for path in _files(folder, (GRID,))]
        spoken: dict[str, list[Cue]] = {}
        tables = list(_files(folder, (CTM,)))
        for path in tables:
            try:
                for name, cue in ctm_rows(read_text(folder / path, most=MOST_BYTES)):
                    spoken.setdefault(name, []).append(cue)
            except ValueError as error:
                raise InputError(f"{folder / path}: expected lines of CTM, found {error}") from error
        self._any = bool(grids or tables)
        rows = [(PurePosixPath(row["file"]).with_suffix(""), row["id"]) for row in manifest]
        self._grid_of = _belonging(rows, grids)
        self._spoken_of = _belonging(rows, [(PurePosixPath(name), cues) for name, cues in spoken.items()])

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self._any

    def of(self, row: dict[str, Any]) -> list[Segment] | None:
        """The phones of a manifest's line, None where no file tells them; raises InputError for a wrong file."""
        if (grid := self._grid_of.get(row["id"])) is not None:
            return segments(_tier(grid), source=str(grid))
        if (cues := self._spoken_of.get(row["id"])) is not None:
            return segments(sorted(cues, key=lambda cue: cue.start), source=row["id"])
        return None


def segments(cues: Sequence[Cue], *, source: str) -> list[Segment]:
    """The phones that labels name; raises InputError, which `source` begins, where they are no phones.

    >>> hi = [Cue("sil", 0, 0.1), Cue("HH_B", 0.1, 0.2), Cue("AY1_E", 0.2, 0.4)]
    >>> [phone for _, _, phone in segments(hi, source="")]
    ['SIL', 'HH', 'A1', 'Y2']
    """
    labels = [(cue.start, cue.end, _label(cue.text)) for cue in cues]
    names = [label for _, _, label in labels if label != SILENCE]
    arpabet = all(name.isascii() and name == name.upper() for name in names) or _is_small_arpabet(names)
    if sum(_is_known(name, arpabet) for name in names) < KNOWN * len(names):
        raise InputError(f"{source}: expected phones in ARPABET or IPA, found {' '.join(names)[:60]!r}")
    return from_arpabet(labels) if arpabet else from_ipa(labels)


def _is_small_arpabet(names: Sequence[str]) -> bool:
    """Whether names are ARPABET in small letters, as of TIMIT, Buckeye and Gentle: all are, vowels of two among them,
    while a vowel of IPA is mostly one."""
    bare = [name.rstrip("012") for name in names]
    vowels = [name for name in bare if name[:1] in "aeiou"]
    return (
        bool(vowels)
        and all(len(name) == 2 and _is_known(name, True) for name in vowels)
        and (sum(_is_known(name, True) for name in bare) >= KNOWN * len(bare))
    )


def _label(text: str) -> str:
    label = _PLACE.sub("", text.strip())
    return SILENCE if label.lower() in NO_SOUND | _NOISES or _in_arpabet(label) == SILENCE else label


def _is_known(name: str, arpabet: bool) -> bool:
    return _in_arpabet(name) != "X" if arpabet else any(symbol in IPA for symbol in name)


def _in_arpabet(name: str) -> str:
    """The phone that a label begins with, X for what is none."""
    return from_arpabet([(0.0, 1.0, name)])[0].phone


def _tier(path: Path) -> list[Cue]:
    """The first tier of phones of a TextGrid; raises InputError, also where others tell another speaker's."""
    try:
        tiers = textgrid_tiers(read_text(path, most=MOST_BYTES, utf16=True))
    except ValueError as error:
        raise InputError(f"{path}: expected a TextGrid, found {error}") from error
    phones = [(name, cues) for name, cues in tiers if _PHONE_TIER.search(name)]
    speakers = {whose[1] for name, _ in phones if (whose := _WHOSE.fullmatch(name))}
    if len(speakers) > 1:  # while one of them speaks, the other's tier is silent
        raise InputError(f"{path}: expected the phones of one speaker, found {', '.join(sorted(speakers))[:60]}")
    if phones:
        return phones[0][1]
    raise InputError(f"{path}: expected a tier of phones, found {', '.join(name for name, _ in tiers)[:60] or 'none'}")


def _text(sound: Path) -> str:
    """What is said in a recording by the text beside it, empty where there is none that can be read."""
    for kind in TEXTS:
        if (path := sound.with_suffix(kind)).is_file():
            try:
                return " ".join(read_text(path, most=1 << 20).split())
            except InputError:
                return ""
    return ""


def _files(folder: Path, kinds: Sequence[str]) -> Iterator[PurePosixPath]:
    """The files of these kinds anywhere in a folder, relative to it, in order; none of hidden ones."""
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder)
        if path.suffix.lower() in kinds and not any(part.startswith(".") for part in inside.parts) and path.is_file():
            yield PurePosixPath(inside.as_posix())


def _belonging(rows: Sequence[tuple[PurePosixPath, str]], files: Sequence[tuple[PurePosixPath, T]]) -> dict[str, T]:
    """What belongs to which recording, by its id: the id itself is told, or an end of the path that no other has."""
    of_rows = _by_end(rows)
    found: dict[str, tuple[int, T]] = {}
    ids = {name for _, name in rows}
    for end, what in _by_end(files).items():
        known = "/".join(end) if "/".join(end) in ids else of_rows.get(end)
        if known is not None and len(end) > found.get(known, (0,))[0]:
            found[known] = len(end), what
    return {name: what for name, (_, what) in found.items()}


def _by_end(named: Iterable[tuple[PurePosixPath, T]]) -> dict[tuple[str, ...], T]:
    """By every end of a path that only one has."""
    found: dict[tuple[str, ...], list[T]] = {}
    for path, what in named:
        for start in range(len(path.parts)):
            found.setdefault(path.parts[start:], []).append(what)
    return {end: whats[0] for end, whats in found.items() if len(whats) == 1}
