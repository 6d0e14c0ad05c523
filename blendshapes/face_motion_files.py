"""Face motion on disk: our own JSON, and curves of ARKit weights from Live Link Face and Audio2Face by name."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..avatars.arkit import ARKIT_52, EYE_RANGE
from ..core.errors import InputError
from ..core.tables import csv_lines, number, read_text
from .face_motion import JAW_OPEN, REGIONS, RIGID, SHAPES, SIDES, FaceMotion, check_channel

F64 = NDArray[np.float64]

FORMAT = "emosplat-face-motion-1"
FACE_MOTION = ".json"
FACE_SUFFIXES = (FACE_MOTION, ".csv")
MAX_BYTES = 512 << 20
MOST_COLUMNS = 4096
MOST_FRAMES = 10_000_000
LARGEST = 1000.0  # in any column: weights are 0..1, angles a few radians, basis coefficients a few standard deviations
FASTEST = 1000.0  # frames per second
LONGEST = 1e7  # seconds
LAST_FRAME = 2**48  # times of frames beyond lose their halves
MOST_BAD = 0.5  # share of a column's cells, or of the rows, that may be no numbers
Note = Callable[[str], None]
RATES = (24, 25, 30, 48, 50, 60, 100, 120)  # frames per second that a time code of less than a second may mean
# Live Link Face's names of angles (radians) -> our columns
ANGLES = {
    "headpitch": "headPitch",
    "headyaw": "headYaw",
    "headroll": "headRoll",
    "lefteyepitch": "gazeLeftPitch",
    "lefteyeyaw": "gazeLeftYaw",
    "righteyepitch": "gazeRightPitch",
    "righteyeyaw": "gazeRightYaw",
}
_BY_NAME = {name.lower(): name for name in (*ARKIT_52, *SHAPES)}


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
        return _from_csv(path, text, fps, note)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found something else ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(found).__name__}")
    if "facsNames" in found or "weightMat" in found:
        return _from_audio2face(path, found, note)
    if found.get("format") != FORMAT:
        raise InputError(f"{path}: format: expected {FORMAT!r}, found {str(found.get('format'))[:60]!r}")
    return _from_ours(path, found)


def _from_ours(path: Path, found: dict[str, Any]) -> FaceMotion:
    columns = _names(path, "columns", found.get("columns"))
    frames = _table(path, "frames", found.get("frames"), len(columns))
    fps = _rate(path, "fps", found.get("fps"))
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


def _from_audio2face(path: Path, found: dict[str, Any], note: Note) -> FaceMotion:
    names = _names(path, "facsNames", found.get("facsNames"))
    weights = _table(path, "weightMat", found.get("weightMat"), len(names), gaps=True)
    fps = _rate(path, "exportFps", found.get("exportFps", 30))
    names, weights = _mended(path, names, weights, np.arange(len(weights)) / fps, note)
    return _of_arkit(path, names, weights, fps=fps)


def _mended(path: Path, names: Sequence[str], values: F64, times: F64, note: Note) -> tuple[list[str], F64]:
    """The columns [T, n] whose cells are numbers, those of the others taken from the frames around; notes tell which.

    A column that is mostly no numbers is left out. Raises InputError where none is left.
    """
    good = np.isfinite(values)
    if good.all():
        return list(names), values
    kept = good.mean(axis=0) > 1 - MOST_BAD
    left_out = [name for name, keep in zip(names, kept, strict=True) if not keep]
    if not kept.any():
        raise InputError(f"{path}: expected numbers, found mostly something else in {_listed(left_out)}")
    mended = values.copy()
    for column in np.flatnonzero(kept & ~good.all(axis=0)):
        known = good[:, column]
        mended[:, column] = np.interp(times, times[known], values[known, column])
    if left_out:
        note(f"{path}: left out, because most of it is no numbers: {_listed(left_out)}")
    if count := int((~good[:, kept]).sum()):
        row, column = np.argwhere(~good & kept)[0]
        note(
            f"{path}: {count} cells are no numbers, the first {names[column]} at {times[row] - times[0]:.2f} s; taken "
            "from the frames around"
        )
    return [name for name, keep in zip(names, kept, strict=True) if keep], mended[:, kept]


def _from_csv(path: Path, text: str, fps: float | None, note: Note) -> FaceMotion:
    """CSV with a column of time codes (h:m:s:frame) or seconds, and columns by name; `;` and decimal commas as well."""
    header = text.partition("\n")[0]
    semicolons = header.count(";") > header.count(",")
    lines = csv_lines(text, source=str(path), delimiter=";" if semicolons else ",")
    if semicolons:
        lines = [(line, [cell.replace(",", ".") for cell in row]) for line, row in lines]
    if len(lines) < 2:
        raise InputError(f"{path}: expected a header with ARKit names and at least one frame, found {len(lines)} lines")
    names = [cell.strip().split(".")[-1] for cell in lines[0][1]]
    clock = next((i for i, name in enumerate(names) if name.lower() == "timecode"), None)
    if clock is None:
        raise InputError(f"{path}: line {lines[0][0]}: expected a column Timecode, found {_listed(names)}")
    kept = [i for i, name in enumerate(names) if name.lower() in _BY_NAME or name.lower() in ANGLES]
    rows = _whole_rows(path, lines[1:], len(names), clock, note)
    values = np.array([[_number(cells[i]) for i in kept] for _, cells in rows]).reshape(len(rows), len(kept))
    times, rate = _times(path, [(n, cells[clock]) for n, cells in rows], fps)
    if not 0 < rate <= FASTEST:
        raise InputError(f"{path}: Timecode: expected at most {FASTEST:g} frames per second, found {rate:g}")
    frames = round(float(times[-1] - times[0]) * rate) + 1
    if frames > 10 * len(times) + 1000:
        raise InputError(f"{path}: Timecode: expected consecutive frames, found {len(times)} of {frames}")
    found, values = _mended(path, [names[i] for i in kept], values, times, note)
    grid = times[0] + np.arange(frames) / rate
    values = np.stack([np.interp(grid, times, column) for column in values.T], axis=1) if found else values
    return _of_arkit(path, found, values, fps=rate)


def _whole_rows(
    path: Path, lines: Sequence[tuple[int, list[str]]], width: int, clock: int, note: Note
) -> list[tuple[int, list[str]]]:
    """The lines that have all their cells and a time; a recording that was broken off ends in half a line."""
    whole = [(line, cells) for line, cells in lines if len(cells) == width and cells[clock].strip()]
    if len(whole) <= (1 - MOST_BAD) * len(lines):
        line, cells = next((line, cells) for line, cells in lines if (line, cells) not in whole)
        raise InputError(f"{path}: line {line}: expected {width} cells and a time, found {len(cells)} cells")
    if len(whole) < len(lines):
        kept = {line for line, _ in whole}
        first = next(line for line, _ in lines if line not in kept)
        note(f"{path}: {len(lines) - len(whole)} lines left out that miss cells or the time, the first line {first}")
    return whole


def _number(cell: str) -> float:
    """The finite number that a cell says, else NaN."""
    try:
        value = float(cell)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _times(path: Path, codes: Sequence[tuple[int, str]], fps: float | None) -> tuple[F64, float]:
    """Seconds of every row, increasing, and the frame rate."""
    if ":" not in codes[0][1]:
        times = np.array([number(code, f"{path}: line {n}: Timecode") for n, code in codes])
        if np.abs(times).max() > LONGEST:
            raise InputError(f"{path}: Timecode: expected seconds within {LONGEST:g}, found {np.abs(times).max():g}")
        steps = np.diff(times)
        _check_increasing(path, codes, steps)
        usual = float(np.median(steps)) if len(steps) else 1 / (fps or 30)
        return times, fps or _near(1 / usual)
    parts = [_timecode(path, n, code) for n, code in codes]
    counted = np.array([part[1] for part in parts])
    highest = math.floor(counted.max()) + 1
    # the last frame of a second may be missing from a short recording, or from one that left frames out
    gaps = len({part[0] for part in parts}) < 3 or (np.diff(counted) % highest > 1.5).any()
    rate = fps or (next((r for r in RATES if r >= highest), highest) if gaps else highest)
    times = np.array([second + frame / rate for second, frame in parts])
    times[1:] += 86_400 * np.cumsum(np.diff(times) < -43_200)  # midnight
    _check_increasing(path, codes, np.diff(times))
    return times, float(rate)


def _timecode(path: Path, line: int, code: str) -> tuple[int, float]:
    """Whole seconds and the frame within, of `hours:minutes:seconds:frame` with a fraction of a frame."""
    parts = code.strip().split(":")
    where = f"{path}: line {line}: Timecode"
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts[:3]):
        raise InputError(f"{where}: expected hours:minutes:seconds:frame, found {code[:40]!r}")
    hours, minutes, seconds = (int(part) for part in parts[:3])
    frame = number(parts[3], where)
    if hours > 24 or minutes > 59 or seconds > 59 or not 0 <= frame < 1000:
        raise InputError(f"{where}: expected a time of day and a frame from 0 on, found {code[:40]!r}")
    return hours * 3600 + minutes * 60 + seconds, frame


def _check_increasing(path: Path, codes: Sequence[tuple[int, str]], steps: F64) -> None:
    if len(wrong := np.flatnonzero(steps <= 0)):
        line, code = codes[int(wrong[0]) + 1]
        raise InputError(f"{path}: line {line}: Timecode: expected increasing times, found {code[:40]!r}")


def _near(rate: float) -> float:
    """The usual frame rate that is meant, where times are rounded."""
    usual = min((*RATES, 24000 / 1001, 30000 / 1001, 60000 / 1001), key=lambda r: abs(r - rate))
    return float(usual) if abs(usual - rate) < 0.01 * usual else rate


def _of_arkit(path: Path, names: Sequence[str], values: F64, *, fps: float) -> FaceMotion:
    """Face motion of ARKit weights [T, n] and angles by name, in any case."""
    columns: dict[str, F64] = {}
    for name, column in zip(names, values.T, strict=True):
        known = _BY_NAME.get(name.lower())
        if known is None and name.lower() not in ANGLES:
            continue
        column_name = known or ANGLES[name.lower()]
        if column_name in columns:
            raise InputError(f"{path}: expected each column once, found {name!r} twice")
        columns[column_name] = column
    if not set(columns) & set(_BY_NAME.values()):
        raise InputError(f"{path}: expected columns of ARKit's 52 names, found {_listed(names)}")
    return FaceMotion.rest(len(values), fps=fps).with_columns(dict(by_joints(columns)))


def by_joints(columns: Mapping[str, F64]) -> Iterator[tuple[str, F64]]:
    """ARKit weights [T] by name as columns of a face motion: jaw, lids and gaze become those of the joints.

    Measured angles of the eyes go before weights.
    """
    for name, column in columns.items():
        if name == "jawOpen":
            yield "jawPitch", JAW_OPEN * column
        elif name.startswith("eyeBlink"):
            yield f"lid{name[8:]}", column
        elif not name.startswith("eyeLook"):
            yield name, column
    still = np.zeros(1)
    for side, outward in zip(SIDES, (1, -1), strict=True):
        look = {way: columns.get(f"eyeLook{way}{side}", still) for way in ("Up", "Down", "In", "Out")}
        if f"gaze{side}Pitch" not in columns and any(f"eyeLook{way}{side}" in columns for way in look):
            yield f"gaze{side}Pitch", EYE_RANGE * (look["Down"] - look["Up"])
            yield f"gaze{side}Yaw", outward * EYE_RANGE * (look["Out"] - look["In"])


def _listed(names: Sequence[str]) -> str:
    """Names on one line, for an error."""
    return " ".join(", ".join(names).split())[:80] or "none"


def _names(path: Path, field: str, found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found) or len(found) > MOST_COLUMNS:
        raise InputError(f"{path}: {field}: expected a list of at most {MOST_COLUMNS} names")
    if len(set(found)) < len(found):
        raise InputError(f"{path}: {field}: expected each name once")
    return found


def _table(path: Path, field: str, found: Any, width: int, *, gaps: bool = False) -> F64:
    """Numbers [T, width], finite; with `gaps` they and `null` may be missing, as NaN."""
    if not isinstance(found, list) or len(found) > MOST_FRAMES:
        raise InputError(f"{path}: {field}: expected a list of frames")
    kinds = (int, float, type(None)) if gaps else (int, float)
    for frame, row in enumerate(found):
        if not isinstance(row, list) or len(row) != width or not all(type(v) in kinds for v in row):
            raise InputError(f"{path}: {field}[{frame}]: expected {width} numbers")
    try:
        table = np.array(found, np.float64).reshape(len(found), width)
    except OverflowError as error:
        raise InputError(f"{path}: {field}: expected finite numbers ({error})") from error
    if not gaps and not np.isfinite(table).all():
        raise InputError(f"{path}: {field}: expected finite numbers")
    return table


def _rate(path: Path, field: str, found: Any) -> float:
    if type(found) not in (int, float) or not 0 < found <= FASTEST:
        raise InputError(f"{path}: {field}: expected a number above 0, at most {FASTEST:g}, found {str(found)[:40]!r}")
    return found


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
