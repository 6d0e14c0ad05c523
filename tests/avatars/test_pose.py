"""Posing against straightforward float64 oracles, and against smplx where that is installed."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from emosplat.avatars import HeadModel, Motion
from emosplat.avatars.head import PARENTS
from emosplat.avatars.pose import Poser, local_rotations
from emosplat.core.rotation import rotation_matrices


@pytest.fixture(scope="module")
def motion() -> Motion:
    rng = np.random.default_rng(1)
    rest = Motion.rest(4, 5, 25.0)
    names = ("expr", "jaw", "neck", "eyes", "rotation", "translation")
    return replace(rest, **{n: rng.normal(0, 0.3, getattr(rest, n).shape).astype(np.float32) for n in names})


def skinned_slowly(head: HeadModel, motion: Motion) -> np.ndarray:
    """FLAME's equations, vertex by vertex in float64."""
    pose = local_rotations(motion).astype(np.float64)
    out = []
    for t in range(len(motion)):
        R = Rotation.from_rotvec(pose[t]).as_matrix()
        rest = head.v_template + head.exprdirs @ motion.expr[t] + head.posedirs @ (R[1:] - np.eye(3)).ravel()
        world: list[np.ndarray] = []
        for j, parent in enumerate(PARENTS):
            local = np.eye(4)
            local[:3, :3] = R[j]
            local[:3, 3] = head.joints[j] - (head.joints[parent] if parent >= 0 else 0)
            world.append(local if parent < 0 else world[parent] @ local)
        points = np.zeros_like(rest, dtype=np.float64)
        for j, A in enumerate(world):
            carried = (rest - head.joints[j]) @ A[:3, :3].T + A[:3, 3]
            points += head.weights[:, j : j + 1] * carried
        out.append(points + motion.translation[t])
    return np.stack(out)


def test_rotation_matrices_equal_scipy() -> None:
    r = np.random.default_rng(0).normal(0, 1.5, (100, 3)).astype(np.float32)
    r[0] = 0
    np.testing.assert_allclose(rotation_matrices(r), Rotation.from_rotvec(r).as_matrix(), atol=1e-6)


def test_vertices_equal_the_slow_reference(head: HeadModel, motion: Motion) -> None:
    np.testing.assert_allclose(Poser(head).vertices(motion), skinned_slowly(head, motion), atol=2e-6)


def test_rest_is_the_template(head: HeadModel) -> None:
    still = Poser(head).vertices(Motion.rest(2, head.expressions, 25.0))
    np.testing.assert_allclose(still, np.stack([head.v_template] * 2), atol=1e-6)


def test_one_frame_equals_its_place_in_a_batch(head: HeadModel, motion: Motion) -> None:
    poser = Poser(head)
    np.testing.assert_allclose(poser.vertices(motion[2:3])[0], poser.vertices(motion)[2], atol=1e-6)


def test_transforms_frame_by_frame_are_those_of_all(head: HeadModel, motion: Motion) -> None:
    poser = Poser(head)
    np.testing.assert_array_equal(np.concatenate([*poser.each(motion)]), poser.transforms(motion))


def test_triangle_frames_follow_the_definition(head: HeadModel, motion: Motion) -> None:
    poser = Poser(head)
    vertices = poser.vertices(motion).astype(np.float64)
    transforms = poser.transforms(motion)
    for t, f in ((0, 0), (1, 7), (3, 59)):
        p, q, r = vertices[t, head.faces[f]]
        edge = (q - p) / np.linalg.norm(q - p)
        normal = np.cross(edge, r - p)
        normal /= np.linalg.norm(normal)
        across = np.cross(edge, normal)
        scale = (np.linalg.norm(q - p) + abs(across @ (r - p))) / 2
        expected = np.concatenate([scale * np.stack([edge, normal, across], 1), ((p + q + r) / 3)[:, None]], 1)
        np.testing.assert_allclose(transforms[t, f], expected, atol=2e-6)


def test_transforms_turn_with_the_head(head: HeadModel) -> None:
    """A rigid turn of the root turns every triangle frame and keeps its scale."""
    poser = Poser(head)
    rest = Motion.rest(1, head.expressions, 25.0)
    turned = replace(rest, rotation=np.array([[0.1, 0.7, -0.2]], np.float32))
    R = rotation_matrices(turned.rotation)[0]
    np.testing.assert_allclose(
        poser.transforms(turned)[0, :, :, :3], R @ poser.transforms(rest)[0, :, :, :3], atol=1e-5
    )


def test_equals_smplx(head: HeadModel, motion: Motion, tmp_path) -> None:
    """smplx's lbs on the same arrays (an oracle only; its licence is non-commercial)."""
    lbs = pytest.importorskip("smplx.lbs").lbs
    import torch

    def tensor(array: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float64))

    pose = tensor(local_rotations(motion).reshape(len(motion), -1))
    # with an identity regressor of the rest joints, smplx regresses from the expression-free template
    vertices, _ = lbs(
        tensor(np.zeros((len(motion), 1))),
        pose,
        tensor(np.broadcast_to(head.v_template, (len(motion), *head.v_template.shape))),
        tensor(np.zeros((*head.v_template.shape, 1))),
        tensor(head.posedirs.reshape(-1, 36).T),
        tensor(head.J_regressor),
        torch.tensor(PARENTS),
        tensor(head.weights),
    )
    neutral = replace(motion, expr=np.zeros_like(motion.expr))
    ours = Poser(head).vertices(neutral)
    np.testing.assert_allclose(ours, vertices.numpy() + motion.translation[:, None], atol=2e-6)
