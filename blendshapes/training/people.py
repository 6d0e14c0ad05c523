"""People's own motion to learn acting from: films that were tracked, face motions beside sound, FLAME, meshes.

A person is an actor: whoever is held out is so with all recordings, and the style that goes with a recording is that of
the person's others, or of the other half of the only one. What a data set does not tell of somebody (a head whose turns
a phone did not record) counts neither in what is learned nor in their style.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...core.maths import smoothstep
from ..acting.conditions import TOLD
from ..acting.space import COORDINATES, GAZE, HEAD, INDEX, LID, MOUTH, RATE, SCALE
from ..acting.style import POSED, SHUT, STATISTICS, key_poses
from ..acting.voiceprint import voiceprint
from ..data.generated import KIND as GENERATED
from ..data.sequence import DataSet, Sequence, constant, hashed_part
from ..emotion import EMOTIONS
from ..speech.encoder import SpeechEncoder
from ..speech.features import RATE as SAMPLES
from .face_reader import FaceReader, Reading
from .scenes import Performance, felt, scene_of, statistics_of

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]
Rng = np.random.Generator

SHORTEST = 6.0  # seconds that are known of somebody
EXAMPLE = 26.0  # seconds of other recordings from which a style is measured
VOICE = 30.0  # seconds of each recording in which the voice is listened to
STILL = 0.02  # of `SCALE`: what moves less was not measured
DIFFER = 1.0, 0.1  # seconds and share by which motion and sound of one take may differ in length
BRIDGE = 12  # frames that lead from one recording to the next where several are measured as one
_AXES = [TOLD.index(f"sound.{name}") for name in MOUTH]
_EMOTION = {name: TOLD.index(f"emotion.{name}") for name in EMOTIONS}
_OF_STATISTIC = [INDEX[name.split(".")[0]] for name in STATISTICS]
_POSED, _GAZE, _HEAD = ([INDEX[name] for name in names] for names in (POSED, GAZE, HEAD))
_LID, _JAW = INDEX[LID], INDEX["jaw"]
_BESIDE_JAW = np.array([name.endswith(".with_jaw") for name in STATISTICS])


@dataclass(frozen=True, eq=False)
class People:
    """What a data set has to learn from."""

    learned: list[Performance]
    tested: list[Performance]  # of people who are held out
    skipped: list[str]  # what was found but not used, and why
    persons: int

    @property
    def hours(self) -> float:
        """Of what is learned from."""
        return sum(len(p.values) for p in self.learned) / RATE / 3600

    @property
    def summary(self) -> str:
        """Who, and what of their faces, in words."""
        told = np.any([p.measured.any(axis=0) for p in self.learned], axis=0)
        held_out = len({p.who for p in self.tested})
        return f"{self.persons} people, {held_out} of them held out; {in_words(told)}"


@dataclass(frozen=True, eq=False)
class _Take(Reading):
    """A recording with what is heard in it."""

    told: F64  # [T, C]
    voice: F32  # samples

    def __getitem__(self, frames: slice) -> _Take:
        return replace(self, values=self.values[frames], given=self.given[frames], told=self.told[frames])


def read_people(data: DataSet, head: HeadModel, encoder: SpeechEncoder, *, seed: int) -> People:
    """Everything usable in a data set; `head` is the one that its parameters and meshes belong to.

    Raises InputError where nothing is, and for data that nobody acted.
    """
    reader = _reader(data, head)
    skipped, persons, parts = list(data.skipped), 0, parts_of(data)
    found: dict[bool, list[Performance]] = {True: [], False: []}
    whole = sorted(data, key=lambda s: s.person)
    for number, (person, sequences) in enumerate(groupby(whole, key=lambda s: s.person)):
        takes: list[_Take] = []
        for sequence in sequences:
            try:
                takes.append(_take(sequence, reader, encoder))
            except InputError as error:
                skipped.append(f"{sequence.subject}/{sequence.name}: {error}")
        try:
            of_them = list(_performed(takes, np.random.default_rng([seed, number]), who=seed + number))
        except InputError as error:
            skipped.append(f"{person}: {error}")
            continue
        persons += 1
        found[parts[person]] += of_them
    if not any(found.values()):
        reason = f" ({skipped[0]}; {len(skipped)} skipped)" if skipped else ""
        raise InputError(f"data set {data.kind!r}: expected something to learn acting from, found nothing{reason}")
    learned, tested = (found[True], found[False]) if found[True] else (found[False], [])
    return People(learned, tested, skipped, persons)


def looked_at(data: DataSet, head: HeadModel) -> Iterator[str]:
    """What a data set shows, line by line: one sequence of everybody, and what acting may learn of all these.

    What cannot be read gets a line with the reason, and the next one of that person is tried. Raises InputError where
    nothing can be read.
    """
    reader, reasons = None, list[str]()
    try:
        reader = _reader(data, head)
    except InputError as error:
        reasons.append(str(error))
    told, unreadable, persons = np.zeros(len(COORDINATES), bool), list[str](), 0
    for _, sequences in groupby(sorted(data, key=lambda s: (s.person, bool(_refused(s)))), key=lambda s: s.person):
        for sequence in sequences:
            where = f"{sequence.subject}/{sequence.name}"
            try:
                seen = replace(sequence, vertices=constant(sequence.vertices()))
                frames = len(seen.displacements())
                if reason := _refused(seen):
                    reasons.append(reason)
                elif reader is not None:
                    reading, _ = _shown(seen, reader)
                    told |= _moving([reading.values], [reading.given])
            except InputError as error:
                unreadable.append(f"{where}: {error}")
                yield f"skipped: {unreadable[-1]}"
                continue
            yield f"read {where}: {frames} frames at {sequence.fps:g} frames/s"
            persons += 1
            break
    if not persons:
        raise InputError(
            f"data set {data.kind!r}: expected sequences that can be read, found none ({unreadable[0]}; "
            f"{len(unreadable)} skipped)"
        )
    nothing = f"learns nothing ({reasons[0]})" if reasons else "learns nothing (nothing moves)"
    yield f"acting: {in_words(told) if told.any() else nothing}"


def in_words(told: Mask) -> str:
    """Which coordinates are told [D], and which not."""
    yes, no = (", ".join(c for c, t in zip(COORDINATES, told, strict=True) if t == which) for which in (True, False))
    return f"tells {yes or 'nothing'}" + (f"; not {no}" if no else "")


def parts_of(data: DataSet) -> dict[str, bool]:
    """Who is learned from: as the data set's split has it, if that keeps people apart, else four fifths by name."""
    told: dict[str, set[str]] = {}
    for sequence in data:
        told.setdefault(sequence.person, set()).update([sequence.part] if sequence.part else [])
    return {
        person: parts == {"train"}
        if parts and ("train" not in parts or len(parts) == 1)
        else hashed_part(person) == "train"
        for person, parts in told.items()
    }


def _reader(data: DataSet, head: HeadModel) -> FaceReader:
    if data.kind == GENERATED:
        raise InputError(f"data set {GENERATED!r}: expected people who act, found sentences that synthesisers speak")
    return FaceReader(data, head)


def _refused(sequence: Sequence) -> str:
    """Why nothing is learned from a sequence, whatever it shows; "" where something may be."""
    if sequence.audio is None:
        return "no sound"
    if sequence.label is not None and sequence.label.emotion is None:
        return f"{sequence.label.name} is none of our emotions"
    return ""


def _shown(sequence: Sequence, reader: FaceReader) -> tuple[Reading, F32]:
    """The face of a recording and its sound; raises InputError where they are not of one take."""
    if (reason := _refused(sequence)) or sequence.audio is None:
        raise InputError(reason)
    wave, reading = sequence.audio(), reader(sequence)
    seconds, heard = len(reading.values) / RATE, len(wave) / SAMPLES
    if abs(seconds - heard) > max(DIFFER[0], DIFFER[1] * heard):
        raise InputError(f"{seconds:.1f} s of motion with {heard:.1f} s of sound, not of one take")
    return reading, wave


def _take(sequence: Sequence, reader: FaceReader, encoder: SpeechEncoder) -> _Take:
    """What a recording shows and what is heard in it, as long as the shorter of both; raises InputError."""
    label = sequence.label
    reading, wave = _shown(sequence, reader)
    told = scene_of(wave, encoder).told
    frames = min(len(told), len(reading.values))
    if label is not None and label.emotion != "neutral":
        told[:, _EMOTION[str(label.emotion)]] = label.level
    return _Take(reading.values[:frames], reading.given[:frames], told[:frames], wave[: round(VOICE * SAMPLES)])


def _performed(takes: list[_Take], rng: Rng, *, who: int) -> Iterator[Performance]:
    """Somebody's recordings, each with the style of their others; raises InputError where too little is known."""
    seconds = sum(len(t.values) for t in takes) / RATE
    if seconds < SHORTEST:
        raise InputError(f"{seconds:.1f} s in all, less than {SHORTEST:g}")
    voice = voiceprint([t.voice for t in takes], what="all recordings")
    if len(takes) == 1:
        (take,), middle = takes, len(takes[0].values) // 2
        takes = [take[:middle], take[middle:]]
    told = _moving([t.values for t in takes], [t.given for t in takes])
    for k, take in enumerate(takes):
        others = [takes[i] for i in rng.permutation(len(takes)) if i != k]
        values, heard = _joined(others)
        style, poses = statistics_of(values, heard), key_poses(values)
        style[~(told[_OF_STATISTIC] & (told[_JAW] | ~_BESIDE_JAW))] = np.nan
        poses[:, ~told[_POSED]] = 0
        measured = take.given & told
        moved = take.values.copy()
        moved[:, : len(MOUTH)] -= take.told[:, _AXES]
        units = np.where(measured, moved / SCALE, 0)
        calm = not (felt(take.told) or felt(heard))
        told_to = take.told.astype(np.float32)
        yield Performance(told_to, units.astype(np.float32), style, poses, voice, who, measured, calm)


def _moving(values: list[F64], given: list[Mask]) -> Mask:
    """What is known of somebody in recordings [T, D], [D]: what never moves in anybody's life was not measured.

    Lids that never close are those of a head that cannot. Where somebody looks in the room needs eyes and head.
    """
    moves = np.max([v.std(axis=0) for v in values], axis=0) > STILL * SCALE
    moves[_LID] = max(v[:, _LID].max() for v in values) > SHUT
    eyes = np.max([(v[:, _GAZE] - v[:, _HEAD[:2]]).std(axis=0) for v in values], axis=0)
    moves[_GAZE] = (eyes > STILL * SCALE[_GAZE]) & moves[_HEAD[:2]]
    return moves & np.any([g.any(axis=0) for g in given], axis=0)


def _joined(takes: list[_Take]) -> tuple[F64, F64]:
    """Takes of about `EXAMPLE` seconds one after the other, led smoothly from one to the next in silence."""
    values, told = [takes[0].values], [takes[0].told]
    for take in takes[1:]:
        if sum(map(len, values)) >= EXAMPLE * RATE:
            break
        share = smoothstep((np.arange(BRIDGE) + 1) / (BRIDGE + 1))[:, None]
        values += [values[-1][-1] + share * (take.values[0] - values[-1][-1]), take.values]
        told += [np.zeros((BRIDGE, take.told.shape[1])), take.told]
    return np.concatenate(values), np.concatenate(told)
