"""Provenance: the JSON file beside each output that says how it was made."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ..errors import InputError

PACKAGES = ("emosplat", "numpy", "numba", "av", "imageio-ffmpeg", "torch", "gsplat")


def sidecar_path(out: Path) -> Path:
    """Where the provenance of `out` lies: its name with `.json` added."""
    return out.with_name(out.name + ".json")


def write_sidecar(out: Path, record: dict[str, Any]) -> None:
    """Write the record beside `out`, whole or not at all."""
    path = sidecar_path(out)
    partial = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        partial.write_text(json.dumps(record, indent=1, default=str) + "\n")
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def read_sidecar(out: Path) -> dict[str, Any]:
    """The record beside `out`; raises InputError when it is missing or is no JSON object."""
    path = sidecar_path(out)
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; it is written beside {out.name} when that is rendered") from None
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found something else ({error})") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(record).__name__}")
    return record


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python, of the machine and of the packages that shape the output."""
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "missing"
    return found
