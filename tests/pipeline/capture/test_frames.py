"""Pictures are chosen spread out and apart from those that judge, and a crop's camera sees what the crop shows."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.pipeline.camera.views import orbit_camera
from emosplat.pipeline.capture.frames import Crop, choose, crop_to_head, grey_pictures
from emosplat.pipeline.media.film import Picture

HEAD = builtin_head()


def motion(frames: int, seed: int = 0) -> Motion:
    rng = np.random.default_rng(seed)
    rest = Motion.rest(frames, 4, 25.0)
    return replace(rest, neck=rng.normal(0, 0.3, (frames, 3)).astype(np.float32))


@given(st.integers(1, 120), st.integers(2, 40), st.integers(0, 5))
def test_what_judges_is_never_learned_from_and_bad_pictures_are_neither(frames: int, most: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    good, sharpness = rng.random(frames) < 0.8, rng.uniform(0.5, 1.5, frames)
    chosen = choose(motion(frames, seed), good, sharpness, most=most)
    assert len(chosen.train) <= most
    assert not set(chosen.train) & set(chosen.held_out)
    assert good[chosen.all].all()
    assert (np.diff(chosen.all) > 0).all()


def test_pictures_apart_are_chosen_before_pictures_alike() -> None:
    turned = motion(60)
    turned.neck[:] = 0
    turned.neck[7], turned.neck[21] = (0, 0.6, 0), (0, -0.6, 0)
    chosen = choose(turned, np.ones(60, bool), np.ones(60), most=3)
    assert {7, 21} <= set(chosen.train)


def test_blurred_pictures_are_left_out() -> None:
    sharpness = np.ones(50)
    sharpness[10] = 0.1
    assert 10 not in choose(motion(50), np.ones(50, bool), sharpness).all


@pytest.mark.parametrize("size", [64, 200, 5000])
def test_the_crop_shows_the_whole_head_and_its_camera_sees_it_there(size: int) -> None:
    turning = Motion.rest(3, HEAD.expressions, 25.0)
    turning.neck[:, 1] = -0.5, 0, 0.5
    camera = orbit_camera(HEAD, yaw=5, width=300, height=400)
    crop = crop_to_head(HEAD, camera, turning, size=size)
    assert max(crop.size) <= size
    assert crop.scale <= 1
    face = HEAD.regions["skin"][HEAD.v_template[HEAD.regions["skin"], 1] > -0.05]
    vertices = Poser(HEAD).vertices(turning)[:, face]
    here = crop.camera(camera).project(vertices)[0]
    assert (here > -1).all()
    assert (here < np.array(crop.size) + 1).all()
    shrunk = np.array(crop.size) / [crop.width, crop.height]
    np.testing.assert_allclose(here, (camera.project(vertices)[0] - [crop.x, crop.y]) * shrunk, atol=1e-6)


def test_a_cut_has_the_size_of_the_crop() -> None:
    crop = Crop(2, 3, 20, 30, 0.5)
    assert crop.cut(np.zeros((40, 40, 3), np.uint8)).shape == (15, 10, 3)
    assert crop.cut(np.zeros((40, 40), np.uint8)).shape == (15, 10)


def test_pictures_without_colour_are_those_asked_for() -> None:
    film = (Picture(0.04 * i, np.full((2, 3, 3), 10 * i, np.uint8)) for i in range(9))
    found = grey_pictures(film, np.array([1, 4, 8]))
    assert [int(grey[0, 0]) for grey in found] == [10, 40, 80]
    assert {grey.shape for grey in found} == {(2, 3)}
