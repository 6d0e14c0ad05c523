"""The choice of a backend, and the shared types."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.renderer import Camera, Gaussians, RasterSettings, open_rasterizer, rasterizer

from . import reference
from .scenes import cloud


def test_cpu_is_had_for_the_asking():
    backend = open_rasterizer("cpu")
    assert (backend.name, backend.reason) == ("cpu", "asked for")


def test_auto_without_a_driver_is_the_cpu(monkeypatch):
    monkeypatch.setattr(rasterizer, "_has_nvidia_driver", lambda: False)
    backend = open_rasterizer()
    assert (backend.name, backend.reason) == ("cpu", "no NVIDIA driver found")
    with pytest.raises(InputError, match="device cuda: no NVIDIA driver found"):
        open_rasterizer("cuda")


def test_a_driver_without_a_usable_device(monkeypatch):
    torch = pytest.importorskip("torch")
    monkeypatch.setattr(rasterizer, "_has_nvidia_driver", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert open_rasterizer().name == "cpu"
    with pytest.raises(InputError, match="PyTorch finds no CUDA device"):
        open_rasterizer("cuda")


def test_the_reason_for_the_choice_is_said(monkeypatch):
    pytest.importorskip("torch")
    monkeypatch.setattr(rasterizer, "_cuda_obstacle", lambda: "no compiler")
    assert (open_rasterizer().name, open_rasterizer().reason) == ("cpu", "no compiler")
    monkeypatch.setattr(rasterizer, "_cuda_obstacle", lambda: None)
    monkeypatch.setattr("emosplat.renderer.cuda._describe", lambda device: "some GPU")
    assert open_rasterizer().name == "cuda"
    assert open_rasterizer("cuda").reason.startswith("asked for")


def test_unknown_device():
    with pytest.raises(InputError, match="expected auto, cpu or cuda, found 'tpu'"):
        open_rasterizer("tpu")


def test_the_package_imports_nothing_heavy():
    code = "import sys, emosplat.renderer; print([m for m in ('torch', 'numba', 'gsplat') if m in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"


@pytest.mark.skipif(rasterizer._has_nvidia_driver(), reason="an NVIDIA driver is present")
def test_drawing_on_the_cpu_does_not_import_torch():
    code = (
        "import sys, numpy as np; from emosplat.renderer import *;"
        "f = np.float32; g = Gaussians(f([[0, 0, 0]]), f([[1, 0, 0, 0]]), f([[.1, .1, .1]]), f([1]), f([[[1, 1, 1]]]));"
        "c = Camera.look_at((0, 0, 1), (0, 0, 0), fov_y=.5, width=8, height=8);"
        "open_rasterizer().load(g).render(c); print('torch' in sys.modules)"
    )
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_the_example_of_the_documentation_runs():
    page = Path(__file__).parents[2] / "docs" / "renderer.md"
    code = page.read_text().split("```python\n")[1].split("```")[0]
    names: dict = {}
    exec(code, names)
    assert names["frame"].rgb.min() < 255


@pytest.mark.parametrize(
    "options",
    [
        {"near": 0.0},
        {"near": 2.0, "far": 1.0},
        {"far": np.inf},
        {"alpha_cap": 1.0},
        {"low_pass": -0.1},
        {"radius_clip": -1.0},
        {"near": np.nan},
    ],
)
def test_settings_that_make_no_picture(options):
    with pytest.raises(InputError, match="RasterSettings"):
        RasterSettings(**options)


def test_look_at_puts_the_target_in_the_middle():
    camera = Camera.look_at((1, 2, 3), (0.1, 0.2, 0.3), fov_y=0.7, width=40, height=30)
    away = np.array([0.9, 1.8, 2.7])  # from the target to the camera
    pixels, depths = camera.project(np.array([0.1, 0.2, 0.3]) + np.outer([0, 0.5, 2], away))
    np.testing.assert_allclose(pixels, [[20, 15], [20, 15], [0, 0]])  # the last one is behind
    np.testing.assert_allclose(depths, np.linalg.norm(away) * np.array([1, 0.5, -1]))
    np.testing.assert_allclose(camera.position, [1, 2, 3])
    assert (camera.view[:3, :3] @ [0, 1, 0])[1] < 0  # up in the world is up in the image


def test_gaussians_check_their_shapes():
    gaussians = cloud(4)
    with pytest.raises(ValueError, match=r"Gaussians\.quats: expected shape \(4, 4\)"):
        type(gaussians)(gaussians.means, gaussians.means, gaussians.scales, gaussians.opacities, gaussians.sh)


def test_covariances_of_batches():
    gaussians = cloud(6)
    axes = reference.rotations(gaussians.quats) * gaussians.scales[:, None, :]
    expected = axes @ axes.transpose(0, 2, 1)
    np.testing.assert_allclose(gaussians.covariances(), expected, atol=1e-9)
    fields = (gaussians.means, gaussians.quats, gaussians.scales, gaussians.opacities, gaussians.sh)
    batch = Gaussians(*(field.reshape(2, 3, *field.shape[1:]) for field in fields))
    np.testing.assert_allclose(batch.covariances().reshape(6, 3, 3), expected, atol=1e-9)
