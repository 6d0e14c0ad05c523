"""Gaussians to screen: pose, perspective projection (EWA) and colour, sixteen at a time.

The equations are those of 3D Gaussian Splatting (Kerbl et al. 2023) as gsplat 1.5.3 evaluates them.
"""

from __future__ import annotations

import numpy as np
from numba import types

from .vector import I32, I64, INTS, LANES, Emitter, Value, Vec, kernel, part_of_kernel, vector_function

NEAR = 0.01  # metres; what lies closer to the camera plane is not drawn
LOW_PASS = 0.3  # square pixels added to the variance on screen
CUTOFF = -7.994353437  # log2(1/255): a fainter contribution is skipped
TILE_SHIFT = 4  # tiles are 16 x 16 pixels

# One splat is one cache line of sixteen float32 (`records`).
X, Y, XX, XY, YY, LOG_OPACITY, REACH, DEPTH, RED, GREEN, BLUE, SLOPE_X, SLOPE_Y = range(13)
RECORD = 16

# Rows of `geometry` [GEOMETRY, N]: mean, covariance (upper triangle), log2 opacity, extent in sigmas.
MEAN, COVARIANCE, OPACITY, EXTENT, GEOMETRY = 0, 3, 9, 10, 11

# Elements of `camera`: intrinsics, limits of x/z and y/z for the Jacobian, image size, rotation world to camera.
INTRINSICS, LIMITS, SIZE, ROTATION, CAMERA = 0, 4, 8, 10, 19


@vector_function(types.int64)
def project16(
    e: Emitter,
    parents: Value,  # [N] int32
    geometry: Value,  # [GEOMETRY, N] flat
    count: Value,  # N
    poses: Value,  # [P, 16] camera from parent, 3 rows of 4
    sh: Value,  # [N / 16, K, 3, 16] flat
    degree: Value,
    camera: Value,  # [CAMERA]
    first: Value,  # the sixteen are first .. first + 15
    records: Value,  # [N, RECORD] flat, written
    rects: Value,  # [N] 4 x uint16 flat as int32, written
) -> Value:
    """Write records and tile rectangles of sixteen Gaussians; returns which of them are visible, as bits."""

    def row(k: int) -> Vec:
        return e.load(geometry, e.builder.add(e.times(count, k), first))

    def view(k: int) -> Vec:
        return e.load_spread(camera, k)

    pose = _poses(e, parents, first, poses)
    mean = [row(MEAN + k) for k in range(3)]
    xc, yc, zc = (_dot(pose[4 * i : 4 * i + 3], mean) + pose[4 * i + 3] for i in range(3))
    in_front = zc >= NEAR
    depth = in_front.where(zc, 1.0)

    fx, fy, cx, cy = (view(INTRINSICS + k) for k in range(4))
    inverse_z = 1.0 / depth
    x_z, y_z = xc * inverse_z, yc * inverse_z
    px, py = fx * x_z + cx, fy * y_z + cy

    # Covariance on screen, (J W) S (J W)^T with the rows of J W scaled by the focal lengths.
    u, v = x_z.clamp(view(LIMITS), view(LIMITS + 1)), y_z.clamp(view(LIMITS + 2), view(LIMITS + 3))
    scale_x, scale_y = fx * inverse_z, fy * inverse_z
    jx = [scale_x * (pose[k] - u * pose[8 + k]) for k in range(3)]
    jy = [scale_y * (pose[4 + k] - v * pose[8 + k]) for k in range(3)]
    xx, xy, xz, yy, yz, zz = (row(COVARIANCE + k) for k in range(6))
    sx = [_dot(s, jx) for s in ((xx, xy, xz), (xy, yy, yz), (xz, yz, zz))]
    sy = [_dot(s, jy) for s in ((xx, xy, xz), (xy, yy, yz), (xz, yz, zz))]
    a, b, c = _dot(jx, sx) + LOW_PASS, _dot(jy, sx), _dot(jy, sy) + LOW_PASS
    determinant = a * c - b * b

    # Pixels whose centre the ellipse alpha = 1/255 can reach.
    extent = row(EXTENT)
    half_x, half_y = extent * a.sqrt() + 1e-3, extent * c.sqrt() + 1e-3
    x0, x1, seen_x = _pixels(px, half_x, view(SIZE))
    y0, y1, seen_y = _pixels(py, half_y, view(SIZE + 1))
    visible = in_front & (extent > 0.0) & (determinant > 0.0) & seen_x & seen_y
    mask = visible.bits()
    with e.builder.if_then(e.builder.icmp_unsigned("!=", mask, I64(0))):
        colour = _colour(e, (xc, yc, zc), sh, degree, camera, first)
        # log2(alpha) = log2(opacity) + XX dx^2 + XY dx dy + YY dy^2
        to_log2 = 1.4426950408889634 / determinant
        conic_xx, conic_xy, conic_yy = c * to_log2 * -0.5, b * to_log2, a * to_log2 * -0.5
        opacity = row(OPACITY)
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


def _poses(e: Emitter, parents: Value, first: Value, poses: Value) -> list[Vec]:
    """The 12 entries of the parents' matrices, one vector each."""
    indices = e.load(parents, first, INTS).value
    rows = []
    for lane in range(LANES):
        parent = e.builder.sext(e.builder.extract_element(indices, I32(lane)), I64)
        rows.append(e.load(poses, e.times(parent, 16)))
    return e.transpose(rows)[:12]


def _pixels(centre: Vec, half: Vec, size: Vec) -> tuple[Vec, Vec, Vec]:
    """First and last pixel with its centre in [centre - half, centre + half], and whether the image has any."""
    low, high = centre - half + 0.5, centre + half - 0.5
    last = size - 1.0
    first_pixel, last_pixel = low.clamp(0.0, last).to_int(), high.clamp(0.0, last).to_int()
    return first_pixel, last_pixel, (low < size) & (high >= 0.0) & (first_pixel <= last_pixel)


def _colour(
    e: Emitter, position: tuple[Vec, Vec, Vec], sh: Value, degree: Value, camera: Value, first: Value
) -> list[Vec]:
    """max(0, 0.5 + SH) seen along the world direction camera -> Gaussian (bases of Sloan 2013, "Efficient SH")."""
    to_world = [[e.load_spread(camera, ROTATION + 3 * i + k) for i in range(3)] for k in range(3)]
    direction = [_dot(column, position) for column in to_world]
    length = _dot(direction, direction).sqrt()
    x, y, z = (component / length for component in direction)

    bases = e.builder.mul(e.builder.add(degree, I64(1)), e.builder.add(degree, I64(1)))
    block = e.at(sh, e.builder.mul(first, e.builder.mul(bases, I64(3))))
    sums = [e.variable(e.load(block, LANES * c) * 0.28209479177387814 + 0.5) for c in range(3)]

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


@part_of_kernel
def compose(view, transforms, poses):
    """poses = view * transforms: camera from parent, 3 rows of 4 in each row of `poses`."""
    for p in range(transforms.shape[0]):
        for i in range(3):
            for j in range(4):
                total = view[i, 3] if j == 3 else np.float32(0)
                for k in range(3):
                    total += view[i, k] * transforms[p, k, j]
                poses[p, 4 * i + j] = total


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
    "UniTuple(int64, 4)(float32[:, :, ::1], float32[:, ::1], int32[::1], float32[::1], float32[::1], int64,"
    "float32[::1], float32[:, ::1], float32[::1], uint32[::1], int32[::1], uint16[:, ::1], uint64[::1],"
    "int32[:, ::1], int64[::1])"
)
def project(
    transforms,  # [P, 3, 4] world from parent
    view,  # [3, 4] camera from world
    parents,  # [N] transform of each Gaussian
    geometry,  # [GEOMETRY, N] flat; N is a multiple of sixteen
    sh,  # [N / 16, K, 3, 16] flat
    degree,
    camera,  # [CAMERA]
    poses,  # [P, 16] scratch: camera from parent
    records,  # [N, RECORD] flat, out
    record_bits,  # the same memory as uint32
    rects,  # [N, 2] flat, out: first tile (x, y uint16), last tile
    rect_tiles,  # [N, 4] the same memory: x0, y0, x1, y1
    keys,  # [N] out: depth bits << 32 | index of the visible ones
    grid,  # [rows of tiles + 1, columns + 1] scratch
    starts,  # [tiles + 1] out: where each tile's list will begin
):
    """Project every Gaussian; returns (visible, lowest depth bits, highest depth bits, entries of all tile lists)."""
    compose(view, transforms, poses)
    grid[:] = 0
    count = parents.shape[0]
    flat_poses = poses.reshape(-1)
    visible, lowest, highest = 0, np.uint32(0xFFFFFFFF), np.uint32(0)
    for first in range(0, count, 16):
        seen = project16(parents, geometry, count, flat_poses, sh, degree, camera, first, records, rects)
        for lane in range(16 if seen else 0):
            if (seen >> lane) & 1:
                i = first + lane
                depth = record_bits[RECORD * i + DEPTH]  # positive floats sort like their bits
                lowest, highest = min(lowest, depth), max(highest, depth)
                keys[visible] = (np.uint64(depth) << np.uint64(32)) | np.uint64(i)
                visible += 1
                mark(grid, rect_tiles[i])
    return visible, np.int64(lowest), np.int64(highest), begin_lists(grid, starts)
