"""Furrows of the built people's skin: strain against known deformations, phases against straight stripes."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

pytest.importorskip("embreex", reason="the people are rebuilt with the extra 'build'")

from emosplat.assets.build.shading import diffuse
from emosplat.assets.build.surface import Figure
from emosplat.assets.build.wrinkles import Skin, _upper_lid, aligned_phase, strain

TRIANGLES = np.array([[0, 1, 2], [0, 2, 3]])
SQUARE = np.array([[0, 0, 0], [1, 0, 0], [1.1, 0.9, 0], [0.1, 1, 0]]) * 1e-3


@settings(max_examples=60)
@given(
    stretch=st.tuples(st.floats(0.4, 1.8), st.floats(0.4, 1.8)),
    turns=st.tuples(*[st.floats(-3, 3)] * 4),
)
def test_strain_is_that_of_the_deformation(stretch: tuple[float, float], turns: tuple[float, ...]) -> None:
    """Whatever way the sheet lies and is turned afterwards: sum (s_k - 1) d_k d_k^T with the directions at rest."""
    axis = Rotation.from_euler("z", turns[3]).as_matrix()
    deformation = axis @ np.diag([*stretch, 1.0]) @ axis.T
    lie, turn = Rotation.from_rotvec(turns[:3]).as_matrix(), Rotation.from_rotvec(turns[1:]).as_matrix()
    found = strain(SQUARE @ lie.T, (SQUARE @ deformation.T) @ turn.T + 0.1, TRIANGLES)
    wanted = lie @ (deformation - np.eye(3)) @ lie.T
    np.testing.assert_allclose(found, np.broadcast_to(wanted, found.shape), atol=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("flip", [False, True])
def test_furrows_keep_their_wavelength(flip: bool) -> None:
    """One valley per wavelength across the compression, whichever sign its direction has at each point."""
    rng = np.random.default_rng(0)
    points = np.column_stack([rng.uniform(0, 0.03, (2500, 2)), np.zeros(2500)])
    signs = rng.choice([-1.0, 1.0], len(points)) if flip else np.ones(len(points))
    across = signs[:, None] * np.array([0, 1.0, 0])
    wave = np.full(len(points), 5e-3)
    height = np.cos(aligned_phase(points, across, wave, seed=1))
    inner = _at_least(0.004, points)
    for shift, alike in ((5e-3, True), (2.5e-3, False)):
        similarity = _similarity(points, height, inner, np.array([0, shift, 0]))
        assert similarity > 0.6 if alike else similarity < -0.6
    assert _similarity(points, height, inner, np.array([2.5e-3, 0, 0])) > 0.6


def _at_least(margin: float, points: NDArray) -> NDArray:
    return (points[:, :2].min(1) > margin) & (points[:, :2].max(1) < 0.03 - margin)


def _similarity(points: NDArray, height: NDArray, rows: NDArray, shift: NDArray) -> float:
    """Correlation of the relief with itself a step away."""
    from scipy.spatial import KDTree

    distance, near = KDTree(points).query(points[rows] + shift)
    close = distance < 0.4e-3
    return float(np.corrcoef(height[rows][close], height[np.asarray(near)[close]])[0, 1])


def test_skin_that_faces_the_light_is_brighter() -> None:
    normals = np.array([[0.5, 0.5, 0.7], [0, -1.0, 0]])
    lit = diffuse(normals / np.linalg.norm(normals, axis=1, keepdims=True), np.ones(2), np.ones((2, 6)))
    assert (lit[0] > 2 * lit[1]).all()


def test_a_fold_runs_on_where_skin_beside_it_is_compressed_and_on_its_side_only() -> None:
    rng = np.random.default_rng(0)
    along, off = rng.uniform(0, 1, 4000), rng.uniform(-6e-3, 6e-3, 4000)
    skin = object.__new__(Skin)
    skin._points = np.column_stack([np.where(rng.random(4000) < 0.5, 0.03, -0.03), 0.05 * along, np.zeros(4000)])
    skin._fold, skin._off_fold, skin._along_fold = np.ones(4000), off, along
    left = skin._points[:, 0] > 0
    strength = skin._running_on(np.where(left & (np.abs(along - 0.5) < 0.1), 0.8, 0.0))
    assert not strength[~left].any()
    middle, next_to_it, far = (strength[left & (np.abs(along - at) < 0.02)] for at in (0.5, 0.7, 1.0))
    assert middle.std() < 0.02  # the same across its width
    assert 0.8 > middle.min() > next_to_it.max() > 0.1 > far.max()


def test_no_furrows_between_lid_and_brow() -> None:
    """There a blink stretches the skin; between the brows, below the eye and on the forehead furrows may form."""
    eyes = np.array([[0.031, 0.035, 0.055], [-0.031, 0.035, 0.055]])
    figure = cast(Figure, SimpleNamespace(head=SimpleNamespace(eyes=eyes)))
    lid, frown, below, forehead = np.array(
        [[-0.031, 0.047, 0.07], [0.004, 0.047, 0.08], [0.031, 0.02, 0.07], [0.031, 0.065, 0.07]]
    )
    np.testing.assert_allclose(_upper_lid(figure, np.array([lid, frown, below, forehead])), [1, 0, 0, 0])
