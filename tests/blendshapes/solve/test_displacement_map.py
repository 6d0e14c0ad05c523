"""Displacement maps: what a pixel takes from the mesh, and the way back."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.solve.displacement_map import DisplacementMap, VertexTable, frontal_vertices

pytestmark = pytest.mark.slow

SIZE = 32


@lru_cache
def head() -> HeadModel:
    return builtin_head()


@lru_cache
def table() -> DisplacementMap:
    return DisplacementMap.of(head(), SIZE)


def test_weights_are_barycentric_or_nothing() -> None:
    total = table().weight.sum(axis=2)
    assert set(np.round(total, 5).ravel().tolist()) == {0.0, 1.0}
    assert table().weight.min() >= 0
    assert 0.7 < total.mean() < 1


def test_pixels_show_the_point_of_the_mesh_that_is_in_front_of_them() -> None:
    """Mapping the positions themselves gives evenly spaced x and y, and the nearest depth."""
    seen = table().weight.sum(axis=2) > 0
    x, y, z = np.moveaxis(table()(head().v_template[None])[0], -1, 0)
    rows, columns = np.nonzero(seen)
    for values, positions in ((x[seen], columns), (-y[seen], rows)):
        step, start = np.polyfit(positions, values, 1)
        assert step > 0.003
        np.testing.assert_allclose(values, start + step * positions, atol=1e-5)
    nose = np.unravel_index(np.where(seen, z, -1).argmax(), z.shape)
    assert abs(nose[1] - SIZE / 2) <= 1


def test_nothing_hidden_is_shown() -> None:
    for name in ("tongue", "teeth_upper"):
        hidden = np.isin(table().index, head().regions[name]) & (table().weight > 0)
        assert hidden.any(axis=2).sum() <= 8  # between the lips a pixel may look into the mouth


@pytest.mark.parametrize("count", [0, 1, 3])
def test_maps_are_linear(count: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, count, len(head().v_template), 3))
    assert table()(a).shape == (count, SIZE, SIZE, 3)
    np.testing.assert_allclose(table()(2 * a - b), 2 * table()(a) - table()(b), atol=1e-12)


def test_the_way_back_returns_a_smooth_displacement() -> None:
    vertices = frontal_vertices(head())
    back = VertexTable.of(head(), table(), vertices)
    displacements = 0.01 * np.sin(20 * head().v_template.astype(float))[None]
    found = back(table()(displacements))[0]
    shown = back.weight.sum(axis=1) > 0.5
    assert shown.mean() > 0.9
    error = np.linalg.norm(found - displacements[0, vertices], axis=1)[shown]
    assert np.median(error) < 3e-4
    np.testing.assert_allclose(back.weight.sum(axis=1)[shown], 1, atol=1e-5)


def test_frontal_vertices_hold_face_and_lips_but_not_the_back_of_the_head() -> None:
    vertices = frontal_vertices(head())
    assert np.isin(head().lip_pairs, vertices).all()
    assert np.isin(head().mouth_corners, vertices).all()
    assert head().v_template[vertices, 2].min() > head().v_template[:, 2].min() + 0.04


def test_a_face_that_looks_away_is_not_seen() -> None:
    turned = replace(head(), faces=np.ascontiguousarray(head().faces[:, ::-1]))
    depth = DisplacementMap.of(turned, SIZE)(head().v_template[None])[0, ..., 2]
    assert depth.mean() < table()(head().v_template[None])[0, ..., 2].mean() - 0.05
