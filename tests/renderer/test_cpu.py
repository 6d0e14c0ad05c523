"""The CPU rasterizer against its float64 definition, and its properties."""

from __future__ import annotations

import multiprocessing
import os
import platform
import struct
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.core.compiling import build_for
from emosplat.core.errors import InputError
from emosplat.renderer import Camera, Gaussians, RasterSettings, Shading, draw, open_rasterizer
from emosplat.renderer.cpu import CpuRasterizer, CpuScene

from . import reference
from .scenes import cloud, front, picture, psnr, similarities


def load(gaussians: Gaussians, parents=None, **options) -> CpuScene:
    return CpuRasterizer("test").load(gaussians, parents, **options)


def drawn_order(scene: CpuScene):
    """What the scene drew in its last frame, in its order: by its own float32 depths."""
    buffers = scene._idle[-1]
    return scene._order[(buffers.keys[: buffers.visible] & np.uint64(0xFFFFFFFF)).astype(int)]


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize(("width", "height"), [(75, 52), (64, 48), (16, 16), (1, 1), (17, 33)])
def test_matches_the_definition(degree, width, height):
    gaussians, camera = cloud(300, degree=degree), front(width, height)
    scene = load(gaussians)
    image = scene.render_float(camera)[0]
    expected = reference.render(gaussians, camera, order=drawn_order(scene))
    assert psnr(image, expected) > 110


def test_matches_the_definition_when_posed():
    gaussians, camera = cloud(300), front()
    parents = np.sort(np.random.default_rng(0).integers(0, 5, 300)).astype(np.int32)
    transforms = np.stack([similarities(5, seed=seed) for seed in range(3)])
    scene = load(gaussians, parents)
    for pose in transforms:
        image = scene.render_float(camera, pose[None])[0]
        expected = reference.render(gaussians, camera, pose, parents, order=drawn_order(scene))
        assert psnr(image, expected) > 110


@pytest.mark.parametrize("alpha_cap", [0.99, 0.999])
def test_opaque_layers_are_capped_and_stop(alpha_cap):
    gaussians = replace(cloud(400, size=(0.02, 0.2)), opacities=np.ones(400, np.float32))
    camera = front()
    settings = RasterSettings(alpha_cap=alpha_cap)
    scene = load(gaussians, settings=settings)
    image = scene.render_float(camera)[0]
    expected = reference.render(gaussians, camera, order=drawn_order(scene), settings=settings)
    assert psnr(image, expected) > 105
    assert image[..., 3].max() <= 1 - 1e-4 + 1e-6


@pytest.mark.parametrize("distance", [0.05, 0.3, 3.0])
def test_near_and_far(distance):
    """Inside the cloud many Gaussians are behind the camera, cover the whole image or lie far outside it."""
    gaussians, camera = cloud(300), front(90, 70, distance=distance)
    scene = load(gaussians)
    image = scene.render_float(camera)[0]
    splats = reference.project(gaussians, camera)
    order = drawn_order(scene)
    assert (splats.depths[order] > 0.0099).all()
    assert (np.diff(splats.depths[order].astype(np.float32)) >= 0).all()
    expected = reference.composite(splats, camera.width, camera.height, order=order)
    assert psnr(image[..., :3], expected[0]) > 100


def test_bytes_are_the_rounded_floats():
    gaussians, camera = cloud(300), front()
    scene = load(gaussians)
    image = scene.render_float(camera)[0].astype(np.float64)
    background = np.array([0.9, 0.5, 0.1])
    frame = scene.render(camera, background=background)[0]
    over = image[..., :3] + (1 - image[..., 3:]) * background
    assert np.abs(frame.rgb - 255 * over.clip(0, 1)).max() <= 0.5 + 1e-3
    assert np.abs(frame.alpha - 255 * image[..., 3]).max() <= 0.5 + 1e-3


def test_background_shows_through_linearly():
    scene, camera = load(cloud(300)), front()
    black, grey, white = (scene.render(camera, background=(v, v, v))[0] for v in (0.0, 0.5, 1.0))
    assert (black.alpha == white.alpha).all()
    unclipped = white.rgb < 255
    middle = (black.rgb.astype(float) + white.rgb) / 2
    assert np.abs(grey.rgb - middle)[unclipped].max() <= 1
    shown = (white.rgb.astype(float) - black.rgb)[unclipped]
    assert np.abs(shown - (255.0 - white.alpha[..., None].repeat(3, -1)[unclipped])).max() <= 1


@settings(max_examples=20)
@given(st.integers(1, 200), st.integers(1, 70), st.integers(1, 70), st.randoms(use_true_random=False))
def test_order_of_the_gaussians_does_not_matter(count, width, height, random):
    gaussians, camera = cloud(count, seed=count), front(width, height)
    order = list(range(count))
    random.shuffle(order)
    first = load(gaussians).render_float(camera)
    second = load(gaussians.select(order)).render_float(camera)
    assert np.array_equal(first, second)  # the depths of a random cloud are all different


def test_order_of_the_parents_does_not_matter():
    gaussians, camera = cloud(300), front()
    parents = np.random.default_rng(0).integers(0, 5, 300).astype(np.int32)
    order = np.argsort(parents)
    transforms = similarities(5)[None]
    mixed = load(gaussians, parents).render_float(camera, transforms)
    assert np.array_equal(mixed, load(gaussians.select(order), parents[order]).render_float(camera, transforms))


def test_turning_world_and_camera_together_changes_nothing():
    gaussians, camera = cloud(300, degree=0), front()
    turn = similarities(1)[0].astype(np.float64)
    turn[:, :3] /= np.cbrt(np.linalg.det(turn[:, :3]))
    inverse = np.linalg.inv(np.vstack([turn, [0, 0, 0, 1]]))
    turned = Camera(camera.view @ inverse, camera.K, camera.width, camera.height)
    still = load(gaussians).render_float(camera)
    moved = load(gaussians).render_float(turned, turn[None, None].astype(np.float32))
    assert psnr(moved, still) > 80


def test_a_similarity_of_everything_changes_nothing():
    """Twice as large and twice as far is the same picture, but for the harmonics' fixed directions."""
    gaussians, camera = cloud(300), front()
    larger = 2 * np.eye(3, 4, dtype=np.float32)[None, None]
    view = camera.view.copy()
    view[:3, 3] *= 2
    distant = Camera(view, camera.K, camera.width, camera.height)
    scene = load(gaussians)
    assert psnr(scene.render_float(distant, larger), scene.render_float(camera)) > 110


def test_a_pose_equals_gaussians_in_that_pose():
    gaussians, camera = cloud(200), front()
    shift = np.array([[0.03, -0.02, 0.05]], np.float32)
    transform = np.concatenate([np.eye(3, dtype=np.float32), shift.T], 1)[None, None]
    posed = load(gaussians).render_float(camera, transform)
    baked = load(replace(gaussians, means=gaussians.means + shift)).render_float(camera)
    assert psnr(posed, baked) > 100


@pytest.mark.parametrize(
    "options",
    [
        {"near": 0.95, "far": 1.05},
        {"radius_clip": 20.0},
        {"radius_clip": 20.5},
        {"antialiased": True},
        {"antialiased": True, "radius_clip": 6.0, "low_pass": 1.5},
        {"low_pass": 0.05},
    ],
)
def test_settings_are_those_of_the_definition(options):
    gaussians, camera = cloud(300, size=(0.0005, 0.04)), front()
    settings = RasterSettings(**options)
    scene = load(gaussians, settings=settings)
    image = scene.render_float(camera)[0]
    expected = reference.render(gaussians, camera, order=drawn_order(scene), settings=settings)
    assert psnr(image, expected) > 100
    assert psnr(image, load(gaussians).render_float(camera)[0]) < 60, "the settings change nothing"


def test_what_is_far_in_front_of_the_rest_can_be_drawn_apart():
    """Two pictures, one over the other, are the picture of both, unless a pixel is opaque."""
    gaussians, camera = cloud(200), front()
    gaussians = replace(gaussians, opacities=0.2 * gaussians.opacities)
    depths = reference.project(gaussians, camera).depths
    front_half, back_half = (gaussians.select(half) for half in (depths < 1, depths >= 1))
    over, under, both = (load(part).render_float(camera)[0] for part in (front_half, back_half, gaussians))
    assert both[..., 3].max() < 0.99
    assert psnr(over + (1 - over[..., 3:]) * under, both) > 120


def shading(count: int, index, modes: int, *, seed: int = 0) -> Shading:
    delta = np.random.default_rng(seed).normal(0, 0.3, (modes, len(index), 3)).astype(np.float32)
    return Shading(np.asarray(index, np.int32), delta)


@pytest.mark.parametrize("index", [range(0, 300, 7), range(40, 200), [], [299]])
@pytest.mark.parametrize("modes", [1, 8])
def test_shading_changes_colours(index, modes):
    gaussians, camera = cloud(300), front()
    parents = np.random.default_rng(1).integers(0, 5, 300).astype(np.int32)
    transforms = np.stack([similarities(5, seed=seed) for seed in range(2)])
    changes, weights = shading(300, index, modes), np.random.default_rng(2).normal(size=(2, modes)).astype(np.float32)
    scene = load(gaussians, parents, shading=changes)
    images = scene.render_float(camera, transforms, shading_weights=weights)
    for image, pose, weight in zip(images, transforms, weights, strict=True):
        sh = gaussians.sh.copy()
        sh[changes.index, 0] += np.einsum("m,msc->sc", weight, changes.delta) / 0.28209479177387814
        expected = load(replace(gaussians, sh=sh), parents).render_float(camera, pose[None])[0]
        assert psnr(image, expected) > 120
    still = scene.render_float(camera, transforms)
    assert np.array_equal(still, load(gaussians, parents).render_float(camera, transforms))


def test_refuses_wrong_shading():
    gaussians, camera = cloud(5), front()
    with pytest.raises(ValueError, match="ascending"):
        shading(5, [3, 1], 1)
    with pytest.raises(ValueError, match=r"Shading\.delta: expected shape \[M, 2, 3\]"):
        Shading(np.array([0, 1], np.int32), np.zeros((4, 3, 3), np.float32))
    with pytest.raises(InputError, match="below 5, found 5"):
        load(gaussians, shading=shading(6, [5], 1))
    with pytest.raises(InputError, match="finite"):
        load(gaussians, shading=Shading(np.array([1], np.int32), np.full((1, 1, 3), np.nan, np.float32)))
    scene = load(gaussians, shading=shading(5, [1], 2))
    with pytest.raises(InputError, match=r"shading_weights: expected shape \[1, 2\], found \[1, 3\]"):
        scene.render(camera, shading_weights=np.zeros((1, 3), np.float32))
    with pytest.raises(InputError, match="finite"):
        scene.render(camera, shading_weights=np.full((1, 2), np.inf, np.float32))


def test_several_cameras_in_one_call():
    scene = load(cloud(100))
    cameras = [front(distance=d) for d in (0.8, 1.0, 1.3)]
    transforms = np.stack([similarities(1, seed=seed) for seed in range(3)])
    for camera, frame in zip(cameras, scene.render(cameras), strict=True):
        assert np.array_equal(frame.rgb, scene.render(camera)[0].rgb)
    for camera, pose, frame in zip(cameras, transforms, scene.render(cameras, transforms), strict=True):
        assert np.array_equal(frame.rgb, scene.render(camera, pose[None])[0].rgb)
    with pytest.raises(InputError, match="one for each of 3 poses, found 2"):
        scene.render(cameras[:2], transforms)
    with pytest.raises(InputError, match="one size"):
        scene.render([cameras[0], front(20, 20)])


def test_what_may_only_be_read_can_be_drawn():
    gaussians, transforms, colour = cloud(20), similarities(1)[None], np.ones(3, np.float32)
    for array in (gaussians.means, gaussians.sh, transforms, colour):
        array.setflags(write=False)
    assert load(gaussians).render(front(), transforms, background=colour)[0].alpha.any()


def test_a_sequence_of_sets():
    sets, cameras = [cloud(60, seed=seed) for seed in range(3)], [front(distance=d) for d in (0.8, 1.0, 1.3)]
    fields = ("means", "quats", "scales", "opacities", "sh")
    sequence = Gaussians(*(np.stack([getattr(one, field) for one in sets]) for field in fields))
    backend = CpuRasterizer("test")
    for one, camera, frame in zip(sets, cameras, draw(sequence, cameras, rasterizer=backend), strict=True):
        assert np.array_equal(frame.rgb, load(one).render(camera)[0].rgb)
    for one, frame in zip(sets, draw(sequence, cameras[0], rasterizer=backend), strict=True):
        assert np.array_equal(frame.rgb, load(one).render(cameras[0])[0].rgb)
    assert len(draw(sets[0], cameras, rasterizer=backend)) == 3
    with pytest.raises(InputError, match=r"\[3, 60, 3\], 2 cameras"):
        draw(sequence, cameras[:2], rasterizer=backend)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_worker_processes_draw_the_same(method):
    """Also when the parent has drawn, and PyTorch has computed in parallel, before it forks."""
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"this system has no {method}")
    code = (
        "import multiprocessing, sys; sys.path.insert(0, sys.argv[1])\n"
        "from scenes import picture\n"
        "if __name__ == '__main__':\n"
        "    picture(0)\n"
        "    if sys.argv[2] == 'fork':\n"
        "        import torch; torch.ones(300, 300) @ torch.ones(300, 300)\n"
        "    with multiprocessing.get_context(sys.argv[2]).Pool(2) as pool:\n"
        "        sys.stdout.buffer.write(b''.join(pool.map(picture, range(4))))\n"
    )
    command = [sys.executable, "-c", code, str(Path(__file__).parent), method]
    drawn = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=120).stdout
    assert drawn == b"".join(map(picture, range(4)))


@pytest.mark.parametrize("workers", [2, 5])
def test_threads_do_not_change_a_bit(workers):
    parents = np.arange(300, dtype=np.int32) % 4
    scene = load(cloud(300), parents)
    transforms = np.stack([similarities(4, seed=seed) for seed in range(24)])
    sizes = [(75, 52), (40, 90)]

    def draw(i: int):
        return scene.render(front(*sizes[i % 2]), transforms[i : i + 1])[0]

    alone = [draw(i) for i in range(24)]
    with ThreadPoolExecutor(workers) as pool:
        together = list(pool.map(draw, range(24)))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one.rgb, other.rgb)
        assert np.array_equal(one.alpha, other.alpha)


def test_frames_of_one_call_equal_frames_one_by_one():
    scene, camera = load(cloud(100)), front()
    transforms = np.stack([similarities(1, seed=seed) for seed in range(4)])
    together = scene.render(camera, transforms)
    for frame, pose in zip(together, transforms, strict=True):
        assert np.array_equal(frame.rgb, scene.render(camera, pose[None])[0].rgb)


def nothing_visible() -> dict[str, tuple[Gaussians, Camera]]:
    some, camera = cloud(50), front()
    away = Camera.look_at((0, 0, 1), (0, 0, 2), fov_y=0.5, width=40, height=30)
    return {
        "no Gaussians": (cloud(0), camera),
        "all behind the camera": (some, away),
        "all transparent": (replace(some, opacities=np.full(50, 0.003, np.float32)), camera),
        "all beside the image": (replace(some, means=some.means + np.array([9, 0, 0], np.float32)), camera),
    }


@pytest.mark.parametrize("case", nothing_visible())
def test_nothing_to_see_is_background(case):
    gaussians, camera = nothing_visible()[case]
    frame = load(gaussians).render(camera, background=(0.2, 0.4, 1.0))[0]
    assert frame.rgb.shape == (camera.height, camera.width, 3)
    assert (frame.rgb == (51, 102, 255)).all()
    assert not frame.alpha.any()


@pytest.mark.parametrize("scale", [10.0, 1e4, 1e15])
def test_huge_splats(scale):
    gaussians = replace(cloud(20), scales=np.full((20, 3), scale, np.float32))
    image = load(gaussians).render_float(front())[0]
    assert np.isfinite(image).all()
    if scale < 1e10:
        assert (image[..., 3] > 0.9).all()


def test_wide_image_has_room_for_every_tile():
    gaussians = cloud(2000, size=(0.002, 0.01))
    camera = front(4200, 20)
    K = camera.K.copy()
    K[0, 2] = 4150
    image = load(gaussians).render_float(Camera(camera.view, K, 4200, 20))[0]
    K[0, 2] -= 4100
    end = load(gaussians).render_float(Camera(camera.view, K, 100, 20))[0]
    assert image[:, 4100:, 3].max() > 0.5
    assert psnr(image[:, 4100:], end) > 80


@pytest.mark.parametrize("field", ["means", "quats", "scales", "opacities", "sh"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_refuses_what_is_not_finite(field, value):
    gaussians = cloud(5)
    broken = getattr(gaussians, field).copy()
    broken[3] = value
    with pytest.raises(InputError, match=rf"Gaussians\.{field}: .* row 3"):
        load(replace(gaussians, **{field: broken}))


def test_refuses_wrong_input():
    gaussians, camera = cloud(5), front()
    with pytest.raises(InputError, match=r"0\.\.1"):
        load(replace(gaussians, opacities=np.array([0, 1, 2, 0, 0], np.float32)))
    with pytest.raises(InputError, match="length 0"):
        load(replace(gaussians, quats=np.zeros((5, 4), np.float32)))
    with pytest.raises(InputError, match="one set"):
        load(Gaussians(*(getattr(gaussians, f)[None] for f in ("means", "quats", "scales", "opacities", "sh"))))
    with pytest.raises(InputError, match="parents"):
        load(gaussians, np.zeros(4, np.int32))
    with pytest.raises(InputError, match="parents"):
        load(gaussians, np.full(5, -1, np.int32))
    scene = load(gaussians, np.arange(5, dtype=np.int32))
    with pytest.raises(InputError, match=r"\[T, 5 or more, 3, 4\]"):
        scene.render(camera, similarities(4)[None])
    with pytest.raises(InputError, match="finite"):
        scene.render(camera, np.full((1, 5, 3, 4), np.nan, np.float32))
    with pytest.raises(InputError, match="background"):
        scene.render(camera, background=(1, 1))


def test_no_transforms_is_identity_for_every_parent():
    gaussians, camera = cloud(50), front()
    bound = load(gaussians, np.arange(50, dtype=np.int32)).render(camera)[0]
    assert np.array_equal(bound.rgb, load(gaussians).render(camera)[0].rgb)


@pytest.mark.slow
@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="names an x86 processor")
def test_a_processor_without_wide_vectors_or_fused_arithmetic(tmp_path):
    """The oldest 64-bit x86 draws the same picture (fused and separate rounding differ a little)."""
    code = (
        "import sys, numpy as np; sys.path.insert(0, sys.argv[1])\n"
        "from scenes import cloud, front; from emosplat.renderer.cpu import CpuRasterizer\n"
        "np.save(sys.argv[2], CpuRasterizer('test').load(cloud(300)).render_float(front()))"
    )
    processor = {"NUMBA_CPU_NAME": "x86-64", "NUMBA_CPU_FEATURES": "", "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "old.npy")]
    subprocess.run(command, env=os.environ | processor, check=True)
    assert psnr(np.load(tmp_path / "old.npy"), load(cloud(300)).render_float(front())) > 90


@pytest.mark.slow
def test_the_kernels_become_code_for_arm_that_needs_the_c_library_at_most():
    """That such code draws the same picture is told by benchmarks/arm_check.py, which needs an emulator."""
    for module, name in (("project", "project"), ("sort", "sort"), ("sort", "fill"), ("blend", "blend")):
        source = getattr(import_module(f"emosplat.renderer.kernels.{module}"), name)
        symbol, code = build_for(source, "aarch64-linux-gnu")
        assert code[:4] == b"\x7fELF"
        assert int.from_bytes(code[18:20], "little") == 183  # the processor by ELF's list
        defined, missing = symbols(code)
        assert symbol in defined
        assert missing <= {"memset", "memcpy", "memmove"}


def symbols(elf: bytes) -> tuple[set[str], set[str]]:
    """Names that a 64-bit little-endian object file defines, and those that it needs."""
    first, size, count = *struct.unpack_from("<Q", elf, 40), *struct.unpack_from("<HH", elf, 58)
    sections = [struct.unpack_from("<IIQQQQIIQQ", elf, first + k * size) for k in range(count)]
    (table,) = (section for section in sections if section[1] == 2)
    texts = elf[sections[table[6]][4] :]
    entries = list(struct.iter_unpack("<IBBHQQ", elf[table[4] : table[4] + table[5]]))
    names = [(texts[text : texts.index(b"\0", text)].decode(), section) for text, _, _, section, _, _ in entries]
    return {name for name, section in names if section}, {name for name, section in names if name and not section}


def test_warm_reports_progress():
    steps: list[tuple[int, int]] = []
    open_rasterizer("cpu").warm(lambda done, total: steps.append((done, total)))
    assert steps[0][0] == 0
    assert steps[-1][0] == steps[-1][1] == len(steps) - 1
