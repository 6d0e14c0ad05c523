"""From what a source tells of its clips to items with their settings and names, one after the other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import InputError
from ...core.whole_files import is_file
from ..emotion import placed
from ..settings import AXES, DEFAULTS, FROM_VOICE, ClipSettings, option, read_settings
from ..style.library import style_name
from .datasets import read_dataset
from .grid import Condition
from .items import OWN, PATHS, Item, item_seed
from .manifest_rows import MANIFESTS
from .names import (
    check_name,
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
from .sources import Clip, Skip, manifest_clips, read_folder

MOST_KNOWN = 1000  # settings that clips have in common, kept at a time
# Fields that tell items apart, the most telling first
DIFFERENCES = (("suffix",), ("folder",), *((axis,) for axis in AXES), ("folder", "suffix"), ("hash",))


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
class Draft:
    """An item before it is known whether its name is free."""

    item: Item
    clip: Clip
    condition: Condition
    named: Mapping[str, str]  # fields of the template

    @property
    def origin(self) -> str:
        return self.clip.origin + "".join(f" {axis}={value}" for axis, value in self.condition.items())


class Drafting:
    """All clips of a request crossed with all conditions; what the source leaves out, and what is wrong with clips."""

    def __init__(self, request: BatchRequest, conditions: list[Condition]) -> None:
        self._request, self._conditions = request, conditions
        self._suffix = format_suffix(request.format)
        self.template = request.name or "_".join(["{id}", *(f"{{{axis}}}" for axis in conditions[0])])
        self.clips = 0
        self.passed_over: list[Skip] = []  # of the source
        self.skipped: list[Skip] = []  # clips without a draft
        self._known: dict[str, _Common] = {}

    def drafts(self) -> Iterator[Draft]:
        """Every item, as far as its own clip tells."""
        for found in _read(self._request):
            if isinstance(found, Skip):
                self.passed_over.append(found)
                continue
            self.clips += 1
            for condition in self._conditions:
                try:
                    yield self._draft(found, condition)
                except InputError as error:
                    reason = str(error).removeprefix(f"{found.origin}: ")
                    self.skipped.append(Skip(found.origin, reason, fault=True))
                    break  # the other conditions would fail alike

    def _draft(self, clip: Clip, condition: Condition) -> Draft:
        request = self._request
        told = {name: value for name, value in clip.settings.items() if name not in condition}
        track = told.pop("emotion_track", None)
        if "emotion" in condition:
            track = None
        elif track is None and "emotion" not in told and request.settings.emotion_track is not None:
            track = str(request.settings.emotion_track.absolute())
        own = {name: told.pop(name) for name in OWN if name in told}
        if (key := repr((told, condition))) not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = _common(clip, condition, told, request.settings)
        common = self._known[key]
        settings = _own_settings(common.settings, clip, condition, own, request)
        named = {
            "id": clip.id,
            **common.words,
            **{axis: _part_of_name(settings.plain(axis)) for axis in AXES if axis in OWN},
            **({"emotion": "track"} if track else {}),
            "suffix": PurePosixPath(clip.audio).suffix[1:].lower() or "-",
            "folder": PurePosixPath(clip.audio).parent.name or "-",
            **clip.extra,
        }
        named["hash"] = sha256(f"{clip.audio}\0{named}".encode(errors="surrogatepass")).hexdigest()[:8]
        out = check_name(_output(clip, named, self.template, self._suffix), request.folder, source=clip.origin)
        return Draft(Item(clip.id, clip.audio, out, settings, track, clip.extra), clip, condition, named)

    def again(self) -> Iterator[Draft]:
        """The same once more."""
        return Drafting(self._request, self._conditions).drafts()


def told_apart_drafts(drafts: list[Draft], template: str) -> list[Draft]:
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


def _advice(first: Draft, second: Draft) -> str:
    differing = [name for name, value in first.named.items() if second.named.get(name, value) != value]
    fields = " or ".join(f"{{{name}}}" for name in differing if safe_part(first.named[name]) != "-")
    where = f"for {first.origin} and for {second.origin}"
    remedy = f"tell them apart with {fields or 'other words'} in --name"
    return f"output {first.item.out!r} would be written twice, {where}; {remedy}"


def _read(request: BatchRequest) -> Iterator[Clip | Skip]:
    if request.dataset is None and PurePosixPath(request.source).suffix.lower() in MANIFESTS:
        yield from manifest_clips(request.source, ignored=frozenset(COLUMNS) - frozenset(INPUTS))
        return
    if request.dataset is not None:
        listing = read_dataset(request.dataset, request.source)
    else:
        listing = read_folder(request.source, request.glob)
        if not listing.clips:
            raise InputError(f"{request.source}: expected recordings that match {request.glob!r}, found none")
    yield from listing.skipped
    yield from listing.clips


@dataclass(frozen=True)
class _Common:
    """What many clips share: all settings but `OWN`, and how names tell them."""

    settings: ClipSettings
    words: Mapping[str, str]


def _common(clip: Clip, condition: Condition, told: Mapping[str, Any], base: ClipSettings) -> _Common:
    """Settings of the condition, else of the clip, else of the batch; files as absolute paths."""
    settings = read_settings(told, base=base, named=lambda name: f"{clip.origin}: {name}")
    settings = read_settings(condition, base=settings, named=lambda name: f"--grid {name}")
    changes: dict[str, Any] = {"emotion_track": None, "emotion": placed(settings.emotion, _anywhere)}
    changes |= {name: _anywhere(getattr(settings, name)) for name in ("avatar", "camera", "background")}
    if settings.weights is not None:
        changes["weights"] = settings.weights.absolute()
    for name in ("style", "effort"):
        if isinstance(named := getattr(settings, name), str):
            changes[name] = _anywhere(named)
    settings = settings.model_copy(update=changes)
    words = {
        **{axis: _part_of_name(settings.plain(axis)) for axis in AXES},
        "weights": "built-in" if settings.weights is None else settings.weights.name,
        "style": style_name(settings.style),
        "effort": _part_of_name(FROM_VOICE if settings.effort is None else settings.effort),
        "emotion": _name_of_emotion(settings.emotion),
    }
    return _Common(settings, words)


def _own_settings(
    common: ClipSettings, clip: Clip, condition: Condition, told: Mapping[str, Any], request: BatchRequest
) -> ClipSettings:
    """The settings of one item, with what only its clip tells."""
    settings = read_settings(told, base=common, named=lambda name: f"{clip.origin}: {name}") if told else common
    changes: dict[str, Any] = {}
    if "seed" not in {*told, *condition}:
        changes["seed"] = item_seed(request.settings.seed, clip.id)
    for name in PATHS:
        if (path := getattr(settings, name)) is not None:
            changes[name] = path.absolute()
    for name in ("transcript", "lyrics"):
        if (text := getattr(settings, name)) is not None:
            changes[name] = _said(text, clip, request, name)
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
