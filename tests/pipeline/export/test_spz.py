"""SPZ as its description lays it out, and as gsply reads it."""

import gzip
import struct
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.pipeline.export.spz import spz_bytes
from emosplat.pipeline.export.table import SPZ_VERSIONS

from .clouds import BANDS, between, cloud


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


@pytest.mark.parametrize("version", SPZ_VERSIONS)
@pytest.mark.parametrize("degree", BANDS)
def test_spz_comes_back_within_its_steps(tmp_path: Path, degree: int, version: int) -> None:
    gaussians = cloud(200, degree)
    back = read_spz(spz_bytes(gaussians, version=version), tmp_path)
    assert np.abs(back["means"] - gaussians.means).max() < 1e-5  # RUB as ours: nothing is turned
    assert np.abs(back["opacities"] - gaussians.opacities).max() < 0.005
    assert np.abs(back["dc"] - gaussians.sh[:, 0]).max() < 0.02
    assert np.abs(np.log(back["scales"] / gaussians.scales)).max() < 0.04
    angles = between(back["quats"], gaussians.quats)
    assert angles.max() < (15 if version == 2 else 0.4)  # bytes of x, y, z tell little of a w near 0
    assert np.median(angles) < 1
    assert back["rest"].shape == (200, BANDS[degree], 3)
    assert np.abs(back["rest"] - gaussians.sh[:, 1:]).max(initial=0) <= 0.004


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("degree", BANDS)
def test_spz_is_laid_out_as_its_description_says(degree: int, version: int) -> None:
    gaussians = cloud(50, degree)
    data = gzip.decompress(spz_bytes(gaussians, version=version))
    assert struct.unpack_from("<IIIBBBB", data) == (0x5053474E, version, 50, degree, 16, 0, 0)
    assert len(data) == 16 + 50 * (9 + 1 + 3 + 3 + (3 if version == 2 else 4) + 3 * BANDS[degree])
    first = [int.from_bytes(data[i : i + 3], "little", signed=True) / 2**16 for i in (16, 19, 22)]
    np.testing.assert_allclose(first, gaussians.means[0], atol=1e-5)


@pytest.mark.parametrize("degree", BANDS)
def test_version_4_is_laid_out_as_its_description_says(degree: int) -> None:
    zstandard = pytest.importorskip("zstandard")
    data = spz_bytes(cloud(50, degree), version=4)
    streams = 5 + (degree > 0)
    header = struct.unpack_from("<IIIBBBBI12s", data)
    assert header == (0x5053474E, 4, 50, degree, 16, 0, streams, 32, bytes(12))
    at, sizes = 32 + 16 * streams, [struct.unpack_from("<QQ", data, 32 + 16 * i) for i in range(streams)]
    for (packed, plain), width in zip(sizes, (9, 1, 3, 3, 4, 3 * BANDS[degree]), strict=False):
        assert plain == 50 * width
        assert len(zstandard.ZstdDecompressor().decompress(data[at : at + packed])) == plain
        at += packed
    assert at == len(data)


@pytest.mark.parametrize("version", SPZ_VERSIONS)
def test_no_opacity_is_an_infinite_logit(tmp_path: Path, version: int) -> None:
    """Bytes 0 and 255 are to some readers."""
    gaussians = replace(cloud(4, 0), opacities=np.array([0, 1e-6, 1 - 1e-6, 1], np.float32))
    opacities = read_spz(spz_bytes(gaussians, version=version), tmp_path)["opacities"]
    np.testing.assert_allclose(opacities, np.array([1, 1, 254, 254]) / 255, atol=1e-6)


def test_spz_of_no_known_version_is_refused() -> None:
    with pytest.raises(InputError, match="--spz-version 5: expected 2, 3, 4"):
        spz_bytes(cloud(1, 0), version=5)


def test_spz_is_much_smaller_than_a_ply() -> None:
    assert len(spz_bytes(cloud(2000, 3))) < 2000 * 248 / 3.5  # of random numbers; those of a face compress further


def test_without_zstandard_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "zstandard", None)
    with pytest.raises(InputError, match=r"pip install 'emosplat\[spz\]'"):
        spz_bytes(cloud(1, 0), version=4)
    assert spz_bytes(cloud(1, 0))
