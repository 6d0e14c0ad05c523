"""Gaussians to screen: pose, perspective projection (EWA) and colour, sixteen at a time.

The equations are those of 3D Gaussian Splatting (Kerbl et al. 2023) as gsplat 1.5.3 evaluates them.
"""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils

from .vector import F32, F64, I32, I64, INTS, LANES, Emitter, Value, Vec, kernel, part_of_kernel, vector_function

CUTOFF = -7.994353437  # log2(1/255): a fainter contribution is skipped
TILE_SHIFT = 4  # tiles are 16 x 16 pixels

# One splat is one cache line of sixteen float32 (`records`). X and Y are pixels from the camera's origin pixel:
# small numbers near the middle of the picture, where float32 is finest.
X, Y, XX, XY, YY, LOG_OPACITY, REACH, DEPTH, RED, GREEN, BLUE, SLOPE_X, SLOPE_Y = range(13)
RECORD = 16

# Rows of `geometry` [N / 16, GEOMETRY, 16]: mean, rotation times scales (row by row), log2 opacity.
MEAN, AXES, OPACITY, GEOMETRY = 0, 3, 12, 13

# Elements of `lens` (float64): focal lengths, principal point from the origin pixel.
FOCAL, PRINCIPAL, LENS = 0, 2, 4

# Elements of `camera`: focal lengths, limits of x/z and y/z for the Jacobian, image size, origin pixel, rotation world
# to camera, and of the settings: near, far, low-pass filter, antialiasing (0 or 1), least radius.
FOCALS, LIMITS, SIZE, ORIGIN, ROTATION, NEAR, FAR, LOW_PASS, ANTIALIASED, CLIP, CAMERA = 0, 2, 6, 8, 10, *range(19, 25)

# A pose: 3 rows of 4 numbers, and what rounding took from the translation.
POSE, ROUNDED = 16, 12


@vector_function(types.int64)
def project16(
    e: Emitter,
    parents: Value,  # [N] int32
    geometry: Value,  # [N / 16, GEOMETRY, 16] flat
    poses: Value,  # [P, POSE] camera from parent
    sh: Value,  # [N / 16, K, 3, 16] flat
    degree: Value,
    deltas: Value,  # [B, M, 3, 16] flat: colour changes of some sixteens of Gaussians
    shaded: Value,  # which of the B belongs to these sixteen; -1: none
    weights: Value,  # [M]
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
        change = _mix(e, deltas, shaded, weights, modes)
        colour = _colour(e, (xc, yc, zc), sh, degree, change, camera, first)
        # log2(alpha) = log2(opacity) + XX dx^2 + XY dx dy + YY dy^2
        to_log2 = (1 / math.log(2)) / determinant
        conic_xx, conic_xy, conic_yy = c * to_log2 * -0.5, b * to_log2, a * to_log2 * -0.5
        half_xy = conic_xy * -0.5
        fields = [e.constant(0.0)] * RECORD
        fields[X : BLUE + 1] = [px, py, conic_xx, conic_xy, conic_yy, opacity, CUTOFF - 2e-3 - opacity, zc, *colour]
        fields[SLOPE_X], fields[SLOPE_Y] = half_xy / conic_yy, half_xy / conic_xx
        start = e.times(first, RECORD)
        for lane, record in enumerate(e.transpose(fields)):
            e.store(record, records, e.builder.add(start, I64(RECORD * lane)))
        low = (x0 >> TILE_SHIFT) | ((y0 >> TILE_SHIFT) << 16)
        high = (x1 >> TILE_SHIFT) | ((y1 >> TILE_SHIFT) << 16)
        pairs = [lane + part for lane in range(LANES) for part in (0, LANES)]
        e.store(e.pick(low, high, pairs), rects, e.times(first, 2))
    return mask


def _dot(a: list[Vec] | tuple[Vec, ...], b: list[Vec] | tuple[Vec, ...]) -> Vec:
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def _cross(a: list[Vec], b: list[Vec]) -> list[Vec]:
    return [a[i] * b[k] - a[k] * b[i] for i, k in ((1, 2), (2, 0), (0, 1))]


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


def _compensate(e: Emitter, log_opacity: Vec, ratio: Vec, antialiased: Value) -> Vec:
    """log2(opacity), with antialiasing lowered by the square root of `ratio`, so that a splat keeps its mass."""
    lowered = e.variable(log_opacity)
    with e.builder.if_then(e.builder.fcmp_ordered(">", antialiased, F32(0.0))):
        e.set(lowered, log_opacity + ratio.max(1e-30).log2() * 0.5)
    return e.get(lowered)


def _mix(e: Emitter, deltas: Value, shaded: Value, weights: Value, modes: Value) -> list[Value]:
    """Slots with the change of red, green and blue: sum_m weight_m delta_m."""
    sums = [e.variable(e.constant(0.0)) for _ in range(3)]
    with e.builder.if_then(e.builder.icmp_signed(">=", shaded, I64(0))):
        block = e.at(deltas, e.builder.mul(e.builder.mul(shaded, modes), I64(3 * LANES)))
        with cgutils.for_range(e.builder, modes) as loop:
            weight = e.spread(e.builder.load(e.at(weights, loop.index)))
            start = e.times(loop.index, 3 * LANES)
            for c, slot in enumerate(sums):
                e.set(slot, e.get(slot) + weight * e.load(block, e.builder.add(start, I64(LANES * c))))
    return sums


def _colour(
    e: Emitter,
    position: tuple[Vec, Vec, Vec],
    sh: Value,
    degree: Value,
    change: list[Value],
    camera: Value,
    first: Value,
) -> list[Vec]:
    """max(0, 0.5 + SH + change) for the world direction camera -> Gaussian (bases of Sloan 2013, "Efficient SH")."""
    to_world = [[e.load_spread(camera, ROTATION + 3 * i + k) for i in range(3)] for k in range(3)]
    direction = [_dot(column, position) for column in to_world]
    length = _dot(direction, direction).sqrt()
    x, y, z = (component / length for component in direction)

    bases = e.builder.mul(e.builder.add(degree, I64(1)), e.builder.add(degree, I64(1)))
    block = e.at(sh, e.builder.mul(first, e.builder.mul(bases, I64(3))))
    sums = change
    for c, slot in enumerate(sums):
        e.set(slot, e.get(slot) + (e.load(block, LANES * c) * 0.28209479177387814 + 0.5))

    def add(band: int, values: list[Vec]) -> None:
        for c, slot in enumerate(sums):
            total = e.get(slot)
            for k, value in enumerate(values):
                total = total + value * e.load(block, LANES * (3 * (band * band + k) + c))
            e.set(slot, total)

    with e.builder.if_then(e.builder.icmp_signed(">=", degree, I64(1))):
        add(1, [y * -0.48860251190292, z * 0.48860251190292, x * -0.48860251190292])
        with e.builder.if_then(e.builder.icmp_signed(">=", degree, I64(2))):
            z2 = z * z
            cos2, sin2 = x * x - y * y, x * y * 2.0
            b = z * -1.092548430592079
            a = 0.5462742152960395
            add(2, [sin2 * a, b * y, z2 * 0.9461746957575601 - 0.3153915652525201, b * x, cos2 * a])
            with e.builder.if_then(e.builder.icmp_signed(">=", degree, I64(3))):
                cos3, sin3 = x * cos2 - y * sin2, x * sin2 + y * cos2
                c = z2 * -2.285228997322329 + 0.4570457994644658
                b = z * 1.445305721320277
                a = -0.5900435899266435
                middle = z * (z2 * 1.865881662950577 - 1.119528997770346)
                add(3, [sin3 * a, b * sin2, c * y, middle, c * x, b * cos2, cos3 * a])
    return [e.get(slot).max(0.0) for slot in sums]


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
    "UniTuple(int64, 4)(float32[:, :, ::1], float64[:, ::1], int32[::1], float32[::1], float32[::1], int64,"
    "float32[::1], int32[::1], float32[::1], float64[::1], float32[::1], float32[:, ::1], float32[::1], uint32[::1],"
    "int32[::1], uint16[:, ::1], uint64[::1], int32[:, ::1], int64[::1])"
)
def project(
    transforms,  # [P, 3, 4] world from parent
    view,  # [3, 4] camera from world
    parents,  # [N] transform of each Gaussian; N is a multiple of sixteen
    geometry,  # [N / 16, GEOMETRY, 16] flat
    sh,  # [N / 16, K, 3, 16] flat
    degree,
    deltas,  # [B, M, 3, 16] flat: colour changes of some sixteens of Gaussians
    shaded,  # [N / 16] which of the B belongs to each sixteen; -1: none
    weights,  # [M] of the colour changes
    lens,  # [LENS]
    camera,  # [CAMERA]
    poses,  # [P, POSE] scratch: camera from parent
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
    grid[:] = 0
    count = parents.shape[0]
    flat_poses = poses.reshape(-1)
    visible, lowest, highest = 0, np.uint32(0xFFFFFFFF), np.uint32(0)
    for first in range(0, count, 16):
        seen = project16(
            parents, geometry, flat_poses, sh, degree, deltas, np.int64(shaded[first >> 4]), weights,
            weights.shape[0], lens, camera, first, records, rects,
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
