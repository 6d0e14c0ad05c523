"""Faces tracked in films by `render data track`: face motions that any head plays, each with its sound."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...core.tables import read_text
from .faces import face_sequence, load_frames
from .files import require
from .recordings import Files, Found, Recording, Unused, sound_and_film
from .sequence import DataSet, collected

KIND = "tracked"
SOURCE = "`render data track`"
FORMAT = "emosplat-tracked-1"
MANIFEST, FACES, AUDIO = "manifest.jsonl", "faces", "audio"
MAX_BYTES = 64 << 20


def are_films(folder: Path) -> bool:
    """Whether `render data track` wrote the folder."""
    path = folder / MANIFEST
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return FORMAT.encode() in file.read(65536)


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
            face_sequence(
                partial(load_frames, folder / row["face"]),
                head,
                subject=who,
                person=f"{KIND}/{who}",
                name=row["id"],
                label=None,
                sound=folder / row["file"],
                fps=row["fps"],
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
