"""The tables, the page and the summary of a batch, written row by row.

Up to `PART` rows the Parquet table is one file. A longer one is a folder of such files, which readers of Parquet take
for one table.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from .columns import COLUMNS, INPUTS, MANIFEST, TYPES
from .page import contact_sheet
from .places import RECORD, Place
from .results import Counting, Row, Tally, pieces
from .sources import Skip
from .worker import read_record

PARQUET, SKIPPED = "results.parquet", "skipped.csv"
PART = 100_000  # rows of a Parquet file
AT_ONCE = 2000  # rows in memory
SHOWN = 10_000  # items on the page
UNREADABLE = "backslashreplace"  # for bytes of files' names that are no UTF-8


def write_tables(
    place: Place,
    rows: Iterable[Row],
    *,
    extra: Sequence[str],
    items: int,
    summary: Callable[[Tally], Mapping[str, Any]],
    owner: str,
) -> Tally:
    """Write every table, the page and the summary, each file whole or not at all, and count the rows.

    `items`: how many rows there are; `extra`: further columns; `owner`: whose half-made files these are.
    """
    extra = [name for name in extra if name not in COLUMNS]
    with place.staging("results.csv", owner) as folder:
        with ExitStack() as files:
            tables = _Tables(folder, files, extra, items)
            for some in pieces(rows, AT_ONCE):
                tables.add(some, _posters(place, some) if tables.shows else [])
        for name in ("manifest.csv", "results.csv", "failures.jsonl"):
            place.publish(folder / name, name)
        publish_parquet(place, sorted(folder.glob("part-*.parquet")))
    page = contact_sheet(tables.shown, tables.posters, items=items)
    place.write("contact_sheet.html", page.encode(errors=UNREADABLE))
    tally = tables.counting.tally()
    place.write("summary.json", (json.dumps(summary(tally), indent=1) + "\n").encode())
    return tally


def write_skipped(place: Place, skipped: Sequence[Skip]) -> None:
    """Write what of the source is not rendered and why; where that is nothing, away with what an earlier run said."""
    if not skipped:
        place.remove(SKIPPED)
        return
    lines = io.StringIO(newline="")
    _writer(lines, ("name", "reason")).writerows({"name": skip.name, "reason": skip.reason} for skip in skipped)
    place.write(SKIPPED, lines.getvalue().encode(errors=UNREADABLE))


class _Tables:
    """The tables of a batch as they grow in a folder."""

    def __init__(self, folder: Path, files: ExitStack, extra: Sequence[str], items: int) -> None:
        def opened(name: str) -> IO[str]:
            return files.enter_context((folder / name).open("w", encoding="utf-8", errors=UNREADABLE, newline=""))

        self._manifest = _writer(opened("manifest.csv"), (*INPUTS, *extra, *MANIFEST))
        self._results = _writer(opened("results.csv"), (*COLUMNS, *extra))
        self._failures = opened("failures.jsonl")
        self._parquet = files.enter_context(_Parquet(folder, (*COLUMNS, *extra)))
        self.counting = Counting()
        self.shown: list[Row] = []
        self.posters: list[str] = []

    @property
    def shows(self) -> bool:
        """Whether the page takes more items."""
        return len(self.shown) < SHOWN

    def add(self, rows: Sequence[Row], posters: Sequence[str]) -> None:
        """Write more rows; their `posters` count as long as the page `shows` them."""
        self._manifest.writerows(rows)
        self._results.writerows(rows)
        for row in rows:
            self.counting.add(row)
            if row["status"] == "failed":
                told = {name: row[name] for name in ("id", "out", "audio", "reason")}
                self._failures.write(json.dumps(told, ensure_ascii=False) + "\n")
        self._parquet.add(rows)
        self.shown.extend(rows[: len(posters)])
        self.posters.extend(posters)


class _Parquet:
    """Parquet files of `PART` rows each."""

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        import pyarrow as pa

        self._folder = folder
        self._schema = pa.schema([(name, getattr(pa, TYPES.get(name, "string"))()) for name in columns])
        self._writer: Any = None
        self._parts, self._rows = 0, 0
        self._begin()  # a table without rows is one, too

    def __enter__(self) -> _Parquet:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def add(self, rows: Sequence[Row]) -> None:
        """Write more rows."""
        import pyarrow as pa

        if self._rows >= PART:
            self._end()
            self._begin()
        columns = []
        for field in self._schema:
            values = (row.get(field.name) for row in rows)
            told = map(_text, values) if pa.types.is_string(field.type) else values
            columns.append(pa.array(list(told), field.type))
        self._writer.write(pa.Table.from_arrays(columns, schema=self._schema))
        self._rows += len(rows)

    def _end(self) -> None:
        self._writer.close()
        self._file.close()

    def _begin(self) -> None:
        import pyarrow.parquet as pq

        # opened here, because pyarrow cannot say every path
        self._file = (self._folder / f"part-{self._parts:05}.parquet").open("wb")
        self._writer = pq.ParquetWriter(self._file, self._schema)
        self._parts, self._rows = self._parts + 1, 0


def publish_parquet(place: Place, parts: Sequence[Path]) -> None:
    """Put the parts in their place, and away with what an earlier run put there otherwise.

    Between one file and a folder, or two folders, there is a moment without a whole table: names cannot be exchanged.
    """
    before = place.names(PARQUET)
    if len(parts) == 1:
        for name in before:
            place.remove(f"{PARQUET}/{name}")
        if before:
            place.remove(PARQUET)
        place.publish(parts[0], PARQUET)
        return
    if not before:
        place.remove(PARQUET)
    for part in parts:
        place.publish(part, f"{PARQUET}/{part.name}")
    for name in set(before) - {part.name for part in parts}:
        place.remove(f"{PARQUET}/{name}")


def _posters(place: Place, rows: Sequence[Row]) -> list[str]:
    """The pictures that the page shows of the rows, as far as there are any."""
    done = [row["out"] for row in rows if row["status"] == "done"]
    records = map(read_record, place.read_many([out + RECORD for out in done]))
    posters = {out: str(record["batch"].get("poster", "")) for out, record in zip(done, records, strict=True) if record}
    return [posters.get(row["out"], "") for row in rows]


def _writer(file: IO[str], columns: Sequence[str]) -> csv.DictWriter[str]:
    writer = csv.DictWriter(file, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    return writer


def _text(value: Any) -> str | None:
    """As CSV writes it: an effort may be a number or a file."""
    return None if value is None else str(value).encode(errors=UNREADABLE).decode()
