"""Heads and avatars by name: the built-in ones, or a path to a file."""

from __future__ import annotations

from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

from ..errors import InputError
from .avatar import Avatar, load_avatar
from .head import HeadModel, load_head

ASSETS = Path(str(files("emosplat.assets")))


def builtin_avatars() -> list[str]:
    """Names of the avatars that come with emosplat."""
    return sorted(p.stem for p in (ASSETS / "avatars").glob("*.npz"))


def builtin_head() -> HeadModel:
    """The open head."""
    return load_head(ASSETS / "heads" / "open.npz")


def find_avatar(name: str) -> Path:
    """File of an avatar given by built-in name or by path; raises InputError with close matches."""
    if name in builtin_avatars():
        return ASSETS / "avatars" / f"{name}.npz"
    if (path := Path(name)).is_file():
        return path
    known = builtin_avatars()
    hint = get_close_matches(name, known, n=2, cutoff=0.5) or known
    raise InputError(f"unknown avatar {name!r}: expected a file, or one of {', '.join(hint)}")


def open_avatar(name: str) -> Avatar:
    """Load an avatar by built-in name or by path."""
    return load_avatar(find_avatar(name), builtin_head())
