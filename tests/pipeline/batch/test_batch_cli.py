"""`render batch` as a person meets it."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from emosplat.cli import app

pytestmark = pytest.mark.slow

FAST = ("--size", "64x64", "--device", "cpu")


def run(*args: object) -> tuple[int, str]:
    """Exit code and everything printed."""
    result = CliRunner().invoke(app, ["batch", *(str(a) for a in args), *FAST])
    return result.exit_code, result.output


def test_a_dry_run_renders_nothing(clips: Path, tmp_path: Path) -> None:
    (clips / "notes.txt").touch()
    out = tmp_path / "out"
    code, text = run(clips, "-o", out, "--dry-run", "--grid", "emotion=angry,happy intensity=0.5,1")
    assert code == 0
    assert not out.exists()
    for words in ("4 clips x 4 conditions = 16 videos", "0 already done, 16 to render", "skipped 1", "minutes"):
        assert words in text
    assert "time: about" in text
    assert "disk: about" in text


def test_exit_codes_and_words(babble: Callable[..., Path], tmp_path: Path) -> None:
    babble(tmp_path / "in" / "good.wav", 0.4)
    (tmp_path / "in" / "bad.wav").write_text("no sound")
    code, text = run(tmp_path / "in", "-o", tmp_path / "out", "--workers", "1")
    assert code == 1
    assert "1 rendered" in text
    assert "failed" in text
    assert "bad.wav" in text
    (tmp_path / "in" / "bad.wav").unlink()
    code, text = run(tmp_path / "in", "-o", tmp_path / "out", "--workers", "1", "--json")
    assert code == 0
    assert json.loads(text)["done"] == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--engine", "dask"], "--engine"),
        (["--grid", "colour=red"], "--grid"),
        (["--shard", "0/4"], "--shard"),
        (["--dataset", "imagenet"], "ravdess"),
        (["--engine", "slurm", "--slurm", "x"], "--slurm"),
    ],
)
def test_wrong_options_are_one_line(clips: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    code, text = run(clips, "-o", tmp_path / "out", *arguments)
    assert code == 2
    assert text.startswith("error: ")
    assert text.count("\n") == 1
    assert message in text
