"""What a batch is made of: one item per video, the settings that all items share, and what came of each item."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

from ...avatars.library import ASSETS, find_avatar
from ...blendshapes.bundle import find_bundle
from ...core.whole_files import is_file
from ..clip.request import ClipRequest
from ..clip.sidecar import file_sha256
from ..emotion import placed
from ..settings import DEFAULTS, ClipSettings, read_settings, use_of
from ..style.library import style_file
from .states import state_of

Status = Literal["done", "failed", "busy", "left"]
SEEDS = 2**31
FILES = tuple(name for name in ClipSettings.model_fields if use_of(name).file)
PATHS = frozenset({"accents", "subtitles"})
OWN = ("seed", "transcript", "lyrics", *sorted(PATHS))  # settings in which most clips differ
UNTOLD = {name: getattr(DEFAULTS, name) for name in OWN}
_encode = json.JSONEncoder(sort_keys=True).encode  # made once, for very many keys
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
        return token_of(self.out.encode(errors="surrogatepass"))

    def request(self, rules: Rules, *, audio: Path, track: Path | None, out: Path) -> ClipRequest:
        """The clip to render, from local copies of the item's files."""
        # one second more than allowed, so that nobody waits for a recording of a whole day to be read
        changes = {"emotion_track": track, "duration": rules.max_duration + 1}
        return ClipRequest(audio, out, read_settings(changes, base=self.settings))


class Parts(NamedTuple):
    """An item as a plan keeps it: what it has in common with others apart from what is its own."""

    id: str
    audio: str
    out: str
    shared: ClipSettings  # `OWN` as by default
    own: dict[str, Any]  # see `own_settings`
    emotion_track: str | None
    extra: dict[str, str]
    sought: str | None = None  # see `Clip`

    @property
    def item(self) -> Item:
        """The item itself."""
        own = {name: Path(value) if name in PATHS else value for name, value in self.own.items()}
        settings = self.shared.model_copy(update=own)
        return Item(self.id, self.audio, self.out, settings, self.emotion_track, self.extra)


class Entry(NamedTuple):
    """What is known of a finished item besides its video, and the states (`states.py`) of the files that tell it."""

    out: str
    record: int  # state of the record beside the video
    heard: int = 0  # of the recording, before it was read; 0 where nobody looked
    followed: int = 0  # of the emotion track
    key: str = ""
    audio: str = ""  # SHA-256 of the recording
    track: str | None = None  # and of the track
    results: tuple[Any, ...] = ()  # of `columns.RESULTS`


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
    entry: Entry | None = None  # of one that is done


def token_of(out: bytes) -> str:
    """See `Item.token`."""
    return hashlib.sha256(out).hexdigest()[:24]


def own_settings(settings: ClipSettings) -> dict[str, Any]:
    """Of the settings in which most clips differ, those that are not as by default, as plain values."""
    return {name: settings.plain(name) for name in OWN if getattr(settings, name) != UNTOLD[name]}


def item_key(item: Item, rules: Rules, *, audio: str, track: str | None, files: FileHashes) -> str:
    """SHA-256 over everything that shapes the item's frames; `audio` and `track` are hashes of their bytes."""
    shared = shared_key(item.settings, rules, tracked=track is not None, files=files)
    return key_of(shared, own_settings(item.settings), item.out, audio=audio, track=track, files=files)


def shared_key(settings: ClipSettings, rules: Rules, *, tracked: bool, files: FileHashes) -> str:
    """SHA-256 over what many items have in common: all settings but `OWN`, and the files that they name.

    `tracked`: a track tells the emotion.
    """
    weights = find_bundle(settings.weights)
    parts: dict[str, Any] = {name: settings.plain(name) for name in ClipSettings.model_fields}
    for name in (*UNSHAPING, *OWN):
        del parts[name]
    for name in FILES:
        if name not in OWN:
            parts[name] = _content(parts[name], files)
    emotion = placed(settings.emotion, lambda name: files.of(Path(name)) if is_file(name) else name)
    parts |= {
        "emotion": None if tracked else emotion,
        "emotion_track": None,
        "avatar": files.of(find_avatar(settings.avatar)),
        "style": settings.style if (style := style_file(settings.style)) is None else files.of(style),
        "head": files.of(ASSETS / "heads" / "open.npz"),
        "weights": [files.of(file.path) for file in weights.files],
        "version": rules.version,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def key_of(shared: str, own: Mapping[str, Any], out: str, *, audio: str, track: str | None, files: FileHashes) -> str:
    """The key of an item whose parts are known (see `item_key`)."""
    contents = {name: _content(value, files) if name in FILES else value for name, value in own.items()}
    suffix = "." + out.rpartition(".")[2].lower()  # every output has one
    told = _encode([shared, suffix, audio, track, contents])
    return hashlib.sha256(told.encode()).hexdigest()


def _content(value: Any, files: FileHashes) -> Any:
    """What a setting stands for: of a file its hash."""
    return files.of(Path(value)) if isinstance(value, str) and is_file(value) else value


class FileHashes:
    """SHA-256 of files that many items share, read again only when they change."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], str] = {}

    def of(self, path: Path) -> str:
        """SHA-256 of the file's bytes, hexadecimal."""
        identity = (str(path), state_of(path.stat()))
        if identity not in self._known:
            self._known[identity] = file_sha256(path)
        return self._known[identity]


def item_seed(master: int, clip: str) -> int:
    """The seed of a clip: the same on every engine and shard, and for all conditions of the clip."""
    return int.from_bytes(hashlib.sha256(f"{master}:{clip}".encode(errors="surrogatepass")).digest()[:8]) % SEEDS


def shard_of(clip: str, shards: int) -> int:
    """Which of `shards` parts a clip belongs to, from its id alone; in 0..shards-1."""
    return int.from_bytes(hashlib.sha256(clip.encode(errors="surrogatepass")).digest()[:8]) % shards
