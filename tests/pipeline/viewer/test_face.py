"""From sliders to a face, and what the face does by itself."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.library import open_avatar
from emosplat.avatars.motion import Motion
from emosplat.blendshapes import Score, TalkingHead, parse_emotion
from emosplat.blendshapes.emotion import EMOTION_AXES, EMOTIONS
from emosplat.blendshapes.emotion_text import read_emotion_text
from emosplat.blendshapes.solve.solver import Solver
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.clip.source import varied
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.viewer.controls import UNITS, Controls, with_controls
from emosplat.pipeline.viewer.panel import told_of
from emosplat.pipeline.viewer.performance import SOUND_RATE, Recording, Speech, sound_file

HEAD = open_avatar("person1").head
SOLVER = Solver(HEAD)
REST = Motion.rest(1, HEAD.expressions, 25.0)
NEUTRAL = parse_emotion("neutral")


def test_every_slider_finds_its_shape() -> None:
    for shapes in UNITS.values():
        for name in shapes.values():
            moved = with_controls(HEAD, REST, Controls(units={name: 1.0}))
            assert np.abs(moved.expr).max() > 0.01, name


def test_sliders_at_rest_change_nothing() -> None:
    frame = plausible_poses(HEAD, 1).motion
    same = with_controls(HEAD, frame, Controls())
    for curve in ("expr", "jaw", "neck", "eyes"):
        np.testing.assert_array_equal(getattr(same, curve), getattr(frame, curve))


def test_signs_are_the_persons() -> None:
    moved = with_controls(HEAD, REST, Controls(jaw=10, gaze=(5, 7), head=(20, 8, 6)))
    assert moved.jaw[0, 0] == pytest.approx(np.radians(10))
    np.testing.assert_allclose(np.degrees(moved.eyes[0]), [-7, 5, 0, -7, 5, 0], atol=1e-4)  # +pitch looks down
    np.testing.assert_allclose(np.degrees(moved.neck[0]), [-8, 20, -6], atol=1e-4)


def test_the_jaw_does_not_pass_the_upper_teeth() -> None:
    assert with_controls(HEAD, REST, Controls(jaw=-10)).jaw[0, 0] == 0


@given(st.dictionaries(st.sampled_from(EMOTIONS), st.floats(0, 1)), st.floats(0, 1))
def test_a_mix_never_exceeds_its_intensity(emotion: dict[str, float], intensity: float) -> None:
    weights = Controls(emotion=emotion, intensity=intensity).mix.point
    assert min(weights) >= 0
    assert sum(weights) <= intensity + 1e-9


def test_a_recording_plays_and_takes_an_emotion_on_top() -> None:
    motion = plausible_poses(HEAD, 3).motion
    recording = Recording(SOLVER, motion)
    assert (recording.frames, recording.fps) == (3, motion.fps)
    np.testing.assert_array_equal(recording.frame(1, NEUTRAL).expr, motion.expr[1:2])
    happy = HEAD.emotions.expr[HEAD.emotions.rows("happy")[0]]
    smiling = recording.frame(1, parse_emotion("happy:0.5")).expr
    np.testing.assert_allclose(smiling, motion.expr[1:2] + 0.5 * happy, atol=1e-6)
    assert Recording(SOLVER).frames == 1


def test_speech_is_acted_as_a_clip_would_be(babble: Path) -> None:
    clip, actor = open_audio(babble), TalkingHead.of(HEAD)
    speech = Speech(actor, clip)
    angry = parse_emotion("angry")
    expected = actor.motion(varied(Score(clip.duration, 25.0, clip.blocks, emotion=angry), clip))
    assert speech.frames == len(expected)
    frames = [speech.frame(i, angry) for i in range(speech.frames)]
    np.testing.assert_array_equal(np.concatenate([f.expr for f in frames]), expected.expr)
    assert np.abs(speech.frame(20, NEUTRAL).expr - expected.expr[20]).max() > 0.01
    np.testing.assert_array_equal(speech.still(angry).expr, Recording(SOLVER).still(angry).expr)


def test_the_browser_gets_the_same_sound(babble: Path) -> None:
    clip = open_audio(babble)
    samples, rate = soundfile.read(io.BytesIO(sound_file(clip)))
    assert rate == SOUND_RATE
    expected = np.concatenate(list(clip.blocks(rate=rate)))
    np.testing.assert_allclose(samples, expected, atol=2 / 32768)


def test_words_add_to_the_sliders_and_what_is_not_understood_is_told() -> None:
    spoken = Controls(words="a little nervous but smiling").mix.point
    np.testing.assert_allclose(spoken, read_emotion_text("a little nervous but smiling").points[0])
    both = dict(zip(EMOTION_AXES, Controls(emotion={"angry": 0.9}, words="furious, wide-eyed").mix.point, strict=True))
    assert both["angry"] == 1
    assert both["lid_raise"] > 0
    assert Controls(emotion={"sad": 0.5}, words="zyxwv").mix == Controls(emotion={"sad": 0.5}).mix
    assert told_of("sad") == told_of(" ") == ""
    assert "'zyxwv'" in told_of("sad zyxwv")
    assert "'zyxwv'" in told_of("zyxwv")
