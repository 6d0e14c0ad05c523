"""Hollows of skin are dark: those of ears most, red light least, folds of lids not more than they were."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from numpy.typing import NDArray

pytest.importorskip("embreex", reason="the people are rebuilt with the extra 'build'")

from emosplat.assets.build.ears import tinted_ears
from emosplat.assets.build.portrait import LIDS, _occlusion
from emosplat.assets.build.splats import Kind, Splats, discs

MM = 1e-3
SIDE = 41  # points along each side of a plate
SPACING = 0.75 * MM


def plate() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points in the plane x = 70 mm and the triangles between them: 30 x 30 mm, with a bowl in it."""
    step = SPACING * (np.arange(SIDE, dtype=np.float64) - SIDE // 2)
    y, z = (a.ravel() for a in np.meshgrid(step, step, indexing="ij"))
    bowl = 3 * MM * np.exp(-0.5 * ((y + 4.8 * MM) ** 2 + (z - 3.6 * MM) ** 2) / (2.5 * MM) ** 2)
    first = (np.arange(SIDE - 1)[:, None] * SIDE + np.arange(SIDE - 1)).ravel()
    triangles = np.concatenate(
        [np.stack([first, first + SIDE, first + SIDE + 1], 1), np.stack([first, first + SIDE + 1, first + 1], 1)]
    )
    return np.column_stack([70 * MM - bowl, y, z]), triangles


def ears() -> SimpleNamespace:
    """Two plates, one on each side, as a figure's ears."""
    left, triangles = plate()
    right = left * [-1, 1, 1]
    outward = np.tile([1.0, 0, 0], (len(left), 1))
    both = np.concatenate([triangles, triangles + len(left)])
    return SimpleNamespace(
        vertices=np.concatenate([left, right]),
        normals=np.concatenate([outward, -outward]),
        triangles=both,
        triangle_masks={"ears": np.ones(len(both))},
    )


def test_ears_are_darkest_in_the_bowl_and_no_other_skin_changes() -> None:
    figure = ears()
    fine = np.arange(len(figure.triangles))
    centres = figure.vertices[figure.triangles].mean(1)
    white = np.ones((len(fine), 3))
    half = np.where(np.arange(len(fine)) % 2, 1.0, 0.0)
    out = tinted_ears(figure, centres, fine, half, white)  # pyright: ignore[reportArgumentType]
    np.testing.assert_array_equal(out[half == 0], 1)
    bottom = (centres[:, 0] < 67.6 * MM) & (half == 1)
    for own in (bottom & (centres[:, 0] > 0), (centres[:, 0] < 0) & (centres[:, 0] > -67.6 * MM) & (half == 1)):
        assert out[own].max() < 0.5
        assert (out[own][:, 0] > out[own][:, 1]).all()


def skin(triangle: int) -> Splats:
    """A few Gaussians on one triangle, in a row that faces the front."""
    position = np.zeros((30, 3))
    position[:, 0] = 0.7 * MM * np.arange(30)
    where = np.full(30, triangle)
    return discs(
        position, np.tile([0, 0, 1.0], (30, 1)), 0.5 * MM, triangle=where, kind=Kind.SKIN, albedo=np.ones((30, 3))
    )


@pytest.mark.parametrize("distance", [LIDS[0], LIDS[1]])
def test_hollows_take_light(distance: float) -> None:
    """Quad 0 is on the face, quad 1 on an ear."""
    figure = SimpleNamespace(
        topology=SimpleNamespace(skin_quads=np.zeros((2, 4))),
        quad_of=np.array([0, 0, 1, 1]),
        triangle_masks={"ears": np.array([0.0, 0, 1, 1])},
        eye_distance=lambda points: np.full(len(points), distance),
    )
    face, ear = (
        _occlusion(figure, skin(quad), np.full(30, 0.4))  # pyright: ignore[reportArgumentType]
        for quad in (0, 1)
    )
    assert (ear < 0.6).all()
    assert (ear[:, 0] > ear[:, 1]).all()
    assert (face == 1).all() if distance == LIDS[0] else ((face > 0.6) & (face < 0.8)).all()
    open_skin = _occlusion(figure, skin(1), np.ones(30))  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(open_skin, 1)
