"""Recordings of people to learn speech from: sound, who says what, when each phone sounds, and on what terms.

    LICENCE          its first line is told by the weights that learn from the recordings (or LICENSE, .txt, .md)
    manifest.jsonl   one recording per line: {"id": "a1", "file": "audio/a1.flac", "text": "...", "speaker": "anna"}
    phones.jsonl     its phones: {"id": "a1", "phones": [["SIL", 0.0, 0.31], ["B", 0.31, 0.38], ...]}

Phones are ARPABET in capitals or IPA; a fourth number tells when a diphthong's second half begins. `speaker` may be
null or missing: nobody knows who it is. Phones may stand in TextGrid or CTM files instead, and there need be no
manifest where the files are named and placed as the Montreal Forced Aligner has them (`aligned_files.py`). Without any
phones the texts are aligned with pocketsphinx; `"lang": "de"` in a line tells a language that is not English (it needs
espeak-ng), `"sung": true` that vowels are held. Automatic alignments fail silently: recordings whose phones cannot be
right are left out and counted.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
from ..speech.phones import DIPHTHONGS, SILENCE, Segment, from_arpabet, from_ipa
from ..speech.transcript import ENGLISH, FLOOR, Aligner
from .aligned_files import PhoneTimes, are_aligned, rows_of_files
from .corpus import Utterance

F32 = NDArray[np.float32]

MANIFEST, PHONES = "manifest.jsonl", "phones.jsonl"
LICENCES = tuple(name + end for name in ("LICENCE", "LICENSE") for end in ("", ".txt", ".md"))
SHORTEST, LONGEST = 0.5, 60.0  # seconds of a recording
LONGEST_PHONE = 0.6  # seconds: beyond, the aligner has lost the words
LONGEST_SUNG = 12.0  # seconds of a sung one
FLOOR_SHARE = 0.35  # of the phones may be as short as aligners make them
BEYOND = 0.1  # seconds that the last phone may outlast the sound
HELD_OUT, MOST_HELD_OUT = 0.05, 0.10  # share of the time kept for testing, of people who are not trained on
PEAK = 0.7
GLIDING = {(first, second) for first, second, _ in DIPHTHONGS.values()}


@dataclass(frozen=True, eq=False)
class Recordings:
    """What a folder holds."""

    name: str
    licence: str  # the first line of its licence
    train: list[Utterance]
    held_out: list[Utterance]  # of people who are not in `train`
    refused: Refusals

    @property
    def hours(self) -> float:
        """Of what is trained on."""
        return sum(len(u.wave) for u in self.train) / RATE / 3600


class Refusals(Counter[str]):
    """Why recordings are left out, and how many; `first`: the first of them by reason, or what is wrong there."""

    def __init__(self) -> None:
        super().__init__()
        self.first: dict[str, str] = {}

    def add(self, reason: str, about: str) -> None:
        """Count one more."""
        self[reason] += 1
        self.first.setdefault(reason, about)

    def __str__(self) -> str:
        return ", ".join(
            f"{count} with {reason}" + (f" (the first: {self.first[reason]})" if reason in self.first else "")
            for reason, count in self.items()
            if count
        )


def are_recordings(folder: Path) -> bool:
    """Whether the folder is meant to be one of recordings."""
    return (folder / MANIFEST).is_file() or are_aligned(folder)


def read_recordings(folder: Path) -> Recordings:
    """Everything usable in a folder, split by speaker.

    Raises InputError for a folder without a licence, for lines that say something else than they should, and where
    nothing is usable.
    """
    licence = licence_of(folder)
    refused = Refusals()
    spoken = [(speaker_of(row), said) for row, said in usable(folder, rows_of(folder), refused)]
    if not spoken:
        raise InputError(f"{folder}: expected usable recordings, found {refused or 'none'}")
    kept = held_out_speakers([(who, len(u.wave) / RATE) for who, u in spoken])
    train = [u for who, u in spoken if who not in kept]
    return Recordings(folder.name, licence, train, [u for who, u in spoken if who in kept], refused)


def rows_of(folder: Path) -> list[dict[str, Any]]:
    """The lines of the manifest, or of one that the files tell; raises InputError for lines that are no such."""
    if not (folder / MANIFEST).is_file() and are_aligned(folder):
        return rows_of_files(folder)
    return list(json_rows(folder / MANIFEST, {"id": str, "file": str}))


def speaker_of(row: dict[str, Any]) -> str | None:
    """Who speaks in a recording, None where nobody knows."""
    who = row.get("speaker")
    return None if who is None else str(who)


def usable(
    folder: Path, manifest: Sequence[dict[str, Any]], refused: Refusals
) -> Iterator[tuple[dict[str, Any], Utterance]]:
    """What lines of the manifest tell of, read one by one; what cannot be used is counted by its reason in `refused`.

    Raises InputError for lines of phones that say something else than they should, and where nothing can be aligned.
    """
    given = _given_phones(folder, manifest)
    aligners = _aligners(manifest) if given is None else {}
    for row in manifest:
        try:
            wave = _sound(folder, row["file"])
            text = str(row.get("text") or "")
            phones = given(row) if given is not None else _aligned(wave, text, aligners[_language(row)])
            longest = LONGEST_SUNG if row.get("sung") is True else LONGEST_PHONE
            segments = _checked(phones, len(wave) / RATE, longest=longest)
        except _Refused as reason:
            refused.add(str(reason), str(reason.__cause__ or row["file"]))
        except InputError:
            refused.add("text that does not fit the sound", row["file"])
        else:
            yield row, Utterance(wave, segments, f"{folder.name} {speaker_of(row)}", text)


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
    licence = licence_of(folder)
    voices: list[ActedVoice] = []
    for row in rows_of(folder):
        emotion = find_emotion(str(row.get("emotion") or ""))
        if emotion:
            try:
                wave = _sound(folder, row["file"])
            except _Refused:
                continue
            who = speaker_of(row)
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


def licence_of(folder: Path) -> str:
    """The first line of a folder's licence; raises InputError where there is none."""
    for name in LICENCES:
        if (folder / name).is_file():
            lines = (folder / name).read_text("utf-8", errors="replace").strip().splitlines()
            if lines:
                return lines[0].strip()[:200]
    raise InputError(
        f"{folder}: expected a file {LICENCES[0]} that says on what terms the recordings may be used, found none; "
        "weights that learn from them will name it"
    )


def json_rows(path: Path, fields: dict[str, type]) -> Iterator[dict[str, Any]]:
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


def _given_phones(
    folder: Path, manifest: Sequence[dict[str, Any]]
) -> Callable[[dict[str, Any]], list[Segment] | None] | None:
    """What tells the phones of a manifest's line, None where no file does; raises InputError."""
    path = folder / PHONES
    if path.exists():
        lines = json_rows(path, {"id": str, "phones": list})
        aligned = {row["id"]: _segments(row["phones"], path, row["id"]) for row in lines}
        return lambda row: aligned.get(row["id"])
    times = PhoneTimes(folder, manifest)
    if not times:
        return None

    def of(row: dict[str, Any]) -> list[Segment] | None:
        try:
            return times.of(row)
        except InputError as error:
            raise _Refused("phone times that cannot be read") from error

    return of


def _segments(phones: list[Any], path: Path, name: str) -> list[Segment]:
    labels: list[tuple[float, float, str]] = []
    glides: dict[float, float] = {}  # start of a diphthong -> when its second half begins
    for phone in phones:
        match phone:
            case [str(label), int() | float() as start, int() | float() as end, *rest] if _in_order(start, *rest, end):
                labels.append((float(start), float(end), label))
                glides |= {float(start): float(glide) for glide in rest}
            case _:
                raise InputError(f"{path}: {name}: phones: expected [name, start, end], found {str(phone)[:40]}")
    capitals = all(label.isascii() and label == label.upper() for _, _, label in labels)
    segments = from_arpabet(labels) if capitals else from_ipa(labels)
    for k, (one, other) in enumerate(pairwise(segments)):
        if (glide := glides.get(one.start)) is not None and (one.phone, other.phone) in GLIDING:
            segments[k : k + 2] = Segment(one.start, glide, one.phone), Segment(glide, other.end, other.phone)
    return segments


def _in_order(start: Any, *rest: Any) -> bool:
    """Whether these are times, at most three, one after the other."""
    times = (start, *rest)
    numbers = all(isinstance(time, int | float) and 0 <= time < float("inf") for time in times)
    return numbers and len(times) <= 3 and all(a <= b for a, b in pairwise(times))


def _checked(phones: list[Segment] | None, duration: float, *, longest: float) -> list[Segment]:
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
    if lengths.max() > longest or np.mean(lengths <= FLOOR) > FLOOR_SHARE:
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
