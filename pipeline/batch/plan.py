"""From what a person asked for to the list of items: clips crossed with conditions, named, seeded, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from ... import __version__
from ...avatars.library import find_avatar, open_avatar
from ...blendshapes.bundle import find_bundle
from ...blendshapes.models import check_model
from ...core.errors import InputError
from ...core.whole_files import is_file
from ..camera.path import open_camera
from ..media.background import parse_background
from ..media.outputs import video_format
from ..settings import AXES, DEFAULTS, ClipSettings, read_settings
from .datasets import read_dataset
from .grid import Condition, parse_grid
from .items import Item, Rules, item_seed, shard_of
from .names import check_collisions, check_name, fill_template, format_suffix, suffixes
from .places import is_url
from .results import COLUMNS, INPUTS
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
    settings: ClipSettings = DEFAULTS  # for clips that tell nothing else; its seed is the master seed
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

    rules: Rules
    items: list[Item]  # all, in order of their output names
    mine: list[Item]  # this shard's, grouped by avatar
    clips: int
    conditions: int
    skipped: list[Skip] = field(default_factory=list)


def make_plan(request: BatchRequest) -> Plan:
    """Read the source and lay out all items; raises InputError for the first thing that is wrong."""
    rules = _rules(request)
    listing = _read(request)
    conditions = parse_grid(request.grid)
    suffix = format_suffix(request.format)
    template = request.name or "_".join(["{id}", *(f"{{{axis}}}" for axis in conditions[0])])
    items: list[Item] = []
    origins: list[str] = []
    for clip in listing.clips:
        for condition in conditions:
            origins.append(clip.origin + "".join(f" {axis}={value}" for axis, value in condition.items()))
            items.append(_item(clip, condition, request, template, suffix))
    _check_words(items, origins)
    check_collisions(zip((item.out for item in items), origins, strict=True))
    items.sort(key=lambda item: item.out)
    part, parts = parse_shard(request.shard)
    mine = [item for item in items if shard_of(item.id, parts) == part]
    mine.sort(key=lambda item: (item.settings.avatar, item.out))
    return Plan(rules, items, mine, len(listing.clips), len(conditions), listing.skipped)


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


def _rules(request: BatchRequest) -> Rules:
    settings = request.settings
    background = parse_background(settings.background, width=settings.width, height=settings.height)
    video_format(f"x{format_suffix(request.format)}").check(
        width=settings.width, height=settings.height, transparent=background.transparent
    )
    if not 0.2 <= request.max_duration <= 86_400:
        raise InputError(f"--max-duration {request.max_duration:g}: expected seconds from 0.2 to 86400")
    return Rules(
        device=settings.device,
        max_duration=request.max_duration,
        retry_failed=request.retry_failed,
        version=__version__,
        command=request.command,
    )


def _read(request: BatchRequest) -> Listing:
    if request.dataset is not None:
        return read_dataset(request.dataset, request.source)
    if PurePosixPath(request.source).suffix.lower() in MANIFESTS:
        return read_manifest(request.source, ignored=frozenset(COLUMNS) - frozenset(INPUTS))
    listing = read_folder(request.source, request.glob)
    if not listing.clips:
        raise InputError(f"{request.source}: expected recordings that match {request.glob!r}, found none")
    return listing


def _item(clip: Clip, condition: Condition, request: BatchRequest, template: str, suffix: str) -> Item:
    told = {name: value for name, value in clip.settings.items() if name not in condition}
    if "emotion" in condition:
        told.pop("emotion_track", None)
    settings = _settings(clip, condition, told, request)
    track = told.get("emotion_track", settings.emotion_track and str(settings.emotion_track.absolute()))
    if "emotion" in {*condition, *told}:
        track = told.get("emotion_track")
    named = {
        "id": clip.id,
        **{axis: _part_of_name(settings.plain(axis)) for axis in AXES},
        "weights": "built-in" if settings.weights is None else settings.weights.name,
        "emotion": "track" if track else settings.emotion.replace(":", "").replace(",", "-"),
        **clip.extra,
    }
    return Item(
        id=clip.id,
        audio=clip.audio,
        out=check_name(_output(clip, named, template, suffix), request.folder, source=clip.origin),
        settings=settings,
        emotion_track=track,
        extra=clip.extra,
    )


def _settings(clip: Clip, condition: Condition, told: Mapping[str, Any], request: BatchRequest) -> ClipSettings:
    """The settings of one item: of the condition, else of the clip, else of the batch; files as absolute paths."""
    base = request.settings
    own = {name: value for name, value in told.items() if name != "emotion_track"}
    settings = read_settings(own, base=base, named=lambda name: f"{clip.origin}: {name}")
    settings = read_settings(condition, base=settings, named=lambda name: f"--grid {name}")
    changes: dict[str, Any] = {"emotion_track": None}
    if "seed" not in {*own, *condition}:
        changes["seed"] = item_seed(base.seed, clip.id)
    if settings.weights is not None:
        changes["weights"] = settings.weights.absolute()
    if settings.transcript is not None:
        changes["transcript"] = _transcript(settings.transcript, clip, request)
    changes |= {name: _anywhere(getattr(settings, name)) for name in ("avatar", "camera", "background")}
    return settings.model_copy(update=changes)


def _anywhere(name: str) -> str:
    """A name as it is, the path of a file as an absolute one, for workers elsewhere."""
    return str(Path(name).absolute()) if is_file(name) else name


def _transcript(text: str, clip: Clip, request: BatchRequest) -> str:
    """What is said in a clip: a text, or the path of a file that lies beside the recordings."""
    if text == request.settings.transcript:
        text = fill_template(text, {"id": clip.id, **clip.extra}, option="--transcript", safe=False)
    folder = Path(request.source)
    places = [Path(text), folder / text, folder.parent / text]
    return next((str(place.absolute()) for place in places if is_file(str(place))), text)


def _part_of_name(value: Any) -> str:
    """A value as it stands in the name of an output: of a file only its name."""
    return f"{value:g}" if isinstance(value, float) else PurePosixPath(str(value)).stem


def _output(clip: Clip, named: Mapping[str, str], template: str, suffix: str) -> str:
    name = fill_template(template, named) if clip.out is None else clip.out
    return name if PurePosixPath(name).suffix in suffixes() else name + suffix


def _check_words(items: list[Item], origins: list[str]) -> None:
    """Avatars, weights, models and cameras that do not exist are found before anything runs."""
    named = [(item.settings, origin) for item, origin in zip(items, origins, strict=True)]
    _check_each(find_avatar, {settings.avatar: origin for settings, origin in named})
    _check_each(find_bundle, {settings.weights: origin for settings, origin in named})
    _check_each(check_model, {settings.model: origin for settings, origin in named})
    if items:
        head, (width, height) = open_avatar(items[0].settings.avatar).head, items[0].settings.size
        cameras = {settings.camera: origin for settings, origin in named}
        _check_each(lambda camera: open_camera(camera, head, width=width, height=height), cameras)


def _check_each(find: Callable[[Any], object], origins: Mapping[Any, str]) -> None:
    """Find every value once; what is wrong with one is said with the place that names it."""
    for value, origin in origins.items():
        try:
            find(value)
        except InputError as error:
            raise InputError(f"{origin}: {error}") from None
