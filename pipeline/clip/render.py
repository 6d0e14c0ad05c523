"""One clip: from speech and an emotion (or from a motion file) to a video, frames, or motion on disk."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.motion import Motion
from ...blendshapes.emotion import EMOTION_AXES, Emotion, EmotionMix, EmotionTrack
from ...blendshapes.face_motion import join
from ...blendshapes.speech.effort import Habit
from ...core.whole_files import whole_file
from ..camera.path import MovingCamera, open_camera
from ..emotion import listens
from ..media.background import Background
from ..media.encoders import X264, Encoder, choose_encoder
from ..media.outputs import FaceFormat, MotionFormat, Pixels, VideoFormat, output_format
from ..media.video import VideoWriter
from .frames import FrameMaker
from .loaded import LoadedModels
from .request import ClipRequest, background_in, background_of, check_encoder
from .sidecar import check_output, versions, write_sidecar
from .source import ClipSource, open_source
from .stream import prefetch
from .timing import StageClock

F32 = NDArray[np.float32]
COMPILING = "compiling the rasterizer, which takes 5 to 20 s and is kept for later"
MOTION_AHEAD = 2  # chunks of motion that may wait to be drawn


@dataclass(frozen=True)
class ClipProgress:
    """How far a clip is; what `progress` is called with.

    stage: "reading", "tracking", "preparing the rasterizer", "moving" or "rendering"
    done, total: how many of `unit` ("frames" or "kernels") are done, and of how many
    fps: frames per second so far
    realtime: seconds of video per second so far

    >>> import emosplat
    >>> seen = []
    >>> clip = emosplat.speak(emosplat.example_speech(), size=(64, 64), duration=0.4, progress=seen.append)
    >>> frames = list(clip.frames())
    >>> seen[-1].stage, seen[-1].done, seen[-1].total
    ('rendering', 10, 10)
    """

    stage: str
    done: int = 0  # of `unit`
    total: int | None = None
    unit: str = "frames"
    fps: float = 0.0  # frames per second so far
    realtime: float = 0.0  # seconds of video per second


Report = Callable[[ClipProgress], None]


def render_clip(
    request: ClipRequest, *, report: Report = lambda _: None, loaded: LoadedModels | None = None
) -> dict[str, Any]:
    """Make one clip and return its provenance record, which is also written beside it as JSON.

    A `loaded` that is handed in keeps its models for the next clip. The output appears whole or not at
    all. Raises InputError for anything wrong with the request or its files.
    """
    started = time.perf_counter()
    check_output(request.out, overwrite=request.overwrite)
    loaded = loaded or LoadedModels(request.settings.device)
    report(ClipProgress("reading"))
    source = open_source(request, loaded, tracked=lambda done: report(ClipProgress("tracking", done)))
    record = make_clip(request, source, loaded, report=report, started=started)
    write_sidecar(request.out, record)
    return record


def make_clip(
    request: ClipRequest,
    source: ClipSource,
    loaded: LoadedModels,
    *,
    report: Report = lambda _: None,
    turn: AbstractContextManager[object] | None = None,
    started: float | None = None,
) -> dict[str, Any]:
    """Render an opened source and return its record, without writing that beside the output.

    `turn` is held while frames are drawn: clips made by several threads with one lock for a turn are drawn one
    after the other, while one of them is still opened or already finished. `started` is when the clip's time began.
    """
    started = time.perf_counter() if started is None else started
    job = _Job(request, loaded, source, report)
    target = output_format(request.out)
    check_encoder(target, request.settings)
    if isinstance(target, VideoFormat):
        device = job.write_video(target, turn or nullcontext())
    else:
        device = job.write_motion(target)
    return job.record(device, time.perf_counter() - started)


def clip_pictures(
    request: ClipRequest, source: ClipSource, loaded: LoadedModels, *, report: Report = lambda _: None
) -> Generator[NDArray[np.uint8]]:
    """The frames of an opened source, drawn in order and in constant memory, without a file.

    uint8 `[H, W, 3]`, or `[H, W, 4]` with straight alpha; each may be overwritten once the next is asked for.
    """
    background = background_of(request.settings)
    pixels = "rgba" if background.transparent else "rgb24"
    yield from _Job(request, loaded, source, report).pictures(background, pixels)


class _Job:
    """One clip on its way: the stages, the curves and times they leave behind."""

    def __init__(self, request: ClipRequest, loaded: LoadedModels, source: ClipSource, report: Report) -> None:
        self.request = request
        self.loaded = loaded
        self.source = source
        self.report = report
        self.clock = StageClock()
        self.avatar = loaded.avatar(request.settings.avatar)
        self.reader = loaded.curve_reader(request.settings.avatar)
        self.curves: list[dict[str, F32]] = []
        self.encoder = "none (motion only)"

    def write_video(self, target: VideoFormat, turn: AbstractContextManager[object]) -> str:
        """Motion, posing, drawing and encoding overlap; returns the rasterizer in words."""
        request, settings, source = self.request, self.request.settings, self.source
        background = background_in(target, settings)
        encoder = self._encoder(target)  # what may be missing is said before anything is compiled
        moving = self._camera()
        stage = self._frame_maker()
        pixels = target.pixels(transparent=background.transparent)
        writer = VideoWriter(
            request.out,
            width=settings.width,
            height=settings.height,
            fps=source.fps,
            pixels=pixels,
            audio=source.audio,
            overwrite=request.overwrite,
            encoder=encoder,
        )
        with writer, closing(self._motion()) as motion:
            first = next(motion)  # made, and the encoder started, while another clip may still be drawn
            shots = moving.follow(chain([first], motion))
            with turn, closing(stage.pictures(shots, background, pixels=pixels, clock=self.clock)) as pictures:
                for picture in self._counted(pictures):
                    with self.clock.measure("write"):
                        writer.write(picture)
        return f"{self.loaded.rasterizer.name} ({self.loaded.rasterizer.reason})"

    def pictures(self, background: Background, pixels: Pixels) -> Generator[NDArray[np.uint8]]:
        """Drawn frames, while the motion of later ones is made; nothing is encoded."""
        moving, stage = self._camera(), self._frame_maker()
        with closing(self._motion()) as motion:
            shots = moving.follow(motion)
            with closing(stage.pictures(shots, background, pixels=pixels, clock=self.clock)) as pictures:
                yield from self._counted(pictures)

    def _encoder(self, target: VideoFormat) -> Encoder:
        """What the settings ask for, of a format that has a choice; raises InputError where that does not work here."""
        settings = self.request.settings
        if target.takes_encoder:
            chosen = choose_encoder(settings.encoder, width=settings.width, height=settings.height)
            self.encoder = str(chosen)
            return chosen.encoder
        self.encoder = target.video_codec
        return X264

    def _camera(self) -> MovingCamera:
        settings = self.request.settings
        path = open_camera(settings.camera, self.avatar.head, width=settings.width, height=settings.height)
        return MovingCamera(path, self.avatar.head, lock=settings.camera_lock)

    def _frame_maker(self) -> FrameMaker:
        stage = COMPILING if self.loaded.rasterizer.compiles else "preparing the rasterizer"
        self.loaded.warm(lambda done, total: self.report(ClipProgress(stage, done, total, "kernels")))
        return self.loaded.frame_maker(self.request.settings.avatar)

    def write_motion(self, target: MotionFormat | FaceFormat) -> str:
        """Write the motion alone, of the avatar's head or of a face without one."""
        motion = Motion.concatenate(self._counted_chunks())
        with whole_file(self.request.out) as partial:
            if isinstance(target, FaceFormat):
                target.write(partial, join(self.source.faces or []))
            else:
                target.write(partial, motion, self.avatar)
        return "none (motion only)"

    def record(self, device: str, seconds: float) -> dict[str, Any]:
        """The provenance of the finished clip."""
        source, settings, score = self.source, self.request.settings, self.source.score
        asked = settings.emotion if settings.emotion_track is None else None
        duration = float(source.frames / source.fps)
        return {
            "command": shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]]),
            "versions": versions(),
            **source.origin,
            "avatar": settings.avatar,
            "avatar_sha256": self.loaded.avatar_sha256(settings.avatar),
            "head": self.avatar.head.version,
            "settings": {
                "emotion": _emotion_record(score.emotion),
                "emotion_asked": asked if isinstance(asked, str) else None,
                "emotion_from_voice": asked is not None and listens(asked),
                "intensity": score.intensity,
                "effort": settings.plain("effort") if isinstance(score.effort, Habit) else score.effort,
                "style": settings.style,
                "style_strength": settings.style_strength,
                "variety": score.variety,
                "guidance": settings.guidance,
                "accents": settings.plain("accents"),
                "subtitles": settings.plain("subtitles"),
                "singing": settings.singing,
                "language": settings.language,
                "model": settings.model,
                "seed": settings.seed,
                "blink": score.blink,
                "head_motion": score.head_motion,
                "size": list(settings.size),
                "camera": settings.camera,
                "camera_lock": settings.camera_lock,
                "background": settings.background,
                "encoder": settings.encoder,
                "start_s": settings.start,
            },
            "device": device,
            "encoder": self.encoder,
            "result": {
                "out": str(self.request.out),
                "frames": source.frames,
                "fps": float(source.fps),
                "duration_s": duration,
                "seconds": round(seconds, 3),
                "realtime": round(duration / seconds, 3),
                "stage_cpu_seconds": {name: round(s, 3) for name, s in self.clock.seconds.items()},
            },
            "warnings": source.warnings,
            "curves": {
                name: [round(float(v), 3) for chunk in self.curves for v in chunk[name]] for name in self.curves[0]
            },
        }

    def _motion(self) -> Generator[Motion]:
        """Chunks of motion, made a little ahead by a thread of their own; their curves are kept."""

        def produced() -> Iterator[Motion]:
            for chunk in self.clock.each("motion", self.source.motion):
                with self.clock.measure("curves"):
                    self.curves.append(self.reader.read(chunk))
                yield chunk

        return prefetch(produced(), MOTION_AHEAD)

    def _counted(self, pictures: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
        started = time.perf_counter()
        for done, picture in enumerate(pictures, start=1):
            yield picture
            rate = done / (time.perf_counter() - started)
            self.report(
                ClipProgress("rendering", done, self.source.frames, fps=rate, realtime=rate / float(self.source.fps))
            )

    def _counted_chunks(self) -> Iterator[Motion]:
        done = 0
        for chunk in self._motion():
            yield chunk
            done += len(chunk)
            self.report(ClipProgress("moving", done, self.source.frames))


def _emotion_record(emotion: Emotion) -> dict[str, Any]:
    """A mix as label and weight, a track as times and weights per label; labels that stay at 0 are left out."""
    if isinstance(emotion, EmotionMix):
        return {axis: weight for axis, weight in zip(EMOTION_AXES, emotion.point, strict=True) if weight}
    assert isinstance(emotion, EmotionTrack)  # the source has listened
    columns = zip(EMOTION_AXES, emotion.points.T, strict=True)
    return {"time_s": emotion.times.tolist()} | {label: column.tolist() for label, column in columns if column.any()}
