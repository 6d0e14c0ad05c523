"""Things that change, and whoever wants to know."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Changing:
    """Something that changes, in any thread, and tells who listens.

    >>> thing, told = Changing(), []
    >>> thing.listen(lambda: told.append("changed"))
    >>> thing.tell()
    >>> told
    ['changed']
    """

    def __init__(self) -> None:
        self._listeners: set[Callable[[], None]] = set()
        self._listening = threading.Lock()

    def listen(self, told: Callable[[], None]) -> None:
        """Call `told` after every change, in the thread that made it."""
        with self._listening:
            self._listeners.add(told)

    def leave(self, told: Callable[[], None]) -> None:
        """Call it no more."""
        with self._listening:
            self._listeners.discard(told)

    def tell(self) -> None:
        """It has changed."""
        with self._listening:
            listeners = tuple(self._listeners)
        for told in listeners:
            told()
