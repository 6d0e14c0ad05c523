"""The one object that every engine runs: it turns an item into a finished video, once, whoever else is at work."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ..clip.loaded import LoadedModels
from ..clip.render import ClipProgress, make_clip
from ..clip.sidecar import file_sha256
from ..clip.source import ClipSource, open_source
from ..settings import ClipSettings
from .check import DamagedOutput, Finished, check_finished
from .claims import EXPIRY, Claim, Claims
from .items import Entry, FileHashes, Item, Outcome, Rules, item_key
from .ledger import entry_of
from .places import RECORD, STATE, open_place
from .remote import local_copy, recording_state
from .states import MISSING

LANES = 2  # items in one worker at a time: one is drawn while its neighbours are opened and finished
FAILED = f"{STATE}/failed"

ReportFrames = Callable[[int, int], None]  # frames done, frames in all


class Mishap(RuntimeError):
    """Something went wrong that may go well the next time."""


@dataclass(frozen=True)
class _Job:
    """An item with its key and local copies of its files."""

    item: Item
    key: str
    audio: Path
    track: Path | None
    heard: int  # state of the recording, and of the track, before they were read
    followed: int
    report: ReportFrames

    def entry(self, record: dict[str, Any], state: int) -> Entry:
        """What the ledger is to say of the item, whose record is in this state."""
        return entry_of(self.item.out, record, state=state, heard=self.heard, followed=self.followed)


class Worker:
    """Keeps the models loaded and renders items one after the other; `run` may be called by `LANES` threads at once."""

    def __init__(self, rules: Rules, place: str, *, loaded: LoadedModels | None = None, expiry: float = EXPIRY) -> None:
        self._rules = rules
        self._place = open_place(place)
        self._claims = Claims(self._place, expiry=expiry)
        self._loaded = loaded or LoadedModels(rules.device, threads=1)
        self._files = FileHashes()
        self._drawing = threading.Lock()
        self._loading = threading.Lock()
        self._avatars: list[str] = []  # in use, latest last
        self._noted = set(self._place.names(FAILED))  # asked for once, not for every item

    def warm(self, settings: ClipSettings) -> None:
        """Load the models and compile the kernels."""
        avatar = settings.avatar
        with self._loading:
            self._avatars = [*(a for a in self._avatars if a != avatar), avatar][-LANES:]
            self._loaded.keep_only(self._avatars)
            self._loaded.frame_maker(avatar)
            self._loaded.talking_head(settings)

    def run(self, item: Item, report: ReportFrames = lambda _done, _total: None) -> Outcome:
        """Render the item unless it is finished or another process has it. Never raises for a bad item."""
        key = ""
        try:
            heard = recording_state(item.audio)
            followed = MISSING if item.emotion_track is None else recording_state(item.emotion_track)
            with local_copy(item.audio) as audio, _track(item) as track:
                key = self._key(item, audio, track)
                job = _Job(item, key, audio, track, heard, followed, report)
                if (found := self._found(job, self._record(item))) is not None:
                    return found
                if (reason := self._known_failure(item, key)) is not None:
                    return Outcome(item, "failed", key, reason=reason)
                return self._claim_and_render(job)
        except InputError as error:
            return self._failed(item, key, str(error), own_fault=True)
        except (Mishap, DamagedOutput) as error:
            return self._failed(item, key, str(error), own_fault=False)
        except Exception as error:  # whatever happens to one item, the others go on
            return self._failed(item, key, f"{type(error).__name__}: {error}", own_fault=False)

    def close(self) -> None:
        """Stop what runs in the background."""
        self._claims.close()

    def _key(self, item: Item, audio: Path, track: Path | None) -> str:
        if not audio.exists():
            raise InputError(f"{item.audio}: no such audio file")
        if audio.is_dir():
            raise InputError(f"{item.audio}: expected an audio file, found a folder")
        if not audio.is_file():
            raise InputError(f"{item.audio}: expected a regular file, found a device or pipe")
        track_hash = None if track is None else file_sha256(track)
        return item_key(item, self._rules, audio=self._files.of(audio), track=track_hash, files=self._files)

    def _record(self, item: Item) -> bytes | None:
        return self._place.read(f"{item.out}{RECORD}")

    def _found(self, job: _Job, data: bytes | None) -> Outcome | None:
        """The outcome of an item whose record, of these bytes, says that it is finished already."""
        item, record = job.item, read_record(data)
        if record is None or record["batch"]["key"] != job.key or not self._place.exists(item.out):
            return None
        if failure_name(item) in self._noted:  # of a time when its recording was away
            self._place.remove(failure_file(item))
        state = self._place.state(f"{item.out}{RECORD}")
        if self._record(item) != data:  # else the state is that of what was read
            state = MISSING
        return Outcome(item, "done", job.key, entry=job.entry(record, state))

    def _known_failure(self, item: Item, key: str) -> str | None:
        """Why these very inputs cannot be rendered; None when that is unknown or may have changed."""
        if self._rules.retry_failed or failure_name(item) not in self._noted:
            return None
        failure = read_failure(self._place.read(failure_file(item)))
        if failure is None or not failure["own_fault"] or failure["key"] != key:
            return None
        return failure["reason"]

    def _claim_and_render(self, job: _Job) -> Outcome:
        item = job.item
        claim, dead_owners = self._claims.take(item.token)
        if claim is None:
            return Outcome(item, "busy", job.key)
        try:
            for owner in dead_owners:
                self._place.sweep(item.out, owner)
            data = self._record(item)  # by another process, between our first look and our claim
            return self._found(job, data) or self._render(job, claim, again=data is not None)
        finally:
            self._claims.release(claim)

    def _render(self, job: _Job, claim: Claim, *, again: bool) -> Outcome:
        """Make the video and its record; `again`: there is a record of earlier inputs."""
        item = job.item
        self.warm(item.settings)
        turn = _Turn(self._drawing)
        with self._place.staging(item.out, claim.owner) as folder:
            staged = folder / f"video{Path(item.out).suffix}"
            request = item.request(self._rules, audio=job.audio, track=job.track, out=staged)
            source = open_source(request, self._loaded)
            self._refuse_bad_sound(item, source)

            def progress(clip: ClipProgress) -> None:
                job.report(clip.done, source.frames)

            try:
                record = make_clip(request, source, self._loaded, report=progress, turn=turn)
            except InputError as error:  # the recording was found good: now it is a full disk, a lost encoder
                raise Mishap(str(error)) from error
            began = time.thread_time()
            sound = None if source.audio is None else source.audio.duration
            found = check_finished(staged, frames=source.frames, fps=source.fps, sound=sound)
            record["result"]["stage_cpu_seconds"]["check"] = round(time.thread_time() - began, 3)
            if not self._claims.holds(claim):
                return Outcome(item, "busy", job.key)
            if again:
                self._place.remove(f"{item.out}{RECORD}")  # it must not vouch for the new video
            self._place.publish(staged, item.out)
        record = self._completed(record, job, found, turn.seconds)
        text = json.dumps(record, indent=1, default=str) + "\n"
        state = self._place.write(f"{item.out}{RECORD}", text.encode())
        self._place.remove(failure_file(item))
        entry = job.entry(record, state)
        return Outcome(item, "done", job.key, fresh=True, frames=found.frames, seconds=turn.seconds, entry=entry)

    def _refuse_bad_sound(self, item: Item, source: ClipSource) -> None:
        """Raise InputError for recordings that are usable on their own, but a mistake in a list of thousands."""
        sound = source.audio
        if sound is None:
            return
        limit = self._rules.max_duration
        if sound.duration > limit:
            raise InputError(f"{item.audio}: expected at most {limit:g} s of sound, found more; see --max-duration")
        if sound.silent:
            raise InputError(f"{item.audio}: expected speech, found silence")
        if sound.missing or sound.damaged:
            what = f"{sound.missing:.2f} s missing at the end" if sound.missing else f"{sound.damaged} damaged packets"
            raise InputError(f"{item.audio}: expected a whole recording, found {what}; is it cut off?")

    def _completed(self, record: dict[str, Any], job: _Job, found: Finished, seconds: float) -> dict[str, Any]:
        """The record of the clip with what the batch knows about it; `seconds` is how long its frames were drawn."""
        record["result"]["out"] = job.item.out
        batch = {
            "key": job.key,
            "id": job.item.id,
            "frames": found.frames,
            "duration_s": found.duration,
            "pictures": found.pictures,
            "fps_achieved": round(found.frames / seconds, 2),
            "seconds": round(seconds, 3),
            "av_offset_ms": found.av_offset_ms,
            "loudness_lufs": found.loudness_lufs,
            "bytes": found.bytes,
            "track_sha256": None if job.track is None else file_sha256(job.track),
            "poster": found.poster,
        }
        return {**record, "command": self._rules.command, "audio": job.item.audio, "batch": batch}

    def _failed(self, item: Item, key: str, reason: str, *, own_fault: bool) -> Outcome:
        reason = " ".join(reason.split())
        self._noted.add(failure_name(item))
        try:
            self._place.write(failure_file(item), failure_record(item, key, reason, own_fault=own_fault))
        except Exception as error:  # a full or read-only disk must not hide the reason
            reason += f" (and that could not be noted: {error})"
        return Outcome(item, "failed", key, reason=reason)


def failure_file(item: Item) -> str:
    """Where an item's failure is noted."""
    return f"{FAILED}/{failure_name(item)}"


def failure_name(item: Item) -> str:
    """What that file is called in its folder."""
    return f"{item.token}.json"


def failure_record(item: Item, key: str, reason: str, *, own_fault: bool) -> bytes:
    """`own_fault`: the same inputs will fail again, so that only --retry-failed tries."""
    note = {"id": item.id, "out": item.out, "audio": item.audio, "key": key, "reason": reason, "own_fault": own_fault}
    return json.dumps(note).encode()


def read_failure(data: bytes | None) -> dict[str, Any] | None:
    """A failure note, or None when there is none that can be read."""
    note = _json_object(data)
    return note if {"key", "reason", "own_fault"} <= note.keys() else None


def read_record(data: bytes | None) -> dict[str, Any] | None:
    """The sidecar of a finished item, or None when it is missing, broken or not a batch's."""
    record = _json_object(data)
    batch, result, warnings = (record.get(name) for name in ("batch", "result", "warnings"))
    whole = (
        isinstance(batch, dict)
        and isinstance(batch.get("key"), str)
        and isinstance(result, dict)
        and isinstance(result.get("stage_cpu_seconds"), dict)
        and isinstance(warnings, list)
        and all(isinstance(warning, str) for warning in warnings)
    )
    return record if whole else None


def _json_object(data: bytes | None) -> dict[str, Any]:
    try:
        found = json.loads(data or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@contextmanager
def _track(item: Item) -> Iterator[Path | None]:
    if item.emotion_track is None:
        yield None
        return
    with local_copy(item.emotion_track) as path:
        if not path.is_file():
            raise InputError(f"{item.emotion_track}: no such emotion track")
        yield path


class _Turn:
    """The right to draw, and how long it was used."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._began = 0.0
        self.seconds = 0.0

    def __enter__(self) -> None:
        self._lock.acquire()
        self._began = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.seconds = time.perf_counter() - self._began
        self._lock.release()
