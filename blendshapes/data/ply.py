"""Vertex positions of a PLY mesh, ASCII or binary."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.ply_table import read_ply_columns
from ...core.errors import InputError

F32 = NDArray[np.float32]


def read_ply_vertices(path: Path) -> F32:
    """Positions [V,3] in the file's order and unit; faces and other properties are ignored. Raises InputError."""
    kind = "a PLY mesh with vertices x, y, z"
    columns = read_ply_columns(path, kind=kind)
    if missing := [axis for axis in "xyz" if axis not in columns]:
        raise InputError(f"{path}: expected {kind}, found no {missing[0]}")
    return np.stack([columns[axis] for axis in "xyz"], axis=1)
