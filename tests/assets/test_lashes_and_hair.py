"""Numbers behind lashes and hair: weights on triangles, and how strands differ."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

pytest.importorskip("embreex", reason="the people are rebuilt with the extra 'build'")

from emosplat.assets.build.hair import _finer, _variety
from emosplat.assets.build.lashes import _barycentric
from emosplat.assets.build.people import PEOPLE
from emosplat.assets.build.scalp import depth_inside_hairline
from emosplat.avatars.avatar import Avatar
from emosplat.avatars.library import builtin_avatars, open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser

MM = 1e-3


@settings(max_examples=60)
@given(corners=st.lists(st.tuples(*[st.floats(-1, 1)] * 3), min_size=3, max_size=3), seed=st.integers(0, 99))
def test_weights_give_the_point_back(corners: list[tuple[float, float, float]], seed: int) -> None:
    triangle = np.array(corners)
    if np.linalg.norm(np.cross(triangle[1] - triangle[0], triangle[2] - triangle[0])) < 1e-3:
        return
    wanted = np.random.default_rng(seed).dirichlet([1, 1, 1])
    np.testing.assert_allclose(_barycentric((wanted @ triangle)[None], triangle[None])[0], wanted, atol=1e-6)


def test_black_hair_differs_in_sheen_and_brown_hair_keeps_its_colour_on_average() -> None:
    roots = np.random.default_rng(0).uniform(-0.08, 0.08, (4000, 3))
    (brown, brown_sheen), (_, black_sheen) = (_variety(roots, c, np.random.default_rng(1)) for c in (0.05, 0.007))
    assert np.log(black_sheen).std() > 1.2 * np.log(brown_sheen).std()
    np.testing.assert_allclose(brown.mean(0), 1.05, atol=0.2)
    assert (brown > 0).all()


def test_neighbouring_strands_are_alike() -> None:
    """Locks: what is rooted 1 mm apart differs less than what is rooted anywhere."""
    rng = np.random.default_rng(0)
    roots = rng.uniform(-0.08, 0.08, (4000, 3))
    near = roots + 1 * MM * rng.normal(size=roots.shape) / 3
    a, b = (np.log(_variety(r, 0.05, np.random.default_rng(s))[0].mean(1)) for s, r in enumerate((roots, near)))
    assert np.corrcoef(a, b)[0, 1] > 0.15
    assert abs(np.corrcoef(a, rng.permutation(b))[0, 1]) < 0.08


@given(length=st.floats(0.05, 0.3), coarseness=st.floats(1, 2))
def test_a_finer_polyline_is_the_same_line(length: float, coarseness: float) -> None:
    strand = np.column_stack([np.linspace(0, length, 12), np.zeros(12), np.zeros(12)])
    finer = _finer(strand, coarseness)
    np.testing.assert_allclose(finer[[0, -1]], strand[[0, -1]], atol=1e-9)
    assert np.diff(finer[:, 0]).min() > 0
    assert not finer[:, 1:].any()


def _frames(avatar: Avatar, motion: Motion) -> NDArray[np.float32]:
    """World from Gaussians' triangles, [T, N, 3, 4]."""
    return Poser(avatar.head).transforms(motion)[:, avatar.binding]


@pytest.mark.parametrize(("name", "coarser"), [("person1", 1.0), ("person1-light", 2.0)])
def test_locks_thin_out_at_the_hairline(name: str, coarser: float) -> None:
    """Swept back hair is fine in the first centimetre and full two centimetres farther."""
    avatar = open_avatar(name)
    at_rest = _frames(avatar, Motion.rest(1, avatar.head.expressions, 25.0))[0]
    position = np.einsum("nij,nj->ni", at_rest[:, :, :3], avatar.gaussians.means) + at_rest[:, :, 3]
    axes = np.sort(avatar.gaussians.scales, axis=1) * np.linalg.norm(at_rest[:, :, 0], axis=1)[:, None]
    figure = SimpleNamespace(person=PEOPLE[0])
    depth = depth_inside_hairline(figure, position.astype(float))  # pyright: ignore[reportArgumentType]
    hair = (axes[:, 2] > 2.5 * axes[:, 1]) & (position[:, 2] > 0.02) & (position[:, 1] > 0.06)
    edge, full = (axes[hair & (depth > a * MM) & (depth < b * MM), 1] for a, b in ((4, 10), (20, 30)))
    assert np.quantile(edge, 0.9) < coarser * 0.25 * MM
    assert np.median(full) > coarser * 0.28 * MM


@pytest.mark.parametrize("name", builtin_avatars())
def test_upper_lashes_turn_down_with_the_lid(name: str) -> None:
    """In a blink, by a third of a right angle on average, and hardly one by less than half of that."""
    avatar = open_avatar(name)
    head, motion = avatar.head, Motion.rest(2, avatar.head.expressions, 25.0)
    motion.expr[1] = head.arkit.expr[[head.arkit.names.index(f"eyeBlink{side}") for side in ("Left", "Right")]].sum(0)
    rest, blink = _frames(avatar, motion)
    size = np.linalg.norm(rest[:, :, 0], axis=1)
    position = np.einsum("nij,nj->ni", rest[:, :, :3], avatar.gaussians.means) + rest[:, :, 3]
    arm = position - head.joints[3:5][(position[:, 0] < 0).astype(int)]
    lashes = (avatar.gaussians.scales.min(1) * size < 0.06 * MM) & (np.abs(arm[:, 0]) < 16 * MM)
    lashes &= (arm[:, 1] > 1 * MM) & (arm[:, 1] < 9 * MM) & (np.linalg.norm(arm, axis=1) > 15 * MM)
    lids = np.concatenate([head.regions["left_lid"], head.regions["right_lid"]])
    lashes &= np.asarray(np.isin(head.faces, lids).all(axis=1))[avatar.binding]  # no fibres of the iris
    turned = np.einsum("nij,nkj->nik", blink[lashes, :, :3], rest[lashes, :, :3])[:, :, 2]
    down = np.degrees(np.arctan2(-turned[:, 1], turned[:, 2]))
    assert lashes.sum() > 500
    assert down.mean() > 27
    assert np.quantile(down, 0.1) > 15
