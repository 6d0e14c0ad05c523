"""Where clips come from: a folder of recordings, or a manifest (CSV, JSON lines, Parquet)."""

from __future__ import annotations

import csv
import fnmatch
import io
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ...core.errors import InputError
from ...core.whole_files import is_file
from ..settings import COLUMNS
from .places import is_url, open_url

SOUND = {".wav", ".flac", ".ogg", ".oga", ".opus", ".mp3", ".m4a", ".aac", ".aif", ".aiff", ".au", ".caf", ".w64"}
FILM = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".flv"}
MANIFESTS = {".csv", ".jsonl", ".json", ".ndjson", ".parquet"}
MAX_MANIFEST = 1 << 30  # bytes
MAX_ROW = 1 << 20  # characters


@dataclass(frozen=True)
class Clip:
    """One recording as its source describes it; None where the source says nothing."""

    id: str
    audio: str  # path or URL
    origin: str  # for messages: file and line, or the recording's name
    settings: dict[str, Any] = field(default_factory=dict)  # by name, in the source's own words
    out: str | None = None
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Skip:
    """Something in a source that is no clip, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Listing:
    """All that a source holds."""

    clips: list[Clip]
    skipped: list[Skip]


class Tree:
    """The files below a folder or URL, by relative name in sorted order; hidden ones are left out."""

    def __init__(self, root: str) -> None:
        self.root = root.removeprefix("file://").rstrip("/") or "/"
        self.names = sorted(self._cloud_names() if is_url(root) else self._local_names())
        self._all = set(self.names)

    def __contains__(self, name: str) -> bool:
        return name in self._all

    def url(self, name: str) -> str:
        """Path or URL of one of the files."""
        return f"{self.root}/{name}"

    def text(self, name: str) -> str:
        """A small text file's content; raises InputError."""
        return read_bytes(self.url(name)).decode("utf-8-sig", errors="replace")

    def _local_names(self) -> Iterator[str]:
        root = Path(self.root)
        if not root.is_dir():
            raise InputError(
                f"{root}: expected a folder of recordings, found {'a file' if root.exists() else 'nothing'}"
            )
        self.root = str(root.absolute())
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(f for f in folders if not f.startswith("."))
            at = Path(folder).relative_to(root)
            yield from ((at / f).as_posix() for f in files if not f.startswith("."))

    def _cloud_names(self) -> Iterator[str]:
        fs, path = open_url(self.root)
        try:
            found = fs.find(path)
        except Exception as error:  # each store has exceptions of its own
            raise InputError(f"{self.root}: cannot be listed: {' '.join(str(error).split())[:300]}") from None
        if not found:
            raise InputError(f"{self.root}: expected a folder of recordings, found nothing")
        relative = (name.removeprefix(path.rstrip("/") + "/") for name in found)
        yield from (n for n in relative if not any(part.startswith(".") for part in n.split("/")))


def read_folder(root: str, pattern: str) -> Listing:
    """The recordings below a folder whose relative names match a glob pattern; ids are names without suffix."""
    tree = Tree(root)
    clips: list[Clip] = []
    skipped: list[Skip] = []
    for name in tree.names:
        path = PurePosixPath(name)
        if not fnmatch.fnmatchcase(name, pattern.removeprefix("**/") if pattern.startswith("**/") else pattern):
            skipped.append(Skip(name, f"does not match {pattern}"))
        elif path.suffix.lower() not in SOUND | FILM:
            skipped.append(Skip(name, "is no recording by its suffix"))
        elif f"{name}.json" in tree:
            skipped.append(Skip(name, "was rendered by an earlier batch: there is a .json beside it"))
        else:
            clips.append(Clip(str(path.with_suffix("")), tree.url(name), name))
    return Listing(clips, skipped)


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _blank_is_none(value)


Text = Annotated[Annotated[str, Field(max_length=4096)] | None, BeforeValidator(_as_text)]


class Row(BaseModel):
    """One line of a manifest."""

    model_config = ConfigDict(extra="allow")

    # NeMo and Hugging Face call it otherwise
    audio: str = Field(
        min_length=1, max_length=4096, validation_alias=AliasChoices("audio", "audio_filepath", "file_name")
    )
    id: Text = None
    out: Text = None


def read_manifest(source: str, *, ignored: frozenset[str] = frozenset()) -> Listing:
    """The clips of a CSV, JSON lines or Parquet file; paths in it are relative to it.

    `ignored` columns are left out; all others beyond `Row` are passed through. Raises InputError with the line.
    """
    folder = source.rpartition("/")[0] if is_url(source) else str(Path(source).absolute().parent)
    clips: list[Clip] = []
    for line, values in _rows(source):
        where = f"{source}: line {line}"
        try:
            row = Row.model_validate({name: value for name, value in values.items() if name not in ignored})
        except ValidationError as error:
            first = error.errors()[0]
            name = ".".join(map(str, first["loc"]))
            found = "" if first["type"] == "missing" else f", found {str(first['input'])[:60]!r}"
            raise InputError(f"{where}: {name}: {first['msg'][:1].lower()}{first['msg'][1:]}{found}") from None
        clips.append(_clip(row, folder, where))
    if not clips:
        raise InputError(f"{source}: expected at least one clip, found none")
    return Listing(clips, [])


def read_bytes(source: str) -> bytes:
    """The bytes of a file at a path or URL; raises InputError."""
    try:
        if is_url(source):
            fs, path = open_url(source)
            if fs.size(path) > MAX_MANIFEST:
                raise InputError(f"{source}: expected at most {MAX_MANIFEST >> 20} MiB")
            return fs.cat_file(path)
        if Path(source).stat().st_size > MAX_MANIFEST:
            raise InputError(f"{source}: expected at most {MAX_MANIFEST >> 20} MiB")
        return Path(source).read_bytes()
    except FileNotFoundError:
        raise InputError(f"{source}: no such file") from None
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror or error}") from None


def _clip(row: Row, folder: str, where: str) -> Clip:
    others = row.model_extra or {}
    settings = {n: v for n in COLUMNS if (v := _blank_is_none(others.get(n))) is not None}
    if "emotion" in settings and "emotion_track" in settings:
        raise InputError(f"{where}: expected emotion or emotion_track, found both")
    for name in settings.keys() & {"emotion_track", "weights"}:
        settings[name] = _joined(folder, str(settings[name]))
    for name in settings.keys() & {"avatar", "camera", "transcript"}:  # a name, or a file beside the manifest
        path = _joined(folder, str(settings[name]))
        settings[name] = path if is_file(path) else settings[name]
    return Clip(
        id=row.id or str(PurePosixPath(PurePosixPath(row.audio).name).with_suffix("")),
        audio=_joined(folder, row.audio),
        origin=where,
        settings=settings,
        out=row.out,
        extra={name: _plain(value) for name, value in others.items() if name not in COLUMNS},
    )


def _joined(folder: str, path: str) -> str:
    if is_url(path) or Path(path).is_absolute():
        return path
    return f"{folder}/{path}" if is_url(folder) else str(Path(folder, path))


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, default=str, ensure_ascii=False)


def _rows(source: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Line number (of a Parquet file: row number) and values by column."""
    suffix = PurePosixPath(source).suffix.lower()
    data = read_bytes(source)
    if suffix == ".parquet":
        yield from _parquet_rows(source, data)
        return
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError(f"{source}: expected UTF-8 text, found byte {data[error.start]:#04x}") from None
    yield from (_csv_rows(source, text) if suffix == ".csv" else _json_rows(source, text))


def _csv_rows(source: str, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(io.StringIO(text, newline=""))
    header: list[str] | None = None
    try:
        for row in reader:
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                header = [cell.strip() for cell in row]
                if len(set(header)) < len(header) or not all(header):
                    raise InputError(f"{source}: line 1: expected a header with different column names")
                continue
            if len(row) != len(header):
                raise InputError(f"{source}: line {reader.line_num}: expected {len(header)} cells, found {len(row)}")
            yield reader.line_num, dict(zip(header, row, strict=True))
    except csv.Error as error:
        raise InputError(f"{source}: line {reader.line_num}: expected CSV, found {error}") from None


def _json_rows(source: str, text: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line) if len(line) <= MAX_ROW else None
        except (ValueError, RecursionError):
            values = None
        if not isinstance(values, dict):
            raise InputError(f"{source}: line {number}: expected one JSON object per line, found {line.strip()[:60]!r}")
        yield number, values


def _parquet_rows(source: str, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(pa.BufferReader(data))
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{source}: expected a Parquet file, found something else ({error})") from None
    yield from enumerate(table.to_pylist(), start=1)
