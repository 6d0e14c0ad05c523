"""Face motion: cut, joined, mixed, masked and resampled, every column by its name."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from emosplat.blendshapes.face_motion import (
    ARRAYS,
    BASIS,
    CONTACTS,
    LIP_CONTACT,
    REGIONS,
    RIGID,
    SHAPES,
    SPEECH,
    FaceMotion,
    blend,
    check_channel,
    crossfade,
    join,
    ramp,
    region_of,
    with_channels,
)

from .made_up import CHANNELS, assert_same, face_motions

RATES = st.sampled_from((10.0, 12.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0, 120.0))


def bump(frames: int, at: int, name: str, *, fps: float = 100.0) -> FaceMotion:
    """One column that is 1 in one frame and 0 elsewhere."""
    return FaceMotion.rest(frames, fps=fps).with_column(name, np.eye(frames)[at])


# cut and joined


@given(face_motions(), st.integers(-14, 14), st.integers(-14, 14))
def test_a_slice_keeps_the_times_of_its_frames(motion: FaceMotion, start: int, stop: int) -> None:
    piece = motion[start:stop]
    np.testing.assert_array_equal(piece.times, motion.times[start:stop])
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(piece, name), getattr(motion, name)[start:stop])
    assert (piece.fps, piece.seed, piece.channels) == (motion.fps, motion.seed, motion.channels)


@given(face_motions(st.integers(1, 30)), st.integers(1, 9))
def test_chunks_join_back_exactly(motion: FaceMotion, size: int) -> None:
    chunks = list(motion.chunks(size))
    assert all(len(chunk) <= size for chunk in chunks)
    assert_same(join(chunks), motion)


@given(face_motions(), face_motions())
def test_joined_motions_keep_every_column_of_both(a: FaceMotion, b: FaceMotion) -> None:
    b = replace(b, fps=a.fps)
    both = join([a, b])
    assert len(both) == len(a) + len(b)
    assert both.first == a.first
    for name in {*a.columns, *b.columns}:
        np.testing.assert_array_equal(both.column(name), np.concatenate([a.column(name), b.column(name)]))
    np.testing.assert_array_equal(both.given, np.concatenate([a.given, b.given]))


def test_what_cannot_be_joined_is_refused() -> None:
    with pytest.raises(ValueError, match="found none"):
        join([])
    with pytest.raises(ValueError, match="one frame rate"):
        join([FaceMotion.rest(2, fps=25), FaceMotion.rest(2, fps=30)])
    with pytest.raises(ValueError, match="without a step"):
        FaceMotion.rest(4, fps=25)[::2]


def test_no_channel_is_lost_unseen() -> None:
    smile = FaceMotion.rest(2, fps=25).with_column("mouthSmileLeft", 0.5)
    with pytest.raises(ValueError, match="would be lost"):
        with_channels(smile, ["mouthPucker"])
    still = with_channels(smile.with_column("mouthSmileLeft", 0.0), ["mouthPucker"])
    assert still.channels == ("mouthPucker",)


# columns


@given(face_motions(), st.sampled_from((*CHANNELS, *RIGID)), st.floats(-2, 2))
def test_a_replaced_column_changes_nothing_else(motion: FaceMotion, name: str, value: float) -> None:
    before = {n: motion.column(n).copy() for n in motion.columns}
    changed = motion.with_column(name, value)
    np.testing.assert_array_equal(changed.column(name), np.full(len(motion), value))
    for other in set(motion.columns) - {name}:
        np.testing.assert_array_equal(changed.column(other), before[other])
    for n, column in before.items():
        np.testing.assert_array_equal(motion.column(n), column)  # the motion itself stays


@given(face_motions())
def test_a_table_has_its_columns_in_the_order_asked_for(motion: FaceMotion) -> None:
    names = [*reversed(motion.columns), "cheekPuff"]
    table = motion.table(names)
    assert table.shape == (len(motion), len(names))
    for k, name in enumerate(names):
        np.testing.assert_array_equal(table[:, k], motion.column(name))


@pytest.mark.parametrize(
    "name",
    [
        *("", "mouthSmile", "eyeBlinkLeft", "jawOpen", "emotion.", "basis:", "basis:head", "basis:head:", "basis::1"),
        *("basis:head:-1", "basis:head:01", "basis:head:x", "basis:head:\u0663", "basis:head:99999"),
    ],
)
def test_an_unknown_channel_is_refused_wherever_it_is_named(name: str) -> None:
    motion = FaceMotion.rest(2, fps=25)
    with pytest.raises(ValueError, match="expected a channel such as"):
        check_channel(name)
    with pytest.raises(ValueError, match="expected a channel such as"):
        motion.column(name)
    with pytest.raises(ValueError, match="expected a channel such as"):
        motion.with_column(name, 0.5)


def test_a_channel_that_is_there_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="expected each once"):
        FaceMotion.rest(2, fps=25, channels=("cheekPuff", "cheekPuff"))


@pytest.mark.parametrize("array", ARRAYS)
def test_an_array_of_another_length_is_refused(array: str) -> None:
    motion = FaceMotion.rest(3, fps=25)
    longer = getattr(FaceMotion.rest(4, fps=25), array)
    with pytest.raises(ValueError, match="expected shape"):
        replace(motion, **{array: longer})


@pytest.mark.parametrize("fps", [0, -25, float("nan"), float("inf")])
def test_a_frame_rate_must_be_one(fps: float) -> None:
    with pytest.raises(ValueError, match="expected a positive number"):
        FaceMotion.rest(2, fps=fps)


def test_every_column_has_one_region() -> None:
    regions = {name: region_of(name) for name in (*SHAPES, *SPEECH, *RIGID, "emotion.happy", "basis:head:3")}
    assert set(regions.values()) == set(REGIONS)
    assert {regions[n] for n in ("jawForward", "jawPitch")} == {"jaw"}
    assert {regions[n] for n in ("eyeSquintLeft", "eyeWideRight", "lidLeft")} == {"lids"}
    assert {regions[n] for n in (LIP_CONTACT, "tongueUp", "speech.jaw", "mouthSmileLeft")} == {"mouth"}


# mask


@given(face_motions(st.just(5)), face_motions(st.just(5)))
def test_what_is_not_given_comes_from_below(top: FaceMotion, base: FaceMotion) -> None:
    base = replace(base, fps=top.fps)
    over = top.over(base)
    for name in {*top.columns, *base.columns}:
        known = top.given[:, REGIONS.index(region_of(name))]
        np.testing.assert_array_equal(over.column(name)[known], top.column(name)[known])
        np.testing.assert_array_equal(over.column(name)[~known], base.column(name)[~known])
    np.testing.assert_array_equal(over.given, top.given | base.given)


@given(face_motions(st.just(4)), st.sets(st.sampled_from(REGIONS)))
def test_given_names_the_regions_that_are_known(motion: FaceMotion, regions: set[str]) -> None:
    known = motion.with_given(*regions).given
    for r, name in enumerate(REGIONS):
        assert known[:, r].all() == (name in regions)
        assert known[:, r].any() == (name in regions)


def test_a_motion_is_wholly_known_unless_said_otherwise() -> None:
    assert FaceMotion.rest(3, fps=25).given.all()
    with pytest.raises(ValueError, match="region: expected some of mouth"):
        FaceMotion.rest(3, fps=25).with_given("mouth", "ears")


# mixed


@given(face_motions(st.just(6)), face_motions(st.just(6)), st.lists(st.floats(0, 1), min_size=6, max_size=6))
def test_a_blend_lies_between_and_is_exact_at_its_ends(a: FaceMotion, b: FaceMotion, share: list[float]) -> None:
    b = replace(b, fps=a.fps)
    mixed = blend(a, b, np.array(share))
    for name in {*a.columns, *b.columns}:
        x, y, found = a.column(name), b.column(name), mixed.column(name)
        assert (found >= np.minimum(x, y) - 1e-12).all()
        assert (found <= np.maximum(x, y) + 1e-12).all()
        np.testing.assert_allclose(found, (1 - np.array(share)) * x + np.array(share) * y, atol=1e-12)
    names = {*a.channels, *b.channels}
    for n, same in ((np.zeros(6), a), (np.ones(6), b)):
        exact = blend(a, b, n)
        for name in (*names, *RIGID):
            np.testing.assert_array_equal(exact.column(name), same.column(name))
        np.testing.assert_array_equal(exact.given, same.given)


@given(face_motions(st.integers(1, 12)), face_motions(st.integers(1, 12)), st.integers(0, 12))
def test_a_crossfade_leaves_what_does_not_overlap(a: FaceMotion, b: FaceMotion, overlap: int) -> None:
    b = replace(b, fps=a.fps)
    assume(overlap <= min(len(a), len(b)))
    faded = crossfade(a, b, seconds=overlap / a.fps)
    assert len(faded) == len(a) + len(b) - overlap
    assert faded.first == a.first
    kept = len(a) - overlap
    for name in {*a.columns, *b.columns}:
        found = faded.column(name)
        np.testing.assert_array_equal(found[:kept], a.column(name)[:kept])
        np.testing.assert_array_equal(found[len(a) :], b.column(name)[overlap:])
        between = found[kept : len(a)], a.column(name)[kept:], b.column(name)[:overlap]
        assert (np.abs(between[0] - between[1]) <= np.abs(between[2] - between[1]) + 1e-12).all()


def test_a_crossfade_longer_than_a_motion_is_refused() -> None:
    a, b = FaceMotion.rest(3, fps=25), FaceMotion.rest(30, fps=25)
    with pytest.raises(ValueError, match=r"expected 0\.\.3 frames, found 5"):
        crossfade(a, b, seconds=0.2)
    with pytest.raises(ValueError, match="one frame rate"):
        crossfade(a, FaceMotion.rest(30, fps=30), seconds=0.04)
    with pytest.raises(ValueError, match="as many frames"):
        blend(a, b, np.zeros(3))


@pytest.mark.parametrize("frames", [1, 2, 7, 50])
def test_a_ramp_rises_strictly_between_0_and_1_and_mirrors_itself(frames: int) -> None:
    shares = ramp(frames)
    assert shares.shape == (frames,)
    assert (np.diff(np.concatenate([[0.0], shares, [1.0]])) > 0).all()
    np.testing.assert_allclose(shares + shares[::-1], 1, atol=1e-12)


# resampled


@given(face_motions(), RATES)
def test_resampled_keeps_times_and_bounds(motion: FaceMotion, fps: float) -> None:
    other = motion.resampled(fps)
    assert other.fps == fps
    if not len(motion):
        assert not len(other)
        return
    assert abs(other.times[0] - 0.5 / fps - motion.first / motion.fps) <= 0.5 / fps + 1e-9
    assert abs(other.duration - motion.duration) < 1 / fps
    for name in motion.columns:
        column, found = motion.column(name), other.column(name)
        assert found.min() >= column.min() - 1e-12
        assert found.max() <= column.max() + 1e-12


@given(face_motions(st.integers(1, 12)))
def test_resampled_to_its_own_rate_is_itself(motion: FaceMotion) -> None:
    same = motion.resampled(motion.fps)
    np.testing.assert_allclose(same.times, motion.times, atol=1e-9)
    for name in set(motion.columns) - CONTACTS:
        np.testing.assert_allclose(same.column(name), motion.column(name), atol=1e-9)
    np.testing.assert_array_equal(same.given, motion.given)


@given(st.floats(-0.5, 0.5), st.floats(-1, 1), RATES, RATES, st.integers(0, 50))
def test_a_straight_line_stays_one_in_time(start: float, slope: float, own: float, fps: float, first: int) -> None:
    """Whatever the first frame: columns are read at the times that the new frames show."""
    rest = FaceMotion.rest(60, fps=own, first=first)
    motion = rest.with_columns({"headYaw": start + slope * rest.times, "cheekPuff": start + slope * rest.times})
    other = motion.resampled(fps)
    inner = (other.times >= motion.times[0]) & (other.times <= motion.times[-1])
    for name in ("headYaw", "cheekPuff"):
        np.testing.assert_allclose(other.column(name)[inner], (start + slope * other.times)[inner], atol=1e-9)


@pytest.mark.parametrize("fps", [10.0, 24.0, 25.0, 29.97, 60.0])
@pytest.mark.parametrize("name", sorted(CONTACTS))
def test_no_contact_is_missed(name: str, fps: float) -> None:
    """Lips that close in one frame of a hundred per second close in the frame of any other rate that shows it."""
    for at in range(20, 40):
        found = bump(100, at, name).resampled(fps).column(name)
        shown = int((at + 0.5) / 100 * fps)
        assert found[shown] == 1
        assert found.max() == 1
    assert bump(100, 30, "cheekPuff").resampled(10.0).column("cheekPuff").max() < 1  # others are linear


@given(face_motions(st.integers(1, 12)), RATES)
def test_what_is_known_is_that_of_the_nearest_frame(motion: FaceMotion, fps: float) -> None:
    other = motion.resampled(fps)
    nearest = np.abs(other.times[:, None] - motion.times).min(axis=1)
    for t in range(len(other)):
        near = np.abs(other.times[t] - motion.times) <= nearest[t] + 1e-9
        assert (other.given[t] == motion.given[near]).all(axis=1).any()


def test_a_basis_is_the_heads_that_it_names() -> None:
    motion = FaceMotion.rest(1, fps=25).with_column(BASIS + "flame:2023:12", -1.5)
    assert motion.channels == ("basis:flame:2023:12",)
    assert region_of(motion.channels[0]) == "emotion"
