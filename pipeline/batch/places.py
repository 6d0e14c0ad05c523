"""Folders that a batch reads and writes: on this machine's file systems here, behind fsspec URLs in `remote.py`."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from ...core.errors import InputError
from ...core.whole_files import whole_file
from .states import local_state

STATE = ".emosplat"  # claims and failures live here, beside the videos
RECORD = ".json"  # what a record beside a video is called after the video
PRESENT = 1  # the state of a file of which nothing else counts
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

    def write(self, name: str, data: bytes) -> int:
        """Create or replace a file; returns its `state`, `MISSING` where the place does not tell."""
        ...

    def state(self, name: str) -> int:
        """What state a file is in; `MISSING` where there is none."""
        ...

    def states(self) -> Iterator[tuple[str, int]]:
        """All files but those in `STATE`: records with their state, of all others only that they are there."""
        ...

    def create(self, name: str, data: bytes) -> bool:
        """Create a file unless it exists; of several writers at once exactly one succeeds."""
        ...

    def remove(self, name: str) -> None:
        """Delete a file or an empty folder; nothing happens when there is none."""
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
    if is_url(url):
        from .remote import CloudPlace

        return CloudPlace(url)
    return LocalPlace(Path(url.removeprefix("file://")))


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

    def write(self, name: str, data: bytes) -> int:
        """See `Place.write`."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            partial.write_bytes(data)
        return local_state(str(path))

    def state(self, name: str) -> int:
        """See `Place.state`."""
        return local_state(f"{self.url}/{name}")

    def states(self) -> Iterator[tuple[str, int]]:
        """See `Place.states`; a folder is listed once, which spares a network file system a question per file.

        Links are followed, but for those in a circle. Of folders that cannot be listed nothing is told.
        """
        folders: list[tuple[str, frozenset[tuple[int, int]]]] = [("", frozenset())]  # and what they lie in
        while folders:
            at, above = folders.pop()
            with contextlib.suppress(OSError), os.scandir(f"{self.url}/{at}") as entries:
                found = os.stat(f"{self.url}/{at}")
                if (identity := (found.st_dev, found.st_ino)) in above:
                    continue
                for entry in entries:
                    if entry.name.startswith(STATE):
                        continue
                    if os.path.isdir(entry.path) if entry.is_symlink() else entry.is_dir():
                        folders.append((f"{at}{entry.name}/", above | {identity}))
                    elif entry.name.endswith(RECORD):
                        yield at + entry.name, local_state(entry.path)
                    else:
                        yield at + entry.name, PRESENT

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
        try:
            (self.root / name).unlink(missing_ok=True)
        except (IsADirectoryError, PermissionError):  # what unlink says of a folder depends on the system
            (self.root / name).rmdir()

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
        target = self.root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, target)

    def check_writable(self) -> None:
        """See `Place.check_writable`."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=self.root, prefix=STAGING):  # nameless: none is left, whatever happens
                pass
        except OSError as error:
            raise InputError(f"{self.root}: cannot be written: {error.strerror}; choose another folder") from None

    def _staging(self, name: str, owner: str) -> Path:
        return (self.root / name).parent / f"{STAGING}{owner}"
