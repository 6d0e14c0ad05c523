"""The live model: in time, the same however the sound comes, led by a mood that may change."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.emotion import EMOTIONS, Mood, parse_emotion, parse_emotion_track
from emosplat.blendshapes.face_motion import EMOTION, FaceMotion, join
from emosplat.blendshapes.models import find_model
from emosplat.blendshapes.models.live import FOLLOWS, Live
from emosplat.blendshapes.score import Cue, Key, Score, Style
from emosplat.blendshapes.speech import encoder
from emosplat.blendshapes.speech.encoder import AXES, QUIET, Articulation, Blocks
from emosplat.blendshapes.speech.phones import Segment
from emosplat.core.errors import InputError

from ..made_up import assert_same

F32 = NDArray[np.float32]
RATE = 16_000
DEMO = Path(encoder.__file__).parents[2] / "assets" / "demo" / "hello.flac"
MOUTH = ("speech.jaw", "speech.close", "speech.round", "speech.lower_lip")


@lru_cache
def model() -> Live:
    found = find_model("live")
    assert isinstance(found, Live)
    return found


@lru_cache
def demo() -> F32:
    wave, rate = soundfile.read(DEMO, dtype="float32")
    return soxr.resample(wave, rate, RATE)


class Babble:
    """An encoder that hears syllables in anything, or nothing."""

    lookahead = 0.0

    def __init__(self, loud: float) -> None:
        self._loud = np.float32(loud)

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        return self.follow(blocks())

    def follow(self, blocks: Iterable[F32]) -> Iterator[Articulation]:
        for k in range(sum(map(len, blocks)) // 320 + 1):
            axes = np.zeros((1, len(AXES)), np.float32)
            axes[0, AXES.index("jaw")] = self._loud * (0.5 + 0.4 * np.sin(k / 2))
            level = np.full(1, QUIET * (1 - self._loud), np.float32)
            yield Articulation(axes, np.full(1, self._loud), level)


def cut(wave: F32, size: int) -> Iterator[F32]:
    return (wave[start : start + size] for start in range(0, len(wave), size))


def streamed(score: Score, wave: F32, size: int = 800) -> FaceMotion:
    return join(model().stream(score, cut(wave, size)))


@settings(max_examples=8)
@given(size=st.integers(1, 9000), fps=st.sampled_from([12.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0]))
def test_what_is_streamed_is_what_is_planned_whatever_the_blocks(size: int, fps: float) -> None:
    """Bit for bit."""
    wave = demo()[5000:17_000]
    wishes = {"emotion": parse_emotion_track("time_s,happy,sad\n0,1,0\n0.6,0,1\n"), "head_motion": "lively", "seed": 3}
    whole = model().plan(Score(fps=fps, sound=lambda: [wave], **wishes))
    assert len(whole) == sum((i + 0.5) / fps < len(wave) // 320 / 50 for i in range(100))
    assert_same(streamed(Score(fps=fps, **wishes), wave, size), whole)


@settings(max_examples=8)
@given(size=st.integers(1, 700), fps=st.sampled_from([12.0, 25.0, 29.97, 30.0, 60.0]))
def test_a_frame_comes_as_soon_as_its_look_ahead_has_sounded(size: int, fps: float) -> None:
    taken = 0

    def microphone() -> Iterator[F32]:
        nonlocal taken
        for block in cut(demo()[:8000], size):
            taken += len(block)
            yield block

    for i, piece in enumerate(model().stream(Score(fps=fps, emotion=Mood()), microphone())):
        assert (len(piece), piece.first) == (1, i)
        assert taken < min((piece.times[0] + model().lookahead) * RATE, 8000) + size


@settings(max_examples=8)
@given(frame=st.integers(0, 13), fps=st.sampled_from([25.0, 30.0, 60.0]), seed=st.integers(0, 2**32))
def test_what_sounds_after_the_look_ahead_never_changes_a_frame(frame: int, fps: float, seed: int) -> None:
    wave, other = demo()[6000:18_000], demo()[6000:18_000].copy()
    end = int(((frame + 0.5) / fps + model().lookahead) * RATE) + 1
    other[end:] = np.random.default_rng(seed).normal(0, 0.3, len(wave) - end)
    score = Score(fps=fps, emotion=parse_emotion("happy"))
    before, after = streamed(score, wave), streamed(score, other)
    assert_same(before[: frame + 1], after[: frame + 1])
    assert any((before.column(name) != after.column(name)).any() for name in MOUTH)


def test_the_look_ahead_is_at_most_120_ms() -> None:
    assert model().lookahead <= 0.12


def test_a_duration_is_kept_with_silence_after_the_sound() -> None:
    motion = streamed(Score(duration=2.0), demo()[:16_000])
    assert len(motion) == 50
    assert motion.column("speech.jaw")[45:].max() < 0.05


def test_lips_speak_under_every_frame_rate() -> None:
    for fps in (25.0, 60.0):
        motion = streamed(Score(fps=fps), demo()[:48_000])
        assert np.percentile(motion.column("speech.jaw"), 95) > 0.3
        assert motion.column("speech.close").max() > 0.9


def test_a_mood_that_changes_leads_the_face_there_without_a_jump() -> None:
    mood = Mood(parse_emotion("happy"))
    pieces = []
    for piece in Live(Babble(1)).stream(Score(emotion=mood, blink=False), cut(np.zeros(6 * RATE, np.float32), 320)):
        pieces.append(piece)
        if piece.first == 75:
            mood.emotion, mood.intensity = parse_emotion("sad"), 0.5
    motion = join(pieces)
    happy, sad = motion.column(EMOTION + "happy"), motion.column(EMOTION + "sad")
    assert not sad[:76].any()
    assert happy[:76].max() > 0.9
    assert happy[90:].max() < 0.1
    assert 0.3 < sad[90:].max() <= 0.5
    for label in EMOTIONS:
        assert np.abs(np.diff(motion.column(EMOTION + label))).max() < 0.2
    assert np.all(np.diff(sad[76:86]) > 0)


def test_the_eyes_go_where_the_mood_looks_and_the_head_follows() -> None:
    mood, still = Mood(), Mood()
    silence = np.zeros(3 * RATE, np.float32)
    pieces = []
    for piece in Live(Babble(0)).stream(Score(emotion=mood, seed=1), cut(silence, 320)):
        pieces.append(piece)
        if piece.first == 24:
            mood.gaze = (0.1, -0.2)
    looking, before = join(pieces), join(Live(Babble(0)).stream(Score(emotion=still, seed=1), [silence]))
    turned = looking.head[:, :2] - before.head[:, :2]
    seen = looking.gaze + looking.head[:, None, :2] - before.gaze - before.head[:, None, :2]
    assert not turned[:25].any()
    np.testing.assert_allclose(seen[:25], 0, atol=1e-12)
    np.testing.assert_allclose(seen[30:, 0], [[0.1, -0.2]] * len(seen[30:]), atol=0.01)  # within 0.2 s
    np.testing.assert_allclose(turned[-1], FOLLOWS * np.array([0.1, -0.2]), atol=0.005)
    assert np.abs(turned[29]).max() < 0.3 * np.abs(turned[-1]).max()
    assert not join(Live(Babble(0)).stream(Score(emotion=mood, head_motion="none"), [silence])).head.any()


def test_a_blink_that_an_emotion_brought_about_stays_when_the_emotion_goes() -> None:
    """Lids fall and rise smoothly, whenever the mood changes."""
    silence = np.zeros(12 * RATE, np.float32)
    mood = Mood(parse_emotion("fearful"))
    pieces = []
    for piece in Live(Babble(0)).stream(Score(fps=50, emotion=mood, seed=5), [silence]):
        pieces.append(piece)
        if piece.first % 7 == 0:
            mood.intensity = 1 - mood.intensity
    lids = join(pieces).column("lidLeft")
    assert lids.max() > 0.9
    assert np.abs(np.diff(lids)).max() < 0.65  # the lids of a blink fall in 60 ms
    assert lids[:-1][np.diff(lids) < -0.45].size == 0  # and rise in 95


def test_styles_and_cues_do_not_delay_it_but_keys_do() -> None:
    def first_after(**wishes) -> float:
        taken = 0

        def microphone() -> Iterator[F32]:
            nonlocal taken
            for block in cut(demo(), 160):
                taken += len(block)
                yield block

        next(model().stream(Score(**wishes), microphone()))
        return taken / RATE

    plain = first_after()
    assert plain <= 0.02 + model().lookahead + 0.01
    assert first_after(style=Style("calm", {"head": 0.5}), cues=(Cue(0.0, 2.0, {"mouthSmileLeft": 0.3}),)) == plain
    assert first_after(keys=(Key(1.0, {"mouthSmileLeft": 0.3}, reach=0.3),)) >= plain + 0.6


def test_memory_does_not_grow() -> None:
    """Of the model; that of the encoder does not either (speech/test_live.py)."""
    second = np.zeros(RATE, np.float32)

    def peak(seconds: int) -> int:
        frames = 0
        tracemalloc.start()
        for piece in Live(Babble(1)).stream(Score(fps=10, emotion=Mood()), [second] * seconds):
            frames += len(piece)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert frames == 10 * seconds
        return most

    peak(24)  # fills the caches of what chance has drawn
    assert peak(24) < 1.05 * peak(8)


def test_what_it_cannot_do_is_said() -> None:
    with pytest.raises(InputError, match="motion model 'live': expected a score with a sound, found none"):
        model().plan(Score(duration=1.0))
    with pytest.raises(InputError, match="motion model 'live': expected sound alone, found words"):
        model().stream(Score(phones=(Segment(0, 1, "AA"),)), [])
