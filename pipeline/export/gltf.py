"""The container of glTF 2.0: arrays become accessors of one binary buffer, the whole becomes a GLB."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
Json = dict[str, Any]

COMPONENTS = {"u1": 5121, "i2": 5122, "u2": 5123, "u4": 5125, "f4": 5126}
SHAPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (4, 4): "MAT4"}
VERTEX_BUFFER, INDEX_BUFFER = 34962, 34963  # what a view is bound to
MAGIC, VERSION, JSON_CHUNK, BINARY_CHUNK = 0x46546C67, 2, 0x4E4F534A, 0x004E4942


class Glb:
    """A GLB that grows: `add` returns the index by which the document refers to an array."""

    def __init__(self) -> None:
        self._binary = bytearray()
        self._views: list[Json] = []
        self._accessors: list[Json] = []

    def add(
        self, values: NDArray[Any], *, target: int | None = None, bounds: bool = False, normalized: bool = False
    ) -> int:
        """An accessor of the rows of `values`; `bounds` states their range, which positions and times must."""
        accessor: Json = {"bufferView": self._view(values, target), **_kind(values)}
        if bounds:
            accessor |= _bounds(values)
        if normalized:
            accessor["normalized"] = True
        return self._append(accessor)

    def add_sparse(self, values: F32, *, least: float) -> int:
        """An accessor of rows that are zero but where one is longer than `least`; only those take space."""
        rows = np.flatnonzero(np.linalg.norm(values, axis=1) > least)
        rows = rows if len(rows) else np.zeros(1, np.int64)  # a sparse accessor may not be empty
        index = rows.astype(_index_type(len(values)))
        stored = np.zeros_like(values)
        stored[rows] = values[rows]
        sparse: Json = {
            "count": len(rows),
            "indices": {"bufferView": self._view(index), "componentType": COMPONENTS[index.dtype.str[1:]]},
            "values": {"bufferView": self._view(values[rows])},
        }
        return self._append({**_kind(values), **_bounds(stored), "sparse": sparse})

    def document(self, document: Json) -> bytes:
        """The finished file, around a document that lacks only asset, buffers, views and accessors."""
        _pad(self._binary, b"\0")
        whole: Json = {
            "asset": {"version": "2.0", "generator": "emosplat"},
            **document,
            "accessors": self._accessors,
            "bufferViews": self._views,
            "buffers": [{"byteLength": len(self._binary)}],
        }
        text = bytearray(json.dumps(whole, separators=(",", ":"), allow_nan=False).encode())
        _pad(text, b" ")
        total = 12 + 8 + len(text) + 8 + len(self._binary)
        head = struct.pack("<III", MAGIC, VERSION, total)
        return b"".join(
            [
                head,
                struct.pack("<II", len(text), JSON_CHUNK),
                text,
                struct.pack("<II", len(self._binary), BINARY_CHUNK),
                self._binary,
            ]
        )

    def _view(self, values: NDArray[Any], target: int | None = None) -> int:
        _pad(self._binary, b"\0")
        data = np.ascontiguousarray(values).tobytes()
        view: Json = {"buffer": 0, "byteOffset": len(self._binary), "byteLength": len(data)}
        self._views.append(view if target is None else view | {"target": target})
        self._binary += data
        return len(self._views) - 1

    def _append(self, accessor: Json) -> int:
        self._accessors.append(accessor)
        return len(self._accessors) - 1


def triangle_indices(faces: NDArray[np.int32], vertices: int) -> NDArray[Any]:
    """Corners of all triangles in a row, in the smallest type that holds them."""
    return faces.reshape(-1).astype(_index_type(vertices))


def linear_colors(srgb: NDArray[np.floating]) -> NDArray[np.float64]:
    """Colours 0..1 by sRGB's curve (IEC 61966-2-1) as the linear ones of vertices."""
    inside = np.clip(srgb.astype(np.float64), 0, 1)
    return np.where(inside <= 0.04045, inside / 12.92, ((inside + 0.055) / 1.055) ** 2.4)


def _index_type(count: int) -> str:
    return "<u2" if count < 1 << 16 else "<u4"  # the highest number of a type is reserved


def _kind(values: NDArray[Any]) -> Json:
    return {
        "componentType": COMPONENTS[values.dtype.str[1:]],
        "type": SHAPES[values.shape[1:]],
        "count": len(values),
    }


def _bounds(values: NDArray[Any]) -> Json:
    return {"min": np.atleast_1d(values.min(axis=0)).tolist(), "max": np.atleast_1d(values.max(axis=0)).tolist()}


def _pad(data: bytearray, filler: bytes) -> None:
    """Arrays and chunks begin at multiples of four bytes."""
    data.extend(filler * (-len(data) % 4))
