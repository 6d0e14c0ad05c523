"""Commands on disk, by suffix: angles as CSV, which are read back, or what a controller takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.tables import csv_lines, csv_text, number, read_text
from ...core.whole_files import write_whole
from . import protocols
from .description import Robot

F64 = NDArray[np.float64]

TIME = "time_s"
MOST_BYTES = 1 << 30
LONGEST = 1e7  # seconds


@dataclass(frozen=True)
class CommandFormat:
    """One way to write commands."""

    what: str
    data: Callable[[Robot, F64, float], bytes]  # of angles [T, S] at so many frames per second


def command_format(path: Path) -> CommandFormat:
    """How a file of this name is written; raises InputError for an unknown suffix."""
    name = path.name.lower()
    for suffix in sorted(FORMATS, key=len, reverse=True):
        if name.endswith(suffix) and len(name) > len(suffix):
            return FORMATS[suffix]
    raise InputError(f"{path}: expected a name that ends in {described()}")


def described() -> str:
    """All suffixes and what they stand for."""
    return ", ".join(f"{suffix} ({f.what})" for suffix, f in FORMATS.items())


def write_commands(path: Path, robot: Robot, angles: F64, *, fps: float) -> None:
    """Write commands [T, S], degrees, whole or not at all; raises InputError."""
    write_whole(path, command_format(path).data(robot, angles, fps))


def read_commands(path: Path, robot: Robot) -> tuple[F64, F64]:
    """Times [T] in seconds and angles [T, S] in degrees of a CSV; raises InputError naming the line and the column."""
    return parse_commands(read_text(path, most=MOST_BYTES), robot, source=str(path))


def parse_commands(text: str, robot: Robot, *, source: str) -> tuple[F64, F64]:
    """What a CSV of commands says: a column `time_s` and one per servo, in any order; others are left out."""
    lines = csv_lines(text, source=source)
    if not lines:
        raise InputError(f"{source}: expected a header with {TIME} and the servos' names, found nothing")
    header = [cell.strip() for cell in lines[0][1]]
    places = []
    for name in (TIME, *robot.names):
        if header.count(name) != 1:
            found = "none" if name not in header else f"{header.count(name)}"
            raise InputError(f"{source}: line {lines[0][0]}: expected one column {name!r}, found {found}")
        places.append(header.index(name))
    rows = []
    for line, cells in lines[1:]:
        if len(cells) != len(header):
            raise InputError(f"{source}: line {line}: expected {len(header)} cells, found {len(cells)}")
        where = f"{source}: line {line}"
        row = [number(cells[places[0]], f"{where}: {TIME}", low=-LONGEST, high=LONGEST)]
        for servo, place in zip(robot.servos, places[1:], strict=True):
            low, high = servo.limits
            row.append(number(cells[place], f"{where}: {servo.name}", low=low, high=high))
        rows.append(row)
    table = np.array(rows, np.float64).reshape(-1, len(places))
    if len(table) < 2 or (np.diff(table[:, 0]) <= 0).any():
        raise InputError(f"{source}: {TIME}: expected at least two times that grow from line to line")
    return table[:, 0], table[:, 1:]


def _csv(header: list[str], times: F64, rows: list[list[str]]) -> bytes:
    return csv_text(header, ([f"{time:.6f}", *row] for time, row in zip(times, rows, strict=True))).encode()


def _angles(robot: Robot, angles: F64, fps: float) -> bytes:
    """Degrees, six places: rounding must not break a limit of acceleration."""
    rows = [[f"{angle + 0.0:.6f}" for angle in row] for row in angles.tolist()]
    return _csv([TIME, *robot.names], np.arange(len(angles)) / fps, rows)


def _ticks(robot: Robot, angles: F64, fps: float) -> bytes:
    """Ticks; a column is called board:output servo."""
    names = [
        f"{s.channel // protocols.PCA_CHANNELS}:{s.channel % protocols.PCA_CHANNELS} {s.name}" for s in robot.servos
    ]
    rows = [[str(n) for n in row] for row in protocols.pca_ticks(robot, angles).tolist()]
    return _csv([TIME, *names], np.arange(len(angles)) / fps, rows)


FORMATS: Mapping[str, CommandFormat] = {
    ".csv": CommandFormat("angles in degrees", _angles),
    ".maestro.bin": CommandFormat("Pololu Maestro", lambda robot, angles, _: protocols.maestro(robot, angles)),
    ".dynamixel.bin": CommandFormat("Dynamixel 2.0", lambda robot, angles, _: protocols.dynamixel(robot, angles)),
    ".pca9685.csv": CommandFormat("PCA9685 ticks", _ticks),
}
