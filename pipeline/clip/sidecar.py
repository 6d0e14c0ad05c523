"""Provenance: the JSON file beside each output that says how it was made."""

from __future__ import annotations

import hashlib
import json
import platform
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.whole_files import whole_file
from ..media.video import check_target

PACKAGES = ("emosplat", "numpy", "numba", "av", "imageio-ffmpeg", "torch", "gsplat")


def sidecar_path(out: Path) -> Path:
    """Where the provenance of `out` lies: its name with `.json` added."""
    return out.with_name(out.name + ".json")


def write_sidecar(out: Path, record: dict[str, Any]) -> None:
    """Write the record beside `out`, whole or not at all."""
    path = sidecar_path(out)
    with whole_file(path) as partial, partial.open("w", encoding="utf-8") as stream:
        stream.writelines(_json_lines(record))
        stream.write("\n")


def _json_lines(record: dict[str, Any], indent: str = "\n") -> Iterator[str]:
    """JSON with an object's members on lines of their own and lists on one line, piece by piece."""
    deeper = indent + " "
    for i, (name, value) in enumerate(record.items()):
        yield f"{',' if i else '{'}{deeper}{json.dumps(name)}: "
        if isinstance(value, dict) and value:
            yield from _json_lines(value, deeper)
        else:
            yield json.dumps(value)
    yield indent + "}"


def read_sidecar(out: Path) -> dict[str, Any]:
    """The record beside `out`; raises InputError when it is missing or is no JSON object."""
    path = sidecar_path(out)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; it is written beside {out.name} when that is rendered") from None
    except (ValueError, OSError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found something else ({error})") from error
    if not isinstance(record, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(record).__name__}")
    return record


def own_record(out: Path) -> dict[str, Any] | None:
    """The record beside `out` where it is one of ours; None without one, and for JSON files of other programs."""
    try:
        return as_record(sidecar_path(out).read_bytes())
    except OSError:
        return None


def check_output(out: Path, *, overwrite: bool) -> None:
    """Raise InputError where `out` cannot be written (`check_target`), or a file that is no record of ours has the name
    of its record."""
    check_target(out, overwrite=overwrite)
    path = sidecar_path(out)
    if path.exists() and not overwrite and own_record(out) is None:
        raise InputError(
            f"{path}: expected no file where the record of {out.name} goes, found one of another program; choose "
            "another name, or allow it: --overwrite"
        )


def as_record(data: bytes) -> dict[str, Any] | None:
    """The record in the bytes of a file, by what is in it rather than by its name; None where it is none of ours."""
    try:
        record = json.loads(data)
    except (ValueError, RecursionError):
        return None
    result = record.get("result") if isinstance(record, dict) else None
    return record if isinstance(result, dict) and "fps" in result else None


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Versions of Python, of the machine and of the packages that shape the output."""
    return dict(_versions())


@cache
def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "machine": f"{platform.system()} {platform.machine()}"}
    return found | package_versions(PACKAGES, absent="missing")


def package_versions(packages: Iterable[str], *, absent: str) -> dict[str, str]:
    """Versions of installed packages; `absent` stands for those that are not there."""
    found: dict[str, str] = {}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = absent
    return found
