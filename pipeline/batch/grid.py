"""Conditions: `avatar=person1,person2 emotion=angry,happy intensity=0.5,1`, crossed with every clip."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

from ...core.errors import InputError
from ..settings import AXES

MOST = 100_000  # combinations
QUOTES = "'\""
Condition = dict[str, str]  # by axis


def parse_grid(text: str) -> list[Condition]:
    """Every combination of the values of the axes, in the order written; one empty condition for empty text.

    A mix of emotions is written with + because commas part the values: `emotion=angry:0.6+sad:0.2,happy`. Words stand
    in quotes: `emotion='a little sad, then calm',happy`. Raises InputError.
    """
    axes: dict[str, list[str]] = {}
    for word in filter(None, _parted(text, str.isspace)):
        name, equals, values = word.partition("=")
        if name not in AXES or not equals:
            raise InputError(f"--grid {word!r}: expected AXIS=VALUE,VALUE with an axis of {', '.join(AXES)}")
        if name in axes:
            raise InputError(f"--grid: expected each axis once, found {name!r} twice")
        axes[name] = [_unquoted(value) for value in _parted(values, ",".__eq__)]
        if not all(axes[name]) or len(set(axes[name])) < len(axes[name]):
            raise InputError(f"--grid {word!r}: expected different values between the commas")
    if (count := math.prod(map(len, axes.values()))) > MOST:
        raise InputError(f"--grid: expected at most {MOST} combinations, found {count}")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _parted(text: str, parts: Callable[[str], bool]) -> list[str]:
    """The text between characters that `parts` names; those in quotes, which begin a value, do not count."""
    found, quote = [""], ""
    for before, character in itertools.pairwise(f" {text}"):
        if not quote and parts(character):
            found.append("")
            continue
        if character == quote:
            quote = ""
        elif not quote and character in QUOTES and (before.isspace() or before in "=,"):
            quote = character
        found[-1] += character
    return found


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] in QUOTES and value[-1] == value[0]
    return value[1:-1] if quoted else value
