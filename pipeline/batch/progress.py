"""How far a batch is: what is finished, what failed, what is left, told without reading a recording or a video."""

from __future__ import annotations

import json
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np

from .item_list import Items, Record, text
from .items import Entry, FileHashes, Rules, key_of, shared_key, token_of
from .ledger import LEDGER, in_order
from .places import Place, is_url, open_place
from .plan import Plan
from .remote import listed_states, recording_state
from .states import MISSING, States
from .worker import FAILED


def noted_failures(place: Place) -> set[str]:
    """The tokens of items whose failure is noted."""
    return {name.partition(".")[0] for name in place.names(FAILED)}


def is_among(tokens: set[str], record: Record) -> bool:
    """Whether an item's token is one of these."""
    return bool(tokens) and token_of(record.out) in tokens


class Keys:
    """The keys that items must have today. Files that many items share are looked at once."""

    def __init__(self, items: Items, rules: Rules) -> None:
        self._items, self._rules = items, rules
        self._files = FileHashes()
        self._shared: dict[tuple[int, bool], str] = {}

    def of(self, record: Record, own: Mapping[str, Any], *, audio: str, track: str | None) -> str:
        """The key of an item with settings of its `own` whose recording and track have these hashes."""
        number = record.shared, track is not None
        if number not in self._shared:
            settings = self._items.shared[record.shared]
            self._shared[number] = shared_key(settings, self._rules, tracked=number[1], files=self._files)
        return key_of(self._shared[number], own, text(record.out), audio=audio, track=track, files=self._files)


def unfinished(plan: Plan, out: str) -> Items:
    """Items of this share that a worker must look at.

    Left out are those whose video is there and whose record has the key of today's inputs, if the recording has not
    been touched since a worker read it.
    """
    place = open_place(out)
    parts = place.names(LEDGER)
    if not parts:
        return plan.mine
    keys, recordings, failed = Keys(plan.mine, plan.rules), _Recordings(), noted_failures(place)
    left = array("q")
    for index, (record, _, entry) in enumerate(in_order(place, plan.mine, States(place.states()), parts)):
        if entry is None or not _holds(record, entry, plan.mine, keys, recordings) or is_among(failed, record):
            left.append(index)
    return plan.mine.only(np.frombuffer(left, np.int64)) if left else plan.mine[:0]


def _holds(record: Record, entry: Entry, items: Items, keys: Keys, recordings: _Recordings) -> bool:
    """Whether an item is as it was when it was finished."""
    track, _, own = json.loads(record.rest)
    if entry.heard == MISSING or entry.heard != recordings.state(items.audio(record)):
        return False
    if track is None:
        entry = entry._replace(track=None)
    elif entry.followed == MISSING or entry.followed != recordings.state(track):
        return False
    return entry.key == keys.of(record, own, audio=entry.audio, track=entry.track)


class _Recordings:
    """What state recordings are in; of those in object stores whole folders are listed."""

    def __init__(self) -> None:
        self._folders: dict[str, States] = {}

    def state(self, audio: str) -> int:
        """`MISSING` where nobody tells."""
        if not is_url(audio):
            return recording_state(audio)
        folder, _, name = audio.rpartition("/")
        if folder not in self._folders:
            self._folders[folder] = States(listed_states(folder))
        return int(self._folders[folder].of([name.encode()])[0])
