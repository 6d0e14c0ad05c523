"""The CPU rasterizer: exact 3D Gaussian splatting as gsplat 1.5.3 defines it, without a GPU.

A frame runs on one thread without holding the interpreter lock; different frames may be drawn by different
threads at once, and the pictures do not depend on how many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..core.errors import InputError
from .camera import Camera
from .checks import (
    check_background,
    check_cameras,
    check_gaussians,
    check_shading,
    check_shading_weights,
    check_transforms,
)
from .gaussians import Gaussians, Shading
from .kernels import KERNELS, blend_tiles, fill_lists, project_gaussians, sort_keys
from .kernels.layout import (
    ACROSS,
    ANTIALIASED,
    AXES,
    BATCH,
    CAMERA,
    CLIP,
    CUTOFF,
    DIGIT,
    FAR,
    FOCALS,
    GEOMETRY,
    LANES,
    LIMITS,
    LOG_OPACITY,
    LOW_PASS,
    MEAN,
    NEAR,
    OPACITY,
    ORIGIN,
    RECORD,
    ROTATION,
    SIZE,
    TILE,
    WORDS,
)
from .packed import Packed, packed
from .rasterizer import CLASSIC, Frame
from .settings import RasterSettings

F32 = NDArray[np.float32]
FAINTEST = 1 / 255  # alpha of what is just not drawn
JACOBIAN_MARGIN = 0.3  # of half the image: how far outside it the projection is linearised where the mean lies


class CpuRasterizer:
    """Draws on the processor."""

    name = "cpu"

    def __init__(self, reason: str) -> None:
        self.reason = reason

    @property
    def compiles(self) -> bool:
        """Whether `warm` will have to compile, which takes seconds, rather than load what was compiled before."""
        return not all(kernel.is_ready for kernel in KERNELS)

    def warm(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Compile the kernels, or load what was compiled before; calls progress(kernels ready, kernels in all)."""
        for done, kernel in enumerate(KERNELS):
            progress(done, len(KERNELS))
            kernel.compile()
        progress(len(KERNELS), len(KERNELS))

    def load(
        self,
        gaussians: Gaussians,
        parents: NDArray[np.int32] | None = None,
        *,
        shading: Shading | None = None,
        settings: RasterSettings = CLASSIC,
    ) -> CpuScene:
        """Prepare N Gaussians; `parents` [N] names the transform that moves each one (None: all the first one).

        Raises InputError when a value is not finite, an opacity lies outside 0..1 or the shading belongs to others.
        """
        parents = check_gaussians(gaussians, parents)
        check_shading(shading, len(gaussians))
        self.warm()
        return CpuScene(gaussians, parents, shading, settings)


class CpuScene:
    """Gaussians in the kernels' layout, and one set of work buffers per thread that draws."""

    def __init__(
        self, gaussians: Gaussians, parents: NDArray[np.int32], shading: Shading | None, settings: RasterSettings
    ) -> None:
        self._settings = settings
        self._parent_count = int(parents.max(initial=-1)) + 1
        # Neighbours share a parent, whose matrix is then in the cache. What is too faint for any pixel is left out.
        order = np.argsort(parents, kind="stable")
        self._order = order[gaussians.opacities[order] > FAINTEST]
        padded = -(-len(self._order) // LANES) * LANES
        self._degree = gaussians.sh_degree
        self._harmonics = packed(gaussians.sh[:, 1:]).arranged(lambda sh: _sixteens(_pad(sh[self._order], padded)))
        gaussians = replace(gaussians, sh=gaussians.sh[:, :1]).select(self._order)
        self._parents = _pad(parents[self._order], padded)
        self._geometry = _geometry(gaussians, padded)
        self._plain = _sixteens(_pad(gaussians.sh[:, 0], padded)).reshape(-1)
        self._modes = shading.modes if shading else 0
        self._changes, self._shaded = _changes(shading, self._order, padded)
        self._idle: deque[Buffers] = deque()

    def render(
        self,
        camera: Camera | Sequence[Camera],
        transforms: F32 | None = None,
        *,
        shading_weights: F32 | None = None,
        background: ArrayLike = (1.0, 1.0, 1.0),
    ) -> list[Frame]:
        """Draw the scene once per pose (see `Scene.render`)."""
        behind = check_background(background)
        jobs = self._jobs(camera, transforms, shading_weights)
        frames = [_empty_frame(camera) for camera, _, _ in jobs]
        for job, frame in zip(jobs, frames, strict=True):
            self._draw(*job, behind, frame, _NO_IMAGE)
        return frames

    def render_float(
        self,
        camera: Camera | Sequence[Camera],
        transforms: F32 | None = None,
        *,
        shading_weights: F32 | None = None,
    ) -> F32:
        """Premultiplied colour and coverage [T, H, W, 4], neither clamped nor rounded."""
        jobs = self._jobs(camera, transforms, shading_weights)
        if not jobs:
            raise InputError("transforms: expected at least one pose, found none")
        black, rounded = np.zeros(3, np.float32), _empty_frame(jobs[0][0])
        images = np.empty((len(jobs), *rounded.alpha.shape, 4), np.float32)
        for job, image in zip(jobs, images, strict=True):
            self._draw(*job, black, rounded, image)
        return images

    def _jobs(
        self, camera: Camera | Sequence[Camera], transforms: F32 | None, weights: F32 | None
    ) -> list[tuple[Camera, F32, F32]]:
        """Camera, pose and shading weights of every frame."""
        cameras, poses = check_cameras(camera, check_transforms(transforms, self._parent_count))
        return list(zip(cameras, poses, check_shading_weights(weights, len(poses), self._modes), strict=True))

    def _draw(self, camera: Camera, pose: F32, weights: F32, background: F32, frame: Frame, image: F32) -> None:
        try:
            buffers = self._idle.pop()
        except IndexError:
            buffers = Buffers(len(self._parents), self._modes)
        self._project(buffers, camera, pose, weights)
        buffers.sort()
        buffers.fill()
        self._blend(buffers, camera, background, frame, image)
        self._idle.append(buffers)

    def _project(self, b: Buffers, camera: Camera, pose: F32, weights: F32) -> None:
        b.fit(camera.width, camera.height, len(pose))
        sh, changes = self._harmonics, self._changes
        b.visible, b.lowest, b.highest, b.entry_count = project_gaussians(
            pose, np.ascontiguousarray(camera.view[:3], np.float64), self._parents, self._geometry, self._plain,
            sh.floats, sh.whole, sh.units[0], self._degree, changes.floats, changes.whole, self._shaded,
            weights * changes.units if changes.whole.size else weights, b.active,
            *_camera_constants(camera, self._settings),
            b.poses, b.poses.reshape(-1), b.records, b.record_bits, b.rects, b.rect_tiles, b.keys, b.grid, b.starts,
        )  # fmt: skip

    def _blend(self, b: Buffers, camera: Camera, background: F32, frame: Frame, image: F32) -> None:
        blend_tiles(
            b.records, b.entries, b.starts, origin_pixel(camera), background, np.float32(self._settings.alpha_cap),
            *b.scratch, UNSEEN, b.edge_rgb, b.edge_alpha,
            frame.rgb, frame.rgb.reshape(-1), frame.alpha, frame.alpha.reshape(-1), image,
        )  # fmt: skip


class Buffers:
    """Work memory of one frame in the making; grows to what the frames need."""

    def __init__(self, count: int, modes: int = 0) -> None:
        self.active = np.empty(modes, np.int64)
        self.records = aligned(count * RECORD)
        self.record_bits = self.records.view(np.uint32)
        self.rects = np.empty(2 * count, np.int32)
        self.rect_tiles = self.rects.view(np.uint16).reshape(count, 4)
        self.keys = np.empty(count, np.uint64)
        self.spare = np.empty(count, np.uint64)
        self.histogram = np.empty(1 << DIGIT, np.int64)
        self.entries = np.empty(0, np.int32)
        self.poses = np.empty((0, 16), np.float32)
        self.grid = np.empty((0, 0), np.int32)
        self.scratch = (  # of the kernels that composite, in their order
            aligned(TILE * TILE * 4),
            np.empty(ACROSS * ACROSS, np.int64),
            np.empty(BATCH, np.int64),
            np.empty(BATCH * ACROSS, np.uint8),
            np.empty(WORDS, np.int64),
            np.empty(WORDS, np.int64),
        )
        self.edge_rgb = np.empty(768, np.uint8)
        self.edge_alpha = np.empty(256, np.uint8)
        self.visible = self.lowest = self.highest = self.entry_count = 0

    def fit(self, width: int, height: int, poses: int = 0) -> None:
        """Make room for an image of this size and for this many poses."""
        rows, columns = -(-height // TILE), -(-width // TILE)
        if self.grid.shape != (rows + 1, columns + 1):
            self.grid = np.empty((rows + 1, columns + 1), np.int32)
            self.starts = np.empty(rows * columns + 1, np.int64)
            self.positions = np.empty(rows * columns, np.int64)
        if len(self.poses) < poses:
            self.poses = aligned(16 * poses).reshape(poses, 16)

    def sort(self) -> None:
        """Put the visible keys in order of depth."""
        if sort_keys(self.keys, self.spare, self.visible, self.lowest, self.highest, self.histogram):
            self.keys, self.spare = self.spare, self.keys

    def fill(self) -> None:
        """Write the tile lists."""
        if len(self.entries) < self.entry_count + BATCH:
            self.entries = np.zeros(self.entry_count + self.entry_count // 4 + BATCH, np.int32)
        fill_lists(
            self.keys, self.visible, self.rect_tiles, self.grid.shape[1] - 1, self.starts, self.positions, self.entries
        )


UNSEEN = np.zeros(RECORD, np.float32)  # the record of a splat that nobody sees
UNSEEN[LOG_OPACITY] = -100
_NO_IMAGE = np.empty((0, 0, 4), np.float32)


def _empty_frame(camera: Camera) -> Frame:
    shape = (camera.height, camera.width)
    return Frame(np.empty((*shape, 3), np.uint8), np.empty(shape, np.uint8))


def aligned(size: int) -> F32:
    """Uninitialised float32 that begin on a cache line (64 bytes)."""
    memory = np.empty(size + 16, np.float32)
    start = (-memory.ctypes.data // 4) % 16
    return memory[start : start + size]


def _pad(array: NDArray, count: int) -> NDArray:
    """`array` lengthened to `count` rows of zeros."""
    return np.concatenate([array, np.zeros((count - len(array), *array.shape[1:]), array.dtype)])


def _sixteens(rows: NDArray) -> NDArray:
    """Rows [N, ..., 3] of a multiple of sixteen Gaussians, regrouped [N / 16, ..., 3, 16]."""
    blocks = rows.reshape(len(rows) // LANES, LANES, *rows.shape[1:])
    return np.ascontiguousarray(np.moveaxis(blocks, 1, -1))


def _geometry(gaussians: Gaussians, padded: int) -> F32:
    """Mean, half axes and log2 opacity of each Gaussian, [N / 16, GEOMETRY, 16] flat: one stream of memory."""
    geometry = np.zeros((GEOMETRY, padded), np.float32)
    n = len(gaussians)
    geometry[MEAN : MEAN + 3, :n] = gaussians.means.T
    geometry[AXES : AXES + 9, :n] = np.moveaxis(gaussians.axes(), 0, -1).reshape(9, n)
    geometry[OPACITY] = CUTOFF - 1  # those that fill up the last sixteen are too faint to be drawn
    geometry[OPACITY, :n] = np.log2(gaussians.opacities.astype(np.float64))
    return np.ascontiguousarray(geometry.reshape(GEOMETRY, -1, LANES).swapaxes(0, 1)).reshape(-1)


def _changes(shading: Shading | None, order: NDArray[np.int64], padded: int) -> tuple[Packed, NDArray[np.int32]]:
    """Colour changes [B, M, 3, 16] of those sixteens that have any, and which B each sixteen has, or -1."""
    shaded = np.full(padded // LANES, -1, np.int32)
    if shading is None:
        return packed(np.zeros(0, np.float32)), shaded
    rows = np.full(int(max(order.max(initial=-1), shading.index.max(initial=-1))) + 1, -1)
    rows[shading.index] = np.arange(len(shading.index))
    rows = _pad(rows[order] + 1, padded)  # 0: no change
    changed = (rows.reshape(-1, LANES) > 0).any(axis=1)
    shaded[changed] = np.arange(changed.sum())
    used = rows.reshape(-1, LANES)[changed].reshape(-1)

    def arrange(delta: NDArray) -> NDArray:
        """[S, M, 3] of the Gaussians that change -> [B, M, 3, 16]."""
        return _sixteens(np.concatenate([np.zeros_like(delta[:1]), delta])[used])

    return packed(shading.delta.swapaxes(0, 1), axis=1).arranged(arrange), shaded


def origin_pixel(camera: Camera) -> tuple[int, int]:
    """The pixel (column, row) nearest to the principal point, from which the records count."""
    return tuple(int(np.clip(np.rint(camera.K[k, 2]), -(2**20), 2**20)) for k in range(2))  # pyright: ignore


def _camera_constants(camera: Camera, settings: RasterSettings) -> tuple[NDArray[np.float64], F32]:
    """The kernels' `lens` and `camera` arrays."""
    (fx, _, cx), (_, fy, cy) = camera.K[:2].tolist()
    origin_x, origin_y = origin_pixel(camera)
    margin_x, margin_y = JACOBIAN_MARGIN * camera.width / (2 * fx), JACOBIAN_MARGIN * camera.height / (2 * fy)
    constants = np.empty(CAMERA, np.float32)
    constants[FOCALS : FOCALS + 2] = fx, fy
    constants[LIMITS : LIMITS + 2] = -cx / fx - margin_x, (camera.width - cx) / fx + margin_x
    constants[LIMITS + 2 : LIMITS + 4] = -cy / fy - margin_y, (camera.height - cy) / fy + margin_y
    constants[SIZE : SIZE + 2] = camera.width, camera.height
    constants[ORIGIN : ORIGIN + 2] = origin_x, origin_y
    constants[ROTATION : ROTATION + 9] = camera.view[:3, :3].reshape(-1)
    constants[[NEAR, FAR, LOW_PASS]] = settings.near, settings.far, settings.low_pass
    constants[[ANTIALIASED, CLIP]] = settings.antialiased, np.floor(settings.radius_clip)  # gsplat rounds radii up
    return np.array([fx, fy, cx - origin_x, cy - origin_y]), constants
