"""Salient moments as a file that people edit: CSV with the columns time_s, kind and strength."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import get_args

from ...core.errors import InputError
from ...core.tables import csv_lines, csv_text, number, read_text
from ...core.whole_files import write_whole
from .accents import Accent, Kind

HEADER = ("time_s", "kind", "strength")
MAX_BYTES = 16 << 20
LONGEST = 1e6  # seconds


def read_accents(path: Path) -> tuple[Accent, ...]:
    """Read a CSV `time_s,kind,strength` (UTF-8), times in order; raises InputError that names the file and the line."""
    return parse_accents(read_text(path, most=MAX_BYTES), source=str(path))


def parse_accents(text: str, *, source: str = "accents") -> tuple[Accent, ...]:
    """Read the text of such a file; `source` names it in errors.

    A file with a header alone asks for a face that reacts to nothing.

    >>> parse_accents("time_s,kind,strength\\n1.4,stress,0.8\\n")
    (Accent(time=1.4, kind='stress', strength=0.8),)
    """
    lines = csv_lines(text, source=source)
    header = [cell.strip().lower() for cell in lines[0][1]] if lines else []
    if header != [*HEADER]:
        raise InputError(f"{source}: expected a header '{','.join(HEADER)}', found {','.join(header)[:80]!r}")
    accents: list[Accent] = []
    for line, row in lines[1:]:
        where = f"{source}: line {line}"
        if len(row) != len(HEADER):
            raise InputError(f"{where}: expected {len(HEADER)} cells, found {len(row)}")
        time = number(row[0], f"{where}: time_s", low=0, high=LONGEST)
        if accents and time < accents[-1].time:
            raise InputError(f"{where}: time_s: expected times in order, found {row[0].strip()[:40]}")
        accents.append(Accent(time, _kind(row[1], where), number(row[2], f"{where}: strength", low=0, high=1)))
    return tuple(accents)


def write_accents(path: Path, accents: Iterable[Accent]) -> None:
    """Write what `read_accents` reads, times to a millisecond; raises InputError where that is impossible."""
    rows = ((f"{a.time:.3f}", a.kind, f"{a.strength:.2f}") for a in accents)
    write_whole(path, csv_text(HEADER, rows).encode())


def _kind(cell: str, where: str) -> Kind:
    for kind in get_args(Kind):
        if cell.strip().lower() == kind:
            return kind
    raise InputError(f"{where}: kind: expected one of {', '.join(get_args(Kind))}, found {cell.strip()[:40]!r}")
