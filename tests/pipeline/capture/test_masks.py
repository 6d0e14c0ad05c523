"""A person is cut out of a room, hair beyond the outline and all; masks of others are taken as they are."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.core.errors import InputError
from emosplat.pipeline.camera.views import orbit_camera
from emosplat.pipeline.capture.frames import Crop
from emosplat.pipeline.capture.masks import GivenMasks, cut_out, fitted, silhouettes, without_background
from emosplat.pipeline.media.video import VideoWriter

U8 = NDArray[np.uint8]
SIDE = 96
SKIN, HAIR = (200, 150, 120), (40, 25, 20)


def disc(x: float, y: float, radius: int) -> NDArray[np.bool_]:
    rows, columns = np.mgrid[:SIDE, :SIDE]
    return (columns - x) ** 2 + (rows - y) ** 2 < radius**2


def filmed(x: float, rng: np.random.Generator, *, plain: bool) -> tuple[U8, U8, NDArray[np.bool_]]:
    """A picture, the outline of a bald head in it, and where the person with hair is."""
    room = np.full((SIDE, SIDE, 3), 150.0)
    if not plain:
        room[:, ::7] -= 40
        room[::11] += 50
        room[50:, 60:] = 40, 90, 160
    person = disc(x, 48, 22)
    hair = disc(x, 44, 27) & (np.arange(SIDE)[:, None] < 40)
    picture = np.where(person[..., None], SKIN, room)
    picture = np.where(hair[..., None], HAIR, picture)
    noisy = np.clip(picture + rng.normal(0, 2, picture.shape), 0, 255).round().astype(np.uint8)
    return noisy, (255 * person).astype(np.uint8), person | hair


@pytest.mark.parametrize("plain", [True, False])
def test_skin_and_hair_are_cut_out_of_a_room(plain: bool) -> None:
    rng = np.random.default_rng(0)
    pictures, outlines, truths = zip(*(filmed(x, rng, plain=plain) for x in (40, 48, 56, 44, 52)), strict=True)
    for mask, truth in zip(cut_out(pictures, outlines, head_width=44), truths, strict=True):
        found = mask > 127
        assert (found & truth).sum() / (found | truth).sum() > 0.94


def test_a_thing_close_beside_the_head_is_left_in_the_room() -> None:
    rng = np.random.default_rng(0)
    pictures, outlines, truths = zip(*(filmed(x, rng, plain=True) for x in np.linspace(46, 50, 16)), strict=True)
    for picture, truth in zip(pictures, truths, strict=True):
        thing = np.zeros((SIDE, SIDE), bool)
        thing[40:70, 16:40] = True
        picture[thing & ~truth] = np.clip(rng.normal((40, 90, 190), 2, ((thing & ~truth).sum(), 3)), 0, 255)
    for mask, truth in zip(cut_out(pictures, outlines, head_width=44), truths, strict=True):
        found = mask > 127
        assert (found & ~truth)[40:70, :26].mean() < 0.02
        assert (found & truth).sum() / (found | truth).sum() > 0.94


def test_a_single_picture_is_cut_out_too() -> None:
    picture, outline, truth = filmed(48, np.random.default_rng(0), plain=True)
    found = cut_out([picture], [outline], head_width=44)[0] > 127
    assert (found & truth).sum() / (found | truth).sum() > 0.9


def test_the_outline_is_where_the_head_is() -> None:
    head = builtin_head()
    turned = Motion.rest(2, head.expressions, 25.0)
    turned.translation[1, 0] = 0.05
    camera = orbit_camera(head, yaw=0, width=SIDE, height=SIDE)
    first, second = (mask > 0 for mask in silhouettes(head, camera, turned))
    assert first[SIDE // 2, SIDE // 2]
    assert not first[0, 0]
    assert np.nonzero(second[:30])[1].mean() > np.nonzero(first[:30])[1].mean() + 3


def test_the_rooms_colour_leaves_half_transparent_edges() -> None:
    share = np.clip((np.arange(40) - 15) / 10, 0, 1)[None, :].repeat(40, 0)
    picture = np.full((40, 40, 3), SKIN) * share[..., None] + np.array([0, 0, 255]) * (1 - share[..., None])
    rgba = without_background(picture.round().astype(np.uint8), (255 * share).round().astype(np.uint8))
    edge = (share > 0.4) & (share < 0.9)
    before, after = (np.abs(p[edge] - SKIN).mean() for p in (picture, rgba[..., :3].astype(float)))
    assert after < 0.4 * before
    np.testing.assert_array_equal(rgba[..., 3], (255 * share).round())


def test_pictures_in_a_folder_are_masks_by_transparency_or_brightness(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "0.png"), np.dstack([np.zeros((4, 6, 3)), np.full((4, 6), 200)]).astype(np.uint8))
    cv2.imwrite(str(tmp_path / "1.png"), np.full((4, 6), 90, np.uint8))
    found = GivenMasks(tmp_path).read([1, 0], 2)
    assert int(found[0].max()) == 200
    assert int(found[1].max()) == 90


def test_a_film_of_masks_is_read(tmp_path: Path) -> None:
    path = tmp_path / "masks.mp4"
    with VideoWriter(path, width=32, height=32, fps=25, overwrite=True) as writer:
        for grey in (0, 255, 0):
            writer.write(np.full((32, 32, 3), grey, np.uint8))
    found = GivenMasks(path).read([1, 2], 3)
    assert found[1].mean() > 240
    assert found[2].mean() < 15
    with pytest.raises(InputError, match=r"masks\.mp4: expected a mask for each of the film's 9 pictures"):
        GivenMasks(path).read([7], 9)


def test_masks_that_are_missing_or_no_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"0\.png: expected a picture"):
        GivenMasks(tmp_path).read([0], 1)
    with pytest.raises(InputError, match="expected a mask for each of the film's 2 pictures, found 1"):
        GivenMasks(tmp_path).read([0], 2)


def test_a_mask_of_another_size_covers_the_same_part() -> None:
    mask = np.zeros((40, 20), np.uint8)
    mask[:20] = 255
    np.testing.assert_array_equal(fitted(mask, Crop(0, 30, 40, 20, 1.0), (40, 80))[:10], 255)
    np.testing.assert_array_equal(fitted(mask, Crop(0, 30, 40, 20, 1.0), (40, 80))[10:], 0)
