"""Which columns an edit may change, and how far."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..face_motion import BASIS, REGIONS, RIGID

F64 = NDArray[np.float64]


def known_regions(names: Iterable[str], *, what: str) -> tuple[str, ...]:
    """Regions of `REGIONS` by name; raises InputError, which `what` begins, for one that is unknown, or none."""
    found = tuple(name.strip().lower() for name in names)
    for name in found or ("",):
        if name not in REGIONS:
            near = get_close_matches(name, REGIONS, n=1)
            hint = f"; did you mean {near[0]}?" if near else ""
            raise InputError(f"{what}: expected regions of {', '.join(REGIONS)}, found {name[:40]!r}{hint}")
    return found


def is_weight(column: str) -> bool:
    """Whether a column lies within 0 and 1; the others are angles, lengths and coefficients.

    >>> is_weight("lidLeft"), is_weight("headYaw")
    (True, False)
    """
    return not column.startswith(BASIS) and (column not in RIGID or column.startswith("lid"))


def within_range(name: str, after: F64, before: F64) -> F64:
    """A changed column [T], weights cut at 0 and 1, or at what they were where that lay beyond."""
    return np.clip(after, np.minimum(before, 0), np.maximum(before, 1)) if is_weight(name) else after
