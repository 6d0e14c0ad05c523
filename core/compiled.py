"""Inner loops compiled by numba: kept on disk where some folder can be written, else compiled anew in every process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from numba import njit  # pyright: ignore[reportUnknownVariableType]
from numba.core import config
from numba.core.caching import FunctionCache


def compiled(function: Callable[..., Any], *, key: str = "", **options: Any) -> Any:
    """The function compiled by numba's `njit` with these options; `key` names what the code depends on beside its file.

    A disk that is full or read-only costs time and nothing else. With NUMBA_DISABLE_JIT it is the function itself.
    """
    dispatcher: Any = njit(function, **options)
    if dispatcher is not function and _has_folder(function):
        with suppress(RuntimeError, OSError):  # numba found no folder that it may write to
            dispatcher._cache = _Cache(function, key)
    return dispatcher


def cache_folder(dispatcher: Any) -> str | None:
    """Where a compiled function is kept; None where nothing is."""
    cache = getattr(dispatcher, "_cache", None)
    return cache.cache_path if cache is not None else None


def is_kept(dispatcher: Any) -> bool:
    """Whether compiled code of this function lies on disk; it may be of an earlier version."""
    index = getattr(getattr(dispatcher, "_cache", None), "_cache_file", None)
    return index is not None and Path(index._index_path).exists()


@contextmanager
def always_compiled() -> Iterator[None]:
    """For functions that are no Python but instructions of the processor, whatever NUMBA_DISABLE_JIT says."""
    before = config.DISABLE_JIT  # pyright: ignore[reportAttributeAccessIssue]
    config.DISABLE_JIT = 0  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        config.DISABLE_JIT = before  # pyright: ignore[reportAttributeAccessIssue]


class _Cache(FunctionCache):
    """numba's cache on disk, which knows of other files that the code is made from, and survives a disk that fails."""

    def __init__(self, function: Callable[..., Any], key: str) -> None:
        super().__init__(function)
        self._further_key = key

    def _index_key(self, sig: Any, codegen: Any) -> Any:
        own = super()._index_key(sig, codegen)
        return (own, self._further_key) if self._further_key else own

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever a damaged file makes of numba's reader
            with suppress(OSError):
                self.flush()  # which forgets what is there
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        with suppress(OSError):
            super().save_overload(sig, data)


def _has_folder(function: Callable[..., Any]) -> bool:
    """Whether numba can look for a folder: without a home it would make one called `~` where it is."""
    if config.CACHE_DIR:  # pyright: ignore[reportAttributeAccessIssue]
        return True
    try:
        Path.home()
    except RuntimeError:
        return os.access(Path(function.__code__.co_filename).parent, os.W_OK)
    return True
