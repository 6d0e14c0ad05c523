"""How often the viewer can draw: `python benchmarks/viewer.py [PIXELS]`.

Processor time of one picture on one core, as a browser gets it while something moves: sliders to pose, pose to picture,
picture to JPEG. A visitor is drawn for by one thread, so the rate is one over this time; drawing leaves the other core
to the browser.
"""

from __future__ import annotations

import os
import sys
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # idle BLAS threads spin, which would count as processor time

import cv2
import numpy as np

from emosplat.avatars.library import builtin_avatars
from emosplat.avatars.scene import load_scene
from emosplat.blendshapes.solve.solver import Solver
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.camera.views import orbit_camera
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.viewer.controls import Controls
from emosplat.pipeline.viewer.performance import Recording
from emosplat.pipeline.viewer.visitor import QUALITY, Painter

POSES = 60


def main(pixels: int = 512) -> None:
    """Print milliseconds and rate for each built-in person."""
    loaded = LoadedModels("cpu")
    print(f"{pixels}x{pixels}, median of {POSES} pictures, orbiting while a motion plays")
    for name in builtin_avatars():
        avatar = loaded.avatar(name)
        solver = Solver(avatar.head)
        recording = Recording(solver, plausible_poses(avatar.head, POSES).motion)
        painter = Painter(avatar, load_scene(avatar, loaded.rasterizer), recording, solver)
        times = [_picture(painter, number, pixels) for number in range(-2, POSES)][2:]  # the first two warm up
        paint, encode = np.median(times, axis=0) * 1000
        print(f"{name}: {paint:.1f} ms to draw + {encode:.1f} ms to encode = {1000 / (paint + encode):.0f} pictures/s")


def _picture(painter: Painter, number: int, pixels: int) -> tuple[float, float]:
    """Processor seconds for drawing and for encoding."""
    camera = orbit_camera(painter.avatar.head, yaw=3 * number, width=pixels, height=pixels)
    controls = Controls(emotion={"happy": 0.3}, gaze=(number % 10, 0))
    position = (max(number, 0) + 0.5) / painter.performance.fps
    started = time.process_time()
    picture = painter.paint(painter.performance, controls, position, camera)
    painted = time.process_time()
    cv2.imencode(".jpeg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return painted - started, time.process_time() - painted


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
