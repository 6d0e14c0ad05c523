"""Where clips come from: a folder of recordings, or a manifest."""

from __future__ import annotations

import fnmatch
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from ...core.errors import InputError
from ...core.media_formats import FILM, SOUND
from ...core.whole_files import is_file
from ..clip.sidecar import as_record
from ..emotion import placed
from ..settings import COLUMNS, names_recording
from .manifest_rows import AUDIO, LANGUAGE, MANIFESTS, manifest_rows
from .places import STATE, is_url
from .remote import open_url

MAX_MANIFEST = 1 << 30  # bytes
PLAIN = re.compile(r"[^./\\][^/\\]*(/[^./\\][^/\\]*)*")  # a path that has one spelling


@dataclass(frozen=True)
class Clip:
    """One recording as its source describes it; None where the source says nothing."""

    id: str
    audio: str  # path or URL
    origin: str  # for messages: file and line, or the recording's name
    settings: dict[str, Any] = field(default_factory=dict)  # by name, in the source's own words
    out: str | None = None
    extra: dict[str, str] = field(default_factory=dict)
    sought: str | None = None  # what a manifest calls the recording, unless it simply lies there


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
                f"{root}: expected a folder of recordings or a list of them ({', '.join(sorted(MANIFESTS))}), "
                f"found {'another file' if root.exists() else 'nothing'}"
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


def _path_of(value: Any) -> Any:
    """The path of a recording, which Hugging Face's tables keep beside its bytes."""
    path = value.get("path") if isinstance(value, dict) else value
    return path if path is not None else value


Text = Annotated[Annotated[str, Field(max_length=4096)] | None, BeforeValidator(_as_text)]


class Row(BaseModel):
    """One line of a manifest."""

    model_config = ConfigDict(extra="allow")

    audio: Annotated[str, BeforeValidator(_path_of)] = Field(
        min_length=1, max_length=4096, validation_alias=AliasChoices(*AUDIO)
    )
    id: Text = None
    out: Text = None


def read_manifest(source: str) -> Listing:
    """All that `manifest_clips` tells."""
    clips: list[Clip] = []
    skipped: list[Skip] = []
    for found in manifest_clips(source):
        if isinstance(found, Clip):
            clips.append(found)
        else:
            skipped.append(found)
    return Listing(clips, skipped)


def manifest_clips(
    source: str, *, ignored: frozenset[str] = frozenset(), there: Callable[[str], bool] = is_file
) -> Iterator[Clip | Skip]:
    """The rows of a manifest, one after the other; paths in it are relative to it.

    `ignored` columns are left out; all others beyond `Row` are passed through. Rows that are wrong are skipped, each
    with its line. `there` is asked for files that many rows may name. Raises InputError where the file as a whole is
    wrong, or no row was right.
    """
    folder = folder_of(source)
    wrong: Skip | None = None
    right = False
    for line, values in manifest_rows(source, read_bytes(source)):
        where = f"{source}: line {line}"
        try:
            if isinstance(values, str):
                raise InputError(values)
            clip = _clip(_row(values, ignored), folder, where, there)
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


def folder_of(source: str) -> str:
    """The folder that the paths in a manifest are relative to."""
    return source.rpartition("/")[0] if is_url(source) else str(Path(source).absolute().parent)


def _clip(row: Row, folder: str, where: str, there: Callable[[str], bool]) -> Clip:
    others = row.model_extra or {}
    settings = {n: v for n in COLUMNS if n in others and (v := _blank_is_none(others[n])) is not None}
    told = next((v for name in LANGUAGE if (v := _blank_is_none(others.get(name))) is not None), None)
    if told is not None:
        settings["language"] = str(told)[:100]  # of no consequence without a transcript
    if "emotion" in settings and "emotion_track" in settings:
        raise InputError("expected emotion or emotion_track, found both")
    if PurePosixPath(row.audio).name in ("", "..") or "\0" in row.audio:
        raise InputError(f"audio: expected the path of a recording, found {row.audio[:60]!r}")
    audio, sought = recording(folder, row.audio)
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
        settings[name] = _beside(folder, settings[name], there)
    if names_recording(settings.get("effort")):  # not a number, whatever else is called so
        settings["effort"] = _beside(folder, settings["effort"], there)
    if "emotion" in settings:
        settings["emotion"] = placed(str(settings["emotion"]), lambda name: _beside(folder, name, there))
    return Clip(
        id=row.id or PurePosixPath(audio).stem,
        audio=audio,
        origin=where,
        settings=settings,
        out=row.out,
        extra={name: _plain(value) for name, value in others.items() if name not in COLUMNS},
        sought=sought,
    )


def recording(folder: str, path: str) -> tuple[str, str | None]:
    """Where a manifest's recording lies: where it says, or in `clips` beside it as in Common Voice.

    Where nothing is there, spaces and quotation marks around it are taken off, and Windows' separators turned. With it
    the path as it was, unless a file or a URL was found right there.
    """
    if path.lower().startswith("file:"):
        return unquote(urlsplit(path).path), path
    first = _joined(folder, path)
    if is_url(first) or is_file(first):
        return first, None
    bare = path.strip().strip("'\"")
    for name in dict.fromkeys((path, bare, bare.replace("\\", "/"))):
        for place in (_joined(folder, name), _joined(f"{folder}/clips", name)):
            if place != first and (is_url(place) or is_file(place)):
                return place, path
    return first, path


def _beside(folder: str, name: Any, there: Callable[[str], bool]) -> Any:
    """The path of a file of this name beside the manifest; else the name as it is."""
    path = _joined(folder, str(name))
    return path if there(path) else name


def _joined(folder: str, path: str) -> str:
    if is_url(path) or os.path.isabs(path):
        return path
    if is_url(folder):
        return f"{folder}/{path}"
    return f"{folder}/{path}" if PLAIN.fullmatch(path) else str(Path(folder, path))


def _plain(value: Any) -> str:
    if isinstance(value, str):
        return value
    return "" if value is None else json.dumps(value, default=str, ensure_ascii=False)
