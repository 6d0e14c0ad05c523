"""Jobs of the service: a queue with limits, done one after the other, whose files go after a while."""

from __future__ import annotations

import queue
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from ...core.errors import InputError
from ..clip.loaded import LoadedModels
from ..clip.render import ClipProgress, render_clip
from ..clip.request import ClipRequest
from ..media.audio import open_audio
from .asked import Asked, scrubbed

State = Literal["waiting", "running", "done", "failed", "deleted"]
ENDED = ("done", "failed", "deleted")
_SOUND, _TRANSCRIPT = "sound", "transcript.txt"
_SPARE = 0.5  # seconds by which a sound may be longer than allowed, for encoders pad
Render = Callable[[ClipRequest, Callable[[ClipProgress], None], LoadedModels], object]


@dataclass(frozen=True)
class Limits:
    """How much may be asked for."""

    megabytes: float = 50  # of one sound
    seconds: float = 120  # of one sound
    waiting: int = 20  # jobs
    at_once: int = 1  # jobs that are done at the same time
    minutes: float = 60  # that files are kept after a job has ended
    streams: int = 4  # live streams at the same time

    @property
    def bytes(self) -> int:
        """Of one sound."""
        return int(self.megabytes * 1_000_000)


class Full(Exception):
    """No more jobs are taken for now."""


class _Deleted(Exception):
    """Nobody wants the job that is being done."""


@dataclass
class Job:
    """One clip that somebody wants."""

    id: str
    asked: Asked
    folder: Path
    state: State = "waiting"
    stage: str = ""
    done: int = 0
    total: int | None = None
    error: str | None = None
    ended: float | None = None  # on the clock of `Jobs`
    wanted: bool = True

    @property
    def out(self) -> Path:
        """Where its result lies."""
        return self.folder / f"clip{self.asked.suffix}"

    def as_json(self) -> dict[str, Any]:
        """What is told of it."""
        told: dict[str, Any] = {"id": self.id, "state": self.state, "stage": self.stage, "done": self.done}
        told["total"] = self.total
        if self.error is not None:
            told["error"] = self.error
        if self.state == "done":
            told["result"] = f"/jobs/{self.id}/result"
        return told


class Jobs:
    """Takes jobs, does them in threads of its own, and forgets them; use it in a `with` statement."""

    def __init__(
        self,
        folder: Path | None = None,
        limits: Limits = Limits(),
        *,
        device: str = "auto",
        render: Render = lambda request, report, loaded: render_clip(request, report=report, loaded=loaded),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`folder`: where a folder of ours is made, which goes in the end. Raises InputError."""
        self.limits = limits
        self._device, self._render, self._clock = device, render, clock
        try:
            if folder is not None:
                folder.mkdir(parents=True, exist_ok=True)
            self._folder = Path(tempfile.mkdtemp(prefix="emosplat-serve-", dir=folder))
        except OSError as error:
            raise InputError(f"--folder {folder}: cannot be written: {error.strerror}") from None
        self._jobs: dict[str, Job] = {}
        self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = [threading.Thread(target=self._work, name="jobs", daemon=True) for _ in range(limits.at_once)]

    def __enter__(self) -> Jobs:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for job in tuple(self._jobs.values()):
            job.wanted = False
        for _ in self._threads:
            self._queue.put(None)
        for thread in self._threads:
            thread.join()
        shutil.rmtree(self._folder, ignore_errors=True)

    def place(self, asked: Asked) -> Job:
        """A new job, whose sound is still to be put at `sound_of`. Raises Full."""
        self.expire()
        with self._lock:
            if sum(job.state not in ENDED for job in self._jobs.values()) >= self.limits.waiting + self.limits.at_once:
                raise Full
            job = Job(secrets.token_urlsafe(16), asked, self._folder / secrets.token_hex(8))
            job.folder.mkdir()
            self._jobs[job.id] = job
        return job

    @staticmethod
    def sound_of(job: Job) -> Path:
        """Where its sound has to lie when it is begun."""
        return job.folder / _SOUND

    def begin(self, job: Job) -> None:
        """The sound is there."""
        self._queue.put(job)

    def find(self, name: str) -> Job | None:
        """The job of this id."""
        self.expire()
        return self._jobs.get(name)

    def delete(self, job: Job) -> None:
        """Forget a job and its files; one that is being done stops at its next frame."""
        job.wanted = False
        with self._lock:
            self._jobs.pop(job.id, None)
            running = job.state == "running"
            if job.state not in ENDED:
                job.state = "deleted"
        if not running:
            shutil.rmtree(job.folder, ignore_errors=True)

    def expire(self) -> None:
        """Forget what has ended long ago."""
        latest = self._clock() - 60 * self.limits.minutes
        with self._lock:
            old = [job for job in self._jobs.values() if job.ended is not None and job.ended <= latest]
        for job in old:
            self.delete(job)

    def _work(self) -> None:
        loaded = LoadedModels(self._device)
        while (job := self._queue.get()) is not None:
            if job.wanted:
                self._do(job, loaded)
            if not job.wanted:
                shutil.rmtree(job.folder, ignore_errors=True)

    def _do(self, job: Job, loaded: LoadedModels) -> None:
        def report(progress: ClipProgress) -> None:
            if not job.wanted:
                raise _Deleted
            job.stage, job.done, job.total = progress.stage, progress.done, progress.total

        job.state = "running"
        try:
            self._render(self._request(job), report, loaded)
            self._end(job, "done")
        except _Deleted:
            self._end(job, "deleted")
        except InputError as error:
            self._end(job, "failed", scrubbed(str(error), job.folder))
        except Exception as error:  # one bad job never stops the others
            self._end(job, "failed", f"unexpected {type(error).__name__}")
        self.sound_of(job).unlink(missing_ok=True)

    def _end(self, job: Job, state: State, error: str | None = None) -> None:
        with self._lock:
            job.error, job.ended = error, self._clock()
            job.state = state

    def _request(self, job: Job) -> ClipRequest:
        """Raises InputError for a sound that is none or too long."""
        sound, settings = self.sound_of(job), job.asked.settings
        most = self.limits.seconds
        wanted = most + 2 * _SPARE if settings.duration is None else min(settings.duration, most + 2 * _SPARE)
        if open_audio(sound, start=settings.start, duration=wanted).duration > most + _SPARE:
            raise InputError(f"sound: expected at most {most:g} seconds, found more")
        settings = settings.model_copy(update={"device": self._device})
        if job.asked.transcript is not None:
            path = job.folder / _TRANSCRIPT
            path.write_text(job.asked.transcript, encoding="utf-8")
            settings = settings.model_copy(update={"transcript": str(path)})
        return ClipRequest(sound, job.out, settings, varied=True)
