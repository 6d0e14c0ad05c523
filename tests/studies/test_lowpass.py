"""The low-pass anchor: slow movements stay, quick ones go, nothing is late, and blinks stay quick."""

from pathlib import Path

import numpy as np
import pytest

from emosplat.avatars import Motion
from emosplat.avatars.library import ASSETS
from emosplat.blendshapes.score import Score
from emosplat.blendshapes.talking_head import TalkingHead
from emosplat.pipeline.clip.curves import CurveReader
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.media.audio import open_audio
from emosplat.studies.build import build_study
from emosplat.studies.lowpass import low_pass, smeared

from .conftest import DESIGN, write_design
from .test_build import frames, stimulus

pytestmark = pytest.mark.slow

FPS = 25.0
TASK = """
  - {id: q, type: mushra, question: "?", conditions: [plainface, gladface], anchor: {kind: lowpass, hz: 1}}
"""


def wave(hertz: float) -> np.ndarray:
    times = (np.arange(200) + 0.5) / FPS
    return np.sin(2 * np.pi * hertz * times)[:, None].astype(np.float32)


@pytest.mark.parametrize(("hertz", "least", "most"), [(0.2, 0.95, 1.0), (1.0, 0.45, 0.55), (4.0, 0.0, 0.01)])
def test_what_is_faster_goes(hertz: float, least: float, most: float) -> None:
    """Forward and backward, the filter halves the amplitude at its cutoff."""
    inner = slice(50, 150)
    share = np.linalg.norm(low_pass(wave(hertz), FPS, 1.0)[inner]) / np.linalg.norm(wave(hertz)[inner])
    assert least <= share <= most


def test_nothing_is_late() -> None:
    pulse = np.zeros((101, 1), np.float32)
    pulse[50] = 1
    smooth = low_pass(pulse, FPS, 2.0)[:, 0]
    assert smooth.argmax() == 50
    np.testing.assert_allclose(smooth, smooth[::-1], atol=1e-4)


@pytest.mark.parametrize("frames_of_clip", [1, 2, 5])
def test_short_and_still_curves_are_kept(frames_of_clip: int) -> None:
    still = np.full((frames_of_clip, 3), 0.7, np.float32)
    np.testing.assert_allclose(low_pass(still, FPS, 1.0), still, atol=1e-5)


@pytest.fixture(scope="module")
def actor() -> TalkingHead:
    return LoadedModels("cpu").talking_head()


def acted(actor: TalkingHead, *, seed: int) -> tuple[Motion, Motion]:
    """The demo speech as it is, and smeared."""
    speech = open_audio(ASSETS / "demo" / "hello.flac")
    score = Score(speech.duration, FPS, speech.blocks, seed=seed)
    return actor.motion(score), smeared(actor, speech, score, fps=FPS, cutoff=1.0)


def test_the_mouth_mumbles_in_step(actor: TalkingHead) -> None:
    reader = CurveReader(actor.head)
    plain, mumbled = (reader.read(motion)["mouth_opening_mm"] for motion in acted(actor, seed=0))
    assert np.abs(np.diff(mumbled)).mean() < 0.4 * np.abs(np.diff(plain)).mean()
    lags = [np.corrcoef(mumbled[5:-5], plain[5 + lag : len(plain) - 5 + lag])[0, 1] for lag in range(-5, 6)]
    assert abs(int(np.argmax(lags)) - 5) <= 1


def test_blinks_stay_quick(actor: TalkingHead) -> None:
    reader = CurveReader(actor.head)
    plain, mumbled = (reader.read(motion)["blink_left"] for motion in acted(actor, seed=0))
    assert plain.max() > 0.9
    assert np.abs(np.diff(mumbled)).max() > 0.9 * np.abs(np.diff(plain)).max()


def test_a_study_shows_the_mumbling_face(tmp_path: Path) -> None:
    text = DESIGN[: DESIGN.index("tasks:")] + "tasks:\n" + TASK
    built = build_study(write_design(tmp_path, text), tmp_path / "built").folder
    mumbled, plain = (
        frames(stimulus(built, clip="welcome", condition="plainface", manner=manner)).astype(float)
        for manner in ("lowpass1", "plain")
    )
    assert mumbled.shape == plain.shape
    mouth = np.s_[3:-3, 36:54, 20:44]
    assert np.abs(mumbled - plain)[mouth].mean() > 2 * np.abs(mumbled - plain)[3:-3, :20].mean()
