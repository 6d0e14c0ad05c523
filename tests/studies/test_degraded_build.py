"""A built study of degraded stimuli: ours and others' come out alike."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emosplat.avatars.library import builtin_head
from emosplat.studies.build import build_study
from emosplat.studies.design import load_study
from emosplat.studies.face_points import face_width
from emosplat.studies.masters import shown_frames
from emosplat.studies.sounds import RATE, prepare_sounds
from emosplat.studies.stimuli import Showing

from .conftest import write_design
from .test_build import frames, rows, stimulus

pytestmark = pytest.mark.slow

DESIGN = """
title: Degraded
seed: 5
participants: 2
clips: [{id: hello, audio: hello.flac, duration: 0.85}]
conditions:
  plainface: {}
  dotface: {point_light: true}
  mouthface: {only: mouth, inverted: true, snr: 0}
  quiet: {sound: silent, blur: 0.1}
stimuli: {size: 64x64, fps: 12, lead: 0.2, tail: 0.2, fade: 0.1}
tasks:
  - {id: t1, type: rating, question: "How good?"}
"""
THEIRS = """
  theirs: {videos: "theirs/{clip}.mp4", crop: [0, 0, 64, 64], start: 0.2, blur: 0.1, sound: silent}
stimuli:"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("degraded")


@pytest.fixture(scope="module")
def ours(folder: Path) -> Path:
    return build_study(write_design(folder, DESIGN), folder / "ours").folder


def sound(path: Path) -> np.ndarray:
    import av

    with av.open(str(path)) as container:
        return np.concatenate([frame.to_ndarray().mean(axis=0) for frame in container.decode(audio=0)])


def test_each_is_degraded_as_told(ours: Path, folder: Path) -> None:
    of = {name: stimulus(ours, condition=name) for name in ("plainface", "dotface", "mouthface", "quiet")}
    plain, dots, mouth, quiet = (frames(file)[8] for file in of.values())
    assert (dots < 60).mean() > 0.8
    assert (dots > 180).any()
    assert (mouth[40:] > 245).all()  # upside down: the chin is above
    assert (mouth[15:30] < 240).any()
    assert np.abs(np.diff(quiet.astype(int), axis=0)).max() < np.abs(np.diff(plain.astype(int), axis=0)).max() / 2
    assert np.abs(sound(of["quiet"])).max() < 1e-3
    assert np.std(sound(of["mouthface"])[: round(0.15 * RATE)]) > 5 * np.std(
        sound(of["plainface"])[: round(0.15 * RATE)]
    )
    assert {row["lufs"] for row in rows(ours / "manifest.csv")} == {"-inf", "-23.0"}
    assert prepare_sounds(load_study(ours / "study.yaml"), folder)["hello"].lufs == -23


def test_others_are_blurred_as_ours(ours: Path, folder: Path) -> None:
    """Our own plain stimulus as somebody's video: blurred, it is what our blurred one is, but for two encodings."""
    (folder / "theirs").mkdir()
    (folder / "theirs" / "hello.mp4").write_bytes(stimulus(ours, condition="plainface").read_bytes())
    design = folder / "more.yaml"
    design.write_text(DESIGN.replace("\nstimuli:", THEIRS))
    study, quiet = load_study(design), frames(stimulus(ours, condition="quiet")).astype(int)
    face = face_width(builtin_head(), study.settings("plainface", folder))
    told: Any = {"frames": len(quiet), "speech": 0.85, "blank": np.full((64, 64, 3), 255, np.uint8), "face": face}
    theirs = np.stack([*shown_frames(Showing("hello", "theirs"), study, folder, folder, **told)])
    # theirs holds its first frame before the speech, ours moves there already
    assert np.abs(theirs - quiet)[4:10].mean() < 4
