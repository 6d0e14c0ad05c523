"""Niantic's .spz, versions 2 to 4: one byte for most numbers, compressed. Layout: github.com/nianticlabs/spz."""

from __future__ import annotations

import gzip
import struct

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...renderer import Gaussians
from .quaternions import unit
from .table import SPZ_VERSION, SPZ_VERSIONS

U8 = NDArray[np.uint8]

MAGIC = 0x5053474E
FRACTION = 16  # bits of a coordinate after the point: steps of 15 micrometres, up to 128 m
FURTHEST = (1 << 23) - 1  # 24 bits with a sign
DC_SCALE = 0.15  # of the lowest band, so that colours somewhat outside of 0..1 fit


def spz_bytes(gaussians: Gaussians, *, version: int = SPZ_VERSION) -> bytes:
    """A tenth of a PLY: positions in steps of 15 micrometres, one byte for each other number; axes of our world (RUB).

    Opacities of 0 and 1 become 1/255 and 254/255, for the bytes at the ends are infinite logits to some readers.
    Raises InputError for an unknown version, and where zstandard is missing for version 4.
    """
    if version not in SPZ_VERSIONS:
        raise InputError(f"--spz-version {version}: expected {', '.join(map(str, SPZ_VERSIONS))}")
    streams = [
        _fixed_point(gaussians.means),
        _byte(255 * gaussians.opacities).clip(1, 254).tobytes(),
        _byte(255 * (0.5 + DC_SCALE * gaussians.sh[:, 0])).tobytes(),
        _byte(16 * (np.log(np.maximum(gaussians.scales, 1e-30)) + 10)).tobytes(),
        _first_three(gaussians.quats) if version == 2 else _smallest_three(gaussians.quats),
        _byte(128 + 128 * gaussians.sh[:, 1:]).tobytes(),
    ]
    head = struct.pack("<III4B", MAGIC, version, len(gaussians), gaussians.sh_degree, FRACTION, 0, 0)
    if version == 4:
        return _zstd_file(head, streams)
    return gzip.compress(head + b"".join(streams), mtime=0)


def _zstd_file(head: bytes, streams: list[bytes]) -> bytes:
    """A plain header, sizes of the streams, and each of them compressed."""
    try:
        import zstandard
    except ImportError as error:
        raise InputError(
            f"--spz-version 4: expected the package zstandard ({error}); pip install 'emosplat[spz]'"
        ) from None
    streams = [stream for stream in streams if stream]
    packed = [zstandard.ZstdCompressor(level=12).compress(stream) for stream in streams]
    header = head[:15] + struct.pack("<BI12x", len(streams), 32)
    sizes = [struct.pack("<QQ", len(p), len(s)) for p, s in zip(packed, streams, strict=True)]
    return b"".join([header, *sizes, *packed])


def _fixed_point(means: NDArray[np.float32]) -> bytes:
    """Three bytes for each coordinate, the lowest first."""
    steps = np.round(means.astype(np.float64) * (1 << FRACTION)).clip(-FURTHEST, FURTHEST).astype("<i4")
    return steps.reshape(-1, 1).view(np.uint8)[:, :3].tobytes()


def _first_three(quats: NDArray[np.float32]) -> bytes:
    """x, y and z of the quaternion whose w is positive, a byte each."""
    turned = unit(quats)
    return _byte(127.5 + 127.5 * turned[:, 1:] * np.where(turned[:, :1] < 0, -1, 1)).tobytes()


def _smallest_three(quats: NDArray[np.float32]) -> bytes:
    """Which of x, y, z, w is longest in two bits, and the others in nine bits and a sign, from the highest down."""
    turned = unit(quats)[:, [1, 2, 3, 0]]
    largest = np.abs(turned).argmax(axis=1)
    negative = np.take_along_axis(turned, largest[:, None], axis=1)[:, 0] < 0
    packed = largest.astype(np.uint32)
    for axis in range(4):
        size = np.round(511 * np.sqrt(2) * np.abs(turned[:, axis])).clip(0, 511).astype(np.uint32)
        sign = ((turned[:, axis] < 0) ^ negative).astype(np.uint32)
        packed = np.where(largest == axis, packed, packed << 10 | sign << 9 | size)
    return packed.astype("<u4").tobytes()


def _byte(values: NDArray[np.floating]) -> U8:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
