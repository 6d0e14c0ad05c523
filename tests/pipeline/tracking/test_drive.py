"""`render --drive FILM`: an avatar that follows a filmed face, with a tracker that needs no model."""

from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import emosplat
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import load_face_motion
from emosplat.blendshapes.solve.solver import Solver
from emosplat.cli import app
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.media.probe import probe
from emosplat.pipeline.tracking import drive
from emosplat.pipeline.tracking.drive import followed_face
from emosplat.pipeline.tracking.motion import LIPS_MEET

from .pretend import RATE, film, pretended

OPENINGS = [0.2 - 0.15 * np.cos(i / 3) for i in range(50)]
SMALL = ("--size", "64x64", "--avatar", "person1-light")


@pytest.fixture(autouse=True)
def _without_a_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "open_tracker", pretended)


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("films")
    tone = (0.1 * np.sin(2 * np.pi * 150 * np.arange(2 * RATE) / RATE)).astype(np.float32)
    film(folder / "talk.mkv", OPENINGS, sound=tone)
    film(folder / "silent.mkv", OPENINGS)
    film(folder / "nobody.mkv", [None] * 5)
    return folder


def run(*words: str | Path) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def opening(face: FaceMotion) -> np.ndarray:
    return CurveReader(builtin_head()).opening(Solver(builtin_head())(face))


def test_the_avatar_opens_its_mouth_as_the_film_does(films: Path, tmp_path: Path) -> None:
    result = run("--drive", films / "talk.mkv", "-o", tmp_path / "face.json", "-q")
    assert result.exit_code == 0, result.output
    face = load_face_motion(tmp_path / "face.json")
    assert opening(face) == pytest.approx(np.array(OPENINGS) - LIPS_MEET, abs=0.01)


def test_the_film_is_heard_or_another_sound(films: Path, tmp_path: Path) -> None:
    for name, words in {
        "own": ("--drive", films / "talk.mkv"),
        "other": (emosplat.example_speech(), "--drive", films / "silent.mkv"),
        "none": ("--drive", films / "silent.mkv"),
    }.items():
        result = run(*words, "-o", tmp_path / f"{name}.mkv", *SMALL, "-q", "--duration", "0.4")
        assert result.exit_code == 0, result.output
    heard = {name: probe(tmp_path / f"{name}.mkv").sound is not None for name in ("own", "other", "none")}
    assert heard == {"own": True, "other": True, "none": False}


def test_only_what_is_wanted_is_looked_at(films: Path) -> None:
    looked: list[int] = []
    face, _ = followed_face(films / "talk.mkv", start=1.0, duration=0.2, report=looked.append)
    assert len(looked) <= 32
    whole, _ = followed_face(films / "talk.mkv")
    assert opening(face)[25:30] == pytest.approx(opening(whole)[25:30], abs=5e-3)
    assert not face.given[:10].any()


def test_python_plays_films(films: Path) -> None:
    clip = emosplat.play(films / "talk.mkv", size=(64, 64), avatar="person1-light")
    assert len(clip) == len(OPENINGS)
    assert opening(clip.face) == pytest.approx(np.array(OPENINGS) - LIPS_MEET, abs=0.01)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("-o", "x.mp4"), "AUDIO: expected speech to say, or a film to follow"),
        (("--drive", "nobody.mkv", "-o", "x.mp4"), "expected a face, found none in 5 pictures"),
        (("--drive", "missing.mp4", "-o", "x.mp4"), "missing.mp4: "),
        (("--drive", "talk.mkv", "--takes", "2", "-o", "x.mp4"), "--takes: expected speech to act"),
        (("a.wav", "--audio", "b.wav", "--drive", "talk.mkv", "-o", "x.mp4"), "--audio: expected one sound"),
        (("--drive", "talk.mkv", "--style", "calm", "-o", "x.mp4"), "--style: expected speech to be said in it"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    films: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], told: str
) -> None:
    monkeypatch.chdir(films)
    result = run(*words)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (films / "x.mp4").exists()


def test_a_sound_is_no_film_to_play() -> None:
    with pytest.raises(InputError, match="or a film"):
        emosplat.play(emosplat.example_speech())
