"""What came of a batch, gathered from the files beside the videos: manifest, tables, failures, summary, page.

The sidecars and failure notes are the only truth; everything here can be made again from them at any time, by any
process, which is how shards that never talk to one another end with one table.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..clip.source import DEFAULT_FPS
from ..settings import COLUMNS as TOLD
from .items import FileHashes, Item, Outcome, Rules, Status, item_key
from .page import contact_sheet
from .places import Place
from .sources import Skip
from .worker import failure_file, read_failure, read_record

if TYPE_CHECKING:
    import pyarrow as pa

INPUTS = ("id", "audio", *TOLD, "out")
SETTINGS = ("fps", "width", "height", "background", "blink", "head_motion")
STAGES = ("motion", "curves", "pose", "rasterize", "write", "check")  # processor seconds
RESULTS: dict[str, str] = {  # and their Arrow types
    "status": "string",
    "reason": "string",
    "key": "string",
    "frames": "int64",
    "duration_s": "float64",
    "pictures": "string",
    "bytes": "int64",
    "fps_achieved": "float64",
    "seconds": "float64",
    **{f"seconds_{stage}": "float64" for stage in STAGES},
    "av_offset_ms": "float64",
    "loudness_lufs": "float64",
    "warnings": "string",
}
TYPES = {
    "intensity": "float64",
    "style_strength": "float64",
    "variety": "float64",
    "seed": "int64",
    "track": "int64",
    "width": "int64",
    "height": "int64",
    "blink": "bool",
}  # else strings
COLUMNS = (*INPUTS, *SETTINGS, *RESULTS)
MANIFEST = ("status", "key", "frames", "duration_s", "pictures")  # results that do not depend on time or machine
UNREADABLE = "backslashreplace"  # for bytes of files' names that are no UTF-8
AT_ONCE = 500  # sidecars in memory

Row = dict[str, Any]


@dataclass(frozen=True)
class Tally:
    """How many items are in which state, and how long their videos are."""

    items: int
    done: int
    failed: int
    left: int
    frames: int
    seconds: float  # of video


def gather(
    place: Place, items: Sequence[Item], rules: Rules, outcomes: Mapping[str, Outcome]
) -> tuple[list[Row], list[str]]:
    """The rows of `gathered`, and the posters of those that are done."""
    found = list(gathered(place, items, rules, outcomes))
    return [row for row, _ in found], [poster for _, poster in found]


def gathered(
    place: Place, items: Sequence[Item], rules: Rules, outcomes: Mapping[str, Outcome]
) -> Iterator[tuple[Row, str]]:
    """One row per item, in the order given, with the poster of one that is done.

    `outcomes`, by output, are what this process knows itself; of all others the files tell.
    """
    hashes = FileHashes()
    remaining = iter(items)
    while chunk := list(islice(remaining, AT_ONCE)):
        records = place.read_many([f"{item.out}.json" for item in chunk])
        failures = place.read_many([failure_file(item) for item in chunk])
        for item, data, note in zip(chunk, records, failures, strict=True):
            record = read_record(data)
            outcome = outcomes.get(item.out)
            if outcome is not None:
                status, reason = outcome.status, outcome.reason
            else:
                status, reason = _state(record, read_failure(note), partial(_expected_key, item, rules, hashes))
            poster = str(record["batch"].get("poster", "")) if record and status == "done" else ""
            yield _row(item, status, reason, record), poster


def _state(
    record: dict[str, Any] | None, failure: dict[str, Any] | None, expected_key: Callable[[dict[str, Any]], str]
) -> tuple[Status, str]:
    if failure is not None:
        return "failed", str(failure["reason"])
    if record is not None and record["batch"]["key"] == expected_key(record):
        return "done", ""
    return "left", ""


def _expected_key(item: Item, rules: Rules, hashes: FileHashes, record: dict[str, Any]) -> str:
    """The key that a finished item must have, by its recorded audio and today's wishes."""
    track = record["batch"].get("track_sha256")
    return item_key(item, rules, audio=str(record.get("audio_sha256")), track=track, files=hashes)


def _row(item: Item, status: Status, reason: str, record: dict[str, Any] | None) -> Row:
    settings = item.settings
    row: Row = {"id": item.id, "audio": item.audio, **{name: item.told(name) for name in TOLD}, "out": item.out}
    row |= {name: getattr(settings, name) for name in SETTINGS} | {"fps": str(settings.fps or DEFAULT_FPS)}
    row |= dict.fromkeys(RESULTS) | {"status": status, "reason": reason}
    row |= item.extra
    if record is None or status != "done":
        return row
    batch = record["batch"]
    row |= {name: batch[name] for name in RESULTS if name in batch}
    stages = record["result"]["stage_cpu_seconds"]
    row |= {f"seconds_{stage}": stages.get(stage) for stage in STAGES}
    row["warnings"] = "; ".join(record["warnings"])
    return row


def tally(rows: Sequence[Row]) -> Tally:
    """Count the rows."""
    states = Counter(row["status"] for row in rows)
    return Tally(
        items=len(rows),
        done=states["done"],
        failed=states["failed"],
        left=len(rows) - states["done"] - states["failed"],
        frames=sum(row["frames"] or 0 for row in rows),
        seconds=round(sum(row["duration_s"] or 0.0 for row in rows), 3),
    )


def write_results(
    place: Place, rows: Sequence[Row], posters: Sequence[str], skipped: Sequence[Skip], summary: Mapping[str, Any]
) -> None:
    """Write every table, the summary and the page, each whole or not at all."""
    extra = list(dict.fromkeys(name for row in rows for name in row if name not in COLUMNS))
    place.write("manifest.csv", _csv(rows, (*INPUTS, *extra, *MANIFEST)))
    place.write("results.csv", _csv(rows, (*COLUMNS, *extra)))
    place.write("results.parquet", _parquet(rows, extra))
    place.write("failures.jsonl", _failures(rows))
    if skipped:
        place.write("skipped.csv", _csv([{"name": s.name, "reason": s.reason} for s in skipped], ("name", "reason")))
    place.write("contact_sheet.html", contact_sheet(rows, posters).encode(errors=UNREADABLE))
    place.write("summary.json", (json.dumps(summary, indent=1) + "\n").encode())


def _csv(rows: Sequence[Row], columns: Sequence[str]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode(errors=UNREADABLE)


def _failures(rows: Sequence[Row]) -> bytes:
    failed = [
        {name: row[name] for name in ("id", "out", "audio", "reason")} for row in rows if row["status"] == "failed"
    ]
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in failed).encode(errors=UNREADABLE)


def _parquet(rows: Sequence[Row], extra: Sequence[str]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = TYPES | RESULTS
    fields = [(name, types.get(name, "string")) for name in (*COLUMNS, *extra)]
    columns = [
        pa.array([_text(row.get(name)) if kind == "string" else row.get(name) for row in rows], type=kind)
        for name, kind in fields
    ]
    buffer = pa.BufferOutputStream()
    table: pa.Table = pa.table(dict(zip((name for name, _ in fields), columns, strict=True)))
    pq.write_table(table, buffer)
    return buffer.getvalue().to_pybytes()


def _text(value: Any) -> str | None:
    """As CSV writes it: an effort may be a number or a file."""
    return None if value is None else str(value).encode(errors=UNREADABLE).decode()
