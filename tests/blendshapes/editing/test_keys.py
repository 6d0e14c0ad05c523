"""Keys in words: what is read is what is met; what cannot be read is one line that helps."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.arkit import ARKIT_52
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.blendshapes.editing.keys import (
    CONTROLS,
    IN_DEGREES,
    PoseOf,
    Wish,
    columns_of,
    keyed,
    known_name,
    moment_of,
    parse_key,
)
from emosplat.blendshapes.editing.regions import is_weight, known_regions
from emosplat.blendshapes.face_curve_files import by_joints
from emosplat.blendshapes.face_motion import RIGID, SHAPES, FaceMotion
from emosplat.blendshapes.score import Key
from emosplat.blendshapes.solve.solver import Solver
from emosplat.core.errors import InputError

from ..made_up import face_motions

FPS = 25.0
NAMES = (*CONTROLS, *SHAPES, *RIGID, "speech.jaw", "emotion.sad", "basis:some head:3")


def lively(frames: int = 100, *, seed: int = 0, first: int = 0) -> FaceMotion:
    rng = np.random.default_rng(seed)
    names = ("cheekPuff", "browInnerUp", "mouthSmileLeft", "speech.jaw", "emotion.happy", "headYaw", "lidLeft")
    columns = {name: rng.uniform(0.1, 0.6, frames) for name in names}
    return FaceMotion.rest(frames, fps=FPS, first=first).with_columns(columns)


# words


@given(st.text(max_size=60))
def test_any_words_are_a_key_or_one_line(text: str) -> None:
    try:
        wish, told = parse_key(text), ""
    except InputError as error:
        wish, told = Wish(0.0, {}), str(error)
    assert len(told.splitlines()) <= 1
    assert len(told) < 400
    assert wish.time >= 0
    assert isinstance(wish.pose, PoseOf) or all(math.isfinite(v) for v in wish.pose.values())


@given(
    st.floats(0, 1e5),
    st.dictionaries(st.sampled_from(NAMES), st.floats(0, 0.5), min_size=1, max_size=1),
    st.sampled_from((str, str.upper, str.title)),
)
def test_what_is_written_is_read(time: float, controls: dict[str, float], spelled: type[str]) -> None:
    words = ",".join(f"{spelled(n) if not n.startswith('basis') else n} : {v!r}" for n, v in controls.items())
    wish = parse_key(f"{time!r}={words}")
    assert wish.time == time
    assert wish.pose == columns_of(controls)


@pytest.mark.parametrize(
    ("text", "path", "time"),
    [
        ("1=a.json@3.4", "a.json", 3.4),
        ("1=a@b/c=d.mp4@0", "a@b/c=d.mp4", 0.0),
        ("1=my face.PNG", "my face.PNG", None),
        ("1=a,b:c.jpg", "a,b:c.jpg", None),
    ],
)
def test_a_moment_of_another_file(text: str, path: str, time: float | None) -> None:
    pose = parse_key(text).pose
    assert isinstance(pose, PoseOf)
    assert (str(pose.path), pose.time) == (path, time)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected TIME=NAME:VALUE"),
        ("smile:0.5", "expected TIME=NAME:VALUE"),
        ("1=", "expected TIME=NAME:VALUE"),
        ("-1=smile:0.5", "time: expected a number in 0"),
        ("soon=smile:0.5", "time: expected a number, found 'soon'"),
        ("nan=smile:0.5", "time"),
        ("1=smile", "expected NAME:VALUE, found 'smile'"),
        ("1=smile:", "smile: expected a number, found ''"),
        ("1=smile:inf", "smile: expected a finite number"),
        ("1=smile:1.01", r"smile: expected a number in 0\.\.1, found 1.01"),
        ("1=jaw_open:-0.1", r"jaw_open: expected a number in 0\.\.1"),
        ("1=turn:91", r"turn: expected degrees in -90\.\.90, found 91"),
        ("1=headYaw:10", r"headYaw: expected radians in -1.57\.\.1.57, found 10"),
        ("1=headX:20", r"headX: expected metres in -1\.\.1"),
        ("1=smlie:0.5", "found 'smlie'; did you mean smile"),
        ("1=mouthSmileLft:0.5", "did you mean mouthSmileLeft"),
        ("1=brow_rise:0.5", "did you mean brow_raise"),
        ("1=xyzzy:0.5", "found 'xyzzy'; some are smile, frown"),
        ("1=smile:0.1,smile:0.2", "expected each name once, found smile twice"),
        ("1=smile:0.1,mouthSmileLeft:0.2", "expected each column once, found another name of mouthSmileLeft"),
        ("1=a.json@later", "time: expected a number, found 'later'"),
    ],
)
def test_a_slip_is_one_line_that_helps(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse_key(text)


def test_every_arkit_shape_has_its_name() -> None:
    """As the curves of Live Link Face and Audio2Face are read."""
    for name in ARKIT_52:
        expected = {n: c[0] for n, c in by_joints({name: np.array([0.5])}) if c[0]}
        assert columns_of({name: 0.5}) == pytest.approx(expected), name
        assert known_name(name.lower()) == {"jawOpen": "jaw_open"}.get(name, name)


def test_controls_move_what_they_say_to_the_persons_side() -> None:
    solver = Solver(builtin_head())

    def solved(**controls: float) -> Motion:
        return solver(FaceMotion.rest(1, fps=FPS).with_columns(columns_of(controls)))

    np.testing.assert_allclose(np.degrees(solved(nod=8, turn=20, tilt=6).neck[0]), [8, 20, -6], atol=1e-4)
    eyes = np.degrees(solved(look_left=5, look_up=7).eyes[0])
    np.testing.assert_allclose(eyes, [-7, 5, 0, -7, 5, 0], atol=1e-4)  # +pitch looks down
    rest = solved()
    for name in set(CONTROLS) - set(IN_DEGREES) - {n for n in CONTROLS if n.startswith("eyeLook")}:
        moved = solved(**{name: 1.0})
        assert np.abs(moved.expr - rest.expr).max() + np.abs(moved.jaw - rest.jaw).max() > 0.01, name


def test_regions_by_name() -> None:
    assert known_regions(["Mouth ", "head"], what="--keep") == ("mouth", "head")
    for bad in (["brow"], [""], []):
        with pytest.raises(InputError, match="--keep: expected regions of mouth, jaw"):
            known_regions(bad, what="--keep")


# motion


@given(
    face_motions(st.integers(1, 12)),
    st.data(),
    st.lists(st.sampled_from(("smile", "headYaw", "blink", "jaw_open", "happy")), min_size=1, max_size=3, unique=True),
    st.floats(0, 1),
)
def test_a_key_is_met_and_all_else_stays_bit_for_bit(
    face: FaceMotion, data: st.DataObject, names: list[str], reach: float
) -> None:
    time = data.draw(st.floats(0, face.duration))
    columns = columns_of({name: 0.5 for name in names})
    after = keyed(face, [Key(time, columns, reach)])
    frame = min(math.floor(time * face.fps), len(face) - 1)
    away = np.abs(np.arange(len(face)) - frame) > reach * face.fps
    for name in {*face.columns, *after.columns}:
        if name in columns:
            assert after.column(name)[frame] == pytest.approx(columns[name], abs=1e-12)
            kept = away
        else:
            kept = np.full(len(face), True)
        # as bytes: -0.0 is not 0.0
        assert after.column(name)[kept].tobytes() == face.column(name)[kept].tobytes(), name
        if is_weight(name):
            before = face.column(name)
            assert after.column(name).min() >= min(0, before.min()) - 1e-12
            assert after.column(name).max() <= max(1, before.max()) + 1e-12
    np.testing.assert_array_equal(after.given, face.given)
    assert (after.first, after.fps, after.seed) == (face.first, face.fps, face.seed)


def test_the_time_of_a_key_counts_from_the_beginning_of_the_file() -> None:
    after = keyed(lively(first=40), [Key(1.0, {"headYaw": 0.5})])
    assert after.column("headYaw")[25] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ([Key(4.01, {"headYaw": 0.1})], r"key: expected a time within 0\.\.4 s, found 4.01"),
        (
            [Key(1.0, {"headYaw": 0.1}), Key(1.01, {"headYaw": 0.2})],
            "key: headYaw: expected one key at 1.01 s, found two",
        ),
    ],
)
def test_keys_that_cannot_be_met_are_refused(keys: list[Key], message: str) -> None:
    with pytest.raises(InputError, match=message):
        keyed(lively(), keys)


def test_a_moment_is_the_frame_that_is_shown_then() -> None:
    face = lively(first=7)
    assert moment_of(face, 1.0, what="x").column("headYaw")[0] == face.column("headYaw")[25]
    assert moment_of(face, 4.0, what="x").column("headYaw")[0] == face.column("headYaw")[99]
    with pytest.raises(InputError, match=r"other.json: expected a time within 0\.\.4 s, found 5"):
        moment_of(face, 5.0, what="other.json")
