"""Film in: the pictures of a video, one by one, each with its time on the clock of the file's sound."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from .audio import holes_in_sound, opened_media, played_track
from .hdr import is_hdr, standard

if TYPE_CHECKING:
    import av
    from av.container import InputContainer

U8 = NDArray[np.uint8]

MOST_PIXELS = 1280  # of the longer side; larger pictures are made smaller
RATES = (12, 15, 24, 25, 30, 48, 50, 60, 100, 120)  # frames per second that are usual
SLOWEST, FASTEST = 1.0, 240.0  # frames per second


@dataclass(frozen=True, eq=False)
class Picture:
    """One frame of a film."""

    time: float  # seconds from the first sample of the sound, when it appears
    pixels: U8  # [H, W, 3] sRGB, contiguous, upright


def pictures(path: Path) -> Iterator[Picture]:
    """The frames of a film in order, each with its own time, whatever the frame rate does.

    Where the sound has a hole (lost packets), which is closed wherever it is heard, pictures are left out as well.
    Damaged frames are left out. Raises InputError where the file is no film.
    """
    from av.error import FFmpegError

    with opened_media(path, "film") as container:
        stream = _film(path, container)
        start = _sound_begins(container)
        holes = holes_in_sound(path) if container.streams.audio else []
        latest = -np.inf
        for packet in container.demux(stream):
            with suppress(FFmpegError):
                for frame in packet.decode():
                    time = None if frame.time is None else _heard_at(frame.time, holes)
                    if time is not None and time > latest:  # a broken clock would say nothing about motion
                        latest = time
                        yield Picture(float(time - start), _upright(frame))


def _heard_at(time: float, holes: Sequence[tuple[float, float]]) -> float:
    """A moment of the file's clock on that of its sound, whose holes are closed.

    >>> [_heard_at(time, [(2.0, 1.0)]) for time in (1.5, 2.5, 3.5)]
    [1.5, 2.0, 2.5]
    """
    return time - sum(min(max(time - begin, 0.0), length) for begin, length in holes)


def has_film(path: Path) -> bool:
    """Whether a sound or film has moving pictures: covers of albums are none. Raises InputError where it is neither."""
    with opened_media(path, "sound or film") as container:
        return bool(_tracks(container))


def usual_rate(times: NDArray[np.float64]) -> float:
    """Frames per second of frames that appear at `times` [n], the usual rate near the middle of their intervals.

    >>> usual_rate(np.arange(10) * 0.0334)
    29.97002997002997
    """
    if len(times) < 2:
        return 25.0
    rate = 1 / float(np.median(np.diff(times)))
    usual = min((*RATES, 24000 / 1001, 30000 / 1001, 60000 / 1001), key=lambda r: abs(r - rate))
    return float(np.clip(usual if abs(usual - rate) < 0.02 * usual else rate, SLOWEST, FASTEST))


def _film(path: Path, container: InputContainer) -> av.VideoStream:
    """The track that plays."""
    from av.error import FFmpegError
    from av.stream import Disposition

    tracks = _tracks(container)
    if not tracks:
        raise InputError(f"{path}: expected a film, found no pictures")
    stream = next((t for t in tracks if Disposition.default in Disposition(t.disposition)), tracks[0])
    stream.thread_type = "AUTO"
    try:
        stream.codec_context.open(strict=False)
    except (FFmpegError, ValueError) as error:
        raise InputError(f"{path}: its pictures cannot be decoded ({error})") from None
    return stream


def _tracks(container: InputContainer) -> list[av.VideoStream]:
    """Tracks of pictures: covers of albums are none."""
    from av.stream import Disposition

    return [s for s in container.streams.video if Disposition.attached_pic not in Disposition(s.disposition)]


def _sound_begins(container: InputContainer) -> float:
    """When the sound that is heard begins, on the clock of the file, seconds; without sound the pictures' own begin."""
    first = played_track(container) if container.streams.audio else container.streams.video[0]
    if first.start_time is None or first.time_base is None:
        return 0.0
    begins = float(first.start_time * first.time_base)
    return max(begins, 0.0) if container.streams.audio else begins  # what lies before 0 is an encoder's padding


def _upright(frame: av.VideoFrame) -> U8:
    scale = min(1.0, MOST_PIXELS / max(frame.width, frame.height))
    size = (max(1, round(frame.width * scale)), max(1, round(frame.height * scale)))
    if is_hdr(frame):
        signal = np.asarray(frame.to_ndarray(format="rgb48le", width=size[0], height=size[1]), np.uint16)
        pixels = standard(signal, frame.color_trc)
    else:
        pixels = frame.to_ndarray(format="rgb24", width=size[0], height=size[1])
    upright = np.rot90(pixels, k=round(frame.rotation / 90) % 4)  # phones tell how they were held
    return np.ascontiguousarray(upright, dtype=np.uint8)
