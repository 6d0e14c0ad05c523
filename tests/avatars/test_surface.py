"""Meshes as surfaces, against brute force."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.surface import Surface, barycentric_nearest


def sphere(count: int = 400) -> Surface:
    from scipy.spatial import ConvexHull

    points = np.random.default_rng(0).normal(size=(count, 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices
    a, b, c = points[faces.T]
    outward = (np.cross(b - a, c - a) * a).sum(axis=1) > 0
    return Surface(points, np.where(outward[:, None], faces, faces[:, ::-1]).astype(np.int32))


@given(st.integers(0, 10_000))
def test_no_point_of_a_triangle_is_nearer(seed: int) -> None:
    rng = np.random.default_rng(seed)
    triangle, point = rng.normal(size=(3, 3)), rng.normal(size=3) * 2
    weight = barycentric_nearest(point, triangle)
    assert weight.min() >= -1e-9
    np.testing.assert_allclose(weight.sum(), 1, atol=1e-9)
    some = rng.dirichlet([0.5, 0.5, 0.5], 2000)
    others = np.linalg.norm(some @ triangle - point, axis=1)
    assert np.linalg.norm(weight @ triangle - point) <= others.min() + 1e-9


@pytest.mark.parametrize("corners", [(0, 1, 1), (0, 0, 1), (0, 1, 0), (1, 1, 1)])
def test_a_triangle_without_area_is_an_edge_or_a_point(corners: tuple[int, int, int]) -> None:
    ends, point = np.array([[0.1, 0.2, 0.3], [0.4, -0.2, 0.1]]), np.array([0.2, 0.1, 0.0])
    edge = ends[max(corners)] - ends[min(corners)]
    share = (point - ends[min(corners)]) @ edge / max(edge @ edge, 1e-30)
    nearest = barycentric_nearest(point, ends[list(corners)]) @ ends[list(corners)]
    np.testing.assert_allclose(nearest, ends[min(corners)] + share * edge, atol=1e-12)


def test_nearest_points_face_the_same_way() -> None:
    ball = sphere()
    points = 1.1 * ball.vertices
    near = ball.nearest(points, ball.normals)
    assert near.distance.max() < 0.12
    away = ball.nearest(points, -ball.normals)
    assert (away.distance > 0.5).all()


def test_normals_of_a_ball_point_outward() -> None:
    ball = sphere()
    assert (ball.normals * ball.vertices).sum(axis=1).min() > 0.95
    assert not ball.border.any()


def test_the_border_of_an_open_mesh() -> None:
    ball = sphere()
    cap = Surface(ball.vertices, ball.faces[ball.vertices[ball.faces, 2].min(axis=1) > 0])
    height = ball.vertices[cap.border, 2]
    assert len(height) > 5
    assert height.max() < 0.4


def test_what_is_seen_from_the_front() -> None:
    ball = sphere(2000)
    xy = np.random.default_rng(1).uniform(-0.6, 0.6, (50, 2))
    face, depth = ball.seen_from_front(xy)
    assert (face >= 0).all()
    np.testing.assert_allclose(depth, np.sqrt(1 - (xy**2).sum(axis=1)), atol=0.02)
    face, _ = ball.seen_from_front(np.array([[0.0, 0.0], [5.0, 5.0]]))
    assert face[1] == -1
