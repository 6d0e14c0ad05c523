"""Work that overlaps: bounded queues between a producer, a pool of workers and a consumer, in order."""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def prefetch(items: Iterable[A], depth: int) -> Generator[A]:
    """Yield `items`, produced by a thread that runs at most `depth` items ahead.

    An exception in the producer is raised here; a consumer that stops early stops the producer.
    """
    buffer: queue.Queue[tuple[bool, object]] = queue.Queue(depth)
    stopped = threading.Event()

    def offer(entry: tuple[bool, object]) -> bool:
        while not stopped.is_set():
            try:
                buffer.put(entry, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def produce() -> None:
        try:
            for item in items:
                if not offer((True, item)):
                    return
            offer((False, None))
        except BaseException as error:
            offer((False, error))

    thread = threading.Thread(target=produce, name="prefetch", daemon=True)
    thread.start()
    try:
        while True:
            more, value = buffer.get()
            if more:
                yield value  # pyright: ignore[reportReturnType]
            elif isinstance(value, BaseException):
                raise value
            else:
                return
    finally:
        stopped.set()
        thread.join()


def ordered_map(function: Callable[[A], B], items: Iterable[A], *, workers: int, ahead: int) -> Iterator[B]:
    """`map(function, items)` on `workers` threads, in order, with at most `ahead` results waiting."""
    pending: deque[Future[B]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="worker") as pool:
        try:
            for item in items:
                pending.append(pool.submit(function, item))
                if len(pending) > ahead:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:
                future.cancel()
