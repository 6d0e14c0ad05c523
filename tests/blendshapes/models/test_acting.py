"""The generative model: other performances of the same lips, keys and spans met, pieces and streams like the whole."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from emosplat.blendshapes.acting import flow
from emosplat.blendshapes.acting.bands import BESIDE_SOUND
from emosplat.blendshapes.acting.conditions import TOLD
from emosplat.blendshapes.acting.prior import chance
from emosplat.blendshapes.acting.space import COORDINATES, REGION
from emosplat.blendshapes.acting.style import style_of
from emosplat.blendshapes.acting.weights import ActingWeights
from emosplat.blendshapes.emotion import parse_emotion
from emosplat.blendshapes.face_motion import REGIONS, FaceMotion, join
from emosplat.blendshapes.models import acting, find_model
from emosplat.blendshapes.models.acting import Acting
from emosplat.blendshapes.models.procedural import Procedural
from emosplat.blendshapes.score import LIDS, Fixed, Key, Score, Style
from emosplat.blendshapes.speech.accents import Accent
from emosplat.core.errors import InputError

from .test_procedural import BILABIALS, DURATION, Script, babble

FREE = ("headYaw", "headPitch", "browOuterUpLeft", "gazeLeftYaw", "mouthSmileLeft", "speech.jaw")


@lru_cache
def model() -> Acting:
    return Acting(Script(babble()), ActingWeights.load())


@lru_cache
def planned(seed: int = 0, **asked) -> FaceMotion:
    return plan(seed=seed, **asked)


def plan(**asked) -> FaceMotion:
    return model().plan(Score(DURATION, sound=lambda: iter(()), **asked))


def test_it_is_found_by_name() -> None:
    assert find_model("acting").name == "acting"


def test_seeds_act_otherwise_with_the_same_closures() -> None:
    one, other = planned(1), planned(2)
    for name in FREE:
        assert np.abs(one.column(name) - other.column(name)).max() > 0.01
    for name in ("speech.close", "speech.tuck"):
        np.testing.assert_array_equal(one.column(name), other.column(name))
    jaws = np.corrcoef(one.column("speech.jaw"), other.column("speech.jaw"))[0, 1]
    assert 0.8 < jaws < 0.999
    np.testing.assert_array_equal(plan(seed=1).values, one.values)


def test_closed_lips_are_those_of_the_sound() -> None:
    spoken = find_model("procedural")
    spoken = type(spoken)(Script(babble())).plan(Score(DURATION, sound=lambda: iter(()), seed=1))  # pyright: ignore
    at = np.round(BILABIALS * 25).astype(int)
    closed = spoken.column("speech.close")[at] > 0.99
    assert closed.sum() > 4
    for name in ("speech.jaw", "speech.lower_lip"):
        np.testing.assert_array_equal(planned(3).column(name)[at][closed], spoken.column(name)[at][closed])


def test_people_blink_however_usual_the_performance_is() -> None:
    blinks = []
    for variety in (0.0, 0.5, 1.0):
        closed = 0
        for seed in range(4):
            face = planned(seed, variety=variety)
            shut = (face.lids.mean(axis=1) > 0.6).astype(int)
            closed += int((np.diff(shut) == 1).sum())
        blinks.append(closed)
    assert min(blinks) > 0.5 * max(blinks) > 0


def test_clips_begin_and_end_with_open_eyes() -> None:
    for seed in range(12):
        lids = planned(seed).lids
        assert max(lids[0].max(), lids[-1].max()) <= LIDS


def test_without_variety_seeds_are_alike() -> None:
    """But for when they blink, which is never usual, and what little else goes with a blink."""
    one, other = plan(seed=1, variety=0.0), plan(seed=2, variety=0.0)
    for name in {*one.columns} - {"lidLeft", "lidRight"}:
        np.testing.assert_allclose(one.column(name), other.column(name), atol=0.03)


def test_pieces_equal_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = planned(4)
    monkeypatch.setattr(acting, "CHUNK", 7)
    monkeypatch.setattr(acting, "TOLD_AT_ONCE", 19)
    pieces = plan(seed=4)
    for name in whole.columns:
        np.testing.assert_allclose(pieces.column(name), whole.column(name), atol=1e-5)


@pytest.mark.parametrize("fps", [12.0, 60.0])
def test_any_frame_rate_shows_the_same_performance(fps: float) -> None:
    other = model().plan(Score(DURATION, fps, sound=lambda: iter(()), seed=4))
    for name in ("headYaw", "browOuterUpLeft"):
        same = np.interp(planned(4).times, other.times, other.column(name))
        assert np.abs(same - planned(4).column(name))[5:-5].max() < 0.05


def test_a_stream_acts_alike_and_never_jumps() -> None:
    streamed = join(model().stream(Score(DURATION, seed=5), iter(())))
    whole = planned(5)
    assert abs(len(streamed) - len(whole)) <= 1
    for name in ("headYaw", "headPitch", "browOuterUpLeft"):
        assert streamed.column(name).std() > 0.3 * whole.column(name).std()
        steps = np.abs(np.diff(streamed.column(name)))
        assert steps.max() < 3 * np.abs(np.diff(whole.column(name))).max()


def test_keys_are_met_and_led_to() -> None:
    key = Key(3.0, {"headYaw": 0.2, "mouthSmileLeft": 0.7})
    found = plan(seed=6, keys=(key,))
    frame = int(3.0 * 25)
    assert found.column("headYaw")[frame] == pytest.approx(0.2, abs=1e-9)
    assert found.column("mouthSmileLeft")[frame] == pytest.approx(0.7, abs=1e-9)
    steps, usual = np.abs(np.diff(found.column("headYaw"))), np.abs(np.diff(planned(6).column("headYaw")))
    assert steps[frame - 10 : frame + 10].max() < 0.2 / 3 + usual.max()


def test_a_fixed_span_is_kept_bit_for_bit_and_the_rest_goes_on_from_it() -> None:
    other = planned(8)
    found = plan(seed=7, fixed=(Fixed(2.0, 4.0, other),))
    first, last = 50, 100
    for name in other.columns:
        np.testing.assert_array_equal(found.column(name)[first:last], other.column(name)[first:last])
    for name in ("headYaw", "headPitch", "browOuterUpLeft"):
        steps, usual = np.abs(np.diff(found.column(name))), np.abs(np.diff(other.column(name)))
        assert steps[first - 2 : first + 1].max() < 2 * np.percentile(usual, 99) + 1e-3
        assert steps[last - 2 : last + 1].max() < 2 * np.percentile(usual, 99) + 1e-3


def test_what_is_made_anew_begins_with_the_chance_of_what_lies_around_it() -> None:
    """Or the network would not go on from it: into the span chance becomes the new seed's, of the same size."""
    motion = planned(1)
    spans = (Fixed(0, 2, motion), Fixed(6, 8, motion))
    frames = np.arange(0, 200)
    begun = acting._begun(frames, Score(8.0, seed=2, fixed=spans))
    old, new = chance(frames, 1), chance(frames, 2)
    for kept in (slice(0, 50), slice(150, 200)):
        np.testing.assert_allclose(begun[kept], old[kept], atol=1e-12)
    np.testing.assert_array_equal(begun[66:134], new[66:134])
    assert np.abs(np.diff(begun[45:70], axis=0)).max() < 1.5 * np.abs(np.diff(chance(frames, 3), axis=0)).max()
    np.testing.assert_array_equal(acting._begun(frames, Score(8.0, seed=1, fixed=spans)), old)


def test_a_span_made_anew_goes_on_before_it_is_led(monkeypatch: pytest.MonkeyPatch) -> None:
    """The network alone comes nearer to what is kept than performances of two seeds are to each other."""
    monkeypatch.setattr(flow, "BRIDGE", 1)
    monkeypatch.setattr(flow, "SLOW_BRIDGE", 1)
    face = planned(1)
    made = plan(seed=2, fixed=(Fixed(0, 2.0, face, reach=0.0),))
    columns = ("headYaw", "headPitch", "headRoll", "browDownLeft", "eyeSquintLeft")
    step = made.table(columns)[50] - face.table(columns)[49]
    apart = np.abs(planned(2).table(columns) - face.table(columns)).mean(axis=0)
    assert (np.abs(step) < np.maximum(0.7 * apart, 0.01)).all()


def test_regions_that_nobody_has_measured_are_not_kept() -> None:
    """Of a motion without a head, the head is free; of one that tells nothing, everything is, as without it."""
    head = np.arange(len(REGIONS)) == REGIONS.index("head")
    motion = planned(1)
    known = acting._Known(Score(8.0, fixed=(Fixed(0, 2.0, replace(motion, given=motion.given & ~head)),)))
    _, mask = known.at(np.arange(100) / 25, np.zeros((100, len(TOLD))))
    np.testing.assert_array_equal(mask[:50].all(axis=0), [REGION[name] != "head" for name in COORDINATES])
    assert not mask[50:].any()
    silent = Fixed(0, 2.0, replace(motion, given=np.zeros_like(motion.given)), reach=0.0)
    begun = acting._begun(np.arange(200), Score(8.0, seed=2, fixed=(silent,)))
    np.testing.assert_array_equal(begun, chance(np.arange(200), 2))
    still = plan(seed=1, fixed=(silent,))
    np.testing.assert_allclose(still.head[55:], motion.head[55:], atol=1e-5)


def test_a_style_is_followed() -> None:
    times = np.arange(500) / 25
    lively = FaceMotion.rest(500, fps=25).with_columns(
        {"headYaw": 0.12 * np.sin(2.5 * times), "headPitch": 0.08 * np.sin(3.1 * times), "mouthSmileLeft": 0.5}
    )
    statue = FaceMotion.rest(500, fps=25).with_columns({"headYaw": 0.002 * np.sin(2.5 * times)})
    moved = [plan(seed=9, style=style_of(face, "x")) for face in (lively, statue)]
    assert moved[0].column("headYaw").std() > 1.5 * moved[1].column("headYaw").std()
    assert moved[0].column("mouthSmileLeft").mean() > moved[1].column("mouthSmileLeft").mean() + 0.1


def test_a_mouth_beside_the_sound_arrives_and_contacts_stay() -> None:
    """Whoever rounds more than the sound has it does so in what is made, in about the same proportion."""
    weights = ActingWeights.load()
    usual = dict(zip(BESIDE_SOUND, weights.articulation.ravel().tolist(), strict=True))
    spoken = Procedural(Script(babble())).plan(Score(DURATION, sound=lambda: iter(()), seed=1))
    free = (spoken.column("speech.round") > 0.3) & (spoken.column("speech.close") < 0.05)
    rounded = []
    for gain in (0.6, 1.2):
        own = {name: gain * usual[name] for name in ("round.slow", "round.quick")}
        style = Style("x", statistics=usual | own)
        found = plan(seed=9, style=style)
        rounded.append(found.column("speech.round")[free].mean())
        for name in ("speech.close", "speech.tuck"):
            np.testing.assert_array_equal(found.column(name), spoken.column(name))
        closed = spoken.column("speech.close") >= 1
        for name in ("speech.jaw", "speech.round"):
            np.testing.assert_array_equal(found.column(name)[closed], spoken.column(name)[closed])
    assert rounded[1] / rounded[0] == pytest.approx(2, rel=0.15)


def test_brows_move_on_under_an_emotion() -> None:
    def moved(**asked) -> float:
        found = [model().plan(Score(DURATION, sound=lambda: iter(()), seed=seed, **asked)) for seed in range(4)]
        return float(
            np.median([(face.column("browOuterUpLeft") - face.column("browDownLeft")).std() for face in found])
        )

    calm = moved()
    for emotion in ("angry", "happy", "surprised"):  # which move people more than sadness does
        assert 0.6 < moved(emotion=parse_emotion(emotion)) / calm < 1.7


def test_a_style_that_does_not_count_leaves_no_trace() -> None:
    styles = [
        Style("x", statistics=dict.fromkeys(BESIDE_SOUND, size) | {"head_yaw.size": size, "brow_left.speed": size})
        for size in (0.5, 1.5)
    ]
    told, left_out = ([plan(seed=9, style=s, guidance={"style": g}) for s in styles] for g in (1.6, 0.0))
    for name in ("speech.jaw", "headYaw", "browOuterUpLeft"):
        np.testing.assert_allclose(left_out[0].column(name), left_out[1].column(name), atol=0.01)
        assert np.abs(told[0].column(name) - told[1].column(name)).max() > 0.03


def test_a_style_beside_the_sound_streams(monkeypatch: pytest.MonkeyPatch) -> None:
    style = Style("x", statistics=dict.fromkeys(BESIDE_SOUND, 0.6))
    whole = plan(seed=4, style=style)
    monkeypatch.setattr(acting, "CHUNK", 7)
    monkeypatch.setattr(acting, "TOLD_AT_ONCE", 19)
    pieces = plan(seed=4, style=style)
    streamed = join(model().stream(Score(DURATION, seed=4, style=style), iter(())))
    plain = join(model().stream(Score(DURATION, seed=4), iter(())))
    for name in ("speech.jaw", "speech.wide"):
        np.testing.assert_allclose(pieces.column(name), whole.column(name), atol=1e-5)
    assert streamed.column("speech.jaw").mean() < 0.8 * plain.column("speech.jaw").mean()


def test_accents_can_be_said_and_guided() -> None:
    moments = tuple(Accent(t, "stress") for t in (1.5, 2.5, 3.5, 4.5))
    assert np.abs(plan(seed=2, accents=moments).column("headPitch") - planned(2).column("headPitch")).max() > 1e-3
    assert np.abs(plan(seed=2, guidance={"emotion": 2.0}, emotion=parse_emotion("happy")).column("headPitch")
                  - plan(seed=2, emotion=parse_emotion("happy")).column("headPitch")).max() > 1e-4  # fmt: skip


def test_without_a_sound_there_is_one_line() -> None:
    with pytest.raises(InputError, match="motion model 'acting': expected a score with a sound"):
        model().plan(Score(1.0))
