"""From motion to finished pictures on a CUDA device, whole chunks of frames at a time.

Motion goes in (a few hundred bytes per frame), the encoder's bytes come out; skinning, posing, colours, gsplat,
background and RGB to YUV happen between. While one chunk is drawn, the one before is on its way to page-locked memory,
and the one before that is being encoded.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from itertools import cycle
from math import ceil

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...avatars.avatar import Avatar
from ...avatars.motion import Motion
from ...avatars.shading import Shader
from ...avatars.torch_pose import TorchPoser, parameters
from ...renderer import Camera
from ...renderer.cuda import CudaScene, DeviceCameras, to_bytes
from ..camera.path import CameraChunk
from ..media.background import Background
from ..media.outputs import Pixels
from ..media.yuv import to_yuv420
from .stream import prefetch
from .timing import StageClock

U8 = NDArray[np.uint8]
CHUNKS = 4  # in host memory at once: one being filled, one complete, one in the queue, one being encoded


class CudaFrames:
    """An avatar on the device."""

    def __init__(self, avatar: Avatar, scene: CudaScene) -> None:
        self.avatar = avatar
        self._shader = Shader(avatar)
        self._poser = TorchPoser(avatar.head, scene.device)
        self._scene = scene

    def pictures(
        self, shots: Iterable[CameraChunk], background: Background, *, pixels: Pixels, clock: StageClock
    ) -> Generator[U8]:
        """See `FrameMaker.pictures`; the motion's chunks are drawn one by one, or in parts where memory asks for it."""
        with closing(prefetch(self._chunks(shots, background, pixels, clock), 1)) as chunks:
            for chunk in chunks:
                yield from chunk

    def _chunks(
        self, shots: Iterable[CameraChunk], background: Background, pixels: Pixels, clock: StageClock
    ) -> Iterator[U8]:
        """Pictures of one chunk after the other; the next one is begun before each is waited for."""
        look = Look(self._scene.device, background, pixels)
        copies = HostCopies(self._scene.device)
        underway: deque[Callable[[], U8]] = deque()
        for part, cameras in self._parts(shots):
            with clock.measure("rasterize"):
                underway.append(copies.send(self.draw(part, cameras, look)))
                arrived = underway.popleft()() if len(underway) > 1 else None
            if arrived is not None:
                yield arrived
        for copy in underway:
            yield copy()

    def _parts(self, shots: Iterable[CameraChunk]) -> Iterator[tuple[Motion, DeviceCameras]]:
        """Chunks that fit the device, of equal length, with their cameras there."""
        last: list[Camera] = []
        seen: DeviceCameras | None = None
        for chunk, cameras in shots:
            if seen is None or cameras != last:
                last, seen = cameras, DeviceCameras.load(cameras, self._scene.device)
            most = self._scene.frames_per_call(seen.width, seen.height)
            step = ceil(len(chunk) / ceil(len(chunk) / most))
            for first in range(0, len(chunk), step):
                part = slice(first, first + step)
                yield chunk[part], seen[part]

    @torch.inference_mode()
    def draw(self, motion: Motion, cameras: DeviceCameras, look: Look) -> Tensor:
        """Finished pictures, bytes [T, ...] on the device; returns before the device is done."""
        moved = upload(parameters(motion), self._scene.device)
        weights = upload(self._shader.weights(motion), self._scene.device)
        transforms = self._poser.transforms(moved)
        return look.finish(*self._scene.draw(cameras, transforms, weights, look.color))


class Look:
    """What is the same in all frames of a clip, on the device."""

    def __init__(self, device: torch.device, background: Background, pixels: Pixels) -> None:
        self.color = torch.tensor(background.color, device=device)
        picture = background.picture
        self._picture = None if picture is None else torch.from_numpy(picture.copy()).to(device) / 255
        self._pixels: Pixels = pixels

    def finish(self, rgb: Tensor, alpha: Tensor) -> Tensor:
        """Bytes in the encoder's layout from colour [T, H, W, 3] (over the background's colour) and coverage."""
        if self._picture is not None:
            rgb = rgb + (1 - alpha)[..., None] * self._picture
        if self._pixels == "yuv420p":
            return to_yuv420(rgb)
        if self._pixels == "rgba":
            alpha = alpha[..., None]
            return to_bytes(torch.cat([rgb / alpha.clamp_min(1 / 255), alpha], -1))
        return to_bytes(rgb)


class HostCopies:
    """Copies chunks to page-locked memory on a stream of their own, beside the drawing of the next one.

    There is room for `CHUNKS`: the oldest is overwritten.
    """

    def __init__(self, device: torch.device) -> None:
        self._stream = torch.cuda.Stream(device) if device.type == "cuda" else None
        self._buffers: list[Tensor] = [torch.empty(0, dtype=torch.uint8) for _ in range(CHUNKS)]
        self._places = cycle(range(CHUNKS))

    def send(self, pictures: Tensor) -> Callable[[], U8]:
        """Begin to copy bytes; the function that is returned waits for them."""
        host = self._room(pictures)
        if self._stream is None:
            host.copy_(pictures)
            return host.numpy
        self._stream.wait_stream(torch.cuda.current_stream(pictures.device))
        arrived = torch.cuda.Event(blocking=True)  # a waiting thread sleeps: the encoder needs the processor
        with torch.cuda.stream(self._stream):
            host.copy_(pictures, non_blocking=True)
            arrived.record()
        pictures.record_stream(self._stream)

        def wait() -> U8:
            arrived.synchronize()
            return host.numpy()

        return wait

    def _room(self, pictures: Tensor) -> Tensor:
        place = next(self._places)
        size = pictures.numel()
        if self._buffers[place].numel() < size:
            self._buffers[place] = torch.empty(size, dtype=torch.uint8, pin_memory=pictures.is_cuda)
        return self._buffers[place][:size].view(pictures.shape)


def upload(array: NDArray[np.float32], device: torch.device) -> Tensor:
    """A copy on the device; the host does not wait for it."""
    tensor = torch.from_numpy(array)
    if device.type == "cuda" and tensor.numel():
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)
