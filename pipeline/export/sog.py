"""PlayCanvas' .sog, version 2: lossless WebP pictures of a texel per Gaussian, and a meta.json, in a zip file.

Layout: developer.playcanvas.com, "SOG format"; as github.com/playcanvas/splat-transform reads it.
"""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...renderer import Gaussians
from .order import morton_order
from .quaternions import longest_positive

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

MOST = 1 << 24  # Gaussians; a picture may be 16383 texels wide
CODES = 256  # numbers that a byte can mean
SWEEPS = 12  # of Lloyd's algorithm over the numbers of a code book
PALETTE = 1 << 14  # most sets of higher harmonics; a texel has two bytes for which
ALIKE = 1e-3  # root mean square: sets of harmonics that differ by less are one
PALETTE_COLUMNS = 64
WHEN = (1980, 1, 1, 0, 0, 0)  # of every file in the zip, so that the same input gives the same bytes


def sog_bytes(gaussians: Gaussians) -> bytes:
    """About a tenth of a PLY; the rows are those of `morton_order`.

    Positions have 16 bits of each axis' range, scales and colours 256 values that fit their distribution, rotations 8
    bits, and the higher harmonics one of `PALETTE` sets. Raises InputError for more than `MOST` Gaussians.
    """
    if not 0 < len(gaussians) <= MOST:
        raise InputError(f".sog: expected 1 to {MOST} Gaussians, found {len(gaussians)}")
    order = morton_order(gaussians.means)
    places = np.sign(gaussians.means[order]) * np.log1p(np.abs(gaussians.means[order].astype(np.float64)))
    low, high = places.min(axis=0), places.max(axis=0)
    steps = np.round(65535 * (places - low) / np.maximum(high - low, 1e-12)).astype(np.uint32)
    scale_codes, scales = _coded(np.log(np.maximum(gaussians.scales[order], 1e-30)))
    color_codes, colors = _coded(gaussians.sh[order, 0])
    opacity = np.round(255 * gaussians.opacities[order]).clip(0, 255).astype(np.uint8)
    pictures = {
        "means_l.webp": _texels(steps & 255),
        "means_u.webp": _texels(steps >> 8),
        "quats.webp": _texels(_smallest_three(gaussians.quats[order])),
        "scales.webp": _texels(scales),
        "sh0.webp": _texels(np.concatenate([colors, opacity[:, None]], axis=1)),
    }
    meta: dict[str, object] = {
        "version": 2,
        "asset": {"generator": "emosplat"},
        "count": len(order),
        "means": {"mins": low.tolist(), "maxs": high.tolist(), "files": ["means_l.webp", "means_u.webp"]},
        "scales": {"codebook": scale_codes, "files": ["scales.webp"]},
        "quats": {"files": ["quats.webp"]},
        "sh0": {"codebook": color_codes, "files": ["sh0.webp"]},
    }
    if gaussians.sh.shape[1] > 1:
        sets, labels = palette(gaussians.sh[order, 1:].reshape(len(order), -1))
        codes, coded = _coded(sets)
        rows = -(-len(sets) // PALETTE_COLUMNS)
        picture = np.zeros((rows * PALETTE_COLUMNS, sets.shape[1] // 3, 3), np.uint8)
        picture[: len(sets)] = coded.reshape(len(sets), -1, 3)
        pictures["shN_centroids.webp"] = _opaque(picture.reshape(rows, -1, 3))
        pictures["shN_labels.webp"] = _texels(np.stack([labels & 255, labels >> 8, labels * 0], axis=1))
        meta["shN"] = {
            "count": len(sets),
            "bands": gaussians.sh_degree,
            "codebook": codes,
            "files": ["shN_centroids.webp", "shN_labels.webp"],
        }
    return _zip({"meta.json": json.dumps(meta).encode(), **{name: _webp(p) for name, p in pictures.items()}})


def palette(rows: F32, most: int = PALETTE) -> tuple[F32, NDArray[np.int64]]:
    """At most `most` rows [K, D] that stand for all [N, D], and which one for each [N].

    Whole groups are halved at the mean of their widest axis, those that lose most first, until they are `ALIKE`.
    """
    labels = np.zeros(len(rows), np.int64)
    count = 1
    while True:
        sizes = np.maximum(np.bincount(labels, minlength=count), 1)
        means = np.stack([np.bincount(labels, c, count) for c in rows.T], axis=1) / sizes[:, None]
        spread = np.stack([np.bincount(labels, c, count) for c in ((rows - means[labels]) ** 2).T], axis=1)
        lost = spread.sum(axis=1)
        wide = np.flatnonzero(lost > ALIKE**2 * rows.shape[1] * sizes)
        wide = wide[np.argsort(-lost[wide], kind="stable")][: most - count]
        if not len(wide):
            return means.astype(np.float32), labels
        axis = spread.argmax(axis=1)
        above = rows[np.arange(len(rows)), axis[labels]] > means[labels, axis[labels]]
        new = np.full(count, -1)
        new[wide] = count + np.arange(len(wide))
        labels = np.where(above & (new[labels] >= 0), new[labels], labels)
        count += len(wide)


def _coded(values: NDArray[np.floating]) -> tuple[list[float], U8]:
    """256 numbers, rising, and for each of `values` which is nearest (Lloyd 1982, from quantiles)."""
    ordered = np.sort(values, axis=None).astype(np.float64)
    sums = np.concatenate([[0], np.cumsum(ordered)])
    spaced = np.linspace(ordered[0], ordered[-1], CODES // 2)
    codes = np.sort(np.concatenate([np.quantile(ordered, np.linspace(0, 1, CODES - len(spaced))), spaced]))
    for _ in range(SWEEPS):
        bounds = np.concatenate([[0], np.searchsorted(ordered, (codes[1:] + codes[:-1]) / 2), [len(ordered)]])
        filled = np.diff(bounds) > 0
        codes[filled] = np.diff(sums[bounds])[filled] / np.diff(bounds)[filled]
        codes = np.sort(codes)
    return codes.tolist(), np.searchsorted((codes[1:] + codes[:-1]) / 2, values).astype(np.uint8)


def _smallest_three(quats: F32) -> U8:
    """Three of w, x, y, z as bytes, the longest, made positive, left out; and 252 + which that is."""
    turned, largest = longest_positive(quats)
    others = np.array([[a for a in range(4) if a != left] for left in range(4)])[largest]
    kept = np.round(255 * (np.take_along_axis(turned, others, axis=1) / np.sqrt(2) + 0.5)).clip(0, 255)
    return np.concatenate([kept, 252 + largest[:, None]], axis=1).astype(np.uint8)


def _texels(rows: NDArray[np.integer]) -> U8:
    """Rows [N, 3 | 4] as a picture [H, W, 4], row by row."""
    width = 4 * -(-int(np.ceil(np.sqrt(len(rows)))) // 4)
    height = 4 * -(-len(rows) // (4 * width))
    picture = np.zeros((height * width, 4), np.uint8)
    picture[:, 3] = 255
    picture[: len(rows), : rows.shape[1]] = rows
    return picture.reshape(height, width, 4)


def _opaque(picture: U8) -> U8:
    return np.concatenate([picture, np.full((*picture.shape[:2], 1), 255, np.uint8)], axis=2)


def _webp(picture: U8) -> bytes:
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "WEBP", lossless=True, exact=True, quality=80, method=4)
    return stream.getvalue()


def _zip(files: dict[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, data in files.items():
            archive.writestr(zipfile.ZipInfo(name, WHEN), data)
    return stream.getvalue()
