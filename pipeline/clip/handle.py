"""A clip in hand: opened and checked, drawn when frames, motion or a file are asked for."""

from __future__ import annotations

import base64
import html
import tempfile
import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.motion import Motion
from ...blendshapes.face_motion import FaceMotion, join
from ..settings import read_settings
from .loaded import LoadedModels
from .objects import Objects, arguments_named
from .render import ClipProgress, clip_pictures, make_clip
from .request import ClipRequest
from .sidecar import check_output, write_sidecar
from .source import ClipSource, open_source, wants_face

FACE = Path("face.json")  # never written; its format asks for the face motion
SHOWN = 320  # pixels of the longer side of the video in a notebook
SHOWN_SECONDS = 20.0  # a longer clip is shown by its first frame

Progress = Callable[[ClipProgress], None]


class Clip:
    """A talking head of so many frames, made by `emosplat.speak` or `emosplat.play`.

    `len(clip)` is its number of frames; `fps` (frames per second), `duration` (seconds) and `warnings` (a line each)
    are known at once. Frames are drawn anew each time they are asked for, in constant memory; equal every time. In a
    notebook a clip shows itself as a small video. `progress` is called with a `ClipProgress` for every frame.

    >>> import emosplat
    >>> clip = emosplat.speak(emosplat.example_speech(), size=(64, 64), duration=0.4)
    >>> clip
    <emosplat.Clip: 10 frames, 0.40 s at 25 frames/s, 64x64, person1>
    """

    def __init__(
        self, request: ClipRequest, loaded: LoadedModels, objects: Objects, progress: Progress | None, *, call: str
    ) -> None:
        self._request = request
        self._loaded = loaded
        self._objects = objects
        self._progress: Progress = progress or (lambda _: None)
        self._call = call
        self._unused: ClipSource | None = open_source(request, loaded)  # what is wrong with the sound is said now
        self._frames, self._rate = self._unused.frames, self._unused.fps
        self.warnings: tuple[str, ...] = tuple(self._unused.warnings)  # what a person should know, a line each

    def __len__(self) -> int:
        """Number of frames: ceil(seconds of sound * fps)."""
        return self._frames

    def __repr__(self) -> str:
        settings, fps = self._request.settings, f"{self.fps:g} frames/s"
        avatar = Path(settings.avatar).stem
        return (
            f"<emosplat.Clip: {len(self)} frames, {self.duration:.2f} s at {fps}, "
            f"{settings.width}x{settings.height}, {avatar}>"
        )

    @property
    def fps(self) -> float:
        """Frames per second; frame i shows time (i + 0.5) / fps."""
        return float(self._rate)

    @property
    def duration(self) -> float:
        """Seconds of picture: frames / fps."""
        return float(len(self) / self._rate)

    @cached_property
    def motion(self) -> Motion:
        """The motion of the whole clip, T frames for the avatar's head: axis-angle radians, metres (see `Motion`).

        Raises InputError where the avatar's head lacks what is asked of it.

        >>> import emosplat
        >>> motion = emosplat.speak(emosplat.example_speech(), duration=0.4).motion
        >>> motion.jaw.shape, motion.eyes.shape
        ((10, 3), (10, 6))
        """
        with arguments_named():
            return Motion.concatenate(self._source().motion)

    @cached_property
    def face(self) -> FaceMotion:
        """What the face does in the whole clip, T frames, whoever's face it is: what `emosplat.edit` changes.

        Raises InputError where the avatar's head lacks what is asked of it.

        >>> import emosplat
        >>> face = emosplat.speak(emosplat.example_speech(), duration=0.4).face
        >>> face.column("headYaw").shape  # radians
        (10,)
        """
        with arguments_named():
            source = open_source(replace(self._request, out=FACE), self._loaded)
            for _ in source.motion:  # the faces are kept on the way
                pass
            return join(source.faces or [])

    def frames(self, *, progress: Progress | None = None) -> Generator[NDArray[np.uint8]]:
        """Draw the frames in order: uint8 sRGB `[H, W, 3]`, or `[H, W, 4]` with straight alpha where the background is
        transparent.

        Stop whenever you like. Raises InputError where something of the clip's arguments cannot be used.

        >>> import emosplat
        >>> clip = emosplat.speak(emosplat.example_speech(), size=(64, 48), duration=0.4)
        >>> sum(1 for frame in clip.frames() if frame.shape == (48, 64, 3))
        10
        """
        with arguments_named():
            source = self._source()
            pictures = clip_pictures(self._request, source, self._loaded, report=progress or self._progress)
            with closing(pictures):
                for picture in pictures:
                    yield picture.copy()  # the next one may be drawn into the same memory

    def save(self, out: str | Path, *, overwrite: bool = False, progress: Progress | None = None) -> dict[str, Any]:
        """Write the clip and return its record, which is also written beside it as JSON.

        out: a name whose suffix says what is written: video (.mp4, .webm ...), a folder of PNG frames and the sound, or
            motion (.npz ...); `render --help` lists all

        The output appears whole or not at all. Raises InputError for an unknown suffix, a name that is taken (unless
        `overwrite`), a background or size that the format cannot hold, or a place that cannot be written.

        >>> import emosplat
        >>> clip = emosplat.speak(emosplat.example_speech(), size=(64, 64), duration=0.4)
        >>> record = clip.save("hello.mkv")
        >>> record["result"]["frames"]
        10
        """
        started = time.perf_counter()
        request = replace(self._request, out=Path(out), overwrite=overwrite)
        with arguments_named():
            check_output(request.out, overwrite=overwrite)
            source = open_source(request, self._loaded) if wants_face(request) else self._source()
            record = make_clip(request, source, self._loaded, report=progress or self._progress, started=started)
            record = self._objects.hidden(record | {"command": self._call})
            write_sidecar(request.out, record)
        return record

    def _source(self) -> ClipSource:
        """The source, opened anew unless nobody has read it yet."""
        source, self._unused = self._unused or open_source(self._request, self._loaded), None
        return source

    def _repr_html_(self) -> str:
        """A small video for notebooks; of a long clip its first frame."""
        return self._shown

    @cached_property
    def _shown(self) -> str:
        text = html.escape(repr(self))
        if self.duration > SHOWN_SECONDS:
            return f'<img alt="{text}" src="data:image/png;base64,{_png(next(self.frames()))}"><br><code>{text}</code>'
        transparent = self._request.settings.background == "transparent"
        suffix, kind = (".webm", "video/webm") if transparent else (".mp4", "video/mp4")
        data = base64.b64encode(self._small(suffix)).decode()
        return f'<video controls loop src="data:{kind};base64,{data}"></video><br><code>{text}</code>'

    def _small(self, suffix: str) -> bytes:
        """The clip at most `SHOWN` pixels wide and high, encoded."""
        settings = self._request.settings
        scale = min(1.0, SHOWN / max(settings.size))
        size = tuple(max(16, 2 * round(scale * side / 2)) for side in settings.size)
        with tempfile.TemporaryDirectory(prefix="emosplat-") as folder:
            settings = read_settings({"size": size}, base=settings)
            small = replace(self._request, out=Path(folder, f"clip{suffix}"), settings=settings)
            make_clip(small, self._source(), self._loaded)
            return small.out.read_bytes()


def _png(frame: NDArray[np.uint8]) -> str:
    import io

    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(frame).save(stream, "PNG")
    return base64.b64encode(stream.getvalue()).decode()
