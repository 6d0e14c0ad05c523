from pathlib import Path

import cv2
import numpy as np
import pytest

from emosplat.avatars.library import open_avatar
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.portraits import arkit_expression, contact_sheet, write_picture, written
from emosplat.renderer import open_rasterizer

AVATAR = open_avatar("person1")


def test_the_sheet_shows_faces_in_every_row() -> None:
    tile = 48
    sheet = contact_sheet(AVATAR, open_rasterizer("cpu"), tile=tile)
    assert sheet.shape[1] == 8 * tile
    rows = [sheet[i + 26 : i + 26 + tile] for i in range(0, len(sheet), tile + 26)]
    assert len(rows) == 10
    for row in rows:
        tiles = row.reshape(tile, 8, tile, 3).transpose(1, 0, 2, 3)
        assert (tiles[:6].std(axis=(1, 2, 3)) > 10).all()
        assert all(not np.array_equal(tiles[0], other) for other in tiles[1:])


def test_the_light_edge_of_letters_lies_around_them() -> None:
    grey = np.full((30, 400, 3), 150, np.uint8)
    said = written(grey, "take 12: --seed 4611686018427387904", (6, 20))
    dark, light = (np.argwhere(found.any(axis=2))[:, 1] for found in (said < 100, said > 200))
    assert len(dark)
    assert len(light)
    assert 0 < dark.min() - light.min() <= 4
    assert 0 < light.max() - dark.max() <= 4


def test_pictures_are_written_whole(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 256, (20, 30, 3)).astype(np.uint8)
    write_picture(tmp_path / "new" / "a.png", picture)
    back = cv2.imread(str(tmp_path / "new" / "a.png"))
    assert back is not None
    np.testing.assert_array_equal(back[..., ::-1], picture)
    with pytest.raises(InputError, match=r"a\.bmp: expected a name that ends in \.png or \.jpg"):
        write_picture(tmp_path / "a.bmp", picture)
    with pytest.raises(InputError, match="cannot be written"):
        write_picture(Path("/proc/nowhere/a.png"), picture)


def test_arkit_names_without_a_side_stand_for_both() -> None:
    head = AVATAR.head
    both = head.arkit.expr[[head.arkit.rows(f"eyeBlink{s}")[0] for s in ("Left", "Right")]].sum(axis=0)
    np.testing.assert_allclose(arkit_expression(head, eyeBlink=0.5), 0.5 * both, atol=1e-6)
    assert not arkit_expression(head, noSuchShape=1.0).any()
