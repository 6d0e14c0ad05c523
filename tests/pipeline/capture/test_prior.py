"""What no picture shows comes from another person, in the film's colours and as its mirrored counterpart."""

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from emosplat.avatars.avatar import Avatar
from emosplat.avatars.fitting.dataset import View
from emosplat.avatars.library import open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.pipeline.camera.views import orbit_camera
from emosplat.pipeline.capture import prior
from emosplat.renderer import open_rasterizer

REST = Motion.rest(1, 76, 25.0)


@pytest.fixture(scope="module")
def person() -> Avatar:
    light = open_avatar("person2-light")
    return prior.as_person(light, light.head, "someone")


def filmed(avatar: Avatar, folder: Path, *, yaw: float = 0.0) -> View:
    camera = orbit_camera(avatar.head, yaw=yaw, width=128, height=128)
    frame = load_scene(avatar, open_rasterizer("cpu")).render(
        camera, Poser(avatar.head).transforms(REST), shading_weights=np.zeros((1, 19), np.float32)
    )[0]
    path = folder / f"{yaw:g}.png"
    cv2.imwrite(str(path), np.dstack([frame.rgb[..., ::-1], frame.alpha]))
    return View(path, camera, 0, 0)


def tinted(avatar: Avatar, factor: tuple[float, float, float]) -> Avatar:
    return prior.with_colours(avatar, prior.colours_of(avatar) * np.array(factor))


def test_a_person_on_its_own_head_looks_the_same_from_the_front(person: Avatar, tmp_path: Path) -> None:
    view = filmed(open_avatar("person2-light"), tmp_path)
    assert prior.closeness(person, REST, [view]) < 0.02


def test_hidden_gaussians_are_known_as_unseen(person: Avatar, tmp_path: Path) -> None:
    seen, shown = prior.seen_colours(person, REST, [filmed(person, tmp_path)])
    places = prior._places(person)
    face = (np.abs(places[:, 0]) < 0.04) & (places[:, 2] > 0.06)
    nape = (np.abs(places[:, 0]) < 0.03) & (places[:, 1] < 0.03) & (places[:, 2] < -0.05)
    assert nape.sum() > 100
    assert shown[nape].max() < prior.HIDDEN
    assert np.percentile(shown[face], 90) > prior.SHOWN
    sure = face & (shown > prior.SHOWN)
    assert (
        np.abs(seen - prior.colours_of(person))[sure].mean() < 0.08
    )  # a Gaussian takes something of the colours beside it


def test_a_tint_is_found_in_pictures(person: Avatar, tmp_path: Path) -> None:
    other = tinted(person, (0.8, 0.7, 0.5))
    view = filmed(other, tmp_path)
    found = prior.toned(person, *prior.seen_colours(person, REST, [view]))
    assert prior.closeness(found, REST, [view]) < 0.25 * prior.closeness(person, REST, [view])
    behind = prior._places(person)[:, 2] < -0.06  # what the picture does not show is toned with it
    change = np.median(prior.colours_of(found)[behind] / np.maximum(prior.colours_of(person)[behind], 1e-3), axis=0)
    np.testing.assert_allclose(change, (0.8, 0.7, 0.5), atol=0.15)


def test_the_unseen_side_takes_the_colour_of_its_mirror_image(person: Avatar) -> None:
    places = prior._places(person)
    left, skin = places[:, 0] > 0.02, (places[:, 2] > 0.05) & (np.abs(places[:, 1]) < 0.03)
    colours = prior.colours_of(person).copy()
    colours[left] *= 0.6
    trained = prior.with_colours(person, colours)
    shown = np.where(left, 1.0, 0.0).astype(np.float32)
    found = prior.completed(person, trained, np.arange(len(places)), shown)
    right = skin & (places[:, 0] < -0.02)
    change = prior.colours_of(found)[right] / np.maximum(prior.colours_of(person)[right], 1e-3)
    assert np.median(change) == pytest.approx(0.6, abs=0.03)
    np.testing.assert_allclose(prior.colours_of(found)[left], colours[left], atol=1e-5)


def test_where_all_was_seen_nothing_is_completed(person: Avatar) -> None:
    everything = np.ones(len(person.gaussians), np.float32)
    assert prior.completed(person, person, np.arange(len(everything)), everything) is person


def test_no_picture_changes_no_colour(person: Avatar) -> None:
    nothing = np.zeros(len(person.gaussians), np.float32)
    found = prior.toned(person, np.zeros((len(nothing), 3), np.float32), nothing)
    np.testing.assert_allclose(prior.colours_of(found), prior.colours_of(person), atol=1e-5)
    assert replace(found, gaussians=person.gaussians).binding is person.binding


def test_skin_that_training_made_transparent_is_solid_again_and_hair_is_not(person: Avatar) -> None:
    g = person.gaussians
    thin = replace(person, gaussians=replace(g, opacities=0.3 * g.opacities, scales=0.5 * g.scales))
    found = prior.solid(person, thin, np.arange(len(g))).gaussians
    places = prior._places(person)
    cheek = (places[:, 2] > 0.05) & (np.abs(places[:, 1]) < 0.02) & (np.abs(places[:, 0]) > 0.03)
    assert cheek.sum() > 100
    assert np.isclose(found.opacities, g.opacities)[cheek].mean() > 0.95
    assert np.isclose(found.scales, 0.9 * g.scales)[cheek].mean() > 0.95
    crown = places[:, 1] > places[:, 1].max() - 0.01
    np.testing.assert_allclose(np.median(found.opacities[crown] / g.opacities[crown]), 0.3, rtol=1e-5)
