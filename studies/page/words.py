"""The page's own words, in the language of the study."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

from ...core.errors import InputError
from ...core.tables import decoded
from ...core.yaml_problems import yaml_values

TABLE = Path(__file__).with_name("words.yaml")
MAX_BYTES = 1 << 18
ENGLISH = "en"
Words = Mapping[str, str]


def english() -> Words:
    """The words of a page in English."""
    return languages()[ENGLISH]


def words_of(language: str, folder: Path) -> Words:
    """The words of a language that we have, or of a file relative to `folder`: `name: text` for every name.

    Raises InputError for a language that is neither, and for a file in which a name lacks or is misspelt.
    """
    ours = languages()
    if language in ours:
        return ours[language]
    path = folder / language
    if not path.is_file():
        raise InputError(f"language: expected {', '.join(ours)}, or a file of words, found {language!r:.80}")
    return _checked(_read(path), path)


@cache
def languages() -> Mapping[str, Words]:
    """The words of each language that we have."""
    table: dict[str, dict[str, str]] = _read(TABLE)
    names = list(next(iter(table.values())))
    return {language: {name: row[language] for name, row in table.items()} for language in names}


def _read(path: Path) -> Any:
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: expected a file of words of at most 256 kB")
    return yaml_values(decoded(path.read_bytes(), source=str(path)), source=str(path))


def _checked(found: Any, path: Path) -> Words:
    known = english()
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a line `name: text` for each word")
    for name, text in known.items():
        if not isinstance(found.get(name), str):
            raise InputError(f"{path}: {name}: expected words for {text!r}")
        if _gaps(found[name]) != _gaps(text):
            raise InputError(f"{path}: {name}: expected the same words in braces as in {text!r}")
    unknown = [name for name in found if name not in known]
    if unknown:
        raise InputError(f"{path}: {unknown[0]!s:.80}: there is no such word")
    return found


def _gaps(text: str) -> set[str | None]:
    """What is filled in: the names in braces."""
    try:
        return {field for _, field, _, _ in Formatter().parse(text) if field is not None}
    except ValueError:
        return {None}
