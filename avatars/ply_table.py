"""The vertices of a PLY file as columns by name, ASCII or binary (G. Turk, "The PLY Polygon File Format", 1994)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError

F32 = NDArray[np.float32]

MAX_HEADER = 64 << 10  # bytes
MAX_BYTES = 1 << 30
TYPES = {
    "char": "i1", "int8": "i1", "uchar": "u1", "uint8": "u1", "short": "i2", "int16": "i2", "ushort": "u2",
    "uint16": "u2", "int": "i4", "int32": "i4", "uint": "u4", "uint32": "u4", "float": "f4", "float32": "f4",
    "double": "f8", "float64": "f8",
}  # fmt: skip
BYTE_ORDERS = {"binary_little_endian": "<", "binary_big_endian": ">"}


def read_ply_columns(path: Path, *, kind: str) -> dict[str, F32]:
    """Properties of the vertices, each [V], in the file's order; other elements are ignored.

    Raises InputError, in which `kind` says what was expected.
    """
    try:
        if (size := path.stat().st_size) > MAX_BYTES:
            raise InputError(f"{path}: expected at most {MAX_BYTES >> 20} MiB, found {size} bytes")
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: expected a readable PLY file, found {error.strerror or error}") from error
    try:
        return _columns(data)
    except (ValueError, KeyError, IndexError, OverflowError) as error:
        raise InputError(f"{path}: expected {kind}, found {error}") from error


@dataclass(frozen=True)
class _Header:
    format: str
    vertices: int
    properties: list[tuple[str, str]]  # name and numpy type of the vertices' properties
    size: int  # bytes


def _columns(data: bytes) -> dict[str, F32]:
    header = _header(data)
    names = [name for name, _ in header.properties]
    if header.format == "ascii":
        count = header.vertices * len(names)
        if count > len(data):  # a number takes a character at least
            raise ValueError(f"{header.vertices} vertices in {len(data)} bytes")
        values = data[header.size :].split(None, count)[:count]
        rows = np.array(values, np.float64).reshape(header.vertices, len(names)).astype(np.float32)
        return dict(zip(names, rows.T, strict=True))
    order = BYTE_ORDERS[header.format]
    vertex = np.dtype([(f"{i}", order + kind) for i, (_, kind) in enumerate(header.properties)])
    rows = np.frombuffer(data, vertex, count=header.vertices, offset=header.size)
    return {name: rows[f"{i}"].astype(np.float32) for i, name in enumerate(names)}


def _header(data: bytes) -> _Header:
    end = data.find(b"end_header", 0, MAX_HEADER)
    if not data.startswith(b"ply") or end < 0:
        raise ValueError("no PLY header")
    size = data.index(b"\n", end) + 1
    lines = [line.split() for line in data[:end].decode("ascii").splitlines()]
    lines = [line for line in lines[1:] if line and line[0] not in ("comment", "obj_info")]
    (_, format_name, _), (_, element, count), *rest = lines
    if element != "vertex" or (format_name != "ascii" and format_name not in BYTE_ORDERS):
        raise ValueError(f"{format_name!r} with {element!r} first")
    properties: list[tuple[str, str]] = []
    for line in rest:
        if line[0] != "property":
            break
        properties.append((line[2], TYPES[line[1]]))
    if not properties or int(count) < 0:
        raise ValueError(f"{count} vertices with {len(properties)} properties")
    return _Header(format_name, int(count), properties, size)
