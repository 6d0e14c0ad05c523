"""Numbers behind lashes and hair: weights on triangles, and how strands differ."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("embreex", reason="the people are rebuilt with the extra 'build'")

from emosplat.assets.build.hair import _finer, _variety
from emosplat.assets.build.lashes import _barycentric

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
