"""Gaussians to screen: pose, perspective projection (EWA) and colour, sixteen at a time.

The equations are those of 3D Gaussian Splatting (Kerbl et al. 2023) as gsplat 1.5.3 evaluates them.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types

from .colour import Y0, add_changes, add_harmonics
from .layout import (
    ANTIALIASED,
    AXES,
    BLUE,
    CLIP,
    CUTOFF,
    DEPTH,
    FAR,
    FOCAL,
    FOCALS,
    GEOMETRY,
    HALF_HEIGHT,
    LIMITS,
    LOW_PASS,
    MEAN,
    NEAR,
    OPACITY,
    ORIGIN,
    POSE,
    PRINCIPAL,
    REACH_MARGIN,
    RECORD,
    RIGHTMOST,
    ROTATION,
    ROUNDED,
    SIZE,
    SLANT,
    TILE_SHIFT,
    WIDTH,
    X,
)
from .vector import F32, F64, I32, I64, INTS, LANES, Emitter, Value, Vec, kernel, part_of_kernel, vector_function


@vector_function(types.int64)
def project16(
    e: Emitter,
    parents: Value,  # [N] int32
    geometry: Value,  # [N / 16, GEOMETRY, 16] flat
    poses: Value,  # [P, POSE] camera from parent
    plain: Value,  # [N / 16, 3, 16] flat: harmonics of degree 0
    harmonics: Value,  # [N / 16, K - 1, 3, 16] flat: those above, or of size 0
    harmonic_bytes: Value,  # the same as int8, or of size 0
    harmonics_are_bytes: Value,  # 0 or 1
    unit: Value,  # of the bytes
    degree: Value,
    deltas: Value,  # [B, M, 3, 16] flat: colour changes of some sixteens of Gaussians, or of size 0
    delta_bytes: Value,  # the same as int8, or of size 0
    deltas_are_bytes: Value,  # 0 or 1
    shaded: Value,  # which of the B belongs to these sixteen; -1: none
    weights: Value,  # [M], times the units of the bytes
    active: Value,  # [M] int64: the modes whose weight is not 0
    active_count: Value,
    modes: Value,  # M
    lens: Value,  # [LENS]
    camera: Value,  # [CAMERA]
    first: Value,  # the sixteen are first .. first + 15
    records: Value,  # [N, RECORD] flat, written
    rects: Value,  # [N] 4 x uint16 flat as int32, written
) -> Value:
    """Write records and tile rectangles of sixteen Gaussians; returns which of them are visible, as bits."""

    def row(k: int) -> Vec:
        return e.load(geometry, e.builder.add(e.times(first, GEOMETRY), I64(LANES * k)))

    def view(k: int) -> Vec:
        return e.load_spread(camera, k)

    pose = _poses(e, parents, first, poses)
    mean = [row(MEAN + k) for k in range(3)]
    position = [_add_exactly(_dot(pose[4 * i : 4 * i + 3], mean), pose[4 * i + 3], pose[ROUNDED + i]) for i in range(3)]
    xc, yc, zc = (p.to_floats() for p in position)
    in_front = (zc >= view(NEAR)) & (zc <= view(FAR))

    # A splat's place is kept to 1e-5 pixels: an error there moves alphas across the cut-off.
    inverse = 1.0 / position[2]
    tangents = [p * inverse for p in position[:2]]
    px, py = (
        (e.load_spread(lens, FOCAL + k) * tangent + e.load_spread(lens, PRINCIPAL + k)).to_floats()
        for k, tangent in enumerate(tangents)
    )

    # Covariance on screen: the rows of J W times the half axes, as two vectors of three.
    inverse_z = inverse.to_floats()
    u = tangents[0].to_floats().clamp(view(LIMITS), view(LIMITS + 1))
    v = tangents[1].to_floats().clamp(view(LIMITS + 2), view(LIMITS + 3))
    scale_x, scale_y = view(FOCALS) * inverse_z, view(FOCALS + 1) * inverse_z
    jx = [scale_x * (pose[k] - u * pose[8 + k]) for k in range(3)]
    jy = [scale_y * (pose[4 + k] - v * pose[8 + k]) for k in range(3)]
    axes = [[row(AXES + 3 * i + k) for i in range(3)] for k in range(3)]
    across, down = [_dot(axis, jx) for axis in axes], [_dot(axis, jy) for axis in axes]
    low_pass = view(LOW_PASS)
    unfiltered_a, b, unfiltered_c = _dot(across, across), _dot(across, down), _dot(down, down)
    normal = _cross(across, down)
    unfiltered = _dot(normal, normal)  # a c - b b, without its cancellation
    a, c = unfiltered_a + low_pass, unfiltered_c + low_pass
    determinant = unfiltered + low_pass * (unfiltered_a + c)

    opacity = _compensate(e, row(OPACITY), unfiltered / determinant, e.element(camera, ANTIALIASED))

    # Pixels whose centre the ellipse alpha = 1/255 can reach: alpha = opacity exp(-r^2 / 2) falls to it at r sigmas.
    reach = (opacity - CUTOFF) * (2 * math.log(2))
    radius_x, radius_y = (reach * a).sqrt(), (reach * c).sqrt()
    large = (radius_x > view(CLIP)) | (radius_y > view(CLIP))
    x0, x1, seen_x = _pixels(px + view(ORIGIN), radius_x + 1e-3, view(SIZE))
    y0, y1, seen_y = _pixels(py + view(ORIGIN + 1), radius_y + 1e-3, view(SIZE + 1))
    visible = in_front & (reach > 0.0) & large & (determinant > 0.0) & seen_x & seen_y
    mask = visible.bits()
    with e.builder.if_then(e.builder.icmp_unsigned("!=", mask, I64(0))):
        sums = [
            e.variable(e.load(plain, e.builder.add(e.times(first, 3), I64(LANES * c))) * Y0 + 0.5) for c in range(3)
        ]
        add_changes(e, sums, deltas, delta_bytes, deltas_are_bytes, shaded, weights, active, active_count, modes)
        direction = _to_world(e, camera, (xc, yc, zc))
        add_harmonics(e, sums, direction, harmonics, harmonic_bytes, harmonics_are_bytes, unit, degree, first)
        colour = [e.get(slot).max(0.0) for slot in sums]
        # log2(alpha) = log2(opacity) + XX dx^2 + XY dx dy + YY dy^2
        to_log2 = (1 / math.log(2)) / determinant
        conic_xx, conic_xy, conic_yy = c * to_log2 * -0.5, b * to_log2, a * to_log2 * -0.5
        fields = [e.constant(0.0)] * RECORD
        fields[X : BLUE + 1] = [px, py, conic_xx, conic_xy, conic_yy, opacity, zc, *colour]
        widened = reach + REACH_MARGIN * 2 * math.log(2)
        fields[HALF_HEIGHT], fields[WIDTH] = (widened * c).sqrt(), determinant.sqrt() / c
        fields[SLANT], fields[RIGHTMOST] = b / c, (widened * a).sqrt() * b / a
        for lane, record in enumerate(e.transpose(fields)):
            e.store(record, records, e.builder.add(e.times(first, RECORD), I64(RECORD * lane)))
        e.store(_rectangles(e, x0, y0, x1, y1), rects, e.times(first, 2))
    return mask


def _dot(a: list[Vec] | tuple[Vec, ...], b: list[Vec] | tuple[Vec, ...]) -> Vec:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: list[Vec], b: list[Vec]) -> list[Vec]:
    return [a[i] * b[k] - a[k] * b[i] for i, k in ((1, 2), (2, 0), (0, 1))]


def _to_world(e: Emitter, camera: Value, position: tuple[Vec, Vec, Vec]) -> list[Vec]:
    """The direction in the world from the camera to positions in its space."""
    return [_dot([e.load_spread(camera, ROTATION + 3 * i + k) for i in range(3)], position) for k in range(3)]


def _add_exactly(near: Vec, high: Vec, low: Vec) -> Vec:
    """near + high + low in float64: floats that differ much in size."""
    return near.to_doubles() + high.to_doubles() + low.to_doubles()


def _poses(e: Emitter, parents: Value, first: Value, poses: Value) -> list[Vec]:
    """The entries of the parents' poses, one vector each."""
    indices = e.load(parents, first, INTS).value
    rows = []
    for lane in range(LANES):
        parent = e.builder.sext(e.builder.extract_element(indices, I32(lane)), I64)
        rows.append(e.load(poses, e.times(parent, POSE)))
    return e.transpose(rows)


def _pixels(centre: Vec, half: Vec, size: Vec) -> tuple[Vec, Vec, Vec]:
    """First and last pixel with its centre in [centre - half, centre + half], and whether the image has any."""
    low, high = centre - half + 0.5, centre + half - 0.5
    last = size - 1.0
    first_pixel, last_pixel = low.clamp(0.0, last).to_int(), high.clamp(0.0, last).to_int()
    return first_pixel, last_pixel, (low < size) & (high >= 0.0) & (first_pixel <= last_pixel)


def _rectangles(e: Emitter, x0: Vec, y0: Vec, x1: Vec, y1: Vec) -> Vec:
    """First and last tile of ranges of pixels, as 4 x uint16."""
    low = (x0 >> TILE_SHIFT) | ((y0 >> TILE_SHIFT) << 16)
    high = (x1 >> TILE_SHIFT) | ((y1 >> TILE_SHIFT) << 16)
    return e.pick(low, high, [lane + part for lane in range(LANES) for part in (0, LANES)])


def _compensate(e: Emitter, log_opacity: Vec, ratio: Vec, antialiased: Value) -> Vec:
    """log2(opacity), with antialiasing lowered by the square root of `ratio`, so that a splat keeps its mass."""
    lowered = e.variable(log_opacity)
    with e.builder.if_then(e.builder.fcmp_ordered(">", antialiased, F32(0.0))):
        e.set(lowered, log_opacity + ratio.max(1e-30).log2() * 0.5)
    return e.get(lowered)


@vector_function(types.void)
def compose(e: Emitter, view: Value, transform: Value, pose: Value) -> None:
    """pose [POSE] = view [3, 4] (float64) times transform [3, 4] (float32): camera from parent."""
    spread = ir.VectorType(F64, 12)
    rows = e.load(transform, 0, ir.VectorType(F32, 12)).to_doubles()
    cells = [(i, j) for i in range(3) for j in range(4)]
    total = e.constant([0.0] * 12, spread)
    views = e.load(view, 0, spread)
    for k in range(3):
        left, right = (
            e.pick(views, views, [4 * i + k for i, _ in cells]),
            e.pick(rows, rows, [4 * k + j for _, j in cells]),
        )
        total = total + left * right
    shift = e.pick(views, e.constant([0.0] * 12, spread), [4 * i + 3 if j == 3 else 12 for i, j in cells])
    total = total + shift
    rounded = total.to_floats()
    lost = (total - rounded.to_doubles()).to_floats()
    e.store(e.pick(rounded, lost, [*range(12), 12 + 3, 12 + 7, 12 + 11, 12 + 3]), pose)


@part_of_kernel
def mark(grid, rect):
    """Add one rectangle of tiles to the differences in `grid`: their double prefix sum counts rectangles per tile."""
    x0, y0, x1, y1 = rect[0], rect[1], rect[2] + 1, rect[3] + 1
    grid[y0, x0] += 1
    grid[y0, x1] -= 1
    grid[y1, x0] -= 1
    grid[y1, x1] += 1


@part_of_kernel
def begin_lists(grid, starts):
    """Turn the differences into the beginning of each tile's list; returns the length of all lists together."""
    rows, columns = grid.shape[0] - 1, grid.shape[1] - 1
    entries = 0
    for y in range(rows):
        across = 0
        for x in range(columns):
            across += grid[y, x]
            grid[y, x] = across + (grid[y - 1, x] if y > 0 else 0)
            starts[y * columns + x] = entries
            entries += grid[y, x]
    starts[rows * columns] = entries
    return entries


@kernel(
    "UniTuple(int64, 4)(float32[:, :, ::1], float64[:, ::1], int32[::1], float32[::1], float32[::1], float32[::1],"
    "int8[::1], float32, int64, float32[::1], int8[::1], int32[::1], float32[::1], int64[::1], float64[::1],"
    "float32[::1], float32[:, ::1], float32[::1], float32[::1], uint32[::1], int32[::1], uint16[:, ::1], uint64[::1],"
    "int32[:, ::1], int64[::1])"
)
def project(
    transforms,  # [P, 3, 4] world from parent
    view,  # [3, 4] camera from world
    parents,  # [N] transform of each Gaussian; N is a multiple of sixteen
    geometry,  # [N / 16, GEOMETRY, 16] flat
    plain,  # [N / 16, 3, 16] flat: harmonics of degree 0
    harmonics,  # [N / 16, K - 1, 3, 16] flat: those above, or of size 0
    harmonic_bytes,  # the same as int8, or of size 0
    unit,  # of the bytes
    degree,
    deltas,  # [B, M, 3, 16] flat: colour changes of some sixteens of Gaussians, or of size 0
    delta_bytes,  # the same as int8, or of size 0
    shaded,  # [N / 16] which of the B belongs to each sixteen; -1: none
    weights,  # [M] of the colour changes, times the units of the bytes
    active,  # [M] scratch: the modes whose weight is not 0
    lens,  # [LENS]
    camera,  # [CAMERA]
    poses,  # [P, POSE] scratch: camera from parent
    flat_poses,  # the same memory, flat
    records,  # [N, RECORD] flat, out
    record_bits,  # the same memory as uint32
    rects,  # [N, 2] flat, out: first tile (x, y uint16), last tile
    rect_tiles,  # [N, 4] the same memory: x0, y0, x1, y1
    keys,  # [N] out: depth bits << 32 | index of the visible ones
    grid,  # [rows of tiles + 1, columns + 1] scratch
    starts,  # [tiles + 1] out: where each tile's list will begin
):
    """Project every Gaussian; returns (visible, lowest depth bits, highest depth bits, entries of all tile lists)."""
    for p in range(transforms.shape[0]):
        compose(view, transforms[p], poses[p])
    active_count = 0
    for mode in range(weights.shape[0]):
        if weights[mode] != 0:
            active[active_count] = mode
            active_count += 1
    grid[:] = 0
    count = parents.shape[0]
    visible, lowest, highest = 0, np.uint32(0xFFFFFFFF), np.uint32(0)
    for first in range(0, count, 16):
        seen = project16(
            parents, geometry, flat_poses, plain, harmonics, harmonic_bytes, np.int64(harmonic_bytes.shape[0] > 0),
            unit, degree, deltas, delta_bytes, np.int64(delta_bytes.shape[0] > 0), np.int64(shaded[first >> 4]),
            weights, active, active_count, weights.shape[0], lens, camera, first, records, rects,
        )  # fmt: skip
        for lane in range(16 if seen else 0):
            if (seen >> lane) & 1:
                i = first + lane
                depth = record_bits[RECORD * i + DEPTH]  # positive floats sort like their bits
                lowest, highest = min(lowest, depth), max(highest, depth)
                keys[visible] = (np.uint64(depth) << np.uint64(32)) | np.uint64(i)
                visible += 1
                mark(grid, rect_tiles[i])
    return visible, np.int64(lowest), np.int64(highest), begin_lists(grid, starts)
