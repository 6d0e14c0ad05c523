"""Text and CSV from outside: size, encoding and numbers are checked; errors name the file, the line and the field.

And tables of ours as CSV.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path

from .errors import InputError

UTF8 = "utf-8-sig"  # with or without a byte order mark


def read_text(path: Path, *, most: int, utf16: bool = False) -> str:
    """The text of a UTF-8 file of at most `most` bytes, with or without a byte order mark; raises InputError.

    `utf16`: UTF-16 that begins with its mark is read, too.
    """
    return decoded(read_bytes(path, most=most), source=str(path), utf16=utf16)


def read_bytes(path: Path, *, most: int) -> bytes:
    """A file of at most `most` bytes, whole mebibytes; raises InputError."""
    try:
        with path.open("rb") as file:
            data = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror or error}") from error
    if len(data) > most:
        raise InputError(f"{path}: expected at most {most >> 20} MiB, found more")
    return data


def decoded(data: bytes, *, source: str, utf16: bool = False) -> str:
    """The text that bytes hold (see `read_text`); raises InputError, which `source` begins."""
    if data.startswith(b"PK\x03\x04"):
        raise InputError(
            f"{source}: expected UTF-8 text, found a zip file such as of Excel or Word; save it as CSV or text"
        )
    try:
        return data.decode(encoding_of(data) if utf16 else UTF8)
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: expected UTF-8 text, found byte {data[error.start]:#04x}") from error


def encoding_of(data: bytes) -> str:
    """Which of the two encodings that spreadsheets write these bytes begin with: UTF-16 with its mark, else UTF-8."""
    return "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else UTF8


def delimiter_of(text: str) -> str:
    """What parts the cells of a table by its first line: comma, semicolon (where the comma parts decimals) or tab.

    >>> delimiter_of("time_s;jawOpen\\n0,5;0,1\\n")
    ';'
    """
    return max(",;\t", key=text.partition("\n")[0].count)


def csv_lines(text: str, *, source: str, delimiter: str = ",") -> list[tuple[int, list[str]]]:
    """Line number and cells of every line of a CSV that is not empty; raises InputError, which `source` begins."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{source}: line {reader.line_num}: expected CSV, found {error}") from error


def csv_text(head: Sequence[str], rows: Iterable[Iterable[object]]) -> str:
    """A line of names and one for each row, as CSV; a cell is empty where there is None.

    >>> csv_text(("time_s", "phone"), [(0.5, "AA"), (0.7, None)])
    'time_s,phone\\n0.5,AA\\n0.7,\\n'
    """
    # before 3.11.9 a cell is quoted only for line ends that lines have, too (github.com/python/cpython/pull/115741)
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    return "".join(writer.writerow(row).removesuffix("\r\n") + "\n" for row in chain([head], rows))


class _Echo:
    """A file by which `csv.writer` gives each line back."""

    def write(self, line: str) -> str:
        return line


def number(text: str, where: str, *, low: float = -math.inf, high: float = math.inf) -> float:
    """The finite number that a cell says, in `low`..`high`; raises InputError, which `where` begins."""
    expected = "a number"
    try:
        value = float(text)
        if low <= value <= high and math.isfinite(value):
            return value
        expected = f"a number in {low:g}..{high:g}" if math.isfinite(value) else "a finite number"
    except ValueError:
        pass
    raise InputError(f"{where}: expected {expected}, found {text.strip()[:40]!r}")
