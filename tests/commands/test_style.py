"""`render style`, and what `render` and `render inspect` know of styles, takes and salient moments."""

import re
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from emosplat import example_speech
from emosplat.blendshapes.acting.style_files import load_style
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import save_face_motion
from emosplat.blendshapes.speech.accent_files import read_accents
from emosplat.cli import app


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSPLAT_HOME", str(tmp_path / "home"))


@pytest.fixture
def face(tmp_path: Path) -> Path:
    motion = FaceMotion.rest(250, fps=25)
    save_face_motion(tmp_path / "face.json", motion.with_columns({"headYaw": 0.2 * np.sin(3 * motion.times)}))
    return tmp_path / "face.json"


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, " ".join(result.output.split())


def test_a_style_is_learned_shown_and_listed(face: Path, tmp_path: Path) -> None:
    code, text = run("style", "learn", face, "--name", "anna")
    assert code == 0
    assert str(tmp_path / "home" / "styles" / "anna.style.json") in text
    assert "much more" in text
    assert "anna" in run("style", "list")[1]
    shown = run("style", "show", "anna")[1]
    assert shown.startswith("style anna measured on face.json (face motion, 10.0 s)")
    assert run("style", "show", face)[1].removeprefix("style face") == shown.removeprefix("style anna")
    assert run("style", "learn", face, face, "-o", tmp_path / "b.style.json", "-q") == (0, "")
    assert load_style(tmp_path / "b.style.json").style.name == "b"


def test_what_cannot_be_learned(face: Path, tmp_path: Path) -> None:
    (tmp_path / "there.style.json").touch()
    for words, problem in (
        ([face], "expected --out or --name, found neither"),
        ([face, "-o", "a.style.json", "--name", "a"], "expected --out or --name, found both"),
        ([face, "-o", tmp_path / "a.json"], "expected a name that ends in .style.json"),
        ([face, "-o", tmp_path / "there.style.json"], "already exists"),
        ([face, "--name", "a b"], "--name 'a b'"),
        ([tmp_path / "gone.wav", "--name", "a"], "gone.wav: no such"),
    ):
        code, text = run("style", "learn", *words)
        assert (code, problem in text) == (2, True), text
    assert not (tmp_path / "home" / "styles").exists()
    assert run("style", "show", "nobody")[0] == 2


@pytest.mark.slow
def test_takes_and_what_a_model_does_not_know(babble: Path, face: Path, tmp_path: Path) -> None:
    options = ["--takes", 2, "--seed", 3, "--model", "procedural", "--style", face, "--variety", 0.5]
    code, text = run(babble, "-o", tmp_path / "m.npz", *options)
    assert code == 0, text
    assert "m-take1.npz: seed 3," in text
    assert "m-take2.npz: seed 4," in text
    assert "all takes:" in text
    assert "note: the motion model procedural does not know --style, --variety" in text


def test_a_motion_has_no_style(face: Path, tmp_path: Path) -> None:
    for option in ("--style", "--accents"):
        code, text = run(face, "-o", tmp_path / "o.mp4", option, face)
        assert code == 2
        assert f"{option}: expected speech" in text


def test_salient_moments_are_told_and_written(tmp_path: Path) -> None:
    code, text = run("inspect", example_speech(), "--accents", tmp_path / "a.csv", "--csv", tmp_path / "c.csv")
    assert code == 0
    moments = read_accents(tmp_path / "a.csv")
    assert f"salient moments: {len(moments)}" in text
    assert len(moments) > 1
    assert all(f"{moment.time:.2f} s {moment.kind} {moment.strength:.2f}" in text for moment in moments)
    lines = (tmp_path / "c.csv").read_text().splitlines()
    assert (lines[0], len(lines)) == ("time_s,phone,viseme,pitch_hz,loudness_db", 171)


def test_edited_moments_and_what_is_read_are_not_written_over(face: Path, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("edited")
    code, text = run("inspect", example_speech(), "--accents", tmp_path / "a.csv")
    assert (code, (tmp_path / "a.csv").read_text()) == (2, "edited")
    assert "a.csv: already exists; choose another name, or allow it: --overwrite" in text
    assert run("inspect", example_speech(), "--accents", tmp_path / "a.csv", "--overwrite")[0] == 0
    assert len(read_accents(tmp_path / "a.csv")) > 1
    before = face.read_bytes()
    code, text = run("inspect", face, "--csv", face, "--overwrite")
    assert (code, face.read_bytes()) == (2, before)
    assert "expected another name for what is written" in text


@pytest.mark.slow
def test_salient_moments_are_drawn_with_their_words(tmp_path: Path) -> None:
    pytest.importorskip("pocketsphinx", reason="pocketsphinx is not installed")
    from emosplat.avatars.library import ASSETS

    sound, words = ASSETS / "demo" / "hello.flac", ASSETS / "demo" / "hello.txt"
    code, text = run("inspect", sound, "--transcript", words, "--png", tmp_path / "p.png")
    assert code == 0, text
    assert (tmp_path / "p.png").exists()
    order = re.findall(r"[\d.]+ s (?:begin|stress|end) [\d.]+ ([a-z]+)", text)
    said = re.findall("[a-z]+", words.read_text().lower())
    assert len(order) > 5
    rest = iter(said)
    assert all(word in rest for word, _ in groupby(order))  # in the order in which they are said
