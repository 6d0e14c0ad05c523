"""Live frames for a program: an asynchronous iterator over what a face does while the sound arrives."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...core.arrays import as_array
from ...core.errors import InputError
from ..clip.loaded import LoadedModels
from ..clip.objects import Objects
from ..media.audio import MAX_RATE, MIN_RATE, open_audio
from ..settings import ClipSettings
from .control import Change, problem_of_change
from .draw import Painter
from .frame import LiveFrame
from .latency import Latency
from .pcm import Resampler
from .preparation import FPS, control_of, score_of, warm
from .session import Session
from .sources import Block, FileSource, Source, is_microphone, microphone

Blocks = Iterable[ArrayLike] | AsyncIterable[ArrayLike]

_MOST = 8  # frames that wait for a program; of real time older ones are left out, else the sound waits
_END = object()


class LiveFace:
    """What `emosplat.live` gives: frames as they come, and ways to steer them.

    >>> import asyncio, emosplat, numpy as np
    >>> async def watch():
    ...     face = emosplat.live([np.zeros(160, np.float32)] * 60, emotion="happy", size=(64, 64))
    ...     async for frame in face:
    ...         if frame.index == 3:
    ...             face.change(emotion="sad", look_left=10)
    ...     return frame.index, len(frame.arkit), frame.picture().shape
    >>> asyncio.run(watch())
    (17, 52, (64, 64, 3))
    """

    def __init__(self, source: Any, settings: ClipSettings, *, rate: int, objects: Objects) -> None:
        """Raises InputError, for the source when it is begun."""
        self._source, self._rate = source, rate
        self._settings, self._objects = settings, objects
        self._loaded = LoadedModels(settings.device)
        self._painter: Painter | None = None
        self._drawing = threading.Lock()
        self.control = control_of(settings, self._loaded)
        self.latency: Latency | None = None  # once frames come
        if not MIN_RATE <= rate <= MAX_RATE:
            raise InputError(f"rate: expected {MIN_RATE} to {MAX_RATE} Hz, found {rate}")

    def change(self, **asked: Any) -> None:
        """Ask for something else from now on: emotion (labels, words or weights), intensity (0..1), look_left and
        look_up (degrees), style (a name), style_strength (0..2). Raises InputError; then nothing changes.
        """
        from pydantic import ValidationError

        try:
            change = Change.model_validate(asked, strict=False)
        except ValidationError as error:
            raise InputError(problem_of_change(error)) from None
        self.control.apply(change)

    async def __aiter__(self) -> AsyncIterator[LiveFrame]:
        loop = asyncio.get_running_loop()
        session, real_time = await asyncio.to_thread(self._begin, loop)
        self.latency = session.latency
        try:
            async for frame in _newest(session, loop) if real_time else _every(session, loop):
                yield replace(frame, draw=lambda frame=frame: self._draw(frame))
        finally:
            session.source.close()
        if session.error is not None:
            raise session.error

    def _begin(self, loop: asyncio.AbstractEventLoop) -> tuple[Session, bool]:
        """A session, and whether its source goes on whether or not anybody listens."""
        settings = self._settings
        actor = self._loaded.talking_head(settings)
        source, real_time = self._opened(loop)
        if real_time:
            warm(actor.model, actor.solver, None)
        score = score_of(settings, self.control, fps=float(settings.fps or FPS))
        return Session(source, actor.model, actor.solver, self.control, score), real_time

    def _opened(self, loop: asyncio.AbstractEventLoop) -> tuple[Source, bool]:
        source = self._source
        if isinstance(source, str) and is_microphone(source):
            return microphone(source), True
        if isinstance(source, str | PathLike):
            return FileSource(open_audio(Path(source))), True
        return _Given(_in_turn(source, loop), self._rate), False

    def _draw(self, frame: LiveFrame) -> NDArray[np.uint8]:
        with self._drawing:
            if self._painter is None:
                self._painter = Painter.of(self._settings, self._loaded)
            return self._painter(frame.motion, frame.time)


class _Given:
    """Blocks of samples that a program gives, each heard when it is taken."""

    def __init__(self, blocks: Iterator[ArrayLike], rate: int) -> None:
        self.rate = rate
        self._blocks = blocks
        self._closed = False

    def blocks(self) -> Iterator[Block]:
        """See `Source.blocks`. Raises InputError for what are no samples; what is no number is silent."""
        resampled = Resampler(self.rate)
        for given in self._blocks:
            if self._closed:
                return
            samples = as_array(given)
            if samples.dtype.kind != "f" or samples.ndim != 1:
                raise InputError(f"blocks: expected float samples [N], found {samples.dtype} {list(samples.shape)}")
            sound = np.nan_to_num(samples.astype(np.float32), nan=0, posinf=0, neginf=0)
            yield Block(resampled(sound), sound, time.monotonic())

    def close(self) -> None:
        """See `Source.close`."""
        self._closed = True


def _in_turn(blocks: Blocks, loop: asyncio.AbstractEventLoop) -> Iterator[ArrayLike]:
    """The blocks in this thread, also where they come asynchronously in the loop's."""
    if not isinstance(blocks, AsyncIterable):
        yield from blocks
        return
    coming = aiter(blocks)

    async def following() -> Any:
        return await anext(coming, _END)

    while (block := asyncio.run_coroutine_threadsafe(following(), loop).result()) is not _END:
        yield block


async def _every(session: Session, loop: asyncio.AbstractEventLoop) -> AsyncIterator[LiveFrame]:
    """Every frame; the sound waits for who takes them."""
    frames: asyncio.Queue[LiveFrame | None] = asyncio.Queue()
    room = threading.Semaphore(_MOST)

    def put(frame: LiveFrame | None) -> None:
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(frames.put_nowait, frame)

    def make() -> None:
        try:
            for frame in session.frames():
                room.acquire()
                put(frame)
        except BaseException as error:
            session.error = error
        finally:
            put(None)

    threading.Thread(target=make, name="live", daemon=True).start()
    try:
        while (frame := await frames.get()) is not None:
            yield frame
            room.release()
    finally:
        session.source.close()
        room.release(_MOST)


class _Newest:
    """A sink that keeps the newest frames for one who waits in a loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.frames: deque[LiveFrame] = deque(maxlen=_MOST)
        self.changed = asyncio.Event()
        self._loop = loop

    def send(self, frame: LiveFrame) -> None:
        """See `Sink.send`."""
        self.frames.append(frame)
        self.wake()

    def wake(self) -> None:
        """Let who waits look."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self.changed.set)


async def _newest(session: Session, loop: asyncio.AbstractEventLoop) -> AsyncIterator[LiveFrame]:
    """Frames in real time; who is slow misses some."""
    sink = _Newest(loop)
    session.sinks.append(sink)
    session.start()
    threading.Thread(target=lambda: (session.wait(), sink.wake()), name="end", daemon=True).start()
    while True:
        sink.changed.clear()
        while sink.frames:
            yield sink.frames.popleft()
        if session.wait(0) and not sink.frames:
            return
        await sink.changed.wait()
