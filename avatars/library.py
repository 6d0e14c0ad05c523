"""Heads and avatars by name: the built-in ones, the user's own, or a path to a file.

The user's own lie in the platform's data folder, or in `EMOSPLAT_HOME`: `heads/NAME.npz` and `avatars/NAME.npz`, each
with its provenance beside it as JSON.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..core.errors import InputError
from ..core.npz import NpzFields
from .avatar import Avatar, load_avatar, load_person
from .head import HeadModel, load_head

ASSETS = Path(str(files("emosplat.assets")))
HOME = "EMOSPLAT_HOME"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
BUILTIN_HEAD = "open"
SPLATS = (".ply", ".splat", ".spz", ".sog", ".ksplat")  # Gaussians alone
MAX_RECORD = 1 << 20  # bytes of a provenance file


def home() -> Path:
    """The folder of the user's own heads and avatars; it need not exist.

    Raises InputError where the user has no home, as in many containers.
    """
    if os.environ.get(HOME):
        return Path(os.environ[HOME])
    from platformdirs import user_data_path

    try:
        return user_data_path("emosplat", appauthor=False)
    except RuntimeError as error:
        raise InputError(f"{HOME}: expected the folder of your avatars and heads, found no home ({error})") from error


def builtin_avatars() -> list[str]:
    """Names of the avatars that come with emosplat."""
    return sorted(p.stem for p in (ASSETS / "avatars").glob("*.npz"))


def own_avatars() -> list[str]:
    """Names of the user's avatars."""
    return _own("avatars")


def own_heads() -> list[str]:
    """Names of the user's heads."""
    return _own("heads")


def _own(kind: str) -> list[str]:
    try:
        folder = home()
    except InputError:
        return []  # who has no home keeps nothing there
    return sorted(p.stem for p in (folder / kind).glob("[!.]*.npz"))


def builtin_head() -> HeadModel:
    """The open head."""
    return load_head(ASSETS / "heads" / "open.npz")


def find_avatar(name: str) -> Path:
    """File of an avatar given by name or by path; raises InputError with close matches."""
    return _find(name, "avatar", builtin_avatars(), own_avatars)


def find_head(name: str) -> Path:
    """File of a head given by name or by path; raises InputError with close matches."""
    return _find(name, "head", [BUILTIN_HEAD], own_heads)


def _find(name: str, kind: str, builtin: list[str], listed: Callable[[], list[str]]) -> Path:
    if name in builtin:
        return ASSETS / f"{kind}s" / f"{name}.npz"
    own = listed()
    if name in own:
        return home() / f"{kind}s" / f"{name}.npz"
    if (path := Path(name)).is_file():
        return path
    known = builtin + own
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    if path.is_dir():
        hint = f"; a folder is imported first: render {kind} import {name} --name NAME"
    raise InputError(f"unknown {kind} {name!r}: expected a file, or one of {', '.join(known)}{hint}")


def open_avatar(name: str) -> Avatar:
    """Load an avatar by name or by path, with the head that it belongs to."""
    path = find_avatar(name)
    check_bound(path)
    return load_avatar(path, _head_for(path))


def open_person(name: str) -> HeadModel:
    """The head of an avatar by name or by path, in the shape of its person.

    The Gaussians of built-in people, which are known to be whole, are not read; those of others are, to find what is
    wrong with them.
    """
    if name not in builtin_avatars():
        return open_avatar(name).head
    path = find_avatar(name)
    return load_person(path, _head_for(path))


def _head_for(avatar: Path) -> HeadModel:
    """The head that an avatar's file was made for; raises InputError."""
    return load_head(head_of_version(NpzFields(avatar).text("head_version"), wanted_by=str(avatar)))


def check_bound(path: Path) -> None:
    """Raise InputError for a file of Gaussians alone, as trainers of scenes write them."""
    if path.suffix.lower() in SPLATS:
        raise InputError(
            f"{path}: expected an avatar, whose Gaussians are bound to a head (.npz, or a folder of GaussianAvatars), "
            f"found Gaussians alone ({path.suffix}), which cannot speak"
        )


def head_versions() -> dict[str, str]:
    """Version of each head by its name."""
    return {name: NpzFields(find_head(name)).text("version") for name in (BUILTIN_HEAD, *own_heads())}


def head_of_version(version: str, *, wanted_by: str) -> Path:
    """File of the head of a version; raises InputError that says how to get it."""
    versions = head_versions()
    for name, found in versions.items():
        if found == version:
            return find_head(name)
    here = ", ".join(f"{name} ({found})" for name, found in versions.items())
    raise InputError(
        f"{wanted_by}: expected head {version!r}, found only {here}; get it with: render head import FILE --name NAME"
    )


def new_entry(kind: str, name: str, *, overwrite: bool) -> Path:
    """Where a user's "avatar" or "head" of this name is to be kept; raises InputError for a name that is taken."""
    if not NAME.fullmatch(name):
        raise InputError(f"--name {name!r}: expected letters, digits, '_', '.' or '-', at most 64")
    if name in (builtin_avatars() if kind == "avatar" else [BUILTIN_HEAD]):
        raise InputError(f"--name {name!r}: expected a new name, found that of a built-in {kind}")
    path = home() / f"{kind}s" / f"{name}.npz"
    if path.exists() and not overwrite:
        raise InputError(f"--name {name!r}: expected a new name, found {path}; --overwrite replaces it")
    return path


def write_record(entry: Path, record: dict[str, Any]) -> None:
    """Write the provenance beside an entry."""
    entry.with_suffix(".json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def read_record(entry: Path) -> dict[str, Any]:
    """The provenance beside an entry, or nothing."""
    path = entry.with_suffix(".json")
    try:
        found = json.loads(path.read_bytes()[:MAX_RECORD]) if path.is_file() else {}
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found something else ({error})") from error
    return found if isinstance(found, dict) else {}


def remove_entry(kind: str, name: str) -> list[Path]:
    """Delete a user's avatar or head with what lies beside it; raises InputError for any other name."""
    if name not in (own_avatars() if kind == "avatar" else own_heads()):
        own = ", ".join(own_avatars() if kind == "avatar" else own_heads()) or "none"
        raise InputError(f"{name!r}: expected one of your own {kind}s ({own}); built-in ones and files stay")
    entry = home() / f"{kind}s" / f"{name}.npz"
    gone = [path for path in (entry.with_suffix(s) for s in (".npz", ".json", ".png")) if path.exists()]
    for path in gone:
        path.unlink()
    return gone
