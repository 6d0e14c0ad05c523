"""What lies behind fsspec URLs: a batch's folder in an object store, and recordings."""

from __future__ import annotations

import contextlib
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import InputError
from .places import PRESENT, RECORD, STAGING, STATE, is_url
from .states import MISSING, cloud_state, local_state

WHOLE = 1 << 40  # bytes, more than any file has


class CloudPlace:
    """A prefix in an object store, through fsspec. `create` needs conditional writes (S3, GCS and Azure have them)."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.fs, self.root = open_url(self.url)

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        return self.read_many([name])[0]

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """See `Place.read_many`; the requests run at once."""
        if not names:
            return []
        # a range, even if it is all, spares the question how long the file is (of one that is missing: two questions)
        paths, starts = [self._path(n) for n in names], [0] * len(names)
        values = self.fs.cat_ranges(paths, starts, [WHOLE] * len(names), on_error="return")
        return [self._found(path, value) for path, value in zip(paths, values, strict=True)]

    def write(self, name: str, data: bytes) -> int:
        """See `Place.write`."""
        reply = self.fs.pipe_file(self._path(name), data)
        return cloud_state(reply) if isinstance(reply, dict) else MISSING

    def state(self, name: str) -> int:
        """See `Place.state`."""
        self.fs.invalidate_cache()
        try:
            return cloud_state(self.fs.info(self._path(name)))
        except FileNotFoundError:
            return MISSING

    def states(self) -> Iterator[tuple[str, int]]:
        """See `Place.states`; one folder at a time, for fsspec holds a listing whole."""
        folders = [self.root]
        while folders:
            self.fs.invalidate_cache()
            with contextlib.suppress(FileNotFoundError):
                folder = folders.pop()
                for info in self.fs.ls(folder, detail=True):
                    if info["name"].rstrip("/") == folder:  # an empty object that a console made for the folder
                        continue
                    name = info["name"].removeprefix(f"{self.root}/")
                    if info["type"] == "directory":
                        if not PurePosixPath(name).name.startswith(STATE):
                            folders.append(info["name"])
                    else:
                        yield name, cloud_state(info) if name.endswith(RECORD) else PRESENT

    def create(self, name: str, data: bytes) -> bool:
        """See `Place.create`."""
        try:
            self.fs.pipe_file(self._path(name), data, mode="create")
        except FileExistsError:
            return False
        return True

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        with contextlib.suppress(FileNotFoundError):
            self.fs.rm_file(self._path(name))

    def names(self, folder: str, beginning: str = "") -> list[str]:
        """See `Place.names`; a beginning spares the store from listing what thousands of others have in the folder."""
        self.fs.invalidate_cache()
        try:
            if beginning:
                found = self.fs.find(self._path(folder), prefix=beginning)
            else:
                found = self.fs.ls(self._path(folder), detail=False)
        except FileNotFoundError:
            return []
        # an object that is called as the folder is listed as if it lay in it
        names = (PurePosixPath(path).name for path in found if path.rstrip("/") != self._path(folder))
        return sorted(name for name in names if name.startswith(beginning))

    def exists(self, name: str) -> bool:
        """See `Place.exists`."""
        self.fs.invalidate_cache()
        return self.fs.isfile(self._path(name))

    @contextmanager
    def staging(self, name: str, owner: str) -> Iterator[Path]:
        """See `Place.staging`: on this machine's own disk."""
        with tempfile.TemporaryDirectory(prefix=STAGING) as folder:
            yield Path(folder)

    def sweep(self, name: str, owner: str) -> None:
        """See `Place.sweep`: an unfinished upload never becomes an object."""

    def publish(self, path: Path, name: str) -> None:
        """See `Place.publish`: an object becomes visible when its upload is complete."""
        self.fs.put_file(str(path), self._path(name))

    def check_writable(self) -> None:
        """See `Place.check_writable`."""
        probe = f"{STATE}/probe-{uuid.uuid4().hex}"
        try:
            self.write(probe, b"")
            self.remove(probe)
        except Exception as error:  # each store has exceptions of its own
            raise InputError(f"{self.url}: cannot be written: {_one_line(error)}") from None

    def _found(self, path: str, value: bytes | Exception) -> bytes | None:
        if isinstance(value, FileNotFoundError):
            return None
        return self.fs.cat_file(path) if isinstance(value, Exception) else bytes(value)  # an empty file has no range

    def _path(self, name: str) -> str:
        return f"{self.root}/{name}"


def open_url(url: str) -> tuple[Any, str]:
    """The fsspec file system of a URL and the path on it; raises InputError."""
    from fsspec.core import url_to_fs

    try:
        return url_to_fs(url)
    except ImportError as error:
        raise InputError(f"{url}: {_one_line(error)}; pip install 'emosplat[cloud]'") from None
    except ValueError as error:
        raise InputError(f"{url}: expected a path or a URL such as s3://bucket/folder ({error})") from None


def recording_state(audio: str) -> int:
    """What state a recording at a path or URL is in; `MISSING` where nobody tells."""
    if not is_url(audio):
        return local_state(audio.removeprefix("file://"))
    fs, remote = open_url(audio)
    try:
        fs.invalidate_cache()
        return cloud_state(fs.info(remote))
    except Exception:  # each store has exceptions of its own; whoever reads it says what is wrong
        return MISSING


def listed_states(folder: str) -> Iterator[tuple[str, int]]:
    """Name and state of all objects right in the folder of this URL; none where it cannot be listed."""
    with contextlib.suppress(Exception):  # each store has exceptions of its own; what is before "/" may be no URL
        fs, path = open_url(folder)
        fs.invalidate_cache()
        for info in fs.ls(path, detail=True):
            yield PurePosixPath(info["name"]).name, cloud_state(info)


@contextmanager
def local_copy(audio: str) -> Iterator[Path]:
    """The file at a path or URL as a local path; what was downloaded is deleted afterwards. Raises InputError."""
    if not is_url(audio):
        yield Path(audio.removeprefix("file://"))
        return
    fs, remote = open_url(audio)
    with tempfile.TemporaryDirectory(prefix=STAGING) as folder:
        path = Path(folder) / PurePosixPath(remote).name
        try:
            fs.get_file(remote, str(path))
        except FileNotFoundError:
            raise InputError(f"{audio}: no such audio file") from None
        except Exception as error:  # each store has exceptions of its own
            raise InputError(f"{audio}: cannot be read: {_one_line(error)}") from None
        yield path


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
