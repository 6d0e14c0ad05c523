"""Posing on a PyTorch device against `avatars.pose`, its oracle."""

from dataclasses import replace

import numpy as np
import pytest

from emosplat.avatars import HeadModel, Motion
from emosplat.avatars.pose import Poser

torch = pytest.importorskip("torch")

from emosplat.avatars.torch_pose import TorchPoser, parameters  # noqa: E402


@pytest.fixture(scope="module")
def motion() -> Motion:
    rng = np.random.default_rng(1)
    rest = Motion.rest(4, 5, 25.0)
    names = ("expr", "jaw", "neck", "eyes", "rotation", "translation")
    moved = {n: rng.normal(0, 0.3, getattr(rest, n).shape).astype(np.float32) for n in names}
    moved["jaw"][0] = 0  # no rotation at all
    return replace(rest, **moved)


def following(head: HeadModel) -> HeadModel:
    """The same head with joints that move with the expression."""
    rng = np.random.default_rng(2)
    return replace(head, joint_exprdirs=(0.01 * rng.standard_normal((5, 3, head.expressions))).astype(np.float32))


@pytest.mark.parametrize("variant", [lambda head: head, following])
def test_equals_the_oracle(head: HeadModel, motion: Motion, variant) -> None:
    head = variant(head)
    device = TorchPoser(head, torch.device("cpu"))
    sent = torch.from_numpy(parameters(motion))
    oracle = Poser(head)
    np.testing.assert_allclose(device.vertices(sent).numpy(), oracle.vertices(motion), atol=1e-6)
    np.testing.assert_allclose(device.transforms(sent).numpy(), oracle.transforms(motion), atol=2e-6)


def test_a_triangle_without_area_stays_finite(head: HeadModel, motion: Motion) -> None:
    flat = replace(head, faces=np.array([[3, 3, 3], [1, 2, 1], [0, 1, 2]], np.int32))
    transforms = TorchPoser(flat, torch.device("cpu")).transforms(torch.from_numpy(parameters(motion)))
    assert torch.isfinite(transforms).all()
    np.testing.assert_allclose(transforms.numpy(), Poser(flat).transforms(motion), atol=2e-6)


def test_frames_do_not_depend_on_their_chunk(head: HeadModel, motion: Motion) -> None:
    poser = TorchPoser(head, torch.device("cpu"))
    whole = poser.transforms(torch.from_numpy(parameters(motion)))
    alone = poser.transforms(torch.from_numpy(parameters(motion[2:3])))
    np.testing.assert_allclose(alone[0].numpy(), whole[2].numpy(), atol=1e-6)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_equals_the_oracle_on_a_gpu(head: HeadModel, motion: Motion) -> None:
    sent = torch.from_numpy(parameters(motion)).cuda()
    transforms = TorchPoser(head, torch.device("cuda")).transforms(sent)
    np.testing.assert_allclose(transforms.cpu().numpy(), Poser(head).transforms(motion), atol=5e-6)
