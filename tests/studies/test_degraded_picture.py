"""Degraded pictures: masks and dots follow the face, blur is measured by the face, nothing else changes."""

from itertools import repeat
from typing import Literal

import numpy as np
import pytest

from emosplat.avatars import Motion
from emosplat.avatars.flame_head import bare_flame_head
from emosplat.avatars.library import builtin_head
from emosplat.pipeline.settings import read_settings
from emosplat.studies.conditions import Condition
from emosplat.studies.degraded_picture import degraded, dots_of_light
from emosplat.studies.face_points import DOTS, FacePoints, face_points, face_width

from ..avatars.flame_like import flame_like

SIZE = (96, 96)
SETTINGS = read_settings({"size": SIZE})
WHITE = np.full((96, 96, 3), 255, np.uint8)
GREY = np.full_like(WHITE, 90)


def moving(**changes: float) -> Motion:
    """Ten frames of a head at rest, then ten of one that has moved: `x` metres, `jaw` and `yaw` radians."""
    head = builtin_head()
    motion = Motion.rest(20, head.expressions, 25.0)
    motion.translation[10:, 0] = changes.get("x", 0)
    motion.jaw[10:, 0] = changes.get("jaw", 0)
    motion.rotation[10:, 1] = changes.get("yaw", 0)
    return motion


def points(**changes: float) -> FacePoints:
    return face_points(moving(**changes), builtin_head(), SETTINGS)


FACE = face_width(builtin_head(), SETTINGS)


def shown(condition: Condition, found: FacePoints | None = None, picture: np.ndarray = GREY) -> np.ndarray:
    pictures = degraded(repeat(picture, 20), condition, face=FACE, points=found, blank=WHITE)
    return np.stack(list(pictures))


@pytest.mark.parametrize(("part", "above"), [("mouth", False), ("eyes", True)])
def test_a_part_follows_the_head(part: Literal["mouth", "eyes"], above: bool) -> None:
    """What is seen moves to the right by as many pixels as the face does; the rest is the background."""
    frames = shown(Condition(only=part), points(x=0.02))[..., 0] < 200
    where = [np.argwhere(frame).mean(axis=0) for frame in (frames[0], frames[-1])]
    assert where[1][1] - where[0][1] == pytest.approx(0.02 * FACE / 0.14, rel=0.2)
    assert abs(where[1][0] - where[0][0]) < 0.5
    assert (where[0][0] < 48) == above
    assert 0.005 < frames[0].mean() < 0.2
    assert (frames[0] == frames[9]).all()


def test_the_mask_opens_with_the_mouth() -> None:
    frames = shown(Condition(only="mouth"), points(jaw=0.4))[..., 0] < 200
    assert frames[-1].sum() > 1.15 * frames[0].sum()


def test_dots_are_round_lights_on_black_that_move_with_the_face() -> None:
    pictures = np.stack(list(dots_of_light(points(x=0.02), 25, SIZE, face=FACE)))
    assert pictures.shape == (25, 96, 96, 3)
    assert 0.01 < (pictures[0] > 127).mean() < 0.2
    mass = [np.average(np.arange(96), weights=picture[..., 0].sum(axis=0) + 1e-9) for picture in pictures[[0, -1]]]
    assert mass[1] - mass[0] == pytest.approx(0.02 * FACE / 0.14, rel=0.2)
    np.testing.assert_array_equal(pictures[19], pictures[24])  # the last is held


def test_dots_behind_the_face_are_hidden() -> None:
    found = points(yaw=1.2)
    assert found.dots.shape == (20, DOTS, 2)
    assert found.seen[0].mean() > 0.95
    assert 0.3 < found.seen[-1].mean() < 0.8


def test_blur_is_gaussian_and_as_wide_as_told() -> None:
    spot = np.zeros((96, 96, 3), np.uint8)
    spot[40:57, 40:57] = 255
    seen = shown(Condition(blur=0.1), picture=spot)[0, ..., 0].astype(float)
    variance = [
        np.average(np.square(np.arange(96) - 48), weights=x.sum(axis=0)) for x in (spot[..., 0].astype(float), seen)
    ]
    assert np.sqrt(variance[1] - variance[0]) == pytest.approx(0.1 * FACE, rel=0.1)


def test_upside_down_and_a_box() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (96, 96, 3)).astype(np.uint8)
    np.testing.assert_array_equal(shown(Condition(inverted=True), picture=picture)[3], picture[::-1, ::-1])
    boxed = Condition(videos="{clip}.mp4", only="mouth", box=(20, 50, 40, 30))
    frame = shown(boxed, picture=picture)[0]
    np.testing.assert_array_equal(frame[60:70, 30:50], picture[60:70, 30:50])
    assert (frame[:40] == 255).all()


def test_a_face_is_as_wide_as_people_are() -> None:
    """Cheek to cheek 13 to 15 cm; a picture twice as large shows it twice as wide."""
    large = face_width(builtin_head(), read_settings({"size": (192, 192)}))
    assert large == pytest.approx(2 * FACE)
    assert 0.35 < FACE / 96 < 0.6


@pytest.mark.slow
def test_heads_that_name_no_lips_have_marks_too() -> None:
    """A FLAME-like head without named regions: eyes above the mouth, and a mask that opens with the jaw."""
    head = bare_flame_head(flame_like().arrays, "flame-like")
    motion = Motion.rest(2, head.expressions, 25.0)
    motion.jaw[1, 0] = 0.3
    found = face_points(motion, head, SETTINGS)
    assert found.dots.shape == (2, DOTS, 2)
    assert found.eyes[0, :, 1].max() < found.mouth[0, :, 1].min()
    mouth, opened = (np.ptp(points, axis=0) for points in found.mouth)
    assert opened[1] > 1.5 * mouth[1]
    assert np.ptp(found.eyes[0, :, 0]) > mouth[0]
