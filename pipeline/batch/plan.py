"""From what a person asked for to the list of items: clips crossed with conditions, named, seeded, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from ... import __version__
from ...avatars.head import HeadModel
from ...avatars.library import find_avatar, open_avatar
from ...blendshapes.acting.style_files import load_style
from ...blendshapes.bundle import find_bundle
from ...blendshapes.models import check_model
from ...blendshapes.speech.accent_files import read_accents
from ...blendshapes.subtitles.webvtt import read_subtitles
from ...core.errors import InputError
from ...core.whole_files import is_file
from ..camera.path import open_camera
from ..emotion import check_examples, placed
from ..media.background import parse_background
from ..media.outputs import video_format
from ..settings import AXES, DEFAULTS, ClipSettings, option, read_settings
from ..style.learn import kind_of
from ..style.library import style_file, style_name
from .datasets import read_dataset
from .grid import Condition, parse_grid
from .items import Item, Rules, item_seed, shard_of
from .manifest_rows import MANIFESTS
from .names import (
    check_name,
    collisions,
    fill_template,
    folded,
    format_suffix,
    portable,
    safe_part,
    shortened,
    suffixes,
    told_apart,
)
from .places import is_url
from .results import COLUMNS, INPUTS
from .sources import Clip, Listing, Skip, read_folder, read_manifest

# Fields that tell items apart, the most telling first
DIFFERENCES = (("suffix",), ("folder",), *((axis,) for axis in AXES), ("folder", "suffix"), ("hash",))
# Settings that name a file, and what reads it
FILES: Mapping[str, Callable[[Path], object]] = {"accents": read_accents, "subtitles": read_subtitles}


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
    """Read the source and lay out all items; what is wrong with one of them is listed with those that are skipped.

    Raises InputError for what is wrong with the options, or where nothing is left to render.
    """
    rules = _rules(request)
    listing = _read(request)
    conditions = parse_grid(request.grid)
    head = open_avatar(request.settings.avatar).head  # any will do, to look at cameras
    _check_options(conditions, request, head)
    suffix = format_suffix(request.format)
    template = request.name or "_".join(["{id}", *(f"{{{axis}}}" for axis in conditions[0])])
    drafts: list[_Draft] = []
    skipped: list[Skip] = []
    for clip in listing.clips:
        for condition in conditions:
            try:
                drafts.append(_draft(clip, condition, request, template, suffix))
            except InputError as error:
                skipped.append(Skip(clip.origin, str(error).removeprefix(f"{clip.origin}: "), fault=True))
                break  # the other conditions would fail alike
    drafts = _told_apart(drafts, template)
    wrong = collisions((draft.item.out, draft.origin) for draft in drafts)
    wrong |= _unknown_words(drafts, head)
    items = [draft.item for i, draft in enumerate(drafts) if i not in wrong]
    skipped += [Skip(drafts[i].origin, reason, fault=True) for i, reason in sorted(wrong.items())]
    if not items and skipped:
        raise InputError(f"{skipped[0].name}: {skipped[0].reason}")
    items.sort(key=lambda item: item.out)
    part, parts = parse_shard(request.shard)
    mine = [item for item in items if shard_of(item.id, parts) == part]
    mine.sort(key=lambda item: (item.settings.avatar, item.out))
    return Plan(rules, items, mine, len(listing.clips), len(conditions), [*listing.skipped, *skipped])


@dataclass(frozen=True)
class _Draft:
    """An item before it is known whether its name is free."""

    item: Item
    clip: Clip
    condition: Condition
    named: Mapping[str, str]  # fields of the template

    @property
    def origin(self) -> str:
        return self.clip.origin + "".join(f" {axis}={value}" for axis, value in self.condition.items())


def _check_options(conditions: list[Condition], request: BatchRequest, head: HeadModel) -> None:
    """Raise InputError for what is wrong with the options themselves, whatever the clips are."""
    for condition in ({}, *conditions):
        settings = read_settings(condition, base=request.settings, named=lambda name: f"--grid {name}")
        find_avatar(settings.avatar)
        find_bundle(settings.weights)
        check_model(settings.model)
        _check_style(settings.style)
        for name, read in FILES.items():
            _check_file(read, getattr(settings, name))
    width, height = request.settings.size
    for camera in {request.settings.camera, *(c["camera"] for c in conditions if "camera" in c)}:
        open_camera(camera, head, width=width, height=height)


def _told_apart(drafts: list[_Draft], template: str) -> list[_Draft]:
    """The same items, where those whose names a template made equal have further words in them.

    The words are those of the first field in which all differ (`DIFFERENCES`). What differs in nothing stays as it is.
    Raises InputError where the template itself is to blame, for it leaves out an axis of the grid or the clips' ids.
    """
    groups: dict[str, list[int]] = {}
    for index, draft in enumerate(drafts):
        if draft.clip.out is None:
            groups.setdefault(folded(draft.item.out), []).append(index)
    result = list(drafts)
    for group in groups.values():
        if len(group) == 1:
            continue
        some = [drafts[i] for i in group]
        if "{id}" not in template or len({draft.clip.origin for draft in some}) < len(some):
            raise InputError(_advice(some[0], some[1]))
        for fields in DIFFERENCES:
            names = [told_apart(draft.item.out, by=[draft.named[f] for f in fields]) for draft in some]
            if len({folded(name) for name in names}) == len(names):
                for i, name in zip(group, names, strict=True):
                    result[i] = replace(drafts[i], item=replace(drafts[i].item, out=name))
                break
    return result


def _advice(first: _Draft, second: _Draft) -> str:
    differing = [name for name, value in first.named.items() if second.named.get(name, value) != value]
    fields = " or ".join(f"{{{name}}}" for name in differing if safe_part(first.named[name]) != "-")
    where = f"for {first.origin} and for {second.origin}"
    remedy = f"tell them apart with {fields or 'other words'} in --name"
    return f"output {first.item.out!r} would be written twice, {where}; {remedy}"


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
    if not request.max_duration >= 0.2:
        raise InputError(f"--max-duration {request.max_duration:g}: expected seconds from 0.2 on, or inf")
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


def _draft(clip: Clip, condition: Condition, request: BatchRequest, template: str, suffix: str) -> _Draft:
    told = {name: value for name, value in clip.settings.items() if name not in condition}
    if "emotion" in condition:
        told.pop("emotion_track", None)
    settings = _settings(clip, condition, told, request)
    usual = request.settings.emotion_track
    if "emotion" in {*condition, *told} or usual is None:
        track = told.get("emotion_track")
    else:
        track = told.get("emotion_track", str(usual.absolute()))
    named = {
        "id": clip.id,
        **{axis: _part_of_name(settings.plain(axis)) for axis in AXES},
        "weights": "built-in" if settings.weights is None else settings.weights.name,
        "style": style_name(settings.style),
        "emotion": "track" if track else _name_of_emotion(settings.emotion),
        "suffix": PurePosixPath(clip.audio).suffix[1:].lower() or "-",
        "folder": PurePosixPath(clip.audio).parent.name or "-",
        **clip.extra,
    }
    named["hash"] = sha256(f"{clip.audio}\0{named}".encode(errors="surrogatepass")).hexdigest()[:8]
    item = Item(
        id=clip.id,
        audio=clip.audio,
        out=check_name(_output(clip, named, template, suffix), request.folder, source=clip.origin),
        settings=settings,
        emotion_track=track,
        extra=clip.extra,
    )
    return _Draft(item, clip, condition, named)


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
    for name in FILES:
        if (path := getattr(settings, name)) is not None:
            changes[name] = path.absolute()
    for name in ("transcript", "lyrics"):
        if (text := getattr(settings, name)) is not None:
            changes[name] = _said(text, clip, request, name)
    changes |= {name: _anywhere(getattr(settings, name)) for name in ("avatar", "camera", "background")}
    if settings.style is not None:
        changes["style"] = _anywhere(settings.style)
    changes["emotion"] = placed(settings.emotion, _anywhere)
    return settings.model_copy(update=changes)


def _anywhere(name: str) -> str:
    """A name as it is, the path of a file as an absolute one, for workers elsewhere."""
    return str(Path(name).absolute()) if is_file(name) else name


def _said(text: str, clip: Clip, request: BatchRequest, name: str) -> str:
    """What is said or sung in a clip: a text, or the path of a file that lies beside the recordings."""
    if text == getattr(request.settings, name):
        text = fill_template(text, {"id": clip.id, **clip.extra}, option=option(name), safe=False)
    folder = Path(request.source)
    places = [Path(text), folder / text, folder.parent / text]
    return next((str(place.absolute()) for place in places if is_file(str(place))), text)


def _part_of_name(value: Any) -> str:
    """A value as it stands in the name of an output: of a file only its name."""
    return f"{value:g}" if isinstance(value, float) else PurePosixPath(str(value)).stem


def _name_of_emotion(emotion: str) -> str:
    """`angry0.6-sad0.2`, `a-little-nervous`, of an example only its name."""
    named = placed(emotion, lambda name: Path(name).stem if is_file(name) else name)
    return re.sub(r"[\s,+]+", "-", named.replace(":", ""))


def _output(clip: Clip, named: Mapping[str, str], template: str, suffix: str) -> str:
    if clip.out is not None:
        return clip.out if PurePosixPath(clip.out).suffix.lower() in suffixes() else clip.out + suffix
    name = fill_template(template, named)
    stem, dot, ending = name.rpartition(".")
    if dot and f".{ending}" in suffixes():
        name, suffix = stem, f".{ending}"
    return "/".join(shortened(portable(part)) for part in name.split("/")) + suffix


def _unknown_words(drafts: list[_Draft], head: HeadModel) -> dict[int, str]:
    """What is wrong with the avatars, weights, models and cameras that items name, by the item's index.

    Each is looked for once.
    """
    if not drafts:
        return {}
    first = drafts[0].item.settings

    def camera_of(name: str) -> object:
        return open_camera(name, head, width=first.width, height=first.height)

    finders: dict[str, Callable[[Any], object]] = {
        "avatar": find_avatar,
        "weights": find_bundle,
        "model": check_model,
        "camera": camera_of,
        "style": _check_style,
        **{name: partial(_check_file, read) for name, read in FILES.items()},
        "emotion": check_examples,
    }
    wrong: dict[int, str] = {}
    reasons: dict[tuple[str, object], str | None] = {}
    for index, draft in enumerate(drafts):
        for name, find in finders.items():
            value = getattr(draft.item.settings, name)
            if (name, value) not in reasons:
                reasons[name, value] = _complaint(find, value)
            if (reason := reasons[name, value]) is not None:
                wrong[index] = reason
    return wrong


def _check_style(name: str | None) -> None:
    if (path := style_file(name)) is not None and kind_of(path) == "style":
        load_style(path)


def _check_file(read: Callable[[Path], object], path: Path | None) -> None:
    if path is not None:
        read(path)


def _complaint(find: Callable[[Any], object], value: object) -> str | None:
    try:
        find(value)
    except InputError as error:
        return str(error)
    return None
