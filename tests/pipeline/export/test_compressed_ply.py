"""PlayCanvas' compressed PLY, read by gsply."""

from pathlib import Path

import numpy as np
import pytest

from emosplat.pipeline.export.compressed_ply import compressed_ply_bytes
from emosplat.pipeline.export.order import morton_order
from emosplat.renderer import Gaussians

from .clouds import BANDS, between, cloud


@pytest.mark.parametrize("degree", BANDS)
@pytest.mark.parametrize("count", [1, 256, 600])
def test_gsply_reads_it(tmp_path: Path, count: int, degree: int) -> None:
    gsply = pytest.importorskip("gsply")
    gaussians, path = cloud(count, degree), tmp_path / "a.ply"
    path.write_bytes(compressed_ply_bytes(gaussians, comments=["of a test"]))
    assert b"comment of a test\n" in path.read_bytes()[:200]
    back, order = gsply.plyread(path), morton_order(gaussians.means)
    np.testing.assert_allclose(back.means, gaussians.means[order], atol=0.8 / 1023)  # of a box of the whole cloud
    np.testing.assert_allclose(back.scales, np.log(gaussians.scales[order]), atol=6 / 1023)
    np.testing.assert_allclose(1 / (1 + np.exp(-back.opacities.ravel())), gaussians.opacities[order], atol=0.004)
    np.testing.assert_allclose(back.sh0, gaussians.sh[order, 0], atol=0.01)
    assert between(back.quats, gaussians.quats[order]).max() < 0.3
    assert np.isfinite(back.opacities).all()
    if degree:
        np.testing.assert_allclose(back.shN, gaussians.sh[order, 1:], atol=8 / 256)


def test_a_block_of_neighbours_is_precise(tmp_path: Path) -> None:
    """Each block has a range of its own, so that neighbours must be in one."""
    gsply = pytest.importorskip("gsply")
    near, far = cloud(256, 0), cloud(256, 0)
    both = [np.concatenate([getattr(g, f) for g in (near, far)]) for f in ("quats", "scales", "opacities", "sh")]
    gaussians = Gaussians(np.concatenate([near.means / 100, far.means / 100 + 10]).astype(np.float32), *both)
    (tmp_path / "a.ply").write_bytes(compressed_ply_bytes(gaussians))
    back = gsply.plyread(tmp_path / "a.ply")
    assert np.abs(back.means - gaussians.means[morton_order(gaussians.means)]).max() < 1e-5


def test_order_keeps_neighbours_together() -> None:
    means = cloud(4000, 0).means
    order = morton_order(means)
    assert sorted(order) == list(range(4000))
    steps = np.linalg.norm(np.diff(means[order], axis=0), axis=1)
    assert np.median(steps) < 0.15 * np.median(np.linalg.norm(np.diff(means, axis=0), axis=1))
    assert len(morton_order(means[:0])) == 0
