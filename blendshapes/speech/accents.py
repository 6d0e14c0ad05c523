"""Salient moments of speech: stressed syllables, and where phrases begin and end; what faces and heads react to."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from ...core.errors import InputError

Kind = Literal["begin", "stress", "end"]


@dataclass(frozen=True)
class Accent:
    """A moment that stands out.

    >>> emphasis = Accent(1.4, "stress", 0.8)
    """

    time: float  # seconds
    kind: Kind = "stress"  # where a phrase begins, a stressed syllable, where a phrase ends
    strength: float = 1.0  # 0..1

    def __post_init__(self) -> None:
        """Raises InputError for an unknown kind, a negative time or a strength outside 0..1."""
        if self.kind not in get_args(Kind):
            raise InputError(f"accent: expected a kind of {', '.join(get_args(Kind))}, found {self.kind!r}")
        if not 0 <= self.time < math.inf:
            raise InputError(f"accent: expected a time from 0 on, found {self.time:g}")
        if not 0 <= self.strength <= 1:
            raise InputError(f"accent: expected a strength in 0..1, found {self.strength:g}")
