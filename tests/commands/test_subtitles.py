"""`render subtitles` proposes, `render AUDIO --subtitles` obeys."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

import emosplat
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.blendshapes.subtitles.webvtt import read_subtitles
from emosplat.cli import app

FILE = "WEBVTT\n\n00:00.400 --> 00:00.800\nbrows: raise 0.8\nbrows: furious\n"


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_proposal_is_written_and_obeyed(tmp_path: Path) -> None:
    result = run("subtitles", emosplat.example_speech(), "-o", tmp_path / "face.vtt")
    assert result.exit_code == 0, result.output
    cues = read_subtitles(tmp_path / "face.vtt")
    assert result.stdout == f"{tmp_path / 'face.vtt'}: {len(cues)} cues\n"
    first = next(cue for cue in cues if any(wish.region == "brows" for wish in cue.wishes))
    made = run(emosplat.example_speech(), "--subtitles", tmp_path / "face.vtt", "-o", tmp_path / "face.json", "-q")
    assert made.exit_code == 0, made.output
    face = load_face_motion(tmp_path / "face.json")
    frame = round((first.start + first.end) / 2 * face.fps)
    assert face.column("browInnerUp")[frame] == pytest.approx(first.wishes[0].intensity, abs=0.02)
    assert json.loads((tmp_path / "face.json.json").read_text())["settings"]["subtitles"] == str(tmp_path / "face.vtt")


def test_a_face_motion_is_changed_and_conflicts_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.vtt").write_text(FILE)
    save_face_motion(tmp_path / "face.json", FaceMotion.rest(50, fps=25))
    result = run(tmp_path / "face.json", "--subtitles", tmp_path / "x.vtt", "-o", tmp_path / "out.json")
    assert result.exit_code == 0, result.output
    face = load_face_motion(tmp_path / "out.json")
    assert face.column("browInnerUp")[15] == pytest.approx(0.8)
    assert face.column("browDownLeft")[15] == pytest.approx(0.9)
    assert "x.vtt: line 5: brows: furious 1 = browDownLeft 0.90, browDownRight 0.90" in result.stdout
    assert "x.vtt: line 5: brows: furious 1 overlaps line 4" in result.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("speech", "--subtitles", "wrong.vtt", "-o", "o.json"), "wrong.vtt: line 4: brows: expected one of raise"),
        (("speech", "--subtitles", "none.vtt", "-o", "o.json"), "none.vtt"),
        (("motion.npz", "--subtitles", "x.vtt", "-o", "o.mp4"), "--subtitles: expected speech or a face motion"),
        (("subtitles", "speech", "-o", "o.srt"), "expected the name of a .vtt"),
        (("subtitles", "speech", "-o", "x.vtt"), "already exists"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.vtt").write_text(FILE)
    (tmp_path / "wrong.vtt").write_text(FILE.replace("raise", "leap"))
    (tmp_path / "motion.npz").write_bytes(b"")
    result = run(*(str(emosplat.example_speech()) if word == "speech" else word for word in words))
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "o.json").exists()


def test_inspect_tells_and_draws_them(tmp_path: Path) -> None:
    (tmp_path / "x.vtt").write_text(FILE)
    save_face_motion(tmp_path / "face.json", FaceMotion.rest(50, fps=25))
    words = (tmp_path / "face.json", "--audio", emosplat.example_speech(), "--png", tmp_path / "look.png")
    words = (*words, "--overwrite")
    plain, with_cues = run("inspect", *words), run("inspect", *words, "--subtitles", tmp_path / "x.vtt")
    assert "     0.40 -   0.80 s  brows: raise 0.8\n" in with_cues.stdout
    assert "brows" not in plain.stdout
