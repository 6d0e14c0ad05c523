"""Whole batches through one worker: idempotent, resumable, failures apart, results complete."""

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emosplat.blendshapes.acting.style_files import LearnedStyle, save_style
from emosplat.blendshapes.bundle import SPEECH
from emosplat.blendshapes.score import Style
from emosplat.blendshapes.speech.encoder import BUILT_IN
from emosplat.core.errors import InputError
from emosplat.pipeline.batch.display import result_lines
from emosplat.pipeline.batch.engines.base import Engine
from emosplat.pipeline.batch.plan import BatchRequest, make_plan
from emosplat.pipeline.batch.progress import unfinished
from emosplat.pipeline.batch.run import BatchResult, run_batch
from emosplat.pipeline.batch.worker import Worker
from emosplat.pipeline.settings import ClipSettings, read_settings

SMALL = ClipSettings(size=(64, 64), device="cpu")
pytestmark = pytest.mark.slow

Ask = Callable[..., BatchRequest]
Pictures = Callable[[Path], dict[str, list[bytes]]]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def changed(request: BatchRequest, **settings: object) -> BatchRequest:
    return replace(request, settings=read_settings(settings, base=request.settings))


@pytest.fixture(scope="module")
def finished(clips: Path, here: Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("finished")
    request = BatchRequest(str(clips), str(out), settings=SMALL, grid="emotion=angry,sad", command="it")
    assert run_batch(request, here).exit_code == 0
    return out


def test_every_item_has_a_row(finished: Path, clips: Path) -> None:
    import pyarrow.parquet as pq

    rows = read_csv(finished / "results.csv")
    assert len(rows) == 8
    assert {row["status"] for row in rows} == {"done"}
    first = rows[0]
    assert (first["id"], first["emotion"], first["out"]) == ("clip0", "angry", "clip0_angry.mp4")
    assert first["audio"] == str(clips / "clip0.wav")
    assert (int(first["frames"]), float(first["duration_s"])) == (10, 0.4)
    assert float(first["av_offset_ms"]) == pytest.approx(0, abs=10)
    assert -40 < float(first["loudness_lufs"]) < 0
    assert float(first["fps_achieved"]) > 0
    assert float(first["seconds_rasterize"]) > 0
    table = pq.read_table(finished / "results.parquet")
    assert table.column_names == list(first)
    assert [row["key"] for row in table.to_pylist()] == [row["key"] for row in rows]


def test_summary_and_sidecars(finished: Path) -> None:
    summary = json.loads((finished / "summary.json").read_text())
    assert summary["items"] == {"items": 8, "done": 8, "failed": 0, "left": 0, "frames": 112, "seconds": 4.48}
    assert summary["command"] == "it"
    record = json.loads((finished / "clip0_angry.mp4.json").read_text())
    assert record["result"]["out"] == "clip0_angry.mp4"
    assert record["settings"]["emotion"] == {"angry": 1.0}
    assert (finished / "failures.jsonl").read_text() == ""


def test_nothing_else_is_left(finished: Path) -> None:
    assert {path.parent.name for path in (finished / ".emosplat").rglob("*.*")} == {"ledger"}
    assert list(finished.glob(".emosplat-*")) == []


def test_again_nothing_is_rendered(clips: Path, tmp_path: Path, ask: Ask, here: Engine) -> None:
    request = ask(clips, tmp_path)
    assert run_batch(request, here).rendered == 4
    before = {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*.mp4*")}
    again = run_batch(request, here)
    assert (again.rendered, again.found) == (0, 4)
    assert {p.name: p.stat().st_mtime_ns for p in tmp_path.glob("*.mp4*")} == before
    assert list(unfinished(make_plan(request), request.out)) == []


def test_the_manifest_repeats_the_batch(finished: Path, tmp_path: Path, ask: Ask, here: Engine) -> None:
    run_batch(ask(finished / "manifest.csv", tmp_path), here)
    assert (tmp_path / "manifest.csv").read_bytes() == (finished / "manifest.csv").read_bytes()


def rerender(request: BatchRequest, engine: Engine, spoil: Callable[[], Any]) -> int:
    run_batch(request, engine)
    spoil()
    return run_batch(request, engine).rendered


def test_what_changed_is_rendered_again(
    babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine, pictures: Pictures
) -> None:
    for i in range(2):
        babble(tmp_path / "in" / f"c{i}.wav", 0.4, seed=i)
    out = tmp_path / "out"
    request = ask(tmp_path / "in", out)
    assert rerender(request, here, lambda: babble(tmp_path / "in" / "c0.wav", 0.5, seed=9)) == 1
    whole = pictures(out)
    assert len(whole["c0.mp4"]) == 13
    assert rerender(request, here, (out / "c1.mp4").unlink) == 1
    assert rerender(request, here, lambda: (out / "c1.mp4.json").write_text("{")) == 1
    assert pictures(out) == whole
    assert run_batch(changed(request, emotion="happy"), here).rendered == 2
    assert pictures(out)["c1.mp4"] != whole["c1.mp4"]
    assert run_batch(changed(request, emotion="happy", seed=1), here).rendered == 2


def test_an_emotion_track_belongs_to_the_key(
    babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine
) -> None:
    babble(tmp_path / "a.wav", 0.4)
    track = tmp_path / "track.csv"
    track.write_text("time_s,angry\n0,0\n1,1\n")
    (tmp_path / "list.csv").write_text("audio,emotion_track\na.wav,track.csv\n")
    request = ask(tmp_path / "list.csv", tmp_path / "out")
    assert rerender(request, here, lambda: track.write_text("time_s,angry\n0,1\n1,1\n")) == 1
    assert rerender(request, here, lambda: None) == 0
    assert read_csv(tmp_path / "out" / "results.csv")[0]["status"] == "done"


def test_styles_are_told_apart_in_pictures_and_results(
    babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine, pictures: Pictures
) -> None:
    babble(tmp_path / "in" / "a.wav", 0.4)
    for name, gain in (("bold", 4.0), ("calm", 0.0)):
        save_style(tmp_path / f"{name}.style.json", LearnedStyle(Style(name, {"head": gain, "brows": gain})))
    grid = f"style={tmp_path / 'bold.style.json'},{tmp_path / 'calm.style.json'} style_strength=0,1"
    request = ask(tmp_path / "in", tmp_path / "out", grid=grid)
    assert rerender(request, here, lambda: None) == 0
    seen = pictures(tmp_path / "out")
    assert seen["a_bold_0.mp4"] == seen["a_calm_0.mp4"]  # as people usually move
    assert len({tuple(shown) for shown in seen.values()}) == 3
    rows = read_csv(tmp_path / "out" / "results.csv")
    assert [(Path(row["style"]).name, row["style_strength"], row["variety"]) for row in rows] == [
        (f"{name}.style.json", strength, "1.0") for name in ("bold", "calm") for strength in ("0.0", "1.0")
    ]
    page = (tmp_path / "out" / "contact_sheet.html").read_text()
    assert '"style": "bold"' in page


def test_weights_belong_to_the_key(
    babble: Callable[..., Path], bent_weights: Path, tmp_path: Path, ask: Ask, here: Engine
) -> None:
    """Training again into the same folder makes the videos out of date."""
    babble(tmp_path / "in" / "a.wav", 0.4)
    path = tmp_path / "mine" / SPEECH
    path.parent.mkdir()
    shutil.copyfile(BUILT_IN, path)
    request = ask(tmp_path / "in", tmp_path / "out", weights=str(path.parent))
    assert rerender(request, here, lambda: shutil.copyfile(bent_weights / SPEECH, path)) == 1
    assert rerender(request, here, lambda: None) == 0
    assert read_csv(tmp_path / "out" / "manifest.csv")[0]["weights"] == str(path.parent)


BAD = {
    "missing": "no such audio file",
    "empty": "empty file",
    "text": "unreadable",
    "silent": "silence",
    "cut": "cut off",
    "short": "at least 0.2 s",
    "long": "at most 1 s",
    "folder": "found a folder",
}


@pytest.fixture
def bad_list(babble: Callable[..., Path], tmp_path: Path) -> Path:
    """A manifest with one good clip and one of every kind of bad one."""
    good = babble(tmp_path / "good.wav", 0.4)
    (tmp_path / "empty.wav").touch()
    (tmp_path / "text.wav").write_text("this is not sound\n" * 50)
    soundfile.write(tmp_path / "silent.wav", np.zeros(16_000, np.float32), 16_000)
    (tmp_path / "cut.wav").write_bytes(good.read_bytes()[:8000])
    babble(tmp_path / "short.wav", 0.1)
    babble(tmp_path / "long.wav", 1.5)
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "list.csv").write_text("audio\ngood.wav\n" + "".join(f"{name}.wav\n" for name in BAD))
    return tmp_path / "list.csv"


def test_a_bad_clip_fails_alone(bad_list: Path, tmp_path: Path, ask: Ask, here: Engine) -> None:
    request = ask(bad_list, tmp_path / "out", max_duration=1.0)
    result = run_batch(request, here)
    assert (result.exit_code, result.rendered, len(result.failures)) == (1, 1, len(BAD))
    lines = (tmp_path / "out" / "failures.jsonl").read_text().splitlines()
    reasons = {(note := json.loads(line))["id"]: note["reason"] for line in lines}
    for name, reason in BAD.items():
        assert reason in reasons[name]
        assert f"{name}.wav" in reasons[name]
    assert sorted(p.name for p in (tmp_path / "out").glob("*.mp4*")) == ["good.mp4", "good.mp4.json"]
    assert {row["status"] for row in read_csv(tmp_path / "out" / "results.csv")} == {"done", "failed"}


def test_known_failures_are_tried_again_only_when_asked(
    bad_list: Path, tmp_path: Path, ask: Ask, here: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ask(bad_list, tmp_path / "out", max_duration=1.0)
    first = run_batch(request, here)
    tried: list[str] = []
    render = Worker._render
    monkeypatch.setattr(
        Worker, "_render", lambda w, job, claim, again: tried.append(job.item.id) or render(w, job, claim, again=again)
    )
    second = run_batch(request, here)
    assert tried == []
    assert [f.reason for f in second.failures] == [f.reason for f in first.failures]
    third = run_batch(replace(request, retry_failed=True), here)
    assert set(tried) == set(BAD) - {"missing", "folder"}  # those have no bytes to open
    assert third.exit_code == 1


def test_a_mended_clip_needs_no_option(
    babble: Callable[..., Path], bad_list: Path, tmp_path: Path, ask: Ask, here: Engine
) -> None:
    request = ask(bad_list, tmp_path / "out", max_duration=1.0)
    run_batch(request, here)
    for name in ("missing", "cut"):
        babble(tmp_path / f"{name}.wav", 0.5)
    result = run_batch(request, here)
    assert (result.rendered, result.found, len(result.failures)) == (2, 1, len(BAD) - 2)


def test_an_input_that_vanished_is_reported(
    babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine
) -> None:
    audio = babble(tmp_path / "a.wav", 0.4)
    (tmp_path / "list.csv").write_text("audio\na.wav\n")
    request = ask(tmp_path / "list.csv", tmp_path / "out")
    run_batch(request, here)
    audio.unlink()
    result = run_batch(request, here)
    assert [f.reason for f in result.failures] == [f"{audio}: no such audio file"]
    babble(audio, 0.4)
    again: BatchResult = run_batch(request, here)
    assert (again.found, again.rendered, again.exit_code) == (1, 0, 0)
    assert (tmp_path / "out" / "failures.jsonl").read_text() == ""


def test_a_target_that_cannot_be_written(clips: Path, ask: Ask, here: Engine) -> None:
    with pytest.raises(InputError, match="cannot be written"):
        run_batch(ask(clips, "/proc/nowhere"), here)


def test_shards_end_with_one_table(
    clips: Path, tmp_path: Path, ask: Ask, here: Engine, finished: Path, pictures: Pictures
) -> None:
    for part in (3, 1, 2):
        assert not (tmp_path / "results.csv").exists()
        result = run_batch(ask(clips, tmp_path, grid="emotion=angry,sad", shard=f"{part}/3"), here)
        assert (result.whole is None) == (part != 2)  # the last one writes for all
    assert (tmp_path / "manifest.csv").read_bytes() == (finished / "manifest.csv").read_bytes()
    assert pictures(tmp_path) == pictures(finished)
    assert {row["status"] for row in read_csv(tmp_path / "results.csv")} == {"done"}
    again = run_batch(ask(clips, tmp_path, grid="emotion=angry,sad", shard="3/3"), here)
    assert (again.rendered, again.whole is None) == (0, False)  # all others have ended


def test_every_shard_tells_what_is_skipped(babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine) -> None:
    """And refers to no table that only the last one writes."""
    babble(tmp_path / "in/a.wav", 0.1)
    (tmp_path / "in/list.csv").write_text("audio,emotion\na.wav,sad\na.wav,nobody\n")
    request = ask(tmp_path / "in/list.csv", tmp_path / "out")
    (part,) = (f"{i}/2" for i in (1, 2) if make_plan(replace(request, shard=f"{i}/2")).mine)
    result = run_batch(replace(request, shard=part), here)
    assert (result.whole, result.faults, len(result.failures)) == (None, 1, 1)
    assert len(read_csv(tmp_path / "out/skipped.csv")) == 1
    told = list(result_lines(result, request.out))
    assert [name for name in ("skipped.csv", "failures.jsonl") if any(name in line for line in told)] == ["skipped.csv"]


def test_half_written_files_never_count(clips: Path, tmp_path: Path, ask: Ask, here: Engine) -> None:
    (tmp_path / "clip0.mp4").write_bytes(b"half")
    (tmp_path / "clip1.mp4").write_bytes(b"half")
    (tmp_path / "clip1.mp4.json").write_text('{"result": {}}')
    assert run_batch(ask(clips, tmp_path), here).rendered == 4


def test_passed_through_columns_come_out(babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine) -> None:
    babble(tmp_path / "a.wav", 0.4)
    (tmp_path / "list.csv").write_text('audio,speaker,note\na.wav,anna,"says ""hi"", loudly"\n')
    run_batch(ask(tmp_path / "list.csv", tmp_path / "out", name="{speaker}/{id}"), here)
    (row,) = read_csv(tmp_path / "out" / "results.csv")
    assert (row["out"], row["speaker"], row["note"]) == ("anna/a.mp4", "anna", 'says "hi", loudly')
    assert (tmp_path / "out" / "anna" / "a.mp4").exists()


def test_videos_may_lie_among_their_recordings(
    babble: Callable[..., Path], tmp_path: Path, ask: Ask, here: Engine
) -> None:
    babble(tmp_path / "a.wav", 0.4)
    run_batch(ask(tmp_path, tmp_path), here)
    again = run_batch(ask(tmp_path, tmp_path), here)
    assert again.whole is not None
    assert (again.rendered, again.found, again.whole.items) == (0, 1, 1)
