"""Recordings of people to learn speech from: sound, who says what, when each phone sounds, and on what terms.

    LICENCE          its first line is told by the weights that learn from the recordings (or LICENSE, .txt, .md)
    manifest.jsonl   one recording per line: {"id": "a1", "file": "audio/a1.flac", "text": "...", "speaker": "anna"}
    phones.jsonl     its phones: {"id": "a1", "phones": [["SIL", 0.0, 0.31], ["B", 0.31, 0.38], ...]}

Phones are ARPABET in capitals or IPA. `speaker` may be null or missing: nobody knows who it is. Without `phones.jsonl`
the texts are aligned with pocketsphinx; `"lang": "de"` in a line tells a language that is not English (it needs
espeak-ng). Automatic alignments fail silently: recordings whose phones cannot be right are left out and counted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..data.sequence import find_emotion
from ..emotion import EMOTIONS
from ..speech.features import RATE
from ..speech.phones import SILENCE, Segment, from_arpabet, from_ipa
from ..speech.transcript import ENGLISH, FLOOR, Aligner
from .corpus import Utterance

F32 = NDArray[np.float32]

MANIFEST, PHONES = "manifest.jsonl", "phones.jsonl"
LICENCES = tuple(name + end for name in ("LICENCE", "LICENSE") for end in ("", ".txt", ".md"))
SHORTEST, LONGEST = 0.5, 60.0  # seconds of a recording
LONGEST_PHONE = 0.6  # seconds: beyond, the aligner has lost the words
FLOOR_SHARE = 0.35  # of the phones may be as short as aligners make them
BEYOND = 0.1  # seconds that the last phone may outlast the sound
HELD_OUT, MOST_HELD_OUT = 0.05, 0.10  # share of the time kept for testing, of people who are not trained on
PEAK = 0.7


@dataclass(frozen=True, eq=False)
class Recordings:
    """What a folder holds."""

    name: str
    licence: str  # the first line of its licence
    train: list[Utterance]
    held_out: list[Utterance]  # of people who are not in `train`
    refused: dict[str, int]  # why, how many

    @property
    def hours(self) -> float:
        """Of what is trained on."""
        return sum(len(u.wave) for u in self.train) / RATE / 3600


def are_recordings(folder: Path) -> bool:
    """Whether the folder is meant to be one of recordings."""
    return (folder / MANIFEST).is_file()


def read_recordings(folder: Path) -> Recordings:
    """Everything usable in a folder, split by speaker.

    Raises InputError for a folder without a licence, for lines that say something else than they should, and where
    nothing is usable.
    """
    licence = _licence(folder)
    rows = list(_rows(folder / MANIFEST, {"id": str, "file": str}))
    aligned = _given_phones(folder / PHONES) if (folder / PHONES).exists() else None
    aligners = _aligners(rows) if aligned is None else {}
    refused: Counter[str] = Counter()
    spoken: list[tuple[str | None, Utterance]] = []
    for row in rows:
        try:
            wave = _sound(folder, row["file"])
            text = str(row.get("text") or "")
            phones = aligned.get(row["id"]) if aligned is not None else _aligned(wave, text, aligners[_language(row)])
            segments = _checked(phones, len(wave) / RATE)
        except _Refused as reason:
            refused[str(reason)] += 1
        except InputError:
            refused["text that does not fit the sound"] += 1
        else:
            who = row.get("speaker")
            spoken.append((None if who is None else str(who), Utterance(wave, segments, f"{folder.name} {who}", text)))
    if not spoken:
        found = ", ".join(f"{count} with {reason}" for reason, count in refused.items()) or "none"
        raise InputError(f"{folder}: expected usable recordings, found {found}")
    kept = held_out_speakers([(who, len(u.wave) / RATE) for who, u in spoken])
    train = [u for who, u in spoken if who not in kept]
    return Recordings(folder.name, licence, train, [u for who, u in spoken if who in kept], dict(refused))


@dataclass(frozen=True, eq=False)
class ActedVoice:
    """A recording of which it is known how the voice feels."""

    wave: F32
    speaker: str | None
    emotion: str  # one of `EMOTIONS`


def read_acted_voices(folder: Path) -> tuple[str, list[ActedVoice]]:
    """The first line of the licence, and the recordings whose `emotion` in the manifest is one of ours.

    Others are left out, and so is what cannot be heard. Raises InputError as `read_recordings`.
    """
    licence = _licence(folder)
    voices: list[ActedVoice] = []
    for row in _rows(folder / MANIFEST, {"id": str, "file": str}):
        emotion = find_emotion(str(row.get("emotion") or ""))
        if emotion:
            try:
                wave = _sound(folder, row["file"])
            except _Refused:
                continue
            who = row.get("speaker")
            voices.append(ActedVoice(wave, None if who is None else f"{folder.name} {who}", emotion))
    if not voices:
        raise InputError(f"{folder}: expected recordings with an emotion ({', '.join(EMOTIONS)}), found none usable")
    return licence, voices


def _language(row: dict[str, Any]) -> str:
    return str(row.get("lang") or row.get("language") or ENGLISH)


def _aligners(rows: Sequence[dict[str, Any]]) -> dict[str, Aligner | InputError]:
    """By language; where there can be none, why. Raises InputError where there can be none for any."""
    found: dict[str, Aligner | InputError] = {}
    for name in dict.fromkeys(map(_language, rows)):
        try:
            found[name] = Aligner(name)
        except InputError as error:
            found[name] = error
    errors = [aligner for aligner in found.values() if isinstance(aligner, InputError)]
    if errors and len(errors) == len(found):
        raise errors[0]
    return found


def _aligned(wave: F32, text: str, aligner: Aligner | InputError) -> list[Segment]:
    if isinstance(aligner, InputError):
        raise _Refused(str(aligner))
    return aligner.align([wave], text).phones


def held_out_speakers(spoken: Sequence[tuple[str | None, float]]) -> set[str | None]:
    """Who is kept for testing, of pairs of speaker and seconds: some 5 % of the time, chosen by a hash of the names.

    Nobody where fewer than two people are known. Unknown people (None) are always trained on.
    """
    seconds: dict[str, float] = {}
    for who, duration in spoken:
        if who is not None:
            seconds[who] = seconds.get(who, 0.0) + duration
    if len(seconds) < 2:
        return set()
    total = sum(duration for _, duration in spoken)
    kept: set[str | None] = set()
    held = 0.0
    for who in sorted(seconds, key=lambda name: hashlib.sha256(name.encode()).digest()):
        if held < HELD_OUT * total and held + seconds[who] <= MOST_HELD_OUT * total:
            kept.add(who)
            held += seconds[who]
    return kept or {min(seconds, key=lambda name: (seconds[name], name))}


class _Refused(Exception):
    """Why one recording is left out."""


def _licence(folder: Path) -> str:
    for name in LICENCES:
        if (folder / name).is_file():
            lines = (folder / name).read_text("utf-8", errors="replace").strip().splitlines()
            if lines:
                return lines[0].strip()[:200]
    raise InputError(
        f"{folder}: expected a file {LICENCES[0]} that says on what terms the recordings may be used, found none; "
        "weights that learn from them will name it"
    )


def _rows(path: Path, fields: dict[str, type]) -> Iterator[dict[str, Any]]:
    """The JSON objects of a file's lines, with at least these fields; raises InputError."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: expected lines of JSON, found something unreadable ({error})") from error
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}:{number}: expected an object in JSON, found {line[:40]!r}") from error
        for name, kind in fields.items():
            if not isinstance(row, dict) or not isinstance(row.get(name), kind):
                wanted = {str: "a text", list: "a list"}[kind]
                raise InputError(f"{path}:{number}: {name}: expected {wanted}, found {line[:40]!r}")
        yield row


def _given_phones(path: Path) -> dict[str, list[Segment]]:
    """Phones by the recording's id; raises InputError."""
    return {row["id"]: _segments(row["phones"], path, row["id"]) for row in _rows(path, {"id": str, "phones": list})}


def _segments(phones: list[Any], path: Path, name: str) -> list[Segment]:
    labels: list[tuple[float, float, str]] = []
    for phone in phones:
        match phone:
            case [str(label), int() | float() as start, int() | float() as end] if 0 <= start <= end < float("inf"):
                labels.append((float(start), float(end), label))
            case _:
                raise InputError(f"{path}: {name}: phones: expected [name, start, end], found {str(phone)[:40]}")
    capitals = all(label.isascii() and label == label.upper() for _, _, label in labels)
    return from_arpabet(labels) if capitals else from_ipa(labels)


def _checked(phones: list[Segment] | None, duration: float) -> list[Segment]:
    """The phones, if they can be right."""
    if not phones:
        raise _Refused("no phones")
    if any(a.end > b.start + 1e-6 for a, b in pairwise(phones)):
        raise _Refused("phones out of order")
    if phones[-1].end > duration + BEYOND:
        raise _Refused("phones after the end of the sound")
    lengths = np.array([s.end - s.start for s in phones if s.phone != SILENCE])
    if not len(lengths):
        raise _Refused("no phones")
    if lengths.max() > LONGEST_PHONE or np.mean(lengths <= FLOOR) > FLOOR_SHARE:
        raise _Refused("phones that cannot be right")
    return phones


def _sound(folder: Path, name: str) -> F32:
    """Mono 16 kHz samples, as loud as those of the synthesisers."""
    import soundfile
    import soxr

    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise _Refused("a file outside the folder")
    try:
        with soundfile.SoundFile(folder / name) as file:
            if not SHORTEST <= file.frames / file.samplerate <= LONGEST:
                raise _Refused(f"less than {SHORTEST:g} or more than {LONGEST:g} s of sound")
            wave = file.read(dtype="float32", always_2d=True).mean(axis=1)
            rate = file.samplerate
    except (OSError, RuntimeError) as error:  # soundfile's own errors are RuntimeErrors
        raise _Refused("a sound that cannot be read") from error
    wave = soxr.resample(wave, rate, RATE).astype(np.float32)
    peak = float(np.abs(wave).max(initial=0))
    if not np.isfinite(peak) or peak == 0:
        raise _Refused("a silent sound")
    return wave * np.float32(PEAK / peak)
