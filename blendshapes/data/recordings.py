"""Recordings of a corpus, told by their names: which files are clips, and the emotion and level that names tell.

Only names and small text files are read, through `Files`, so that a corpus may lie in a folder or in an object store.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Protocol

from ...core.media_formats import FILM, SOUND
from .sequence import find_emotion

# What people who cut or convert a data set again add to its names: `_25fps`, `-16k`, `_cropped`, `_512x512`
RECUT = re.compile(
    r"[_\-#.](?:\d+(?:\.\d+)?(?:fps|khz|hz|k|p)|\d+x\d+|crop(?:ped)?|align(?:ed)?|resampled|mono|stereo|audio|video|face)$",
    re.IGNORECASE,
)


class Files(Protocol):
    """The files of a corpus, wherever they lie."""

    @property
    def names(self) -> Sequence[str]:
        """Names relative to the corpus, folders parted by /, in sorted order."""
        ...

    def text(self, name: str) -> str:
        """A small text file's content; raises InputError."""
        ...


@dataclass(frozen=True)
class Recording:
    """One clip of a corpus; None where its name does not tell."""

    file: str  # name in `Files`
    id: str
    emotion: str | None = None  # canonical
    intensity: float | None = None  # 0..1
    extra: Mapping[str, str] = field(default_factory=dict)  # what else is told: speaker, sentence ...


@dataclass(frozen=True)
class Unused:
    """A file that is no clip, and why."""

    file: str
    reason: str


Found = Iterator[Recording | Unused]
Reader = Callable[[Files], Found]


def sound_and_film(files: Files) -> Iterator[tuple[str, PurePosixPath]]:
    """Names that may be clips by their suffix; texts, pictures and vertices beside them are nobody's concern."""
    for name in files.names:
        path = PurePosixPath(name)
        if path.suffix.lower() in SOUND | FILM:
            yield name, path


def one_per_stem(files: Files, suffixes: tuple[str, ...]) -> Iterator[tuple[str, PurePosixPath, str]]:
    """Sound and film, and for those whose stem comes again (wav and mp3) the name of the one to prefer.

    `suffixes` are in the order of preference.
    """
    best: dict[str, str] = {}
    for name, path in sound_and_film(files):
        rival = best.setdefault(stem_of(path), name)
        if _rank(path, suffixes) < _rank(PurePosixPath(rival), suffixes):
            best[stem_of(path)] = name
    for name, path in sound_and_film(files):
        yield name, path, "" if best[stem_of(path)] == name else best[stem_of(path)]


def _rank(path: PurePosixPath, suffixes: tuple[str, ...]) -> int:
    suffix = path.suffix.lower()
    return suffixes.index(suffix) if suffix in suffixes else len(suffixes)


def stem_of(path: PurePosixPath) -> str:
    """A recording's name as the data set gave it, without what others added."""
    stem = path.stem
    while (shorter := RECUT.sub("", stem)) not in (stem, ""):
        stem = shorter
    return stem


def emotion_in(label: str) -> str | None:
    """The emotion that a folder or label names, if it names one, also behind a speaker: `OAF_Pleasant_surprise`."""
    words = re.split(r"[_\-\s]+", label.strip())
    if words[0].lower() in ("no", "non", "not"):
        return None
    candidates = (label, *("_".join(words[i:]) for i in range(1, len(words))))
    return next(filter(None, map(find_emotion, candidates)), None)


def labelled(recording: Recording, label: str) -> Recording | Unused:
    """The recording with the emotion that `label` names; one that we have no emotion for is left out, not neutral."""
    emotion = emotion_in(label)
    if emotion is None:
        return Unused(recording.file, f"{label} is no emotion that we know")
    return replace(recording, emotion=emotion)
