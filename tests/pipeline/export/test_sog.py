"""SOG, unpacked by a small reader after its description."""

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from emosplat.core.errors import InputError
from emosplat.pipeline.export.order import morton_order
from emosplat.pipeline.export.sog import palette, sog_bytes

from .clouds import BANDS, between, cloud


def read_sog(data: bytes) -> dict[str, np.ndarray]:
    """What the pictures hold, Gaussian by Gaussian."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
        meta = json.loads(archive.read("meta.json"))
        pictures = {
            name: np.asarray(Image.open(io.BytesIO(archive.read(name))).convert("RGBA")).astype(int)
            for name in archive.namelist()
            if name.endswith(".webp")
        }
    assert meta["version"] == 2
    count = meta["count"]
    texels = {name: picture.reshape(-1, 4)[:count] for name, picture in pictures.items()}
    share = (texels["means_l.webp"] + 256 * texels["means_u.webp"])[:, :3] / 65535
    low, high = (np.array(meta["means"][end]) for end in ("mins", "maxs"))
    places = low + share * (high - low)
    three = (texels["quats.webp"][:, :3] / 255 - 0.5) * np.sqrt(2)
    quats = np.empty((count, 4))
    for row, (others, left) in enumerate(zip(three, texels["quats.webp"][:, 3] - 252, strict=True)):
        quats[row] = np.insert(others, left, np.sqrt(max(0, 1 - (others**2).sum())))
    found = {
        "means": np.sign(places) * np.expm1(np.abs(places)),
        "quats": quats,
        "scales": np.exp(np.array(meta["scales"]["codebook"])[texels["scales.webp"][:, :3]]),
        "dc": np.array(meta["sh0"]["codebook"])[texels["sh0.webp"][:, :3]],
        "opacities": texels["sh0.webp"][:, 3] / 255,
        "rest": np.zeros((count, 0, 3)),
    }
    if "shN" in meta:
        bands = BANDS[meta["shN"]["bands"]]
        sets = pictures["shN_centroids.webp"][:, :, :3].reshape(-1, bands, 3)
        assert pictures["shN_centroids.webp"].shape[1] == 64 * bands
        labels = texels["shN_labels.webp"][:, 0] + 256 * texels["shN_labels.webp"][:, 1]
        assert labels.max() < meta["shN"]["count"] <= len(sets)
        found["rest"] = np.array(meta["shN"]["codebook"])[sets[labels]]
    return found


@pytest.mark.parametrize("degree", BANDS)
def test_it_holds_what_was_written(degree: int) -> None:
    gaussians = cloud(900, degree)
    back, order = read_sog(sog_bytes(gaussians)), morton_order(gaussians.means)
    assert np.abs(back["means"] - gaussians.means[order]).max() < 1e-5
    assert np.abs(back["opacities"] - gaussians.opacities[order]).max() < 0.003
    assert np.abs(np.log(back["scales"] / gaussians.scales[order])).max() < 0.05
    assert np.abs(back["dc"] - gaussians.sh[order, 0]).max() < 0.01
    assert between(back["quats"], gaussians.quats[order]).max() < 1.2
    assert back["rest"].shape == (900, BANDS[degree], 3)
    assert np.abs(back["rest"] - gaussians.sh[order, 1:]).max(initial=0) < 0.01  # every set has its own


def test_the_same_gaussians_give_the_same_bytes() -> None:
    assert sog_bytes(cloud(50, 1)) == sog_bytes(cloud(50, 1))


def test_more_sets_come_nearer() -> None:
    rows = np.random.default_rng(0).standard_normal((3000, 9)).astype(np.float32)

    def error(most: int) -> float:
        sets, labels = palette(rows, most)
        assert len(sets) <= most
        assert labels.max() < len(sets)
        return float(np.square(rows - sets[labels]).mean())

    errors = [error(most) for most in (1, 8, 64, 512, 4096)]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] == pytest.approx(rows.var(axis=0).mean(), rel=1e-5)
    assert errors[-1] < 1e-6


def test_sets_that_are_alike_are_one() -> None:
    sets, labels = palette(np.repeat(np.eye(3, dtype=np.float32), 20, axis=0), 100)
    assert len(sets) == 3
    np.testing.assert_allclose(sets[labels], np.repeat(np.eye(3), 20, axis=0), atol=1e-6)


def test_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="expected 1 to"):
        sog_bytes(cloud(0, 0))
