"""What runs note of finished items, so that the next run and the tables need not read every record again.

A row holds as long as the states of the record and of the recording are those that were noted. The records beside the
videos stay the only truth: without the ledger all is found out anew.
"""

from __future__ import annotations

import io
import json
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .arrow_files import as_bytes, as_numpy, binary, numbers, read_sealed, write_sealed
from .columns import RESULTS, STAGES
from .item_list import Items, Record, text
from .items import Entry
from .places import RECORD, STATE, Place
from .states import MISSING, States, hashed, places_of

if TYPE_CHECKING:
    import pyarrow as pa

LEDGER = f"{STATE}/ledger"
ROWS = 5000  # of a part that a run writes
SECONDS = 60.0  # that a run waits at most before it writes one
SHELF = 25_000  # items that are in memory at a time
STATES = ("record", "heard", "followed")
COLUMNS = ("out", "told", *STATES)


def entry_of(out: str, record: dict[str, Any], *, state: int, heard: int = MISSING, followed: int = MISSING) -> Entry:
    """What a record says; the states are those of it, of the recording and of the track, from before they were read."""
    batch, stages = record["batch"], record["result"]["stage_cpu_seconds"]
    told = {f"seconds_{stage}": stages.get(stage) for stage in STAGES} | batch
    told["warnings"] = "; ".join(record["warnings"])
    results = tuple(told.get(name) for name in RESULTS)
    audio = str(record.get("audio_sha256"))
    return Entry(out, state, heard, followed, batch["key"], audio, batch.get("track_sha256"), results)


class Ledger:
    """Notes what one run learns, in parts that no other process writes."""

    def __init__(self, place: Place, *, rows: int = ROWS, clock: Callable[[], float] = time.monotonic) -> None:
        self._place, self._rows, self._clock = place, rows, clock
        self._entries: list[Entry] = []
        self._since = clock()
        self.whole = True  # whether all could be written

    def add(self, entry: Entry) -> None:
        """Note one more; it is written before long."""
        self._entries.append(entry)
        if len(self._entries) >= self._rows or self._clock() - self._since >= SECONDS:
            self.flush()

    def flush(self) -> None:
        """Write what is noted. A full disk or a lost store stops nobody: the records tell the same."""
        if self._entries:
            try:
                self._write()
            except Exception:  # each store has exceptions of its own
                self.whole = False
        self._entries, self._since = [], self._clock()

    def _write(self) -> None:
        name = f"{time.time_ns():020}-{uuid.uuid4().hex[:12]}"  # later ones come later, as far as clocks agree
        table, data = _table(self._entries), io.BytesIO()
        write_sealed(data, table.schema, table.to_batches())
        self._place.write(f"{LEDGER}/{name}.arrow", data.getvalue())


class Known(NamedTuple):
    """An item and what the ledger says of it."""

    record: Record
    state: int  # of the record beside the video; `MISSING` where one of the two is
    entry: Entry | None  # that holds for a record in this state


def in_order(place: Place, items: Items, states: States, parts: Sequence[str]) -> Iterator[Known]:
    """All items with what `parts` of the ledger say; what these say is sorted on disk first, for it may be much."""
    index = _Index(items, states)
    with tempfile.TemporaryDirectory() as folder, ExitStack() as open_shelves:
        shelves = _Shelves(Path(folder), open_shelves)
        for part in parts:
            table = read_sealed(place.read(f"{LEDGER}/{part}"), COLUMNS)
            if table is not None:
                for batch in table.to_batches():
                    shelves.put(batch, index.places(batch))
        open_shelves.close()
        records = items.records()
        for begin in range(0, len(items), SHELF):
            entries = shelves.take(begin)
            for place_of_item in range(begin, min(begin + SHELF, len(items))):
                entry = entries.get(place_of_item)
                yield Known(next(records), int(index.states[place_of_item]), entry and _entry(*entry))


class _Index:
    """Tells where an entry's item stands, if the entry still holds."""

    def __init__(self, items: Items, states: States) -> None:
        hashes, records = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        for batch in items.batches():
            outs = as_bytes(batch["out"])
            there = states.of(outs) != MISSING
            hashes.append(hashed(outs))
            records.append(np.where(there, states.of([out + RECORD.encode() for out in outs]), MISSING))
        hashes, self.states = np.concatenate(hashes), np.concatenate(records)
        self._order = np.argsort(hashes)
        self._hashes = hashes[self._order]

    def places(self, batch: pa.RecordBatch) -> np.ndarray:
        """Of each entry the place of its item; -1 for one that does not hold."""
        if not len(self._hashes):
            return np.full(batch.num_rows, -1)
        found = places_of(self._hashes, hashed(as_bytes(batch["out"])))
        places, states = self._order[found], as_numpy(batch["record"], np.int64)
        return np.where((found >= 0) & (states != MISSING) & (self.states[places] == states), places, -1)


class _Shelves:
    """Entries sorted into files by where their items stand."""

    def __init__(self, folder: Path, opened: ExitStack) -> None:
        self._folder, self._opened = folder, opened
        self._writers: dict[int, Any] = {}

    def put(self, batch: pa.RecordBatch, places: np.ndarray) -> None:
        """Keep the entries whose place is not -1."""
        import pyarrow as pa

        for shelf in np.unique(places[places >= 0] // SHELF).tolist():
            rows = np.flatnonzero((places >= 0) & (places // SHELF == shelf))
            some = pa.Table.from_batches([batch]).take(numbers(rows, np.int64))
            some = some.append_column("place", numbers(places[rows], np.int64))
            if shelf not in self._writers:
                path = str(self._folder / str(shelf))
                self._writers[shelf] = self._opened.enter_context(pa.ipc.new_stream(path, some.schema))
            self._writers[shelf].write(some)

    def take(self, begin: int) -> dict[int, _Row]:
        """What the ledger says by place, see `_entry`; the latest of several."""
        import pyarrow as pa

        path = self._folder / str(begin // SHELF)
        if not path.exists():
            return {}
        found: dict[int, _Row] = {}
        with pa.ipc.open_stream(path.read_bytes()) as reader:
            for batch in reader:
                states = zip(*(as_numpy(batch[name], np.int64).tolist() for name in STATES), strict=True)
                rows = zip(as_bytes(batch["out"]), as_bytes(batch["told"]), states, strict=True)
                found |= zip(as_numpy(batch["place"], np.int64).tolist(), rows, strict=True)
        return found


_Row = tuple[bytes, bytes, tuple[int, int, int]]  # output, JSON of what is known, states


def _table(entries: Sequence[Entry]) -> pa.Table:
    import pyarrow as pa

    texts = {
        "out": binary([entry.out.encode() for entry in entries]),
        "told": binary([json.dumps(entry[4:]).encode() for entry in entries]),
    }
    return pa.table(texts | {n: numbers([getattr(e, n) for e in entries], np.int64) for n in STATES})


def _entry(out: bytes, told: bytes, states: tuple[int, int, int]) -> Entry:
    key, audio, track, results = json.loads(told)
    return Entry(text(out), *states, key, audio, track, tuple(results))
