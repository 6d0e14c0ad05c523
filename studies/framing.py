"""Other systems' videos in our frame: which part of their pictures is shown, without bars that would give them away."""

from __future__ import annotations

import io
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from .conditions import Condition

U8 = NDArray[np.uint8]

LOOKED_AT = 16  # frames of a video that are searched for bars
FLAT = 10  # levels of 255: what a codec makes of one colour
STEP = 24  # levels between a bar and the picture in it
EDGE = 0.5  # share of a bar's edge that shows such a step; a head on a plain wall shows it here and there
BLURRED = 2  # pixels beside a bar that the codec has mixed with it
MOST = 0.45  # of a side that one bar may take


@dataclass(frozen=True)
class Crop:
    """A part of a picture, in pixels from its upper left corner."""

    left: int
    top: int
    width: int
    height: int

    @property
    def filter(self) -> str:
        """For FFmpeg."""
        return f"crop={self.width}:{self.height}:{self.left}:{self.top}:exact=1"


def shown_part(path: Path, condition: Condition) -> Crop:
    """What of another system's video is shown: what its condition says, else what lies between bars.

    Raises InputError.
    """
    frames = np.stack(list(sampled(path)))
    height, width = frames.shape[1:3]
    if condition.crop is None:
        return between_bars(frames)
    crop = Crop(*condition.crop)
    if crop.left + crop.width > width or crop.top + crop.height > height:
        raise InputError(f"{path}: crop: expected a part of {width}x{height} pixels, found {list(condition.crop)}")
    return crop


def sampled(path: Path, count: int = LOOKED_AT) -> Iterator[U8]:
    """Some upright pictures [H, W, 3] of a video, with square pixels; raises InputError."""
    import cv2

    command = [*decoder(path), "-vf", f"{SQUARE},fps=4", "-frames:v", str(count)]
    done = subprocess.run([*command, "-c:v", "ppm", "-f", "image2pipe", "pipe:1"], capture_output=True, check=False)
    rest = io.BytesIO(done.stdout)
    pictures = [cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) for data in _ppm(rest)]
    pictures = [np.asarray(picture, np.uint8) for picture in pictures if picture is not None]
    if not pictures:
        raise InputError(f"{path}: expected a video, found nothing that can be decoded")
    yield from (picture[..., ::-1] for picture in pictures if picture.shape == pictures[0].shape)


SQUARE = "scale=iw*sar:ih,setsar=1"


def decoder(path: Path) -> list[str]:
    """FFmpeg and what makes it read the first picture track of a file, and no other file."""
    import imageio_ffmpeg

    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-nostdin", "-v", "error", "-protocol_whitelist", "file"]
    return [*command, "-i", f"file:{path.absolute()}", "-map", "0:v:0"]


def _ppm(stream: io.BytesIO) -> Iterator[bytes]:
    """The pictures of a row of PPM files."""
    while header := stream.readline():
        size, levels = stream.readline(), stream.readline()
        width, height = map(int, size.split())
        yield header + size + levels + stream.read(width * height * 3)


def between_bars(frames: U8) -> Crop:
    """The part of pictures [n, H, W, 3] that lies between bars of one colour, above and below or left and right.

    Bars come in pairs of about one width, stay as they are, and end in a straight edge; a plain background does not.
    """
    height, width = frames.shape[1:3]
    top, bottom = _pair(frames)
    left, right = _pair(frames.swapaxes(1, 2))
    return Crop(left, top, width - left - right, height - top - bottom)


def _pair(frames: U8) -> tuple[int, int]:
    """How many rows at the top and at the bottom of [n, H, W, 3] belong to bars, blurred edges among them."""
    first, last = _bar(frames), _bar(frames[:, ::-1])
    if not first or not last or abs(first - last) > max(4, 0.1 * max(first, last)):
        return 0, 0
    return first + BLURRED, last + BLURRED


def _bar(frames: U8) -> int:
    """Rows of a bar at the top; 0 where there is none."""
    rows = frames.astype(np.int16)
    flat = np.abs(rows - np.median(rows[:, :1], axis=(0, 1, 2))).max(axis=-1) <= FLAT  # [n, H, W]
    covered = flat.mean(axis=(0, 2)) > 0.99
    count = int(np.argmin(covered)) if not covered.all() else 0
    if not count or count > MOST * len(covered) or count + BLURRED >= len(covered):
        return 0
    bar = np.median(rows[:, :count], axis=(0, 1, 2))
    beyond = np.abs(rows[:, count + BLURRED] - bar).max(axis=-1).max(axis=0)  # [W], the most of all frames
    return count if np.mean(beyond > STEP) > EDGE else 0


def fitted(pictures: Sequence[int], size: tuple[int, int], *, fill: bool) -> tuple[int, int]:
    """Width and height that pictures of (width, height) are scaled to, to cover a size or to lie within it."""
    ratios = [side / theirs for side, theirs in zip(size, pictures, strict=True)]
    scale = max(ratios) if fill else min(ratios)
    bound = max if fill else min
    width, height = (bound(side, round(theirs * scale)) for side, theirs in zip(size, pictures, strict=True))
    return max(1, width), max(1, height)
