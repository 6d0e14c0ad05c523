"""An avatar before a camera: from motion to finished pictures, on the processor or on a CUDA device."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.pose import Poser
from ...avatars.scene import load_scene
from ...avatars.shading import Shader
from ...renderer import Camera, Rasterizer, Scene
from ..camera.path import CameraChunk
from ..media.background import Background
from ..media.outputs import Pixels
from ..media.planes import planes_of
from .stream import ordered_map
from .timing import StageClock

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]
Pose = tuple[F32, F32, Camera]  # transforms [1, F, 3, 4], shading weights [1, M]


class FrameMaker(Protocol):
    """An avatar ready to be posed and drawn."""

    avatar: Avatar

    def pictures(
        self, shots: Iterable[CameraChunk], background: Background, *, pixels: Pixels, clock: StageClock
    ) -> Generator[U8]:
        """One picture per frame of motion, in order: `[H,W,3]`, `[H,W,4]` or planes, as `pixels` says.

        A picture may be overwritten once the next one has been asked for. Close the generator to stop early.
        """
        ...


def open_frames(avatar: Avatar, rasterizer: Rasterizer, *, threads: int) -> FrameMaker:
    """The avatar, loaded into the rasterizer; `threads` is how many draw where the processor does."""
    scene = load_scene(avatar, rasterizer)
    if rasterizer.name == "cpu":
        return CpuFrames(avatar, scene, threads=threads)
    from .cuda_frames import CudaFrames

    return CudaFrames(avatar, scene)  # pyright: ignore[reportArgumentType]  (a CudaRasterizer made it)


class CpuFrames:
    """Poses chunk by chunk and draws single frames, several at once on threads of their own."""

    def __init__(self, avatar: Avatar, scene: Scene, *, threads: int) -> None:
        self.avatar = avatar
        self._poser = Poser(avatar.head)
        self._shader = Shader(avatar)
        self._scene = scene
        self._threads = threads

    def pictures(
        self, shots: Iterable[CameraChunk], background: Background, *, pixels: Pixels, clock: StageClock
    ) -> Generator[U8]:
        """See `FrameMaker.pictures`."""

        def draw(pose: Pose) -> U8:
            transforms, weights, camera = pose
            with clock.measure("rasterize"):
                frames = self._scene.render(camera, transforms, shading_weights=weights, background=background.color)
                picture = background.compose(frames[0])
                return planes_of(picture) if pixels == "yuv420p" else picture

        yield from ordered_map(draw, self._poses(shots, clock), workers=self._threads, ahead=2 * self._threads)

    def _poses(self, shots: Iterable[CameraChunk], clock: StageClock) -> Iterator[Pose]:
        """One frame after the other."""
        for chunk, cameras in shots:
            with clock.measure("pose"):
                weights = self._shader.weights(chunk)
            for t, transforms in enumerate(clock.each("pose", self._poser.each(chunk))):
                yield transforms, weights[t : t + 1], cameras[t % len(cameras)]
