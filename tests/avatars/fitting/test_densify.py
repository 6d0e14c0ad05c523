"""Cloning, splitting and pruning: triangles are inherited, and none loses its last Gaussian."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.avatars.fitting.densify import RESET, densify, reset_opacity
from emosplat.avatars.fitting.model import BoundGaussians
from emosplat.avatars.fitting.train import GAUSSIANS

pytestmark = pytest.mark.slow

FACES = 12


def population(seed: int = 0) -> tuple[BoundGaussians, torch.optim.Adam]:
    """One Gaussian per triangle, all different, after one step of the optimiser."""
    g = torch.Generator().manual_seed(seed)
    gaussians = BoundGaussians.one_per_face(FACES, 1, torch.device("cpu"))
    optimiser = torch.optim.Adam([{"name": n, "params": [getattr(gaussians, n)], "lr": 0.1} for n in GAUSSIANS])
    for name in GAUSSIANS:
        leaf = getattr(gaussians, name)
        leaf.grad = torch.randn(leaf.shape, generator=g)
    optimiser.step()
    return gaussians, optimiser


def run(gaussians: BoundGaussians, optimiser: torch.optim.Adam, pull: torch.Tensor, *, size: float = 1e-3, limit=100):
    densify(
        gaussians,
        optimiser,
        pull,
        triangles=torch.full((FACES,), size),
        extent=1.0,
        limit=limit,
        generator=torch.Generator().manual_seed(1),
    )


def test_small_ones_are_cloned() -> None:
    gaussians, optimiser = population()
    before = {name: getattr(gaussians, name).detach().clone() for name in GAUSSIANS}
    pull = torch.zeros(FACES)
    pull[[3, 7]] = 1.0
    run(gaussians, optimiser, pull)
    assert gaussians.binding.tolist() == [*range(FACES), 3, 7]
    for name in GAUSSIANS:
        leaf = getattr(gaussians, name)
        assert torch.equal(leaf[:FACES], before[name])
        assert torch.equal(leaf[FACES:], before[name][[3, 7]])
        state = optimiser.state[leaf]
        assert state["exp_avg"].shape == leaf.shape
        assert state["exp_avg"][:FACES].abs().sum() > 0
        assert not state["exp_avg_sq"][FACES:].any()


def test_large_ones_are_split() -> None:
    gaussians, optimiser = population()
    scales = gaussians.scales()[5].detach().clone()
    pull = torch.zeros(FACES)
    pull[5] = 1.0
    run(gaussians, optimiser, pull, size=1.0)
    assert len(gaussians) == FACES + 1
    assert gaussians.binding[-2:].tolist() == [5, 5]
    assert 5 not in gaussians.binding[:-2]
    torch.testing.assert_close(gaussians.scales()[-2:].detach(), (scales / 1.6).expand(2, 3))
    assert not torch.equal(gaussians.means[-1], gaussians.means[-2])


@settings(max_examples=40)
@given(
    opacity=st.lists(st.floats(1e-4, 0.99), min_size=FACES, max_size=FACES),
    hot=st.lists(st.booleans(), min_size=FACES, max_size=FACES),
    size=st.sampled_from([1e-4, 1.0]),
    limit=st.integers(0, 30),
)
def test_every_triangle_keeps_one(opacity: list[float], hot: list[bool], size: float, limit: int) -> None:
    gaussians, optimiser = population()
    with torch.no_grad():
        gaussians.logits.copy_(torch.tensor(opacity).logit())
    for _ in range(2):
        pull = torch.tensor([float(hot[f]) for f in gaussians.binding.tolist()])
        run(gaussians, optimiser, pull, size=size, limit=limit)
        assert set(gaussians.binding.tolist()) == set(range(FACES))
        assert len(gaussians) <= max(limit, FACES)
        assert all(len(getattr(gaussians, name)) == len(gaussians) for name in GAUSSIANS)


def test_transparent_ones_go_unless_they_are_the_last() -> None:
    gaussians, optimiser = population()
    run(gaussians, optimiser, torch.ones(FACES))  # two of each
    with torch.no_grad():
        gaussians.logits[:FACES] = 2.0
        gaussians.logits[FACES:] = -8.0
        gaussians.logits[0] = -9.0
    run(gaussians, optimiser, torch.zeros(2 * FACES))
    assert sorted(gaussians.binding.tolist()) == list(range(FACES))
    assert float(gaussians.logits[gaussians.binding == 0].detach()) == -8.0  # the more opaque of the two


def test_reset_lowers_every_opacity() -> None:
    gaussians, optimiser = population()
    reset_opacity(gaussians, optimiser)
    assert float(gaussians.logits.sigmoid().max().detach()) == pytest.approx(RESET, rel=1e-4)
    assert not optimiser.state[gaussians.logits]["exp_avg"].any()
