"""The CPU rasterizer: exact 3D Gaussian splatting as gsplat 1.5.3 defines it, without a GPU.

A frame runs on one thread without holding the interpreter lock; different frames may be drawn by different
threads at once, and the pictures do not depend on how many there are.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import fields

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .camera import Camera
from .gaussians import Gaussians
from .kernels import KERNELS, blend, fill, project, sort
from .kernels.project import CAMERA, COVARIANCE, EXTENT, GEOMETRY, LIMITS, MEAN, OPACITY, RECORD, ROTATION, SIZE
from .rasterizer import Frame, check_background, check_gaussians, check_transforms

F32 = NDArray[np.float32]
MAX_ALPHA = 0.999  # gsplat 1.0 to 1.5.3; gsplat 1.6 and the original 3DGS cap a splat's alpha at 0.99
JACOBIAN_MARGIN = 0.3  # of half the image: how far outside it the projection is linearised where the mean lies


class CpuRasterizer:
    """Draws on the processor; `max_alpha` caps the alpha of one splat in one pixel."""

    name = "cpu"

    def __init__(self, reason: str, *, max_alpha: float = MAX_ALPHA) -> None:
        self.reason = reason
        self.max_alpha = max_alpha

    def warm(self, progress: Callable[[int, int], None] = lambda done, total: None) -> None:
        """Compile the kernels, or load them from numba's cache; calls progress(kernels ready, kernels in all)."""
        for done, kernel in enumerate(KERNELS):
            progress(done, len(KERNELS))
            kernel.compile()
        progress(len(KERNELS), len(KERNELS))

    def load(self, gaussians: Gaussians, parents: NDArray[np.int32] | None = None) -> CpuScene:
        """Prepare N Gaussians; `parents` [N] names the transform that moves each one (None: all the first one).

        Raises InputError when a value is not finite or an opacity lies outside 0..1.
        """
        parents = check_gaussians(gaussians, parents)
        self.warm()
        return CpuScene(gaussians, parents, self.max_alpha)


class CpuScene:
    """Gaussians in the kernels' layout, and one set of work buffers per thread that draws."""

    def __init__(self, gaussians: Gaussians, parents: NDArray[np.int32], max_alpha: float) -> None:
        order = np.argsort(parents, kind="stable")  # neighbours share a parent, whose matrix is then in the cache
        gaussians = Gaussians(*(getattr(gaussians, field.name)[order] for field in fields(Gaussians)))
        self._max_alpha = np.float32(max_alpha)
        self._degree = gaussians.sh_degree
        self._parent_count = int(parents.max(initial=-1)) + 1
        padded = -(-len(gaussians) // 16) * 16
        self._parents = _pad(parents[order], padded)
        self._geometry = _geometry(gaussians, padded)
        sh = _pad(gaussians.sh, padded).reshape(padded // 16, 16, 3 * gaussians.sh.shape[1])
        self._sh = np.ascontiguousarray(sh.transpose(0, 2, 1), np.float32).reshape(-1)
        self._idle: deque[Buffers] = deque()

    def render(
        self, camera: Camera, transforms: F32 | None = None, *, background: ArrayLike = (1.0, 1.0, 1.0)
    ) -> list[Frame]:
        """Draw the scene once per pose (see `Scene.render`)."""
        behind = check_background(background)
        poses = check_transforms(transforms, self._parent_count)
        frames = [_empty_frame(camera) for _ in poses]
        for pose, frame in zip(poses, frames, strict=True):
            self._draw(camera, pose, behind, frame, _NO_IMAGE)
        return frames

    def render_float(self, camera: Camera, transforms: F32 | None = None) -> F32:
        """Premultiplied colour and coverage [T, H, W, 4], neither clamped nor rounded."""
        poses = check_transforms(transforms, self._parent_count)
        images = np.empty((len(poses), camera.height, camera.width, 4), np.float32)
        black, rounded = np.zeros(3, np.float32), _empty_frame(camera)
        for pose, image in zip(poses, images, strict=True):
            self._draw(camera, pose, black, rounded, image)
        return images

    def _draw(self, camera: Camera, pose: F32, background: F32, frame: Frame, image: F32) -> None:
        try:
            buffers = self._idle.pop()
        except IndexError:
            buffers = Buffers(len(self._parents))
        self._project(buffers, camera, pose)
        buffers.sort()
        buffers.fill()
        self._blend(buffers, background, frame, image)
        self._idle.append(buffers)

    def _project(self, b: Buffers, camera: Camera, pose: F32) -> None:
        b.fit(camera.width, camera.height, len(pose))
        view = camera.view[:3].astype(np.float32)
        b.visible, b.lowest, b.highest, b.entry_count = project(
            pose, view, self._parents, self._geometry, self._sh, self._degree, _camera_constants(camera),
            b.poses, b.records, b.record_bits, b.rects, b.rect_tiles, b.keys, b.grid, b.starts,
        )  # fmt: skip

    def _blend(self, b: Buffers, background: F32, frame: Frame, image: F32) -> None:
        blend(
            b.records, b.entries, b.starts, background, self._max_alpha,
            b.state, b.masks, b.alive, b.corners, b.edge_rgb, b.edge_alpha, frame.rgb, frame.alpha, image,
        )  # fmt: skip


class Buffers:
    """Work memory of one frame in the making; grows to what the frames need."""

    def __init__(self, count: int) -> None:
        self.records = aligned(count * RECORD)
        self.record_bits = self.records.view(np.uint32)
        self.rects = np.empty(2 * count, np.int32)
        self.rect_tiles = self.rects.view(np.uint16).reshape(count, 4)
        self.keys = np.empty(count, np.uint64)
        self.spare = np.empty(count, np.uint64)
        self.histogram = np.empty(2048, np.int64)
        self.entries = np.empty(0, np.int32)
        self.poses = np.empty((0, 16), np.float32)
        self.grid = np.empty((0, 0), np.int32)
        self.state = aligned(1024)
        self.masks = np.empty(64, np.uint16)
        self.alive = np.empty(16, np.int64)
        self.corners = np.empty(32, np.float32)
        self.edge_rgb = np.empty(768, np.uint8)
        self.edge_alpha = np.empty(256, np.uint8)
        self.visible = self.lowest = self.highest = self.entry_count = 0

    def fit(self, width: int, height: int, poses: int = 0) -> None:
        """Make room for an image of this size and for this many poses."""
        rows, columns = -(-height // 16), -(-width // 16)
        if self.grid.shape != (rows + 1, columns + 1):
            self.grid = np.empty((rows + 1, columns + 1), np.int32)
            self.starts = np.empty(rows * columns + 1, np.int64)
            self.positions = np.empty(rows * columns, np.int64)
        if len(self.poses) < poses:
            self.poses = aligned(16 * poses).reshape(poses, 16)

    def sort(self) -> None:
        """Put the visible keys in order of depth."""
        if sort(self.keys, self.spare, self.visible, self.lowest, self.highest, self.histogram):
            self.keys, self.spare = self.spare, self.keys

    def fill(self) -> None:
        """Write the tile lists."""
        if len(self.entries) < self.entry_count:
            self.entries = np.empty(self.entry_count + self.entry_count // 4, np.int32)
        fill(
            self.keys, self.visible, self.rect_tiles, self.grid.shape[1] - 1, self.starts, self.positions, self.entries
        )


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


def _geometry(gaussians: Gaussians, padded: int) -> F32:
    """Mean, covariance, log2 opacity and extent of each Gaussian, [GEOMETRY, N] flat."""
    geometry = np.zeros((GEOMETRY, padded), np.float32)
    n = len(gaussians)
    geometry[MEAN : MEAN + 3, :n] = gaussians.means.T
    rows, columns = np.triu_indices(3)
    geometry[COVARIANCE : COVARIANCE + 6, :n] = gaussians.covariances()[:, rows, columns].T
    opacities = gaussians.opacities.astype(np.float64)
    # alpha = opacity exp(-r^2 / 2) falls to 1/255 at r sigmas; fainter Gaussians get no extent and are not drawn.
    reach = 2 * np.log(np.maximum(255 * opacities, 1.0))
    geometry[EXTENT, :n] = np.sqrt(reach)
    geometry[OPACITY, :n] = np.log2(np.maximum(opacities, 1 / 255))
    return geometry.reshape(-1)


def _camera_constants(camera: Camera) -> F32:
    """The kernels' `camera` array."""
    (fx, _, cx), (_, fy, cy) = camera.K[:2].tolist()
    margin_x, margin_y = JACOBIAN_MARGIN * camera.width / (2 * fx), JACOBIAN_MARGIN * camera.height / (2 * fy)
    constants = np.empty(CAMERA, np.float32)
    constants[:LIMITS] = fx, fy, cx, cy
    constants[LIMITS : LIMITS + 2] = -cx / fx - margin_x, (camera.width - cx) / fx + margin_x
    constants[LIMITS + 2 : LIMITS + 4] = -cy / fy - margin_y, (camera.height - cy) / fy + margin_y
    constants[SIZE:ROTATION] = camera.width, camera.height
    constants[ROTATION:] = camera.view[:3, :3].reshape(-1)
    return constants
