"""Train an avatar on pictures of a built-in person, and see how well it shows a camera and sequences never seen.

    python benchmarks/fit.py --make captured
    python benchmarks/fit.py captured/union -o me

The second is `render avatar fit captured/union -o me --head open --iterations 3000 --device cpu` on one thread, and
prints the processor time. The truth wears wrinkles and shadows that follow its expression, which no avatar of
GaussianAvatars' kind can show, and moves by blendshapes of its own, of which the data set tells nothing.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import torch

from emosplat.avatars.fitting.synthetic import expressive_motion, ring, write_dataset
from emosplat.avatars.library import builtin_head, open_avatar
from emosplat.pipeline.avatar.fit import FitRequest, fit_avatar
from emosplat.renderer import open_rasterizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("--make", type=Path, help="write a data set of --avatar here, and stop")
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--size", type=int, default=256, help="pixels")
    parser.add_argument("--cameras", type=int, default=9, help="the last one, in front, is held out")
    parser.add_argument("--timesteps", type=int, default=32, help="the last four are held out")
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--iterations", type=int, default=3000)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    if options.make:
        make(options)
    elif options.dataset and options.out:
        measure(options)
    else:
        parser.error("expected DATASET and -o OUT, or --make FOLDER")


def make(options: argparse.Namespace) -> None:
    """Render the pictures."""
    head = builtin_head()
    motion = expressive_motion(head, options.timesteps)
    cameras = ring(options.cameras, size=options.size)
    held_out = range(options.timesteps - 4, options.timesteps)
    avatar, rasterizer = open_avatar(options.avatar), open_rasterizer(options.device)
    print(write_dataset(options.make, avatar, head, motion, cameras, rasterizer, held_out=held_out))


def measure(options: argparse.Namespace) -> None:
    """Train, and say how good it is and what it took."""
    torch.set_num_threads(1)
    busy = time.process_time()

    def say(line: str) -> None:
        print(f"{time.process_time() - busy:5.0f} s  {line}", flush=True)

    request = FitRequest(
        options.dataset, options.out, head="open", iterations=options.iterations, device=options.device
    )
    found = fit_avatar(request, say=say)
    for split in ("train", "val", "test"):
        say(f"{split}: {found.get(split)}")


if __name__ == "__main__":
    main()
