"""Styles learned of every kind of example; what is none is told."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emosplat import example_speech
from emosplat.avatars.library import open_avatar
from emosplat.blendshapes.acting.style import POSES, STATISTICS, style_of
from emosplat.blendshapes.acting.style_files import LearnedStyle, save_style
from emosplat.blendshapes.acting.weights import ActingWeights
from emosplat.blendshapes.bundle import Bundle
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import save_face_motion
from emosplat.blendshapes.models import find_model
from emosplat.blendshapes.score import Score, Style
from emosplat.blendshapes.solve.solver import Solver
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.objects import write_motion
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.media.video import VideoWriter
from emosplat.pipeline.settings import read_settings
from emosplat.pipeline.style.learn import kind_of, learn_style, mean_style, open_style
from emosplat.pipeline.tracking import drive, tracker

from ..tracking.pretend import film, pretended

FPS = 25.0


@pytest.fixture(scope="module")
def loaded() -> LoadedModels:
    return LoadedModels("cpu")


def nodding(seconds: float = 8.0, *, size: float = 0.1, smile: float = 0.0, fps: float = FPS) -> FaceMotion:
    face = FaceMotion.rest(round(seconds * fps), fps=fps)
    nods = size * np.sin(2 * np.pi * 0.7 * face.times)
    return face.with_columns(
        {"headPitch": nods, "mouthSmileLeft": 0 * nods + smile, "mouthSmileRight": 0 * nods + smile}
    )


def test_a_face_motion_says_what_its_numbers_say(tmp_path: Path, loaded: LoadedModels) -> None:
    face = nodding()
    save_face_motion(tmp_path / "face.json", face)
    learned = learn_style([tmp_path / "face.json"], "anna", loaded)
    assert learned.style == style_of(face, "anna")
    assert [(e.kind, e.name, e.seconds) for e in learned.examples] == [("face motion", "face.json", 8.0)]
    assert open_style(tmp_path / "face.json", loaded) == replace(learned.style, name="face")


def test_the_motion_of_a_head_says_about_the_same(tmp_path: Path, loaded: LoadedModels) -> None:
    face = nodding(smile=0.4)
    avatar = open_avatar("person1")
    write_motion(tmp_path / "m.npz", Solver(avatar.head)(face), avatar)
    theirs = learn_style([tmp_path / "m.npz"], "anna", loaded).style.statistics
    ours = style_of(face, "anna").statistics
    assert theirs["head_pitch.size"] == pytest.approx(ours["head_pitch.size"], abs=0.05)
    assert theirs["smile_left.mean"] > 0.5 * ours["smile_left.mean"]


def test_a_film_is_tracked(tmp_path: Path, loaded: LoadedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drive, "open_tracker", pretended)
    openings = 0.15 * (1 + np.sin(2 * np.pi * 3 * np.arange(125) / FPS))
    path = film(tmp_path / "talk.mp4", openings)
    seen: list[int] = []
    learned = learn_style([path], "anna", loaded, report=lambda _, done: seen.append(done))
    assert [(e.kind, e.name, e.seconds) for e in learned.examples] == [("film", "talk.mp4", 5.0)]
    assert seen == [*range(125)]
    assert learned.style.statistics["jaw.size"] > 0


def test_a_film_without_a_tracker_says_what_to_do(
    tmp_path: Path, loaded: LoadedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOSPLAT_HOME", str(tmp_path))
    monkeypatch.delenv(tracker.VARIABLE, raising=False)
    path = film(tmp_path / "talk.mp4", [0.1] * 10)
    with pytest.raises(InputError, match=r"talk\.mp4: a film's style .*face_landmarker.* give its sound alone"):
        open_style(path, loaded)


def test_a_voice_is_heard(tmp_path: Path, loaded: LoadedModels, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []

    class Guesses:
        def voice_style(self, blocks: Iterable[np.ndarray], name: str) -> Style:
            heard.append(sum(map(len, blocks)))
            return Style(name, statistics={"jaw.size": 0.5})

    monkeypatch.setattr(Bundle, "acted", lambda _: Guesses())
    rate = 16_000
    soundfile.write(tmp_path / "v.wav", 0.1 * np.random.default_rng(0).normal(size=5 * rate), rate)
    learned = learn_style([tmp_path / "v.wav"], "anna", loaded)
    assert (heard, learned.style.statistics, learned.examples[0].kind) == ([5 * rate], {"jaw.size": 0.5}, "voice")
    soundfile.write(tmp_path / "silent.wav", np.zeros(5 * rate), rate)
    with pytest.raises(InputError, match=r"silent\.wav: expected somebody who talks, found silence"):
        open_style(tmp_path / "silent.wav", loaded)


def test_a_phone_that_leaves_out_the_head_says_nothing_of_it(tmp_path: Path, loaded: LoadedModels) -> None:
    """Live Link Face without head rotation writes noughts: the head moves as people's usually does, not a statue's."""
    names = ["Timecode", "BlendshapeCount", "JawOpen", "BrowOuterUpLeft", "HeadYaw", "HeadPitch", "HeadRoll"]
    weights = 0.2 + 0.1 * np.sin(np.outer(np.arange(360), [0.2, 0.05]))
    rows = [
        f"10:00:{k // 60:02d}:{k % 60:02d}.000,61,{jaw:.4f},{brow:.4f},0,0,0" for k, (jaw, brow) in enumerate(weights)
    ]
    (tmp_path / "phone.csv").write_text("\n".join([",".join(names), *rows]) + "\n")
    style = open_style(tmp_path / "phone.csv", loaded)
    assert "brow_left.size" in style.statistics
    assert not [name for name in style.statistics if name.startswith(("head", "gaze"))]
    assert not [name for pose in style.poses for name in pose if name.startswith("head")]
    manner = ActingWeights.load().manner(style, seed=0)
    head = [k for k, name in enumerate(STATISTICS) if name.startswith("head")]
    np.testing.assert_array_equal(manner[head], 0)


def test_the_sound_beside_a_motion_is_heard(tmp_path: Path, loaded: LoadedModels) -> None:
    """The mouth is measured beside it: half as much again of width is told as that."""
    rate = 16_000
    sound = tmp_path / "take.wav"
    wave = np.concatenate(list(open_audio(Path(example_speech())).blocks()))
    soundfile.write(sound, np.tile(wave, 2), rate)
    spoken = find_model("procedural").plan(Score(2 * len(wave) / rate, sound=open_audio(sound).blocks))
    wide = spoken.with_column("speech.wide", 1.5 * spoken.column("speech.wide"))
    for name, face in (("take", wide), ("mute", wide)):
        save_face_motion(tmp_path / f"{name}.json", face)
    found = learn_style([tmp_path / "take.json"], "anna", loaded).style.statistics
    assert found["wide.slow"] == pytest.approx(1.5, abs=0.05)
    assert found["jaw.slow"] == pytest.approx(1, abs=0.05)
    assert "wide.slow" not in learn_style([tmp_path / "mute.json"], "anna", loaded).style.statistics


def test_kinds_of_files(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "v.wav", np.zeros(8000), 16_000)
    with VideoWriter(tmp_path / "f.mkv", width=16, height=16, fps=5) as writer:
        writer.write(np.zeros((16, 16, 3), np.uint8))
    names = {"a.style.json": "style", "a.json": "face motion", "a.csv": "face motion", "a.npz": "motion"}
    assert {name: kind_of(tmp_path / name) for name in names} == names
    assert (kind_of(tmp_path / "v.wav"), kind_of(tmp_path / "f.mkv")) == ("voice", "film")
    (tmp_path / "text.mp4").write_text("no film")
    with pytest.raises(InputError, match=r"text\.mp4: expected an audio or video file"):
        kind_of(tmp_path / "text.mp4")


def test_what_is_no_example(tmp_path: Path, loaded: LoadedModels) -> None:
    save_style(tmp_path / "a.style.json", LearnedStyle(Style("a", {"head": 0.5})))
    assert open_style(tmp_path / "a.style.json", loaded) == Style("a", {"head": 0.5})
    with pytest.raises(InputError, match="found a style that is learned already"):
        learn_style([tmp_path / "a.style.json"], "b", loaded)
    save_face_motion(tmp_path / "short.json", nodding(1.0))
    with pytest.raises(InputError, match=r"short\.json: expected at least 4 s to learn a style of, found 1\.00 s"):
        learn_style([tmp_path / "short.json"], "b", loaded)


def test_several_examples_are_one_style(tmp_path: Path, loaded: LoadedModels) -> None:
    """The longer counts more, in proportion; the same twice changes nothing."""
    still, lively = nodding(4.0, size=0.02), nodding(12.0, size=0.2, smile=0.3)
    paths: Sequence[Path] = [tmp_path / "still.json", tmp_path / "lively.json"]
    for path, face in zip(paths, (still, lively), strict=True):
        save_face_motion(path, face)
    one, other = (style_of(face, "anna").statistics for face in (still, lively))
    both = learn_style(paths, "anna", loaded)
    assert both.seconds == 16
    assert {"head_pitch.size", "smile_left.mean"} < set(both.style.statistics) <= set(STATISTICS)
    for name in one:
        assert both.style.statistics[name] == pytest.approx(0.25 * one[name] + 0.75 * other[name], abs=1e-9)
    assert len(both.style.poses) == POSES
    twice = learn_style([paths[1], paths[1]], "anna", loaded).style.statistics
    assert twice == pytest.approx(dict(other))


def test_what_only_one_example_tells_is_kept(loaded: LoadedModels) -> None:
    del loaded
    from emosplat.blendshapes.acting.style_files import Example

    measured = [
        (Style("a", statistics={"x": 1.0}, poses=({"jaw": 0.1},)), Example("film", "a", 10.0)),
        (Style("b", gains={"head": 2.0}, statistics={"x": 4.0, "y": 3.0}), Example("film", "b", 5.0)),
    ]
    found = mean_style("c", measured)
    assert found.statistics == pytest.approx({"x": 2.0, "y": 3.0})
    assert (found.name, found.gains, found.poses) == ("c", {"head": 2.0}, ({"jaw": 0.1},))


def test_settings_open_a_style_once_and_set_its_strength(
    tmp_path: Path, loaded: LoadedModels, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "face.json"
    save_face_motion(path, nodding())
    found = loaded.style(read_settings({"style": path, "style_strength": 0.5}))
    monkeypatch.setattr("emosplat.pipeline.style.learn.open_style", None)  # nobody measures it again
    again = loaded.style(read_settings({"style": path, "style_strength": 2}))
    assert found is not None
    assert found.strength == 0.5
    assert again == replace(found, strength=2)
    assert loaded.style(read_settings({})) is None
