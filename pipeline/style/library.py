"""Styles by name: the built-in ones, the user's own (`styles/NAME.style.json` of the data folder), or any file."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path, PurePath

from ...avatars.library import ASSETS, NAME, home
from ...blendshapes.acting.style_files import SUFFIX
from ...core.errors import InputError
from ...core.whole_files import is_file

FOLDER = "styles"
USUAL = "usual"  # no style
OWN_VOICE = "auto"  # in place of a style: that of the clip's own voice


def builtin_styles() -> list[str]:
    """Names of the styles that come with emosplat."""
    return _names(ASSETS / FOLDER)


def own_styles() -> list[str]:
    """Names of the user's styles."""
    try:
        return _names(home() / FOLDER)
    except InputError:
        return []  # who has no home keeps nothing there


def style_file(style: str | None) -> Path | None:
    """The file that a setting names; None for no style, and for that of the clip's own voice. Raises InputError."""
    return None if style is None or style == OWN_VOICE else find_style(style)


def find_style(name: str) -> Path:
    """File of a style, or of an example to measure one on; raises InputError with close matches."""
    if name in builtin_styles():
        return ASSETS / FOLDER / f"{name}{SUFFIX}"
    if name in own_styles():
        return home() / FOLDER / f"{name}{SUFFIX}"
    if is_file(name):
        return Path(name)
    known = [*builtin_styles(), *own_styles()]
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    hint = f"; did you mean {near[0]}?" if near else ""
    raise InputError(
        f"unknown style {name!r}: expected a file{', or one of ' if known else ''}{', '.join(known)}{hint}"
    )


def new_style(name: str, *, overwrite: bool) -> Path:
    """Where a user's style of this name is to be kept; raises InputError for a name that is taken."""
    if not NAME.fullmatch(name):
        raise InputError(f"--name {name!r}: expected letters, digits, '_', '.' or '-', at most 64")
    if name in builtin_styles():
        raise InputError(f"--name {name!r}: expected a new name, found that of a built-in style")
    path = home() / FOLDER / f"{name}{SUFFIX}"
    if path.exists() and not overwrite:
        raise InputError(f"--name {name!r}: expected a new name, found {path}; --overwrite replaces it")
    return path


def style_name(style: str | None) -> str:
    """What a style is called, given its name, its file, or the example it is learned of; None: as people usually move.

    >>> style_name("mine/anna.style.json"), style_name("talks/anna.mp4"), style_name(None)
    ('anna', 'anna', 'usual')
    """
    if style is None:
        return USUAL
    name = PurePath(style).name
    return name.removesuffix(SUFFIX) if name.endswith(SUFFIX) else PurePath(name).stem


def _names(folder: Path) -> list[str]:
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"[!.]*{SUFFIX}"))
