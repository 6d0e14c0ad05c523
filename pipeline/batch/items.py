"""What a batch is made of: one item per video, the settings that all items share, and what came of each item."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any, Literal

from ...avatars.library import ASSETS, find_avatar
from ...blendshapes.bundle import find_bundle
from ..clip.request import ClipRequest, parse_direction
from ..clip.sidecar import file_sha256

Status = Literal["done", "failed", "busy", "left"]
SEEDS = 2**31


@dataclass(frozen=True)
class Settings:
    """What is the same for every item."""

    fps: Fraction = Fraction(25)
    width: int = 512  # pixels
    height: int = 512
    camera: str = "front"
    background: str = "white"
    device: str = "auto"
    blink: bool = True
    head_motion: str = "subtle"
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
    avatar: str
    emotion: str
    intensity: float
    seed: int
    emotion_track: str | None = None
    weights: str | None = None  # folder; None: the built-in ones
    extra: dict[str, str] = field(default_factory=dict, hash=False)  # further columns of the manifest

    @property
    def token(self) -> str:
        """Name of this item's claim and failure files; independent of the file system's rules for names."""
        return hashlib.sha256(self.out.encode(errors="surrogatepass")).hexdigest()[:24]

    def request(self, settings: Settings, *, audio: Path, track: Path | None, out: Path) -> ClipRequest:
        """The clip to render, from local copies of the item's files; raises InputError."""
        direction = parse_direction(
            emotion=self.emotion,
            intensity=self.intensity,
            emotion_track=track,
            seed=self.seed,
            blink=settings.blink,
            head_motion=settings.head_motion,
        )
        return ClipRequest(
            source=audio,
            out=out,
            direction=direction,
            avatar=self.avatar,
            weights=None if self.weights is None else Path(self.weights),
            fps=settings.fps,
            width=settings.width,
            height=settings.height,
            camera=settings.camera,
            background=settings.background,
            device=settings.device,
            # one second more than allowed, so that nobody waits for a recording of a whole day to be read
            duration=settings.max_duration + 1,
        )


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


def item_key(item: Item, settings: Settings, *, audio: str, track: str | None, files: FileHashes) -> str:
    """SHA-256 over everything that shapes the item's frames; `audio` and `track` are hashes of their bytes."""
    weights = find_bundle(item.weights)
    parts: dict[str, Any] = {
        "audio": audio,
        "track": track,
        "avatar": files.of(find_avatar(item.avatar)),
        "head": files.of(ASSETS / "heads" / "open.npz"),
        "weights": [files.of(weights.speech), files.of(weights.fusion)],
        "emotion": None if track else item.emotion,
        "intensity": item.intensity,
        "seed": item.seed,
        "fps": str(settings.fps),
        "size": [settings.width, settings.height],
        "camera": files.of(camera) if (camera := Path(settings.camera)).is_file() else settings.camera,
        "background": files.of(picture) if (picture := Path(settings.background)).is_file() else settings.background,
        "blink": settings.blink,
        "head_motion": settings.head_motion,
        "format": Path(item.out).suffix.lower(),
        "version": settings.version,
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
