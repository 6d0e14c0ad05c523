"""The vertices of a PLY file as columns by name, ASCII or binary (G. Turk, "The PLY Polygon File Format", 1994)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.whole_files import leftover

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
    """Properties of the vertices, each [V], in the file's order; other elements, before or behind, are skipped.

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
        raise InputError(f"{path}: expected {kind}, found {error}{leftover(path)}") from error


@dataclass(frozen=True)
class _Element:
    name: str
    count: int
    properties: list[_Property]


@dataclass(frozen=True)
class _Property:
    name: str
    kind: str  # numpy type
    counted_by: str | None = None  # numpy type of a list's length


@dataclass(frozen=True)
class _Header:
    format: str
    before: list[_Element]  # the vertices
    vertex: _Element
    size: int  # bytes


def _columns(data: bytes) -> dict[str, F32]:
    header = _header(data)
    names = [p.name for p in header.vertex.properties]
    count = header.vertex.count
    if header.format == "ascii":
        if count * len(names) > len(data):  # a number takes a character at least
            raise ValueError(f"{count} vertices in {len(data)} bytes")
        skipped, body = _skip_ascii(header.before, data[header.size :])
        values = body.split(None, skipped + count * len(names))[skipped : skipped + count * len(names)]
        rows = np.array(values, np.float64).reshape(count, len(names))
        with np.errstate(over="ignore"):
            return dict(zip(names, rows.astype(np.float32).T, strict=True))
    order = BYTE_ORDERS[header.format]
    start = _skip_binary(header.before, data, header.size, order)
    vertex = np.dtype([(f"{i}", order + p.kind) for i, p in enumerate(header.vertex.properties)])
    rows = np.frombuffer(data, vertex, count=count, offset=start)
    with np.errstate(over="ignore"):
        return {name: rows[f"{i}"].astype(np.float32) for i, name in enumerate(names)}


def _skip_ascii(elements: list[_Element], body: bytes) -> tuple[int, bytes]:
    """How many words the elements take; those of lists, whose number only the words tell, are cut off already."""
    words = 0
    for element in elements:
        if not any(p.counted_by for p in element.properties):
            words += element.count * len(element.properties)
            continue
        for _ in range(element.count):
            for item in element.properties:
                length = 1
                if item.counted_by:
                    *_, body = body.split(None, words)
                    word, body = body.split(None, 1)
                    words, length = 0, _length(int(word))
                words += length
    return words, body


def _skip_binary(elements: list[_Element], data: bytes, start: int, order: str) -> int:
    """Where the elements end."""
    for element in elements:
        if not any(p.counted_by for p in element.properties):
            start += element.count * sum(np.dtype(p.kind).itemsize for p in element.properties)
            continue
        for _ in range(element.count):
            for item in element.properties:
                length = 1
                if item.counted_by:
                    length = _length(int(np.frombuffer(data, order + item.counted_by, count=1, offset=start)[0]))
                    start += np.dtype(item.counted_by).itemsize
                start += length * np.dtype(item.kind).itemsize
    return start


def _length(found: int) -> int:
    if found < 0:
        raise ValueError(f"a list of {found} numbers")
    return found


def _header(data: bytes) -> _Header:
    lines, size = _header_lines(data)
    format_name, elements = "", []
    for words in lines:
        if words[0] == "format":
            format_name = words[1]
        elif words[0] == "element":
            elements.append(_Element(words[1], int(words[2]), []))
        elif words[0] == "property":
            elements[-1].properties.append(_property(words))
        else:
            raise ValueError(f"{words[0][:20]!r} in the header")
    if format_name != "ascii" and format_name not in BYTE_ORDERS:
        raise ValueError(f"format {format_name!r}")
    place = next((i for i, element in enumerate(elements) if element.name == "vertex"), None)
    if place is None:
        raise ValueError(f"no vertices, only {', '.join(e.name for e in elements)[:60] or 'a header'}")
    vertex = elements[place]
    if min(e.count for e in elements) < 0 or not vertex.properties or any(p.counted_by for p in vertex.properties):
        raise ValueError(f"{vertex.count} vertices with {len(vertex.properties)} properties, or lists among them")
    return _Header(format_name, elements[:place], vertex, size)


def _header_lines(data: bytes) -> tuple[list[list[str]], int]:
    """The words of each line that says something, and where the header ends."""
    if not data.startswith(b"ply"):
        raise ValueError("no PLY header")
    lines: list[list[str]] = []
    at = data.find(b"\n") + 1
    while (end := data.find(b"\n", at, MAX_HEADER)) >= 0:
        line = data[at:end].strip()
        at = end + 1
        if line == b"end_header":
            return lines, at
        if line and not line.startswith((b"comment", b"obj_info")):  # whose words may be anything, in any encoding
            lines.append(line.decode("ascii").split())
    raise ValueError("no PLY header")


def _property(words: list[str]) -> _Property:
    if words[1] == "list":
        return _Property(words[4], TYPES[words[3]], counted_by=TYPES[words[2]])
    return _Property(words[2], TYPES[words[1]])
