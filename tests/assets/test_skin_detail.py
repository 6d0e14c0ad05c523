"""The photographed detail of the skin: maps, how they are made endless, and their slope on a surface."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("embreex", reason="the people are rebuilt with the extra 'build'")

from emosplat.assets.build.detail import CROP, RELIEF_RANGE, SKIN_MAPS, grid_uv, skin_detail
from emosplat.assets.build.scan import CLEAN, FILES, SIDE, _mixed, _synthesised, read_scan
from emosplat.assets.build.surface import Figure
from emosplat.core.errors import InputError


def test_maps_are_small_and_credited() -> None:
    assert sum(p.stat().st_size for p in SKIN_MAPS.glob("*.webp")) < 3e6
    credit = (SKIN_MAPS / "LICENSE.txt").read_text(encoding="utf-8")
    assert "Lee Perry-Smith" in credit
    assert "creativecommons.org/licenses/by/3.0" in credit


def test_maps_hold_texture_and_no_features() -> None:
    """Blocks of 15 mm are all alike: nothing of the man's face, and nothing of the light on it, is left."""
    colour = skin_detail(grid_uv(CROP).reshape(-1, 2)).colour.reshape(*grid_uv(CROP).shape[:2], 3)
    assert colour.std() > 0.01
    block = 36
    rows, columns = (n // block * block for n in colour.shape[:2])
    means = colour[:rows, :columns].reshape(rows // block, block, columns // block, block, 3).mean((1, 3))
    assert np.abs(means).max() < 0.06


def test_there_is_nothing_outside_the_maps() -> None:
    detail = skin_detail(np.array([[0.1, 0.5], [2.0, -3.0]]))
    for values in (detail.colour, detail.gloss, detail.height, detail.slope, detail.beard):
        np.testing.assert_array_equal(values, 0)


def test_coarse_gaussians_take_the_mean() -> None:
    """Else they would show grains of their own size."""
    rng = np.random.default_rng(3)
    uv = np.array([CROP.left, CROP.bottom]) + rng.uniform(0.05, 0.3, (2000, 2))
    fine, coarse = skin_detail(uv), skin_detail(uv, coarse=True)
    assert coarse.colour.std() < 0.6 * fine.colour.std()
    assert np.corrcoef(fine.colour[:, 0], coarse.colour[:, 0])[0, 1] > 0.5


def test_slope_is_that_of_the_height() -> None:
    rng = np.random.default_rng(0)
    uv = np.array([CROP.left, CROP.bottom]) + rng.uniform(0.02, 0.3, (200, 2))
    step = 0.5 / CROP.side
    for axis in (0, 1):
        ahead, behind = uv.copy(), uv.copy()
        ahead[:, axis] += step
        behind[:, axis] -= step
        rise = (skin_detail(ahead).height - skin_detail(behind).height) / (2 * step)
        slope = skin_detail(uv).slope[:, axis]
        assert np.corrcoef(rise, slope)[0, 1] > 0.7
        assert np.abs(slope).max() < 2 * RELIEF_RANGE * CROP.side


@given(
    height=st.tuples(*[st.floats(-2, 2)] * 3),
    seed=st.integers(0, 100),
)
def test_gradient_of_a_plane_is_that_of_the_plane(height: tuple[float, ...], seed: int) -> None:
    """Whatever the texture's layout, a height that is linear in space has its own slope, in the triangle's plane."""
    rng = np.random.default_rng(seed)
    figure = object.__new__(Figure)
    figure.vertices, figure.triangles = rng.normal(size=(3, 3)), np.array([[0, 1, 2]])
    figure.uv = rng.normal(size=(1, 3, 2))
    p, uv, a = figure.vertices, figure.uv[0], np.array(height)
    edges, arms = (p[1:] - p[0]), (uv[1:] - uv[0])
    if abs(np.linalg.det(arms)) < 1e-2:
        return
    slope = np.linalg.solve(arms, edges @ a)
    normal = np.cross(*edges)
    flat = a - normal * (normal @ a) / (normal @ normal)
    np.testing.assert_allclose(figure.gradient(np.array([0]), slope[None])[0], flat, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 1.0])
def test_a_mixture_is_no_flatter_than_what_is_mixed(share: float) -> None:
    rng = np.random.default_rng(1)
    mixed = _mixed(rng.normal(size=(200, 200, 1)), rng.normal(size=(200, 200, 1)), np.full((200, 200), share))
    assert mixed.std() == pytest.approx(1, rel=0.02)


def test_filled_skin_is_like_the_clean_parts() -> None:
    """As strong, without mean, and made of nothing from elsewhere."""
    rng = np.random.default_rng(2)
    layers = np.full((SIDE, SIDE, 1), 1e6)
    for left, top, right, bottom in CLEAN:
        layers[top - 30 : bottom + 30, left - 30 : right + 30] = rng.normal(
            5, 1, (bottom - top + 60, right - left + 60, 1)
        )
    filled = _synthesised(layers, (150, 150), 1.0)
    assert filled.std() == pytest.approx(0.8, abs=0.2)
    assert abs(filled.mean()) < 0.1


def test_a_scan_that_is_not_there_or_another_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="expected a file of the head scan"):
        read_scan(tmp_path)
    for name in FILES:
        (tmp_path / name).write_bytes(b"another")
    with pytest.raises(InputError, match="expected sha256"):
        read_scan(tmp_path)
