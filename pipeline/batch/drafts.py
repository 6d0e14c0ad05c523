"""From what a source tells of its clips to items with their settings and names, one after the other."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

from ...core.errors import InputError
from ..emotion import placed
from ..settings import AXES, DEFAULTS, FROM_VOICE, ClipSettings, option, read_settings
from ..style.library import style_name
from .answers import Answers
from .columns import COLUMNS, INPUTS
from .datasets import read_dataset
from .grid import Condition
from .items import OWN, PATHS, UNTOLD, Parts, item_seed, own_settings
from .manifest_rows import MANIFESTS
from .names import (
    fill_template,
    folded,
    format_suffix,
    led_out,
    portable,
    relative_name,
    safe_part,
    shortened,
    suffixes,
    told_apart,
)
from .places import is_url
from .sources import Clip, Skip, folder_of, manifest_clips, read_folder

MOST_KNOWN = 1000  # settings that clips have in common, kept at a time
PLAIN = r"(?:[^{}]|{\w+})*"  # a template of which all is clear
IS_FILE, LEADS_OUT = "file", "leads out"  # questions of planning (see `Answers`)
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

    parts: Parts
    clip: Clip
    condition: Condition
    words: Mapping[str, str]  # fields of the template that other clips have, too

    @property
    def origin(self) -> str:
        return self.clip.origin + "".join(f" {axis}={value}" for axis, value in self.condition.items())

    def named(self) -> dict[str, str]:
        """All fields of the template."""
        return _named(self.clip, self.words, self.parts.own)


class Drafting:
    """All clips of a request crossed with all conditions; what the source leaves out, and what is wrong with clips."""

    def __init__(self, request: BatchRequest, conditions: list[Condition], answers: Answers) -> None:
        self._request, self._conditions, self._answers = request, conditions, answers
        self.source = request.source
        self._suffix = format_suffix(request.format)
        self.template = request.name or "_".join(["{id}", *(f"{{{axis}}}" for axis in conditions[0])])
        self._fields = set(re.findall(r"{(\w+)}", self.template)) if re.fullmatch(PLAIN, self.template) else None
        self.clips = 0
        self.passed_over: list[Skip] = []  # of the source
        self.skipped: list[Skip] = []  # clips without a draft
        self._known: dict[str, _Common] = {}

    def drafts(self) -> Iterator[Draft]:
        """Every item, as far as its own clip tells."""
        for found in _read(self._request, self._is_file):
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

    def again(self) -> Iterator[Draft]:
        """The same once more."""
        return Drafting(self._request, self._conditions, self._answers).drafts()

    def _is_file(self, name: str) -> bool:
        return bool(self._answers.of(IS_FILE, name))

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
            self._known[key] = _common(clip, condition, told, request.settings, self._is_file)
        common = self._known[key]
        own = self._own(common, clip, condition, own)
        words = common.words_of_track if track else common.words
        source = clip.origin
        out = relative_name(self._output(clip, words, own), source=source)
        if request.folder is not None and self._answers.of(LEADS_OUT, out.rpartition("/")[0]):
            raise InputError(led_out(out, request.folder, source=source))
        return Draft(
            Parts(clip.id, clip.audio, out, common.shared, own, track, clip.extra, clip.sought), clip, condition, words
        )

    def _own(self, common: _Common, clip: Clip, condition: Condition, told: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that an item has for itself, which no default tells."""
        seed = common.own.get("seed") if "seed" in condition else item_seed(self._request.settings.seed, clip.id)
        if not told and not common.own.keys() - {"seed"}:  # as in most long lists
            return {"seed": seed} if seed else {}
        settings = read_settings(told, base=common.settings, named=lambda name: f"{clip.origin}: {name}")
        changes: dict[str, Any] = {} if "seed" in told else {"seed": seed or 0}
        for name in PATHS:
            if (path := getattr(settings, name)) is not None:
                changes[name] = path.absolute()
        for name in ("transcript", "lyrics"):
            if (text := getattr(settings, name)) is not None:
                changes[name] = self._said(text, clip, name)
        return own_settings(settings.model_copy(update=changes))

    def _said(self, text: str, clip: Clip, name: str) -> str:
        """What is said or sung in a clip: a text, or the path of a file that lies beside the recordings."""
        if text == getattr(self._request.settings, name):
            text = fill_template(text, {"id": clip.id, **clip.extra}, option=option(name), safe=False)
        folder = Path(self._request.source)
        places = [Path(text), folder / text, folder.parent / text]
        return next((str(place.absolute()) for place in places if self._is_file(str(place))), text)

    def _output(self, clip: Clip, words: Mapping[str, str], own: Mapping[str, Any]) -> str:
        if clip.out is not None:
            return clip.out if PurePosixPath(clip.out).suffix.lower() in suffixes() else clip.out + self._suffix
        values: Mapping[str, str] = {**words, "id": clip.id}
        fields = self._fields
        if fields is None or not fields <= values.keys() - set(OWN) or not fields.isdisjoint(clip.extra):
            values = _named(clip, words, own)
        name, suffix = fill_template(self.template, values), self._suffix
        stem, dot, ending = name.rpartition(".")
        if dot and f".{ending}" in suffixes():
            name, suffix = stem, f".{ending}"
        return "/".join(shortened(portable(part)) for part in name.split("/")) + suffix


def _named(clip: Clip, words: Mapping[str, str], own: Mapping[str, Any]) -> dict[str, str]:
    """All fields of the template."""
    audio = PurePosixPath(clip.audio)
    named = {
        "id": clip.id,
        **words,
        **{axis: _part_of_name(own.get(axis, UNTOLD[axis])) for axis in AXES if axis in OWN},
        "suffix": audio.suffix[1:].lower() or "-",
        "folder": audio.parent.name or "-",
        **clip.extra,
    }
    named["hash"] = sha256(f"{clip.audio}\0{named}".encode(errors="surrogatepass")).hexdigest()[:8]
    return named


def lists(request: BatchRequest) -> bool:
    """Whether the source is a manifest."""
    return request.dataset is None and PurePosixPath(request.source).suffix.lower() in MANIFESTS


def root_of(request: BatchRequest) -> str:
    """How the paths of most recordings begin."""
    if lists(request):
        return folder_of(request.source) + "/"
    return request.source if is_url(request.source) else f"{Path(request.source).absolute()}/"


def told_apart_drafts(drafts: list[Draft], template: str) -> list[Draft]:
    """The same items, where those whose names a template made equal have further words in them.

    The words are those of the first field in which all differ (`DIFFERENCES`). What differs in nothing stays as it is.
    Raises InputError where the template itself is to blame, for it leaves out an axis of the grid or the clips' ids.
    """
    groups: dict[str, list[int]] = {}
    for index, draft in enumerate(drafts):
        if draft.clip.out is None:
            groups.setdefault(folded(draft.parts.out), []).append(index)
    result = list(drafts)
    for group in groups.values():
        if len(group) == 1:
            continue
        some = [drafts[i] for i in group]
        if "{id}" not in template or len({draft.clip.origin for draft in some}) < len(some):
            raise InputError(_advice(some[0], some[1]))
        for fields in DIFFERENCES:
            names = [told_apart(draft.parts.out, by=[draft.named()[f] for f in fields]) for draft in some]
            if len({folded(name) for name in names}) == len(names):
                for i, name in zip(group, names, strict=True):
                    result[i] = replace(drafts[i], parts=drafts[i].parts._replace(out=name))
                break
    return result


def _advice(first: Draft, second: Draft) -> str:
    one, other = first.named(), second.named()
    differing = [name for name, value in one.items() if other.get(name, value) != value]
    fields = " or ".join(f"{{{name}}}" for name in differing if safe_part(one[name]) != "-")
    where = f"for {first.origin} and for {second.origin}"
    remedy = f"tell them apart with {fields or 'other words'} in --name"
    return f"output {first.parts.out!r} would be written twice, {where}; {remedy}"


def _read(request: BatchRequest, there: Callable[[str], bool]) -> Iterator[Clip | Skip]:
    if lists(request):
        yield from manifest_clips(request.source, ignored=frozenset(COLUMNS) - frozenset(INPUTS), there=there)
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
    """What many clips have in common."""

    settings: ClipSettings
    shared: ClipSettings  # without what clips have for themselves
    own: Mapping[str, Any]  # of that, what the options or the condition say
    words: Mapping[str, str]  # how names tell the settings
    words_of_track: Mapping[str, str]  # and where a track tells the emotion


def _common(
    clip: Clip, condition: Condition, told: Mapping[str, Any], base: ClipSettings, there: Callable[[str], bool]
) -> _Common:
    """Settings of the condition, else of the clip, else of the batch; files as absolute paths."""

    def anywhere(name: str) -> str:
        """A name as it is, the path of a file as an absolute one, for workers elsewhere."""
        return str(Path(name).absolute()) if there(name) else name

    def asked(values: Mapping[str, Any]) -> Mapping[str, Any]:
        """The same with examples of an emotion placed: what settings look for themselves is asked `there` before."""
        return {**values, "emotion": placed(values["emotion"], anywhere)} if "emotion" in values else values

    settings = read_settings(asked(told), base=base, named=lambda name: f"{clip.origin}: {name}")
    settings = read_settings(asked(condition), base=settings, named=lambda name: f"--grid {name}")
    changes: dict[str, Any] = {"emotion_track": None, "emotion": placed(settings.emotion, anywhere)}
    changes |= {name: anywhere(getattr(settings, name)) for name in ("avatar", "camera", "background")}
    if settings.weights is not None:
        changes["weights"] = settings.weights.absolute()
    for name in ("style", "effort"):
        if isinstance(named := getattr(settings, name), str):
            changes[name] = anywhere(named)
    settings = settings.model_copy(update=changes)
    words = {
        **{axis: _part_of_name(settings.plain(axis)) for axis in AXES},
        "weights": "built-in" if settings.weights is None else settings.weights.name,
        "style": style_name(settings.style),
        "effort": _part_of_name(FROM_VOICE if settings.effort is None else settings.effort),
        "emotion": _name_of_emotion(settings.emotion, there),
    }
    shared = settings.model_copy(update=UNTOLD)
    return _Common(settings, shared, own_settings(settings), words, words | {"emotion": "track"})


def _part_of_name(value: Any) -> str:
    """A value as it stands in the name of an output: of a file only its name."""
    return f"{value:g}" if isinstance(value, float) else PurePosixPath(str(value)).stem


def _name_of_emotion(emotion: str, there: Callable[[str], bool]) -> str:
    """`angry0.6-sad0.2`, `a-little-nervous`, of an example only its name."""
    named = placed(emotion, lambda name: Path(name).stem if there(name) else name)
    return re.sub(r"[\s,+]+", "-", named.replace(":", ""))
