"""The rows of a manifest: CSV, TSV, lists of names, JSON, JSON lines or Parquet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from math import isnan
from pathlib import PurePosixPath
from typing import Any, Literal

from ...core.errors import InputError
from ...core.media_formats import FILM, SOUND
from ...core.tables import decoded, encoding_of
from ..settings import COLUMNS

LISTS = {".txt", ".lst", ".list", ".m3u", ".m3u8", ".scp"}  # a name per line
MANIFESTS = {".csv", ".tsv", ".jsonl", ".json", ".ndjson", ".parquet", *LISTS}
MAX_ROW = 1 << 20  # characters
ROWS_AT_ONCE = 4096  # of a Parquet file
AUDIO = (  # as others call the column
    *("audio", "audio_filepath", "file_name", "path", "audio_path", "wav_filename"),
    *("filename", "file", "filepath", "file_path", "audio_file", "wav", "wav_path", "recording"),
)
LANGUAGE = ("language", "lang", "locale")
SEPARATORS = ",;\t|"  # of CSV; Excel's depends on the country
KNOWN = {*AUDIO, *COLUMNS, *LANGUAGE, "id", "out"}

Row = Mapping[str, Any] | str  # values by column, or what is wrong with the line


def manifest_rows(source: str, data: bytes) -> Iterator[tuple[int, Row]]:
    """Number and row of every line (of JSON and Parquet: of every row) of a manifest's bytes.

    Raises InputError where the file as a whole is wrong.
    """
    suffix = PurePosixPath(source).suffix.lower()
    if suffix == ".parquet":
        yield from _parquet_rows(source, data)
        return
    text = decoded(data, source=source, utf16=True)  # Excel's two kinds
    if suffix in (".csv", ".tsv") or (suffix in LISTS and _has_header(text)):
        mark = _separator(text)
        del text  # of a million rows only the bytes and one row are in memory
        yield from _csv_rows(source, data, mark, encoding_of(data))
    elif suffix in LISTS:
        yield from _list_rows(text, keyed=suffix == ".scp")
    elif text.lstrip()[:1] == "[":
        yield from _json_list(source, text)
    elif (whole := _json_object(text)) is not None:
        yield from whole
    else:
        del text  # and nothing but \n ends a line, also where other signs within a text could
        yield from _json_rows(io.TextIOWrapper(io.BytesIO(data), encoding=encoding_of(data), newline="\n"))


def _has_header(text: str) -> bool:
    """Whether a list of names is a table after all, as Excel's "Unicode text" is."""
    return _parting(next((line for line in text.splitlines() if line.strip()), "")) is not None


def _list_rows(text: str, *, keyed: bool) -> Iterator[tuple[int, Row]]:
    """A recording per line, what follows after | or a tab left out; `keyed`: an id before it, as Kaldi's wav.scp."""
    for number, line in enumerate(text.splitlines(), start=1):
        name = re.split(r"[|\t]", line)[0].strip() if not keyed else line.strip()
        if not name or name.startswith("#"):
            continue
        if not keyed:
            yield number, {"audio": name}
            continue
        key, _, path = name.partition(" ")
        path = path.strip() or key
        yield number, "expected a recording, found a command" if path.endswith("|") else {"id": key, "audio": path}


def _csv_rows(source: str, data: bytes, mark: str, encoding: str) -> Iterator[tuple[int, Row]]:
    header: list[str] | None = None
    try:
        for line, row in _cells(data, mark, encoding, _quoting(data, mark, encoding)):
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                if _says_nothing(row):
                    continue
                header = _header(source, line, row)
                if header is None:  # no header at all, but a list of recordings
                    header = ["audio"]
                    yield line, {"audio": row[0]}
                continue
            values = dict(zip(header, row, strict=False))
            if len(row) < len(header) or any(cell.strip() for cell in row[len(header) :]):
                yield line, f"expected {len(header)} cells, found {len(row)}"
            else:
                yield line, {name: cell for name, cell in values.items() if name}
    except csv.Error as error:
        raise InputError(f"{source}: expected CSV, found {error}") from None


def _quoting(data: bytes, mark: str, encoding: str) -> Literal[0, 3]:
    """How to read a table: where a quotation mark is never closed, such marks are signs as others."""
    try:
        for _, row in _cells(data, mark, encoding, csv.QUOTE_MINIMAL):
            if mark == "\t" and any("\n" in cell for cell in row):
                return csv.QUOTE_NONE
    except csv.Error:
        return csv.QUOTE_NONE
    return csv.QUOTE_MINIMAL


def _cells(data: bytes, mark: str, encoding: str, quoting: Literal[0, 3]) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line."""
    lines = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, newline="")
    reader = csv.reader(lines, delimiter=mark, quoting=quoting, strict=True)
    for row in reader:
        yield reader.line_num, row


def _says_nothing(row: list[str]) -> bool:
    """Whether a line before the header is a comment, or Excel's word on what parts the cells."""
    return row[0].lstrip().startswith("#") or row[0].strip().lower() == "sep="


def _header(source: str, line: int, row: list[str]) -> list[str] | None:
    """The names of the columns, empty for those without; None where the line is a recording already."""
    if len(row) == 1 and PurePosixPath(row[0].strip()).suffix.lower() in SOUND | FILM:
        return None
    names = [name.lower() if name.lower() in KNOWN else name for name in (cell.strip() for cell in row)]
    if not KNOWN & set(names) and any(PurePosixPath(name).suffix.lower() in SOUND | FILM for name in names):
        raise InputError(f"{source}: line {line}: expected names of columns such as audio, found {names[0][:60]!r}")
    told = [name for name in names if name]
    if len(set(told)) < len(told) or not told:
        raise InputError(f"{source}: line {line}: expected a header with different column names")
    return names


def _separator(text: str) -> str:
    """What parts the cells, as its own line `sep=` says or as the header shows; else the comma."""
    beginning = text[:MAX_ROW].splitlines()
    lines = [line for line in beginning if line.strip() and not line.lstrip().startswith("#")]
    if lines and (match := re.fullmatch(r"sep=(.)\s*", lines[0].strip(), re.IGNORECASE)):
        return match[1]
    return (_parting(lines[0]) if lines else None) or ","


def _parting(header: str) -> str | None:
    """What parts a header so that one of its cells is the recordings' column; None where nothing does."""
    header = header.lower()
    cells = {mark: {cell.strip().strip('"') for cell in header.split(mark)} for mark in SEPARATORS}
    return next((mark for mark in SEPARATORS if cells[mark] & set(AUDIO)), None)


def _json_list(source: str, text: str) -> Iterator[tuple[int, Row]]:
    """A list of objects; the "line" is the place in the list."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: expected a JSON list of objects, found something else ({error})") from None
    for number, values in enumerate(found, start=1):
        if isinstance(values, str):
            values = {"audio": values}  # noqa: PLW2901
        yield number, values if isinstance(values, dict) else f"expected a JSON object, found {str(values)[:60]!r}"


def _json_object(text: str) -> list[tuple[int, Row]] | None:
    """The rows of one object: of ids and rows, or with a list of rows in it; None where it is no such object."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None  # lines of JSON, for one
    if not isinstance(found, dict) or set(found) & set(AUDIO):
        return None
    lists = [value for value in found.values() if isinstance(value, list)]
    if len(lists) == 1 and all(isinstance(row, dict) for row in lists[0]):
        return list(enumerate(lists[0], start=1))
    if found and all(isinstance(row, dict) for row in found.values()):
        return [(number, {"id": key, **row}) for number, (key, row) in enumerate(found.items(), start=1)]
    return None


def _json_rows(lines: Iterable[str]) -> Iterator[tuple[int, Row]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line) if len(line) <= MAX_ROW else None
        except (ValueError, RecursionError):
            values = None
        found = f"expected one JSON object per line, found {line.strip()[:60]!r}"
        yield number, values if isinstance(values, dict) else found


def _parquet_rows(source: str, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        rows = (row for batch in file.iter_batches(ROWS_AT_ONCE) for row in batch.to_pylist())
        for number, row in enumerate(rows, start=1):
            # pandas has no other sign for what is missing
            yield number, {name: None if isinstance(v, float) and isnan(v) else v for name, v in row.items()}
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{source}: expected a Parquet file, found something else ({error})") from None
