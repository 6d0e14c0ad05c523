"""Where clips come from: a folder of recordings, or a manifest (CSV, TSV, JSON, JSON lines, Parquet)."""

from __future__ import annotations

import csv
import fnmatch
import io
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from math import isnan
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ...core.errors import InputError
from ...core.media_formats import FILM, SOUND
from ...core.tables import decoded
from ...core.whole_files import is_file
from ..clip.sidecar import as_record
from ..emotion import placed
from ..settings import COLUMNS
from .places import STATE, is_url, open_url

MANIFESTS = {".csv", ".tsv", ".jsonl", ".json", ".ndjson", ".parquet"}
MAX_MANIFEST = 1 << 30  # bytes
MAX_ROW = 1 << 20  # characters
ROWS_AT_ONCE = 4096  # of a Parquet file
AUDIO = (  # as others call the column
    *("audio", "audio_filepath", "file_name", "path", "audio_path", "wav_filename"),
    *("filename", "file", "filepath", "file_path", "audio_file", "wav", "wav_path", "recording"),
)
LANGUAGE = ("language", "lang", "locale")
SEPARATORS = ",;\t|"  # of CSV; Excel's depends on the country


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
    """Something in a source that is not rendered, and why."""

    name: str
    reason: str
    fault: bool = False  # whether it was meant to be a clip, so that the batch as a whole has failed


@dataclass(frozen=True)
class Listing:
    """All that a source holds."""

    clips: list[Clip]
    skipped: list[Skip]


class Tree:
    """The files below a folder or URL, by relative name in sorted order, links followed.

    `left_out` says what is not among them: hidden files and folders, folders that cannot be listed, and links to
    folders that are listed already.
    """

    def __init__(self, root: str) -> None:
        self.root = root.removeprefix("file://").rstrip("/") or "/"
        self.left_out: list[Skip] = []
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
        yield from self._below(root, "", set())

    def _below(self, folder: Path, at: str, seen: set[tuple[int, int]]) -> Iterator[str]:
        """Names in one folder of this machine and those below it; `seen` folders are not listed twice."""
        try:
            state = folder.stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            self.left_out.append(Skip(at, f"cannot be listed ({error.strerror})", fault=True))
            return
        if (identity := (state.st_dev, state.st_ino)) in seen:
            self.left_out.append(Skip(at, "leads to a folder that is listed already"))
            return
        seen.add(identity)
        for entry in entries:
            name = at + entry.name
            if entry.name.startswith("."):
                if not entry.name.startswith(STATE):
                    self.left_out.append(Skip(name, "is hidden"))
            elif entry.is_dir():
                yield from self._below(Path(entry.path), f"{name}/", seen)
            else:
                yield name

    def _cloud_names(self) -> Iterator[str]:
        fs, path = open_url(self.root)
        try:
            found = fs.find(path)
        except Exception as error:  # each store has exceptions of its own
            raise InputError(f"{self.root}: cannot be listed: {' '.join(str(error).split())[:300]}") from None
        if not found:
            raise InputError(f"{self.root}: expected a folder of recordings, found nothing")
        relative = (name.removeprefix(path.rstrip("/") + "/") for name in found)
        for name in relative:
            if not any(part.startswith(".") for part in name.split("/")):
                yield name
            elif STATE not in name:
                self.left_out.append(Skip(name, "is hidden"))


def read_folder(root: str, pattern: str) -> Listing:
    """The recordings below a folder whose relative names match a glob pattern; ids are names without suffix."""
    tree = Tree(root)
    clips: list[Clip] = []
    skipped: list[Skip] = [*tree.left_out]
    for name in tree.names:
        path = PurePosixPath(name)
        if not fnmatch.fnmatchcase(name, pattern.removeprefix("**/") if pattern.startswith("**/") else pattern):
            skipped.append(Skip(name, f"does not match {pattern}"))
        elif path.suffix.lower() not in SOUND | FILM:
            skipped.append(Skip(name, "is no recording by its suffix"))
        elif any(_made_by_us(tree, part) for part in (name, *map(str, path.parents))):
            skipped.append(Skip(name, "was rendered by an earlier batch: there is a .json beside it"))
        else:
            clips.append(Clip(str(path.with_suffix("")), tree.url(name), name))
    return Listing(clips, skipped)


def _made_by_us(tree: Tree, name: str) -> bool:
    """Whether a record of ours lies beside a file or a folder of frames; other programs write such names too."""
    record = f"{name}.json"
    return record in tree and as_record(read_bytes(tree.url(record))) is not None


def _blank_is_none(value: Any) -> Any:
    return None if isinstance(value, str) and not value.strip() else value


def _as_text(value: Any) -> Any:
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else _blank_is_none(value)


def _decimal(value: Any) -> Any:
    """A number as Excel writes it where the comma parts the decimals."""
    return value.replace(",", ".") if isinstance(value, str) and value.count(",") == 1 else value


Text = Annotated[Annotated[str, Field(max_length=4096)] | None, BeforeValidator(_as_text)]


class Row(BaseModel):
    """One line of a manifest."""

    model_config = ConfigDict(extra="allow")

    audio: str = Field(min_length=1, max_length=4096, validation_alias=AliasChoices(*AUDIO))
    id: Text = None
    out: Text = None


def read_manifest(source: str) -> Listing:
    """All that `manifest_clips` tells; raises InputError where no row is right, too."""
    clips: list[Clip] = []
    skipped: list[Skip] = []
    for found in manifest_clips(source):
        if isinstance(found, Clip):
            clips.append(found)
        else:
            skipped.append(found)
    return Listing(clips, skipped)


def manifest_clips(source: str, *, ignored: frozenset[str] = frozenset()) -> Iterator[Clip | Skip]:
    """The rows of a CSV, TSV, JSON, JSON lines or Parquet file; paths in it are relative to it.

    `ignored` columns are left out; all others beyond `Row` are passed through. Rows that are wrong are skipped, each
    with its line. Raises InputError where the file as a whole is wrong, or no row was right. Of CSV and Parquet, which
    may be long, only a piece is in memory.
    """
    folder = source.rpartition("/")[0] if is_url(source) else str(Path(source).absolute().parent)
    wrong: Skip | None = None
    right = False
    for line, values in _rows(source):
        where = f"{source}: line {line}"
        try:
            if isinstance(values, str):
                raise InputError(values)
            clip = _clip(_row(values, ignored), folder, where)
        except InputError as error:
            skip = Skip(where, str(error), fault=True)
            wrong = wrong or skip
            yield skip
        else:
            right = True
            yield clip
    if not right:
        reason = f"{wrong.name}: {wrong.reason}" if wrong else f"{source}: expected at least one clip, found none"
        raise InputError(reason)


def _row(values: Mapping[str, Any], ignored: frozenset[str]) -> Row:
    try:
        return Row.model_validate({name: value for name, value in values.items() if name not in ignored})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"]))
        found = "" if first["type"] == "missing" else f", found {str(first['input'])[:60]!r}"
        raise InputError(f"{name}: {first['msg'][:1].lower()}{first['msg'][1:]}{found}") from None


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
    told = next((v for name in LANGUAGE if (v := _blank_is_none(others.get(name))) is not None), None)
    if told is not None:
        settings["language"] = str(told)[:100]  # of no consequence without a transcript
    if "emotion" in settings and "emotion_track" in settings:
        raise InputError("expected emotion or emotion_track, found both")
    file = PurePosixPath(row.audio).name
    if file in ("", "..") or "\0" in row.audio:
        raise InputError(f"audio: expected the path of a recording, found {row.audio[:60]!r}")
    if "intensity" in settings:
        settings["intensity"] = _decimal(settings["intensity"])
    for name in settings.keys() & {"accents", "emotion_track", "subtitles", "weights"}:
        settings[name] = _joined(folder, str(settings[name]))
    for name in settings.keys() & {
        "avatar",
        "camera",
        "lyrics",
        "style",
        "transcript",
    }:  # a name, or a file beside the manifest
        settings[name] = _beside(folder, settings[name])
    if "emotion" in settings:
        settings["emotion"] = placed(str(settings["emotion"]), lambda name: _beside(folder, name))
    return Clip(
        id=row.id or str(PurePosixPath(file).with_suffix("")),
        audio=_recording(folder, row.audio),
        origin=where,
        settings=settings,
        out=row.out,
        extra={name: _plain(value) for name, value in others.items() if name not in COLUMNS},
    )


def _recording(folder: str, path: str) -> str:
    """Where a manifest's recording lies: where it says, or in `clips` beside it as in Common Voice."""
    beside = _joined(folder, path)
    if is_url(beside) or is_file(beside):
        return beside
    stripped, clips = _joined(folder, path.strip()), _joined(f"{folder}/clips", path)
    if is_file(stripped):
        return stripped  # from a table that is laid out with spaces
    return clips if is_file(clips) else beside


def _beside(folder: str, name: Any) -> Any:
    """The path of a file of this name beside the manifest; else the name as it is."""
    path = _joined(folder, str(name))
    return path if is_file(path) else name


def _joined(folder: str, path: str) -> str:
    if is_url(path) or os.path.isabs(path):
        return path
    return f"{folder}/{path}" if is_url(folder) else str(Path(folder, path))


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, default=str, ensure_ascii=False)


def _rows(source: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """Line number (of a Parquet file: row number) and values by column, or what is wrong with the line."""
    suffix = PurePosixPath(source).suffix.lower()
    data = read_bytes(source)
    if suffix == ".parquet":
        yield from _parquet_rows(source, data)
        return
    text = decoded(data, source=source, utf16=True)  # Excel's two kinds
    if suffix in (".csv", ".tsv"):
        mark, encoding = _separator(text), "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        file = io.BytesIO(data) if is_url(source) else Path(source)
        del data, text  # it is read again line by line
        yield from _csv_rows(source, file, mark, encoding)
    elif text.lstrip()[:1] == "[":
        yield from _json_list(source, text)
    else:
        yield from _json_rows(text)


def _csv_rows(
    source: str, file: Path | io.BytesIO, mark: str, encoding: str
) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    header: list[str] | None = None
    try:
        quoting = _quoting(file, mark, encoding)
        for line, row in _cells(file, mark, encoding, quoting):
            if not any(cell.strip() for cell in row):
                continue
            if header is None:
                if _says_nothing(row):
                    continue
                header = _header(source, line, row)
                if header is None:  # no header at all, but a list of recordings
                    header = ["audio"]
                    yield line, {"audio": row[0]}
                continue
            values = dict(zip(header, row, strict=False))
            if len(row) < len(header) or any(cell.strip() for cell in row[len(header) :]):
                yield line, f"expected {len(header)} cells, found {len(row)}"
            else:
                yield line, {name: cell for name, cell in values.items() if name}
    except csv.Error as error:
        raise InputError(f"{source}: expected CSV, found {error}") from None


def _quoting(file: Path | io.BytesIO, mark: str, encoding: str) -> Literal[0, 3]:
    """How to read a table: where a quotation mark is never closed, such marks are signs as others."""
    try:
        for _, row in _cells(file, mark, encoding, csv.QUOTE_MINIMAL):
            if mark == "\t" and any("\n" in cell for cell in row):
                return csv.QUOTE_NONE
    except csv.Error:
        return csv.QUOTE_NONE
    return csv.QUOTE_MINIMAL


def _cells(
    file: Path | io.BytesIO, mark: str, encoding: str, quoting: Literal[0, 3]
) -> Iterator[tuple[int, list[str]]]:
    """Number and cells of every line."""
    if isinstance(file, io.BytesIO):
        file = io.BytesIO(file.getbuffer())
    with file.open("rb") if isinstance(file, Path) else file as opened:
        lines = io.TextIOWrapper(opened, encoding=encoding, newline="")
        reader = csv.reader(lines, delimiter=mark, quoting=quoting, strict=quoting == csv.QUOTE_MINIMAL)
        for row in reader:
            yield reader.line_num, row


def _says_nothing(row: list[str]) -> bool:
    """Whether a line before the header is a comment, or Excel's word on what parts the cells."""
    return row[0].lstrip().startswith("#") or row[0].strip().lower() == "sep="


def _header(source: str, line: int, row: list[str]) -> list[str] | None:
    """The names of the columns, empty for those without; None where the line is a recording already."""
    if len(row) == 1 and PurePosixPath(row[0].strip()).suffix.lower() in SOUND | FILM:
        return None
    known = {*AUDIO, *COLUMNS, *Row.model_fields, *LANGUAGE}
    names = [name.lower() if name.lower() in known else name for name in (cell.strip() for cell in row)]
    told = [name for name in names if name]
    if len(set(told)) < len(told) or not told:
        raise InputError(f"{source}: line {line}: expected a header with different column names")
    return names


def _separator(text: str) -> str:
    """What parts the cells: whatever parts the header so that one of its cells is the recordings' column."""
    beginning = text[:MAX_ROW].splitlines()
    lines = [line for line in beginning if line.strip() and not line.lstrip().startswith("#")]
    if lines and (match := re.fullmatch(r"sep=(.)\s*", lines[0].strip(), re.IGNORECASE)):
        return match[1]
    header = lines[0].lower() if lines else ""
    cells = {mark: {cell.strip().strip('"') for cell in header.split(mark)} for mark in SEPARATORS}
    return next((mark for mark in SEPARATORS if cells[mark] & set(AUDIO)), ",")


def _json_list(source: str, text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """A list of objects; the "line" is the place in the list."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: expected a JSON list of objects, found something else ({error})") from None
    for number, values in enumerate(found, start=1):
        if isinstance(values, str):
            values = {"audio": values}  # noqa: PLW2901
        yield number, values if isinstance(values, dict) else f"expected a JSON object, found {str(values)[:60]!r}"


def _json_rows(text: str) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    # not splitlines(), which takes some signs within a text for the end of a line
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            values = json.loads(line) if len(line) <= MAX_ROW else None
        except (ValueError, RecursionError):
            values = None
        found = f"expected one JSON object per line, found {line.strip()[:60]!r}"
        yield number, values if isinstance(values, dict) else found


def _parquet_rows(source: str, data: bytes) -> Iterator[tuple[int, Mapping[str, Any]]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        rows = (row for batch in file.iter_batches(ROWS_AT_ONCE) for row in batch.to_pylist())
        for number, row in enumerate(rows, start=1):
            # pandas has no other sign for what is missing
            yield number, {name: None if isinstance(v, float) and isnan(v) else v for name, v in row.items()}
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{source}: expected a Parquet file, found something else ({error})") from None
