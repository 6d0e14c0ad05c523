"""The streaming whole, with a made-up encoder: what is said, felt and done arrives in the Motion."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import pytest

from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import CURVES, Motion
from emosplat.blendshapes.emotion import EMOTIONS, parse_emotion, parse_emotion_track
from emosplat.blendshapes.face_motion import SPEECH
from emosplat.blendshapes.models import procedural
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.models.speaking import LIDS
from emosplat.blendshapes.score import Score
from emosplat.blendshapes.solve.articulation import LipGap
from emosplat.blendshapes.solve.composition import Fused, SpeakingFace
from emosplat.blendshapes.solve.fusion import FusionModel
from emosplat.blendshapes.solve.solver import Solver
from emosplat.blendshapes.speech.effort import Habit
from emosplat.blendshapes.speech.encoder import AXES, RATE, Articulation, Blocks
from emosplat.blendshapes.speech.excerpt import REACH, Articulated
from emosplat.blendshapes.talking_head import TalkingHead
from emosplat.core.errors import InputError

DURATION = 8.0
MM = 1e-3
SPOKEN = (1.0, 5.0)  # seconds
BILABIALS = np.arange(1.3, 4.9, 0.437)  # seconds


def babble(duration: float = DURATION) -> Articulation:
    """Open syllables between short closures from 1 s to 5 s, silence around them."""
    times = np.arange(int(duration * RATE) + 1) / RATE
    speech = ((times >= SPOKEN[0]) & (times <= SPOKEN[1])).astype(np.float32)
    axes = np.zeros((len(times), len(AXES)), np.float32)
    axes[:, AXES.index("jaw")] = 0.55 + 0.35 * np.sin(2 * np.pi * 2.3 * times)
    axes[:, AXES.index("lower_lip")] = 0.4
    axes[:, AXES.index("round")] = 0.4 * (np.sin(2 * np.pi * 0.9 * times) > 0.5)
    nearest = np.abs(times[:, None] - BILABIALS).min(axis=1)
    axes[:, AXES.index("close")] = np.clip(1.2 - nearest / 0.03, 0, 1)
    level = np.where(speech > 0, 3 * np.sin(2 * np.pi * 2.3 * times), -60).astype(np.float32)
    return Articulation(axes * speech[:, None], speech, level)


@dataclass(frozen=True)
class Script:
    """An encoder that ignores the audio."""

    whole: Articulation
    piece: int = 600
    lookahead: float = 0.0

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        for start in range(0, len(self.whole), self.piece):
            cut = slice(start, start + self.piece)
            whole = self.whole
            yield replace(whole, axes=whole.axes[cut], speech=whole.speech[cut], level=whole.level[cut])

    def follow(self, blocks: Iterable[np.ndarray]) -> Iterator[Articulation]:
        return self.articulate(lambda: blocks)


@lru_cache
def solver() -> Solver:
    return Solver(builtin_head(), FusionModel.built_in())


def perform(encoder: Script | None = None, *, fps: float = 25, duration: float = DURATION, **direction) -> Motion:
    actor = TalkingHead(Procedural(encoder or Script(babble())), solver())
    return actor.motion(Score(duration, fps, sound=lambda: iter(()), **direction))


def still(**direction) -> Motion:
    return perform(blink=False, head_motion="none", **direction)


def gaps(motion: Motion) -> np.ndarray:
    return LipGap(solver().head)(motion.expr.astype(float), motion.jaw[:, 0].astype(float))


def frame_times(motion: Motion) -> np.ndarray:
    return (np.arange(len(motion)) + 0.5) / motion.fps


def during(motion: Motion, start: float, end: float) -> np.ndarray:
    return (frame_times(motion) > start) & (frame_times(motion) < end)


@pytest.mark.parametrize(
    ("duration", "fps", "frames"), [(8.0, 25, 200), (0.3, 25, 8), (1.001, 30, 31), (0.1, 30, 3), (8.0, 29.97, 240)]
)
def test_frame_count_is_the_ceiling(duration: float, fps: float, frames: int) -> None:
    motion = perform(duration=duration, fps=fps)
    assert len(motion) == frames
    assert motion.fps == fps
    for name in CURVES:
        assert getattr(motion, name).dtype == np.float32
        assert np.isfinite(getattr(motion, name)).all()


def test_neutral_silence_is_the_face_at_rest_with_its_lids_a_little_lower() -> None:
    silence = Articulation(np.zeros((200, 8), np.float32), np.zeros(200, np.float32), np.full(200, -60, np.float32))
    motion = perform(Script(silence), duration=4, blink=False, head_motion="none")
    head = solver().head
    blink = head.arkit.expr[[head.arkit.names.index(f"eyeBlink{s}") for s in ("Left", "Right")]].sum(axis=0)
    np.testing.assert_allclose(motion.expr, np.tile(LIDS * blink, (len(motion), 1)), atol=1e-5)
    for name in CURVES:
        if name != "expr":
            np.testing.assert_allclose(getattr(motion, name), 0, atol=1e-6)


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
@pytest.mark.parametrize("label", EMOTIONS)
def test_bilabials_close_the_lips_under_every_emotion_and_frame_rate(label: str, fps: float) -> None:
    motion = still(emotion=parse_emotion(label), fps=fps)
    widest = gaps(motion).max(axis=1)
    for time in BILABIALS:
        assert widest[np.abs(frame_times(motion) - time) <= 0.5 / fps + 1e-9].min() < 0.1 * MM
    assert np.percentile(gaps(motion)[during(motion, *SPOKEN), 3], 90) > 6 * MM


@pytest.mark.parametrize("label", EMOTIONS)
def test_pauses_are_still_and_closed_unless_the_emotion_drops_the_jaw(label: str) -> None:
    motion = still(emotion=parse_emotion(label))
    gap = gaps(motion)
    vowels = np.percentile(gap[during(motion, *SPOKEN), 3], 90)
    pause = during(motion, 5.4, DURATION)
    assert gap.min() > -0.65 * MM
    if solver().head.emotions.jaw[solver().head.emotions.rows(label)].any():  # fear and surprise drop the jaw
        held = during(motion, 6.0, 7.0)
        assert gap[held].max(axis=1).min() > 2 * MM
        assert np.degrees(motion.jaw[held, 0]).min() > 1
    else:
        assert gap[pause].max() < 0.05 * vowels
        assert not motion.jaw[pause].any()
    if label != "neutral":
        assert np.linalg.norm(motion.expr[during(motion, 5.4, 7.4)], axis=1).min() > 2


def test_a_louder_voice_opens_the_mouth_wider() -> None:
    said = babble()
    said = replace(said, axes=said.axes / 2)
    widest = [
        np.percentile(gaps(still(encoder=Script(replace(said, level=said.level + louder))))[:, 3], 95)
        for louder in (np.float32(-10), np.float32(0), np.float32(10))
    ]
    assert widest[0] < 0.95 * widest[1] < 0.9 * widest[2]


def test_the_mouth_may_open_before_it_speaks_but_not_long_before() -> None:
    said = babble()
    axes = said.axes.copy()
    axes[:, AXES.index("jaw")] = 0.5  # always
    axes[:, AXES.index("close")] = 0
    gap = gaps(still(encoder=Script(replace(said, axes=axes))))[:, 3]
    times = (np.arange(len(gap)) + 0.5) / 25
    opened = times[gap > 1 * MM][0]
    assert 0.1 < SPOKEN[0] - opened < 0.4


def test_intensity_is_monotone() -> None:
    brows = solver().head.exprdirs[solver().head.regions["brows"]]
    faces = [still(emotion=parse_emotion("angry"), intensity=i).expr[100] for i in (0, 0.25, 0.5, 0.75, 1)]
    away = [np.linalg.norm(brows @ (face - faces[0])) for face in faces]
    assert away[0] == 0
    assert (np.diff(away) > 0).all()


def test_same_seed_same_motion_other_seed_other_motion() -> None:
    one, same, other = (perform(seed=s, emotion=parse_emotion("happy")) for s in (1, 1, 2))
    for name in ("expr", "neck", "eyes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(same, name))
        assert np.abs(getattr(one, name) - getattr(other, name)).max() > 0.01


@pytest.mark.parametrize("fps", [12, 25, 60])
def test_chunks_equal_the_whole(monkeypatch: pytest.MonkeyPatch, fps: float) -> None:
    whole = perform(emotion=parse_emotion("fearful"), head_motion="lively", fps=fps)
    monkeypatch.setattr(procedural, "CHUNK", 7)
    pieces = perform(Script(babble(), piece=23), emotion=parse_emotion("fearful"), head_motion="lively", fps=fps)
    for name in CURVES:
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), atol=1e-5)


def test_memory_does_not_grow_with_the_clip(monkeypatch: pytest.MonkeyPatch) -> None:
    held = []
    fill = Articulated._fill

    def watched(self, start: int, stop: int) -> None:
        fill(self, start, stop)
        held.append(len(self._rows))

    monkeypatch.setattr(Articulated, "_fill", watched)
    perform(Script(babble(120.0), piece=100), duration=120)
    assert max(held) < 100 + RATE * (2 * REACH + 3)


def test_track_changes_the_face_over_time() -> None:
    track = parse_emotion_track("time_s,happy,sad\n0,1,0\n3,1,0\n5,0,1\n8,0,1\n")
    motion = still(emotion=track)
    np.testing.assert_allclose(motion.expr[60], still(emotion=parse_emotion("happy")).expr[60], atol=1e-5)
    np.testing.assert_allclose(motion.expr[150], still(emotion=parse_emotion("sad")).expr[150], atol=1e-5)


def test_blinks_shut_wide_eyes_and_leave_the_mouth() -> None:
    head = solver().head
    surprised = parse_emotion("surprised")
    blinking = perform(emotion=surprised, head_motion="none").expr
    lids = np.abs(blinking - still(emotion=surprised).expr).max(axis=1)
    frame = int(lids[25:175].argmax()) + 25
    blink = head.arkit.expr[[head.arkit.names.index(f"eyeBlink{s}") for s in ("Left", "Right")]].sum(axis=0)
    upper = head.regions["left_lid"]
    shut = head.exprdirs[upper] @ blink
    now = head.exprdirs[upper] @ blinking[frame]
    assert np.abs(now - shut).max() < 0.25 * np.abs(shut).max()
    blinking_only = perform(emotion=surprised, head_motion="none")
    np.testing.assert_allclose(gaps(blinking_only), gaps(still(emotion=surprised)), atol=0.2 * MM)


def test_eyes_hold_the_camera_while_the_head_moves() -> None:
    motion = perform(head_motion="lively")
    gaze = motion.eyes[:, :2] + motion.neck[:, :2]
    assert np.abs(gaze).max() < np.radians(8)
    assert np.abs(motion.neck).max() > np.radians(2)
    np.testing.assert_array_equal(motion.eyes[:, :3], motion.eyes[:, 3:])
    assert not motion.rotation.any()
    assert not motion.translation.any()


def test_missing_emotion_is_refused_before_any_work() -> None:
    head = solver().head
    table = head.emotions
    keep = [i for i, name in enumerate(table.names) if name != "contempt"]
    poor = replace(table, names=tuple(table.names[i] for i in keep), expr=table.expr[keep], jaw=table.jaw[keep])
    actor = TalkingHead(Procedural(Script(babble())), Solver(replace(head, emotions=poor)))
    with pytest.raises(InputError, match="contempt"):
        actor.perform(Score(1, 25, sound=lambda: iter(()), emotion=parse_emotion("contempt")))


@pytest.mark.parametrize("intensity", [-0.1, 1.1, float("nan")])
def test_intensity_outside_its_range_is_refused(intensity: float) -> None:
    with pytest.raises(InputError, match=r"intensity: expected a number in 0\.\.1"):
        Score(emotion=parse_emotion("happy"), intensity=intensity)


def test_the_performance_takes_speech_and_emotion_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bit for bit: w_A whatever the emotion, w_E whatever is said while somebody speaks."""
    actor = solver()
    compose = actor._compose
    assert isinstance(compose, Fused)
    seen: list[tuple[np.ndarray, np.ndarray]] = []

    def watched(cue: SpeakingFace) -> tuple[np.ndarray, np.ndarray]:
        seen.append((compose.speech_weights(cue), compose.emotion_weights(cue)))
        return compose(cue)

    monkeypatch.setattr(watched, "emotions", compose.emotions, raising=False)
    monkeypatch.setattr(actor, "_compose", watched)

    def weights(encoder: Script, emotion: str) -> tuple[np.ndarray, np.ndarray]:
        seen.clear()
        perform(encoder, emotion=parse_emotion(emotion))
        return np.concatenate([a for a, _ in seen]), np.concatenate([e for _, e in seen])

    said = babble()
    mumbled = replace(said, axes=0.3 * said.axes)
    happy, sad, other = weights(Script(said), "happy"), weights(Script(said), "sad"), weights(Script(mumbled), "happy")
    np.testing.assert_array_equal(happy[0], sad[0])
    np.testing.assert_array_equal(happy[1], other[1])
    assert np.abs(happy[1] - sad[1]).max() > 0.1
    assert np.abs(happy[0] - other[0]).max() > 0.1


def test_effort_opens_the_mouth_by_a_third_per_ten_decibels_and_leaves_ordinary_voices_alone() -> None:
    said = babble()
    said = replace(said, axes=said.axes / 2)

    def widest(voice: float = 0.0, effort: float | None = None) -> float:
        motion = still(encoder=Script(replace(said, effort=voice)), effort=effort)
        return float(np.percentile(gaps(motion)[:, 3], 90))

    usual = widest()
    assert widest(0, 1.0) == usual
    assert 1.2 < widest(10) / usual < 1.45
    assert widest(-10) < 0.85 * usual
    assert widest(10, 1.0) == usual  # what is asked for counts, not the voice
    assert widest(effort=0.5) < usual < widest(effort=1.5)


def test_effort_beside_the_voices_habit_opens_the_mouth_and_needs_the_whole_sound() -> None:
    rng = np.random.default_rng(0)
    sound = [(0.1 * rng.standard_normal(16000)).astype(np.float32)]
    script, habit = Script(babble()), Habit.of(lambda: sound)
    score = Score(duration=DURATION, fps=25, sound=lambda: sound, effort=habit, blink=False, head_motion="none")
    model = Procedural(script)
    usual = model.plan(replace(score, effort=None))
    assert np.array_equal(model.plan(score).values, usual.values)  # the same loudness: no effort
    quieter = Habit(habit.level - 10, habit.tilt)
    jaw = usual.channels.index(SPEECH[AXES.index("jaw")])
    ratio = model.plan(replace(score, effort=quieter)).values[:, jaw] / np.maximum(usual.values[:, jaw], 1e-9)
    assert np.median(ratio[usual.values[:, jaw] > 0.2]) == pytest.approx(1.3, abs=0.02)
    with pytest.raises(InputError, match="effort: expected auto or a number for sound that arrives"):
        next(iter(model.stream(score, sound)))
