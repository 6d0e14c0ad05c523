"""Stimuli as participants get them: one encoder for all, and nothing in a file that tells one from another."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import ExitStack, closing
from fractions import Fraction
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from ..pipeline.media.audio import AudioClip
from ..pipeline.media.background import parse_background
from ..pipeline.media.video import VideoWriter
from ..pipeline.settings import ClipSettings
from .conditions import Look

U8 = NDArray[np.uint8]

GAP = 16  # pixels between two pictures side by side
EPOCH = 946_684_800  # 2000-01-01: every file's time


def encode_stimulus(
    out: Path, showings: list[Iterator[U8]], *, sound: AudioClip, look: Look, frames: int, blank: U8
) -> None:
    """Encode one stimulus from its masters' frames, side by side where there are two. Raises InputError.

    `blank` [H, W, 3]: the background, which the picture comes from and goes to.
    """
    height, width = blank.shape[:2]
    fade = round(look.fade * look.fps)
    total = len(showings) * width + (len(showings) - 1) * GAP
    gap = blank[:, :1].repeat(GAP, axis=1)
    writer = VideoWriter(
        out,
        width=total,
        height=height,
        fps=Fraction(look.fps).limit_denominator(1001),
        audio=sound,
        overwrite=True,
    )
    with ExitStack() as stack:
        for showing in showings:
            stack.enter_context(closing(showing))  # pyright: ignore[reportArgumentType]  (generators do close)
        stack.enter_context(writer)
        for index, pictures in enumerate(zip(*showings, strict=True)):
            strength = fade_strength(index, frames, fade)
            faded = [_mixed(picture, blank, strength) for picture in pictures]
            writer.write(faded[0] if len(faded) == 1 else np.hstack([faded[0], gap, faded[1]]))


def fade_strength(index: int, frames: int, fade: int) -> float:
    """How much of the picture is seen: 0 at the ends, 1 from `fade` frames on."""
    return min(1.0, index / fade, (frames - 1 - index) / fade) if fade else 1.0


def even_out(files: list[Path]) -> None:
    """Give all files the same size and time, so that a listing by size or date tells nothing.

    A free-space box at the end of an mp4 is skipped by every player (ISO/IEC 14496-12, 8.1.2).
    """
    target = max(file.stat().st_size for file in files) + 8
    for file in files:
        with file.open("r+b") as stream:
            _append_free_box(stream, target - file.stat().st_size)
        os.utime(file, (EPOCH, EPOCH))


def _append_free_box(stream: IO[bytes], size: int) -> None:
    stream.seek(0, os.SEEK_END)
    stream.write(struct.pack(">I4s", size, b"free") + bytes(size - 8))


def blank_picture(settings: ClipSettings) -> U8:
    """The background alone, [H, W, 3]; raises InputError."""
    width, height = settings.size
    background = parse_background(settings.background, width=width, height=height)
    if background.picture is not None:
        return background.picture
    return np.broadcast_to(np.rint(255 * np.array(background.color)).astype(np.uint8), (height, width, 3))


def _mixed(picture: U8, blank: U8, strength: float) -> U8:
    if strength >= 1:
        return picture
    mixed = blank + strength * (picture.astype(np.float32) - blank)
    return np.rint(mixed).astype(np.uint8)
