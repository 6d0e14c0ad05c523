"""Styles as files: what was measured of somebody's motion, small JSON that may be passed on (docs/style.md)."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...core.errors import InputError
from ...core.tables import read_text
from ...core.whole_files import write_whole
from ..score import Style
from .space import COORDINATES

FORMAT = "emosplat-style-1"
SUFFIX = ".style.json"
MAX_BYTES = 1 << 20
MOST = 1000  # statistics, poses or examples
LARGEST = 1e6  # of a number
NAME = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,100}")
FIELDS = ("format", "name", "examples", "gains", "statistics", "poses")


@dataclass(frozen=True)
class Example:
    """What a style was measured on."""

    kind: str  # "film", "face motion" or "voice"
    name: str  # of the file, without its folder
    seconds: float
    sha256: str = ""  # of the file


@dataclass(frozen=True)
class LearnedStyle:
    """A style and what it was measured on."""

    style: Style
    examples: tuple[Example, ...] = ()

    @property
    def seconds(self) -> float:
        """Of all examples."""
        return sum(example.seconds for example in self.examples)


def check_name(path: Path) -> None:
    """Raise InputError unless `path` has the name of a style file."""
    if not path.name.endswith(SUFFIX):
        raise InputError(f"{path}: expected a name that ends in {SUFFIX}")


def save_style(path: Path, learned: LearnedStyle) -> None:
    """Write a style, whole or not at all; its strength is not part of it. Raises InputError."""
    style = learned.style
    found = {
        "format": FORMAT,
        "name": style.name,
        "examples": [vars(example) for example in learned.examples],
        "gains": dict(style.gains),
        "statistics": dict(style.statistics),
        "poses": [dict(pose) for pose in style.poses],
    }
    write_whole(path, (json.dumps(found, indent=1, ensure_ascii=False) + "\n").encode())


def load_style(path: Path) -> LearnedStyle:
    """Read what `save_style` wrote; raises InputError that names the file, the field and what is wrong."""
    try:
        found = json.loads(read_text(path, most=MAX_BYTES))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found something else ({error})") from error
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a JSON object, found {type(found).__name__}")
    if found.get("format") != FORMAT:
        raise InputError(f"{path}: format: expected {FORMAT!r}, found {str(found.get('format'))[:60]!r}")
    if unknown := sorted(set(found) - set(FIELDS)):
        raise InputError(f"{path}: expected the fields {', '.join(FIELDS)}, found {unknown[0][:60]!r}")
    name = _text(path, "name", found.get("name"))
    gains, statistics = (_numbers(path, field, found.get(field, {})) for field in ("gains", "statistics"))
    poses = tuple(_pose(path, i, pose) for i, pose in enumerate(_list(path, "poses", found.get("poses", []))))
    examples = _list(path, "examples", found.get("examples", []))
    try:
        style = Style(name, gains, statistics, poses)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return LearnedStyle(style, tuple(_example(path, f"examples[{i}]", e) for i, e in enumerate(examples)))


def _pose(path: Path, index: int, found: Any) -> dict[str, float]:
    pose = _numbers(path, f"poses[{index}]", found)
    if unknown := [name for name in pose if name not in COORDINATES]:
        raise InputError(f"{path}: poses[{index}]: expected some of {', '.join(COORDINATES)}, found {unknown[0]!r}")
    return pose


def _example(path: Path, field: str, found: Any) -> Example:
    if not isinstance(found, dict) or not set(found) <= {"kind", "name", "seconds", "sha256"}:
        raise InputError(f"{path}: {field}: expected an object with kind, name, seconds and sha256")
    seconds = _number(path, f"{field}.seconds", found.get("seconds"))
    if seconds < 0:
        raise InputError(f"{path}: {field}.seconds: expected a number from 0 on, found {seconds:g}")
    kind, name = (_text(path, f"{field}.{part}", found.get(part)) for part in ("kind", "name"))
    sha256 = found.get("sha256", "")
    if not isinstance(sha256, str) or not re.fullmatch(r"([0-9a-f]{64})?", sha256):
        raise InputError(f"{path}: {field}.sha256: expected 64 hexadecimal digits, found {str(sha256)[:70]!r}")
    return Example(kind, name, seconds, sha256)


def _numbers(path: Path, field: str, found: Any) -> dict[str, float]:
    if not isinstance(found, dict) or len(found) > MOST:
        raise InputError(f"{path}: {field}: expected an object of at most {MOST} numbers")
    return {_text(path, field, name): _number(path, f"{field}.{name[:60]}", value) for name, value in found.items()}


def _number(path: Path, field: str, found: Any) -> float:
    if type(found) not in (int, float) or not abs(found) <= LARGEST:
        raise InputError(f"{path}: {field}: expected a number within {LARGEST:g}, found {str(found)[:40]!r}")
    return float(found)


def _text(path: Path, field: str, found: Any) -> str:
    if not isinstance(found, str) or not NAME.fullmatch(found):
        raise InputError(f"{path}: {field}: expected a name of at most 100 characters, found {str(found)[:60]!r}")
    return found


def _list(path: Path, field: str, found: Any) -> list[Any]:
    if not isinstance(found, list) or len(found) > MOST:
        raise InputError(f"{path}: {field}: expected a list of at most {MOST}")
    return found
