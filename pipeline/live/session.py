"""A live session: sound in, frames of a face out, each as soon as it may be."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.models import MotionModel
from ...blendshapes.score import Score
from ...blendshapes.solve.solver import Solver
from .control import Control
from .frame import FrameReader, LiveFrame
from .latency import Latency
from .pcm import HEARD
from .sources import Source

F32 = NDArray[np.float32]

_REMEMBERED = 60.0  # seconds of sound whose times are known
_MOST_LATE = 0.25  # seconds of frames that may be late
# of a frame's time, the least between two: of those that come in one piece, else a receiver would see every third; and
# where more wait than that
_EVENLY, _HURRIED = 0.9, 0.3


class Sink(Protocol):
    """Where frames go. A sink that cannot keep up leaves frames out; it is never waited for."""

    def send(self, frame: LiveFrame) -> None:
        """The next frame, at its time."""
        ...


class Session:
    """Hears a source and tells what the face does.

    Frames go to `sinks` evenly, `listeners` hear the sound with the time of its first sample, and `keepers` get
    every frame that the model makes, at once, whatever else is left out.
    """

    def __init__(self, source: Source, model: MotionModel, solver: Solver, control: Control, score: Score) -> None:
        self.source = source
        self.control = control
        self.fps = score.fps
        self.latency = Latency(model.lookahead, fps=score.fps)
        self.sinks: list[Sink] = []
        self.listeners: list[Callable[[float, F32], None]] = []
        self.keepers: list[Callable[[LiveFrame], None]] = []
        self.error: BaseException | None = None
        self._model, self._score = model, score
        self._read = FrameReader(solver)
        self._clock = SoundClock()
        self._out = _Outlet(self._send, self.latency)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, name="live", daemon=True)

    def start(self) -> None:
        """Begin, in threads of their own."""
        self._out.start()
        self._thread.start()

    def stop(self) -> None:
        """Hear no more; frames that are not out yet stay in."""
        self.source.close()
        self._out.stop()
        if self._thread.ident is not None:
            self._done.wait()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the sound; whether it has come."""
        return self._done.wait(seconds)

    def _run(self) -> None:
        try:
            for frame in self.frames():
                for keep in self.keepers:
                    keep(frame)
                self._out.put(frame)
        except BaseException as error:
            self.error = error
        finally:
            self._out.end()
            self._done.set()

    def frames(self) -> Iterator[LiveFrame]:
        """Every frame as it is made, in this thread."""
        for piece in self._model.stream(self._score, self._heard()):
            self._out.together = max(self._out.together, len(piece))
            for face in piece.chunks(1):
                frame = self._made(face)
                self.latency.add("motion", time.monotonic() - frame.heard)
                yield frame

    def _made(self, face: FaceMotion) -> LiveFrame:
        return self._read(self.control.styled(face), self._clock.heard(float(face.times[0])))

    def _heard(self) -> Iterator[F32]:
        position = 0.0
        for block in self.source.blocks():
            self._clock.add(len(block.heard) / HEARD, block.at)
            for listen in self.listeners:
                listen(position, block.sound)
            position += len(block.sound) / self.source.rate
            yield block.heard

    def _send(self, frame: LiveFrame) -> None:
        for sink in self.sinks:
            sink.send(frame)
        self.latency.add("curves", time.monotonic() - frame.heard)


class SoundClock:
    """When the sound of each moment was heard."""

    def __init__(self) -> None:
        self._ends: deque[tuple[float, float]] = deque()  # seconds of sound so far, when its last was heard
        self._total = 0.0

    def add(self, seconds: float, at: float) -> None:
        """So much sound more, whose end was heard at `at`."""
        self._total += seconds
        self._ends.append((self._total, at))
        while self._ends[0][0] < self._total - _REMEMBERED:
            self._ends.popleft()

    def heard(self, moment: float) -> float:
        """When the sound at `moment` seconds was heard; of moments that are not known, as if nothing had been late."""
        if not self._ends:
            return time.monotonic()
        last = self._ends[-1]
        for known in reversed(self._ends):  # what is asked for is not long ago
            if known[0] < moment - 1e-9:
                break
            last = known
        return last[1] + moment - last[0]


class _Outlet:
    """Lets frames go when they are due, evenly where several are late; the oldest of too many are left out."""

    def __init__(self, send: Callable[[LiveFrame], None], latency: Latency) -> None:
        self._send, self._latency = send, latency
        self.together = 1  # frames of a model's piece
        self._most = max(3, round(_MOST_LATE * latency.fps))
        self._waiting: deque[LiveFrame] = deque()
        self._changed = threading.Condition()
        self._ended = self._stopped = False
        self._thread = threading.Thread(target=self._run, name="frames", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def put(self, frame: LiveFrame) -> None:
        with self._changed:
            self._waiting.append(frame)
            self._changed.notify()

    def end(self) -> None:
        """Wait until all are out."""
        with self._changed:
            self._ended = True
            self._changed.notify()
        self._thread.join()

    def stop(self) -> None:
        """Let no more go."""
        with self._changed:
            self._stopped = True
            self._changed.notify()

    def _run(self) -> None:
        free = time.monotonic()
        while (frame := self._next(free)) is not None:
            share = _EVENLY if len(self._waiting) < self.together else _HURRIED
            free = max(free, time.monotonic()) + share / self._latency.fps
            self._send(frame)

    def _next(self, free: float) -> LiveFrame | None:
        """The next frame at its time, not before `free`; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ended or self._stopped)
            while self._waiting and not self._stopped:
                while len(self._waiting) > self._most and self._due(self._waiting[self._most]) <= time.monotonic():
                    self._waiting.popleft()
                    self._latency.count("frames left out")
                early = max(free, self._due(self._waiting[0])) - time.monotonic()
                if early <= 0:
                    return self._waiting.popleft()
                self._changed.wait(early)
            return None

    def _due(self, frame: LiveFrame) -> float:
        """What a model does not wait for, as at the end of a file, is not to be early either."""
        return frame.heard + self._latency.algorithmic
