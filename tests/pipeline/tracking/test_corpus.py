"""`render data track` and `render evaluate --video` with a tracker that needs no model."""

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.data import open_dataset
from emosplat.blendshapes.data.sequence import some_of
from emosplat.blendshapes.evaluation import naturalness as n
from emosplat.blendshapes.face_motion_files import load_face_motion
from emosplat.blendshapes.solve.solver import Solver
from emosplat.cli import app
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.tracking import tracker

from .pretend import RATE, WIDEST, film, pretended

SECONDS = 1.2
WAVE = [0.2 - 0.15 * np.cos(i / 3) for i in range(round(SECONDS * 25))]


def tone(seconds: float = SECONDS) -> np.ndarray:
    return (0.1 * np.sin(2 * np.pi * 150 * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.fixture(autouse=True)
def _without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "open_tracker", pretended)


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    film(folder / "good one.mkv", WAVE, sound=tone())
    film(folder / "gaps.mkv", [None if 10 <= i < 15 else o for i, o in enumerate(WAVE)], sound=tone())
    film(folder / "silent.mkv", WAVE)
    film(folder / "nobody.mkv", [None] * 10, sound=tone(0.4))
    (folder / "text.mp4").write_text("no film")
    return folder


def test_one_bad_film_never_stops_the_rest(films: Path, tmp_path: Path) -> None:
    names = ("text.mp4", "good one.mkv", "silent.mkv", "nobody.mkv", "gaps.mkv", "missing.mp4")
    result = run("data", "track", *(films / name for name in names), "-o", tmp_path / "corpus")
    assert result.exit_code == 1
    skipped = [line for line in result.stderr.splitlines() if line.startswith("skipped: ")]
    assert [name for name in names if any(str(films / name) in line for line in skipped)] == [
        "text.mp4", "silent.mkv", "nobody.mkv", "missing.mp4",
    ]  # fmt: skip
    assert "note: no face in 5 of 30 pictures (1 gaps, the longest of 0.20 s)" in result.stdout
    rows = [json.loads(line) for line in (tmp_path / "corpus" / "manifest.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == ["good_one", "gaps"]
    assert rows[1]["seen"] == pytest.approx(25 / 30, abs=1e-4)
    found = {p.relative_to(tmp_path / "corpus").as_posix() for p in (tmp_path / "corpus").rglob("*") if p.is_file()}
    assert found == {"manifest.jsonl", *(row[kind] for row in rows for kind in ("face", "file", "curves"))}


@pytest.fixture(scope="module")
def corpus(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("corpus") / "made"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tracker, "open_tracker", pretended)
        assert run("data", "track", films / "good one.mkv", films / "gaps.mkv", "-o", folder).exit_code == 0
    return folder


def test_the_motion_plays_what_was_measured(corpus: Path) -> None:
    face = load_face_motion(corpus / "faces" / "good_one.json")
    with np.load(corpus / "curves" / "good_one.npz", allow_pickle=False) as data:
        measured = data["curve_opening"]
    assert measured == pytest.approx(WAVE, abs=WIDEST / 245)
    head = builtin_head()
    assert CurveReader(head).measures(Solver(head)(face))[n.OPENING] == pytest.approx(measured - 0.011, abs=0.01)


def test_films_are_added_and_done_anew(films: Path, corpus: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere"
    other.mkdir()
    film(other / "good-one.mkv", WAVE, sound=tone())
    before = (corpus / "manifest.jsonl").read_text()
    assert run("data", "track", films / "gaps.mkv", "-o", corpus).exit_code == 0
    assert (corpus / "manifest.jsonl").read_text() == before
    assert run("data", "track", other / "good-one.mkv", films / "good one.mkv", "-o", corpus, "-q").exit_code == 0
    rows = [json.loads(line)["id"] for line in (corpus / "manifest.jsonl").read_text().splitlines()]
    assert rows == ["good_one", "gaps", "good-one"]


def test_films_of_one_name_in_two_folders_are_two_films(tmp_path: Path) -> None:
    """Data sets have a folder per person, in which the same sentence has the same name."""
    for person, scale in (("p1", 1.0), ("p2", 0.5)):
        (tmp_path / person).mkdir()
        film(tmp_path / person / "001.mkv", [scale * o for o in WAVE], sound=tone())
    out = tmp_path / "corpus"
    for _ in range(2):
        result = run("data", "track", tmp_path / "p1" / "001.mkv", tmp_path / "p2" / "001.mkv", "-o", out)
        assert result.exit_code == 0, result.output
        rows = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
        assert [row["id"] for row in rows] == ["001", "001-2"]
        assert len({row["source_sha256"] for row in rows}) == 2
    assert len(list((out / "faces").iterdir())) == 2


def test_a_folder_of_something_else_is_refused(films: Path, tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"id": "a", "file": "a.wav"}\n')
    result = run("data", "track", films / "good one.mkv", "-o", tmp_path)
    assert result.exit_code == 2
    assert "was the folder made by `render data track`?" in result.stderr
    assert {p.name for p in tmp_path.iterdir()} == {"manifest.jsonl"}


def test_it_is_a_data_set(corpus: Path) -> None:
    data = some_of(open_dataset("tracked", corpus, head=builtin_head()), part="all")
    sequence = next(s for s in data if s.name == "good_one")
    moved = sequence.displacements()
    assert len(moved) == len(WAVE)
    assert np.abs(moved).max() > 0.003
    assert sequence.audio is not None
    assert len(sequence.audio()) == pytest.approx((SECONDS - 0.02) * RATE, abs=2)
    result = run("evaluate", "--data", f"tracked={corpus}", "--part", "all", "--limit", "1")
    assert result.exit_code == 0, result.output
    assert "| LVE |" in result.stdout


def test_films_are_set_beside_ours(films: Path, tmp_path: Path) -> None:
    words = ("--avatar", "person1-light", "--out", tmp_path / "out")
    both = run("evaluate", "--video", films / "good one.mkv", "--video", films / "text.mp4", *words)
    assert both.exit_code == 1
    assert "| good one.mkv | 1.2 | 25 | 100% |" in both.stdout
    assert both.stderr.startswith("skipped: ")
    assert (tmp_path / "out" / "report.json").is_file()
    none = run("evaluate", "--video", films / "text.mp4", *words)
    assert none.exit_code == 2
    assert len(none.stderr.strip().splitlines()) == 1


def test_films_or_data_not_both_nor_neither(films: Path, corpus: Path) -> None:
    for words in ((), ("--data", f"tracked={corpus}", "--video", films / "gaps.mkv")):
        result = run("evaluate", *words)
        assert result.exit_code == 2
        assert "expected --data or --video" in result.stderr
