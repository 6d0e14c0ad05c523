"""Faces tracked in films by `render data track`: face motions that any head plays, each with its sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from ...core.tables import read_text
from ..face_motion_files import load_face_motion
from .files import AUDIO_RATE, F32, read_audio, require
from .recordings import Files, Found, Recording, Unused, sound_and_film
from .sequence import DataSet, Sequence, collected, hashed_part

KIND = "tracked"
SOURCE = "`render data track`"
FORMAT = "emosplat-tracked-1"
MANIFEST, FACES, AUDIO = "manifest.jsonl", "faces", "audio"
MAX_BYTES = 64 << 20
CHUNK = 256  # frames that are posed at a time


def read_manifest(folder: Path) -> list[dict[str, Any]]:
    """The lines of a folder's manifest; raises InputError where one is none of ours."""
    require(folder, (MANIFEST,), kind="tracked films", source=SOURCE)
    path = folder / MANIFEST
    return list(_rows(read_text(path, most=MAX_BYTES), str(path)))


def open_tracked(folder: Path, head: HeadModel) -> DataSet:
    """The films of a folder on `head`, every film somebody of their own unless `speaker` names one."""
    sequences, skipped = [], []
    for row in read_manifest(folder):
        if missing := [row[key] for key in ("face", "file") if not (folder / row[key]).is_file()]:
            skipped.append(f"{row['id']}: no {missing[0]}")
            continue
        who = str(row.get("speaker") or row["id"])
        sequences.append(
            Sequence(
                subject=who,
                person=f"{KIND}/{who}",
                name=row["id"],
                part=hashed_part(f"{KIND}/{who}"),
                label=None,
                fps=row["fps"],
                vertices=partial(_vertices, folder / row["face"], head),
                neutral=partial(_neutral, head),
                audio=partial(_audio, folder / row["file"], row["fps"]),
            )
        )
    return collected(folder, KIND, head.version, sequences, skipped, source=SOURCE)


def recordings(files: Files) -> Found:
    """The sounds of a folder's manifest, which tell no emotion."""
    rows = _rows(files.text(MANIFEST), MANIFEST) if MANIFEST in files.names else ()
    told = {row["file"]: row for row in rows}
    for name, _ in sound_and_film(files):
        if name in told:
            row = told[name]
            yield Recording(name, row["id"], extra={"speaker": str(row["speaker"])} if row.get("speaker") else {})
        else:
            yield Unused(name, f"{MANIFEST} does not name it")


def _rows(text: str, where: str) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{where}: line {number}: expected an object in JSON, found {line[:40]!r}") from error
        if not isinstance(row, dict) or row.get("format") != FORMAT:
            raise InputError(f"{where}: line {number}: expected format {FORMAT!r}; was the folder made by {SOURCE}?")
        for field in ("id", "file", "face", "source"):
            if not isinstance(row.get(field), str):
                raise InputError(
                    f"{where}: line {number}: {field}: expected a text, found {str(row.get(field))[:40]!r}"
                )
        for field in ("file", "face"):
            if Path(row[field]).is_absolute() or ".." in Path(row[field]).parts:
                raise InputError(
                    f"{where}: line {number}: {field}: expected a file of the folder, found {row[field]!r}"
                )
        if type(row.get("fps")) not in (int, float) or not 1 <= row["fps"] <= 1000:
            raise InputError(f"{where}: line {number}: fps: expected 1..1000, found {str(row.get('fps'))[:40]!r}")
        yield row


def _vertices(path: Path, head: HeadModel) -> F32:
    """Vertices [T,V,3] of the face; the head keeps still."""
    from ..solve.solver import Solver

    solver, poser, face = Solver(head), Poser(head), load_face_motion(path)
    if not len(face):
        raise InputError(f"{path}: expected frames, found none")
    return np.concatenate([poser.vertices(_still(solver(piece))) for piece in face.chunks(CHUNK)])


def _still(motion: Motion) -> Motion:
    still = np.zeros_like(motion.neck)
    return replace(motion, neck=still, rotation=still, translation=still)


def _neutral(head: HeadModel) -> F32:
    return head.v_template


def _audio(path: Path, fps: float) -> F32:
    """The sound from the middle of the first frame on, as those of other data sets begin with their frames."""
    return read_audio(path)[round(0.5 / fps * AUDIO_RATE) :]
