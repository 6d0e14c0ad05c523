"""Splat files and PLYs, read back by gsply and plyfile and compared with what gsplat's exporter writes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emosplat.avatars.ply import write_ply
from emosplat.pipeline.export.splat import splat_bytes, turned_over
from emosplat.renderer import Camera, open_rasterizer

from .clouds import BANDS, cloud


@pytest.mark.parametrize("degree", BANDS)
def test_half_a_turn_is_seen_from_half_a_turn(degree: int) -> None:
    """Colours, shapes and places: the picture of a camera that is turned over as well is the same."""
    gaussians = cloud(40, degree)
    quats = gaussians.quats / np.linalg.norm(gaussians.quats, axis=1, keepdims=True)
    gaussians = replace(gaussians, quats=quats.astype(np.float32))
    for place in ((0.3, 0.4, 2.0), (-2.0, 0.1, 0.5)):
        camera = Camera.look_at(place, (0, 0, 0), fov_y=0.6, width=48, height=48)
        other = replace(camera, view=camera.view @ np.diag([1.0, -1, -1, 1]))
        rasterizer = open_rasterizer("cpu")
        pictures = [
            rasterizer.load(g).render(c)[0].rgb.astype(int)
            for g, c in ((gaussians, camera), (turned_over(gaussians), other))
        ]
        assert np.abs(pictures[0] - pictures[1]).max() <= 1
        assert pictures[0].std() > 1
    twice = turned_over(turned_over(gaussians))
    np.testing.assert_array_equal(twice.sh, gaussians.sh)
    np.testing.assert_array_equal(twice.means, gaussians.means)
    np.testing.assert_array_equal(twice.quats, -gaussians.quats)  # the same rotation


@pytest.mark.parametrize("degree", BANDS)
def test_gsply_and_plyfile_read_our_ply(tmp_path: Path, degree: int) -> None:
    gsply = pytest.importorskip("gsply")
    gaussians, path = cloud(30, degree), tmp_path / "a.ply"
    write_ply(path, gaussians)
    back = gsply.plyread(path)
    np.testing.assert_array_equal(back.means, gaussians.means)
    np.testing.assert_allclose(np.exp(back.scales), gaussians.scales, rtol=1e-5)
    np.testing.assert_allclose(1 / (1 + np.exp(-back.opacities.reshape(-1))), gaussians.opacities, atol=1e-5)
    np.testing.assert_array_equal(back.quats, gaussians.quats)
    np.testing.assert_array_equal(back.sh0, gaussians.sh[:, 0])
    if degree:
        np.testing.assert_array_equal(back.shN, gaussians.sh[:, 1:])
    plyfile = pytest.importorskip("plyfile")
    vertex = plyfile.PlyData.read(str(path))["vertex"]
    assert len(vertex.properties) == 17 + 3 * BANDS[degree]
    np.testing.assert_array_equal(np.stack([vertex[axis] for axis in "xyz"], axis=1), gaussians.means)
    np.testing.assert_array_equal(np.stack([vertex[f"rot_{i}"] for i in range(4)], axis=1), gaussians.quats)


def test_splat_holds_what_gsplat_would_write() -> None:
    torch = pytest.importorskip("torch")
    from gsplat.exporter import export_splats

    gaussians = cloud(64, 1)
    opacity = gaussians.opacities.clip(1e-6, 1 - 1e-6)
    expected = export_splats(
        means=torch.tensor(gaussians.means),
        scales=torch.log(torch.tensor(gaussians.scales)),
        quats=torch.tensor(gaussians.quats),
        opacities=torch.logit(torch.tensor(opacity)),
        sh0=torch.tensor(gaussians.sh[:, :1]),
        shN=torch.tensor(gaussians.sh[:, 1:]),
        format="splat",
    )
    rows, others = (sorted_rows(data) for data in (splat_bytes(gaussians), expected))
    np.testing.assert_array_equal(rows["place"], others["place"])
    np.testing.assert_allclose(rows["scale"], others["scale"], rtol=1e-5)
    difference = np.abs(rows["bytes"].astype(int) - others["bytes"].astype(int))
    assert difference.max() <= 1  # gsplat cuts off where we round


def sorted_rows(data: bytes) -> np.ndarray:
    rows = np.frombuffer(data, np.dtype([("place", "<f4", 3), ("scale", "<f4", 3), ("bytes", "u1", 8)]))
    return rows[np.argsort(rows["place"][:, 0])]


def test_the_most_visible_come_first() -> None:
    rows = np.frombuffer(
        splat_bytes(cloud(300, 0)), np.dtype([("place", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("q", "u4")])
    )
    visible = rows["scale"].astype(float).prod(axis=1) * rows["rgba"][:, 3]
    assert (np.diff(visible) <= 0.02 * visible[:-1] + 1e-12).mean() > 0.95
    assert visible[:10].min() > visible[-10:].max()
