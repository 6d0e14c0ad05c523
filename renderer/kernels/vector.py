"""Sixteen lanes of float32 as LLVM IR: the small vector language in which the kernels are written.

The IR is generic `<16 x float>`: LLVM turns it into one AVX-512, two AVX2 or four SSE/NEON registers.
Multiplications and additions carry the `contract` flag, so that they fuse where the processor can and
stay two plain instructions where it cannot (an explicit `llvm.fma` would become a library call there).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic
from numba.np.arrayobj import make_array

from ...core.compiled import Source
from ...core.compiling import always_compiled
from .layout import LANES

Value: TypeAlias = Any  # an LLVM value; llvmlite has no type hints
Builder: TypeAlias = Any  # ir.IRBuilder

BIT, I8, I16, I32, I64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
F32, F64 = ir.FloatType(), ir.DoubleType()
FLOATS = ir.VectorType(F32, LANES)
INTS = ir.VectorType(I32, LANES)
MASK = ir.VectorType(BIT, LANES)

_FUSE = ("contract",)


def constant(value: float | Sequence[float], kind: ir.VectorType = FLOATS) -> ir.Constant:
    """A vector constant: one number for every lane, or one number per lane."""
    values = [value] * kind.count if isinstance(value, (int, float)) else list(value)
    number = {F32: lambda v: float(np.float32(v)), F64: float}.get(kind.element, int)
    rounded = [number(v) for v in values]
    return ir.Constant(kind, [ir.Constant(kind.element, v) for v in rounded])


class Vec:
    """A vector of floats, integers or truth values; its operators emit the instructions."""

    __slots__ = ("builder", "value")

    def __init__(self, builder: Builder, value: Value) -> None:
        self.builder = builder
        self.value = value

    @property
    def is_float(self) -> bool:
        return self.value.type.element in (F32, F64)

    def _operand(self, other: Vec | float) -> Value:
        return other.value if isinstance(other, Vec) else constant(other, self.value.type)

    def _emit(self, float_op: str, int_op: str, left: Value, right: Value) -> Vec:
        if self.is_float:
            return Vec(self.builder, getattr(self.builder, float_op)(left, right, flags=_FUSE))
        return Vec(self.builder, getattr(self.builder, int_op)(left, right))

    def __add__(self, other: Vec | float) -> Vec:
        return self._emit("fadd", "add", self.value, self._operand(other))

    def __sub__(self, other: Vec | float) -> Vec:
        return self._emit("fsub", "sub", self.value, self._operand(other))

    def __rsub__(self, other: float) -> Vec:
        return self._emit("fsub", "sub", self._operand(other), self.value)

    def __mul__(self, other: Vec | float) -> Vec:
        return self._emit("fmul", "mul", self.value, self._operand(other))

    __radd__ = __add__
    __rmul__ = __mul__

    def __truediv__(self, other: Vec | float) -> Vec:
        return Vec(self.builder, self.builder.fdiv(self.value, self._operand(other)))

    def __rtruediv__(self, other: float) -> Vec:
        return Vec(self.builder, self.builder.fdiv(self._operand(other), self.value))

    def _compare(self, operator: str, other: Vec | float) -> Vec:
        compare = self.builder.fcmp_ordered if self.is_float else self.builder.icmp_signed
        return Vec(self.builder, compare(operator, self.value, self._operand(other)))

    def __lt__(self, other: Vec | float) -> Vec:
        return self._compare("<", other)

    def __le__(self, other: Vec | float) -> Vec:
        return self._compare("<=", other)

    def __gt__(self, other: Vec | float) -> Vec:
        return self._compare(">", other)

    def __ge__(self, other: Vec | float) -> Vec:
        return self._compare(">=", other)

    def __and__(self, other: Vec) -> Vec:
        return Vec(self.builder, self.builder.and_(self.value, other.value))

    def __or__(self, other: Vec) -> Vec:
        return Vec(self.builder, self.builder.or_(self.value, other.value))

    def __lshift__(self, bits: int) -> Vec:
        return Vec(self.builder, self.builder.shl(self.value, constant(bits, INTS)))

    def __rshift__(self, bits: int) -> Vec:
        return Vec(self.builder, self.builder.ashr(self.value, constant(bits, INTS)))

    def where(self, then: Vec, otherwise: Vec | float) -> Vec:
        """Lane by lane `then` where this mask holds, else `otherwise`."""
        return Vec(self.builder, self.builder.select(self.value, then.value, then._operand(otherwise)))

    def max(self, other: Vec | float) -> Vec:
        """The larger of two floats; `other` where this one is not a number."""
        return (self > other).where(self, other)

    def min(self, other: Vec | float) -> Vec:
        """The smaller of two floats; `other` where this one is not a number."""
        return (self < other).where(self, other)

    def clamp(self, low: Vec | float, high: Vec | float) -> Vec:
        """This value moved into [low, high]; `low` where it is not a number."""
        return self.max(low).min(high)

    def times_plus(self, factor: Vec, addend: Vec) -> Vec:
        """self * factor + addend, fused where the processor can, even where the product is used elsewhere, too."""
        function = ir.FunctionType(FLOATS, [FLOATS] * 3)
        declared = cgutils.get_or_insert_function(self.builder.module, function, "llvm.fmuladd.v16f32")
        return Vec(self.builder, self.builder.call(declared, [self.value, factor.value, addend.value]))

    def sqrt(self) -> Vec:
        function = ir.FunctionType(FLOATS, [FLOATS])
        declared = cgutils.get_or_insert_function(self.builder.module, function, "llvm.sqrt.v16f32")
        return Vec(self.builder, self.builder.call(declared, [self.value]))

    def to_doubles(self) -> Vec:
        """The same floats as float64."""
        return Vec(self.builder, self.builder.fpext(self.value, ir.VectorType(F64, self.value.type.count)))

    def to_floats(self) -> Vec:
        """float64 rounded to float32."""
        return Vec(self.builder, self.builder.fptrunc(self.value, ir.VectorType(F32, self.value.type.count)))

    def to_int(self) -> Vec:
        """Truncated to int32; the value must fit."""
        return Vec(self.builder, self.builder.fptosi(self.value, INTS))

    def to_bytes(self) -> Vec:
        """0..1 as 0..255, rounded to nearest."""
        return (self.clamp(0.0, 1.0) * 255.0 + 0.5).truncated()

    def truncated(self) -> Vec:
        """Truncated to bytes; the value must fit."""
        return Vec(self.builder, self.builder.trunc(self.to_int().value, ir.VectorType(I8, LANES)))

    def as_ints(self) -> Vec:
        """The same bits read as integers."""
        return Vec(self.builder, self.builder.bitcast(self.value, INTS))

    def as_floats(self) -> Vec:
        """The same bits read as floats."""
        return Vec(self.builder, self.builder.bitcast(self.value, FLOATS))

    def bits(self) -> Value:
        """A mask as an int64: bit i is lane i."""
        packed = self.builder.bitcast(self.value, ir.IntType(self.value.type.count))
        return packed if packed.type == I64 else self.builder.zext(packed, I64)

    def exp2(self) -> Vec:
        """2^x for -126 < x < 127, relative error 2e-7; outside, some number or other.

        Adding 1.5 * 2^23 leaves the nearest integer in the low mantissa bits: it goes to the exponent,
        the fraction in [-0.5, 0.5] to a minimax polynomial.
        """
        shifted = self + _ROUND
        fraction = self - (shifted - _ROUND)
        c5, c4, c3, c2, c1, c0 = _EXP2
        square = fraction * fraction
        power = ((fraction * c5 + c4) * square + (fraction * c3 + c2)) * square + (fraction * c1 + c0)
        return (power.as_ints() + (shifted.as_ints() << 23)).as_floats()

    def log2(self) -> Vec:
        """The logarithm of positive normal numbers, absolute error 3e-7.

        The exponent leaves a fraction f in [sqrt(1/2), sqrt(2)); log f = 2 atanh((f - 1) / (f + 1)).
        """
        offset = self.as_ints() - _SQRT_HALF_BITS
        exponent = offset >> 23
        fraction = (self.as_ints() - (exponent << 23)).as_floats()
        t = (fraction - 1.0) / (fraction + 1.0)
        t2 = t * t
        series = Vec(self.builder, constant(_LOG2[0]))
        for coefficient in _LOG2[1:]:
            series = series * t2 + coefficient
        return t * series + Vec(self.builder, self.builder.sitofp(exponent.value, FLOATS))


_SQRT_HALF_BITS = 0x3F3504F3
_LOG2 = tuple(2 / (np.log(2) * k) for k in (9, 7, 5, 3, 1))
_ROUND = 1.5 * 2**23
_EXP2 = (1.32764717e-3, 9.67554154e-3, 5.55071328e-2, 2.40221197e-1, 6.93146967e-1, 1.00000007)


class Emitter:
    """Loads, stores and shuffles at the current position of an IR builder."""

    def __init__(self, builder: Builder) -> None:
        self.builder = builder

    def at(self, pointer: Value, offset: Value | int) -> Value:
        """`pointer` moved by `offset` elements."""
        return self.builder.gep(pointer, [I64(offset) if isinstance(offset, int) else offset])

    def times(self, index: Value, stride: int) -> Value:
        """The int64 product of an index and a constant stride."""
        return self.builder.mul(index, I64(stride))

    def load(self, pointer: Value, offset: Value | int = 0, kind: ir.VectorType = FLOATS) -> Vec:
        """Consecutive elements, unaligned."""
        place = self.builder.bitcast(self.at(pointer, offset), kind.as_pointer())
        return Vec(self.builder, self.builder.load(place, align=_bytes(kind.element)))

    def load_bytes(self, pointer: Value, offset: Value) -> Vec:
        """Sixteen int8 as floats."""
        values = self.load(pointer, offset, ir.VectorType(I8, LANES)).value
        return Vec(self.builder, self.builder.sitofp(values, FLOATS))

    def store(self, vector: Vec, pointer: Value, offset: Value | int = 0) -> None:
        """Store to consecutive elements, unaligned."""
        place = self.builder.bitcast(self.at(pointer, offset), vector.value.type.as_pointer())
        self.builder.store(vector.value, place, align=_bytes(vector.value.type.element))

    def spread(self, scalar: Value, lanes: int = LANES) -> Vec:
        """One scalar in every lane."""
        kind = ir.VectorType(scalar.type, lanes)
        undefined = ir.Constant(kind, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, I32(0))
        return Vec(self.builder, self.builder.shuffle_vector(first, undefined, constant(0, ir.VectorType(I32, lanes))))

    def element(self, pointer: Value, offset: int) -> Value:
        """One element of memory."""
        return self.builder.load(self.at(pointer, offset))

    def load_spread(self, pointer: Value, offset: int) -> Vec:
        """One element of memory in every lane."""
        return self.spread(self.element(pointer, offset))

    def constant(self, value: float | Sequence[float], kind: ir.VectorType = FLOATS) -> Vec:
        return Vec(self.builder, constant(value, kind))

    def pick(self, first: Vec, second: Vec, lanes: Sequence[int]) -> Vec:
        """Lanes by number from two vectors laid end to end."""
        index = constant(lanes, ir.VectorType(I32, len(lanes)))
        return Vec(self.builder, self.builder.shuffle_vector(first.value, second.value, index))

    def variable(self, initial: Vec | Value) -> Value:
        """A stack slot (LLVM keeps it in a register) that starts with `initial`."""
        return cgutils.alloca_once_value(self.builder, initial.value if isinstance(initial, Vec) else initial)

    def get(self, slot: Value) -> Vec:
        return Vec(self.builder, self.builder.load(slot))

    def set(self, slot: Value, vector: Vec) -> None:
        self.builder.store(vector.value, slot)

    def transpose(self, rows: Sequence[Vec]) -> list[Vec]:
        """A 16 x 16 matrix, rows to columns, in four stages of pairwise interleaving."""
        rows = list(rows)
        width = 1
        while width < LANES:
            low = [lane + half for lane in range(0, LANES, 2 * width) for half in _pair(width)]
            high = [lane + width for lane in low]
            for i in range(LANES):
                if not i & width:
                    a, b = rows[i], rows[i + width]
                    rows[i], rows[i + width] = self.pick(a, b, low), self.pick(a, b, high)
            width *= 2
        return rows

    def sums(self, vectors: Sequence[Vec]) -> Vec:
        """Lane j is the sum of the lanes of vector j (up to 16 vectors; zero beyond)."""
        rows = [*vectors, *[self.constant(0.0)] * (LANES - len(vectors))]
        width = 1
        while len(rows) > 1:
            low = [lane + half for lane in range(0, LANES, 2 * width) for half in _pair(width)]
            high = [lane + width for lane in low]
            rows = [self.pick(a, b, low) + self.pick(a, b, high) for a, b in zip(rows[::2], rows[1::2], strict=True)]
            width *= 2
        return rows[0]


def _bytes(element: Value) -> int:
    return {F32: 4, F64: 8}.get(element) or element.width // 8


def _pair(width: int) -> list[int]:
    """Offsets of `width` lanes of the first operand, then the same lanes of the second."""
    return [*range(width), *range(LANES, LANES + width)]


def vector_function(result: types.Type) -> Callable[[Callable[..., Any]], Any]:
    """Make `emit(e: Emitter, *values)`, which writes IR, callable from numba code as a function returning `result`.

    Arrays (C order) arrive as pointers to their first element, scalars as themselves. `emit` returns the result
    value; None for `types.void`.
    """

    def decorate(emit: Callable[..., Any]) -> Any:
        def typed(typingctx: Any, *arguments: types.Type) -> Any:
            def generate(context: Any, builder: Builder, signature: Any, values: Sequence[Value]) -> Any:
                unpacked = [
                    make_array(kind)(context, builder, value).data if isinstance(kind, types.Array) else value
                    for kind, value in zip(signature.args, values, strict=True)
                ]
                out = emit(Emitter(builder), *unpacked)
                return context.get_dummy_value() if result == types.void else out

            return result(*arguments), generate

        typed.__name__ = emit.__name__
        typed.__signature__ = inspect.signature(emit)  # numba binds arguments by it; `e` stands for the typing context
        return intrinsic(typed)

    return decorate


@vector_function(types.void)
def prefetch(e: Emitter, array: Value, index: Value) -> None:
    """Bring the cache line of array[index] (flat) near, to be read."""
    byte = e.builder.bitcast(e.at(array, index), I8.as_pointer())
    function = ir.FunctionType(ir.VoidType(), [byte.type, I32, I32, I32])
    declared = cgutils.get_or_insert_function(e.builder.module, function, "llvm.prefetch.p0")
    e.builder.call(declared, [byte, I32(0), I32(3), I32(1)])


_OPTIONS = {"nogil": True, "error_model": "numpy", "boundscheck": False}


def part_of_kernel(function: Callable[..., Any]) -> Any:
    """A function that kernels call; compiled into each of them."""
    with always_compiled():
        return njit(function, **_OPTIONS)


def kernel(signature: str) -> Callable[[Callable[..., Any]], Source]:
    """Declare a kernel, which `kernels` (see there) compiles and keeps."""
    return lambda function: Source(function, signature)
