"""A batch's plan, kept in its folder: the next run reads it instead of making it, unless anything it rests on changed.

It rests on the bytes of the manifest, the options, the version, and on what planning asked about files and names
(`Answers`), which is asked again. Recordings are looked for again, too. Plans of folders and data sets are not kept.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from ... import __version__
from ...core.errors import InputError
from ...core.whole_files import is_file
from ..settings import DEFAULTS, ClipSettings, read_settings
from .answers import Answers
from .arrow_files import as_bytes, read_sealed, write_sealed
from .drafts import LEADS_OUT, BatchRequest, lists
from .item_list import Items, Record, schema
from .places import STATE, Place, is_url, open_place
from .plan import Plan, checked, make_plan, parse_shard
from .sources import Skip, folder_of, read_bytes, recording

FILE = f"{STATE}/plan.arrow"
FORMAT = 1  # grows when plans are made or kept otherwise
MAKER = "plan"  # in the name of the folder in which it is made: one that was killed leaves a folder to the next
ABOUT = b"emosplat"
LEAVES = re.compile(rb"/[./]|[\\\0]|/\Z|/[A-Za-z]:")  # is in no output behind a slash (see `names.relative_name`)
RESTS_ON = ("source", "out", "glob", "grid", "name", "format")  # and on the settings


def load_plan(request: BatchRequest) -> Plan:
    """The plan that an earlier run kept where it still holds, else a new one; raises InputError as `make_plan` does."""
    key = _key(request)
    plan = None if key is None else _kept(request, key)
    return plan or replace(make_plan(request), key=key)


def keep_plan(plan: Plan, request: BatchRequest, place: Place) -> None:
    """Keep a new plan for the runs to come, unless its manifest changed meanwhile. Failure to do so stops nobody."""
    if plan.kept or plan.key is None or not plan.answers.complete or plan.key != _key(request):
        return
    shared = [_told(settings) for settings in plan.items.shared]
    if [read_settings(told) for told in shared] != plan.items.shared:
        return  # settings that only Python can say
    about = {
        "key": plan.key,
        "clips": plan.clips,
        "conditions": plan.conditions,
        "skipped": [(skip.name, skip.reason, skip.fault) for skip in plan.skipped],
        "answers": plan.answers.told(),
        "shared": shared,
        "root": plan.items.root,
        "extra": plan.items.extra,
    }
    with suppress(Exception):  # each store has exceptions of its own
        place.sweep(FILE, MAKER)
    with suppress(Exception), place.staging(FILE, MAKER) as folder:
        path = folder / "plan.arrow"
        with path.open("wb") as file:
            write_sealed(file, schema().with_metadata({ABOUT: json.dumps(about).encode()}), plan.items.batches())
        place.publish(path, FILE)


def _kept(request: BatchRequest, key: str) -> Plan | None:
    try:
        data = open_place(request.out).read(FILE)
    except Exception:  # each store has exceptions of its own; a run will say what is wrong with the folder
        return None
    table = read_sealed(data, Record._fields)
    if table is None:
        return None
    about: dict[str, Any] = json.loads(table.schema.metadata[ABOUT])
    if about["key"] != key:
        return None
    rules, _, answers = checked(request)
    if not answers.hold([(kind, name, answer) for kind, name, answer in about["answers"]]):
        return None
    shared = [read_settings(told) for told in about["shared"]]
    items = Items(table, shared, root=about["root"], extra=tuple(about["extra"]))
    if not _outputs_lie_within(items, answers) or not _recordings_lie(items, folder_of(request.source)):
        return None
    skipped = [Skip(*skip) for skip in about["skipped"]]
    mine = items.share(*parse_shard(request.shard))
    return Plan(rules, items, mine, about["clips"], about["conditions"], skipped, answers, key, kept=True)


def _outputs_lie_within(items: Items, answers: Answers) -> bool:
    """Whether no output would leave the batch's folder: others may write there, too, and make up a plan."""
    folders: set[bytes] = set()
    for batch in items.batches():
        outs = as_bytes(batch["out"])
        if LEAVES.search(b"/".join([b"", *outs])):
            return False
        folders.update(out.rpartition(b"/")[0] for out in outs)
    return not any(answers.of(LEADS_OUT, folder.decode()) for folder in folders)


def _recordings_lie(items: Items, folder: str) -> bool:
    """Whether every recording would be found where it was."""
    for audio, sought in items.recordings():
        if sought is not None:
            if recording(folder, sought) != (audio, sought):
                return False
        elif not (is_file(audio) or is_url(audio)):
            return False
    return True


def _key(request: BatchRequest) -> str | None:
    """SHA-256 over what a plan rests on, but for answers; None for what is not kept."""
    if not lists(request) or not isinstance(request.settings.emotion, str):
        return None
    try:
        manifest = _digest(request.source)
    except (InputError, OSError):
        return None  # `make_plan` says what is wrong
    settings = {name: request.settings.plain(name) for name in ClipSettings.model_fields}
    options = {name: getattr(request, name) for name in RESTS_ON}
    parts = [FORMAT, __version__, str(Path.cwd()), manifest, settings, options]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _digest(source: str) -> str:
    if is_url(source):
        return hashlib.sha256(read_bytes(source)).hexdigest()
    with open(source, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _told(settings: ClipSettings) -> Mapping[str, Any]:
    """The settings that are not as by default, in words that JSON has."""
    names = (name for name in ClipSettings.model_fields if getattr(settings, name) != getattr(DEFAULTS, name))
    return {name: list(settings.size) if name == "size" else settings.plain(name) for name in names}
