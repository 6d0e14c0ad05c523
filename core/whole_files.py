"""Files and folders on disk: written whole or not at all; and whether a name is a file."""

from __future__ import annotations

import os
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .errors import InputError


@contextmanager
def whole_file(target: Path, *, keep_suffix: bool = False) -> Iterator[Path]:
    """A temporary path beside `target` that takes its place when all went well.

    It ends in `.part`, so that nobody takes what a killed process leaves for a finished file; `keep_suffix` adds the
    target's suffix for writers that go by it (`numpy.savez`). Errors of the system bear the target's name.
    """
    # neither the process number, which two machines on one disk share, nor the name, which may be as long as allowed
    partial = target.with_name(f".{uuid.uuid4().hex}.part{target.suffix if keep_suffix else ''}")
    try:
        yield partial
        os.replace(partial, target)
    except OSError as error:
        if error.filename in (None, str(partial)):  # none where a disk is full
            error.filename = str(target)
        raise
    finally:
        if partial.exists():
            partial.unlink()


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A temporary folder beside `target` that takes its name when all went well.

    Raises InputError where `target` is there already, and where nothing can be written.
    """
    check_new(target)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        staged = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InputError(f"{target}: cannot be written: {error.strerror}") from error
    try:
        yield staged
        staged.chmod(0o755)
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def check_new(folder: Path) -> None:
    """Raise InputError where a folder that is to be made is there already."""
    if folder.exists():
        raise InputError(f"{folder}: expected a folder that does not exist yet, found one; remove it or name another")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file, and its folder where that is missing; raises InputError where that is impossible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as partial:
            partial.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror})") from error


def check_free(path: Path, *, overwrite: bool) -> None:
    """Raise InputError where something of this name is there already and must not be replaced."""
    if path.exists() and not overwrite:
        raise InputError(f"{path}: already exists; choose another name, or allow it: --overwrite")


def leftover(path: Path) -> str:
    """What lies where a file should be when its download went wrong, in brackets for an error; else nothing."""
    try:
        with path.open("rb") as file:
            begin = file.read(200).lstrip().lower()
    except OSError:
        return ""
    if begin.startswith(b"version https://git-lfs"):
        return " (a pointer of Git LFS, fetch the file itself with: git lfs pull)"
    return " (a web page, the download has failed)" if begin.startswith((b"<!doctype html", b"<html")) else ""


def is_file(name: str) -> bool:
    """Whether there is a file of this name; text that is too long to be a name is none."""
    return os.path.isfile(name)  # which is much faster than Path's, and asked for every row of long lists
