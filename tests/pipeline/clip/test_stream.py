import threading
import time
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.pipeline.clip.stream import ordered_map, prefetch


@settings(max_examples=25)
@given(st.lists(st.integers()), st.integers(1, 4))
def test_prefetch_changes_nothing(items: list[int], depth: int) -> None:
    assert list(prefetch(items, depth)) == items


@settings(max_examples=25)
@given(st.lists(st.integers()), st.integers(1, 4), st.integers(1, 6))
def test_ordered_map_is_map(items: list[int], workers: int, ahead: int) -> None:
    assert list(ordered_map(lambda x: x * x, items, workers=workers, ahead=ahead)) == [x * x for x in items]


def test_errors_reach_the_consumer() -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise OSError("unplugged")

    stream = prefetch(broken(), 1)
    assert next(stream) == 1
    with pytest.raises(OSError, match="unplugged"):
        next(stream)
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda x: 1 // x, [1, 0, 1], workers=2, ahead=2))


def test_the_producer_stays_within_its_bound() -> None:
    made: list[int] = []

    def numbers() -> Iterator[int]:
        for i in range(1000):
            made.append(i)
            yield i

    stream = prefetch(numbers(), 3)
    next(stream)
    time.sleep(0.2)
    assert len(made) <= 6


def test_a_consumer_that_stops_ends_the_thread() -> None:
    before = threading.active_count()
    stream = prefetch(iter(range(10**9)), 2)
    next(stream)
    stream.close()  # pyright: ignore[reportAttributeAccessIssue]
    assert threading.active_count() == before
