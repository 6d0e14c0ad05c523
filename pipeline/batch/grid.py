"""Conditions: `avatar=person1,person2 emotion=angry,happy intensity=0.5,1`, crossed with every clip."""

from __future__ import annotations

import itertools
import math

from ...core.errors import InputError
from ..settings import AXES

MOST = 100_000  # combinations
Condition = dict[str, str]  # by axis


def parse_grid(text: str) -> list[Condition]:
    """Every combination of the values of the axes, in the order written; one empty condition for empty text.

    A mix of emotions is written with + because commas part the values: `emotion=angry:0.6+sad:0.2,happy`.
    Raises InputError.
    """
    axes: dict[str, list[str]] = {}
    for word in text.split():
        name, equals, values = word.partition("=")
        if name not in AXES or not equals:
            raise InputError(f"--grid {word!r}: expected AXIS=VALUE,VALUE with an axis of {', '.join(AXES)}")
        if name in axes:
            raise InputError(f"--grid: expected each axis once, found {name!r} twice")
        axes[name] = [value.replace("+", ",") if name == "emotion" else value for value in values.split(",")]
        if not all(axes[name]) or len(set(axes[name])) < len(axes[name]):
            raise InputError(f"--grid {word!r}: expected different values between the commas")
    if (count := math.prod(map(len, axes.values()))) > MOST:
        raise InputError(f"--grid: expected at most {MOST} combinations, found {count}")
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
