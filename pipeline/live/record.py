"""What was heard and done, kept on disk: every frame of the motion, whatever a busy machine could not show."""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray

from ...blendshapes.emotion import EmotionMix, EmotionTrack
from ...blendshapes.face_motion import FaceMotion, join
from ...blendshapes.face_motion_files import save_face_motion
from ...blendshapes.score import Score
from ..clip.loaded import LoadedModels
from ..clip.render import ClipProgress, make_clip
from ..clip.request import ClipRequest, background_in
from ..clip.sidecar import check_output, write_sidecar
from ..clip.source import CHUNK, ClipSource, solved
from ..media.audio import MIN_SECONDS, open_audio
from ..media.outputs import VideoFormat, output_format
from ..settings import ClipSettings
from .control import Control
from .frame import LiveFrame

F32 = NDArray[np.float32]
SOUND, FACE = "sound.wav", "face.json"  # of what could not be finished
_TOGETHER = 256  # frames


class Recorder:
    """Keeps sound and motion while a session lives; `finish` makes of them what `render` would.

    Nothing is drawn before: the film has every frame, and the session the whole machine. What could not be finished,
    for want of room say, is kept as sound and motion in the folder `kept`.
    """

    kept: Path | None = None

    def __init__(self, request: ClipRequest, *, rate: int, control: Control, source: str) -> None:
        """`request`: where to and with which settings; `rate`: Hz of the sound. Raises InputError for a target that
        cannot be written.
        """
        import soundfile

        check_output(request.out, overwrite=request.overwrite)
        self._request, self._control, self._source = request, control, source
        self._folder = Path(tempfile.mkdtemp(prefix="emosplat-live-"))
        self._sound = self._folder / SOUND
        self._wav = soundfile.SoundFile(self._sound, "w", samplerate=rate, channels=1, subtype="PCM_16", format="WAV")
        self._faces: list[FaceMotion] = []  # frame by frame, which takes more room
        self._kept: list[FaceMotion] = []
        self._moods: list[tuple[float, EmotionMix, float]] = []  # when, which, how strong
        self._written = False
        self._lock = threading.Lock()

    def hear(self, time: float, samples: F32) -> None:
        """The next sound."""
        with self._lock:
            if not self._wav.closed:
                self._wav.write(np.clip(samples, -1, 1))

    def keep(self, frame: LiveFrame) -> None:
        """The next frame."""
        mood = self._control.mood
        with self._lock:
            self._faces.append(frame.face)
            if len(self._faces) >= _TOGETHER:
                self._kept.append(join(self._faces))
                self._faces.clear()
            if not self._moods or self._moods[-1][1:] != (mood.emotion, mood.intensity):
                self._moods.append((frame.time, mood.emotion, mood.intensity))

    def finish(self, loaded: LoadedModels, report: Callable[[ClipProgress], None] = lambda _: None) -> bool:
        """Write the file and the record beside it; False where there was nothing to write. Raises InputError."""
        with self._lock:
            self._wav.close()
        if not self._faces and not self._kept:
            return False
        settings = self._request.settings
        face = self._face()
        fps = Fraction(face.fps).limit_denominator(1001)
        source = ClipSource(
            solved(face, loaded.talking_head(settings).solver).chunks(CHUNK),
            len(face),
            fps,
            open_audio(self._sound, duration=face.duration) if face.duration >= MIN_SECONDS else None,
            Score(emotion=self._asked(face.fps), style=self._control.style, duration=face.duration, fps=face.fps),
            {"live": self._source},
            faces=[face],
        )
        write_sidecar(self._request.out, make_clip(self._request, source, loaded, report=report))
        self._written = True
        return True

    def _face(self) -> FaceMotion:
        return replace(join([*self._kept, *self._faces]), first=0)

    def _asked(self, fps: float) -> EmotionTrack:
        """What was asked of the face, in steps of a frame."""
        times: list[float] = []
        points: list[NDArray[np.float64]] = []
        for time, emotion, intensity in self._moods:
            if times:
                times.append(time - 0.5 / fps)
                points.append(points[-1])
            times.append(time)
            points.append(intensity * np.asarray(emotion.point))
        return EmotionTrack(np.array(times), np.array(points))

    def __enter__(self) -> Recorder:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wav.close()
        if self._written or not (self._faces or self._kept):
            shutil.rmtree(self._folder, ignore_errors=True)
            return
        self.kept = self._folder
        with contextlib.suppress(OSError):  # a full disk: the sound at least is there
            save_face_motion(self._folder / FACE, self._face())


def check_recording(out: Path, settings: ClipSettings) -> None:
    """Raise InputError where a recording could not be written in the end."""
    chosen = output_format(out)
    if isinstance(chosen, VideoFormat):
        background_in(chosen, settings)
