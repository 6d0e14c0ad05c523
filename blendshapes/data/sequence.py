"""What every data set looks like from outside: sequences of displacements from a person's neutral face."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Literal, TypeVar, get_args

import numpy as np
from numpy.typing import NDArray

from ...avatars.motion import Motion
from ...core.errors import InputError
from ..emotion import canonical_emotion
from ..face_motion import FaceMotion

F32 = NDArray[np.float32]
T = TypeVar("T")

Part = Literal["train", "val", "test"]
FLAME_VERTICES = 5023
FLAME_TOPOLOGY = "flame-5023"


@dataclass(frozen=True)
class Label:
    """The expression of a sequence."""

    name: str  # as the data set writes it
    emotion: str | None  # canonical, or None where the expression is none of our emotions
    level: float = 1.0  # strength at its strongest, 0..1
    held: bool = True  # throughout; otherwise it rises from neutral to an apex and falls back

    def strength(self, displacements: F32) -> F32:
        """Strength of the expression in every frame of `displacements` [T,V,3], [T] 0..1.

        An expression that is not held is as strong as its share of the apex: <d_t, d_apex> / <d_apex, d_apex>.
        """
        if self.held or not len(displacements):
            return np.full(len(displacements), self.level, np.float32)
        flat = displacements.reshape(len(displacements), -1)
        peak = flat[apex(displacements)]
        share = flat @ peak / max(float(peak @ peak), np.finfo(np.float32).tiny)
        return (self.level * np.clip(share, 0, 1)).astype(np.float32)


def apex(displacements: F32) -> int:
    """Frame with the largest displacement (root mean square over vertices)."""
    return int(np.einsum("tvc,tvc->t", displacements, displacements).argmax())


@dataclass(frozen=True, eq=False)
class Sequence:
    """One recording; the large arrays are read only when they are asked for."""

    subject: str  # as the data set writes it
    person: str  # the same for the same person in every data set
    name: str
    part: Part | None  # of the standard split; None where the split leaves it out
    label: Label | None
    fps: float
    vertices: Callable[[], F32]  # [T,V,3] metres
    neutral: Callable[[], F32]  # [V,3] metres, the person at rest
    audio: Callable[[], F32] | None  # mono 16 kHz from the first frame on; may end a little before or after the frames
    # what the face does, where it was not measured as a mesh: of any head, or in parameters of the head in use
    performed: Callable[[], FaceMotion | Motion] | None = None

    def displacements(self) -> F32:
        """Offsets from the person's neutral face [T,V,3], metres; raises InputError when the data are unusable."""
        vertices, neutral = self.vertices(), self.neutral()
        where = f"{self.subject}/{self.name}"
        if vertices.ndim != 3 or vertices.shape[1:] != neutral.shape or not len(vertices):
            raise InputError(f"{where}: expected frames of {list(neutral.shape)}, found {list(vertices.shape)}")
        displacements = vertices - neutral
        if not np.isfinite(displacements).all():
            raise InputError(f"{where}: expected finite numbers, found NaN or infinity")
        return displacements


@dataclass(frozen=True, eq=False)
class DataSet:
    """Sequences on one mesh topology."""

    kind: str
    topology: str  # sequences of the same topology share vertex indices
    sequences: tuple[Sequence, ...]
    skipped: tuple[str, ...] = ()  # what was found but not read, and why; one line each

    def __iter__(self) -> Iterator[Sequence]:
        return iter(self.sequences)

    def __len__(self) -> int:
        return len(self.sequences)

    def split(self, part: Part) -> DataSet:
        """The sequences of one part of the standard split."""
        return replace(self, sequences=tuple(s for s in self.sequences if s.part == part))


def domains(data: DataSet) -> tuple[DataSet, DataSet]:
    """Speech, and expressions: the sequences that rise from neutral to an apex and fall back."""
    shown = tuple(s for s in data if s.label is not None and not s.label.held)
    spoken = tuple(s for s in data if s.label is None or s.label.held)
    return replace(data, sequences=spoken), replace(data, sequences=shown)


def some_of(data: DataSet, *, part: str, limit: int | None = None) -> DataSet:
    """Sequences with sound of one part of the split, or of "all"; at most `limit`, evenly. Raises InputError."""
    if part not in (*get_args(Part), "all"):
        raise InputError(f"--part {part}: expected one of {', '.join(get_args(Part))}, all")
    chosen = [s for s in data if part in (s.part, "all") and s.audio is not None]
    if not chosen:
        raise InputError(f"data set {data.kind!r}: expected sequences with sound in part {part!r}, found none")
    count = min(limit or len(chosen), len(chosen))
    return replace(data, sequences=tuple(chosen[i * len(chosen) // count] for i in range(count)))


def collected(
    folder: Path, kind: str, topology: str, sequences: Iterable[Sequence], skipped: Iterable[str], *, source: str
) -> DataSet:
    """What was found in `folder`; raises InputError when that is nothing."""
    data = DataSet(kind, topology, tuple(sequences), tuple(skipped))
    if not data.sequences:
        reason = f" ({data.skipped[0]}; {len(data.skipped)} skipped)" if data.skipped else ""
        raise InputError(f"{folder}: expected sequences of {kind}, found none{reason}; get them from {source}")
    return data


def joint_split(first: DataSet, second: DataSet) -> tuple[DataSet, DataSet]:
    """The same data sets, split so that nobody is trained on in one and tested on in the other.

    Whoever is in both keeps the part of `first`. Raises InputError when a shared person is in several parts of it.
    """
    shared = {s.person for s in first} & {s.person for s in second}
    parts = {person: _only_part(first, person) for person in sorted(shared)}
    moved = tuple(
        replace(s, part=parts[s.person]) if s.person in parts and s.part is not None else s for s in second.sequences
    )
    return first, replace(second, sequences=moved)


def _only_part(data: DataSet, person: str) -> Part | None:
    found: set[Part] = {s.part for s in data if s.person == person and s.part is not None}
    if len(found) > 1:
        parts = ", ".join(sorted(map(str, found)))
        raise InputError(f"{data.kind}: expected {person} in one part of the split, found {parts}")
    return found.pop() if found else None


def hashed_part(person: str) -> Part:
    """A part for a person of a data set without a standard split: the same on every machine, about 80:10:10."""
    share = int.from_bytes(hashlib.sha256(person.encode()).digest()[:4], "big") / 2**32
    return "train" if share < 0.8 else "val" if share < 0.9 else "test"


def find_emotion(name: str) -> str | None:
    """The canonical emotion that a data set's label means, or None."""
    try:
        return canonical_emotion(name)
    except InputError:
        return None


def constant(value: T) -> Callable[[], T]:
    """A function that returns `value` (and, unlike a lambda, can be sent to another process)."""
    return partial(_identity, value)


def _identity(value: T) -> T:
    return value
