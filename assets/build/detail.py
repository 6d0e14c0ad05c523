"""Detail of photographed skin (assets/skin, written by `scan.py`) at points of a person's skin."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

F64 = NDArray[np.float64]

SKIN_MAPS = Path(__file__).parent.parent / "skin"
COLOUR_RANGE, GLOSS_RANGE, BEARD_RANGE = 0.35, 0.5, 0.6  # largest logarithms that the maps hold
RELIEF_RANGE = 0.12e-3  # metres
SHARPER, SHARP_WIDTH = 1.5, 1.8  # gain on what is finer than so many pixels, which Gaussians blur
COARSE_WIDTH = 2.0  # pixels over which coarse Gaussians take the mean


@dataclass(frozen=True)
class Crop:
    """The part of MakeHuman's texture that the maps hold: head and neck."""

    left: float
    right: float
    bottom: float
    top: float
    side: int  # pixels of the whole texture


CROP = Crop(left=0.630, right=1.0, bottom=0.135, top=0.835, side=2048)


def grid_uv(crop: Crop) -> F64:
    """Texture coordinates [H, W, 2] of the maps' pixels, the first row on top."""
    width = round((crop.right - crop.left) * crop.side)
    height = round((crop.top - crop.bottom) * crop.side)
    u = crop.left + (np.arange(width) + 0.5) / crop.side
    v = crop.top - (np.arange(height) + 0.5) / crop.side
    return np.stack(np.meshgrid(u, v), -1)


@dataclass(frozen=True, eq=False)
class Detail:
    """What the maps say about n points."""

    colour: F64  # [n, 3] logarithm of a factor on linear RGB
    gloss: F64  # [n] logarithm of a factor
    height: F64  # [n] of the relief, metres
    slope: F64  # [n, 2] of the relief, metres per unit of u and v
    beard: F64  # [n] logarithm by which a shaved beard is darker


@cache
def _maps(folder: Path, coarse: bool) -> dict[str, F64]:
    def read(name: str, mode: str) -> F64:
        image = np.asarray(Image.open(folder / f"{name}.webp").convert(mode), float) / 127.5 - 1
        return image.reshape(*image.shape[:2], -1)

    fitted = _blurred if coarse else _sharpened
    relief = RELIEF_RANGE * (_blurred(read("relief", "L")) if coarse else read("relief", "L"))
    rows, columns = np.gradient(relief[..., 0])
    return {
        "colour": COLOUR_RANGE * fitted(read("colour", "RGB")),
        "gloss": GLOSS_RANGE * fitted(read("gloss", "L")),
        "height": relief,
        "slope": np.stack([columns, -rows], -1) * CROP.side,
        "beard": BEARD_RANGE * 0.5 * (fitted(read("beard", "L")) + 1),
    }


def _blurred(image: F64) -> F64:
    return gaussian_filter(image, (COARSE_WIDTH, COARSE_WIDTH, 0))


def _sharpened(image: F64) -> F64:
    return np.clip(image + SHARPER * (image - gaussian_filter(image, (SHARP_WIDTH, SHARP_WIDTH, 0))), -1.5, 1.5)


def skin_detail(uv: F64, *, coarse: bool = False, folder: Path = SKIN_MAPS) -> Detail:
    """The maps at texture coordinates [n, 2], for avatars with `coarse` Gaussians or fine ones; nothing outside."""
    x = (uv[:, 0] - CROP.left) * CROP.side - 0.5
    y = (CROP.top - uv[:, 1]) * CROP.side - 0.5

    def at(image: F64) -> F64:
        return np.stack([map_coordinates(p, [y, x], order=1) for p in np.moveaxis(image, 2, 0)], 1)

    values = {name: at(image) for name, image in _maps(folder, coarse).items()}
    flat = {name: values[name][:, 0] for name in ("gloss", "height", "beard")}
    return Detail(colour=values["colour"], slope=values["slope"], **flat)
