"""Spans made anew: bit for bit what they were outside, no jump of value or speed at their edges."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_head
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.bundle import Bundle
from emosplat.blendshapes.editing.spans import (
    EDGE,
    Span,
    bridged,
    emotion_of,
    fixed_around,
    frames_of,
    parse_span,
    replaced,
    with_edges,
)
from emosplat.blendshapes.emotion import EMOTIONS, parse_emotion
from emosplat.blendshapes.face_motion import REGIONS, FaceMotion, region_of
from emosplat.blendshapes.models import find_model
from emosplat.blendshapes.score import Fixed, Score
from emosplat.blendshapes.solve.solver import Solver
from emosplat.core.errors import InputError

from ..made_up import assert_same, face_motions

FPS = 25.0
SECONDS = 6.0
SPANS = st.builds(lambda a, b: Span(*sorted((a, b))), st.floats(0, SECONDS), st.floats(0, SECONDS)).filter(
    lambda span: span.end - span.start > 0.1
)


@cache
def sound() -> np.ndarray:
    times = np.arange(int(SECONDS * 16_000)) / 16_000
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 25))
    return (0.1 * buzz * (np.sin(2 * np.pi * 1.7 * times) > 0)).astype(np.float32)


model = cache(find_model)


def performed(seed: int, emotion: str = "happy:0.6", fixed: tuple[Fixed, ...] = ()) -> FaceMotion:
    spoken = parse_emotion(emotion)
    return model().plan(Score(SECONDS, FPS, lambda: [sound()], seed=seed, emotion=spoken, fixed=fixed))


@cache
def talking() -> FaceMotion:
    return performed(0)


@cache
def solver() -> Solver:
    head = builtin_head()
    return Solver(head, Bundle().fusion_for(head))


@cache
def poser() -> Poser:
    return Poser(builtin_head())


def seen(face: FaceMotion) -> dict[str, np.ndarray]:
    """What is seen of a motion, [T, n] each: vertices of the upright head, millimetres; head and eyes, degrees."""
    motion = solver()(face)
    upright = replace(motion, neck=0 * motion.neck, translation=0 * motion.translation)
    vertices = 1000 * poser().vertices(upright)
    lists = poser().head.regions
    places = {"lips": lists["lips"], "brows": lists["brows"], "lids": np.append(lists["left_lid"], lists["right_lid"])}
    curves = {name: vertices[:, place].reshape(len(face), -1) for name, place in places.items()}
    return curves | {"head": np.degrees(motion.neck), "eyes": np.degrees(motion.eyes)}


def steps(curve: np.ndarray, order: int) -> np.ndarray:
    """Size [T - order] of the speed (1) or change of speed (2) per frame."""
    return np.sqrt(np.square(np.diff(curve, n=order, axis=0)).mean(axis=1))


def assert_no_seam(
    before: FaceMotion, after: FaceMotion, takes: list[FaceMotion], seams: list[int], *, slack: float = 1.15
) -> None:
    """Neither a step nor a change of speed above what the clip does of itself, there or elsewhere."""
    was, now = seen(before), seen(after)
    others = [seen(take) for take in takes]
    for name, curve in now.items():
        for order in (1, 2):
            own, there = steps(was[name], order), steps(curve, order)
            usual = np.percentile(np.concatenate([own, *(steps(o[name], order) for o in others)]), 99)
            for seam in seams:
                for at in range(seam - order, seam):
                    beside = own[max(at - 1, 0) : at + 2].max()  # a speed that was there goes on
                    assert there[at] <= slack * max(usual, beside), (name, order, at)


# words


@given(st.text(max_size=30))
def test_any_words_are_a_span_or_one_line(text: str) -> None:
    try:
        span, told = parse_span(text, what="--replace"), "--replace: expected START-END"
    except InputError as error:
        span, told = Span(0, 0), str(error)
    assert told.startswith("--replace: expected START-END")
    assert min(span.start, span.end) >= 0


@given(st.floats(0, 1e4).map(lambda x: round(x, 3)), st.floats(0, 1e4).map(lambda x: round(x, 3)))
def test_what_is_written_is_read(start: float, end: float) -> None:
    assert parse_span(f" {start:.3f} - {end:.3f}", what="") == Span(start, end)


@pytest.mark.parametrize(
    ("span", "message"),
    [
        (Span(1, 1), "--between: expected a span within 0-6 s, start before end, found 1-1"),
        (Span(2, 1), "start before end, found 2-1"),
        (Span(5, 6.1), "expected a span within 0-6 s"),
        (Span(1.021, 1.059), "expected at least one frame of 25/s in 1.021-1.059 s, found none"),
    ],
)
def test_spans_without_frames_are_refused(span: Span, message: str) -> None:
    face = talking()
    with pytest.raises(InputError, match=message):
        bridged(face, span, what="--between")
    with pytest.raises(InputError, match=message.replace("between", "replace")):
        replaced(face, face, span, what="--replace")


# another take


@settings(max_examples=12)
@given(SPANS, st.integers(1, 2**32))
@example(Span(0.0, 1.84375), 2)  # the strongest of some hundreds: 1.106, where lips open just beyond the edge
def test_a_replaced_span_has_no_seam(span: Span, seed: int) -> None:
    """Beyond the edges bit for bit; at them no step, and no change of speed, above what the clip does of itself."""
    face = talking()
    take = performed(seed, fixed=fixed_around(face, span, what=""))
    after = replaced(face, take, span)
    begin, end = with_edges(face, span, what="")
    outside = np.r_[0:begin, end : len(face)]
    for name in {*face.columns, *after.columns}:
        assert after.column(name)[outside].tobytes() == face.column(name)[outside].tobytes(), name
    assert_no_seam(face, after, [take], [at for at in (begin, end) if 2 <= at < len(face) - 1])


@settings(max_examples=10)
@given(SPANS, st.integers(1, 2**32))
def test_the_span_is_the_other_take(span: Span, seed: int) -> None:
    """The mouth to the bit; whatever has a place of its own moves as in the take, but for a slow drift."""
    face = talking()
    first, last = frames_of(face, span, what="")
    take = performed(seed, emotion="angry")
    after = replaced(face, take, span)
    for name in take.columns:
        if region_of(name) in ("mouth", "jaw", "emotion"):
            np.testing.assert_array_equal(after.column(name)[first:last], take.column(name)[first:last])
    drift = np.diff(after.column("headYaw") - take.column("headYaw"))[first : last - 1]
    speed = np.abs(np.concatenate([np.diff(face.column("headYaw")), np.diff(take.column("headYaw"))])).max()
    assert np.abs(drift).max(initial=0) < 2.5 * speed
    assert after.given.all()


@settings(max_examples=10)
@given(SPANS)
def test_the_same_performance_changes_nothing(span: Span) -> None:
    """Of a model that goes by rules; one that generates goes on from what is known, and comes near."""
    score = Score(SECONDS, FPS, lambda: [sound()])
    face = model("procedural").plan(score)
    again = model("procedural").plan(replace(score, fixed=fixed_around(face, span, what="")))
    assert_same(replaced(face, again, span), face)


@settings(max_examples=10)
@given(SPANS)
def test_the_same_performance_comes_near_itself(span: Span) -> None:
    face = talking()
    again = replaced(face, performed(0, fixed=fixed_around(face, span, what="")), span)
    assert np.abs(again.head[:, :3] - face.head[:, :3]).max() < np.radians(3)


@given(SPANS, st.sets(st.sampled_from(REGIONS)))
def test_kept_regions_stay_bit_for_bit(span: Span, regions: set[str]) -> None:
    face = talking()
    other = face.with_columns({name: 0.9 * face.column(name)[::-1] for name in face.columns})
    for after in (replaced(face, other, span, regions=regions), kept_bridge(face, span, regions)):
        for name in face.columns:
            if region_of(name) not in regions:
                assert after.column(name).tobytes() == face.column(name).tobytes()


def kept_bridge(face: FaceMotion, span: Span, regions: set[str]) -> FaceMotion:
    first, last = frames_of(face, span, what="")
    return face if last - first == len(face) else bridged(face, span, regions=regions)


def test_the_eyes_stay_where_they_look_while_the_head_drifts() -> None:
    """Two takes that hold the camera with their eyes, at different turns of the head."""
    still = FaceMotion.rest(100, fps=FPS)

    def holding(turn: float) -> FaceMotion:
        return still.with_columns({"headYaw": turn, "gazeLeftYaw": -turn, "gazeRightYaw": -turn})

    after = replaced(holding(0.1), holding(-0.1), Span(1.5, 2.5))
    for eye in ("gazeLeftYaw", "gazeRightYaw"):
        np.testing.assert_allclose(after.column(eye) + after.column("headYaw"), 0, atol=1e-12)


@pytest.mark.parametrize("span", [Span(1.4, 1.6), Span(2.8, 3.0), Span(0.0, 0.2)])
def test_a_head_in_another_place_does_not_rush_from_there(span: Span) -> None:
    """A filmed one is seldom where a model puts it; the jump between the takes is none of either's motion."""
    times = (np.arange(75) + 0.5) / FPS
    sway = 0.02 * np.sin(2 * np.pi * times)
    made = FaceMotion.rest(75, fps=FPS).with_column("headYaw", sway)
    face = made.with_columns({"headYaw": 0.5 + sway, "headX": 0.2})
    begin, end = with_edges(face, span, what="")
    head = face.head.copy()
    head[begin:end] = made.head[begin:end]  # as a model keeps what lies beyond
    after = replaced(face, replace(made, head=head), span)
    np.testing.assert_allclose(after.column("headX"), 0.2, atol=1e-6)
    assert np.abs(np.diff(after.column("headYaw"))).max() < 2 * np.abs(np.diff(sway)).max()


def test_speed_at_an_edge_carries_a_head_no_farther_than_it_moves() -> None:
    times = (np.arange(150) + 0.5) / FPS
    swinging = FaceMotion.rest(150, fps=FPS).with_column("headYaw", 0.4 * np.sin(2 * np.pi * 1.2 * times))
    still = FaceMotion.rest(150, fps=FPS).with_column("headYaw", 0.001 * np.sin(times))
    for start in np.arange(1.0, 2.0, 0.1):
        for end in (start + 1, 6.0):
            assert np.abs(replaced(swinging, still, Span(start, end)).column("headYaw")).max() < 0.75


def test_eyes_do_not_leave_their_sockets_for_what_they_look_at() -> None:
    looks = 0.1 * np.sin(np.arange(100))
    glancing = FaceMotion.rest(100, fps=FPS).with_columns({"gazeLeftYaw": looks, "gazeRightYaw": looks})
    after = replaced(glancing.with_column("headYaw", 1.0), glancing, Span(1.5, 4.0))
    assert np.abs(after.gaze).max() <= np.radians(25) + 1e-9


def test_a_duration_as_it_is_printed_is_an_end() -> None:
    face = FaceMotion.rest(101, fps=30000 / 1001)
    assert f"{face.duration:g}" == "3.37003"
    assert frames_of(face, Span(1.0, 3.37004), what="")[1] == 101
    with pytest.raises(InputError, match="expected a span within"):
        frames_of(face, Span(1.0, 3.4), what="")


def test_a_model_is_told_to_keep_all_that_lies_beyond_the_edges() -> None:
    face = talking()
    spans = fixed_around(face, Span(2.0, 3.0), what="")
    assert [(s.start, s.end) for s in spans] == [
        (0.0, pytest.approx(2.0 - EDGE, abs=0.03)),
        (pytest.approx(3 + EDGE, abs=0.03), 6.0),
    ]
    assert fixed_around(face, Span(0.1, 5.9), what="") == ()
    assert with_edges(face, Span(0.1, 5.9), what="") == (0, len(face))


def test_the_emotion_of_a_motion_is_what_it_shows() -> None:
    face = talking()
    points = emotion_of(face).at(face.times)
    np.testing.assert_allclose(points[:, EMOTIONS.index("happy")], face.column("emotion.happy"))


# between


@given(face_motions(st.integers(3, 12)), st.data())
def test_a_bridged_span_touches_nothing_else(face: FaceMotion, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(face) - 1))
    last = data.draw(st.integers(first + 1, len(face)))
    assume(last - first < len(face))
    after = bridged(face, Span(first / face.fps, last / face.fps))
    outside = np.r_[0:first, last : len(face)]
    for name in {*face.columns, *after.columns}:
        assert after.column(name)[outside].tobytes() == face.column(name)[outside].tobytes(), name


@settings(max_examples=12)
@given(SPANS)
def test_a_bridge_has_no_seam(span: Span) -> None:
    face = talking()
    first, last = frames_of(face, span, what="")
    assume(first > 2 and last < len(face) - 2 and last - first > 0.6 * FPS)  # a shorter one has to hurry
    assert_no_seam(face, bridged(face, span), [], [first, last], slack=1.3)


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(3, 40))
def test_a_bridge_goes_straight_from_end_to_end(start: float, end: float, frames: int) -> None:
    """Between faces at rest it neither turns back nor overshoots."""
    column = np.concatenate([np.full(5, start), np.zeros(frames), np.full(5, end)])
    face = FaceMotion.rest(len(column), fps=FPS).with_column("headYaw", column)
    way = bridged(face, Span(5 / FPS, (5 + frames) / FPS)).column("headYaw")
    assert (np.sign(end - start) * np.diff(way) >= -1e-12).all()
    assert np.abs(np.diff(way)).max() <= 1.9 * abs(end - start) / (frames + 1) + 1e-9


def test_at_an_end_of_the_clip_the_face_settles() -> None:
    ramp = np.linspace(0, 0.99, 100)
    face = FaceMotion.rest(100, fps=FPS).with_columns({"headYaw": ramp, "lidLeft": ramp})
    after = bridged(face, Span(3.0, 4.0))
    assert after.column("headYaw")[-1] == pytest.approx(ramp[74])  # it runs out and comes back
    assert after.column("headYaw")[75] == pytest.approx(ramp[75], abs=0.005)
    with pytest.raises(
        InputError, match="--between: expected something of the clip beside the span 0-4, found nothing"
    ):
        bridged(face, Span(0, 4), what="--between")
