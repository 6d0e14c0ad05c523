"""A small reader of GLB files."""

import json
import struct

import numpy as np

TYPES = {5121: "u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Reader:
    """Accessors of a GLB as arrays, sparse ones included."""

    def __init__(self, data: bytes) -> None:
        magic, version, total, size, kind = struct.unpack_from("<4sIIII", data)
        assert (magic, version, total, kind) == (b"glTF", 2, len(data), 0x4E4F534A)
        self.document = json.loads(data[20 : 20 + size])
        length, kind = struct.unpack_from("<II", data, 20 + size)
        assert kind == 0x004E4942
        self.binary = data[28 + size :]
        assert length == len(self.binary) == self.document["buffers"][0]["byteLength"]

    def array(self, index: int) -> np.ndarray:
        accessor = self.document["accessors"][index]
        width = WIDTHS[accessor["type"]]
        if "sparse" not in accessor:
            return self.view(accessor, accessor["bufferView"], accessor["count"] * width).reshape(-1, width)
        sparse = accessor["sparse"]
        values = np.zeros((accessor["count"], width), np.float32)
        rows = self.view(sparse["indices"], sparse["indices"]["bufferView"], sparse["count"])
        assert (np.diff(rows.astype(int)) > 0).all()
        values[rows] = self.view(accessor, sparse["values"]["bufferView"], sparse["count"] * width).reshape(-1, width)
        np.testing.assert_allclose(values.min(axis=0), accessor["min"], atol=1e-7)
        return values

    def view(self, kind: dict, index: int, count: int) -> np.ndarray:
        start = self.document["bufferViews"][index]["byteOffset"]
        assert start % 4 == 0
        return np.frombuffer(self.binary, TYPES[kind["componentType"]], count, start)
