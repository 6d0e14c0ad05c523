"""What a batch is made of: one item per video, the settings that all items share, and what came of each item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from ...avatars.library import ASSETS, find_avatar
from ...blendshapes.bundle import find_bundle
from ...core.whole_files import is_file
from ..clip.request import ClipRequest
from ..clip.sidecar import file_sha256
from ..emotion import placed
from ..settings import DEFAULTS, ClipSettings, read_settings, use_of
from ..style.library import style_file

Status = Literal["done", "failed", "busy", "left"]
SEEDS = 2**31
FILES = tuple(name for name in ClipSettings.model_fields if use_of(name).file)
PATHS = frozenset({"accents", "subtitles"})
OWN = ("seed", "transcript", "lyrics", *sorted(PATHS))  # settings in which most clips differ
UNTOLD = {name: getattr(DEFAULTS, name) for name in OWN}
UNSHAPING = ("device", "start", "duration")  # settings that change no frame of an item


@dataclass(frozen=True)
class Rules:
    """What is the same for every item, besides its clip's settings."""

    device: str = "auto"
    max_duration: float = 900.0  # seconds; longer recordings are refused
    retry_failed: bool = False
    version: str = ""
    command: str = ""  # as the person typed it


@dataclass(frozen=True)
class Item:
    """One video to make."""

    id: str
    audio: str  # path or URL
    out: str  # relative to the batch's folder, with suffix
    settings: ClipSettings = DEFAULTS  # its emotion track is looked up in `emotion_track`
    emotion_track: str | None = None  # path or URL
    extra: dict[str, str] = field(default_factory=dict, hash=False)  # further columns of the manifest

    @property
    def token(self) -> str:
        """Name of this item's claim and failure files; independent of the file system's rules for names."""
        return hashlib.sha256(self.out.encode(errors="surrogatepass")).hexdigest()[:24]

    def told(self, name: str) -> Any:
        """What a manifest says in the column of a setting."""
        return self.emotion_track if name == "emotion_track" else self.settings.plain(name)

    def request(self, rules: Rules, *, audio: Path, track: Path | None, out: Path) -> ClipRequest:
        """The clip to render, from local copies of the item's files."""
        # one second more than allowed, so that nobody waits for a recording of a whole day to be read
        changes = {"emotion_track": track, "duration": rules.max_duration + 1}
        return ClipRequest(audio, out, read_settings(changes, base=self.settings))


class Items(Sequence[Item]):
    """Many items in little memory, 200 bytes each, in order of their outputs; made anew whenever they are asked for."""

    def __init__(
        self, records: list[bytes], shared: list[ClipSettings], chosen: NDArray[np.int64] | None = None
    ) -> None:
        self._records, self._shared = records, shared
        self._chosen = np.arange(len(records)) if chosen is None else chosen

    def __len__(self) -> int:
        return len(self._chosen)

    @overload
    def __getitem__(self, index: int) -> Item: ...
    @overload
    def __getitem__(self, index: slice) -> Items: ...
    def __getitem__(self, index: int | slice) -> Item | Items:
        if isinstance(index, slice):
            return self.only(range(len(self))[index])
        return self._item(self._records[self._chosen[index]])

    def only(self, indices: Sequence[int]) -> Items:
        """Those at these places."""
        return Items(self._records, self._shared, self._chosen[np.asarray(indices, np.int64)])

    def share(self, part: int, parts: int) -> Items:
        """Those of one part (see `shard_of`), grouped by avatar."""
        avatars = sorted({settings.avatar for settings in self._shared})
        rank = [avatars.index(settings.avatar) for settings in self._shared]
        ranks, own = np.empty(len(self), np.int32), np.ones(len(self), np.bool_)
        for index, chosen in enumerate(self._chosen):
            name, _, number, *_ = json.loads(self._records[chosen].partition(b"\0")[2])
            ranks[index] = rank[number]
            own[index] = parts == 1 or shard_of(name, parts) == part
        order = np.argsort(ranks, kind="stable")
        return Items(self._records, self._shared, self._chosen[order[own[order]]])

    def _item(self, record: bytes) -> Item:
        out, _, told = record.partition(b"\0")
        name, audio, number, track, extra, own = json.loads(told)
        settings = self._shared[number]
        for setting in PATHS & own.keys():
            own[setting] = Path(own[setting])
        return Item(name, audio, out.decode(), settings.model_copy(update=own), track, extra)


class ItemsMaker:
    """Collects items for `Items`: what many have in common is kept once."""

    def __init__(self) -> None:
        self._records: list[bytes] = []
        self._shared: dict[ClipSettings, int] = {}

    def add(self, item: Item) -> None:
        """Take in one more; its output must be a text that UTF-8 can tell."""
        common = item.settings.model_copy(update=UNTOLD)
        number = self._shared.setdefault(common, len(self._shared))
        own = {name: item.settings.plain(name) for name in OWN if getattr(item.settings, name) != UNTOLD[name]}
        told = [item.id, item.audio, number, item.emotion_track, item.extra, own]
        self._records.append(item.out.encode() + b"\0" + json.dumps(told).encode())

    def outs(self) -> Iterator[str]:
        """The outputs of all in the order in which they came."""
        return (record.partition(b"\0")[0].decode() for record in self._records)

    def rename(self, index: int, out: str) -> None:
        """Give the one that came at this place another output."""
        self._records[index] = out.encode() + b"\0" + self._records[index].partition(b"\0")[2]

    def items(self, *, without: Container[int] = ()) -> Items:
        """All of them but those that came at some places, in order of their outputs."""
        self._records = [record for index, record in enumerate(self._records) if index not in without]
        self._records.sort()  # as UTF-8 sorts, so do the signs that it stands for
        return Items(self._records, list(self._shared))


@dataclass(frozen=True)
class Outcome:
    """What came of one item."""

    item: Item
    status: Status
    key: str = ""
    fresh: bool = False  # rendered now, not found finished
    reason: str = ""  # of a failure
    frames: int = 0
    seconds: float = 0.0  # wall, while its frames were drawn


def item_key(item: Item, rules: Rules, *, audio: str, track: str | None, files: FileHashes) -> str:
    """SHA-256 over everything that shapes the item's frames; `audio` and `track` are hashes of their bytes."""
    weights = find_bundle(item.settings.weights)
    parts: dict[str, Any] = {name: item.settings.plain(name) for name in ClipSettings.model_fields}
    for name in UNSHAPING:
        del parts[name]
    for name in FILES:
        if isinstance(parts[name], str) and is_file(parts[name]):  # an effort may be a number
            parts[name] = files.of(Path(parts[name]))
    emotion = placed(parts["emotion"], lambda name: files.of(Path(name)) if is_file(name) else name)
    parts |= {
        "audio": audio,
        "emotion": None if track else emotion,
        "emotion_track": track,
        "avatar": files.of(find_avatar(item.settings.avatar)),
        "style": item.settings.style if (style := style_file(item.settings.style)) is None else files.of(style),
        "head": files.of(ASSETS / "heads" / "open.npz"),
        "weights": [files.of(file.path) for file in weights.files],
        "format": Path(item.out).suffix.lower(),
        "version": rules.version,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


class FileHashes:
    """SHA-256 of files that many items share, read again only when they change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}

    def of(self, path: Path) -> str:
        """SHA-256 of the file's bytes, hexadecimal."""
        state = path.stat()
        identity = (str(path), state.st_mtime_ns, state.st_size)
        if identity not in self._known:
            self._known[identity] = file_sha256(path)
        return self._known[identity]


def item_seed(master: int, clip: str) -> int:
    """The seed of a clip: the same on every engine and shard, and for all conditions of the clip."""
    return int.from_bytes(hashlib.sha256(f"{master}:{clip}".encode(errors="surrogatepass")).digest()[:8]) % SEEDS


def shard_of(clip: str, shards: int) -> int:
    """Which of `shards` parts a clip belongs to, from its id alone; in 0..shards-1."""
    return int.from_bytes(hashlib.sha256(clip.encode(errors="surrogatepass")).digest()[:8]) % shards
