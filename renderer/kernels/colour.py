"""Colours of sixteen Gaussians: spherical harmonics for a direction, and changes that are mixed by weights.

Coefficients are bytes where all of them are multiples of a unit, as in the files of avatars: a frame reads each of them
once, and fetching them from memory is most of the work.
"""

from __future__ import annotations

from collections.abc import Callable

from numba.core import cgutils

from .vector import F32, I64, LANES, Emitter, Value, Vec

Y0 = 0.28209479177387814  # the harmonic of degree 0


def add_changes(
    e: Emitter,
    sums: list[Value],  # slots of red, green and blue
    deltas: Value,  # [B, M, 3, 16] flat
    delta_bytes: Value,  # the same as int8
    are_bytes: Value,  # which of the two is there
    shaded: Value,  # which of the B; -1: none
    weights: Value,  # [M]
    active: Value,  # [M] int64: the modes whose weight is not 0
    active_count: Value,
    modes: Value,  # M
) -> None:
    """Add sum_m weight_m delta_m."""
    with e.builder.if_then(e.builder.icmp_signed(">=", shaded, I64(0))):
        begin = e.builder.mul(e.builder.mul(shaded, modes), I64(3 * LANES))

        def add(load: Callable[[Value], Vec]) -> None:
            with cgutils.for_range(e.builder, active_count) as loop:
                mode = e.builder.load(e.at(active, loop.index))
                weight = e.spread(e.builder.load(e.at(weights, mode)))
                start = e.builder.add(begin, e.times(mode, 3 * LANES))
                for c, slot in enumerate(sums):
                    e.set(slot, e.get(slot) + weight * load(e.builder.add(start, I64(LANES * c))))

        _read_from(e, deltas, delta_bytes, are_bytes, add)


def add_harmonics(
    e: Emitter,
    sums: list[Value],  # slots of red, green and blue
    direction: list[Vec],  # in the world, camera -> Gaussian, of any length
    harmonics: Value,  # [N / 16, K - 1, 3, 16] flat
    harmonic_bytes: Value,  # the same as int8
    are_bytes: Value,  # which of the two is there
    unit: Value,  # of the bytes
    degree: Value,
    first: Value,  # the sixteen are first .. first + 15
) -> None:
    """Add the degrees from 1 on (bases of Sloan 2013, "Efficient SH")."""
    bands = e.builder.add(degree, I64(1))
    above = e.builder.sub(e.builder.mul(bands, bands), I64(1))
    begin = e.builder.mul(first, e.builder.mul(above, I64(3)))
    length = (direction[0] * direction[0] + direction[1] * direction[1] + direction[2] * direction[2]).sqrt()
    x, y, z = (component / length for component in direction)
    scale = e.spread(e.builder.select(e.builder.icmp_signed("!=", are_bytes, I64(0)), unit, F32(1.0)))

    def add(load: Callable[[Value], Vec]) -> None:
        def add_band(band: int, values: list[Vec]) -> None:
            values = [value * scale for value in values]
            for c, slot in enumerate(sums):
                total = e.get(slot)
                for k, value in enumerate(values):
                    row = 3 * (band * band - 1 + k) + c
                    total = total + value * load(e.builder.add(begin, I64(LANES * row)))
                e.set(slot, total)

        with e.builder.if_then(e.builder.icmp_signed(">=", degree, I64(1))):
            add_band(1, [y * -0.48860251190292, z * 0.48860251190292, x * -0.48860251190292])
            with e.builder.if_then(e.builder.icmp_signed(">=", degree, I64(2))):
                z2 = z * z
                cos2, sin2 = x * x - y * y, x * y * 2.0
                b = z * -1.092548430592079
                a = 0.5462742152960395
                add_band(2, [sin2 * a, b * y, z2 * 0.9461746957575601 - 0.3153915652525201, b * x, cos2 * a])
                with e.builder.if_then(e.builder.icmp_signed(">=", degree, I64(3))):
                    cos3, sin3 = x * cos2 - y * sin2, x * sin2 + y * cos2
                    c = z2 * -2.285228997322329 + 0.4570457994644658
                    b = z * 1.445305721320277
                    a = -0.5900435899266435
                    middle = z * (z2 * 1.865881662950577 - 1.119528997770346)
                    add_band(3, [sin3 * a, b * sin2, c * y, middle, c * x, b * cos2, cos3 * a])

    _read_from(e, harmonics, harmonic_bytes, are_bytes, add)


def _read_from(
    e: Emitter, floats: Value, bytes_: Value, are_bytes: Value, add: Callable[[Callable[[Value], Vec]], None]
) -> None:
    """Call `add` with what loads sixteen coefficients from a place: for either kind, of which one is there."""
    with e.builder.if_else(e.builder.icmp_signed("!=", are_bytes, I64(0))) as (packed, plain):
        with packed:
            add(lambda place: e.load_bytes(bytes_, place))
        with plain:
            add(lambda place: e.load(floats, place))
