"""What engines have in common: the agenda of items, and the events that they send to whoever watches."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..items import Item, Outcome, Rules

BUSY_WAIT = 2.0  # seconds until an item that another process has is looked at again
TRIES = 2  # of an item whose worker dies


@dataclass(frozen=True)
class Event:
    """News of one worker: frames of an item, or what came of it."""

    worker: str
    item: Item
    done: int = 0  # frames
    total: int | None = None
    outcome: Outcome | None = None


class Engine(Protocol):
    """Runs items on workers of its kind."""

    @property
    def workers(self) -> int:
        """How many run at a time."""
        ...

    def run(self, rules: Rules, place: str, items: Sequence[Item]) -> Generator[Event]:
        """Render the items below `place`; exactly one event per item has an outcome."""
        ...


class Agenda:
    """Items still to be given out. Those whose worker died come back to be tried alone, as the death's suspects."""

    def __init__(self, items: Sequence[Item], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._fresh, self._left = iter(items), len(items)
        self._suspects: deque[Item] = deque()
        self._waiting: deque[tuple[float, Item]] = deque()  # another process has them
        self._deaths: dict[str, int] = {}
        self._clock = clock

    def __len__(self) -> int:
        return self._left + len(self._suspects) + len(self._waiting)

    def next(self) -> Item | None:
        """The next item that may share a worker with others."""
        if self._left:
            self._left -= 1
            return next(self._fresh)
        if self._waiting and self._waiting[0][0] <= self._clock():
            return self._waiting.popleft()[1]
        return None

    def next_suspect(self) -> Item | None:
        """The next item that must have a worker to itself."""
        return self._suspects.popleft() if self._suspects else None

    def wait(self, item: Item) -> None:
        """Another process has the item: look again later."""
        self._waiting.append((self._clock() + BUSY_WAIT, item))

    def died(self, item: Item) -> bool:
        """The item's worker died: try again if that may help, and say whether so."""
        self._deaths[item.out] = self._deaths.get(item.out, 0) + 1
        if self._deaths[item.out] >= TRIES:
            return False
        self._suspects.append(item)
        return True
