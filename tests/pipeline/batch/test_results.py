"""Tables of what came of a batch: every kind of value that a manifest may tell."""

from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq

from emosplat.pipeline.batch.places import open_place
from emosplat.pipeline.batch.plan import BatchRequest, make_plan
from emosplat.pipeline.batch.results import gather, write_results


def test_numbers_files_and_tracks_are_told_in_one_table(tmp_path: Path, ask: Callable[..., BatchRequest]) -> None:
    out = tmp_path / "out"
    (tmp_path / "calm.wav").write_bytes(b"1")
    rows = ["id,audio,effort,track", "a,a.wav,calm.wav,", "b,b.wav,1.5,2", "c,c.wav,,1"]
    (tmp_path / "m.csv").write_text("\n".join(rows))
    plan = make_plan(ask(tmp_path / "m.csv", out))
    write_results(open_place(str(out)), *gather(open_place(str(out)), plan.items, plan.rules, {}), plan.skipped, {})
    told = pq.read_table(out / "results.parquet").to_pylist()
    assert [(row["effort"], row["track"]) for row in told] == [
        (str(tmp_path / "calm.wav"), None),
        ("1.5", 2),
        (None, 1),
    ]
