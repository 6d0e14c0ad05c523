"""Pictures of the built-in people by gsplat and by the CPU rasterizer: `python benchmarks/gpu_parity.py`.

In the same poses. PSNR of the bytes and the largest difference per person. Exits with 2 where there is no CUDA device
for gsplat.
`--stand-in` takes the tests' float64 twin of gsplat on PyTorch's CPU device instead, to try this script: keep it small
(`--people person1-light --size 64 --frames 1`).
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

from emosplat.avatars.library import builtin_avatars, open_avatar
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.avatars.shading import Shader
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.camera.views import named_camera
from emosplat.renderer import Rasterizer, open_rasterizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", nargs="*", default=builtin_avatars())
    parser.add_argument("--size", type=int, default=512, help="pixels a side")
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--stand-in", action="store_true")
    options = parser.parse_args()
    try:
        device = stand_in() if options.stand_in else open_rasterizer("cuda")
    except InputError as error:
        print(error)
        sys.exit(2)
    for name in options.people:
        avatar = open_avatar(name)
        camera = named_camera("front", avatar.head, width=options.size, height=options.size)
        motion = plausible_poses(avatar.head, options.frames).motion
        transforms, weights = Poser(avatar.head).transforms(motion), Shader(avatar).weights(motion)
        ours, theirs = (
            load_scene(avatar, rasterizer).render(camera, transforms, shading_weights=weights)
            for rasterizer in (open_rasterizer("cpu"), device)
        )
        difference = np.array([a.rgb.astype(float) - b.rgb for a, b in zip(ours, theirs, strict=True)])
        psnr = 10 * np.log10(255**2 / max(1e-9, np.mean(difference**2)))
        print(f"{name}: {psnr:.1f} dB, largest difference {np.abs(difference).max():.0f} of 255", flush=True)


def stand_in() -> Rasterizer:
    """The tests' twin of gsplat."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from emosplat.renderer.cuda import CudaRasterizer
    from tests.renderer import twin

    return CudaRasterizer("stand-in", device="cpu", rasterization=twin.rasterization)


if __name__ == "__main__":
    main()
