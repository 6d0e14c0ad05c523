"""The tables row by row: one Parquet file or a folder of them, which others read as one table."""

import csv
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from emosplat.pipeline.batch.columns import COLUMNS, RESULTS, SETTINGS
from emosplat.pipeline.batch.places import LocalPlace, Place
from emosplat.pipeline.batch.results import Tally
from emosplat.pipeline.batch.sources import Skip
from emosplat.pipeline.batch.tables import write_skipped, write_tables
from emosplat.pipeline.settings import COLUMNS as TOLD


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PART": 4, "AT_ONCE": 2, "SHOWN": 5}.items():
        monkeypatch.setattr(f"emosplat.pipeline.batch.tables.{name}", value)


def rows_of(count: int) -> Iterator[dict[str, Any]]:
    states = ("done", "failed", "left")
    for number in range(count):
        row = dict.fromkeys((*TOLD, *SETTINGS, *RESULTS))
        out = {"id": f"é{number}", "audio": f"{number}.wav", "out": f"{number}.mp4", "key": "k", "word": "x,\n"}
        what = {"status": states[number % 3], "reason": "why" if number % 3 == 1 else "", "frames": number}
        what |= {"effort": (1.5, "calm.wav", None)[number % 3], "track": (None, 2)[number % 2]}
        yield row | out | what | {"seed": 2**62 + number, "intensity": 0.1, "blink": True, "duration_s": 0.5}


def write(place: Place, count: int) -> Tally:
    return write_tables(
        place,
        rows_of(count),
        extra=["word"],
        items=count,
        summary=lambda tally: {"items": tally.items},
        owner="me",
    )


def test_short_tables_are_one_file_and_long_ones_a_folder(tmp_path: Path) -> None:
    import pyarrow.dataset as ds

    place, path = LocalPlace(tmp_path), tmp_path / "results.parquet"
    for count, parts in ((3, 0), (4, 0), (10, 3), (5, 2), (2, 0), (9, 3)):
        tally = write(place, count)
        assert (tally.items, tally.done, tally.failed) == (count, (count + 2) // 3, (count + 1) // 3)
        assert (tally.frames, tally.seconds) == (sum(range(count)), count / 2)
        assert path.is_dir() == (parts > 0)
        assert len(list(path.glob("*"))) == parts
        table = ds.dataset(str(path)).to_table()
        assert table.column_names == [*COLUMNS, "word"]
        assert table["seed"].to_pylist() == [2**62 + number for number in range(count)]
        assert table["effort"].to_pylist() == [("1.5", "calm.wav", None)[number % 3] for number in range(count)]
        assert table["track"].to_pylist() == [(None, 2)[number % 2] for number in range(count)]
        with (tmp_path / "results.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert [row["id"] for row in rows] == table["id"].to_pylist()
        assert [row["word"] for row in rows] == ["x,\n"] * count
        if importlib.util.find_spec("pandas"):
            import pandas as pd

            assert pd.read_parquet(path)["out"].tolist() == [row["out"] for row in rows]
    assert len((tmp_path / "failures.jsonl").read_text().splitlines()) == 3
    assert list(tmp_path.glob(".emosplat-*")) == []


def test_the_page_of_a_long_batch_shows_its_beginning(tmp_path: Path) -> None:
    for count, words in ((5, "Contact sheet<"), (8, "Contact sheet: the first 6 of 8 items<")):
        write(LocalPlace(tmp_path), count)
        assert words in (tmp_path / "contact_sheet.html").read_text(encoding="utf-8")


def test_no_rows_are_tables_too(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    assert write(LocalPlace(tmp_path), 0).items == 0
    assert pq.read_table(tmp_path / "results.parquet").num_rows == 0


def test_what_was_skipped_once_is_told_no_more(tmp_path: Path) -> None:
    write_skipped(LocalPlace(tmp_path), [Skip("a,b", "why")])
    assert (tmp_path / "skipped.csv").read_text() == 'name,reason\n"a,b",why\n'
    write_skipped(LocalPlace(tmp_path), [])
    assert not (tmp_path / "skipped.csv").exists()
