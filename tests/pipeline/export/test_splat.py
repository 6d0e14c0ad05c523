"""Splat files and PLYs, read back by gsply and plyfile and compared with what gsplat's exporter writes."""

import gzip
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emosplat.avatars.ply import write_ply
from emosplat.core.errors import InputError
from emosplat.pipeline.export.splat import splat_bytes, spz_bytes, turned_over
from emosplat.renderer import Camera, Gaussians, open_rasterizer

BANDS = {0: 0, 1: 3, 2: 8, 3: 15}


def cloud(count: int, degree: int) -> Gaussians:
    rng = np.random.default_rng(0)
    quats = rng.standard_normal((count, 4))
    arrays = (
        rng.uniform(-0.4, 0.4, (count, 3)),
        quats * rng.uniform(0.2, 3, (count, 1)),  # not of unit length
        np.exp(rng.uniform(-9, -3, (count, 3))),
        rng.uniform(0, 1, count),
        rng.uniform(-0.5, 0.5, (count, 1 + BANDS[degree], 3)),
    )
    return Gaussians(*(a.astype(np.float32) for a in arrays))


def read_spz(data: bytes, folder: Path) -> dict[str, np.ndarray]:
    """What gsply reads, linear."""
    gsply = pytest.importorskip("gsply")
    path = folder / "a.spz"
    path.write_bytes(data)
    back = gsply.read_spz(path)
    return {
        "means": back.means,
        "opacities": 1 / (1 + np.exp(-back.opacities.reshape(-1))),
        "dc": back.sh0,
        "scales": np.exp(back.scales),
        "quats": back.quats,
        "rest": np.zeros((len(back.means), 0, 3)) if back.shN is None else back.shN,
    }


def between(quats: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Angles between rotations, degrees."""
    unit = (q / np.linalg.norm(q, axis=1, keepdims=True) for q in (quats, others))
    return np.degrees(2 * np.arccos(np.clip(np.abs(np.multiply(*unit).sum(axis=1)), 0, 1)))


@pytest.mark.slow
@pytest.mark.parametrize("degree", BANDS)
def test_spz_comes_back_within_its_steps(tmp_path: Path, degree: int) -> None:
    gaussians = cloud(200, degree)
    back = read_spz(spz_bytes(gaussians), tmp_path)
    assert np.abs(back["means"] - gaussians.means).max() < 1e-5
    assert np.abs(back["opacities"] - gaussians.opacities).max() < 0.005
    assert np.abs(back["dc"] - gaussians.sh[:, 0]).max() < 0.02
    assert np.abs(np.log(back["scales"] / gaussians.scales)).max() < 0.04
    assert between(back["quats"], gaussians.quats).max() < 0.4
    assert back["rest"].shape == (200, BANDS[degree], 3)
    assert np.abs(back["rest"] - gaussians.sh[:, 1:]).max(initial=0) <= 0.004


@pytest.mark.parametrize("degree", BANDS)
def test_spz_is_laid_out_as_its_description_says(degree: int) -> None:
    pytest.importorskip("gsply")
    gaussians = cloud(50, degree)
    data = gzip.decompress(spz_bytes(gaussians))
    assert struct.unpack_from("<IIIBBBB", data) == (0x5053474E, 3, 50, degree, 16, 0, 0)
    assert len(data) == 16 + 50 * (9 + 1 + 3 + 3 + 4 + 3 * BANDS[degree])
    first = [int.from_bytes(data[i : i + 3], "little", signed=True) / 2**16 for i in (16, 19, 22)]
    np.testing.assert_allclose(first, gaussians.means[0], atol=1e-5)


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


@pytest.mark.parametrize("version", [3, 4])
def test_both_versions_of_spz_hold_the_same(tmp_path: Path, version: int) -> None:
    if version == 4:
        pytest.importorskip("zstandard")
    gaussians = cloud(30, 2)
    back = read_spz(spz_bytes(gaussians, version=version), tmp_path)
    assert np.abs(back["means"] - gaussians.means).max() < 1e-5  # RUB as ours: nothing is turned
    assert back["opacities"].min() > 0
    assert back["opacities"].max() < 1


def test_spz_of_no_known_version_is_refused() -> None:
    with pytest.raises(InputError, match="--spz-version 2: expected 3 or 4"):
        spz_bytes(cloud(1, 0), version=2)


def test_spz_is_much_smaller_than_a_ply() -> None:
    pytest.importorskip("gsply")
    assert len(spz_bytes(cloud(2000, 3))) < 2000 * 248 / 3.5  # of random numbers; those of a face compress further


def test_without_gsply_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gsply", None)
    with pytest.raises(InputError, match=r"pip install 'emosplat\[spz\]'"):
        spz_bytes(cloud(1, 0))


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
