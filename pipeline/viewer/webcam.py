"""Somebody before a camera of this machine, whom the viewer's face follows, and the film that is kept of them."""

from __future__ import annotations

import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterator
from pathlib import Path

import numpy as np

from ...avatars.library import builtin_head
from ...avatars.motion import Motion
from ...blendshapes.emotion import EmotionMix
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.solve.solver import Solver
from ...core.errors import InputError
from ..export.still import FPS
from ..listeners import Changing
from ..media.film import Picture
from ..media.video import VideoWriter
from ..tracking.film import film_of
from ..tracking.motion import LiveFace
from ..tracking.tracker import Face, Tracker
from .performance import with_emotion

REMEMBERED = 30.0  # seconds by which the middle of the head's turns and the usual mouth are known
FILM_RATE = 25  # frames per second of a film that is kept, whatever the camera gives


def webcam_pictures(number: int) -> Generator[Picture]:
    """The pictures of a camera until it gives no more; raises InputError where there is none."""
    import cv2

    camera = cv2.VideoCapture(number)
    try:
        if not camera.isOpened():
            raise InputError(f"--webcam {number}: expected a camera of this machine, found none of this number")
        started = time.monotonic()
        while True:
            given, pixels = camera.read()
            if not given:
                return
            yield Picture(time.monotonic() - started, np.ascontiguousarray(pixels[..., ::-1], dtype=np.uint8))
    finally:
        camera.release()


class Mirror(Changing):
    """A `Performance` of one moment: what the person before the camera does now.

    A thread of its own looks at the camera's pictures and tells `listen`ers of every new face.
    """

    frames, fps = 1, FPS

    def __init__(self, solver: Solver, pictures: Iterator[Picture], tracker: Tracker) -> None:
        super().__init__()
        self._solver = solver
        self._pictures, self._tracker = pictures, tracker
        self._live = LiveFace(builtin_head())
        self._seen: deque[tuple[float, list[Face]]] = deque()
        self._face = FaceMotion.rest(1, fps=FPS)
        self._motion = solver(self._face)
        self._lock = threading.Lock()
        self._film: Film | None = None
        self._gone = threading.Event()
        self._thread = threading.Thread(target=self._look, name="webcam", daemon=True)
        self._first = next(pictures, None)  # what is wrong with the camera is said now
        if self._first is None:
            raise InputError("--webcam: expected pictures, found that the camera gives none")

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def join(self) -> None:
        """Wait until the camera gives no more."""
        self._thread.join()

    def stop(self) -> None:
        """Look no more."""
        self._gone.set()
        self._thread.join()
        with self._lock:
            film, self._film = self._film, None
        if film is not None:
            film.drop()

    @property
    def filming(self) -> bool:
        """Whether a film is being kept."""
        return self._film is not None

    def film(self) -> None:
        """Keep what the camera sees from now on."""
        with self._lock:
            self._film = self._film or Film()

    def cut(self) -> bytes | None:
        """End the film and return it as MP4; None where none was begun."""
        with self._lock:
            film, self._film = self._film, None
        return None if film is None else film.finish()

    def still(self, emotion: EmotionMix) -> Motion:
        """The face now."""
        return self.shown(self._motion, emotion)

    def frame(self, index: int, emotion: EmotionMix) -> Motion:
        """See `still`."""
        return self.still(emotion)

    def face(self, emotion: EmotionMix) -> FaceMotion:
        """See `Performance.face`."""
        return self._face

    def shown(self, frame: Motion, emotion: EmotionMix) -> Motion:
        """See `Performance.shown`."""
        return with_emotion(self._solver.head, frame, emotion)

    def _look(self) -> None:
        picture = self._first
        while picture is not None and not self._gone.is_set():
            with self._lock:
                if self._film is not None:
                    self._film.add(picture)
            self._follow(picture)
            picture = next(self._pictures, None)

    def _follow(self, picture: Picture) -> None:
        """The face of a picture, by the pictures of the last seconds; without a face the last one stays."""
        self._seen.append((picture.time, self._tracker.find(picture.pixels)))
        while self._seen[0][0] < picture.time - REMEMBERED:
            self._seen.popleft()
        if not self._seen[-1][1]:
            return
        self._face = self._live(film_of(Path("webcam"), self._seen))
        self._motion = self._solver(self._face)
        self.tell()


class Film:
    """What a camera sees, at an even rate, in a temporary file."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._path = Path(self._folder.name) / "webcam.mp4"
        self._writer: VideoWriter | None = None
        self._started = 0.0

    def add(self, picture: Picture) -> None:
        """The next picture; shown until another one comes."""
        height, width = (side // 2 * 2 for side in picture.pixels.shape[:2])  # MP4 has no odd ones
        if self._writer is None:
            self._writer = VideoWriter(self._path, width=width, height=height, fps=FILM_RATE)
            self._writer.__enter__()
            self._started = picture.time
        while self._writer.frames <= (picture.time - self._started) * FILM_RATE:
            self._writer.write(picture.pixels[:height, :width])

    def finish(self) -> bytes | None:
        """The whole film; None where no picture came."""
        with self._folder:
            if self._writer is None:
                return None
            self._writer.__exit__(None, None, None)
            return self._path.read_bytes()

    def drop(self) -> None:
        """Forget it."""
        with self._folder:
            if self._writer is not None:
                self._writer.__exit__(InterruptedError, None, None)
