"""Inner loops as machine code: made by numba once, kept on disk, and loaded from there without numba.

A process that finds its code kept needs 20 ms for it; importing numba alone takes ten times as long.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import re
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from .whole_files import whole_file

_COMPILING = threading.Lock()
_ENGINES: list[Any] = []  # what owns the loaded code
_NUMBERS: dict[str, Any] = {
    "int8": ctypes.c_int8,
    "uint8": ctypes.c_uint8,
    "uint16": ctypes.c_uint16,
    "int32": ctypes.c_int32,
    "uint32": ctypes.c_uint32,
    "int64": ctypes.c_int64,
    "uint64": ctypes.c_uint64,
    "float32": ctypes.c_float,
    "float64": ctypes.c_double,
}


@dataclass(frozen=True)
class Source:
    """A function for numba: it raises nothing, makes no array, and takes the types of its signature.

    signature: in numba's words, "void(float32[:, ::1], int64)", of numbers, C-ordered arrays and UniTuple(int64, n);
        what is returned is nothing, a boolean, an int64 or a UniTuple(int64, n)
    """

    function: Callable[..., Any]
    signature: str


class Compiled:
    """A function of machine code, compiled or loaded on request; it runs without the interpreter lock.

    A disk that is full or read-only costs time and nothing else.
    """

    def __init__(self, name: str, find: Callable[[], Source], *, made_of: Sequence[Path]) -> None:
        """`find` gets the source where nothing is kept; what is kept belongs to the contents of the files `made_of`."""
        self.name = name
        self._find = find
        self._made_of = made_of
        self._code: _Code | None = None
        self._call: Callable[..., Any] | None = None

    @property
    def is_ready(self) -> bool:
        """Whether `compile` has nothing to do but load."""
        return self._call is not None or self._kept() is not None

    def compile(self) -> None:
        """Make the function ready; does nothing the second time."""
        with _COMPILING:
            if self._call is None:
                self._call = _callable(self.name, self._kept() or self._built())
                self._code = None  # it is loaded

    def __call__(self, *arguments: Any) -> Any:
        """Call it; raises TypeError for an array of another type or order."""
        if self._call is None:
            self.compile()
        assert self._call is not None
        return self._call(arguments)

    def _kept(self) -> _Code | None:
        """What lies on disk, read once; another process may put it there at any time."""
        for folder in _folders(self._made_of[0].parent):
            if self._code is not None:
                break
            with suppress(OSError):
                self._code = _Code.read(folder / self._file)
        return self._code

    def _built(self) -> _Code:
        from .compiling import build

        source = self._find()
        code = _Code(source.signature, *build(source))
        if (folder := kept_in(self._made_of[0].parent)) is not None:
            with suppress(OSError):
                code.write(folder / self._file)
        return code

    @cached_property
    def _file(self) -> str:
        """Name of the kept code: of these sources, for this processor."""
        ours = (Path(__file__).with_name(name) for name in ("compiled.py", "compiling.py"))
        contents = (path.read_bytes() for path in (*sorted(self._made_of), *ours))
        return f"{self.name}-{sha256(b''.join(contents) + _processor().encode()).hexdigest()[:24]}.code"


def compiled(signature: str, *, made_of: Sequence[Path] = ()) -> Callable[[Callable[..., Any]], Compiled]:
    """Decorate a function that numba compiles (see `Source`); `made_of`: what its code depends on beside its own file.

    >>> @compiled("void(float64[::1], float64)")
    ... def scale(values, factor):
    ...     for i in range(values.shape[0]):
    ...         values[i] *= factor
    """

    def decorate(function: Callable[..., Any]) -> Compiled:
        own = Path(function.__code__.co_filename)
        return Compiled(function.__name__, lambda: Source(function, signature), made_of=(own, *made_of))

    return decorate


def kept_in(folder: Path) -> Path | None:
    """Where the code of sources in `folder` is kept; None where no folder can be written.

    NUMBA_CACHE_DIR, or `__pycache__` beside the sources, or the user's cache folder.
    """
    for candidate in _folders(folder):
        with suppress(OSError):
            candidate.mkdir(parents=True, exist_ok=True)
            if os.access(candidate, os.W_OK):
                return candidate
    return None


def _folders(folder: Path) -> Iterator[Path]:
    if wanted := os.environ.get("NUMBA_CACHE_DIR"):
        yield Path(wanted)
        return
    yield folder / "__pycache__"
    with suppress(RuntimeError):  # there is no home
        Path.home()
        from platformdirs import user_cache_path

        yield user_cache_path("emosplat", appauthor=False)


@cache
def _processor() -> str:
    import llvmlite.binding as llvm

    wanted = [os.environ.get(name, "") for name in ("NUMBA_CPU_NAME", "NUMBA_CPU_FEATURES")]
    found = llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), llvm.llvm_version_info
    return json.dumps([sys.platform, platform.machine(), *found, *wanted])


@dataclass(frozen=True)
class _Code:
    """What is kept: an object file, and how its function is called."""

    signature: str
    symbol: str
    machine_code: bytes

    @classmethod
    def read(cls, path: Path) -> _Code | None:
        """None where the file is not there, or is not as it was written."""
        if not path.is_file():
            return None
        head, _, machine_code = path.read_bytes().partition(b"\n")
        try:
            told = json.loads(head)
            code = cls(told["signature"], told["symbol"], machine_code)
            return code if told["sha256"] == code.digest else None
        except (ValueError, KeyError, TypeError, AttributeError):
            return None

    @property
    def digest(self) -> str:
        """What tells damaged code, which would end the process."""
        return sha256(f"{self.signature}\n{self.symbol}\n".encode() + self.machine_code).hexdigest()

    def write(self, path: Path) -> None:
        told = {"signature": self.signature, "symbol": self.symbol, "sha256": self.digest}
        with whole_file(path) as partial:
            partial.write_bytes(json.dumps(told).encode() + b"\n" + self.machine_code)


def _callable(name: str, code: _Code) -> Callable[[Sequence[Any]], Any]:
    """The function of a sequence of arguments."""
    returned, kinds = _parsed(code.signature)
    types = [kind for argument in kinds for kind in argument.types]
    function = ctypes.CFUNCTYPE(ctypes.c_int32, ctypes.c_void_p, ctypes.c_void_p, *types)(_address(code))

    def call(arguments: Sequence[Any]) -> Any:
        flat: list[Any] = []
        for kind, argument in zip(kinds, arguments, strict=True):
            flat += kind.flat(argument)
        result, failure = (ctypes.c_int64 * max(1, returned.count))(), ctypes.c_void_p()
        status = function(ctypes.addressof(result), ctypes.addressof(failure), *flat)
        if status not in SUCCESS:
            raise RuntimeError(f"{name}: the compiled function failed (status {status})")
        return returned.read(result)

    return call


SUCCESS = 0, -2  # of numba's calling convention: a value, nothing


def _address(code: _Code) -> int:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    machine = llvm.Target.from_default_triple().create_target_machine()
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), machine)
    engine.add_object_file(llvm.ObjectFileRef.from_data(code.machine_code))
    engine.finalize_object()
    _ENGINES.append(engine)
    return engine.get_function_address(code.symbol)


@dataclass(frozen=True)
class _Number:
    """A number as an argument."""

    type: Any

    @property
    def types(self) -> list[Any]:
        return [self.type]

    def flat(self, value: Any) -> tuple[Any, ...]:
        return (value.item() if isinstance(value, np.generic) else value,)


@dataclass(frozen=True)
class _Tuple:
    """Whole numbers as an argument or a result."""

    count: int

    @property
    def types(self) -> list[Any]:
        return [ctypes.c_int64] * self.count

    def flat(self, value: Any) -> tuple[Any, ...]:
        if len(value) != self.count:
            raise TypeError(f"expected {self.count} numbers, found {len(value)}")
        return tuple(int(number) for number in value)

    def read(self, result: Any) -> Any:
        return tuple(result)


@dataclass(frozen=True)
class _Array:
    """A C-ordered array as an argument: two owners (nobody), size, bytes of an element, address, shape and strides."""

    dtype: np.dtype
    ndim: int

    @property
    def types(self) -> list[Any]:
        sizes = [ctypes.c_int64] * (2 * self.ndim)
        return [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64, ctypes.c_int64, ctypes.c_void_p, *sizes]

    def flat(self, array: Any) -> tuple[Any, ...]:
        if array.dtype != self.dtype or array.ndim != self.ndim or not array.flags.c_contiguous:
            found = f"{array.dtype} of {array.ndim} dimensions"
            raise TypeError(f"expected a C-ordered array of {self.dtype} of {self.ndim} dimensions, found {found}")
        return (None, None, array.size, array.itemsize, array.ctypes.data, *array.shape, *array.strides)


@dataclass(frozen=True)
class _Single:
    """A result of at most one number; `type` None: nothing."""

    type: Any
    count = 1

    def read(self, result: Any) -> Any:
        return None if self.type is None else self.type.from_buffer(result).value


_RETURNED = {"void": _Single(None), "boolean": _Single(ctypes.c_bool), "int64": _Single(ctypes.c_int64)}
_PART = re.compile(r"UniTuple\(int64, (?P<count>\d+)\)|(?P<type>\w+)(\[(?P<shape>[:, 1]+)\])?")


def _parsed(signature: str) -> tuple[_Single | _Tuple, list[_Number | _Tuple | _Array]]:
    """The result and the arguments of a signature."""
    first = _PART.match(signature)
    assert first is not None
    returned = _Tuple(int(first["count"])) if first["count"] else _RETURNED[first["type"]]
    return returned, [_argument(part) for part in _PART.finditer(signature, first.end())]


def _argument(part: re.Match[str]) -> _Number | _Tuple | _Array:
    if part["count"]:
        return _Tuple(int(part["count"]))
    if part["shape"]:
        return _Array(np.dtype(part["type"]), part["shape"].count(",") + 1)
    return _Number(_NUMBERS[part["type"]])
