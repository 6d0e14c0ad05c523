"""A file of JSON lines that loses nothing it has confirmed, whenever the process or the machine stops."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..core.errors import InputError

Row = dict[str, Any]


class Journal:
    """Append-only; one writer at a time. The file appears with the first append."""

    def __init__(self, path: Path, *, writes: bool = True) -> None:
        """Read what is there; a last line that was cut off by a crash was never confirmed and is removed.

        Without `writes` nothing is changed: somebody else may be writing. Raises InputError for a file of another kind.
        """
        self.path = path
        content = path.read_bytes() if path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        self.rows = [_parsed(line, path, number) for number, line in enumerate(whole.splitlines(), start=1)]
        if writes:
            self._partial.unlink(missing_ok=True)  # a removal that a crash stopped never took place
            if len(whole) < len(content):
                os.truncate(path, len(whole))

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows; when this returns, they are on the disk. Raises OSError, and then none of them count."""
        text = _text(rows)
        new = not self.path.exists()
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as stream:
            end = stream.tell()
            try:
                _write_all(stream.fileno(), text)
                os.fsync(stream.fileno())
            except OSError:
                stream.truncate(end)
                raise
        if new:
            _sync_folder(self.path.parent)
        self.rows += rows

    def remove(self, gone: Callable[[Row], bool]) -> int:
        """Remove the rows that `gone` says, and say how many; when this returns, they are not on the disk any more.

        Stopped at any instant, the file holds either all rows or all that stay. Raises OSError, and then all.
        """
        left = [row for row in self.rows if not gone(row)]
        removed = len(self.rows) - len(left)
        if removed:
            with self._partial.open("wb", buffering=0) as stream:
                _write_all(stream.fileno(), _text(left))
                os.fsync(stream.fileno())
            os.replace(self._partial, self.path)
            _sync_folder(self.path.parent)
            self.rows = left
        return removed

    @property
    def _partial(self) -> Path:
        return self.path.with_name(f".{self.path.name}.part")


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the study's lock; two writers would spoil its journals. Raises InputError, also where nobody may write."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; `render study build` makes one")
    if not os.access(folder, os.W_OK):
        raise InputError(f"{folder}: expected a folder that may be written to, because answers are kept in it")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{folder}: is served or built by another process; stop that one first") from None


def _text(rows: Sequence[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _parsed(line: bytes, path: Path, number: int) -> Row:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError):
        row = None
    if not isinstance(row, dict):
        raise InputError(f"{path}: line {number}: expected a JSON object; move the file away or repair it")
    return row


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _sync_folder(folder: Path) -> None:
    """A new file is safe when its name is, too."""
    for place in (folder, folder.parent):
        descriptor = os.open(place, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
