"""Crowns that carry the Gaussians of the teeth: inside the teeth's mesh, apart, rounded, in no two rows alike."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.assets.build.enamel import NECK, Crown, Enamel, enamel
from emosplat.assets.build.teeth import CROWN_VERTICES, LOWER, TEETH_PER_SIDE, UPPER, Arch, row

MM = 1e-3
SPACING = 0.55 * MM


def crowns(arch: Arch) -> list[Crown]:
    """A row along a parabola 50 mm wide and 40 mm deep."""
    x = np.linspace(-0.025, 0.025, 60)
    strip = np.column_stack([x, 0 * x, 0.05 - 0.04 * (x / 0.025) ** 2])
    vertices = row(arch, strip, 0.0)[0].reshape(-1, CROWN_VERTICES, 3)
    return [Crown.of(v, i % TEETH_PER_SIDE) for i, v in enumerate(vertices)]


def local(crown: Crown, points: NDArray[np.float64]) -> NDArray[np.float64]:
    return (points - crown.centre) @ crown.axes.T


@pytest.fixture(scope="module", params=[UPPER, LOWER], ids=["upper", "lower"])
def teeth(request: pytest.FixtureRequest) -> list[tuple[Crown, Enamel]]:
    rng = np.random.default_rng(0)
    return [(crown, enamel(crown, SPACING, rng)) for crown in crowns(request.param)]


@pytest.mark.parametrize("arch", [UPPER, LOWER], ids=["upper", "lower"])
def test_a_crown_knows_its_axes(arch: Arch) -> None:
    for crown in crowns(arch):
        np.testing.assert_allclose(crown.axes @ crown.axes.T, np.eye(3), atol=1e-9)
        backwards, outwards, up = crown.axes
        assert up[1] * arch.sign > 0.9
        assert outwards @ [crown.centre[0], 0, crown.centre[2]] > 0
        assert backwards @ (crown.centre * [1, 0, -1]) > 0 or crown.index == 0


def test_points_lie_in_the_tooth(teeth: list[tuple[Crown, Enamel]]) -> None:
    """They may lean out of the mesh by the unevenness alone."""
    for crown, found in teeth:
        inside = np.abs(local(crown, found.position)) <= crown.size / 2 + [0.3 * MM, 0.35 * MM, 0.6 * MM]
        assert inside.all()


def test_normals_are_unit_and_look_out(teeth: list[tuple[Crown, Enamel]]) -> None:
    for crown, found in teeth:
        np.testing.assert_allclose(np.linalg.norm(found.normal, axis=1), 1, atol=1e-9)
        front = local(crown, found.position)[:, 1] > 0.1 * crown.size[1]
        assert (found.normal[front] @ crown.axes[1] > -0.2).all()


def test_neck_and_biting_edge_are_narrower_than_the_middle(teeth: list[tuple[Crown, Enamel]]) -> None:
    for _, found in teeth:
        at = [np.abs(found.height - h) < 0.06 for h in (NECK, 0.65, 1.0)]
        neck, middle, edge = (found.side[rows].max() for rows in at)
        assert neck < middle
        assert edge < middle


def test_no_row_is_even(teeth: list[tuple[Crown, Enamel]]) -> None:
    """Left and right teeth are not all of one length."""
    ends = np.array([local(crown, found.position)[:, 2].min() for crown, found in teeth]).reshape(2, -1)
    assert 0.05 * MM < np.abs(ends[0] - ends[1]).max() < MM


def test_wider_spacing_gives_fewer_points() -> None:
    crown = crowns(UPPER)[0]
    fine, coarse = (len(enamel(crown, s, np.random.default_rng(1)).position) for s in (SPACING, 2 * SPACING))
    assert 2.5 * coarse < fine < 6 * coarse
