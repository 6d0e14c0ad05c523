"""Which of very many names clash: by numbers of 64 bits, so that a million of them need little memory."""

from __future__ import annotations

from array import array

import numpy as np

from .names import folded


class Names:
    """Which of many names might collide, eight bytes each; `collisions` then tells which do."""

    def __init__(self) -> None:
        self._files = array("q")  # hashes of the folded names
        self._folders: set[int] = set()

    def add(self, name: str) -> None:
        """Take in one more."""
        self._files.append(self.hashed(name))
        self._folders.update(_above(name))

    def replace(self, index: int, name: str) -> None:
        """Name one otherwise."""
        self._files[index] = self.hashed(name)
        self._folders.update(_above(name))

    def alike(self) -> set[int]:
        """Hashes that several names have."""
        values, counts = np.unique(np.frombuffer(self._files, np.int64), return_counts=True)
        return set(values[counts > 1].tolist())

    def folders_too(self) -> set[int]:
        """Hashes of names that others have as a folder."""
        return self._folders.intersection(self._files)

    def touches(self, name: str, hashes: set[int]) -> bool:
        """Whether the name or a folder in it has one of the hashes."""
        return self.hashed(name) in hashes or not hashes.isdisjoint(_above(name))

    @staticmethod
    def hashed(name: str) -> int:
        """What equal names have in common."""
        return hash(folded(name))


def _above(name: str) -> list[int]:
    """Hashes of the folders in a name."""
    folders = folded(name).split("/")[:-1]
    return [hash("/".join(folders[: count + 1])) for count in range(len(folders))]
