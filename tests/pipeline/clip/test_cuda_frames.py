"""Clips of the CUDA stage against the CPU's, on PyTorch's CPU device: all but gsplat's kernels and CUDA's copies."""

from dataclasses import replace

import numpy as np
import pytest

from emosplat.avatars import Motion
from emosplat.avatars.avatar import Avatar
from emosplat.avatars.library import open_avatar
from emosplat.pipeline.camera.path import MovingCamera, Still
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.clip.frames import CpuFrames, FrameMaker, open_frames
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.timing import StageClock
from emosplat.pipeline.media.background import Background
from emosplat.pipeline.media.outputs import Pixels
from emosplat.renderer import Camera, open_rasterizer

torch = pytest.importorskip("torch")
pytest.importorskip("gsplat")

from emosplat.pipeline.clip import cuda_frames as cuda_stage  # noqa: E402
from emosplat.pipeline.clip.cuda_frames import CudaFrames, HostCopies  # noqa: E402
from emosplat.renderer import cuda  # noqa: E402
from emosplat.renderer.cuda import CudaRasterizer  # noqa: E402

from ...renderer import twin  # noqa: E402

SIZE = 32
PICTURE = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
BACKGROUNDS = {
    "color": Background(color=(0.9, 0.2, 0.4)),
    "picture": Background(picture=PICTURE),
    "transparent": Background(transparent=True),
}


@pytest.fixture(scope="module")
def avatar() -> Avatar:
    """Few of a person's Gaussians, larger, so that the slow stand-in for gsplat is quick and the head still opaque."""
    person = open_avatar("person1")
    few = np.arange(0, len(person.gaussians), 200)
    gaussians = replace(person.gaussians.select(few), scales=14 * person.gaussians.scales[few])
    return replace(person, gaussians=gaussians, binding=person.binding[few], shading=None)


@pytest.fixture(scope="module")
def motion(avatar: Avatar) -> Motion:
    rng = np.random.default_rng(4)
    rest = Motion.rest(5, avatar.head.expressions, 25.0)
    turns = {name: rng.normal(0, 0.1, getattr(rest, name).shape).astype(np.float32) for name in ("neck", "jaw", "expr")}
    return replace(rest, **turns)


@pytest.fixture(scope="module")
def camera(avatar: Avatar) -> Camera:
    return named_camera("front", avatar.head, width=SIZE, height=SIZE)


@pytest.fixture(scope="module")
def stage(avatar: Avatar) -> FrameMaker:
    return open_frames(avatar, CudaRasterizer("test", device="cpu", rasterization=twin.rasterization), threads=1)


@pytest.fixture(scope="module")
def cpu_stage(avatar: Avatar) -> FrameMaker:
    return open_frames(avatar, open_rasterizer("cpu"), threads=1)


def film(stage: FrameMaker, motion: Motion, camera: Camera, background: Background, pixels: Pixels, *, chunk: int = 2):
    """All pictures as one array; chunks of two frames do not divide the motion evenly."""
    filmed = MovingCamera(Still(camera), stage.avatar.head).follow(motion.chunks(chunk))
    pictures = stage.pictures(filmed, background, pixels=pixels, clock=StageClock())
    return np.stack([picture.copy() for picture in pictures]).astype(int)


def test_each_rasterizer_has_its_stage(stage: FrameMaker, cpu_stage: FrameMaker) -> None:
    assert isinstance(stage, CudaFrames)
    assert isinstance(cpu_stage, CpuFrames)


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_same_pictures_as_the_cpu(
    stage: FrameMaker, cpu_stage: FrameMaker, motion: Motion, camera: Camera, name: str
) -> None:
    pixels: Pixels = "rgba" if name == "transparent" else "rgb24"
    ours = film(stage, motion, camera, BACKGROUNDS[name], pixels)
    theirs = film(cpu_stage, motion, camera, BACKGROUNDS[name], pixels)
    assert ours.shape == theirs.shape == (5, SIZE, SIZE, 4 if name == "transparent" else 3)
    if name == "transparent":  # straight colours of what is barely there are rounding
        np.testing.assert_allclose(ours[..., 3], theirs[..., 3], atol=1)
        cover = ours[..., 3:] / 255
        ours, theirs = ours[..., :3] * cover, theirs[..., :3] * cover
    difference = np.abs(ours - theirs)
    assert (difference > 2).mean() < 1e-3  # neighbours of almost equal depth may change places
    assert difference.mean() < 0.2
    assert np.abs(np.diff(ours, axis=0)).max() > 20  # it does move


def test_pictures_do_not_depend_on_chunks(
    stage: FrameMaker, motion: Motion, camera: Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    background = BACKGROUNDS["color"]
    whole = film(stage, motion, camera, background, "yuv420p", chunk=5)
    assert np.abs(film(stage, motion, camera, background, "yuv420p", chunk=1) - whole).max() <= 1
    monkeypatch.setattr(cuda, "CHUNK_BYTES", 1)
    assert np.abs(film(stage, motion, camera, background, "yuv420p", chunk=5) - whole).max() <= 1


def test_a_camera_that_moves_with_the_face(
    stage: FrameMaker, cpu_stage: FrameMaker, motion: Motion, camera: Camera
) -> None:
    def film(stage: FrameMaker) -> np.ndarray:
        filmed = MovingCamera(Still(camera), stage.avatar.head, lock="face").follow(motion.chunks(2))
        pictures = stage.pictures(filmed, BACKGROUNDS["color"], pixels="rgb24", clock=StageClock())
        return np.stack([picture.copy() for picture in pictures]).astype(int)

    difference = np.abs(film(stage) - film(cpu_stage))
    assert (difference > 2).mean() < 1e-3


def test_memory_does_not_grow_with_the_clip(stage: FrameMaker, motion: Motion, camera: Camera) -> None:
    """Only a few chunks of motion are taken ahead of the pictures."""
    taken = 0

    def endless():
        nonlocal taken
        while True:
            taken += 1
            yield motion[:1], [camera]

    pictures = stage.pictures(endless(), BACKGROUNDS["color"], pixels="yuv420p", clock=StageClock())
    for _ in range(3):
        next(pictures)
    pictures.close()
    assert taken <= 3 + cuda_stage.CHUNKS


def test_host_copies_keep_what_is_still_in_use() -> None:
    copies = HostCopies(torch.device("cpu"))
    sent = [torch.full((2, 3), value, dtype=torch.uint8) for value in range(cuda_stage.CHUNKS)]
    waits = [copies.send(chunk) for chunk in sent]
    assert [int(wait().max()) for wait in waits] == list(range(cuda_stage.CHUNKS))
    smaller = copies.send(torch.full((1, 3), 9, dtype=torch.uint8))()
    assert smaller.shape == (1, 3)
    assert (smaller == 9).all()


def test_a_gpu_that_fails_gives_way_to_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: object) -> None:
        raise RuntimeError("no kernel image is available")

    loaded = LoadedModels("auto", threads=1)
    loaded.rasterizer = CudaRasterizer("test", device="cpu", rasterization=broken)  # pyright: ignore
    assert isinstance(loaded.frame_maker("person1"), CpuFrames)
    assert "no kernel image" in loaded.rasterizer.reason


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_films_what_the_cpu_films(avatar: Avatar, motion: Motion, camera: Camera) -> None:
    film_of = {}
    for device in ("cuda", "cpu"):
        stage = open_frames(avatar, open_rasterizer(device), threads=1)
        film_of[device] = film(stage, motion, camera, BACKGROUNDS["picture"], "rgb24")
    difference = np.abs(film_of["cuda"] - film_of["cpu"])
    assert (difference > 4).mean() < 1e-3
    assert difference.mean() < 0.3
