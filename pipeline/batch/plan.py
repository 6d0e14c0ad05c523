"""From what a person asked for to the list of items: clips crossed with conditions, named, seeded, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ... import __version__
from ...avatars.library import find_avatar, open_avatar
from ...blendshapes.bundle import find_bundle
from ...blendshapes.emotion import canonical_emotion, parse_emotion
from ...core.errors import InputError
from ..camera.path import open_camera
from ..clip.request import FROM_VOICE, parse_direction, parse_size
from ..media.background import parse_background
from ..media.outputs import video_format
from ..media.video import frame_rate
from .datasets import read_dataset
from .grid import Condition, parse_grid
from .items import Item, Settings, item_seed, shard_of
from .names import check_collisions, check_name, fill_template, format_suffix, suffixes
from .places import is_url
from .results import COLUMNS
from .sources import MANIFESTS, Clip, Listing, Skip, read_folder, read_manifest


@dataclass(frozen=True)
class BatchRequest:
    """A batch in the person's own words; plain values only, so that it can be sent to other machines."""

    source: str  # folder, manifest, or root of a data set
    out: str  # folder or URL
    dataset: str | None = None
    glob: str = "**/*"
    grid: str = ""
    name: str | None = None
    format: str = "mp4"
    avatar: str = "person1"
    emotion: str = "neutral"
    intensity: float = 1.0
    weights: str | None = None
    seed: int = 0
    fps: str = "25"
    size: str = "512x512"
    camera: str = "front"
    background: str = "white"
    device: str = "auto"
    blink: bool = True
    head_motion: str = "subtle"
    max_duration: float = 900.0  # seconds
    shard: str | None = None  # "i/n"
    retry_failed: bool = False
    command: str = ""

    @property
    def folder(self) -> Path | None:
        """The output folder when it is local."""
        return None if is_url(self.out) else Path(self.out.removeprefix("file://"))


@dataclass(frozen=True)
class Plan:
    """Everything that is to be rendered, checked as far as names and words go."""

    settings: Settings
    items: list[Item]  # all, in order of their output names
    mine: list[Item]  # this shard's, grouped by avatar
    clips: int
    conditions: int
    skipped: list[Skip] = field(default_factory=list)


def make_plan(request: BatchRequest) -> Plan:
    """Read the source and lay out all items; raises InputError for the first thing that is wrong."""
    settings = _settings(request)
    listing = _read(request)
    conditions = parse_grid(request.grid)
    suffix = format_suffix(request.format)
    template = request.name or "_".join(["{id}", *(f"{{{axis}}}" for axis in conditions[0])])
    items: list[Item] = []
    origins: list[str] = []
    for clip in listing.clips:
        for condition in conditions:
            items.append(_item(clip, condition, request, template, suffix))
            origins.append(clip.origin + "".join(f" {axis}={value}" for axis, value in condition.items()))
    _check_words(items, origins, settings)
    check_collisions(zip((item.out for item in items), origins, strict=True))
    items.sort(key=lambda item: item.out)
    part, parts = parse_shard(request.shard)
    mine = [item for item in items if shard_of(item.id, parts) == part]
    mine.sort(key=lambda item: (item.avatar, item.out))
    return Plan(settings, items, mine, len(listing.clips), len(conditions), listing.skipped)


def parse_shard(text: str | None) -> tuple[int, int]:
    """Read `2/8` as the part with index 1 of 8; raises InputError."""
    if text is None:
        return 0, 1
    part, slash, parts = text.partition("/")
    if not (slash and part.isascii() and part.isdigit() and parts.isascii() and parts.isdigit()):
        raise InputError(f"--shard {text!r}: expected i/n, for instance 1/8 to 8/8")
    if not 1 <= int(part) <= int(parts) <= 100_000:
        raise InputError(f"--shard {text!r}: expected i from 1 to n, for instance 1/8 to 8/8")
    return int(part) - 1, int(parts)


def _settings(request: BatchRequest) -> Settings:
    width, height = parse_size(request.size)
    video_format(f"x{format_suffix(request.format)}").check(
        width=width, height=height, transparent=request.background == "transparent"
    )
    parse_background(request.background, width=width, height=height)
    if not 0.2 <= request.max_duration <= 86_400:
        raise InputError(f"--max-duration {request.max_duration:g}: expected seconds from 0.2 to 86400")
    if request.device not in ("auto", "cpu", "cuda"):
        raise InputError(f"--device {request.device!r}: expected auto, cpu or cuda")
    return Settings(
        fps=frame_rate(request.fps),
        width=width,
        height=height,
        camera=_anywhere(request.camera),
        background=_anywhere(request.background),
        device=request.device,
        blink=request.blink,
        head_motion=request.head_motion,
        max_duration=request.max_duration,
        retry_failed=request.retry_failed,
        version=__version__,
        command=request.command,
    )


def _read(request: BatchRequest) -> Listing:
    if request.dataset is not None:
        return read_dataset(request.dataset, request.source)
    if PurePosixPath(request.source).suffix.lower() in MANIFESTS:
        return read_manifest(request.source, ignored=frozenset(COLUMNS) - set(Item.__dataclass_fields__))
    listing = read_folder(request.source, request.glob)
    if not listing.clips:
        raise InputError(f"{request.source}: expected recordings that match {request.glob!r}, found none")
    return listing


def _item(clip: Clip, condition: Condition, request: BatchRequest, template: str, suffix: str) -> Item:
    values = {
        "avatar": _anywhere(condition.get("avatar") or clip.avatar or request.avatar),
        "emotion": _canonical(condition.get("emotion") or clip.emotion or request.emotion, clip.origin),
        "intensity": _number(condition.get("intensity"), clip.intensity, request.intensity, clip.origin),
        "weights": _folder(condition.get("weights") or clip.weights or request.weights),
        "seed": _seed(condition.get("seed"), clip, request),
    }
    track = None if "emotion" in condition else clip.emotion_track
    named = {
        "id": clip.id,
        "avatar": PurePosixPath(values["avatar"]).stem,
        "emotion": "track" if track else values["emotion"].replace(":", "").replace(",", "-"),
        "intensity": f"{values['intensity']:g}",
        "weights": PurePosixPath(values["weights"] or "built-in").name,
        "seed": str(values["seed"]),
        **clip.extra,
    }
    return Item(
        id=clip.id,
        audio=clip.audio,
        out=check_name(_output(clip, named, template, suffix), request.folder, source=clip.origin),
        emotion_track=track,
        extra=clip.extra,
        **values,
    )


def _anywhere(name: str) -> str:
    """A name as it is, the path of a file as an absolute one, for workers elsewhere."""
    return str(Path(name).absolute()) if Path(name).is_file() else name


def _folder(name: str | None) -> str | None:
    return None if name is None else str(Path(name).absolute())


def _output(clip: Clip, named: Mapping[str, str], template: str, suffix: str) -> str:
    name = fill_template(template, named) if clip.out is None else clip.out
    return name if PurePosixPath(name).suffix in suffixes() else name + suffix


def _canonical(emotion: str, origin: str) -> str:
    """The same emotion in canonical labels."""
    if emotion.strip().lower() == FROM_VOICE:
        return FROM_VOICE
    try:
        parse_emotion(emotion)
        parts = [part.partition(":") for part in emotion.split(",")]
        return ",".join(canonical_emotion(name) + colon + weight.strip() for name, colon, weight in parts)
    except InputError as error:
        raise InputError(f"{origin}: {error}") from None


def _number(condition: str | None, clip: float | None, default: float, origin: str) -> float:
    try:
        value = float(condition) if condition is not None else default if clip is None else clip
    except ValueError:
        raise InputError(f"--grid intensity={condition}: expected a number from 0 to 1") from None
    if not 0 <= value <= 1:
        raise InputError(f"{origin}: intensity: expected a number from 0 to 1, found {value:g}")
    return value


def _seed(condition: str | None, clip: Clip, request: BatchRequest) -> int:
    if condition is not None:
        if not (condition.isascii() and condition.isdigit() and int(condition) < 2**63):
            raise InputError(f"--grid seed={condition}: expected an integer from 0 to 2^63 - 1")
        return int(condition)
    return item_seed(request.seed, clip.id) if clip.seed is None else clip.seed


def _check_words(items: list[Item], origins: list[str], settings: Settings) -> None:
    """Avatars, weights, camera and directions that do not exist are found before anything runs."""
    named = list(zip(items, origins, strict=True))
    _check_each(find_avatar, {item.avatar: origin for item, origin in named})
    _check_each(find_bundle, {item.weights: origin for item, origin in named})
    if items:
        head = open_avatar(items[0].avatar).head
        open_camera(settings.camera, head, width=settings.width, height=settings.height)
        parse_direction(
            emotion="neutral", intensity=1, emotion_track=None, seed=0, blink=True, head_motion=settings.head_motion
        )


def _check_each(find: Callable[[Any], object], origins: Mapping[Any, str]) -> None:
    """Find every value once; what is wrong with one is said with the place that names it."""
    for value, origin in origins.items():
        try:
            find(value)
        except InputError as error:
            raise InputError(f"{origin}: {error}") from None
