"""Folders that a batch reads and writes: on this machine's file systems, or behind any fsspec URL."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any, Protocol

from ...core.errors import InputError
from ...core.whole_files import whole_file

STATE = ".emosplat"  # claims and failures live here, beside the videos
STAGING = f"{STATE}-"  # prefix of the folders in which videos come into being


class Place(Protocol):
    """A folder; names are relative to it, with forward slashes. Files appear whole or not at all."""

    url: str

    def read(self, name: str) -> bytes | None:
        """A file's bytes; None when there is no such file."""
        ...

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """Several files at once."""
        ...

    def write(self, name: str, data: bytes) -> None:
        """Create or replace a file."""
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Create a file unless it exists; of several writers at once exactly one succeeds."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file; nothing happens when there is none."""
        ...

    def names(self, folder: str, beginning: str = "") -> list[str]:
        """Names of the files in a sub-folder that begin so, without the folder; empty when it does not exist."""
        ...

    def exists(self, name: str) -> bool:
        """Whether there is such a file."""
        ...

    def staging(self, name: str, owner: str) -> contextlib.AbstractContextManager[Path]:
        """A local folder for making `name`, which is gone afterwards; from it `publish` works."""
        ...

    def sweep(self, name: str, owner: str) -> None:
        """Delete what a dead `owner` left of `name`."""
        ...

    def publish(self, path: Path, name: str) -> None:
        """Move a finished local file to its place."""
        ...

    def check_writable(self) -> None:
        """Raise InputError when nothing can be written here."""
        ...


def is_url(text: str) -> bool:
    """Whether `text` names something behind fsspec rather than a local path."""
    return "://" in text and not text.startswith("file://")


def open_place(url: str) -> Place:
    """The folder at a local path or fsspec URL; raises InputError."""
    return CloudPlace(url) if is_url(url) else LocalPlace(Path(url.removeprefix("file://")))


class LocalPlace:
    """A folder on a file system of this machine, network file systems included."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.url = str(self.root)

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        try:
            return (self.root / name).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            return None

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """See `Place.read_many`."""
        return [self.read(name) for name in names]

    def write(self, name: str, data: bytes) -> None:
        """See `Place.write`."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            partial.write_bytes(data)

    def create(self, name: str, data: bytes) -> bool:
        """See `Place.create`; O_EXCL is atomic on local disks, NFS from version 3 on, and Lustre."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("xb")
        except FileExistsError:
            return False
        try:
            with file:
                file.write(data)
        except OSError:  # a full disk must not leave a claim that belongs to nobody
            path.unlink(missing_ok=True)
            raise
        return True

    def remove(self, name: str) -> None:
        """See `Place.remove`."""
        (self.root / name).unlink(missing_ok=True)

    def names(self, folder: str, beginning: str = "") -> list[str]:
        """See `Place.names`."""
        try:
            names = (entry.name for entry in os.scandir(self.root / folder))
            return sorted(name for name in names if name.startswith(beginning) and not name.endswith(".part"))
        except (FileNotFoundError, NotADirectoryError):
            return []

    def exists(self, name: str) -> bool:
        """See `Place.exists`."""
        return (self.root / name).is_file()

    @contextmanager
    def staging(self, name: str, owner: str) -> Iterator[Path]:
        """See `Place.staging`: beside the target, hence on its file system."""
        folder = self._staging(name, owner)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def sweep(self, name: str, owner: str) -> None:
        """See `Place.sweep`."""
        shutil.rmtree(self._staging(name, owner), ignore_errors=True)

    def publish(self, path: Path, name: str) -> None:
        """See `Place.publish`."""
        with path.open("rb") as file:
            os.fsync(file.fileno())  # else a power cut may leave the name without the bytes
        os.replace(path, self.root / name)

    def check_writable(self) -> None:
        """See `Place.check_writable`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self.root, prefix=STAGING):
                pass
        except OSError as error:
            raise InputError(f"{self.root}: cannot be written: {error.strerror}; choose another folder") from None

    def _staging(self, name: str, owner: str) -> Path:
        return (self.root / name).parent / f"{STAGING}{owner}"


class CloudPlace:
    """A prefix in an object store, through fsspec. `create` needs conditional writes (S3, GCS and Azure have them)."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.fs, self.root = open_url(self.url)

    def read(self, name: str) -> bytes | None:
        """See `Place.read`."""
        self.fs.invalidate_cache()
        try:
            return self.fs.cat_file(self._path(name))
        except FileNotFoundError:
            return None

    def read_many(self, names: Sequence[str]) -> list[bytes | None]:
        """See `Place.read_many`; the requests run at once."""
        if not names:
            return []
        found = self.fs.cat([self._path(n) for n in names], on_error="return")
        if isinstance(found, bytes):  # fsspec returns a single file bare
            return [found]
        values = [found.get(self._path(n)) for n in names]
        for value in values:
            if isinstance(value, Exception) and not isinstance(value, FileNotFoundError):
                raise value
        return [v if isinstance(v, bytes) else None for v in values]

    def write(self, name: str, data: bytes) -> None:
        """See `Place.write`."""
        self.fs.pipe_file(self._path(name), data)

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
        return sorted(name for path in found if (name := PurePosixPath(path).name).startswith(beginning))

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
