"""The corpus that emosplat generates: parameters of invented people, posed on the head that they were made for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import cast, get_args

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.npz import NpzFields
from ...core.whole_files import whole_file
from .files import F32, read_audio
from .flame_fits import with_identity
from .sequence import DataSet, Label, Part, collected, find_emotion
from .sequence import Sequence as Recording

KIND = "generated"
SOURCE = "`render data generate`"
FORMAT = "emosplat-corpus-1"
DOMAINS = ("speech", "expressions")  # folders


@dataclass(frozen=True, eq=False)
class ClipSource:
    """One sequence of somebody."""

    name: str
    emotion: str
    level: float  # 0..1 at its strongest
    expr: F32  # [T, E] everything that the face does
    jaw: F32  # [T] radians
    own_expr: F32  # [T, E] without what the other domain added
    own_jaw: F32  # [T]


@dataclass(frozen=True, eq=False)
class Person:
    """Somebody's sequences of one domain, as one file holds them."""

    name: str
    part: Part
    identity: F32  # [I]
    fps: float
    held: bool  # emotions hold throughout; otherwise they rise from neutral to an apex and fall back
    takes: Sequence[ClipSource]


def save_person(folder: Path, person: Person, head: HeadModel) -> Path:
    """Write `<folder>/<name>.npz`, whole or not at all."""
    takes = person.takes
    arrays = {
        field: np.concatenate([getattr(take, field) for take in takes]).astype(dtype)
        for field, dtype in (("expr", "f2"), ("own_expr", "f2"), ("jaw", "f4"), ("own_jaw", "f4"))
    }
    path = folder / f"{person.name}.npz"
    with whole_file(path, keep_suffix=True) as staged:
        np.savez(
            staged,
            format=np.array(FORMAT),
            version=np.array(head.version),
            part=np.array(person.part),
            identity=person.identity.astype(np.float32),
            fps=np.array(person.fps),
            held=np.array(int(person.held)),
            names=np.array([take.name for take in takes]),
            emotions=np.array([take.emotion for take in takes]),
            levels=np.array([take.level for take in takes], np.float32),
            frames=np.array([len(take.jaw) for take in takes]),
            **arrays,  # type: ignore[arg-type]
        )
    return path


def open_generated(folder: Path, head: HeadModel, *, own: bool = False) -> DataSet:
    """`<person>.npz` files of one domain, or of both in the folders `speech` and `expressions`, posed on `head`.

    `own` leaves out what the other domain added. Raises InputError for a head of another version.
    """
    domains = [folder / name for name in DOMAINS if (folder / name).is_dir()] or [folder]
    paths = [path for domain in domains for path in sorted(domain.glob("[!.]*.npz"))]
    sequences = [s for path in paths for s in _sequences(path, head, own)]
    return collected(folder, KIND, head.version, sequences, (), source=SOURCE)


def _sequences(path: Path, head: HeadModel, own: bool) -> Iterator[Recording]:
    fields = NpzFields(path)
    for name, wanted in (("format", FORMAT), ("version", head.version)):
        if (found := fields.text(name)) != wanted:
            raise fields.error(name, repr(wanted), repr(found))
    part = fields.text("part")
    if part not in get_args(Part):
        raise fields.error("part", "train, val or test", repr(part))
    names, emotions = fields.texts("names", "S"), fields.texts("emotions", "S")
    levels, frames = fields.floats("levels", ("S",)), fields.get("frames", ("S",), "i").astype(np.int64)
    if not len(frames) or frames.min() < 1:
        raise fields.error("frames", "at least one frame in every sequence", str(frames.min(initial=0)))
    fps, held = float(fields.floats("fps", ())), bool(fields.get("held", (), "i"))
    ends = np.cumsum(frames)
    for name, emotion, level, start, end in zip(names, emotions, levels, ends - frames, ends, strict=True):
        sound = path.with_suffix("") / f"{name}.flac"  # of speech
        yield Recording(
            subject=path.stem,
            person=f"{KIND}/{path.stem}",
            name=name,
            part=cast(Part, part),
            label=Label(name.split("/")[0], find_emotion(emotion), float(level), held=held),
            fps=fps,
            vertices=partial(_vertices, path, head, own, slice(int(start), int(end)), int(ends[-1])),
            neutral=partial(_neutral, path, head),
            audio=partial(read_audio, sound) if sound.is_file() else None,
        )


def _vertices(path: Path, head: HeadModel, own: bool, rows: slice, total: int) -> F32:
    expr, jaw = _curves(path, head.expressions, own, total)
    motion = Motion.rest(rows.stop - rows.start, head.expressions, 1.0)
    motion.jaw[:, 0] = jaw[rows]
    return _poser(path, head).vertices(replace(motion, expr=expr[rows]))


def _neutral(path: Path, head: HeadModel) -> F32:
    return _poser(path, head).head.v_template


@lru_cache(maxsize=2)
def _poser(path: Path, head: HeadModel) -> Poser:
    """The person of a file."""
    return Poser(with_identity(head, NpzFields(path).floats("identity", ("I",))))


@lru_cache(maxsize=2)
def _curves(path: Path, expressions: int, own: bool, total: int) -> tuple[F32, F32]:
    """Expression [total, E] and jaw [total] of all sequences of a file."""
    prefix = "own_" if own else ""
    fields = NpzFields(path)
    return fields.floats(f"{prefix}expr", (total, expressions)), fields.floats(f"{prefix}jaw", (total,))
