"""No Gaussian stands alone: none shines by itself, none comes out of a fold, none lies in front of what covers it."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("embreex", reason="the people are rebuilt with the extra 'build'")

from emosplat.assets.build import flesh, lashes
from emosplat.assets.build.lashes import LidEdge
from emosplat.assets.build.light import SH0
from emosplat.assets.build.portrait import GLINT, without_glints
from emosplat.assets.build.shading import MODES, TOGETHER, _darkened_once, _sides
from emosplat.assets.build.skin import RIM
from emosplat.assets.build.splats import Kind, Splats, discs

MM = 1e-3
SIDE = 15
MIDDLE = SIDE * SIDE // 2


def patch(depth: float | NDArray[np.float64] = 0.0) -> Splats:
    """Skin that faces the front, 0.7 mm apart."""
    grid = 0.7 * MM * np.arange(SIDE)
    x, y = (a.ravel() for a in np.meshgrid(grid, grid))
    return discs(
        np.column_stack([x, y, np.zeros(len(x))]).astype(np.float64),
        np.tile([0, 0, 1.0], (len(x), 1)),
        0.5 * MM,
        triangle=np.zeros(len(x), np.int64),
        kind=Kind.SKIN,
        albedo=np.zeros((len(x), 3)),
        depth=depth,
    )


def grey(levels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Harmonics [n, 16, 3] of these grey levels, 0..1."""
    sh = np.zeros((len(levels), 16, 3))
    sh[:, 0] = (levels[:, None] - 0.5) / SH0
    return sh


def shown(sh: NDArray[np.float64]) -> NDArray[np.float64]:
    return 0.5 + SH0 * sh[:, 0, 0]


def test_one_that_shines_alone_is_dimmed() -> None:
    levels = np.full(SIDE * SIDE, 0.6)
    levels[MIDDLE] += 0.12
    out = shown(without_glints(patch(), grey(levels)))
    assert 0 < out[MIDDLE] - 0.6 < 1.5 * GLINT
    np.testing.assert_allclose(np.delete(out, MIDDLE), 0.6, atol=1e-9)


def test_one_that_shines_to_one_side_is_dimmed() -> None:
    sh = grey(np.full(SIDE * SIDE, 0.6))
    sh[MIDDLE, 3] += 0.2
    assert np.abs(without_glints(patch(), sh)[MIDDLE, 3]).max() < 0.1


def test_edges_and_dark_dots_stay() -> None:
    """The border of a lip is none alone; dark ones are freckles."""
    levels = np.where(np.arange(SIDE * SIDE) % SIDE < SIDE // 2, 0.4, 0.7)
    levels[MIDDLE + 3] -= 0.2
    np.testing.assert_allclose(shown(without_glints(patch(), grey(levels))), levels, atol=1e-9)


def test_each_disc_lies_as_deep_as_asked() -> None:
    depth = np.linspace(0, 2 * MM, SIDE * SIDE)
    splats = patch(depth)
    np.testing.assert_allclose(splats.position[:, 2], -depth)
    np.testing.assert_allclose(splats.depth, depth)


def test_what_frowns_together_darkens_once() -> None:
    halves = [mode for mode in MODES for _ in _sides(mode)]
    frowns = np.array([mode.frowns for mode in halves])
    changes = np.full((len(halves), 1, 3), -0.1)
    out = _darkened_once(changes)
    np.testing.assert_allclose(out[frowns].sum(0), -TOGETHER * 0.1)
    np.testing.assert_array_equal(out[~frowns], changes[~frowns])
    alone = np.zeros_like(changes)
    alone[np.flatnonzero(frowns)[0]] = -0.2
    np.testing.assert_array_equal(_darkened_once(alone), alone)
    np.testing.assert_array_equal(_darkened_once(-changes), -changes)


def test_the_lining_of_the_mouth_reaches_as_far_as_the_flesh_is_thick(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies where there is none is left out, what is no lining stays as it is."""
    splats = patch()
    lining = np.arange(SIDE * SIDE) < 100
    splats.triangle[lining] = 7
    thick = np.linspace(0, 3 * MM, 100)
    monkeypatch.setattr(flesh, "_lining_triangles", lambda figure: np.array([7]))
    monkeypatch.setattr(flesh, "_thinnest", lambda figure, splats, head: thick)
    out = flesh.within_flesh(None, splats, None)  # pyright: ignore[reportArgumentType]
    kept = thick >= flesh.PIERCED
    assert len(out) == kept.sum() + (~lining).sum()
    reach = np.minimum(0.5 * MM, np.maximum(flesh.REACH * thick[kept], flesh.LEAST))
    np.testing.assert_allclose(out.scale.max(1)[: kept.sum()], reach)
    np.testing.assert_array_equal(out.scale[kept.sum() :], splats.scale[~lining])


def test_only_the_edges_of_the_lids_are_red(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skin that lies folded above the eye is near the eyeball, too."""

    def edges(figure: object, side: int) -> tuple[LidEdge, LidEdge]:
        upper, lower = (
            LidEdge(np.zeros(3), (1.0, -1.0)[side], (15 * MM, 42 * MM), np.array([y]), np.zeros(1))
            for y in (4 * MM, -5 * MM)
        )
        return upper, lower

    monkeypatch.setattr(lashes, "_lid_edges", edges)
    points = np.array([[28, 4, 0], [-28, -5, 0], [28, 12, 0], [45, 4, 0]]) * MM
    off = lashes.off_lid_edges(None, points)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(off, np.array([0, 0, 8, 3]) * MM, atol=1e-9)
    assert off[2] > RIM[0] > RIM[1] > off[0]
