"""The two small splat formats: antimatter15's .splat, and Niantic's .spz by way of gsply."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import SH0
from ...core.errors import InputError
from ...renderer import Gaussians

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SPLAT = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])
SPZ_VERSION, SPZ_VERSIONS = 3, (3, 4)  # gzip, which all read; zstd, which some readers ask for
SPZ_FRACTION = 16  # bits of a coordinate after the point: steps of 15 micrometres, up to 128 m
# signs of the spherical harmonics of degrees 0 to 3 where y and z change theirs
TURNED = np.array([1, -1, -1, 1, -1, 1, 1, -1, 1, -1, 1, -1, -1, 1, -1, 1], np.float32)


def splat_bytes(gaussians: Gaussians) -> bytes:
    """32 bytes per Gaussian, the most visible first: position, linear scale, RGBA, wxyz; one colour from everywhere.

    Layout: github.com/antimatter15/splat.
    """
    rows = np.zeros(len(gaussians), SPLAT)
    rows["mean"], rows["scale"] = gaussians.means, gaussians.scales
    rows["rgba"][:, :3] = _byte(255 * (0.5 + SH0 * gaussians.sh[:, 0]))
    rows["rgba"][:, 3] = _byte(255 * gaussians.opacities)
    rows["quat"] = _byte(128 + 128 * gaussians.quats / np.linalg.norm(gaussians.quats, axis=1, keepdims=True))
    visible = gaussians.opacities * gaussians.scales.prod(axis=1)
    return rows[np.argsort(-visible, kind="stable")].tobytes()


def turned_over(gaussians: Gaussians) -> Gaussians:
    """The same half a turn about the X axis: Y and Z point the other way, colours and all."""
    rotated = gaussians.quats[:, [1, 0, 3, 2]] * np.array([-1, 1, -1, 1], np.float32)  # (0, 1, 0, 0) times wxyz
    return Gaussians(
        means=gaussians.means * np.array([1, -1, -1], np.float32),
        quats=rotated,
        scales=gaussians.scales,
        opacities=gaussians.opacities,
        sh=gaussians.sh * TURNED[: gaussians.sh.shape[1], None],
    )


def spz_bytes(gaussians: Gaussians, *, version: int = SPZ_VERSION) -> bytes:
    """A tenth of a PLY: positions in steps of 15 micrometres, one byte for each other number; axes of our world (RUB).

    Layout: github.com/nianticlabs/spz, which fixes these axes. Raises InputError where gsply is missing.
    """
    if version not in SPZ_VERSIONS:
        raise InputError(f"--spz-version {version}: expected {' or '.join(map(str, SPZ_VERSIONS))}")
    gsply = _gsply()
    opacity = gaussians.opacities.clip(1 / 255, 254 / 255)  # the bytes at the ends have no logit
    cloud = gsply.GSData.from_arrays(
        gaussians.means,
        np.log(gaussians.scales),
        gaussians.quats,
        np.log(opacity / (1 - opacity)),
        gaussians.sh[:, 0],
        gaussians.sh[:, 1:],
        format="ply",
    )
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.spz"
        try:
            gsply.write_spz(path, cloud, version=version, fractional_bits=SPZ_FRACTION)
        except ValueError as error:  # version 4 without zstandard
            raise InputError(f"--spz-version {version}: {error}") from None
        return path.read_bytes()


def _gsply() -> ModuleType:
    try:
        import gsply
    except ImportError as error:
        raise InputError(f".spz: expected the package gsply ({error}); pip install 'emosplat[spz]'") from None
    return gsply


def _byte(values: NDArray[np.floating]) -> U8:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
