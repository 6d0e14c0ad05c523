"""What state files are in: numbers that change whenever a file does, and cost no reading of it."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import NDArray

MISSING = 0
SPREAD = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)  # odd, of no pattern
TAGS = ("ETag", "etag")  # by which stores tell an object's contents


def local_state(path: str) -> int:
    """Of a file of this machine, from its size and the times of its last change; `MISSING` where there is none.

    The time of the inode counts, too: it also changes where a file is replaced and keeps its date.
    """
    try:
        return state_of(os.stat(path))
    except (OSError, ValueError):
        return MISSING


def state_of(found: os.stat_result) -> int:
    """See `local_state`."""
    told = (found.st_size, found.st_mtime_ns, found.st_ctime_ns)
    return (told[0] * SPREAD[0] + told[1] * SPREAD[1] + told[2] * SPREAD[2]) & (2**63 - 1) or 1


def cloud_state(info: Mapping[str, Any]) -> int:
    """Of an object, from the tag that its store gives its contents; `MISSING` where the store gives none."""
    tag = next((str(info[name]) for name in TAGS if info.get(name)), None)
    if tag is None:
        return MISSING
    return int.from_bytes(blake2b(tag.strip('"').encode(), digest_size=8).digest()) >> 1 or 1


class States:
    """The states of many files by name, 16 bytes each."""

    def __init__(self, files: Iterable[tuple[str, int]]) -> None:
        names, states = array("q"), array("q")
        for name, state in files:
            names.append(hash(os.fsencode(name)))
            states.append(state)
        hashes = np.frombuffer(names, np.int64)
        order = np.argsort(hashes)
        self._hashes, self._states = hashes[order], np.frombuffer(states, np.int64)[order]

    def of(self, names: Sequence[bytes]) -> NDArray[np.int64]:
        """The state of each, `MISSING` where there is no such file."""
        places = places_of(self._hashes, hashed(names))
        return np.where(places < 0, MISSING, self._states[places] if len(self._states) else MISSING)


def hashed(names: Sequence[bytes]) -> NDArray[np.int64]:
    """Numbers that equal names share while a process lives."""
    return np.fromiter(map(hash, names), np.int64, len(names))


def places_of(known: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each wanted number stands among sorted ones; -1 for those that are not there."""
    if not len(known):
        return np.full(len(wanted), -1)
    places = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return np.where(known[places] == wanted, places, -1)
