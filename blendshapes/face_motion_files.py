"""Face motion on disk: our own JSON, and curves of ARKit weights from Live Link Face and Audio2Face by name."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.tables import read_text
from .face_curve_files import Note, from_csv, from_json, names_of, rate_of, table_of
from .face_motion import REGIONS, RIGID, FaceMotion, check_channel

FORMAT = "emosplat-face-motion-1"
FACE_MOTION = ".json"
FACE_SUFFIXES = (FACE_MOTION, ".csv")
MAX_BYTES = 512 << 20
LARGEST = 1000.0  # in any column: weights are 0..1, angles a few radians, basis coefficients a few standard deviations
LAST_FRAME = 2**48  # times of frames beyond lose their halves


def save_face_motion(path: Path, motion: FaceMotion) -> None:
    """Write the JSON of docs/formats.md: a line per frame, columns that stay at 0 left out, numbers to the last bit."""
    columns = [name for name in motion.columns if motion.column(name).any()]
    table = motion.table(columns).tolist()
    head = {"format": FORMAT, "fps": motion.fps, "first": motion.first, "seed": motion.seed, "columns": columns}
    if not motion.given.all():
        head["given"] = {region: _runs(motion.given[:, r]) for r, region in enumerate(REGIONS)}
    with path.open("w", encoding="utf-8") as stream:
        stream.write("{\n")
        stream.writelines(f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in head.items())
        stream.write(' "frames": [\n')
        stream.write(",\n".join("  " + json.dumps(row) for row in table))
        stream.write("\n ]\n}\n")


def load_face_motion(path: Path, *, fps: float | None = None, note: Note = lambda _: None) -> FaceMotion:
    """Read what `save_face_motion` wrote, Live Link Face CSV, or the JSON and CSV of ARKit weights of Audio2Face.

    `fps` is the frame rate of time codes that do not tell it. Columns are found by name; those of no face are left
    out; frames that were dropped are interpolated, and so are cells of others' files that hold no number, which `note`
    is told. Raises InputError that names the file and what is wrong.
    """
    motion = _read(path, fps, note)
    for name in motion.columns:
        column = np.abs(motion.column(name))
        if column.max(initial=0) > LARGEST:
            raise InputError(f"{path}: {name}: expected numbers within {LARGEST:g}, found {column.max():g}")
    return motion


def _read(path: Path, fps: float | None, note: Note) -> FaceMotion:
    text = read_text(path, most=MAX_BYTES)
    if path.suffix.lower() == ".csv":
        return from_csv(path, text, fps, note)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found something else ({error})") from error
    if (curves := from_json(path, found, fps, note)) is not None:
        return curves
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(found).__name__}")
    if found.get("format") != FORMAT:
        raise InputError(f"{path}: format: expected {FORMAT!r}, found {str(found.get('format'))[:60]!r}")
    return _from_ours(path, found)


def _from_ours(path: Path, found: dict[str, Any]) -> FaceMotion:
    columns = names_of(path, "columns", found.get("columns"))
    frames = table_of(path, "frames", found.get("frames"), len(columns))
    fps = rate_of(path, "fps", found.get("fps"))
    first = _integer(path, "first", found.get("first", 0), most=LAST_FRAME)
    seed = _integer(path, "seed", found.get("seed", 0), most=2**63 - 1)
    for name in columns:
        if name not in RIGID:
            try:
                check_channel(name)
            except ValueError as error:
                raise InputError(f"{path}: columns: {error}") from error
    motion = FaceMotion.rest(len(frames), fps=fps, first=first, seed=seed)
    motion = motion.with_columns(dict(zip(columns, frames.T, strict=True)))
    return _with_given(path, motion, found.get("given"))


def _with_given(path: Path, motion: FaceMotion, given: Any) -> FaceMotion:
    if given is None:
        return motion
    mask = np.zeros((len(motion), len(REGIONS)), bool)
    if not isinstance(given, dict) or not set(given) <= set(REGIONS):
        raise InputError(f"{path}: given: expected an object with regions of {', '.join(REGIONS)}")
    for region, runs in given.items():
        for run in runs if isinstance(runs, list) else [runs]:
            if not _is_run(run, len(motion)):
                raise InputError(f"{path}: given.{region}: expected pairs of frames within 0..{len(motion)}")
            mask[run[0] : run[1], REGIONS.index(region)] = True
    return replace(motion, given=mask)


def _is_run(run: Any, frames: int) -> bool:
    pair = isinstance(run, list) and len(run) == 2 and all(type(n) is int for n in run)
    return pair and 0 <= run[0] <= run[1] <= frames


def _integer(path: Path, field: str, found: Any, *, most: int) -> int:
    if type(found) is not int or not 0 <= found <= most:
        raise InputError(f"{path}: {field}: expected an integer in 0..{most}, found {str(found)[:40]!r}")
    return found


def _runs(mask: NDArray[np.bool_]) -> list[list[int]]:
    """First frame and the one after the last of each run of True."""
    runs: list[list[int]] = []
    start = 0
    for known, frames in groupby(mask.tolist()):
        end = start + len(list(frames))
        runs += [[start, end]] if known else []
        start = end
    return runs
