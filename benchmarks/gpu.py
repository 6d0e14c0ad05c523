"""Frames per second on a CUDA device, from motion to YUV in host memory, against gsplat alone on the same Gaussians.

    python benchmarks/gpu.py                                  # person1, 512x512, 500 frames
    python benchmarks/gpu.py --avatar person2 --size 550x802 --frames 1000
    python benchmarks/gpu.py --batches 1 4 16 64              # also gsplat alone with so many frames in a call

Exits with 2 where there is no CUDA device that gsplat can draw on.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from emosplat.avatars.library import open_avatar
from emosplat.avatars.motion import Motion
from emosplat.core.errors import InputError
from emosplat.pipeline.camera.path import CameraChunk, MovingCamera, Still
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.clip.timing import StageClock
from emosplat.pipeline.media.background import Background
from emosplat.renderer import open_rasterizer

if TYPE_CHECKING:
    from emosplat.renderer.cuda import DeviceCameras

PAPER = 165  # frames per second that arXiv 2510.25234 reports
CHUNK = 25  # frames, as speech delivers them
REPEATS = 5
KEPT = 4  # chunks of posed Gaussians that are kept for gsplat alone
WHITE = Background(color=(1.0, 1.0, 1.0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--size", default="512x512")
    parser.add_argument("--frames", type=int, default=500)
    parser.add_argument("--batches", type=int, nargs="*", default=[], help="frames of a call of gsplat alone")
    options = parser.parse_args()
    try:
        width, height = map(int, options.size.split("x"))
        bench = Bench(options.avatar, width, height, options.frames)
    except InputError as error:
        print(error)
        sys.exit(2)
    print(bench.rasterizer.reason)
    print(f"{options.avatar}: {len(bench.avatar.gaussians)} Gaussians, {options.size}, {options.frames} frames")
    end_to_end(bench)
    stages(bench)
    for batch in options.batches:
        print(f"gsplat alone, {batch} frames in a call: {batch_rate(bench, batch):.0f} frames/s")


class Recorder:
    """gsplat.rasterization, and what it was last asked for."""

    def __init__(self) -> None:
        self.asked: dict[str, Any] = {}

    def __call__(self, **asked: Any) -> Any:
        import gsplat

        self.asked = asked
        return gsplat.rasterization(**asked)


class Bench:
    """An avatar that talks and turns, before a camera, on the device."""

    def __init__(self, name: str, width: int, height: int, frames: int) -> None:
        open_rasterizer("cuda")  # says what is missing
        from emosplat.avatars.scene import load_scene
        from emosplat.pipeline.clip.cuda_frames import CudaFrames, Look
        from emosplat.renderer.cuda import CudaRasterizer, CudaScene

        self.gsplat = Recorder()
        self.rasterizer = CudaRasterizer("asked for", rasterization=self.gsplat)
        print("loading gsplat's kernels (they are compiled the first time, which takes minutes)")
        self.rasterizer.warm()
        self.avatar = open_avatar(name)
        self.camera = named_camera("front", self.avatar.head, width=width, height=height)
        self.motion = talking(self.avatar.head.expressions, frames)
        scene = load_scene(self.avatar, self.rasterizer)
        assert isinstance(scene, CudaScene)
        self.scene, self.stage = scene, CudaFrames(self.avatar, scene)
        self.look = Look(scene.device, WHITE, "yuv420p")

    def filmed(self) -> Iterator[CameraChunk]:
        """The motion as a clip hands it over."""
        return MovingCamera(Still(self.camera), self.avatar.head).follow(self.motion.chunks(CHUNK))

    def parts(self) -> Iterator[tuple[Motion, DeviceCameras]]:
        """The motion in the chunks that are drawn."""
        return self.stage._parts(self.filmed())

    def gsplat_call(self, part: tuple[Motion, DeviceCameras]) -> Callable[[], object]:
        """The very call of gsplat that drawing `part` makes."""
        self.stage.draw(*part, self.look)
        return partial(inference, self.gsplat, **self.gsplat.asked)

    def film(self) -> int:
        """Everything, from motion to YUV in host memory; the bytes that arrived."""
        pictures = self.stage.pictures(self.filmed(), WHITE, pixels="yuv420p", clock=StageClock())
        return sum(picture.nbytes for picture in pictures)


def inference(function: Callable[..., object], **arguments: Any) -> object:
    """A call without PyTorch's bookkeeping for gradients."""
    import torch

    with torch.inference_mode():
        return function(**arguments)


def talking(expressions: int, frames: int) -> Motion:
    """Smooth random curves about as large as speech makes them."""
    rng = np.random.default_rng(0)
    motion = Motion.rest(frames, expressions, 25.0)
    times = np.arange(frames)[:, None] / 25
    for name, size in (("expr", 0.7), ("jaw", 0.1), ("neck", 0.08), ("eyes", 0.1)):
        curve = getattr(motion, name)
        rate, phase = rng.uniform(0.5, 4, curve.shape[1]), rng.uniform(0, 2 * np.pi, curve.shape[1])
        curve[:] = size * np.sin(2 * np.pi * rate * times + phase)
    motion.jaw[:, 1:] = 0
    return motion


def end_to_end(bench: Bench) -> None:
    """Wall time of whole films and of gsplat's calls alone, taken in turns."""
    import torch

    bench.film()
    torch.cuda.reset_peak_memory_stats()
    films, bare = [], []
    for _ in range(REPEATS):
        films.append(len(bench.motion) / seconds(bench.film))
        bare.append(bare_rate(bench))
    ours, theirs = statistics.median(films), statistics.median(bare)
    print(f"motion to YUV in host memory: {ours:.0f} frames/s ({min(films):.0f} to {max(films):.0f})")
    print(f"gsplat.rasterization alone:   {theirs:.0f} frames/s ({min(bare):.0f} to {max(bare):.0f})")
    print(f"ratio {ours / theirs:.0%}; {ours / PAPER:.1f} times the {PAPER} frames/s of the paper")
    print(f"peak device memory {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB")


def bare_rate(bench: Bench) -> float:
    """Frames per second of gsplat on Gaussians that are posed and coloured beforehand, in the same chunks."""
    parts = list(islice(bench.parts(), KEPT))
    calls = [bench.gsplat_call(part) for part in parts]
    rounds = max(1, len(bench.motion) // sum(len(motion) for motion, _ in parts))
    spent = seconds(lambda: [call() for _ in range(rounds) for call in calls])
    return rounds * sum(len(motion) for motion, _ in parts) / spent


def batch_rate(bench: Bench, batch: int) -> float:
    """Frames per second of gsplat alone on the first chunk, repeated or cut to `batch` frames in a call."""
    import torch

    bench.stage.draw(*next(bench.parts()), bench.look)
    asked = bench.gsplat.asked
    frames = len(asked["means"])
    chosen = torch.arange(batch, device=asked["means"].device) % frames
    per_frame = {name: v[chosen] for name, v in asked.items() if torch.is_tensor(v) and len(v) == frames}
    call = partial(inference, bench.gsplat, **asked | per_frame)
    call()
    return batch / statistics.median(seconds(call) for _ in range(REPEATS))


def seconds(work: Callable[[], object]) -> float:
    """Wall time, the device's included."""
    import torch

    torch.cuda.synchronize()
    started = time.perf_counter()
    work()
    torch.cuda.synchronize()
    return time.perf_counter() - started


def stages(bench: Bench) -> None:
    """Device time of each stage of one chunk, between CUDA events."""
    import torch

    from emosplat.avatars.torch_pose import parameters
    from emosplat.pipeline.clip.cuda_frames import HostCopies, upload

    stage, scene, look, device = bench.stage, bench.scene, bench.look, bench.scene.device
    (part, cameras), copies = next(bench.parts()), HostCopies(device)
    with torch.inference_mode():
        moved, weights = (upload(a, device) for a in (parameters(part), stage._shader.weights(part)))
        transforms = stage._poser.transforms(moved)
        rgb, alpha = scene.draw(cameras, transforms, weights, look.color)
        planes = look.finish(rgb, alpha)
        work: dict[str, Callable[[], object]] = {
            "upload": lambda: (upload(parameters(part), device), upload(stage._shader.weights(part), device)),
            "skin, triangle frames": lambda: stage._poser.transforms(moved),
            "pose and colour Gaussians": lambda: scene._local.pose(transforms, cameras.eyes, weights),
            "gsplat": bench.gsplat_call((part, cameras)),
            "background, YUV": lambda: look.finish(rgb, alpha),
            "copy to the host": lambda: copies.send(planes)(),  # noqa: PLW0108  (a new copy each time)
        }
        print(f"one chunk of {len(part)} frames:")
        for name, function in work.items():
            took = statistics.median([device_time(function) for _ in range(REPEATS + 2)][2:])
            print(f"  {name:26} {took:7.3f} ms  {1000 * took / len(part):6.1f} us/frame")


def device_time(work: Callable[[], object]) -> float:
    """Milliseconds between two events around `work`."""
    import torch

    before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    before.record()
    work()
    after.record()
    after.synchronize()
    return before.elapsed_time(after)


if __name__ == "__main__":
    main()
