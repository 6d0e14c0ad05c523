"""What came of a batch, gathered from the ledger and the files beside the videos, item by item.

The records and failure notes are the only truth; everything here can be made again from them at any time, by any
process, which is how shards that never talk to one another end with one table.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from math import ceil
from typing import Any, NamedTuple, TypeVar

from ..clip.source import DEFAULT_FPS
from .columns import OUTCOME, RESULTS, SETTINGS, TOLD
from .item_list import Items, Record, text
from .items import Entry, Rules, Status, token_of
from .ledger import LEDGER, SHELF, Known, Ledger, entry_of, in_order
from .places import RECORD, Place
from .progress import Keys, is_among, noted_failures
from .states import MISSING, States
from .worker import FAILED, read_failure, read_record

AT_ONCE = 500  # items whose files are read at a time

Row = dict[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Tally:
    """How many items are in which state, and how long their videos are."""

    items: int
    done: int
    failed: int
    left: int
    frames: int
    seconds: float  # of video


class Counting:
    """Counts rows."""

    def __init__(self) -> None:
        self._states: Counter[str] = Counter()
        self._frames, self._seconds = 0, 0.0

    def add(self, row: Row) -> None:
        """One more."""
        self._states[row["status"]] += 1
        self._frames += row["frames"] or 0
        self._seconds += row["duration_s"] or 0.0

    def tally(self) -> Tally:
        """All so far."""
        items, done, failed = self._states.total(), self._states["done"], self._states["failed"]
        return Tally(items, done, failed, items - done - failed, self._frames, round(self._seconds, 3))


class _Read(NamedTuple):
    """What is known of an item after its files were read where need be."""

    record: Record
    entry: Entry | None
    failure: str | None


def gather(place: Place, items: Items, rules: Rules, failures: Mapping[str, str]) -> Iterator[Row]:
    """One row per item, in order. What was not in the ledger is afterwards.

    `failures`, by output, are those of this run: a full disk may have kept them from being noted.
    """
    keys, rows = Keys(items, rules), _Rows(items)
    for record, entry, failure in _read(place, items):
        track, extra, own = json.loads(record.rest)
        reason = failures.get(text(record.out), failure)
        if reason is not None:
            status: Status = "failed"
        elif entry is not None and entry.key == keys.of(record, own, audio=entry.audio, track=entry.track):
            status = "done"
        else:
            status = "left"
        row = rows.row(record, own, track) | {"status": status, "reason": reason or ""} | extra
        if entry is not None and status == "done":
            row |= {"key": entry.key} | dict(zip(RESULTS, entry.results, strict=True))
        yield row


def _read(place: Place, items: Items) -> Iterator[_Read]:
    """What ledger, records and notes say of all items; the ledger is written anew when it has too many parts."""
    parts, failed = place.names(LEDGER), noted_failures(place)
    old = parts if len(parts) > 2 * ceil(len(items) / SHELF) else []
    ledger = Ledger(place, rows=SHELF)
    for some in pieces(in_order(place, items, States(place.states()), parts), AT_ONCE):
        entries = _entries(place, some)
        notes = [known for known in some if is_among(failed, known.record)]
        names = [f"{FAILED}/{token_of(known.record.out)}.json" for known in notes]
        reasons = {k.record.out: read_failure(n) for k, n in zip(notes, place.read_many(names), strict=True)}
        for known, entry in zip(some, entries, strict=True):
            if entry is not None and (old or known.entry is None):
                ledger.add(entry)
            failure = reasons.get(known.record.out)
            yield _Read(known.record, entry, None if failure is None else str(failure["reason"]))
    ledger.flush()
    for part in old if ledger.whole else []:
        place.remove(f"{LEDGER}/{part}")


def _entries(place: Place, some: list[Known]) -> list[Entry | None]:
    """What the ledger says, or else the record itself."""
    unread = [text(known.record.out) for known in some if known.entry is None and known.state != MISSING]
    data = dict(zip(unread, place.read_many([out + RECORD for out in unread]), strict=True)) if unread else {}
    entries: list[Entry | None] = []
    for known in some:
        entry, out = known.entry, text(known.record.out)
        if entry is None and (record := read_record(data.get(out))) is not None:
            entry = entry_of(out, record, state=known.state)
        entries.append(entry)
    return entries


def pieces(values: Iterable[T], size: int) -> Iterator[list[T]]:
    """The values, so many at a time."""
    remaining = iter(values)
    while some := list(islice(remaining, size)):
        yield some


class _Rows:
    """What the rows of items say of their inputs."""

    def __init__(self, items: Items) -> None:
        self._items = items
        self._shared: dict[int, Row] = {}

    def row(self, record: Record, own: Mapping[str, Any], track: str | None) -> Row:
        """Everything but what came of it."""
        if record.shared not in self._shared:
            settings = self._items.shared[record.shared]
            told: Row = {"id": "", "audio": "", **{name: settings.plain(name) for name in TOLD}, "out": ""}
            told |= {name: getattr(settings, name) for name in SETTINGS} | {"fps": str(settings.fps or DEFAULT_FPS)}
            self._shared[record.shared] = told | dict.fromkeys((*OUTCOME, *RESULTS))
        row = self._shared[record.shared] | {name: value for name, value in own.items() if name in TOLD}
        names = {"id": text(record.id), "audio": self._items.audio(record), "out": text(record.out)}
        return row | names | {"emotion_track": track}
