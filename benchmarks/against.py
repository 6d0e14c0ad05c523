"""One frame of the same Gaussians by our CPU rasterizer and by programs of others, in turns on this machine.

    cd benchmarks/readers && npm install --ignore-scripts && cd ../..
    git clone https://github.com/pierotofy/OpenSplat
    python benchmarks/against.py --opensplat OpenSplat

The avatar is written as a .ply, which every peer draws through one camera over white. Columns: pictures per second of
wall time and processor milliseconds per picture (least of `--frames`; of the browser the mean), peak memory of the
process (of the browser what its processes have for themselves and their share of the rest), and how near the picture
is to the definition in float64 (the browser's picture is bytes, the others are taken before they are rounded).

Peers: `torch`, the usual PyTorch code, tile by tile, with gsplat's PyTorch projection and harmonics (see raster.py);
`opensplat`, the C++ rasterizer of OpenSplat for processors, compiled here from a checkout (AGPL, nothing of it is
ours); `spark` and `three`, WebGL viewers in headless Chromium, whose camera moves a little before every picture.
gsplat's PyTorch compositing is no peer: it takes its list of pairs from a CUDA kernel.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from raster import Subject, avatar, camera_before, composite_exactly, exact_splats, reference_frame

from emosplat.avatars.ply import posed_gaussians, read_ply, write_ply
from emosplat.renderer import Camera, open_rasterizer

READERS = Path(__file__).with_name("readers")
PEERS = ("emosplat", "torch", "opensplat", "spark", "three")
PLY = "head.ply"
SLOW = 2  # frames of what takes seconds for each

Image = NDArray[Any]  # [H, W, 3] over white, 0..1
Drawn = tuple[Image, dict[str, float]]


def emosplat(subject: Subject, camera: Camera, options: argparse.Namespace) -> Drawn:
    scene = open_rasterizer("cpu").load(subject.gaussians, subject.parents)
    _, told = timed(lambda: scene.render(camera)[0].rgb, options.frames)
    premultiplied = scene.render_float(camera)[0]
    return premultiplied[..., :3] + 1 - premultiplied[..., 3:], told


def torch(subject: Subject, camera: Camera, options: argparse.Namespace) -> Drawn:
    return timed(lambda: reference_frame(subject, camera)[0], min(options.frames, SLOW))


def opensplat(subject: Subject, camera: Camera, options: argparse.Namespace) -> Drawn:
    import torch
    from torch.utils.cpp_extension import load

    torch.set_num_threads(1)
    folder = options.opensplat.resolve() / "rasterizer" / "gsplat-cpu"
    sources = [READERS / "opensplat.cpp", folder / "gsplat_cpu.cpp"]
    peer: Any = load("opensplat_cpu", list(map(str, sources)), extra_cflags=["-O3", "-DNDEBUG", f"-I{folder}"])
    gaussians, (width, height) = subject.gaussians, (camera.width, camera.height)
    directions = gaussians.means - camera.position
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    (fx, _, cx), (_, fy, cy) = camera.K[:2].tolist()
    near, far = 0.01, 100.0
    projection = np.zeros((4, 4))  # to OpenGL's clip space, with z forward
    projection[0, 0], projection[1, 1] = 2 * fx / width, 2 * fy / height
    projection[0, 2], projection[1, 2] = 2 * cx / width - 1, 2 * cy / height - 1
    projection[2, 2:], projection[3, 2] = ((far + near) / (far - near), -2 * far * near / (far - near)), 1
    arrays = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, gaussians.sh, directions)
    tensors = [torch.tensor(np.asarray(array), dtype=torch.float32) for array in arrays]
    matrices = [torch.tensor(m, dtype=torch.float32) for m in (camera.view, projection @ camera.view)]
    lens = (fx, fy, cx, cy, width, height, torch.ones(3))
    return timed(lambda: peer.draw(*tensors, *matrices, *lens).numpy(), options.frames)


def timed(draw: Callable[[], Image], frames: int) -> Drawn:
    """The picture, and the least milliseconds of wall and of processor time after one that warms up."""
    image = draw()
    clocks = []
    for _ in range(frames):
        begin = time.perf_counter(), time.process_time()
        draw()
        clocks.append((time.perf_counter() - begin[0], time.process_time() - begin[1]))
    wall, cpu = 1e3 * np.min(clocks, axis=0)
    return image, {"wall_ms": wall, "cpu_ms": cpu}


def in_process(peer: str, folder: Path, options: argparse.Namespace) -> Drawn:
    """A peer in a process of its own, for its memory."""
    words = ["--peer", peer, "--folder", folder, "--frames", options.frames, "--size", options.size]
    if options.opensplat:
        words += ["--opensplat", options.opensplat]
    done = subprocess.run([sys.executable, __file__, *map(str, words)], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["it said nothing"])[-1])
    return np.load(folder / f"{peer}.npy"), json.loads(done.stdout.splitlines()[-1])


def draw_here(peer: str, options: argparse.Namespace) -> None:
    """The other end of `in_process`."""
    subject = read_subject(options.folder / PLY)
    image, told = {"emosplat": emosplat, "torch": torch, "opensplat": opensplat}[peer](
        subject, camera_before(subject, options.size, options.size), options
    )
    np.save(options.folder / f"{peer}.npy", image)
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text(encoding="ascii"))
    assert peak is not None
    print(json.dumps({**told, "memory_mb": int(peak[1]) / 1024}))


def in_browser(reader: str, folder: Path, camera: Camera, options: argparse.Namespace) -> Drawn:
    """A viewer in headless Chromium (see readers/open.mjs)."""
    import cv2

    forward = camera.view[2, :3]
    told = {
        "size": options.size,
        "fov": np.degrees(2 * np.arctan(camera.height / 2 / camera.K[1, 1])),
        "eye": ",".join(map(str, camera.position)),
        "at": ",".join(map(str, camera.position + forward)),
        "background": "ffffff",
        "frames": min(options.frames, SLOW),
    }
    job = ":".join([reader, PLY, *(f"{name}={value}" for name, value in told.items())])
    pictures = folder / reader
    command = ["node", READERS / "open.mjs", folder, pictures, job]
    said = subprocess.run(command, capture_output=True, text=True, check=False)
    answer = said.stdout.removeprefix(job).strip()
    if not answer.startswith("{"):
        raise RuntimeError(answer or (said.stderr.strip().splitlines() or ["it said nothing"])[-1])
    (picture,) = pictures.glob("*.png")
    bgr = cv2.imread(str(picture))
    assert bgr is not None
    return bgr[..., ::-1] / 255, json.loads(answer)["timed"]


def read_subject(path: Path) -> Subject:
    """The Gaussians of a .ply in world space."""
    gaussians, _ = read_ply(path)
    still = np.eye(3, 4, dtype=np.float32)[None, None]
    return Subject(path.stem, gaussians, np.zeros(len(gaussians), np.int32), still)


def exactly(subject: Subject, camera: Camera) -> Image:
    """The definition in float64, over white."""
    splats, depths = exact_splats(subject, camera)
    order = np.argsort(depths, kind="stable")
    image, left = np.zeros((camera.height, camera.width, 3)), np.ones((camera.height, camera.width))
    composite_exactly(*splats, order[depths[order] >= 0.01], image, left)
    return image + left[..., None]


def compare(options: argparse.Namespace, folder: Path) -> None:
    """Print the table."""
    person = avatar(options.avatar)
    write_ply(folder / PLY, posed_gaussians(person.gaussians, person.parents, person.transforms[0]))
    subject = read_subject(folder / PLY)
    camera = camera_before(subject, options.size, options.size)
    exact = exactly(subject, camera).clip(0, 1)
    print(f"{options.avatar}, {len(subject.gaussians)} Gaussians, {options.size}x{options.size}")
    print(f"{'peer':>10} {'pictures/s':>10} {'CPU ms':>9} {'MB':>6} {'PSNR dB':>8}")
    for peer in options.peers:
        try:
            if peer in ("spark", "three"):
                image, told = in_browser(peer, folder, camera, options)
            else:
                image, told = in_process(peer, folder, options)
        except (RuntimeError, OSError) as error:
            print(f"{peer:>10} cannot: {error}", flush=True)
            continue
        psnr = -10 * np.log10(np.mean((image.clip(0, 1) - exact) ** 2))
        numbers = 1e3 / told["wall_ms"], told["cpu_ms"], told["memory_mb"], psnr
        print("{:>10} {:10.1f} {:9.1f} {:6.0f} {:8.1f}".format(peer, *numbers), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--avatar", default="person1", help="a built-in avatar")
    parser.add_argument("--size", type=int, default=512, help="pixels a side")
    parser.add_argument("--frames", type=int, default=10, help="pictures to time")
    parser.add_argument("--peers", nargs="*", default=PEERS, choices=PEERS)
    parser.add_argument("--opensplat", type=Path, help="checkout of OpenSplat")
    parser.add_argument("--pictures", type=Path, help="folder to keep the pictures in")
    parser.add_argument("--peer", choices=PEERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options: Any = parser.parse_args()
    if options.peer:
        draw_here(options.peer, options)
    elif options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
        compare(options, options.pictures)
    else:
        with tempfile.TemporaryDirectory() as folder:
            compare(options, Path(folder))


if __name__ == "__main__":
    main()
