"""Where the time of a clip goes: processor seconds per stage, over all threads."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TypeVar

A = TypeVar("A")


class StageClock:
    """Adds up the processor time that each named stage takes, whichever thread runs it."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._lock = threading.Lock()

    @contextmanager
    def measure(self, stage: str) -> Iterator[None]:
        """Count the enclosed work of this thread."""
        started = time.thread_time()
        try:
            yield
        finally:
            spent = time.thread_time() - started
            with self._lock:
                self.seconds[stage] = self.seconds.get(stage, 0.0) + spent

    def each(self, stage: str, items: Iterable[A]) -> Iterator[A]:
        """Count the work of producing each item."""
        iterator = iter(items)
        while True:
            with self.measure(stage):
                try:
                    item = next(iterator)
                except StopIteration:
                    return
            yield item
