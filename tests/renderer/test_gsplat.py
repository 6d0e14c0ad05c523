"""Both backends and the float64 reference against gsplat's own PyTorch functions, on the processor."""

from __future__ import annotations

import numpy as np
import pytest

from emosplat.renderer import Camera, Gaussians, open_rasterizer
from emosplat.renderer.cpu import CpuRasterizer
from emosplat.renderer.kernels.project import BLUE, DEPTH, RECORD, RED, XX, YY, X, Y

from . import reference
from .scenes import cloud, front, psnr, similarities

torch = pytest.importorskip("torch")
gsplat = pytest.importorskip("gsplat")
from gsplat.cuda import _torch_impl as twins  # noqa: E402

from emosplat.renderer import cuda  # noqa: E402

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
    np.testing.assert_allclose(records[:, [X, Y]], screen, atol=1e-3)
    np.testing.assert_allclose(records[:, DEPTH], depths, rtol=1e-6)
    scaled = conics * LOG2E * [-0.5, -1.0, -0.5]
    np.testing.assert_allclose(records[:, XX : YY + 1], scaled, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(records[:, RED : BLUE + 1], colours(gaussians, camera)[visible], atol=1e-5)


def rasterization_twin(*, means, covars, opacities, colors, viewmats, Ks, width, height, backgrounds, **options):
    """gsplat.rasterization from its own projection and the reference's compositing."""
    assert options.keys() == {"quats", "scales", "packed"}
    assert means.shape[:-1] == opacities.shape == colors.shape[:-1] == covars.shape[:-2]
    pictures, covers = [], []
    for i in range(len(means)):
        _, screen, depths, conics, _ = twins._fully_fused_projection(
            means[i], covars[i], viewmats[i], Ks[i], width, height
        )
        a, b, c = conics[0].double().numpy().T
        inverse = np.array([[c, -b], [-b, a]]).transpose(2, 0, 1) / (a * c - b * b)[:, None, None]
        arrays = (screen[0], depths[0], colors[i], opacities[i])
        points, z, rgb, opacity = (t.double().numpy() for t in arrays)
        colour, left = reference.composite(reference.Splats(points, inverse, z, rgb, opacity), width, height)
        pictures.append(colour + left[..., None] * backgrounds[i, 0].numpy())
        covers.append(1 - left[..., None])
    return torch.tensor(np.array(pictures))[:, None], torch.tensor(np.array(covers))[:, None], {}


@pytest.mark.parametrize("chunk_bytes", [1, cuda.CHUNK_BYTES])
def test_cuda_backend_draws_what_the_cpu_draws(monkeypatch, chunk_bytes):
    """Everything but gsplat's kernels, which their PyTorch twins replace."""
    monkeypatch.setattr(gsplat, "rasterization", rasterization_twin)
    monkeypatch.setattr(gsplat, "spherical_harmonics", twins._spherical_harmonics)
    monkeypatch.setattr(cuda, "CHUNK_BYTES", chunk_bytes)
    gaussians, camera = cloud(150), front(48, 40)
    parents = np.arange(150, dtype=np.int32) % 3
    transforms = np.stack([similarities(3, seed=seed) for seed in range(3)])
    background = (0.2, 0.9, 0.4)
    expected = CpuRasterizer("test").load(gaussians, parents).render(camera, transforms, background=background)
    scene = cuda.CudaScene(gaussians, parents, torch.device("cpu"))
    frames = scene.render(camera, transforms, background=background)
    assert len(frames) == 3
    for frame, other in zip(frames, expected, strict=True):
        assert np.abs(frame.rgb.astype(int) - other.rgb).max() <= 1
        assert np.abs(frame.alpha.astype(int) - other.alpha).max() <= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_gsplat_draws_what_the_cpu_draws():
    """Swapped neighbours in depth and, with gsplat 1.6, another alpha cap are all that may differ."""
    max_alpha = 0.999 if gsplat.__version__ < "1.6" else 0.99
    gaussians, camera = cloud(5000), front(200, 160)
    parents = np.arange(5000, dtype=np.int32) % 7
    transforms = np.stack([similarities(7, seed=seed) for seed in range(5)])
    ours = CpuRasterizer("test", max_alpha=max_alpha).load(gaussians, parents).render(camera, transforms)
    theirs = open_rasterizer("cuda").load(gaussians, parents).render(camera, transforms)
    for frame, other in zip(theirs, ours, strict=True):
        assert psnr(frame.rgb / 255, other.rgb / 255) > 55
        difference = np.abs(frame.rgb.astype(int) - other.rgb)
        assert (difference > 4).mean() < 1e-3
