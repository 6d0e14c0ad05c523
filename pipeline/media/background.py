"""What stands behind the head: a colour, a picture, or nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...renderer.rasterizer import Frame

U8 = NDArray[np.uint8]
NAMED = {"white": "#ffffff", "black": "#000000", "grey": "#808080", "gray": "#808080", "green": "#00b140"}


@dataclass(frozen=True, eq=False)
class Background:
    """A flat colour, a picture [H, W, 3], or transparency."""

    color: tuple[float, float, float] = (0.0, 0.0, 0.0)  # sRGB 0..1, given to the rasterizer
    picture: U8 | None = None
    transparent: bool = False

    def compose(self, frame: Frame) -> U8:
        """The finished picture: RGB [H, W, 3], or straight-alpha RGBA [H, W, 4] when transparent."""
        if self.transparent:
            return _straight_alpha(frame)
        if self.picture is None:
            return frame.rgb
        uncovered = 255 - frame.alpha.astype(np.uint16)[..., None]
        behind = (self.picture * uncovered + 127) // 255
        return np.minimum(frame.rgb + behind, 255).astype(np.uint8)


def parse_background(spec: str, *, width: int, height: int) -> Background:
    """Read `white`, `#rrggbb`, `transparent` or the path of a picture; raises InputError."""
    if spec == "transparent":
        return Background(transparent=True)
    spec = NAMED.get(spec.lower(), spec)
    if re.fullmatch(r"#[0-9a-fA-F]{6}", spec):
        r, g, b = (int(spec[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return Background(color=(r, g, b))
    return Background(picture=_read_picture(Path(spec), width, height))


def _read_picture(path: Path, width: int, height: int) -> U8:
    """Load a picture, scaled to cover the frame and cropped at the middle."""
    import cv2

    pixels = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if pixels is None:
        known = "white, #rrggbb, transparent or the path of a picture"
        raise InputError(f"--background {str(path)!r}: expected {known}, found no readable picture of this name")
    scale = max(width / pixels.shape[1], height / pixels.shape[0])
    size = (max(width, round(pixels.shape[1] * scale)), max(height, round(pixels.shape[0] * scale)))
    pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    left, top = (size[0] - width) // 2, (size[1] - height) // 2
    return pixels[top : top + height, left : left + width, ::-1].astype(np.uint8)


def _straight_alpha(frame: Frame) -> U8:
    alpha = frame.alpha
    covered = np.maximum(alpha, 1).astype(np.uint16)[..., None]
    color = np.minimum((frame.rgb.astype(np.uint16) * 255 + covered // 2) // covered, 255)
    return np.concatenate([color.astype(np.uint8), alpha[..., None]], axis=2)
