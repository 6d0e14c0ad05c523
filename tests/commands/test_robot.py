"""`render robot`, from babble to commands and a film."""

import json
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import save_face_motion
from emosplat.cli import app
from emosplat.pipeline.robot import inverse, self_model
from emosplat.pipeline.robot.command_files import read_commands
from emosplat.pipeline.robot.description import load_robot
from emosplat.pipeline.robot.limits import used


def run(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, " ".join(result.output.split())


@pytest.fixture(scope="module")
def learned(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("robot")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(self_model, "STEPS", 200)
        code, text = run("robot", "babble", "morpheus-like", "--poses", 300, "-o", folder / "babble.npz")
        assert (code, "375 frames, 33 servos" in text) == (0, True)
        code, text = run("robot", "fit", folder / "babble.npz", "-o", folder / "self.safetensors")
    assert code == 0
    assert "held out landmarks are wrong by" in text
    return folder / "self.safetensors"


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverse, "ROUNDS", 40)


def test_speech_becomes_commands_and_a_film(learned: Path, babble: Path, tmp_path: Path) -> None:
    out, video = tmp_path / "c.csv", tmp_path / "sim.mp4"
    code, text = run(
        "robot", "drive", babble, "--emotion", "happy", "--self", learned, "-o", out, "--video", video,
        "--size", "64x64", "--duration", 0.6, "--model", "procedural",
    )  # fmt: skip
    assert code == 0, text
    assert "mm from the wish" in text
    robot = load_robot("morpheus-like")
    times, angles = read_commands(out, robot)
    assert len(times) == 30
    assert max(used(angles, robot, fps=50).values()) <= 1
    record = json.loads((tmp_path / "c.csv.json").read_text())
    assert record["robot"] == "morpheus-like"
    assert record["result"]["fps"] == 50
    assert record["settings"]["emotion"] == "happy"
    with av.open(str(video)) as film:
        assert (film.streams.video[0].width, film.streams.video[0].height) == (128, 64)
        assert len(film.streams.audio) == 1
        assert sum(1 for _ in film.decode(video=0)) == 30


@pytest.mark.parametrize("name", ["c.maestro.bin", "c.dynamixel.bin", "c.pca9685.csv"])
def test_a_face_motion_becomes_what_a_controller_takes(learned: Path, tmp_path: Path, name: str) -> None:
    face = FaceMotion.rest(10, fps=25).with_column("jawPitch", 0.1)
    save_face_motion(tmp_path / "face.json", face)
    code, text = run("robot", "drive", tmp_path / "face.json", "--self", learned, "-o", tmp_path / name)
    assert code == 0, text
    assert (tmp_path / name).stat().st_size > 1000


def test_a_picture_shows_where_servos_hold_the_skin(tmp_path: Path) -> None:
    code, text = run("robot", "show", "morpheus-like", "-o", tmp_path / "robot.png", "--size", 160)
    assert code == 0, text
    picture = cv2.imread(str(tmp_path / "robot.png"))
    assert picture is not None
    assert picture.shape == (160, 160, 3)
    blue = (np.abs(picture.astype(int) - [220, 110, 60]).max(axis=2) < 20).sum()
    assert blue > 30  # BGR of rods


def test_commands_alone_are_for_hardware(tmp_path: Path) -> None:
    code, text = run("robot", "babble", "morpheus-like", "--poses", 100, "-o", tmp_path / "babble.csv")
    assert code == 0, text
    robot = load_robot("morpheus-like")
    times, angles = read_commands(tmp_path / "babble.csv", robot)
    assert times[-1] > 60
    assert max(used(angles, robot, fps=robot.rate).values()) <= 1


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["babble", "nobody", "-o", "b.npz"], "robot 'nobody'"),
        (["babble", "morpheus-like", "-o", "b.txt"], "or .npz (babble)"),
        (["babble", "morpheus-like", "--film", "f.mp4", "-o", "b.npz"], "--film alone"),
        (["babble", "morpheus-like", "--film", "f", "--commands", "c.csv", "-o", "b.csv"], ".npz for what was filmed"),
        (["fit", "missing.npz", "-o", "s.safetensors"], "missing.npz: no such file"),
        (["fit", "missing.npz", "-o", "s.pt"], "ends in .safetensors"),
        (["show", "morpheus-like", "-o", "s.gif"], ".png or .jpg"),
        (["drive", "a.wav", "--self", "missing.safetensors", "-o", "c.csv"], "missing.safetensors: no such file"),
        (["drive", "a.wav", "--self", "s.safetensors", "-o", "c.txt"], ".maestro.bin"),
        (["drive", "a.wav", "--self", "s.safetensors", "-o", "c.csv", "--video", "v.npz"], "expected a video"),
    ],
)  # fmt: skip
def test_mistakes_are_told_and_nothing_is_written(
    words: list[str], problem: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, text = run("robot", *words)
    assert code == 2, text
    assert problem in text
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_is_kept(learned: Path, tmp_path: Path) -> None:
    taken = tmp_path / "taken.npz"
    taken.write_text("mine")
    assert run("robot", "babble", "morpheus-like", "-o", taken)[0] == 2
    assert taken.read_text() == "mine"
    assert run("robot", "fit", taken, "-o", learned)[0] == 2
