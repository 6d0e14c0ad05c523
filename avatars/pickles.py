"""Read the pickles of older data sets without Python's pickle: a small machine that only builds plain data.

The machine knows the opcodes that make numbers, texts, lists, tuples, dicts and numpy arrays, and the few names by
which numpy pickles its arrays. Nothing is imported and no object from outside is called, so there is nothing to
exploit; every other opcode or name is refused by name. Texts of Python 2 are read as latin-1. Objects of the classes
that a caller names become `StandIn`s, which hold the object's state and do nothing.

Opcodes: the `pickletools` module of the standard library documents them.
"""

from __future__ import annotations

import codecs
import io
import math
import mmap
import re
import struct
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.whole_files import leftover

MAX_BYTES = 2 << 30  # of a file
MAX_STEPS = 5_000_000  # opcodes of a file: bounds time, memo and stack
MAX_GROWTH = 4  # bytes of arrays per byte of the file: a text may become bytes, and the bytes an array
PLAIN_DTYPE = re.compile(r"b1|[iuf][1248]|O8?")


@dataclass(eq=False)
class StandIn:
    """What is left of an object of a foreign class: the names of its module and class, and its state."""

    kind: str  # "module class"
    state: dict[str, Any] = field(default_factory=dict[str, Any])


def read_pickle(path: Path, *, classes: Collection[str] = ()) -> Any:
    """The plain data in a pickle file; raises InputError that names the file and what was refused.

    Objects of `classes`, each written as "module class", become `StandIn`s.
    """
    with _mapped(path) as data:
        return _load(data, path, classes)


def read_pickled_npy(path: Path) -> Any:
    """The object that `numpy.save` pickled into a .npy file, or the plain array in it; raises InputError."""
    with _mapped(path) as data:
        try:
            version = npy.read_magic(data)  # pyright: ignore[reportArgumentType]
            read_header = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, dtype = read_header(data, max_header_size=10_000)  # pyright: ignore[reportArgumentType]
        except Exception as error:  # a hostile header can fail in any way inside numpy's parser
            raise InputError(f"{path}: expected a .npy file, found something else ({error})") from error
        if dtype.hasobject:
            found = _load(data, path)
            return found.item() if isinstance(found, np.ndarray) and found.dtype.hasobject else found
        if math.prod(shape) * dtype.itemsize != len(data) - data.tell():
            raise InputError(f"{path}: expected {dtype} {list(shape)}, found {len(data) - data.tell()} bytes")
    return np.load(path, allow_pickle=False)


def _mapped(path: Path) -> mmap.mmap:
    """The file's bytes; reading from the map never allocates more than the file holds."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, io.SEEK_END)
            if not 0 < size <= MAX_BYTES:
                raise InputError(f"{path}: expected 1 to {MAX_BYTES} bytes, found {size}")
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except OSError as error:
        raise InputError(f"{path}: expected a readable file, found {error.strerror or error}") from error


def _load(data: mmap.mmap, path: Path, classes: Collection[str] = ()) -> Any:
    try:
        return _Machine(data, classes).run()
    except Exception as error:  # hostile bytes can fail in any way: wrong types on the stack, bad numbers, bad text
        damage = f"a damaged file ({type(error).__name__}: {str(error)[:80]})"
        why = str(error) if isinstance(error, _RefusedError) else damage
        raise InputError(
            f"{path}: expected a pickle of numpy arrays, dicts, lists, texts and numbers, found {why}{leftover(path)}"
        ) from error


class _RefusedError(Exception):
    """What the pickle asked for, in words."""


@dataclass(frozen=True, eq=False)
class _Name:
    """What stands in for a global name of the pickle."""

    call: Callable[..., Any] | None
    stands_for: str | None = None  # a foreign class


class _DType:
    """Stands in for `numpy.dtype`, whose byte order arrives after its construction."""

    def __init__(self, spec: Any, *_: Any) -> None:
        if not (isinstance(spec, str) and PLAIN_DTYPE.fullmatch(spec)):
            raise _RefusedError("an array of something else than numbers")
        self.value = np.dtype(spec)

    def set_state(self, state: Any) -> None:
        order = state[1]
        if order not in ("<", ">", "|", "="):
            raise _RefusedError("an unknown byte order")
        self.value = self.value.newbyteorder(order)


def _new_array(*_: Any) -> NDArray[Any]:
    return np.empty(0, np.uint8)  # `_fill` gives it its shape and content


def _fill(array: NDArray[Any], state: Any) -> None:
    """Set shape, type and content of `array` from the state (version, shape, dtype, Fortran order, content)."""
    _, shape, dtype, fortran, content = state
    if dtype.value.hasobject:
        # numpy.save wraps a dict into an array without dimensions; no data set needs any other array of objects
        if shape != () or not (isinstance(content, list) and len(content) == 1):
            raise _RefusedError("an array of objects")
    else:
        content = _checked_bytes(content, shape, dtype.value)
    array.__setstate__((1, shape, dtype.value, bool(fortran), content))  # pyright: ignore[reportArgumentType]


def _from_buffer(content: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any]:
    if order not in ("C", "F"):
        raise _RefusedError("an unknown memory order")
    return np.frombuffer(_checked_bytes(content, shape, dtype.value), dtype.value).reshape(shape, order=order)


def _scalar(dtype: Any, content: Any) -> Any:
    return np.frombuffer(_checked_bytes(content, (), dtype.value), dtype.value)[0].item()


def _checked_bytes(content: Any, shape: Any, dtype: np.dtype[Any]) -> bytes:
    """Content that fills `shape` exactly; Python 2 wrote it as a text."""
    data = content.encode("latin-1") if isinstance(content, str) else content
    plain = isinstance(shape, tuple) and all(type(n) is int and n >= 0 for n in shape)
    if not (
        isinstance(data, bytes) and plain and not dtype.hasobject and math.prod(shape) * dtype.itemsize == len(data)
    ):
        raise _RefusedError("an array whose size does not fit its content")
    return data


def _encode(text: Any, encoding: Any) -> bytes:
    if encoding not in ("latin1", "latin-1"):
        raise _RefusedError("a text encoding other than latin-1")
    return text.encode("latin-1")


def _reconstructor(cls: Any, base: Any, state: Any) -> StandIn:
    """`copyreg._reconstructor`, by which Python 2 makes an object without calling its class."""
    if not (isinstance(cls, _Name) and cls.stands_for and isinstance(base, _Name) and state is None):
        raise _RefusedError("an object of an unknown class")
    return StandIn(cls.stands_for)


def _set(items: Any = ()) -> list[Any]:
    """The items of a set; they need no hashing here."""
    return list(items) if isinstance(items, list) else []


# numpy renamed `numpy.core` to `numpy._core`
_NAMES: dict[str, Callable[..., Any] | None] = {
    "numpy ndarray": None,  # an argument of _reconstruct, never called
    "numpy dtype": _DType,
    "_codecs encode": _encode,
    "__builtin__ bytes": lambda: b"",  # protocols 0 to 2 write empty bytes as a call
}
# what only objects of foreign classes need
_OBJECT_NAMES: dict[str, Callable[..., Any] | None] = {}
for _old, _new in (("copy_reg", "__builtin__"), ("copyreg", "builtins")):
    _OBJECT_NAMES[f"{_old} _reconstructor"] = _reconstructor
    _OBJECT_NAMES[f"{_new} object"] = None
    _OBJECT_NAMES[f"{_new} set"] = _set
for _core in ("numpy.core", "numpy._core"):
    _NAMES[f"{_core}.multiarray _reconstruct"] = _new_array
    _NAMES[f"{_core}.multiarray scalar"] = _scalar
    _NAMES[f"{_core}.numeric _frombuffer"] = _from_buffer


class _Machine:
    """A stack machine for the plain part of the pickle protocols 0 to 5."""

    def __init__(self, data: mmap.mmap, classes: Collection[str]) -> None:
        self._data = data
        self._classes = classes
        self._stack: list[Any] = []
        self._below: list[list[Any]] = []  # stacks below the marks
        self._memo: dict[int, Any] = {}
        self._budget = MAX_GROWTH * len(data)  # else many arrays could be made from one remembered text

    def run(self) -> Any:
        for _ in range(MAX_STEPS):
            code = self._read(1)
            if code == b".":
                return self._stack.pop()
            step = _STEPS.get(code)
            if step is None:
                raise _RefusedError(f"opcode {code!r}, which plain data does not need")
            step(self)
        raise _RefusedError(f"more than {MAX_STEPS} opcodes")

    # reading

    def _read(self, size: int) -> bytes:
        found = self._data.read(size) if size >= 0 else b""
        if len(found) != size:
            raise _RefusedError("the end of the file too early")
        return found

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._read(struct.calcsize(layout)))[0]

    def _line(self) -> str:
        line = self._data.readline()
        if not line.endswith(b"\n"):
            raise _RefusedError("the end of the file too early")
        return line[:-1].decode("latin-1")

    # stack

    def _push(self, value: Any) -> None:
        self._stack.append(value)

    def _mark(self) -> None:
        self._below.append(self._stack)
        self._stack = []

    def _pop_to_mark(self) -> list[Any]:
        items, self._stack = self._stack, self._below.pop()
        return items

    def _top(self, kind: type) -> Any:
        if not isinstance(self._stack[-1], kind):
            raise _RefusedError(f"something else where a {kind.__name__} should be")
        return self._stack[-1]

    def _pop(self, count: int) -> list[Any]:
        if len(self._stack) < count:
            raise _RefusedError("too few values on its stack")
        items = self._stack[-count:]
        del self._stack[-count:]
        return items

    # values

    def _push_int_line(self) -> None:
        line = self._line()
        self._push({"00": False, "01": True}[line] if line in ("00", "01") else int(line))

    def _push_quoted(self) -> None:
        line = self._line().strip()
        if len(line) < 2 or line[0] != line[-1] or line[0] not in "'\"":
            raise _RefusedError("a text without quotes")
        escaped = line[1:-1].encode("latin-1")
        self._push(codecs.escape_decode(escaped)[0].decode("latin-1"))  # pyright: ignore[reportAttributeAccessIssue]

    # containers

    def _append(self, values: list[Any]) -> None:
        self._top(list).extend(values)

    def _set_items(self, flat: list[Any]) -> None:
        target = self._top(dict)
        for key, value in zip(flat[::2], flat[1::2], strict=True):
            if not isinstance(key, str | int | bytes):  # hashing a deeply nested tuple would exhaust the C stack
                raise _RefusedError("a dict with keys other than texts and integers")
            target[key] = value

    def _new_dict(self) -> None:
        items = self._pop_to_mark()
        self._push({})
        self._set_items(items)

    # names and calls

    def _push_name(self, module: Any, name: Any) -> None:
        text = f"{module} {name}"
        if text in self._classes:
            self._push(_Name(None, text))
        elif text in _NAMES:
            self._push(_Name(_NAMES[text]))
        elif self._classes and text in _OBJECT_NAMES:
            self._push(_Name(_OBJECT_NAMES[text]))
        else:
            raise _RefusedError(f"the name {f'{module}.{name}'[:80]!r}, which plain data does not need")

    def _new_object(self) -> None:
        cls, arguments = self._pop(2)
        if not (isinstance(cls, _Name) and cls.stands_for and arguments == ()):
            raise _RefusedError("an object of an unknown class")
        self._push(StandIn(cls.stands_for))

    def _call(self) -> None:
        name, arguments = self._pop(2)
        if not isinstance(name, _Name) or name.call is None or not isinstance(arguments, tuple):
            raise _RefusedError("a call of something that is not numpy's array, number or type")
        self._push(name.call(*arguments))
        self._charge(self._stack[-1])

    def _build(self) -> None:
        state = self._stack.pop()
        target = self._stack[-1]
        if isinstance(target, np.ndarray) and not target.size:
            _fill(target, state)
            self._charge(target)
        elif isinstance(target, _DType):
            target.set_state(state)
        elif isinstance(target, StandIn) and isinstance(state, dict):
            target.state = state
        else:
            raise _RefusedError(f"a change of a {type(target).__name__}")

    def _charge(self, made: Any) -> None:
        self._budget -= made.nbytes if isinstance(made, np.ndarray) else len(made) if isinstance(made, bytes) else 0
        if self._budget < 0:
            raise _RefusedError("arrays that are larger than the file")

    # memo

    def _remember(self, key: int) -> None:
        self._memo[key] = self._stack[-1]

    def _recall(self, key: int) -> None:
        self._push(self._memo[key])


def _sized(layout: str, decode: Callable[[bytes], Any]) -> Callable[[_Machine], None]:
    """A step that reads a size and then as many bytes."""
    return lambda m: m._push(decode(m._read(m._number(layout))))


def _latin(data: bytes) -> str:
    return data.decode("latin-1")


def _utf8(data: bytes) -> str:
    return data.decode("utf-8", "surrogatepass")


def _integer(data: bytes) -> int:
    return int.from_bytes(data, "little", signed=True)


_STEPS: dict[bytes, Callable[[_Machine], Any]] = {
    b"\x80": lambda m: m._read(1),  # protocol
    b"\x95": lambda m: m._read(8),  # frame
    b"(": _Machine._mark,
    b"N": lambda m: m._push(None),
    b"\x88": lambda m: m._push(True),
    b"\x89": lambda m: m._push(False),
    b"I": _Machine._push_int_line,
    b"L": lambda m: m._push(int(m._line().removesuffix("L"))),
    b"J": lambda m: m._push(m._number("<i")),
    b"K": lambda m: m._push(m._number("<B")),
    b"M": lambda m: m._push(m._number("<H")),
    b"\x8a": _sized("<B", _integer),
    b"F": lambda m: m._push(float(m._line())),
    b"G": lambda m: m._push(m._number(">d")),
    b"S": _Machine._push_quoted,
    b"T": _sized("<i", _latin),
    b"U": _sized("<B", _latin),
    b"V": lambda m: m._push(m._line().encode("latin-1").decode("raw-unicode-escape")),
    b"X": _sized("<I", _utf8),
    b"\x8c": _sized("<B", _utf8),
    b"B": _sized("<I", bytes),
    b"C": _sized("<B", bytes),
    b"\x8e": _sized("<Q", bytes),
    b"\x96": _sized("<Q", bytes),  # a bytearray: read-only data serves as well
    b"]": lambda m: m._push([]),
    b"l": lambda m: m._push(m._pop_to_mark()),
    b"a": lambda m: m._append(m._pop(1)),
    b"e": lambda m: m._append(m._pop_to_mark()),
    b"\x8f": lambda m: m._push([]),  # a set: a list serves as well
    b"\x90": lambda m: m._append(m._pop_to_mark()),
    b"}": lambda m: m._push({}),
    b"d": _Machine._new_dict,
    b"s": lambda m: m._set_items(m._pop(2)),
    b"u": lambda m: m._set_items(m._pop_to_mark()),
    b")": lambda m: m._push(()),
    b"t": lambda m: m._push(tuple(m._pop_to_mark())),
    b"\x85": lambda m: m._push(tuple(m._pop(1))),
    b"\x86": lambda m: m._push(tuple(m._pop(2))),
    b"\x87": lambda m: m._push(tuple(m._pop(3))),
    b"c": lambda m: m._push_name(m._line(), m._line()),
    b"\x93": lambda m: m._push_name(*m._pop(2)),
    b"R": _Machine._call,
    b"\x81": _Machine._new_object,
    b"b": _Machine._build,
    b"p": lambda m: m._remember(int(m._line())),
    b"q": lambda m: m._remember(m._number("<B")),
    b"r": lambda m: m._remember(m._number("<I")),
    b"\x94": lambda m: m._remember(len(m._memo)),
    b"g": lambda m: m._recall(int(m._line())),
    b"h": lambda m: m._recall(m._number("<B")),
    b"j": lambda m: m._recall(m._number("<I")),
}
