"""`render edit`: what is wrong is said in one line, exit code 2, and nothing is written."""

from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import load_face_motion, save_face_motion
from emosplat.cli import app


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A still face of four seconds, another, and a sound."""
    save_face_motion(tmp_path / "face.json", FaceMotion.rest(100, fps=25).with_column("headYaw", 0.1))
    save_face_motion(tmp_path / "other.json", FaceMotion.rest(50, fps=25).with_column("mouthPucker", 0.5))
    save_face_motion(tmp_path / "none.json", FaceMotion.rest(0, fps=25))
    noise = 0.05 * np.random.default_rng(0).standard_normal(64_000)
    soundfile.write(tmp_path / "sound.wav", noise.astype(np.float32), 16_000)
    return tmp_path


def run(folder: Path, words: str, *, motion: str = "face.json"):
    told = words.replace("{}", str(folder)).split()
    return CliRunner().invoke(app, ["edit", str(folder / motion), "-o", str(folder / "out.json"), *told])


def test_help() -> None:
    result = CliRunner().invoke(app, ["edit", "-h"])
    assert result.exit_code == 0
    for word in ("--key", "--replace", "--between", "--retime", "--keep", "--seed", "--avatar"):
        assert word in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "expected something to change: --key, --replace, --between or --retime; found nothing"),
        ("--key 4.1=smile:0.5", "key: expected a time within 0..4 s, found 4.1"),
        ("--key 1=smlie:0.5", "did you mean smile"),
        ("--key 1=smile", "expected NAME:VALUE"),
        ("--key 1=smile:0.5 --reach -1", "--reach: expected seconds from 0 on, found -1"),
        ("--key 1=smile:0.5 --keep mouth", "mouthSmileLeft moves the region mouth, expected one that may change"),
        ("--key 1=nobody.json@1", "nobody.json"),
        ("--key 1={}/other.json", "other.json: expected a moment"[:10]),
        ("--key 1={}/other.json@3", "expected a time within 0..2 s, found 3"),
        ("--key 1=nobody.mp4@1", "nobody.mp4"),
        ("--key 1=nobody.png", "nobody.png: no such file"),
        ("--replace 1-2", "--replace: expected the sound that the motion says, --audio SOUND, found none"),
        ("--replace 2-1 --audio {}/sound.wav", "--replace: expected a span within 0-4 s, start before end, found 2-1"),
        ("--replace soon --audio {}/sound.wav", "--replace: expected START-END in seconds"),
        ("--replace 1-2 --audio {}/nothing.wav", "nothing.wav: no such audio file"),
        ("--between 1-1", "--between: expected a span within 0-4 s"),
        ("--between 0-4", "--between: expected something of the clip beside the span 0-4, found nothing"),
        ("--between 1-2 --regions brow", "found 'brow'; did you mean brows?"),
        ("--between 1-2 --regions brows --keep head", "--regions: expected it or --keep, found both"),
        ("--between 1-2 --model nobody", "motion model 'nobody': expected one of"),
        ("--retime {}/sound.wav", "--retime: expected the sound that the motion says"),
        ("--retime {}/nothing.wav --audio {}/sound.wav", "nothing.wav: no such audio file"),
    ],
)
def test_what_is_wrong_is_one_line_and_no_file(folder: Path, words: str, message: str) -> None:
    before = sorted(folder.iterdir())
    result = run(folder, words)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("motion", "message"),
    [
        ("nobody.json", "nobody.json: "),
        ("none.json", "none.json: expected a face motion with at least one frame, found none"),
        ("sound.wav", "sound.wav: expected a face motion, .json or .csv"),
        ("motion.npz", "make it one first: render"),
    ],
)
def test_only_face_motions_are_edited(folder: Path, motion: str, message: str) -> None:
    result = run(folder, "--key 1=smile:0.5", motion=motion)
    assert (result.exit_code, len(result.stderr.strip().splitlines())) == (2, 1)
    assert message in result.stderr


def test_an_edit_is_written_once_and_replaced_when_told(folder: Path) -> None:
    result = run(folder, "--key 1=smile:0.5 --key 3=turn:-20 --between 1.6-2.2")
    assert result.exit_code == 0, result.output
    assert "100 frames, 4.00 s" in result.stdout
    face = load_face_motion(folder / "out.json")
    assert face.column("mouthSmileRight")[25] == 0.5
    assert np.degrees(face.column("headYaw")[75]) == pytest.approx(-20)
    again = run(folder, "--key 1=smile:0.7")
    assert again.exit_code == 2
    assert "out.json: already exists" in again.stderr
    assert run(folder, "--key 1=smile:0.7 --overwrite -q").stdout == ""
    assert load_face_motion(folder / "out.json").column("mouthSmileRight")[25] == 0.7


def test_the_span_of_a_sound_is_acted(folder: Path) -> None:
    """A still face gets a stretch of life, of the seed and the emotion that are asked for."""
    result = run(folder, "--replace 1-3 --seed 4 --emotion angry --audio {}/sound.wav --json")
    assert result.exit_code == 0, result.output
    face = load_face_motion(folder / "out.json")
    assert face.column("emotion.angry")[50] > 0.5
    assert np.ptp(face.column("headYaw")[:17]) == 0
    assert np.ptp(face.column("headYaw")[25:75]) > 0.001
    assert '"--replace 1-3"' in result.stdout
