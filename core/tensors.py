"""Weights on disk: safetensors files whose metadata `emosplat` is JSON that says what they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import InputError
from .whole_files import write_whole

KEY = "emosplat"
MAX_BYTES = 2 << 30  # of a file; safetensors refuses tensors that do not fit the file, so this bounds memory, too


@dataclass(frozen=True, eq=False)
class TensorFile:
    """What one file holds."""

    tensors: dict[str, NDArray[Any]]  # by name, in the file's shapes and types
    info: dict[str, Any]  # what the file says about itself, its `format` among it
    sha256: str  # of the file, hexadecimal


def read_tensors(path: Path, *, format: str, what: str, max_bytes: int = MAX_BYTES) -> TensorFile:
    """Read a file of `format`; `what` names it in errors ("speech weights").

    Raises InputError for a file that is missing, larger than `max_bytes`, or something else.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load

    info = read_info(path, format=format, what=what, max_bytes=max_bytes)
    try:
        data = path.read_bytes()
        return TensorFile(load(data), info, hashlib.sha256(data).hexdigest())
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:  # a type that numpy lacks, for one
        raise _unusable(path, what, error) from error


def checked(tensors: Mapping[str, NDArray[Any]], name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The tensor of a name as float32; raises KeyError or ValueError unless it has this shape and finite numbers."""
    if tensors[name].shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, found {tensors[name].shape}")
    values = np.ascontiguousarray(tensors[name], np.float32)
    if not np.isfinite(values).all():
        raise ValueError(f"{name}: expected finite numbers")
    return values


def read_info(path: Path, *, format: str, what: str, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """What a file of `format` says about itself; its tensors are not read. Raises as `read_tensors`."""
    info = _info(path, what, max_bytes)
    if (found := info.get("format")) != format:
        stated = "other tensors" if found is None else repr(found)[:80]
        raise InputError(f"{path}: expected weights of format {format}, found {stated}; train them again")
    return info


def stated_format(path: Path) -> str | None:
    """The format that a file states; None where it says nothing that can be read."""
    try:
        found = _info(path, "weights", MAX_BYTES).get("format")
    except InputError:
        return None
    return found if isinstance(found, str) else None


def write_tensors(path: Path, tensors: Mapping[str, NDArray[Any]], info: Mapping[str, Any]) -> None:
    """Write what `read_tensors` reads, whole or not at all; `info` must hold `format`. Raises InputError."""
    from safetensors.numpy import save

    plain = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
    write_whole(path, save(plain, described(info)))


def described(info: Mapping[str, Any]) -> dict[str, str]:
    """`info` as the metadata of a safetensors file."""
    return {KEY: json.dumps(dict(info), sort_keys=True, default=str)}


def _info(path: Path, what: str, max_bytes: int) -> dict[str, Any]:
    from safetensors import SafetensorError, safe_open

    try:
        if (size := path.stat().st_size) > max_bytes:
            raise InputError(f"{path}: expected at most {max_bytes >> 20} MiB of {what}, found {size >> 20}")
        with safe_open(path, framework="numpy") as file:
            metadata: dict[str, str] = file.metadata() or {}
        info = json.loads(metadata[KEY]) if KEY in metadata else metadata  # the first fusion weights have plain keys
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; expected {what} (.safetensors)") from error
    except (OSError, SafetensorError, ValueError, RecursionError) as error:
        raise _unusable(path, what, error) from error
    return dict(info) if isinstance(info, dict) else {}


def _unusable(path: Path, what: str, error: Exception) -> InputError:
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return InputError(f"{path}: expected {what} (.safetensors), found something else ({reason})")
