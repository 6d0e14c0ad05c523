from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.pipeline.media.background import Background, parse_background
from emosplat.renderer import Frame


def frame(color: int, alpha: int) -> Frame:
    """One pixel of `color`, covered by `alpha`, over black."""
    premultiplied = round(color * alpha / 255)
    return Frame(np.full((1, 1, 3), premultiplied, np.uint8), np.full((1, 1), alpha, np.uint8))


@given(color=st.integers(0, 255), alpha=st.integers(1, 255), behind=st.integers(0, 255))
def test_a_picture_shows_where_the_head_does_not(color: int, alpha: int, behind: int) -> None:
    picture = np.full((1, 1, 3), behind, np.uint8)
    exact = color * alpha / 255 + behind * (255 - alpha) / 255
    assert abs(int(Background(picture=picture).compose(frame(color, alpha))[0, 0, 0]) - exact) <= 1


@given(color=st.integers(0, 255), alpha=st.integers(1, 255))
def test_straight_alpha_restores_the_color(color: int, alpha: int) -> None:
    rgba = Background(transparent=True).compose(frame(color, alpha))[0, 0]
    assert rgba[3] == alpha
    assert abs(int(rgba[0]) - color) <= 128 / alpha + 1


def test_colors() -> None:
    assert parse_background("#ff0080", width=8, height=8).color == pytest.approx((1, 0, 128 / 255))
    assert parse_background("white", width=8, height=8).color == (1, 1, 1)
    assert parse_background("transparent", width=8, height=8).transparent


def test_a_picture_covers_the_frame(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "p.png"), np.full((30, 90, 3), (1, 2, 3), np.uint8))
    picture = parse_background(str(tmp_path / "p.png"), width=40, height=64).picture
    assert picture is not None
    assert picture.shape == (64, 40, 3)
    assert (picture == (3, 2, 1)).all()


@pytest.mark.parametrize("spec", ["#12", "purplish", "missing.png", ""])
def test_unknown_background(spec: str) -> None:
    with pytest.raises(InputError, match="--background"):
        parse_background(spec, width=8, height=8)
