"""Face motions beside their sounds, in pairs of files: recorded by a phone (Live Link Face), or exported by programs.

A face motion is `x.csv` or `x.json`, its sound `x.wav` or any other sound or film of the same name in the same folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52
from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from ...core.media_formats import FILM, SOUND
from ...core.rotation import axis_angles, nearest_rotation, rotation_matrices
from ..face_motion import FaceMotion
from ..face_motion_files import FACE_MOTION, load_face_motion
from .files import AUDIO_RATE, F32, read_audio
from .sequence import DataSet, Label, Sequence, collected, find_emotion, hashed_part

KIND = "faces"
SOURCE = "Live Link Face or whatever measured them (docs/datasets.md)"
TABLE = ".csv"
FACE_FILES = (TABLE, FACE_MOTION)
CALIBRATED = "_cal"  # what Live Link Face adds to the name of curves from which the neutral face was taken off
FPS = 60.0  # frames per second at which files are read that tell their own rate only to whom reads them whole
CHUNK = 256  # frames that are posed at a time
HEADER = 16384  # bytes of a table in which a column of ARKit's names must be
_NAMES = tuple(name.lower().encode() for name in ARKIT_52)


@dataclass(frozen=True)
class Pair:
    """A motion and its sound."""

    name: str  # relative to the person's folder, without suffix
    motion: Path
    sound: Path
    who: str
    label: Label | None


def open_faces(folder: Path, head: HeadModel) -> DataSet:
    """Face motions beside their sounds, on `head`; the folders of `folder` are the people. Raises InputError."""
    found, skipped = pairs(folder, FACE_FILES)
    sequences = [
        face_sequence(
            partial(read_face, pair.motion),
            head,
            subject=pair.who,
            person=f"{KIND}/{pair.who}",
            name=pair.name,
            label=pair.label,
            sound=pair.sound,
        )
        for pair in found
    ]
    return collected(folder, KIND, head.version, sequences, skipped, source=SOURCE)


def pairs(folder: Path, motions: tuple[str, ...]) -> tuple[list[Pair], list[str]]:
    """Motions with these suffixes, the better first, that have a sound beside them; and what has none, and why.

    Whose they are is told by the first folder below `folder` that names no emotion, else by `folder` itself; a folder
    that names one (`anna/angry/take1.csv`) tells that one, held.
    """
    files = sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith("."))
    sounds: dict[Path, Path] = {}
    for path in sorted((p for p in files if p.suffix.lower() in SOUND | FILM), key=_preferred):
        sounds.setdefault(path.with_suffix(""), path)
    taken: dict[Path, Pair] = {}
    skipped: list[str] = []
    outputs = set(files)  # `t1.csv.json` beside `t1.csv` is the record of how emosplat made it
    candidates = (p for p in files if p.suffix.lower() in motions and p.with_suffix("") not in outputs)
    for path in sorted(candidates, key=lambda p: (not p.stem.endswith(CALIBRATED), motions.index(p.suffix.lower()))):
        stem, name = path.with_suffix(""), path.relative_to(folder)
        sound = sounds.get(stem) or sounds.get(stem.with_name(stem.name.removesuffix(CALIBRATED)))
        if sound is None:
            skipped.append(f"{name}: no sound of that name beside it")
        elif path.suffix.lower() == TABLE and (reason := _useless(path)):
            skipped.append(f"{name}: {reason}")
        elif sound in taken:
            skipped.append(f"{name}: the sound goes with {taken[sound].motion.name}")
        else:
            who, label = _whose(folder, name)
            own = name.relative_to(who) if name.parts[0] == who and len(name.parts) > 1 else name
            taken[sound] = Pair(own.with_suffix("").as_posix(), path, sound, who, label)
    return sorted(taken.values(), key=lambda pair: (pair.who, pair.name)), skipped


def sound_beside(motion: Path) -> Path | None:
    """The sound, or film, of a motion's name in its folder, if there is one."""
    stems = {motion.stem, motion.stem.removesuffix(CALIBRATED)}
    beside = (p for p in motion.parent.iterdir() if p.stem in stems and p.suffix.lower() in SOUND | FILM)
    return min(beside, key=_preferred, default=None)


def face_sequence(
    read: Callable[[], FaceMotion],
    head: HeadModel,
    *,
    subject: str,
    person: str,
    name: str,
    label: Label | None,
    sound: Path,
    fps: float = FPS,
) -> Sequence:
    """A sequence of a face motion that `read` fetches, at `fps`, when it is asked for."""
    return Sequence(
        subject=subject,
        person=person,
        name=name,
        part=hashed_part(person),
        label=label,
        fps=fps,
        vertices=partial(_vertices, read, head),
        neutral=partial(neutral_of, head),
        audio=partial(_audio, sound, fps),
        performed=read,
    )


def read_face(path: Path, *, fps: float = FPS) -> FaceMotion:
    """A face motion at `fps`, whose head turns about where it usually looks: nobody knows where the camera was."""
    face = load_frames(path)
    return facing(face if face.fps == fps else face.resampled(fps))


def load_frames(path: Path) -> FaceMotion:
    """A face motion that has frames; raises InputError."""
    face = load_face_motion(path)
    if not len(face):
        raise InputError(f"{path}: expected frames, found none")
    return face


def facing(face: FaceMotion) -> FaceMotion:
    """The same face with the head's turn relative to its usual one, and its translation to its middle."""
    turned = rotation_matrices(face.head[:, :3].astype(np.float32)).astype(np.float64)
    usual = nearest_rotation(turned.mean(axis=0))
    moved = face.head[:, 3:] - np.median(face.head[:, 3:], axis=0)
    return replace(face, head=np.concatenate([axis_angles(usual.T @ turned), moved @ usual], axis=1))


def _preferred(path: Path) -> tuple[bool, str]:
    return path.suffix.lower() not in SOUND, path.name


def _useless(path: Path) -> str:
    """Why a table can be no face motion; "" where it may be one."""
    try:
        with path.open("rb") as file:
            header = file.read(HEADER).split(b"\n", 1)[0].lower()
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if any(name in header for name in _NAMES) else "no column of ARKit's 52 names"


def _whose(folder: Path, name: Path) -> tuple[str, Label | None]:
    shown = {part: emotion for part in name.parent.parts if (emotion := find_emotion(part)) is not None}
    people: Iterator[str] = (part for part in name.parent.parts if part not in shown)
    label = next((Label(part, emotion) for part, emotion in shown.items()), None)
    return next(people, folder.resolve().name), label


def _vertices(read: Callable[[], FaceMotion], head: HeadModel) -> F32:
    """Vertices [T,V,3] of the face; the head keeps still."""
    from ..solve.solver import Solver

    solver, poser = Solver(head), Poser(head)
    return np.concatenate([poser.vertices(_still(solver(piece))) for piece in read().chunks(CHUNK)])


def _still(motion: Motion) -> Motion:
    still = np.zeros_like(motion.neck)
    return replace(motion, neck=still, rotation=still, translation=still)


def neutral_of(head: HeadModel) -> F32:
    """Vertices [V,3] of the head at rest, metres."""
    return head.v_template


def _audio(path: Path, fps: float) -> NDArray[np.float32]:
    """The sound from the middle of the first frame on, as those of other data sets begin with their frames."""
    return read_audio(path)[round(0.5 / fps * AUDIO_RATE) :]
