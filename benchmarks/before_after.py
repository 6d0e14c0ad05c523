"""Processor time of this checkout against another one, in turns: `python benchmarks/before_after.py OTHER`.

    git worktree add /tmp/before v0.1.0
    python benchmarks/before_after.py /tmp/before

Frames: those of a clip that this checkout poses (avatar, wrinkles, camera), and heads of random Gaussians; milliseconds
of the drawing thread. Commands: seconds of the process and its encoder. Of each, the least of all rounds.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent.parent
DEMO = HERE / "assets" / "demo" / "hello.flac"
AVATAR = "person1"
SIZES = 512, 1024
COUNTS = 30_000, 100_000
FRAMES = slice(60, 100, 2)  # of the clip: somebody speaks


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path, help="a checkout")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        work = {**frames(folder), **commands(folder)}
        trees = [environment(folder / f"tree{k}", path) for k, path in enumerate((options.other.resolve(), HERE))]
        print(f"{'':34}{'before':>9}{'after':>9}{'ratio':>8}")
        for label, measure in work.items():
            rounds = [[measure(tree) for tree in trees] for _ in range(options.rounds + 1)][1:]  # the first compiles
            before, after = np.min(rounds, 0)
            print(f"{label:34}{before:9.2f}{after:9.2f}{before / after:8.2f}", flush=True)


Measure = Callable[[dict[str, str]], float]


def environment(folder: Path, checkout: Path) -> dict[str, str]:
    """Where Python finds the package of a checkout, compiled beforehand as an installed one is."""
    folder.mkdir()
    (folder / "emosplat").symlink_to(checkout)
    told = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    told |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    return told | {"PYTHONPATH": str(folder), "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}


def frames(folder: Path) -> dict[str, Measure]:
    """Milliseconds per frame of drawing."""
    work: dict[str, Measure] = {}
    for size in SIZES:
        path = folder / f"{AVATAR}-{size}.npz"
        np.savez(path, allow_pickle=False, **posed_clip(size))
        work[f"{AVATAR}, wrinkles, {size}x{size}, ms"] = drawing(path)
    from raster import camera_before, head

    for count in COUNTS:
        subject = head(count)
        for size in SIZES:
            camera = camera_before(subject, size, size)
            path = folder / f"{count}-{size}.npz"
            gaussians = {f"g_{name}": array for name, array in vars(subject.gaussians).items()}
            seen = {"views": [camera.view], "K": [camera.K], "size": size, "transforms": subject.transforms}
            none = np.zeros((1, 0), np.float32)
            np.savez(path, allow_pickle=False, parents=subject.parents, weights=none, **gaussians, **seen)
            work[f"{count // 1000}k, {size}x{size}, ms"] = drawing(path)
    return work


def posed_clip(size: int) -> dict[str, np.ndarray]:
    """Transforms, weights of wrinkles and cameras of some frames of the demo."""
    from emosplat.avatars.pose import Poser
    from emosplat.avatars.shading import Shader
    from emosplat.pipeline.camera.path import MovingCamera, open_camera
    from emosplat.pipeline.clip.loaded import LoadedModels
    from emosplat.pipeline.clip.request import ClipRequest
    from emosplat.pipeline.clip.source import open_source
    from emosplat.pipeline.settings import ClipSettings

    settings = ClipSettings(avatar=AVATAR, size=(size, size))
    loaded = LoadedModels("cpu")
    source = open_source(ClipRequest(DEMO, Path("none.mp4"), settings), loaded, tracked=lambda _: None)
    avatar = loaded.avatar(AVATAR)
    path = open_camera(settings.camera, avatar.head, width=size, height=size)
    moving = MovingCamera(path, avatar.head, lock=settings.camera_lock)
    poser, shader = Poser(avatar.head), Shader(avatar)
    transforms, weights, views, K = [], [], [], []
    for chunk, cameras in moving.follow(source.motion):
        transforms.append(poser.transforms(chunk))
        weights.append(shader.weights(chunk))
        views += [cameras[t % len(cameras)].view for t in range(len(chunk))]
        K += [cameras[t % len(cameras)].K for t in range(len(chunk))]
    made = {"transforms": np.concatenate(transforms), "weights": np.concatenate(weights), "views": views, "K": K}
    return {name: np.array(value)[FRAMES] for name, value in made.items()} | {"size": np.array(size)}


def drawing(path: Path) -> Measure:
    """What a process of a checkout says that drawing these poses takes."""

    def measure(tree: dict[str, str]) -> float:
        command = [sys.executable, __file__, "--draw", str(path)]
        return float(subprocess.run(command, env=tree, check=True, capture_output=True, text=True).stdout.split()[-1])

    return measure


def draw(path: Path) -> float:
    """Milliseconds of this thread per frame, least of three times all poses."""
    from emosplat.avatars.library import open_avatar
    from emosplat.avatars.scene import load_scene
    from emosplat.renderer import Camera, Gaussians, open_rasterizer

    with np.load(path) as data:
        given = dict(data)
    rasterizer, size = open_rasterizer("cpu"), int(given["size"])
    if "parents" in given:
        gaussians = Gaussians(**{name.removeprefix("g_"): given[name] for name in given if name.startswith("g_")})
        scene = rasterizer.load(gaussians, given["parents"])
    else:
        scene = load_scene(open_avatar(AVATAR), rasterizer)
    cameras = [Camera(view, K, size, size) for view, K in zip(given["views"], given["K"], strict=True)]
    poses, weights = given["transforms"], given["weights"]
    spent = []
    for _ in range(3):
        began = time.thread_time()
        for t, camera in enumerate(cameras):
            scene.render(camera, poses[t : t + 1], shading_weights=weights[t : t + 1])
        spent.append(time.thread_time() - began)
    return 1000 * min(spent) / len(cameras)


def commands(folder: Path) -> dict[str, Measure]:
    """Seconds of whole commands."""
    from end_to_end import lengthened

    short, ten = (lengthened(DEMO, seconds, folder / f"{seconds:g}.wav") for seconds in (0.4, 10.0))
    out = ["-o", str(folder / "o.mp4"), "--overwrite", "--quiet"]
    return {
        "--help, s": spent_by(["--help"]),
        "clip of 0.4 s, s": spent_by([str(short), *out]),
        "clip of 10 s, s": spent_by([str(ten), *out]),
    }


def spent_by(arguments: list[str]) -> Measure:
    """Processor time of a command with its children."""

    def measure(tree: dict[str, str]) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        command = [sys.executable, "-m", "emosplat", *arguments]
        subprocess.run(command, env=tree, cwd=Path(tree["PYTHONPATH"]), check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    return measure


if __name__ == "__main__":
    if sys.argv[1:2] == ["--draw"]:
        print(draw(Path(sys.argv[2])))
    else:
        main()
