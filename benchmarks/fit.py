"""Train an avatar on pictures of a built-in person, and see how well it shows a camera and a sequence never seen.

    python benchmarks/fit.py --make captured
    python benchmarks/fit.py captured/union -o fitted --iterations 3000

Single-threaded on the processor. The truth wears wrinkles and shadows that follow its expression (100,000 Gaussians and
more), which no trained avatar of GaussianAvatars' kind can show.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import replace
from pathlib import Path

import torch

from emosplat.avatars.fitting.dataset import read_dataset
from emosplat.avatars.fitting.evaluate import evaluate
from emosplat.avatars.fitting.painters import open_painter
from emosplat.avatars.fitting.synthetic import expressive_motion, ring, write_dataset
from emosplat.avatars.fitting.train import PRESETS, Fit, FitProgress, train
from emosplat.avatars.library import builtin_head, open_avatar
from emosplat.renderer import open_rasterizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("dataset", type=Path, nargs="?")
    parser.add_argument("--make", type=Path, help="write a data set of --avatar here, and stop")
    parser.add_argument("--avatar", default="person1")
    parser.add_argument("--size", type=int, default=256, help="pixels")
    parser.add_argument("--cameras", type=int, default=9, help="the last one, in front, is held out")
    parser.add_argument("--timesteps", type=int, default=12, help="the last two are held out")
    parser.add_argument("-o", "--out", type=Path)
    parser.add_argument("--iterations", type=int, default=3000)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    head = builtin_head()
    rasterizer = open_rasterizer(options.device)
    if options.make:
        motion = expressive_motion(head, options.timesteps)
        cameras = ring(options.cameras, size=options.size)
        held_out = range(options.timesteps - 2, options.timesteps)
        avatar = open_avatar(options.avatar)
        print(write_dataset(options.make, avatar, head, motion, cameras, rasterizer, held_out=held_out))
        return
    if options.dataset is None or options.out is None:
        parser.error("expected DATASET and -o OUT, or --make FOLDER")
    torch.set_num_threads(1)
    data = read_dataset(options.dataset, head)
    painter, why = open_painter(options.device)
    print(f"{type(painter).__name__}: {why}; {len(data.train)} pictures, held out {len(data.val)} and {len(data.test)}")
    every = max(1, options.iterations // 10)
    fit = Fit(data, replace(PRESETS["fast"], iterations=options.iterations, report_every=every), painter)
    busy = time.process_time()

    def report(progress: FitProgress) -> None:
        if progress.held_out is not None:
            print(
                f"{progress.step:6d}  {progress.gaussians:6d} Gaussians  train {progress.psnr:.2f} dB  "
                f"held out {progress.held_out:.2f} dB  {time.process_time() - busy:.0f} s CPU",
                flush=True,
            )

    train(fit, options.out, report)
    avatar, motion = fit.avatar("fitted")
    for name, views in (("train", data.train), ("val", data.val), ("test", data.test)):
        print(name, json.dumps(scores.__dict__ if (scores := evaluate(avatar, motion, views, rasterizer)) else None))


if __name__ == "__main__":
    main()
