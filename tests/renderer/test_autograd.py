"""Gradients of the CPU rasterizer against automatic differentiation of gsplat's projection and a dense blend."""

from __future__ import annotations

import numpy as np
import pytest

from emosplat.renderer import RasterSettings
from emosplat.renderer.cpu import CpuRasterizer

from .scenes import cloud, front, psnr

torch = pytest.importorskip("torch")
pytest.importorskip("gsplat")
from gsplat.cuda import _torch_impl as twins  # noqa: E402

from emosplat.renderer import autograd  # noqa: E402

NAMES = ("means", "quats", "scales", "opacities", "colours")


def parameters(count: int, *, seed: int = 0, opaque: bool = False):
    """Leaves means, quats, scales, opacities, colours in float64."""
    gaussians = cloud(count, seed=seed, degree=0)
    opacities = np.full(count, 0.9995) if opaque else gaussians.opacities.clip(0.05, 0.95)
    colours = 0.5 + 0.2820947918 * gaussians.sh[:, 0]
    arrays = (gaussians.means, gaussians.quats, gaussians.scales, opacities, colours.clip(0, None))
    return [torch.tensor(a.astype(np.float64), requires_grad=True) for a in arrays]


def dense(leaves, camera, max_alpha=0.999):
    """Image [H, W, 4] in float64: every splat in every pixel, the rules written as masks."""
    means, quats, scales, opacities, colours = leaves
    covars, _ = twins._quat_scale_to_covar_preci(quats, scales, True, False, triu=False)
    assert covars is not None
    view, K = (torch.tensor(m)[None] for m in (camera.view, camera.K))
    _, screen, depths, conics, _ = twins._fully_fused_projection(means, covars, view, K, camera.width, camera.height)
    order = torch.argsort(depths[0])
    order = order[depths[0, order] >= 0.01]
    y, x = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    dx, dy = (screen[0, order, k] - p[..., None] for k, p in enumerate((x, y)))
    a, b, c = conics[0, order].unbind(-1)
    alpha = opacities[order] * torch.exp(-0.5 * (a * dx * dx + c * dy * dy) - b * dx * dy)
    alpha = torch.where(alpha >= 1 / 255, alpha, 0).clamp_max(max_alpha)
    with torch.no_grad():
        kept = (1 - alpha).cumprod(-1) > 1e-4
    alpha = torch.where(kept, alpha, 0)
    after = (1 - alpha).cumprod(-1)
    before = torch.cat([torch.ones_like(after[..., :1]), after[..., :-1]], -1)
    return torch.cat([(alpha * before) @ colours[order], 1 - after[..., -1:]], -1)


def gradients(image, leaves):
    weights = torch.randn(image.shape, dtype=image.dtype, generator=torch.Generator().manual_seed(0))
    return torch.autograd.grad((image * weights).sum(), leaves)


@pytest.mark.parametrize("opaque", [False, True])
@pytest.mark.parametrize("size", [(48, 32), (37, 21)])
def test_gradients_match_float64_differentiation(size, opaque):
    camera = front(*size)
    leaves = parameters(60, opaque=opaque)
    image, expected = autograd.rasterize(*leaves, camera=camera), dense(leaves, camera)
    assert psnr(image.detach().numpy(), expected.detach().numpy()) > 100
    for name, ours, theirs in zip(NAMES, gradients(image, leaves), gradients(expected, leaves), strict=True):
        error = (ours - theirs).norm() / theirs.norm()
        assert error < 1e-3, f"{name}: relative error {error:.1e}"


def test_float32_leaves_give_float32_gradients():
    camera = front(48, 32)
    leaves = [leaf.detach().float().requires_grad_() for leaf in parameters(60)]
    exact = parameters(60)
    image = autograd.rasterize(*leaves, camera=camera)
    assert image.dtype == torch.float32
    for ours, theirs in zip(gradients(image, leaves), gradients(dense(exact, camera).float(), exact), strict=True):
        assert (ours - theirs).norm() < 2e-3 * theirs.norm()


def test_projection_passes_gradcheck():
    camera = front(48, 32)
    means, quats, scales, _, _ = parameters(12)
    assert torch.autograd.gradcheck(lambda *leaves: autograd.project(*leaves, camera=camera), (means, quats, scales))


def test_compositing_passes_gradcheck():
    """Splats that are everywhere well above 1/255 and together well below opaque: a smooth function.

    The kernels work in float32, hence the step and the tolerance.
    """
    rng = np.random.default_rng(0)
    screen, colours = rng.uniform(0, 9, (5, 2)), rng.uniform(0.2, 1, (5, 3))
    conics, opacities = np.tile([0.02, 0.004, 0.03], (5, 1)) * rng.uniform(0.7, 1.3, (5, 1)), rng.uniform(0.3, 0.6, 5)
    depths = torch.arange(1.0, 6.0, dtype=torch.float64)
    leaves = [torch.tensor(a, requires_grad=True) for a in (screen, conics, opacities, colours)]

    def draw(screen, conics, opacities, colours):
        return autograd.composite(screen, conics, depths, opacities, colours, width=9, height=7)

    assert torch.autograd.gradcheck(draw, leaves, eps=1e-3, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("options", [{"antialiased": True}, {"near": 0.9, "far": 1.1}, {"radius_clip": 5.0}])
def test_settings_are_the_renderers(options):
    gaussians, camera, settings = cloud(300, degree=0, size=(0.001, 0.03)), front(), RasterSettings(**options)
    colours = np.maximum(0, 0.5 + 0.28209479177387814 * gaussians.sh[:, 0])
    fields = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, colours)
    leaves = [torch.from_numpy(field).requires_grad_() for field in fields]
    image = autograd.rasterize(*leaves, camera=camera, settings=settings)
    drawn = CpuRasterizer("test").load(gaussians, settings=settings).render_float(camera)[0]
    assert psnr(image.detach().numpy(), drawn) > 80
    assert all(gradient.isfinite().all() for gradient in gradients(image, leaves))


def test_antialiased_gradients_match_float64_differentiation():
    camera, settings = front(48, 32), RasterSettings(antialiased=True)
    leaves = parameters(60)
    means, quats, scales, opacities, colours = leaves
    compensation = autograd.project(means, quats, scales, camera=camera, settings=settings)[3]
    expected = dense((means, quats, scales, opacities * compensation, colours), camera)
    image = autograd.rasterize(*leaves, camera=camera, settings=settings)
    for name, ours, theirs in zip(NAMES, gradients(image, leaves), gradients(expected, leaves), strict=True):
        error = (ours - theirs).norm() / theirs.norm()
        assert error < 1e-3, f"{name}: relative error {error:.1e}"


def test_draws_what_the_renderer_draws():
    gaussians, camera = cloud(300, degree=0), front()
    colours = np.maximum(0, 0.5 + 0.28209479177387814 * gaussians.sh[:, 0])
    fields = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, colours)
    image = autograd.rasterize(*(torch.from_numpy(field) for field in fields), camera=camera)
    assert psnr(image.numpy(), CpuRasterizer("test").load(gaussians).render_float(camera)[0]) > 90


def test_nothing_in_sight_has_no_gradient():
    camera = front(20, 20)
    leaves = parameters(10)
    behind = [leaves[0] + torch.tensor([0.0, 0.0, 9.0]), *leaves[1:]]
    image = autograd.rasterize(*behind, camera=camera)
    assert not image.any()
    for gradient in gradients(image, leaves):
        assert not gradient.any()


def test_descent_recovers_a_picture():
    camera = front(40, 32)
    target = autograd.rasterize(*(leaf.detach().float() for leaf in parameters(80)), camera=camera)
    start = parameters(80)
    leaves = [leaf.detach().float().requires_grad_() for leaf in start]
    with torch.no_grad():
        leaves[0] += 0.01 * torch.randn(leaves[0].shape, generator=torch.Generator().manual_seed(1))
        leaves[4].fill_(0.5)
    optimizer = torch.optim.Adam(leaves, lr=3e-3)
    losses = []
    for _ in range(40):
        optimizer.zero_grad()
        loss = (autograd.rasterize(*leaves, camera=camera) - target).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < 0.3 * losses[0]
