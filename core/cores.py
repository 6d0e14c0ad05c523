"""How many processor cores this process may use, and how many of them PyTorch does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager


def usable_cores() -> int:
    """Cores that the system lets this process use, at least 1; others than Linux tell only how many there are."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch on one thread, since more only wait for each other at small sizes; afterwards on as many as before.

    For a block, or as a decorator for a function.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
