"""Npz files: read without unpickling, shapes checked before memory is taken; written whole or not at all."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from .errors import InputError
from .whole_files import leftover, whole_file

MAX_BYTES = 1 << 30  # of one array
MOST_FILLED = 0.5  # share of an array's rows
KINDS = {"f": ("number", "fiu"), "i": ("integer", "iu"), "U": ("text", "U")}
Header = tuple[tuple[int, ...], np.dtype[Any]]


class NpzFields:
    """The arrays of one npz, fetched by name with their expected shape.

    A letter in a shape names a dimension: its size is fixed by the first array that uses it,
    so that later arrays must agree. Every complaint is an InputError that names file and field. Arrays that nobody asks
    for may be anything: objects are neither refused nor unpickled.
    """

    def __init__(self, path: Path) -> None:
        if not path.is_file():
            raise InputError(f"{path}: no such file")
        self.path = path
        self.sizes: dict[str, int] = {}
        self._headers: dict[str, Header] = {}
        self._unusable: dict[str, str] = {}  # name -> why
        try:
            self._archive = zipfile.ZipFile(path)
            for member in filter(_is_array, self._archive.infolist()):
                try:
                    self._headers[member.filename[:-4]] = _header(self._archive, member)
                except Exception as error:  # of this array; the others may be all that is wanted
                    self._unusable[member.filename[:-4]] = " ".join(str(error).split())
        except Exception as error:  # a hostile file can fail in any way inside zipfile and the header parser
            raise InputError(
                f"{path}: expected an npz file of plain arrays, found something else ({error}){leftover(path)}"
            ) from error

    def __contains__(self, name: str) -> bool:
        return name in self._headers or name in self._unusable

    def names(self, prefix: str) -> list[str]:
        """Names of the arrays that begin with `prefix`."""
        return [n for n in (*self._headers, *self._unusable) if n.startswith(prefix)]

    def count(self, name: str) -> int:
        """Length of an array's first dimension, without reading it."""
        return self._headers[name][0][0] if name in self._headers and self._headers[name][0] else 0

    def shape(self, name: str) -> tuple[int, ...]:
        """The shape of an array, () where there is none of this name."""
        return self._headers[name][0] if name in self._headers else ()

    def dimensions(self, name: str) -> int:
        """Number of an array's dimensions, without reading it; 0 where there is none."""
        return len(self._headers[name][0]) if name in self._headers else 0

    def text(self, name: str) -> str:
        """A single string."""
        return str(self.get(name, (), "U"))

    def texts(self, name: str, dimension: str) -> tuple[str, ...]:
        """A list of strings."""
        return tuple(str(s) for s in self.get(name, (dimension,), "U"))

    def single(self, name: str) -> Any:
        """A number or a text, whether it stands alone or in lists of one."""
        shape, dtype = self._headers.get(name, ((), np.dtype("U")))
        return self.get(name, tuple(1 for _ in shape), "U" if dtype.kind == "U" else "f").reshape(())[()]

    def floats(self, name: str, shape: tuple[int | str, ...]) -> NDArray[np.float32]:
        """Finite numbers as float32."""
        return self.numbers(name, shape).astype(np.float32, copy=False)

    def numbers(self, name: str, shape: tuple[int | str, ...]) -> NDArray[Any]:
        """Finite numbers: integers as they are kept, others as float32."""
        values = self.get(name, shape, "f")
        if values.dtype.kind != "f":
            return values
        values = values.astype(np.float32, copy=False)
        finite = np.asarray(np.isfinite(values))
        if not finite.all():
            where = ""
            if values.ndim:
                rows = np.flatnonzero(~finite.reshape(len(finite), -1).all(axis=1))
                where = f" in {len(rows)} of {len(finite)} rows, the first is row {rows[0]}"
            raise self.error(name, "finite numbers", f"NaN or infinity{where}")
        return values

    def rows(self, name: str, shape: tuple[int | str, ...], *, note: Callable[[str], None]) -> NDArray[np.float32]:
        """Numbers as float32, where rows that are not finite are filled in from those about them, and `note` is told.

        Raises InputError where more than half of the rows are not finite.
        """
        values = self.get(name, shape, "f").astype(np.float32)
        if np.isfinite(values).all():  # as those of no rows are
            return values
        bad = np.logical_not(np.isfinite(values).reshape(len(values), -1).all(axis=1)).reshape(-1)
        if bad.mean() > MOST_FILLED:
            return self.floats(name, shape)  # which says what is wrong
        good = np.flatnonzero(~bad)
        for column in values.reshape(len(values), -1).T:
            column[bad] = np.interp(np.flatnonzero(bad), good, column[good])
        note(f"{self.path}: {name}: NaN or infinity in {bad.sum()} of {len(bad)} rows, filled in from those about them")
        return values

    def indices(self, name: str, shape: tuple[int | str, ...], below: int) -> NDArray[np.int32]:
        """Integers in 0..below-1 as int32."""
        values = self.get(name, shape, "i")
        if values.size and not (values.min() >= 0 and values.max() < below):
            raise self.error(name, f"indices in 0..{below - 1}", f"{values.min()}..{values.max()}")
        return values.astype(np.int32)

    def get(self, name: str, shape: tuple[int | str, ...], kind: str) -> NDArray[Any]:
        """The array `name`, with its shape and kind ("f" number, "i" integer, "U" text) checked."""
        if name in self._unusable:
            raise self.error(name, "a plain array", self._unusable[name])
        if name not in self._headers:
            raise self.error(name, "an array of this name", f"only {', '.join(sorted(self._headers)) or 'nothing'}")
        found, dtype = self._headers[name]
        label, allowed = KINDS[kind]
        if dtype.kind not in allowed or not self._fits(found, shape):
            wanted = ", ".join(f"{s}={self.sizes[s]}" if s in self.sizes else str(s) for s in shape)
            raise self.error(name, f"{label} [{wanted}]", f"{dtype} {list(found)}")
        if (size := int(np.prod(found, dtype=object)) * dtype.itemsize) > MAX_BYTES:
            raise self.error(name, f"at most {MAX_BYTES} bytes", f"{size}")
        try:
            with self._archive.open(f"{name}.npy") as stream:
                return npy.read_array(stream, allow_pickle=False)
        except Exception as error:
            raise self.error(name, "a readable array", str(error)) from error

    def error(self, name: str, expected: str, found: str) -> InputError:
        """The one-line complaint about a field of this file."""
        return InputError(f"{self.path}: {name}: expected {expected}, found {found}")

    def _fits(self, found: tuple[int, ...], wanted: tuple[int | str, ...]) -> bool:
        if len(found) != len(wanted):
            return False
        pairs = zip(found, wanted, strict=True)
        return all(n == (self.sizes.setdefault(w, n) if isinstance(w, str) else w) for n, w in pairs)


def save_npz(path: Path, arrays: dict[str, NDArray[Any]]) -> None:
    """Write arrays as a compressed npz; it appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(path) as partial, partial.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)


def _is_array(member: zipfile.ZipInfo) -> bool:
    return member.filename.endswith(".npy")


def _header(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Header:
    """Shape and dtype of one member; they must account for its size."""
    with archive.open(member) as stream:
        version = npy.read_magic(stream)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, _, dtype = read(stream, max_header_size=10_000)
        data = member.file_size - stream.tell()
    count = 1
    for n in shape:
        count *= int(n)
    if dtype.hasobject or count * dtype.itemsize != data:
        raise ValueError(f"{member.filename}: {dtype} {list(shape)} in {data} bytes")
    return shape, dtype
