"""Both backends and the float64 reference against gsplat's own PyTorch functions, on the processor."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.renderer import Camera, Gaussians, RasterSettings, Shading, open_rasterizer
from emosplat.renderer.cpu import CpuRasterizer, origin_pixel
from emosplat.renderer.kernels.layout import BLUE, DEPTH, RECORD, RED, XX, YY, X, Y

from . import reference
from .scenes import cloud, front, psnr, similarities

torch = pytest.importorskip("torch")
gsplat = pytest.importorskip("gsplat")
from gsplat.cuda import _torch_impl as twins  # noqa: E402

from emosplat.renderer import cuda  # noqa: E402
from emosplat.renderer.cuda import CudaRasterizer  # noqa: E402

from . import twin  # noqa: E402

LOG2E = np.log2(np.e)


def project(gaussians: Gaussians, camera: Camera, dtype=torch.float64):
    """gsplat's screen means [N, 2], depths [N] and conics [N, 3]."""
    means, quats, scales = (torch.tensor(a, dtype=dtype) for a in (gaussians.means, gaussians.quats, gaussians.scales))
    covars, _ = twins._quat_scale_to_covar_preci(quats, scales, True, False, triu=False)
    assert covars is not None
    view, K = (torch.tensor(m, dtype=dtype)[None] for m in (camera.view, camera.K))
    _, screen, depths, conics, _ = twins._fully_fused_projection(means, covars, view, K, camera.width, camera.height)
    return screen[0].numpy(), depths[0].numpy(), conics[0].numpy()


def colours(gaussians: Gaussians, camera: Camera):
    """gsplat's colours [N, 3]."""
    directions = torch.tensor(gaussians.means - camera.position)
    harmonics = torch.tensor(gaussians.sh.astype(np.float64))
    return (twins._spherical_harmonics(gaussians.sh_degree, directions, harmonics) + 0.5).clamp_min(0).numpy()


def test_reference_projects_as_gsplat():
    gaussians, camera = cloud(300), front()
    splats = reference.project(gaussians, camera)
    screen, depths, conics = project(gaussians, camera)
    a, b, c = splats.covariances[:, 0, 0], splats.covariances[:, 0, 1], splats.covariances[:, 1, 1]
    expected = np.stack([c, -b, a], -1) / (a * c - b * b)[:, None]
    np.testing.assert_allclose(splats.means, screen, atol=1e-9)
    np.testing.assert_allclose(splats.depths, depths, atol=1e-12)
    np.testing.assert_allclose(expected, conics, atol=1e-6)  # gsplat adds 0.3 as a float32


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_reference_colours_as_gsplat(degree):
    gaussians, camera = cloud(300, degree=degree), front()
    np.testing.assert_allclose(reference.project(gaussians, camera).colours, colours(gaussians, camera), atol=1e-9)


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_cpu_projects_and_colours_as_gsplat(degree):
    gaussians, camera = cloud(300, degree=degree, size=(0.005, 0.02)), front(200, 160)
    scene = CpuRasterizer("test").load(gaussians)
    scene.render(camera)
    buffers = scene._idle[-1]
    visible = (buffers.keys[: buffers.visible] & np.uint64(0xFFFFFFFF)).astype(int)
    assert len(visible) > 200
    records = buffers.records.reshape(-1, RECORD)[visible]
    screen, depths, conics = (array[visible] for array in project(gaussians, camera))
    np.testing.assert_allclose(records[:, [X, Y]] + origin_pixel(camera), screen, atol=1e-3)
    np.testing.assert_allclose(records[:, DEPTH], depths, rtol=1e-6)
    scaled = conics * LOG2E * [-0.5, -1.0, -0.5]
    np.testing.assert_allclose(records[:, XX : YY + 1], scaled, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(records[:, RED : BLUE + 1], colours(gaussians, camera)[visible], atol=1e-5)


@pytest.fixture
def rasterizer() -> CudaRasterizer:
    """Everything of the gsplat backend but gsplat's kernels."""
    return CudaRasterizer("test", device="cpu", rasterization=twin.rasterization)


def differences(frames, others) -> float:
    """The largest difference of colour or coverage, in code values."""
    return max(
        np.abs(one.astype(int) - other).max()
        for frame, twin_frame in zip(frames, others, strict=True)
        for one, other in ((frame.rgb, twin_frame.rgb), (frame.alpha, twin_frame.alpha))
    )


@pytest.mark.parametrize("degree", [0, 1, 2, 3])
@pytest.mark.parametrize("chunk_bytes", [1, cuda.CHUNK_BYTES])
def test_cuda_backend_draws_what_the_cpu_draws(rasterizer, monkeypatch, chunk_bytes, degree):
    monkeypatch.setattr(cuda, "CHUNK_BYTES", chunk_bytes)
    gaussians, camera = cloud(150, degree=degree), front(48, 40)
    parents = np.arange(150, dtype=np.int32) % 3
    transforms = np.stack([similarities(3, seed=seed) for seed in range(3)])
    background = (0.2, 0.9, 0.4)
    expected = CpuRasterizer("test").load(gaussians, parents).render(camera, transforms, background=background)
    frames = rasterizer.load(gaussians, parents).render(camera, transforms, background=background)
    assert len(frames) == 3
    assert differences(frames, expected) <= 1


@pytest.mark.parametrize(
    "settings",
    [
        RasterSettings(antialiased=True),
        RasterSettings(near=1.0),
        RasterSettings(far=1.0),
        RasterSettings(low_pass=2.0),
        RasterSettings(radius_clip=6.0),
    ],
)
def test_cuda_backend_heeds_the_settings(rasterizer, settings):
    gaussians, camera = cloud(150, size=(0.002, 0.02)), front(48, 40)
    expected = CpuRasterizer("test").load(gaussians, settings=settings).render_float(camera)
    pictures = rasterizer.load(gaussians, settings=settings).render_float(camera)
    plain = rasterizer.load(gaussians).render_float(camera)
    assert np.abs(plain - pictures).max() > 0.05
    assert np.abs(expected - pictures).max() < 0.01


def test_cuda_backend_shades_as_the_cpu(rasterizer):
    gaussians, camera = cloud(150), front(48, 40)
    rng = np.random.default_rng(3)
    index = np.sort(rng.permutation(150)[:90]).astype(np.int32)
    shading = Shading(index, rng.normal(0, 0.3, (2, 90, 3)).astype(np.float32))
    weights = np.array([[0, 0], [1, 0], [0.4, 1.2]], np.float32)
    poses = np.stack([similarities(1)] * 3)
    expected = CpuRasterizer("test").load(gaussians, shading=shading).render(camera, poses, shading_weights=weights)
    frames = rasterizer.load(gaussians, shading=shading).render(camera, poses, shading_weights=weights)
    assert differences(frames, expected) <= 1
    assert differences(frames[:1], frames[1:2]) > 10


def test_cuda_backend_draws_one_pose_through_several_cameras(rasterizer):
    gaussians = cloud(100)
    cameras = [front(48, 40), front(48, 40, distance=1.5)]
    frames = rasterizer.load(gaussians).render(cameras)
    assert differences(frames, CpuRasterizer("test").load(gaussians).render(cameras)) <= 1


def test_warming_up_tells_what_it_does_and_why_it_failed(rasterizer, capsys):
    steps = []
    rasterizer.warm(lambda done, total: steps.append((done, total)))
    assert steps == [(0, 1), (1, 1)]
    assert "gsplat" in rasterizer.reason

    def broken(**_: object):
        print("compiling")
        raise RuntimeError("Error building extension 'gsplat_cuda'\nnvcc: not today")

    with pytest.raises(InputError, match=r"gsplat's kernels .* Error building extension"):
        CudaRasterizer("test", device="cpu", rasterization=broken).warm()
    assert capsys.readouterr().out == ""  # a program may be reading it


def test_what_is_missing_is_said_in_one_sentence(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert "not installed" in str(cuda.gsplat_obstacle())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name == "gsplat" or None)
    monkeypatch.setattr("shutil.which", lambda name: None)
    monkeypatch.setattr("torch.utils.cpp_extension.CUDA_HOME", None)
    assert "nvcc" in str(cuda.gsplat_obstacle())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    assert cuda.gsplat_obstacle() is None


def test_memory_of_a_call_is_bounded(rasterizer):
    scene = rasterizer.load(cloud(1000))
    frames = scene.frames_per_call(512, 512)
    assert frames * (1000 * cuda.GAUSSIAN_BYTES + 512 * 512 * cuda.PIXEL_BYTES) <= cuda.CHUNK_BYTES
    assert scene.frames_per_call(100_000, 100_000) == 1


gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture(scope="module")
def moving():
    """5000 Gaussians, 7 parents, 5 poses and a camera."""
    parents = np.arange(5000, dtype=np.int32) % 7
    return cloud(5000), parents, np.stack([similarities(7, seed=seed) for seed in range(5)]), front(200, 160)


@pytest.mark.gpu
@gpu
def test_gsplat_draws_what_the_cpu_draws(moving):
    """Swapped neighbours in depth and alphas within rounding of 1/255 are all that may differ."""
    gaussians, parents, transforms, camera = moving
    settings = RasterSettings(alpha_cap=0.999 if gsplat.__version__ < "1.6" else 0.99)
    ours = CpuRasterizer("test").load(gaussians, parents, settings=settings).render_float(camera, transforms)
    theirs = open_rasterizer("cuda").load(gaussians, parents, settings=settings).render_float(camera, transforms)
    assert psnr(theirs, ours) > 55
    difference = np.abs(theirs - ours).max(-1)
    assert (difference > 0.002).mean() < 0.01
    assert (difference > 0.02).mean() < 1e-3
    assert abs((theirs - ours).mean()) < 1e-4  # what differs does so both ways


@pytest.mark.gpu
@gpu
def test_pictures_do_not_depend_on_the_chunk(moving, monkeypatch):
    gaussians, parents, transforms, camera = moving
    scene = CudaRasterizer("test").load(gaussians, parents)
    whole = scene.render(camera, transforms)
    monkeypatch.setattr(cuda, "CHUNK_BYTES", 1)
    assert differences(scene.render(camera, transforms), whole) == 0


@pytest.mark.gpu
@gpu
def test_drawing_waits_for_the_device_once_per_call(moving):
    gaussians, parents, transforms, camera = moving
    scene = CudaRasterizer("test").load(gaussians, parents)
    cameras = cuda.DeviceCameras.load([camera], scene.device)
    background = torch.ones(3, device="cuda")

    def waits(frames: int) -> int:
        poses = torch.from_numpy(transforms[np.arange(frames) % 5]).cuda()
        weights = torch.zeros((frames, 0), device="cuda")
        scene.draw(cameras, poses, weights, background)
        torch.cuda.set_sync_debug_mode("warn")
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                scene.draw(cameras, poses, weights, background)
        finally:
            torch.cuda.set_sync_debug_mode("default")
        return len([one for one in caught if "synchroniz" in str(one.message)])

    assert waits(2) == waits(32) <= 4


@pytest.mark.gpu
@gpu
def test_device_memory_is_bounded_by_the_chunk(moving):
    gaussians, parents, transforms, camera = moving
    scene = CudaRasterizer("test").load(gaussians, parents)
    frames = scene.frames_per_call(camera.width, camera.height)
    poses = transforms[np.arange(min(frames, 400)) % 5]
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    scene.render(camera, poses)
    assert torch.cuda.max_memory_allocated() - before < 1.5 * cuda.CHUNK_BYTES
