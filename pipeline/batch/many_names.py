"""Which of very many names clash: by numbers of 64 bits, so that a million of them need little memory.

Names may share a number and be different; `names.collisions` then tells which clash.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable

import numpy as np

from .names import folded


def hashed(name: str) -> int:
    """What equal names have in common."""
    return hash(folded(name))


def alike(names: Iterable[str]) -> set[int]:
    """Hashes that several of the names have."""
    values, counts = np.unique(np.fromiter(map(hashed, names), np.int64), return_counts=True)
    return set(values[counts > 1].tolist())


def folders_too(names: Iterable[str]) -> set[int]:
    """Hashes of names that others have as a folder."""
    files, folders = array("q"), set[int]()
    for name in names:
        files.append(hashed(name))
        folders.update(_above(name))
    return folders.intersection(files)


def touches(name: str, hashes: set[int]) -> bool:
    """Whether the name or a folder in it has one of the hashes."""
    return hashed(name) in hashes or not hashes.isdisjoint(_above(name))


def _above(name: str) -> list[int]:
    """Hashes of the folders in a name."""
    folders = folded(name).split("/")[:-1]
    return [hash("/".join(folders[: count + 1])) for count in range(len(folders))]
