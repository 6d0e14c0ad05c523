"""Small pictures of evenly spaced frames: of a rendered video, of a folder of pictures, or of a motion."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.motion import Motion
from ...core.errors import InputError
from ..camera.views import named_camera
from ..media.background import Background
from .loaded import LoadedModels
from .sidecar import read_sidecar
from .timing import StageClock

U8 = NDArray[np.uint8]

HEIGHT = 192  # pixels
FRAMES = 12


def video_thumbnails(file: Path, *, frames: int = FRAMES) -> Iterator[U8]:
    """Of a video with its record beside it, or of a folder of pictures; raises InputError."""
    import av
    import cv2
    from av.error import FFmpegError

    if file.is_dir():
        pictures = sorted(file.glob("*.png"))
        for i in spread(len(pictures), frames):
            if (picture := cv2.imread(str(pictures[i]))) is not None:
                yield _small(picture[..., ::-1])
        return
    count = len(next(iter(read_sidecar(file)["curves"].values())))
    wanted = set(spread(count, frames))
    try:
        with av.open(f"file:{file.absolute()}") as container:
            for i, frame in enumerate(container.decode(video=0)):
                if i in wanted:
                    yield _small(frame.to_ndarray(format="rgb24"))
    except (FFmpegError, IndexError, OSError) as error:
        raise InputError(
            f"{file}: expected a video whose pictures can be drawn, found something else ({error})"
        ) from error


def motion_thumbnails(motion: Motion, avatar: str, loaded: LoadedModels, *, frames: int = FRAMES) -> Iterator[U8]:
    """Of a motion, drawn with an avatar."""
    stage = loaded.frame_maker(avatar)
    camera = named_camera("front", stage.avatar.head, width=HEIGHT, height=HEIGHT)
    shown = ((motion[i : i + 1], [camera]) for i in spread(len(motion), frames))
    white = Background(color=(1, 1, 1))
    for picture in stage.pictures(shown, white, pixels="rgb24", clock=StageClock()):
        yield picture.copy()


def spread(count: int, most: int) -> list[int]:
    """At most so many of `count` frames, evenly spaced."""
    return sorted({round(i) for i in np.linspace(0, count - 1, min(most, count))})


def _small(picture: NDArray[Any]) -> U8:
    import cv2

    scale = HEIGHT / picture.shape[0]
    size = (max(1, round(picture.shape[1] * scale)), HEIGHT)
    return np.asarray(cv2.resize(np.ascontiguousarray(picture), size, interpolation=cv2.INTER_AREA), np.uint8)
