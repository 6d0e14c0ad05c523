"""From what a person asked for to the list of items: clips crossed with conditions, named, seeded, in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
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
from ..clip.request import background_in
from ..emotion import check_examples
from ..media.outputs import video_format
from ..settings import ClipSettings, read_settings
from ..style.learn import kind_of
from ..style.library import style_file
from .drafts import BatchRequest, Drafting, told_apart_drafts
from .grid import Condition, parse_grid
from .items import Items, ItemsMaker, Rules
from .many_names import alike, folders_too, hashed, touches
from .names import collisions, format_suffix
from .sources import Skip

# Settings that name a file, and what reads it
FILES: Mapping[str, Callable[[Path], object]] = {"accents": read_accents, "subtitles": read_subtitles}


@dataclass(frozen=True)
class Plan:
    """Everything that is to be rendered, checked as far as names and words go."""

    rules: Rules
    items: Items  # all, in order of their output names
    mine: Items  # this shard's, grouped by avatar
    clips: int
    conditions: int
    skipped: list[Skip] = field(default_factory=list)


def make_plan(request: BatchRequest) -> Plan:
    """Read the source and lay out all items; what is wrong with one of them is listed with those that are skipped.

    Raises InputError for what is wrong with the options, or where nothing is left to render.
    """
    rules = _rules(request)
    conditions = parse_grid(request.grid)
    head = open_avatar(request.settings.avatar).head  # any will do, to look at cameras
    _check_options(conditions, request, head)
    drafting, complaints = Drafting(request, conditions), _Complaints(request, head)
    maker = ItemsMaker()
    wrong: dict[int, Skip] = {}
    for index, draft in enumerate(drafting.drafts()):
        maker.add(draft.item)
        if (reason := complaints.about(draft.item.settings)) is not None:
            wrong[index] = Skip(draft.origin, reason, fault=True)
    _tell_apart(drafting, maker)
    wrong = _collisions(drafting, maker) | wrong
    items = maker.items(without=wrong.keys())
    skipped = [*drafting.skipped, *(wrong[index] for index in sorted(wrong))]
    if not items and skipped:
        raise InputError(f"{skipped[0].name}: {skipped[0].reason}")
    mine = items.share(*parse_shard(request.shard))
    return Plan(rules, items, mine, drafting.clips, len(conditions), [*drafting.passed_over, *skipped])


def _tell_apart(drafting: Drafting, maker: ItemsMaker) -> None:
    """Put further words into names that the template made equal."""
    if shared := alike(maker.outs()):
        found = {i: draft for i, draft in enumerate(drafting.again()) if hashed(draft.item.out) in shared}
        for index, draft in zip(found, told_apart_drafts(list(found.values()), drafting.template), strict=True):
            maker.rename(index, draft.item.out)


def _collisions(drafting: Drafting, maker: ItemsMaker) -> dict[int, Skip]:
    """Items that an earlier one leaves no place for, by their index."""
    if not (taken := alike(maker.outs()) | folders_too(maker.outs())):
        return {}
    named = zip(maker.outs(), drafting.again(), strict=True)
    some = {i: (out, draft.origin) for i, (out, draft) in enumerate(named) if touches(out, taken)}
    wrong = collisions(some.values())
    return {i: Skip(some[i][1], wrong[k], fault=True) for k, i in enumerate(some) if k in wrong}


def _check_options(conditions: list[Condition], request: BatchRequest, head: HeadModel) -> None:
    """Raise InputError for what is wrong with the options themselves, whatever the clips are."""
    for condition in ({}, *conditions):
        settings = read_settings(condition, base=request.settings, named=lambda name: f"--grid {name}")
        find_avatar(settings.avatar)
        find_bundle(settings.weights)
        check_model(settings.model)
        _check_style(settings.style)
        _check_effort(settings.effort)
        for name, read in FILES.items():
            _check_file(read, getattr(settings, name))
    width, height = request.settings.size
    for camera in {request.settings.camera, *(c["camera"] for c in conditions if "camera" in c)}:
        open_camera(camera, head, width=width, height=height)


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
    background_in(video_format(f"x{format_suffix(request.format)}"), settings)
    if not request.max_duration >= 0.2:
        raise InputError(f"--max-duration {request.max_duration:g}: expected seconds from 0.2 on, or inf")
    return Rules(
        device=settings.device,
        max_duration=request.max_duration,
        retry_failed=request.retry_failed,
        version=__version__,
        command=request.command,
    )


class _Complaints:
    """What is wrong with the avatars, weights, models and cameras that items name; each is looked for once."""

    def __init__(self, request: BatchRequest, head: HeadModel) -> None:
        width, height = request.settings.size

        def camera_of(name: str) -> object:
            return open_camera(name, head, width=width, height=height)

        self._finders: dict[str, Callable[[Any], object]] = {
            "avatar": find_avatar,
            "weights": find_bundle,
            "model": check_model,
            "camera": camera_of,
            "style": _check_style,
            "effort": _check_effort,
            **{name: partial(_check_file, read) for name, read in FILES.items()},
            "emotion": check_examples,
        }
        self._reasons: dict[tuple[str, object], str | None] = {}

    def about(self, settings: ClipSettings) -> str | None:
        """The last of what is wrong with these settings."""
        found = None
        for name, find in self._finders.items():
            value = getattr(settings, name)
            if (name, value) not in self._reasons:
                self._reasons[name, value] = _complaint(find, value)
            found = self._reasons[name, value] or found
        return found


def _check_style(name: str | None) -> None:
    if (path := style_file(name)) is not None and kind_of(path) == "style":
        load_style(path)


def _check_effort(told: float | str | None) -> None:
    if isinstance(told, str) and not is_file(told):
        raise InputError(f"effort: {told}: no such file")


def _check_file(read: Callable[[Path], object], path: Path | None) -> None:
    if path is not None:
        read(path)


def _complaint(find: Callable[[Any], object], value: object) -> str | None:
    try:
        find(value)
    except InputError as error:
        return str(error)
    return None
