"""A list of a million recordings: what planning, resuming and the tables take, in time and memory (docs/scale.md).

    python benchmarks/long_list.py                      # a million rows; needs 1 GB of disk and 3 million inodes
    python benchmarks/long_list.py --rows 100000 --against ../before    # the same steps of an older checkout first

Every step runs in a process of its own, which tells its wall and processor seconds and the most memory that it held.
Recordings, videos and records are real files, but links to a few, so that a million fits a disk; nothing is drawn:
what is finished is written into the ledger as workers would.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

LINKS = 20_000  # names of one file; file systems allow some 65,000
EMOTIONS = ("angry", "happy", "sad", "neutral")
STEPS = ("plan", "resume, nothing finished", "resume, all finished", "tables")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--against", type=Path, help="an older checkout, whose planning is measured, too")
    parser.add_argument("--step", choices=(*STEPS, "finish"), help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        DO[options.step](options.folder)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_list(folder, options.rows)
        print(f"{options.rows:,} rows, {(folder / 'list.csv').stat().st_size / 1e6:.0f} MB")
        if options.against:
            with imported(folder, options.against) as path:
                for step in STEPS[:2]:
                    run(folder, step, path, "before: ")
        for step in STEPS[:2]:
            run(folder, step)
        run(folder, "finish", told=False)
        for step in STEPS[2:]:
            run(folder, step)


@contextmanager
def imported(folder: Path, checkout: Path) -> Iterator[str]:
    """A folder in which the checkout is called emosplat, for PYTHONPATH."""
    (folder / "path").mkdir()
    (folder / "path" / "emosplat").symlink_to(checkout.resolve())
    yield str(folder / "path")
    shutil.rmtree(folder / "path")
    shutil.rmtree(folder / "out", ignore_errors=True)


def run(folder: Path, step: str, path: str | None = None, label: str = "", *, told: bool = True) -> None:
    """A step in a process of its own."""
    environment = os.environ | ({} if path is None else {"PYTHONPATH": path})
    began = time.perf_counter()
    command = [sys.executable, __file__, "--step", step, "--folder", str(folder)]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    if told:
        wall = time.perf_counter() - began
        print(f"{label + step:34s} {wall:6.1f} s   {cpu:6.1f} s of processor   {found.strip()}", flush=True)


def write_list(folder: Path, rows: int) -> None:
    """The manifest, and a file for each row, a thousand to a folder."""
    with (folder / "list.csv").open("w", encoding="utf-8") as file:
        file.write("audio,id,emotion,speaker\n")
        for row in range(rows):
            audio = folder / "audio" / f"{row // 1000:04}" / f"{row:07}.wav"
            link(folder / "base", audio, row)
            file.write(f"{audio.relative_to(folder)},clip{row:07},{EMOTIONS[row % 4]},s{row % 97}\n")


def link(base: Path, target: Path, number: int) -> None:
    """Another name of one of a few files."""
    source = base.with_name(f"{base.name}{number // LINKS}")
    if not number % LINKS:
        source.write_bytes(b"")
    if not number % 1000:
        target.parent.mkdir(parents=True, exist_ok=True)
    os.link(source, target)


def request_of(folder: Path) -> Any:
    from emosplat.pipeline.batch.plan import BatchRequest

    return BatchRequest(str(folder / "list.csv"), str(folder / "out"))


def plan(folder: Path) -> None:
    """What a first run does, and what it keeps for the next."""
    from emosplat.pipeline.batch.plan import make_plan

    try:
        from emosplat.pipeline.batch.kept_plan import keep_plan, load_plan
        from emosplat.pipeline.batch.places import open_place
    except ImportError:  # an older checkout
        memory(len(make_plan(request_of(folder)).items))
        return
    request = request_of(folder)
    made = load_plan(request)
    place = open_place(request.out)
    place.check_writable()
    keep_plan(made, request, place)
    memory(len(made.items))


def resume(folder: Path) -> None:
    """What a run does before it draws."""
    request = request_of(folder)
    try:
        from emosplat.pipeline.batch.kept_plan import load_plan
        from emosplat.pipeline.batch.progress import unfinished
    except ImportError:
        from emosplat.pipeline.batch.plan import make_plan as load_plan
        from emosplat.pipeline.batch.run import unfinished
    memory(len(unfinished(load_plan(request), request.out)), "left")


def finish(folder: Path) -> None:
    """Stand-ins for what a thousand workers leave: videos, records, and what the ledger says of them."""
    from emosplat.pipeline.batch.columns import RESULTS
    from emosplat.pipeline.batch.items import Entry
    from emosplat.pipeline.batch.kept_plan import load_plan
    from emosplat.pipeline.batch.ledger import Ledger
    from emosplat.pipeline.batch.places import open_place
    from emosplat.pipeline.batch.progress import Keys
    from emosplat.pipeline.batch.states import local_state

    request = request_of(folder)
    made, place = load_plan(request), open_place(request.out)
    for number, out in enumerate(made.items.outs()):
        link(folder / "video", folder / "out" / out.decode(), number)
        link(folder / "record", folder / "out" / f"{out.decode()}.json", number)
    ledger, keys = Ledger(place), Keys(made.items, made.rules)
    results = tuple({"int64": 75, "float64": 3.02, "string": "0badf00d"}[kind] for kind in RESULTS.values())
    for record in made.items.records():
        own, out = json.loads(record.rest)[2], record.out.decode()
        key = keys.of(record, own, audio="0" * 64, track=None)
        states = local_state(f"{folder}/out/{out}.json"), local_state(made.items.audio(record))
        ledger.add(Entry(out, *states, key=key, audio="0" * 64, results=results))
    ledger.flush()


def tables(folder: Path) -> None:
    """What a run does when all is drawn."""
    from emosplat.pipeline.batch.kept_plan import load_plan
    from emosplat.pipeline.batch.places import open_place
    from emosplat.pipeline.batch.run import run_tables

    request = request_of(folder)
    whole = run_tables(open_place(request.out), load_plan(request), [], {})
    memory(whole.done, "done")


def memory(items: int, what: str = "items") -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{peak:4.0f} MB at most   {items:,} {what}")


DO: dict[str, Callable[[Path], None]] = dict(zip(STEPS, (plan, resume, resume, tables), strict=True)) | {
    "finish": finish
}

if __name__ == "__main__":
    main()
