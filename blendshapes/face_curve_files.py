"""Curves of ARKit weights as other programs write them: Live Link Face, Audio2Face, and tables by name."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..avatars.arkit import ARKIT_52, EYE_RANGE
from ..core.errors import InputError
from ..core.tables import csv_lines, delimiter_of, number
from .face_motion import JAW_OPEN, SHAPES, SIDES, FaceMotion

F64 = NDArray[np.float64]

MOST_COLUMNS = 4096
MOST_FRAMES = 10_000_000
FASTEST = 1000.0  # frames per second
LONGEST = 1e7  # seconds
MOST_BAD = 0.5  # share of a column's cells, or of the rows, that may be no numbers
Note = Callable[[str], None]
RATES = (24, 25, 30, 48, 50, 60, 100, 120)  # frames per second that a time code of less than a second may mean
USUAL_RATE = 30.0  # frames per second of files that count frames and tell no rate
CLOCKS = ("timecode", "time", "time_s", "timestamp", "timestamp_ms", "time_ms", "seconds", "frame", "frame_id")
RATE_NAMES = ("fps", "frameRate", "frame_rate", "exportFps")
PERCENT = 5.0  # weights beyond are taken as percent, as Unity has them
COARSE = 2.0  # seconds from one frame to the next: from there on they are thousandths
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


def from_json(path: Path, found: Any, fps: float | None, note: Note) -> FaceMotion | None:
    """Curves in JSON: Audio2Face's, or frames that are lists of weights or objects of them; None for anything else."""
    if isinstance(found, dict) and ("facsNames" in found or "weightMat" in found):
        return _from_audio2face(path, found, note)
    about = found if isinstance(found, dict) else {}
    frames = about.get("frames") if about else found
    if "format" in about or not isinstance(frames, list) or not frames or not all(isinstance(f, dict) for f in frames):
        return None
    metadata = about["metadata"] if isinstance(about.get("metadata"), dict) else {}
    told = next((d[name] for d in (about, metadata) for name in RATE_NAMES if name in d), None)
    rate = fps if told is None else rate_of(path, "fps", told)
    lists = [frame.get("weights") for frame in frames]
    if all(isinstance(row, list) for row in lists):  # LAM_Audio2Expression
        kept = names_of(path, "names", about.get("names", metadata.get("blendshape_names")))
        values = table_of(path, "frames", lists, len(kept), gaps=True)
    else:
        rows = [_flat(frame) for frame in frames]
        names = dict.fromkeys(name for row in rows for name in row)
        kept = [name for name in names if name.lower() in _BY_NAME or name.lower() in ANGLES]
        values = np.array([[_number(row.get(name, "")) for name in kept] for row in rows]).reshape(len(rows), len(kept))
    clock = next((name for wanted in CLOCKS for name in frames[0] if name.lower() == wanted), None)
    codes = [(i, str(frame.get(clock, ""))) for i, frame in enumerate(frames)] if rate is None and clock else None
    return _resampled(path, kept, values, (clock or "frame", codes), rate, note)


def _flat(frame: dict[str, Any]) -> dict[str, Any]:
    """The numbers of a frame by name, those of an object in it as well."""
    inner = [value for value in frame.values() if isinstance(value, dict)]
    return {name: value for part in (frame, *inner) for name, value in part.items() if type(value) in (int, float)}


def _from_audio2face(path: Path, found: dict[str, Any], note: Note) -> FaceMotion:
    names = names_of(path, "facsNames", found.get("facsNames"))
    weights = table_of(path, "weightMat", found.get("weightMat"), len(names), gaps=True)
    fps = rate_of(path, "exportFps", found.get("exportFps", 30))
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


def from_csv(path: Path, text: str, fps: float | None, note: Note) -> FaceMotion:
    """CSV with a column of time codes (h:m:s:frame), times or frames, and columns by name; also `;`, decimal commas."""
    mark = delimiter_of(text)
    lines = csv_lines(text, source=str(path), delimiter=mark)
    if mark == ";":
        lines = [(line, [cell.replace(",", ".") for cell in row]) for line, row in lines]
    if len(lines) < 2:
        raise InputError(f"{path}: expected a header with ARKit names and at least one frame, found {len(lines)} lines")
    names = [cell.strip().split(".")[-1] for cell in lines[0][1]]
    clock = next((i for wanted in CLOCKS for i, name in enumerate(names) if name.lower() == wanted), None)
    if clock is None:
        raise InputError(f"{path}: line {lines[0][0]}: expected a column Timecode, found {_listed(names)}")
    kept = [i for i, name in enumerate(names) if name.lower() in _BY_NAME or name.lower() in ANGLES]
    whole = _whole_rows(path, lines[1:], len(names), clock, note)
    found = [names[i] for i in kept]
    if len(set(found)) < len(found):
        raise InputError(
            f"{path}: expected each column once, found {next(n for n in found if found.count(n) > 1)!r} twice"
        )
    values = np.array([[_number(cells[i]) for i in kept] for _, cells in whole]).reshape(len(whole), len(kept))
    codes = [(line, cells[clock]) for line, cells in whole]
    return _resampled(path, found, values, (names[clock], codes), fps, note)


def _resampled(
    path: Path,
    names: Sequence[str],
    values: F64,
    clock: tuple[str, Sequence[tuple[int, str]] | None],
    fps: float | None,
    note: Note,
) -> FaceMotion:
    """Columns [T, n] by name, and when: the clock's name with line and time of each row, or `fps` frames per second."""
    called, codes = clock
    if codes is None or called.lower().startswith("frame"):
        if fps is None:
            note(f"{path}: tells no frame rate; taken as {USUAL_RATE:g}")
        rate = fps or USUAL_RATE
        places = (
            range(len(values)) if codes is None else [number(code, f"{path}: line {n}: {called}") for n, code in codes]
        )
        times = np.array(places, np.float64) / rate
        _check_increasing(path, codes or (), np.diff(times), called)
    else:
        times, rate = _times(path, codes, fps, called, note)
    if not 0 < rate <= FASTEST:
        raise InputError(f"{path}: {called}: expected at most {FASTEST:g} frames per second, found {rate:g}")
    frames = round(float(times[-1] - times[0]) * rate) + 1
    if frames > 10 * len(times) + 1000:
        raise InputError(f"{path}: {called}: expected consecutive frames, found {len(times)} of {frames}")
    found, values = _mended(path, names, values, times, note)
    weights = [i for i, name in enumerate(found) if name.lower() in _BY_NAME]
    if weights and PERCENT < (most := float(np.abs(values[:, weights]).max())) <= 100:
        note(f"{path}: weights up to {most:.3g} are taken as percent")
        values[:, weights] /= 100
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


def _number(cell: str | float) -> float:
    """The finite number that a cell says, else NaN."""
    try:
        value = float(cell)
    except (ValueError, OverflowError):
        return math.nan
    return value if math.isfinite(value) else math.nan


def _times(
    path: Path, codes: Sequence[tuple[int, str]], fps: float | None, called: str, note: Note
) -> tuple[F64, float]:
    """Seconds of every row, increasing, and the frame rate."""
    if ":" not in codes[0][1]:
        return _of_numbers(path, codes, fps, called, note)
    if all(len(re.split(r"[:;]", code)) == 3 for _, code in codes):
        clocks = [(n, str(_seconds(path, n, code, called))) for n, code in codes]
        return _of_numbers(path, clocks, fps, called, note)
    parts = [_timecode(path, n, code, called) for n, code in codes]
    counted = np.array([part[1] for part in parts])
    highest = math.floor(counted.max()) + 1
    # the last frame of a second may be missing from a short recording, or from one that left frames out
    gaps = len({part[0] for part in parts}) < 3 or (np.diff(counted) % highest > 1.5).any()
    rate = fps or (next((r for r in RATES if r >= highest), highest) if gaps else highest)
    times = np.array([second + frame / rate for second, frame in parts])
    times[1:] += 86_400 * np.cumsum(np.diff(times) < -43_200)  # midnight
    _check_increasing(path, codes, np.diff(times), called)
    return times, float(rate)


def _of_numbers(
    path: Path, codes: Sequence[tuple[int, str]], fps: float | None, called: str, note: Note
) -> tuple[F64, float]:
    """The same of times in seconds, or in thousandths of them and so on where frames would be seconds apart."""
    times = np.array([number(code, f"{path}: line {n}: {called}") for n, code in codes])
    with np.errstate(over="ignore"):
        times -= times[0]
    steps = np.diff(times)
    parts = 1
    while len(steps) and parts < 1e9 and np.median(np.abs(steps)) / parts >= (0 if called.endswith("_ms") else COARSE):
        parts *= 1000
        if called.endswith("_ms"):
            break
    times /= parts
    if not np.abs(times).max() <= LONGEST:
        raise InputError(f"{path}: {called}: expected seconds within {LONGEST:g}, found {np.abs(times).max():g}")
    if parts > 1:
        note(f"{path}: {called}: taken as seconds / {parts:,}")
    steps = np.diff(times)
    _check_increasing(path, codes, steps, called)
    usual = float(np.median(steps)) if len(steps) else 1 / (fps or USUAL_RATE)
    return times, fps or _near(1 / usual)


def _timecode(path: Path, line: int, code: str, called: str) -> tuple[int, float]:
    """Whole seconds and the frame within, of `hours:minutes:seconds:frame` with a fraction of a frame."""
    parts = re.split(r"[:;]", code.strip())  # a semicolon where frame numbers are dropped
    where = f"{path}: line {line}: {called}"
    if len(parts) != 4 or not all(part.isascii() and part.isdigit() and len(part) < 4 for part in parts[:3]):
        raise InputError(f"{where}: expected hours:minutes:seconds:frame, found {code[:40]!r}")
    hours, minutes, seconds = (int(part) for part in parts[:3])
    frame = number(parts[3], where)
    if hours > 24 or minutes > 59 or seconds > 59 or not 0 <= frame < 1000:
        raise InputError(f"{where}: expected a time of day and a frame from 0 on, found {code[:40]!r}")
    return hours * 3600 + minutes * 60 + seconds, frame


def _seconds(path: Path, line: int, code: str, called: str) -> float:
    """Seconds of `hours:minutes:seconds.fraction`."""
    match = re.fullmatch(r"\s*(\d{1,2})[:;]([0-5]?\d)[:;]([0-5]?\d[.,]\d{1,9})\s*", code)
    if match is None:
        raise InputError(f"{path}: line {line}: {called}: expected hours:minutes:seconds:frame, found {code[:40]!r}")
    return int(match[1]) * 3600 + int(match[2]) * 60 + float(match[3].replace(",", "."))


def _check_increasing(path: Path, codes: Sequence[tuple[int, str]], steps: F64, called: str) -> None:
    if len(wrong := np.flatnonzero(steps <= 0)):
        line, code = codes[int(wrong[0]) + 1]
        raise InputError(f"{path}: line {line}: {called}: expected increasing times, found {code[:40]!r}")


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


def names_of(path: Path, field: str, found: Any) -> list[str]:
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found) or len(found) > MOST_COLUMNS:
        raise InputError(f"{path}: {field}: expected a list of at most {MOST_COLUMNS} names, found {str(found)[:40]}")
    if len(set(found)) < len(found):
        twice = next(name for name in found if found.count(name) > 1)
        raise InputError(f"{path}: {field}: expected each name once, found {twice[:40]!r} twice")
    return found


def table_of(path: Path, field: str, found: Any, width: int, *, gaps: bool = False) -> F64:
    """Numbers [T, width], finite; with `gaps` they and `null` may be missing, as NaN."""
    if not isinstance(found, list) or len(found) > MOST_FRAMES:
        raise InputError(f"{path}: {field}: expected a list of frames, found {str(found)[:40]}")
    kinds = (int, float, type(None)) if gaps else (int, float)
    for frame, row in enumerate(found):
        if not isinstance(row, list) or len(row) != width or not all(type(v) in kinds for v in row):
            raise InputError(f"{path}: {field}[{frame}]: expected {width} numbers, found {str(row)[:40]}")
    try:
        table = np.array(found, np.float64).reshape(len(found), width)
    except OverflowError as error:
        raise InputError(f"{path}: {field}: expected finite numbers ({error})") from error
    if not gaps and not np.isfinite(table).all():
        raise InputError(f"{path}: {field}: expected finite numbers")
    return table


def rate_of(path: Path, field: str, found: Any) -> float:
    if type(found) not in (int, float) or not 0 < found <= FASTEST:
        raise InputError(f"{path}: {field}: expected a number above 0, at most {FASTEST:g}, found {str(found)[:40]!r}")
    return found
