"""Is a finished file whole? Decodes all of it, and measures on the way what the results tell about it."""

from __future__ import annotations

import base64
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .loudness import LoudnessMeter

if TYPE_CHECKING:
    import av

POSTER = 160  # pixels high
POSTER_QUALITY = 70
TOGETHER = 32  # frames of sound that are measured at once, for they are short


class DamagedOutput(RuntimeError):
    """A file that was just written does not hold what it should."""


@dataclass(frozen=True)
class Finished:
    """What a whole file holds, measured by decoding it."""

    frames: int
    duration: float  # seconds of picture
    pictures: str  # CRC-32 of all decoded frames: equal pictures, equal value
    av_offset_ms: float | None  # start of the picture minus start of the sound; None without sound
    loudness_lufs: float | None
    poster: str  # the middle frame as a JPEG data URL
    bytes: int


def check_finished(path: Path, *, frames: int, fps: Fraction, sound: float | None) -> Finished:
    """Decode a video; raise DamagedOutput unless it has `frames` frames at `fps` and `sound` seconds of sound."""
    from av.error import FFmpegError

    try:
        picture = _decode_pictures(path, frames // 2)
        heard = _decode_sound(path) if sound is not None else None
    except (FFmpegError, IndexError) as error:
        raise DamagedOutput(f"the finished video cannot be decoded ({error})") from error
    if picture.frames != frames or picture.rate != fps:
        raise DamagedOutput(
            f"the finished video has {picture.frames} frames at {picture.rate}, expected {frames} at {fps}"
        )
    if heard is not None and sound is not None and not sound - 0.05 <= heard.duration <= sound + heard.padding:
        raise DamagedOutput(f"the finished video has {heard.duration:.3f} s of sound, expected {sound:.3f} s")
    return Finished(
        frames=picture.frames,
        duration=float(frames / fps),
        pictures=f"{picture.crc:08x}",
        av_offset_ms=None if heard is None else round(1000 * float(picture.start - heard.start), 3),
        loudness_lufs=None if heard is None or heard.loudness is None else round(heard.loudness, 2),
        poster=picture.poster,
        bytes=path.stat().st_size,
    )


@dataclass(frozen=True)
class _Pictures:
    frames: int
    rate: Fraction | None
    start: Fraction  # seconds
    crc: int
    poster: str


@dataclass(frozen=True)
class _Sound:
    start: Fraction  # seconds
    duration: float  # seconds
    padding: float  # seconds that a decoder may append to fill the codec's last frames
    loudness: float | None


def _decode_pictures(path: Path, middle: int) -> _Pictures:
    import av

    count, crc, poster, start = 0, 0, "", Fraction(0)
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "NONE"  # the cores are busy with other clips
        for frame in container.decode(stream):
            if not count:
                start = _time(frame)
            if count == middle:
                poster = _poster(frame)
            for row in _planes(frame):
                crc = zlib.crc32(row, crc)
            count += 1
        return _Pictures(count, stream.average_rate, start, crc, poster)


def _planes(frame: av.VideoFrame) -> list[bytes]:
    """The pixels of each plane, without the padding at the ends of its rows."""
    found: list[bytes] = []
    for plane, component in zip(frame.planes, frame.format.components, strict=False):
        bits = component.bits if frame.format.is_planar else frame.format.padded_bits_per_pixel
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height]
        found.append(rows[:, : plane.width * ((bits + 7) // 8)].tobytes())
    return found


def _poster(frame: av.VideoFrame) -> str:
    import cv2

    rgb = frame.to_ndarray(format="rgb24")
    width = max(1, round(rgb.shape[1] * POSTER / rgb.shape[0]))
    small = cv2.resize(rgb, (width, POSTER), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", small[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, POSTER_QUALITY])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _decode_sound(path: Path) -> _Sound:
    import av

    samples, start = 0, Fraction(0)
    waiting: list[NDArray[np.float32]] = []
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        meter = LoudnessMeter(stream.rate)
        convert = av.AudioResampler(format="flt")
        for frame in container.decode(stream):
            if not samples:
                start = _time(frame)
            samples += frame.samples
            for piece in convert.resample(frame):
                waiting.append(np.asarray(piece.to_ndarray(), np.float32).reshape(-1, frame.layout.nb_channels))
            if len(waiting) >= TOGETHER:
                meter.add(np.concatenate(waiting).T)
                waiting.clear()
        if waiting:
            meter.add(np.concatenate(waiting).T)
        padding = 0.05 + 2 * (stream.codec_context.frame_size or 0) / stream.rate
        return _Sound(start, samples / stream.rate, padding, meter.finish())


def _time(frame: av.VideoFrame | av.AudioFrame) -> Fraction:
    return Fraction(0) if frame.pts is None or frame.time_base is None else frame.pts * frame.time_base
