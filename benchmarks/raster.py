"""Time of the CPU rasterizer per frame, against a per-tile PyTorch implementation and the arithmetic floor.

    python benchmarks/raster.py                      # every scene, 30 frames each
    python benchmarks/raster.py --reference          # also the PyTorch implementation (seconds per frame)
    python benchmarks/raster.py --exact              # also the definition in float64: accuracy, pairs, floor
    python benchmarks/raster.py --threads 2          # also frames drawn by two threads at once
    python benchmarks/raster.py --avatar person1     # also a built-in avatar
    python benchmarks/raster.py --counts --garden test_garden.npz  # the scene of gsplat's tests, with its cameras

Times are CPU times of the drawing thread, which other work on the computer disturbs less than wall time.
"""

from __future__ import annotations

import argparse
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from llvmlite import ir
from numba import njit, types

from emosplat.core.compiled import compiled
from emosplat.renderer import Camera, Gaussians, open_rasterizer
from emosplat.renderer.cpu import UNSEEN, CpuScene, _empty_frame, origin_pixel
from emosplat.renderer.kernels import SOURCES
from emosplat.renderer.kernels.blend import begin_tile, blend_block
from emosplat.renderer.kernels.blocks import find_blocks, find_splats, first_pixel
from emosplat.renderer.kernels.layout import ACROSS, BATCH, BLOCK, LANES, TILE
from emosplat.renderer.kernels.vector import Emitter, Value, vector_function
from emosplat.renderer.rasterizer import CLASSIC

SIZES = ((256, 256), (512, 512), (550, 802), (1080, 1080))
COUNTS = (10_000, 30_000, 100_000, 200_000, 500_000)
STAGES = ("project", "sort", "fill", "blend")
PAIR_FLOPS = 33  # subtractions, exponent, exp2 and blending of one splat in one pixel
HEIGHT = 0.24  # metres


@dataclass(frozen=True)
class Subject:
    """Something to draw."""

    name: str
    gaussians: Gaussians
    parents: np.ndarray  # [N]
    transforms: np.ndarray  # [1, P, 3, 4]


def triangle_frames(v0: np.ndarray, v1: np.ndarray, v2: np.ndarray) -> np.ndarray:
    """Scaled rotation and centroid [F, 3, 4] of triangles, as GaussianAvatars defines them."""

    def unit(v: np.ndarray) -> np.ndarray:
        return v / np.linalg.norm(v, axis=-1, keepdims=True)

    e = unit(v1 - v0)
    n = unit(np.cross(e, v2 - v0))
    b = np.cross(e, n)
    scale = (np.linalg.norm(v1 - v0, axis=-1) + np.abs(np.sum(b * (v2 - v0), -1))) / 2
    linear = scale[:, None, None] * np.stack([e, n, b], -1)
    return np.concatenate([linear, ((v0 + v1 + v2) / 3)[..., None]], -1)


def head(count: int, seed: int = 0) -> Subject:
    """An egg the size of a head, covered by flat Gaussians bound to its 9,800 triangles.

    In-plane sigma 1.25 % of the height (median) at 30,000, shrinking as 1/sqrt(N) above, as densification does.
    """
    rng = np.random.default_rng(seed)
    polar, around = np.meshgrid(np.linspace(0.02, np.pi - 0.02, 50), np.arange(100) * 0.02 * np.pi, indexing="ij")
    sphere = np.stack([np.sin(polar) * np.sin(around), np.cos(polar), np.sin(polar) * np.cos(around)], -1)
    grid = sphere * np.array([0.36, 0.5, 0.44]) * HEIGHT
    right, below = np.roll(grid, -1, 1)[:-1], grid[1:]
    diagonal = np.roll(grid, -1, 1)[1:]
    corners = [[grid[:-1], below, diagonal], [grid[:-1], diagonal, right]]
    v0, v1, v2 = (np.concatenate([half[k].reshape(-1, 3) for half in corners]) for k in range(3))
    transforms = triangle_frames(v0, v1, v2)
    area = np.linalg.norm(np.cross(v1 - v0, v2 - v0), axis=-1)
    parents = np.sort(rng.choice(len(area), count, p=area / area.sum()))
    unit = np.cbrt(np.linalg.det(transforms[parents, :, :3]))[:, None]

    shrink = min(1.0, np.sqrt(30_000 / count))
    flat = np.exp(rng.normal(np.log(0.0125 * shrink), 0.35, (count, 2))) * HEIGHT
    thin = flat.min(1) * np.exp(rng.normal(np.log(0.3), 0.3, count))
    scales = np.stack([flat[:, 0], thin, flat[:, 1]], -1) / unit
    means = rng.normal(0, 0.3, (count, 3))
    means[:, 1:2] = rng.normal(0, 0.004 * HEIGHT, (count, 1)) / unit
    spin = rng.uniform(0, np.pi, count)
    tilt = rng.normal(0, 0.12, (2, count))
    quats = np.stack([np.cos(spin / 2), tilt[0], np.sin(spin / 2), tilt[1]], -1)
    opacities = np.where(rng.uniform(size=count) < 0.55, rng.beta(9, 1.3, count), rng.beta(1.1, 3.5, count))
    sh = rng.normal(0, 0.06, (count, 16, 3))
    sh[:, 0] = np.sin(transforms[parents, :, 3] / HEIGHT * [9, 13, 7] + [0, 1, 2]) + rng.normal(0, 0.2, (count, 3))
    arrays = (means, quats, scales, opacities.clip(0.001, 0.9995), sh)
    gaussians = Gaussians(*(array.astype(np.float32) for array in arrays))
    return Subject(f"{count // 1000}k", gaussians, parents.astype(np.int32), transforms[None].astype(np.float32))


def avatar(name: str) -> Subject:
    """A built-in avatar, at rest."""
    from emosplat.avatars.library import open_avatar

    person = open_avatar(name)
    corners = person.head.v_template[person.head.faces].astype(np.float64)
    transforms = triangle_frames(*corners.transpose(1, 0, 2))
    return Subject(name, person.gaussians, person.binding, transforms[None].astype(np.float32))


def garden(path: Path, seed: int = 0) -> tuple[Subject, list[Camera]]:
    """The scene of gsplat's tests: real points, colours and cameras; all else at random, as gsplat draws it."""
    rng = np.random.default_rng(seed)
    with np.load(path, allow_pickle=False) as data:
        inside = (np.abs(data["means3d"]) <= 2).all(-1)
        means, colours = data["means3d"][inside], data["colors"][inside] / 255
        size = int(data["width"]), int(data["height"])
        views, intrinsics = data["viewmats"].astype(np.float64), data["Ks"].astype(np.float64)
        cameras = [Camera(view, K, *size) for view, K in zip(views, intrinsics, strict=True)]
    n = len(means)
    sh = (colours[:, None] - 0.5) / 0.28209479177387814
    arrays = (means, rng.normal(size=(n, 4)), rng.uniform(0, 0.02, (n, 3)), rng.uniform(size=n), sh)
    gaussians = Gaussians(*(array.astype(np.float32) for array in arrays))
    still = np.eye(3, 4, dtype=np.float32)[None, None]
    return Subject("garden", gaussians, np.zeros(n, np.int32), still), cameras


def posed(subject: Subject) -> tuple[np.ndarray, np.ndarray]:
    """Means [N, 3] and covariances [N, 3, 3] in the world, float64."""
    carriers = subject.transforms[0].astype(np.float64)[subject.parents]
    linear = carriers[..., :3]
    means = (linear @ subject.gaussians.means[..., None])[..., 0] + carriers[..., 3]
    return means, linear @ subject.gaussians.covariances() @ linear.transpose(0, 2, 1)


def camera_before(subject: Subject, width: int, height: int) -> Camera:
    """A camera 1 m before a subject that fills 70 % of the image's height, or the width if that is less."""
    means, _ = posed(subject)
    low, high = np.percentile(means, [0.5, 99.5], axis=0)
    middle, extent = (low + high) / 2, (high - low)[1]
    eye = middle + np.array([0.2, 0, 0.98])
    return Camera.look_at(eye, middle, fov_y=2 * np.arctan(extent / 1.4), width=width, height=height)


def measure(scene: CpuScene, camera: Camera, transforms: np.ndarray, repeats: int) -> np.ndarray:
    """CPU milliseconds [repeats, 5]: the whole call `render`, then its stages one by one."""
    scene.render(camera, transforms)
    buffers = scene._idle[-1]
    frame, white, nothing = _empty_frame(camera), np.ones(3, np.float32), np.empty((0, 0, 4), np.float32)
    stages = (
        lambda: scene.render(camera, transforms),
        lambda: scene._project(buffers, camera, transforms[0], np.zeros(0, np.float32)),
        buffers.sort,
        buffers.fill,
        lambda: scene._blend(buffers, camera, white, frame, nothing),
    )
    rows = []
    for _ in range(repeats):
        times = [time.thread_time()]
        for stage in stages:
            stage()
            times.append(time.thread_time())
        rows.append(np.diff(times))
    return 1e3 * np.array(rows)


def threads_at_once(scene: CpuScene, camera: Camera, transforms: np.ndarray, threads: int) -> tuple[float, float]:
    """CPU and wall milliseconds per frame where each thread draws frames of its own; least of five bursts."""

    def draw(_: int) -> float:
        begin = time.thread_time()
        scene.render(camera, transforms)
        return time.thread_time() - begin

    frames, bursts = 8 * threads, []
    with ThreadPoolExecutor(threads) as pool:
        for _ in range(5):
            begin = time.perf_counter()
            processor = sum(pool.map(draw, range(frames)))
            bursts.append((processor, time.perf_counter() - begin))
    cpu, wall = 1e3 * np.min(bursts, 0) / frames
    return cpu, wall


@compiled(
    "UniTuple(int64, 2)(float32[::1], int32[::1], int64[::1], UniTuple(int64, 2), float32, float32[::1], int64[::1],"
    "int64[::1], uint8[::1], int64[::1], int64[::1], float32[::1], int64, int64)",
    made_of=SOURCES,
)
def count_work(
    records, entries, starts, origin, alpha_cap, state, alive, touched, rows, words, places, unseen, width, height
):
    """Tests of a splat in a tile and evaluations in a block (16 pixels) that `blend` makes for a frame."""
    columns = (width + TILE - 1) // TILE
    tests = evaluations = 0
    for tile in range(starts.shape[0] - 1):
        left, top = TILE * (tile % columns), TILE * (tile // columns)
        living = begin_tile(min(TILE, width - left), min(TILE, height - top), state, alive)
        x, y = first_pixel(tile, columns, origin)
        end = starts[tile + 1]
        for first in range(starts[tile], end, BATCH):
            if living == 0:
                break
            tests += min(BATCH, end - first)
            find_blocks(records, entries, first, end, x, y, touched, rows)
            for block in range(ACROSS * ACROSS):
                count = find_splats(rows, block, first, words, places) if alive[block] else 0
                for k in range(count):
                    word, place = words[k], places[k]
                    while word != 0 and alive[block] != 0:
                        words[0], places[0], words[1:] = word & -word, place, 0
                        word &= word - 1
                        evaluations += 1
                        alive[block] = blend_block(
                            state, BLOCK * block, records, entries, words, places, alive[block], alpha_cap,
                            x + np.float32(4 * (block % ACROSS)), y + np.float32(4 * (block // ACROSS)), unseen,
                        )  # fmt: skip
                    find_splats(rows, block, first, words, places)
                if alive[block] == 0:
                    living &= ~(np.uint64(1) << np.uint64(block))
    return tests, evaluations


def work(scene: CpuScene, camera: Camera) -> tuple[int, int]:
    """Tests in a tile and block evaluations of the frame that was drawn last."""
    count_work.compile()
    b = scene._idle[-1]
    return count_work(
        b.records, b.entries, b.starts, origin_pixel(camera), np.float32(0.999), *b.scratch, UNSEEN, camera.width,
        camera.height,
    )  # fmt: skip


@njit
def composite_exactly(screen, conics, opacities, colours, order, image, left):
    """The definition in float64: every splat of `order` in every pixel that its alpha of 1/255 can reach.

    Returns the number of (splat, pixel) pairs that count.
    """
    height, width = left.shape
    pairs = 0
    going = np.ones((height, width), np.bool_)
    for i in order:
        a, b, c = conics[i]
        reach = 2 * np.log(255 * opacities[i]) / (a * c - b * b)
        if not reach > 0:
            continue
        x, y = screen[i]
        half_x, half_y = np.sqrt(reach * c) + 1, np.sqrt(reach * a) + 1
        for row in range(max(0, int(y - half_y)), min(height, int(y + half_y) + 1)):
            for column in range(max(0, int(x - half_x)), min(width, int(x + half_x) + 1)):
                dx, dy = x - column - 0.5, y - row - 0.5
                alpha = min(0.999, opacities[i] * np.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy))
                after = left[row, column] * (1 - alpha)
                if alpha >= 1 / 255 and going[row, column]:
                    if after <= 1e-4:
                        going[row, column] = False
                    else:
                        image[row, column] += alpha * left[row, column] * colours[i]
                        left[row, column] = after
                        pairs += 1
    return pairs


def exact_splats(
    subject: Subject, camera: Camera
) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]:
    """Centres, conics, opacities and colours for `composite_exactly`, and depths, by gsplat's PyTorch in float64."""
    import torch
    from gsplat.cuda import _torch_impl as twins

    gaussians = subject.gaussians
    world, covars = (torch.from_numpy(array) for array in posed(subject))
    sh = torch.from_numpy(gaussians.sh).double()
    view, K = torch.from_numpy(camera.view)[None], torch.from_numpy(camera.K)[None]
    _, screen, depths, conics, _ = twins._fully_fused_projection(world, covars, view, K, camera.width, camera.height)
    directions = world - torch.from_numpy(camera.position)
    colours = (twins._spherical_harmonics(gaussians.sh_degree, directions, sh) + 0.5).clamp_min(0)
    arrays = (screen[0].numpy(), conics[0].numpy(), gaussians.opacities.astype(np.float64), colours.numpy())
    return arrays, depths[0].numpy()


def accuracy(subject: Subject, scene: CpuScene, camera: Camera) -> tuple[str, int]:
    """Difference from the definition in float64, with the scene's order by float32 depth and with the exact order;
    and how many (splat, pixel) pairs a frame needs."""
    arrays, depths = exact_splats(subject, camera)
    drawn = scene.render_float(camera, subject.transforms)[0, ..., :3]
    buffers = scene._idle[-1]
    same = scene._order[(buffers.keys[: buffers.visible] & np.uint64(0xFFFFFFFF)).astype(np.int64)]
    exact = np.argsort(depths, kind="stable")
    results, pairs = [], 0
    for order in (same, exact[depths[exact] >= CLASSIC.near]):
        image, left = np.zeros((camera.height, camera.width, 3)), np.ones((camera.height, camera.width))
        pairs = composite_exactly(*arrays, order, image, left)
        error = np.abs(drawn - image)
        results.append(f"{-10 * np.log10(np.mean(error**2)):.0f} dB (at most {error.max():.4f})")
    return f"against float64 {results[0]}, with exact depths {results[1]}", pairs


def reference_frame(subject: Subject, camera: Camera) -> tuple[np.ndarray, float]:
    """The frame as usual PyTorch code draws it, tile by tile: image [H, W, 3] and CPU milliseconds."""
    import torch
    from gsplat.cuda import _torch_impl as twins

    torch.set_num_threads(1)
    gaussians, (width, height) = subject.gaussians, (camera.width, camera.height)
    fields = (gaussians.means, gaussians.covariances().astype(np.float32), gaussians.opacities, gaussians.sh)
    means, local, opacities, sh = (torch.from_numpy(array) for array in fields)
    poses, parents = torch.from_numpy(subject.transforms), torch.from_numpy(subject.parents.astype(np.int64))
    view, K = (torch.tensor(m, dtype=torch.float32)[None] for m in (camera.view, camera.K))
    image = torch.ones(height, width, 3)
    begin = time.thread_time()
    with torch.inference_mode():
        carriers = poses[0, parents]
        linear = carriers[..., :3]
        world = (linear @ means[..., None])[..., 0] + carriers[..., 3]
        covars = linear @ local @ linear.mT
        radii, screen, depths, conics, _ = twins._fully_fused_projection(world, covars, view, K, width, height)
        directions = world - torch.tensor(camera.position, dtype=torch.float32)
        colours = (twins._spherical_harmonics(gaussians.sh_degree, directions, sh) + 0.5).clamp_min(0)
        order = torch.argsort(depths[0], stable=True)
        order = order[(radii[0, order] > 0).all(-1)]
        screen, conics, radii = screen[0, order], conics[0, order], radii[0, order]
        colours, opacities = colours[order], opacities[order]
        low = ((screen - radii) / 16).floor()
        high = ((screen + radii) / 16).floor()
        for ty in range(-(-height // 16)):
            row = (low[:, 1] <= ty) & (high[:, 1] >= ty)
            for tx in range(-(-width // 16)):
                tile = (row & (low[:, 0] <= tx) & (high[:, 0] >= tx)).nonzero()[:, 0]
                if not len(tile):
                    continue
                y = torch.arange(16 * ty, min(16 * ty + 16, height))
                x = torch.arange(16 * tx, min(16 * tx + 16, width))
                dy, dx = torch.meshgrid(y + 0.5, x + 0.5, indexing="ij")
                dx, dy = dx.reshape(-1, 1) - screen[tile, 0], dy.reshape(-1, 1) - screen[tile, 1]
                a, b, c = conics[tile].unbind(-1)
                alpha = (opacities[tile] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)).clamp_max(0.999)
                alpha = torch.where(alpha >= 1 / 255, alpha, 0)
                after = (1 - alpha).cumprod(1)
                going = after > 1e-4
                before = torch.cat([torch.ones_like(after[:, :1]), after[:, :-1]], 1)
                weight = torch.where(going, alpha * before, 0)
                left = torch.where(going, after, 1).amin(1)
                picture = weight @ colours[tile] + left[:, None]
                image[y[0] : y[-1] + 1, x[0] : x[-1] + 1] = picture.reshape(len(y), len(x), 3)
    return image.numpy(), 1e3 * (time.thread_time() - begin)


def measure_gradient(subject: Subject, camera: Camera, repeats: int) -> tuple[float, float]:
    """Least CPU milliseconds of a differentiable frame and of its gradients (world-space Gaussians, plain colours)."""
    import torch

    from emosplat.renderer import autograd

    torch.set_num_threads(1)
    gaussians = subject.gaussians
    world = torch.from_numpy(posed(subject)[0].astype(np.float32))
    enlarged = torch.from_numpy(subject.transforms[0, subject.parents, :, :3]).det().pow(1 / 3)
    scales = torch.from_numpy(gaussians.scales) * enlarged[:, None]
    plain = (0.5 + 0.28209479177387814 * torch.from_numpy(gaussians.sh[:, 0])).clamp_min(0)
    leaves = (world, torch.from_numpy(gaussians.quats), scales, torch.from_numpy(gaussians.opacities), plain)
    for leaf in leaves:
        leaf.requires_grad_()
    times = []
    for _ in range(repeats):
        clock = [time.process_time()]
        image = autograd.rasterize(*leaves, camera=camera)
        clock.append(time.process_time())
        image.square().sum().backward()
        clock.append(time.process_time())
        times.append(np.diff(clock))
    forward, backward = 1e3 * np.min(times, 0)
    return forward, backward


@vector_function(types.void)
def multiply_add(e: Emitter, values: Value, rounds: Value) -> None:
    """`rounds` times twelve independent vector multiply-adds: what the processor can do at most."""
    slots = [e.variable(e.load(values, LANES * k)) for k in range(12)]
    counter = e.variable(rounds)
    loop, done = e.builder.append_basic_block("loop"), e.builder.append_basic_block("done")
    e.builder.branch(loop)
    e.builder.position_at_end(loop)
    for slot in slots:
        e.set(slot, e.get(slot) * 0.999 + 1e-3)
    rest = e.builder.sub(e.builder.load(counter), ir.Constant(ir.IntType(64), 1))
    e.builder.store(rest, counter)
    e.builder.cbranch(e.builder.icmp_signed(">", rest, ir.Constant(ir.IntType(64), 0)), loop, done)
    e.builder.position_at_end(done)
    for k, slot in enumerate(slots):
        e.store(e.get(slot), values, LANES * k)


@compiled("void(float32[::1], int64)", made_of=SOURCES)
def spin(values, rounds):
    multiply_add(values, rounds)


def peak_gflops() -> float:
    """Float32 multiply-adds per second of one core, in GFLOP/s."""
    spin.compile()
    values, rounds = np.zeros(12 * LANES, np.float32), 2_000_000
    times = []
    for _ in range(5):
        begin = time.thread_time()
        spin(values, rounds)
        times.append(time.thread_time() - begin)
    return 2 * 12 * LANES * rounds / min(times) / 1e9


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--counts", type=int, nargs="*", default=COUNTS, help="numbers of Gaussians of the synthetic head"
    )
    parser.add_argument("--sizes", nargs="*", default=[f"{w}x{h}" for w, h in SIZES], help="image sizes, WxH")
    parser.add_argument("--avatar", nargs="*", default=(), help="names of built-in avatars to draw too")
    parser.add_argument("--garden", type=Path, help="test_garden.npz of gsplat, to draw it too")
    parser.add_argument("--threads", type=int, default=1, help="also draw with this many threads at once")
    parser.add_argument("--repeats", type=int, default=30, help="frames per scene")
    parser.add_argument("--reference", action="store_true", help="also time the per-tile PyTorch implementation")
    parser.add_argument("--exact", action="store_true", help="also compare with the definition in float64")
    parser.add_argument("--gradients", action="store_true", help="also time the differentiable rasterizer")
    options = parser.parse_args()

    rasterizer = open_rasterizer("cpu")
    begin = time.process_time()
    rasterizer.warm()
    print(f"kernels ready after {time.process_time() - begin:.2f} s of CPU time")
    peak = peak_gflops()
    print(f"peak of one core {peak:.0f} GFLOP/s\n")
    print("CPU ms per frame: least / median; stages: least")
    print(f"{'scene':>8} {'size':>10} {'frame':>15} " + " ".join(f"{s:>8}" for s in STAGES) + f" {'entries':>9}")
    shots = [
        (subject, [camera_before(subject, *map(int, size.split("x"))) for size in options.sizes])
        for subject in (*map(head, options.counts), *map(avatar, options.avatar))
    ]
    if options.garden:
        shots.append(garden(options.garden))
    for subject, cameras in shots:
        scene = rasterizer.load(subject.gaussians, subject.parents)
        assert isinstance(scene, CpuScene)
        for camera in cameras:
            print(report(subject, scene, camera, options, peak), flush=True)


def report(subject: Subject, scene: CpuScene, camera: Camera, options: argparse.Namespace, peak: float) -> str:
    """What was asked about one scene through one camera, as a line."""
    times = measure(scene, camera, subject.transforms, options.repeats)
    least, median = times.min(0), np.median(times, 0)
    size = f"{camera.width}x{camera.height}"
    entries = scene._idle[-1].entry_count
    line = f"{subject.name:>8} {size:>10} {least[0]:7.2f}/{median[0]:7.2f} "
    line += " ".join(f"{t:8.2f}" for t in least[1:]) + f" {entries:9d}"
    if options.threads > 1:
        cpu, wall = threads_at_once(scene, camera, subject.transforms, options.threads)
        line += f"  {options.threads} threads: {cpu:.2f} ms CPU, {wall:.2f} ms wall per frame"
    if options.reference:
        image, reference_ms = reference_frame(subject, camera)
        ours = scene.render(camera, subject.transforms)[0].rgb
        error = np.mean((ours / 255.0 - image.clip(0, 1)) ** 2)
        line += f"  PyTorch {reference_ms:6.0f} ms = {reference_ms / least[0]:4.0f} x"
        line += f", PSNR of bytes {-10 * np.log10(error):.1f} dB"
    if options.exact:
        said, needed = accuracy(subject, scene, camera)
        tests, evaluations = work(scene, camera)
        floor = 1e-6 * needed * PAIR_FLOPS / peak
        line += f"  {said}; {needed / 1e6:.2f} M pairs needed, {LANES * evaluations / 1e6:.2f} M evaluated"
        line += f", {tests / 1e6:.2f} M block tests; floor {floor:.2f} ms, blend {least[4] / floor:.1f} x that"
    if options.gradients:
        line += "  differentiable: forward {:.0f} ms, backward {:.0f} ms".format(
            *measure_gradient(subject, camera, min(options.repeats, 10))
        )
    return line


if __name__ == "__main__":
    main()
