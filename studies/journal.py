"""A file of JSON lines that loses nothing it has confirmed, whenever the process or the machine stops."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..core.errors import InputError

Row = dict[str, Any]


class Journal:
    """Append-only; one writer at a time. The file appears with the first append."""

    def __init__(self, path: Path) -> None:
        """Read what is there; a last line that was cut off by a crash was never confirmed and is removed.

        Raises InputError for a file that is something else.
        """
        self.path = path
        self.rows: list[Row] = []
        content = path.read_bytes() if path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), start=1):
            self.rows.append(_parsed(line, path, number))
        if len(whole) < len(content):
            os.truncate(path, len(whole))

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows; when this returns, they are on the disk. Raises OSError, and then none of them count."""
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()
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
