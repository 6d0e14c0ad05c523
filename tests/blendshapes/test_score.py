"""Scores: cues, keys and fixed spans are met, whole or streamed, and what is wrong is refused."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.emotion import parse_emotion
from emosplat.blendshapes.face_motion import FaceMotion, join, region_of
from emosplat.blendshapes.score import LIDS, Cue, Fixed, Key, Score, Style, shaped
from emosplat.core.errors import InputError

from .made_up import assert_same, face_motions

FPS = 25.0
FRAMES = 100  # 4 s


def lively(frames: int = FRAMES, *, seed: int = 0, first: int = 0) -> FaceMotion:
    """Something in every kind of column."""
    rng = np.random.default_rng(seed)
    names = ("cheekPuff", "browInnerUp", "speech.close", "emotion.happy", "basis:head:1", "headYaw", "jawPitch")
    columns = {name: rng.uniform(0.1, 0.6, frames) for name in names} | {"basis:head:1": rng.normal(size=frames)}
    return FaceMotion.rest(frames, fps=FPS, first=first).with_columns(columns)


def asked(motion: FaceMotion, **wishes: Any) -> FaceMotion:
    return join(shaped([motion], Score(fps=motion.fps, **wishes)))


def far(motion: FaceMotion, start: float, end: float) -> np.ndarray:
    return (motion.times < start) | (motion.times > end)


TIMES = st.floats(0, 4)
CUES = st.builds(
    lambda start, length, value, attack: Cue(start, start + length, {"browInnerUp": value, "headRoll": 0.1}, attack),
    *(TIMES, st.floats(0, 2), st.floats(-0.3, 0.3), st.floats(0, 0.5)),
)
KEYS = st.builds(
    lambda time, value, reach: Key(time, {"cheekPuff": value, "headYaw": -value}, reach),
    *(TIMES, st.floats(-1, 1), st.floats(0, 0.8)),
)
SPANS = st.builds(
    lambda start, length, reach: Fixed(start, start + length, lively(150, seed=7), reach),
    *(st.floats(0, 3.5), st.floats(0.05, 2), st.floats(0, 0.5)),
)
STYLES = st.none() | st.just(Style("calm", {"head": 0.5, "brows": 0.25, "emotion": 2.0}))


def wishes(style: Style | None, cues: list[Cue], keys: list[Key], fixed: list[Fixed]) -> Score:
    return Score(fps=FPS, style=style, cues=tuple(cues), keys=tuple(keys), fixed=tuple(fixed))


@given(st.floats(0, 4), st.floats(0, 2))
def test_a_style_of_any_strength_moves_as_much_as_it_says(gain: float, strength: float) -> None:
    style = Style("a", {"head": gain}, strength=strength)
    motion = lively()
    turned = asked(motion, style=style).column("headYaw")
    np.testing.assert_allclose(turned, np.clip(1 + strength * (gain - 1), 0, 4) * motion.column("headYaw"), atol=1e-12)


@given(st.floats(0, 4), st.floats(0, 2))
def test_lids_that_move_more_rest_where_they_were(gain: float, strength: float) -> None:
    """A gain is for blinks: eyes are as open between them as ever, and closed is closed."""
    closure = np.array([0.0, LIDS / 2, LIDS, LIDS, 0.6, 1.0, 0.4, LIDS])
    face = FaceMotion.rest(len(closure), fps=25).with_columns({"lidLeft": closure, "lidRight": closure})
    lids = asked(face, style=Style("a", {"lids": gain}, strength=strength)).column("lidLeft")
    open_eyed = closure <= LIDS
    np.testing.assert_allclose(lids[open_eyed], closure[open_eyed], atol=1e-12)
    size = np.clip(1 + strength * (gain - 1), 0, 4)
    np.testing.assert_allclose(lids[~open_eyed], np.minimum(LIDS + size * (closure[~open_eyed] - LIDS), 1), atol=1e-12)


# whole and streamed


@given(STYLES, st.lists(CUES, max_size=2), st.lists(KEYS, max_size=4), st.lists(SPANS, max_size=2), st.integers(1, 40))
def test_the_pieces_do_not_matter(
    style: Style | None, cues: list[Cue], keys: list[Key], fixed: list[Fixed], size: int
) -> None:
    """Bit for bit: a motion that is shaped as it comes is what it is when all of it is there."""
    score = wishes(style, cues, keys, fixed)
    whole = join(shaped([lively()], score))
    assert_same(join(shaped(lively().chunks(size), score)), whole)
    assert len(whole) == FRAMES


@given(face_motions(), st.integers(1, 5))
def test_a_score_without_wishes_changes_nothing(motion: FaceMotion, size: int) -> None:
    pieces = list(motion.chunks(size))
    assert all(out is piece for out, piece in zip(shaped(pieces, Score(fps=motion.fps)), pieces, strict=True))


def test_no_more_is_held_back_than_the_wishes_reach() -> None:
    score = Score(fps=FPS, keys=(Key(2.0, {"cheekPuff": 1.0}, reach=0.4),), fixed=(Fixed(3, 3.5, lively(), 0.2),))
    taken = given_out = 0

    def source() -> Any:
        nonlocal taken
        for piece in lively().chunks(1):
            taken += 1
            yield piece

    for piece in shaped(source(), score):
        given_out += len(piece)
        assert taken - given_out <= math.ceil((2 * 0.4 + 0.2) * FPS) + 1
    assert given_out == FRAMES


# keys


@given(st.floats(0, 3.999), st.floats(-1, 1), st.floats(0, 1))
def test_a_key_is_met_and_leaves_what_is_out_of_its_reach(time: float, value: float, reach: float) -> None:
    before, after = lively(), asked(lively(), keys=[Key(time, {"cheekPuff": value}, reach)])
    frame = math.floor(time * FPS)
    assert after.column("cheekPuff")[frame] == pytest.approx(value, abs=1e-12)
    away = far(before, before.times[frame] - reach - 1e-9, before.times[frame] + reach + 1e-9)
    np.testing.assert_array_equal(after.column("cheekPuff")[away], before.column("cheekPuff")[away])
    for name in set(before.columns) - {"cheekPuff"}:
        np.testing.assert_array_equal(after.column(name), before.column(name))


@given(st.lists(st.tuples(st.integers(0, FRAMES - 1), st.floats(-1, 1), st.floats(0, 1.5)), min_size=2, max_size=6))
def test_all_keys_are_met_however_near_they_are(keys: list[tuple[int, float, float]]) -> None:
    keys = list({frame: (frame, value, reach) for frame, value, reach in keys}.values())
    after = asked(lively(), keys=[Key((f + 0.5) / FPS, {"headYaw": v}, r) for f, v, r in keys])
    for frame, value, _ in keys:
        assert after.column("headYaw")[frame] == pytest.approx(value, abs=1e-12)


def test_the_way_to_a_key_and_back_is_smooth() -> None:
    still = FaceMotion.rest(FRAMES, fps=FPS)
    way = asked(still, keys=[Key(2.0, {"mouthPucker": 1.0}, reach=1.0)]).column("mouthPucker")
    assert way.max() == 1
    assert (np.diff(way[: way.argmax()]) >= 0).all()
    assert (np.diff(way[way.argmax() :]) <= 0).all()
    assert np.abs(np.diff(way)).max() < 2 / FPS  # never twice as fast as a straight way
    assert way[25] < 0.01


# cues


def test_a_cue_is_added_while_it_lasts_and_nowhere_else() -> None:
    before = lively()
    cue = Cue(1.0, 2.0, {"cheekPuff": 0.25, "eyeWideLeft": 0.5, "headYaw": -0.1}, attack=0.2, release=0.4)
    after = asked(before, cues=[cue])
    held = (before.times >= 1.0) & (before.times <= 2.0)
    away = far(before, 0.8, 2.4)
    for name, value in cue.columns.items():
        change = after.column(name) - before.column(name)
        np.testing.assert_allclose(change[held], value, atol=1e-12)
        assert not change[away].any()
        rises = np.diff(np.abs(change))
        assert (rises[: held.argmax()] >= -1e-12).all()
    for name in set(before.columns) - set(cue.columns):
        np.testing.assert_array_equal(after.column(name), before.column(name))


def test_cues_add_up() -> None:
    cues = [Cue(0.5, 3.5, {"cheekPuff": 0.1}), Cue(0.5, 3.5, {"cheekPuff": 0.2})]
    change = asked(lively(), cues=cues).column("cheekPuff") - lively().column("cheekPuff")
    np.testing.assert_allclose(change[20:80], 0.3, atol=1e-12)


# styles


def test_a_style_scales_its_regions_and_leaves_contacts() -> None:
    before = lively()
    after = asked(before, style=Style("big", {"head": 2.0, "brows": 0.5, "mouth": 0.0, "emotion": 3.0}))
    gains = {"head": 2.0, "brows": 0.5, "mouth": 0.0}
    for name in ("headYaw", "browInnerUp", "jawPitch", "cheekPuff"):
        gain = gains.get(region_of(name), 1.0)
        np.testing.assert_allclose(after.column(name), gain * before.column(name), atol=1e-12)
    np.testing.assert_array_equal(after.column("speech.close"), before.column("speech.close"))  # p, b, m still close
    np.testing.assert_allclose(after.column("emotion.happy"), np.minimum(3 * before.column("emotion.happy"), 1))
    np.testing.assert_allclose(after.column("basis:head:1"), 3 * before.column("basis:head:1"))  # these have a sign


# fixed spans


@given(SPANS)
def test_a_fixed_span_is_that_motion_bit_for_bit_and_its_surroundings_are_the_clips(span: Fixed) -> None:
    before, after = lively(), asked(lively(), fixed=[span])
    inside = (before.times >= span.start - 1e-9) & (before.times < span.end - 1e-9)
    for name in {*before.columns, *span.motion.columns}:
        given_there = span.motion.column(name)[:FRAMES]
        np.testing.assert_array_equal(after.column(name)[inside], given_there[inside])
    away = far(before, span.start - span.reach - 1 / FPS, span.end + span.reach + 1 / FPS)
    for name in before.columns:
        np.testing.assert_array_equal(after.column(name)[away], before.column(name)[away])


def test_a_motion_that_counts_from_another_frame_is_put_where_it_belongs() -> None:
    span = Fixed(2.0, 3.0, lively(30, seed=7, first=48))
    after = asked(lively(), fixed=[span])
    np.testing.assert_array_equal(after.column("cheekPuff")[50:75], span.motion.column("cheekPuff")[2:27])


@pytest.mark.parametrize("keys", [(), (Key(1.0, {"mouthPucker": 0.8}, reach=0.5),)], ids=["alone", "beside a key"])
def test_the_motion_is_led_into_a_fixed_span(keys: tuple[Key, ...]) -> None:
    """No jump at its edges: the frame beside a span is about what the span begins with."""
    still = FaceMotion.rest(FRAMES, fps=FPS)
    span = Fixed(1.08, 2.0, still.with_column("mouthPucker", 0.5), reach=0.4)
    column = asked(still, fixed=[span], keys=keys).column("mouthPucker")
    assert (column[27:50] == 0.5).all()
    assert abs(column[26] - 0.5) < 0.1
    assert abs(column[50] - 0.5) < 0.1
    assert column[62:].max() == 0


def test_keys_and_cues_inside_a_fixed_span_give_way() -> None:
    span = Fixed(1.0, 2.0, lively(seed=7))
    after = asked(lively(), fixed=[span], keys=[Key(1.5, {"cheekPuff": -1})], cues=[Cue(1, 2, {"headYaw": 1})])
    for name in ("cheekPuff", "headYaw"):
        np.testing.assert_array_equal(after.column(name)[25:50], span.motion.column(name)[25:50])


# what is refused


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Score(intensity=1.5), r"intensity: expected a number in 0\.\.1, found 1.5"),
        (lambda: Score(intensity=math.nan), "intensity"),
        (lambda: Score(fps=0), r"fps: expected a number in 0\.\.1000, found 0"),
        (lambda: Score(fps=math.inf), "fps"),
        (lambda: Score(duration=-1), "duration: expected seconds from 0 on, found -1"),
        (lambda: Score(duration=math.inf), "duration"),
        (lambda: Style("odd", {"ears": 1}), "style 'odd': expected regions of mouth, jaw"),
        (lambda: Style("odd", {"head": -1}), r"style 'odd': head: expected a number in 0\.\.4, found -1"),
        (lambda: Style("odd", {"head": math.nan}), "style 'odd': head"),
        (lambda: Cue(1, 0, {}), "cue: expected times from 0 on, in order, found 1 to 0 s"),
        (lambda: Cue(math.nan, 1, {}), "cue: expected times"),
        (lambda: Cue(0, 1, {"ears": 1}), "cue: face motion: expected a channel such as .* found 'ears'"),
        (lambda: Cue(0, 1, {"headYaw": math.inf}), "cue: headYaw: expected a finite number, found inf"),
        (lambda: Key(-1, {}), "key: expected times from 0 on"),
        (lambda: Key(1, {}, reach=-0.1), "key: expected times"),
        (lambda: Key(1, {"jawOpen": 1}), "key: face motion: expected a channel"),
        (lambda: Fixed(0, 5, lively()), "fixed span 0-5 s: expected a motion that covers it, found one of 0-4 s"),
        (lambda: Fixed(0, 1, lively(first=10)), "expected a motion that covers it, found one of 0.4-4.4 s"),
        (lambda: Fixed(1, 1, lively()), "fixed span 1-1 s: expected at least one frame of 25/s, found none"),
        (lambda: Fixed(1.021, 1.059, lively()), "expected at least one frame"),
        (
            lambda: Score(fps=30, fixed=(Fixed(0, 1, lively()),)),
            "fixed span: expected 30 frames/s, found 25",
        ),
    ],
)
def test_what_makes_no_sense_is_refused(build: Callable[[], Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        build()


@pytest.mark.parametrize(("duration", "fps", "frames"), [(2, 25, 50), (0.001, 25, 1), (1.001, 30, 31), (0, 25, 0)])
def test_frames_are_the_ceiling(duration: float, fps: float, frames: int) -> None:
    assert Score(duration=duration, fps=fps).frames == frames
    assert Score(fps=fps).frames is None


def test_an_emotion_may_be_said_in_words() -> None:
    score = Score(seed=3, keys=(Key(1, {"cheekPuff": 1}),))
    assert score.with_emotion("happy:0.5").emotion == parse_emotion("happy:0.5")
    assert score.with_emotion(parse_emotion("sad")).emotion == parse_emotion("sad")
    assert (score.with_emotion("sad").seed, score.with_emotion("sad").keys) == (score.seed, score.keys)
