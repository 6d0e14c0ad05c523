"""The two small splat formats: antimatter15's .splat, and Niantic's .spz (version 2)."""

from __future__ import annotations

import gzip
import struct

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import SH0
from ...renderer import Gaussians

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

SPLAT = np.dtype([("mean", "<f4", 3), ("scale", "<f4", 3), ("rgba", "u1", 4), ("quat", "u1", 4)])
SPZ_MAGIC, SPZ_VERSION = 0x5053474E, 2
SPZ_FRACTION = 16  # bits of a coordinate after the point: steps of 15 micrometres, up to 128 m
SPZ_COLOR = 0.15  # range of the constant harmonic in a byte
SPZ_FINE, SPZ_COARSE = 8, 16  # steps of the harmonics of degree 1, and of degrees 2 and 3


def splat_bytes(gaussians: Gaussians) -> bytes:
    """32 bytes per Gaussian, the most visible first: position, linear scale, RGBA, wxyz. Colour does not depend on view.

    Layout: github.com/antimatter15/splat.
    """
    rows = np.zeros(len(gaussians), SPLAT)
    rows["mean"], rows["scale"] = gaussians.means, gaussians.scales
    rows["rgba"][:, :3] = _byte(255 * (0.5 + SH0 * gaussians.sh[:, 0]))
    rows["rgba"][:, 3] = _byte(255 * gaussians.opacities)
    rows["quat"] = _byte(128 + 128 * _unit(gaussians.quats))
    visible = gaussians.opacities * gaussians.scales.prod(axis=1)
    return rows[np.argsort(-visible, kind="stable")].tobytes()


def spz_bytes(gaussians: Gaussians) -> bytes:
    """A gzip stream of a header and one block per attribute, a tenth of a PLY; axes are those of our world (RUB).

    Layout and quantisation: github.com/nianticlabs/spz, version 2. Raises ValueError beyond 128 metres.
    """
    n = len(gaussians)
    if n and np.abs(gaussians.means).max() >= 1 << (23 - SPZ_FRACTION):
        raise ValueError("spz: expected positions within 128 metres")
    header = struct.pack(
        "<IIIBBBB", SPZ_MAGIC, SPZ_VERSION, n, gaussians.sh_degree, SPZ_FRACTION, 0, 0
    )  # flags, reserved
    fixed = np.round(gaussians.means.astype(np.float64) * (1 << SPZ_FRACTION)).astype("<i4")
    quats = _unit(gaussians.quats)
    turned = np.where(quats[:, :1] < 0, -quats, quats)[:, 1:]  # w is what is left to length 1
    blocks = [
        np.ascontiguousarray(fixed).view(np.uint8).reshape(n, 3, 4)[..., :3],
        _byte(255 * gaussians.opacities),
        _byte(255 * (0.5 + SPZ_COLOR * gaussians.sh[:, 0])),
        _byte(16 * (np.log(gaussians.scales) + 10)),
        _byte(127.5 + 127.5 * turned),
        _harmonics(gaussians.sh[:, 1:]),
    ]
    return gzip.compress(header + b"".join(block.tobytes() for block in blocks), mtime=0)


def _harmonics(rest: F32) -> U8:
    """Higher harmonics [N, K, 3] around 128, in steps of which the coarser compress better."""
    step = np.where(np.arange(rest.shape[1]) < 3, SPZ_FINE, SPZ_COARSE)[:, None]
    return _byte(step * np.floor((128 * rest + 128 + step / 2) / step))


def _unit(quats: F32) -> F32:
    return quats / np.linalg.norm(quats, axis=1, keepdims=True)


def _byte(values: F32) -> U8:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
