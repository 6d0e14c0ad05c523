"""From blendshapes to expression and jaw: exact skinning, the solve for every frame, the linear map."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from emosplat.avatars.head import HeadModel
from emosplat.avatars.jaw import jaw_terms
from emosplat.avatars.library import builtin_head
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.blendshapes.solve.displacement_map import frontal_vertices
from emosplat.blendshapes.solve.mapping import MOST, FaceSurface, FrameSolver, importance, mapping_error

RNG = np.random.default_rng(3)


@lru_cache
def head() -> HeadModel:
    return builtin_head()


@lru_cache
def vertices() -> np.ndarray:
    return frontal_vertices(head())


@lru_cache
def surface() -> FaceSurface:
    return FaceSurface(head(), vertices())


@lru_cache
def poses() -> tuple[np.ndarray, np.ndarray]:
    """Emotions with a jaw that opens."""
    expr = head().emotions.expr[1:].astype(float)
    return expr, np.linspace(0, 0.3, len(expr))


@lru_cache
def solver() -> FrameSolver:
    """The blendshapes are poses of the head themselves."""
    bases = surface()(*poses()).transpose(1, 2, 0)
    return FrameSolver(surface(), bases, importance(head(), vertices()))


def motion(expr: np.ndarray, jaw: np.ndarray) -> Motion:
    rest = Motion.rest(len(expr), head().expressions, 25)
    rest.jaw[:, 0] = jaw
    return replace(rest, expr=expr.astype(np.float32))


@pytest.mark.parametrize("follow", [False, True])
def test_surface_is_the_skinned_head(follow: bool) -> None:
    followed = (1e-4 * RNG.standard_normal((5, 3, head().expressions))).astype(np.float32)
    model = replace(head(), joint_exprdirs=followed) if follow else head()
    expr, jaw = RNG.standard_normal((6, head().expressions)), RNG.uniform(0, 0.4, 6)
    expected = (Poser(model).vertices(motion(expr, jaw)) - model.v_template)[:, vertices()]
    np.testing.assert_allclose(FaceSurface(model, vertices())(expr, jaw), expected, atol=1e-6)


def test_jaw_terms_are_the_products_of_cosine_and_sine() -> None:
    first, second = jaw_terms(np.array([0.0, 0.3]))
    np.testing.assert_array_equal(first[0], [1, 0, 0])
    np.testing.assert_allclose(second[1, 2:], [first[1, 1] ** 2, first[1, 1] * first[1, 2], first[1, 2] ** 2])


def test_every_frame_finds_the_pose_that_made_the_blendshape() -> None:
    expr, jaw = poses()
    found_expr, found_jaw = solver()(np.eye(len(expr)))
    assert np.abs(found_jaw - jaw).max() < np.radians(0.6)
    bases = surface()(expr, jaw).transpose(1, 2, 0)
    assert mapping_error(surface(), bases, np.eye(len(expr)), found_expr, found_jaw).max() < 0.06


def test_solve_is_as_good_as_brute_force() -> None:
    """Against the oracle: least squares on the skinned surface for every jaw angle on a fine grid."""
    weights = RNG.uniform(0, 0.4, (1, len(poses()[0])))
    bases = surface()(*poses()).transpose(1, 2, 0)
    found = mapping_error(surface(), bases, weights, *solver()(weights))
    importance_root = np.sqrt(np.repeat(importance(head(), vertices()), 3))
    for k, weight in enumerate(weights):
        wanted = (bases @ weight).reshape(-1)
        best = np.inf
        for angle in np.linspace(0, 0.4, 9):
            offset = surface()(np.zeros((1, head().expressions)), np.array([angle]))[0].reshape(-1)
            slope = np.tensordot(jaw_terms(np.array([angle]))[0][0], surface().slope, 1).reshape(len(wanted), -1)
            fit = np.linalg.lstsq(slope * importance_root[:, None], (wanted - offset) * importance_root, rcond=None)[0]
            rest = (slope @ fit + offset - wanted).reshape(-1, 3)
            best = min(best, 1e3 * np.linalg.norm(rest, axis=1).mean())
        assert found[k] < best + 0.02


def test_nothing_maps_to_the_face_at_rest() -> None:
    expr, jaw = solver()(np.zeros((2, len(poses()[0]))))
    np.testing.assert_allclose(expr, 0, atol=1e-9)
    np.testing.assert_allclose(jaw, 0, atol=1e-9)


def test_bounds_hold() -> None:
    for solve in (solver(), solver().linear()):
        expr, jaw = solve(40 * RNG.standard_normal((20, len(poses()[0]))))
        assert np.abs(expr).max() <= MOST
        assert jaw.min() >= 0
        assert jaw.max() <= np.radians(30) + 1e-9


def test_linear_map_is_linear_and_near_the_solve_for_small_motion() -> None:
    linear = solver().linear()
    weights = 0.08 * RNG.uniform(0, 1, (4, len(poses()[0])))
    expr, jaw = linear(weights)
    half_expr, half_jaw = linear(weights / 2)
    np.testing.assert_allclose(half_expr, expr / 2, atol=1e-12)
    np.testing.assert_allclose(half_jaw, jaw / 2, atol=1e-12)
    bases = surface()(*poses()).transpose(1, 2, 0)
    assert mapping_error(surface(), bases, weights, expr, jaw).max() < 0.15


def test_solution_is_continuous_in_the_weights() -> None:
    start, end = RNG.uniform(0, 0.5, (2, len(poses()[0])))
    path = start + np.linspace(0, 1, 400)[:, None] * (end - start)
    expr, jaw = solver()(path)
    assert np.abs(np.diff(jaw)).max() < np.radians(0.2)
    assert np.abs(np.diff(expr, axis=0)).max() < 0.05
