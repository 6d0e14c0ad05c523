"""What runs note of finished items: it says what the records say, and holds only while the files are as they were."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.pipeline.batch.columns import RESULTS
from emosplat.pipeline.batch.drafts import BatchRequest
from emosplat.pipeline.batch.engines.base import Engine
from emosplat.pipeline.batch.item_list import Items, ItemsMaker
from emosplat.pipeline.batch.items import Entry, Parts
from emosplat.pipeline.batch.kept_plan import load_plan
from emosplat.pipeline.batch.ledger import LEDGER, Ledger, entry_of, in_order
from emosplat.pipeline.batch.places import PRESENT, LocalPlace
from emosplat.pipeline.batch.plan import make_plan
from emosplat.pipeline.batch.progress import unfinished
from emosplat.pipeline.batch.run import run_batch
from emosplat.pipeline.batch.states import States, local_state
from emosplat.pipeline.batch.worker import read_record
from emosplat.pipeline.settings import DEFAULTS

Ask = Callable[..., BatchRequest]
RESULT = tuple({"int64": 7, "float64": 0.5, "string": "é"}[kind] for kind in RESULTS.values())


def items_of(outs: list[str]) -> Items:
    maker = ItemsMaker()
    for out in outs:
        maker.add(Parts(out, "a.wav", out, DEFAULTS, {}, None, {}))
    return maker.items()


@pytest.fixture
def place(tmp_path: Path) -> LocalPlace:
    return LocalPlace(tmp_path)


@pytest.fixture(autouse=True)
def small_shelves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("emosplat.pipeline.batch.ledger.SHELF", 3)


def test_entries_come_back_in_the_order_of_the_items(place: LocalPlace) -> None:
    outs = [f"{number}.mp4" for number in range(10)]
    ledger = Ledger(place, rows=4)
    for number in (7, 2, 9, 0, 5, 2):
        ledger.add(Entry(outs[number], 100 + number, 1, 2, "key", "audio", None, RESULT))
    ledger.add(Entry("other.mp4", 1))
    ledger.add(Entry(outs[4], 99))  # of a record that is another one now
    ledger.flush()
    parts = place.names(LEDGER)
    assert len(parts) == 2
    there = [(out, 1) for out in outs if out != "9.mp4"] + [(f"{out}.json", 100 + n) for n, out in enumerate(outs)]
    found = list(in_order(place, items_of(outs), States(there), parts))
    assert [known.record.out.decode() for known in found] == outs
    assert [n for n, known in enumerate(found) if known.entry is not None] == [0, 2, 5, 7]
    assert found[7].entry == Entry("7.mp4", 107, 1, 2, "key", "audio", None, RESULT)
    assert [known.state for known in found] == [*range(100, 109), 0]


def test_of_two_entries_the_later_counts(place: LocalPlace) -> None:
    ledger = Ledger(place, rows=1)
    for heard in range(1, 6):
        ledger.add(Entry("a.mp4", 5, heard))
    (known,) = in_order(place, items_of(["a.mp4"]), States([("a.mp4", 1), ("a.mp4.json", 5)]), place.names(LEDGER))
    assert known.entry is not None
    assert known.entry.heard == 5


def test_a_damaged_part_is_left_out(place: LocalPlace) -> None:
    ledger = Ledger(place, rows=1)
    for name in ("a.mp4", "b.mp4"):
        ledger.add(Entry(name, 5))
    first, second = place.names(LEDGER)
    path = place.root / LEDGER / first
    path.write_bytes(path.read_bytes()[:-9])
    states = States([(name, 5) for out in ("a.mp4", "b.mp4") for name in (out, f"{out}.json")])
    found = list(in_order(place, items_of(["a.mp4", "b.mp4"]), states, [first, second, "gone.arrow"]))
    assert [known.entry is None for known in found] == [True, False]


def test_a_full_disk_stops_no_ledger(place: LocalPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(name: str, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(place, "write", full)
    ledger = Ledger(place, rows=1)
    ledger.add(Entry("a.mp4", 5))
    assert not ledger.whole


@given(st.dictionaries(st.text(max_size=3), st.integers(1, 2**62)), st.lists(st.text(max_size=3)))
def test_states_are_found_by_name(files: dict[str, int], others: list[str]) -> None:
    names = [name for name in [*files, *others] if name.isprintable()]
    found = States((name, state) for name, state in files.items() if name.isprintable()).of([n.encode() for n in names])
    assert found.tolist() == [files.get(name, 0) for name in names]


def test_every_change_of_a_file_is_another_state(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert local_state(str(path)) == 0

    def changes() -> Iterator[object]:
        yield path.write_bytes(b"1")
        yield path.write_bytes(b"12")
        yield os.utime(path, ns=(0, 5))
        before = path.stat()
        (tmp_path / "b").write_bytes(b"34")
        os.utime(tmp_path / "b", ns=(before.st_atime_ns, before.st_mtime_ns))
        yield os.replace(tmp_path / "b", path)  # another file of the same size and date

    states = [local_state(str(path)) for _ in changes()]
    assert len(set(states)) == len(states)
    assert local_state(str(path)) == states[-1]


def test_links_in_a_circle_and_closed_folders_hide_no_file(place: LocalPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    place.write("a/b.mp4", b"")
    place.write("lost+found/c.mp4", b"")
    for link, to in {"self": "self", "a/up": "..", "other": "a"}.items():
        (place.root / link).symlink_to(to)
    list_folder = os.scandir

    def closed(path: str) -> Any:
        if "lost+found" in path:
            raise PermissionError(13, "Permission denied", path)
        return list_folder(path)

    monkeypatch.setattr(os, "scandir", closed)
    assert dict(place.states()) == dict.fromkeys(("a/b.mp4", "other/b.mp4", "self"), PRESENT)


def test_a_record_that_lacks_what_ours_have_is_none() -> None:
    whole = {"batch": {"key": "k"}, "result": {"stage_cpu_seconds": {}}, "warnings": []}
    assert read_record(json.dumps(whole).encode()) == whole
    for name in whole:
        for value in (None, [7], {"key": 7}):
            assert read_record(json.dumps(whole | {name: value}).encode()) is None
    assert entry_of("a.mp4", whole, state=1).key == "k"


@pytest.fixture
def rendered(babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine) -> BatchRequest:
    """A finished batch of two, one with an emotion track."""
    for name in ("a", "b"):
        babble(tmp_path / "in" / f"{name}.wav", 0.4)
    (tmp_path / "in" / "track.csv").write_text("time_s,sad\n0,1\n")
    (tmp_path / "in" / "list.csv").write_text("audio,emotion_track\na.wav,track.csv\nb.wav,\n")
    request = ask(tmp_path / "in" / "list.csv", tmp_path / "out")
    assert run_batch(request, here).rendered == 2
    return request


def left(request: BatchRequest) -> list[str]:
    return [item.id for item in unfinished(load_plan(request), request.out)]


TOUCHES: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "nothing": (lambda folder: None, []),
    "a recording": (lambda folder: (folder / "in/b.wav").touch(), ["b"]),
    "a track": (lambda folder: (folder / "in/track.csv").touch(), ["a"]),
    "a record": (lambda folder: (folder / "out/b.mp4.json").touch(), ["b"]),
    "a video": (lambda folder: (folder / "out/a.mp4").unlink(), ["a"]),
    "the ledger": (lambda folder: [path.unlink() for path in (folder / "out" / LEDGER).iterdir()], ["a", "b"]),
}


@pytest.mark.slow
@pytest.mark.parametrize("touched", TOUCHES)
def test_a_worker_looks_again_at_what_was_touched(
    rendered: BatchRequest, tmp_path: Path, here: Engine, touched: str
) -> None:
    touch, expected = TOUCHES[touched]
    touch(tmp_path)
    assert left(rendered) == expected
    again = run_batch(rendered, here)
    assert (again.rendered, again.found) == (int(touched == "a video"), 2 - int(touched == "a video"))
    assert left(rendered) == []


@pytest.mark.slow
def test_tables_are_the_same_with_the_ledger_and_without(rendered: BatchRequest, tmp_path: Path, here: Engine) -> None:
    tables = ("manifest.csv", "results.csv", "results.parquet", "failures.jsonl", "contact_sheet.html")
    before = {name: (tmp_path / "out" / name).read_bytes() for name in tables}
    for path in (tmp_path / "out" / LEDGER).iterdir():
        path.unlink()
    run_batch(rendered, here)
    assert {name: (tmp_path / "out" / name).read_bytes() for name in tables} == before
    for _ in range(4):  # each run that looks again writes a part; there are never many
        (tmp_path / "in" / "a.wav").touch()
        run_batch(rendered, here)
    assert len(list((tmp_path / "out" / LEDGER).iterdir())) <= 4
    assert left(rendered) == []


@pytest.mark.slow
def test_a_record_of_ours_that_no_run_noted_is_in_the_tables(
    rendered: BatchRequest, tmp_path: Path, here: Engine
) -> None:
    """Shards on other machines may have been killed before they could note it."""
    for path in (tmp_path / "out" / LEDGER).iterdir():
        path.unlink()
    (tmp_path / "in" / "b.wav").unlink()
    result = run_batch(rendered, here)
    assert result.whole is not None
    assert (result.whole.done, result.whole.failed) == (1, 1)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert summary["items"]["done"] == 1
    assert [item.out for item in make_plan(rendered).items] == ["a.mp4", "b.mp4"]
