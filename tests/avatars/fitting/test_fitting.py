"""Training on pictures of a tiny person: it learns, goes on bit for bit, and what it writes shows what it drew."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from emosplat.avatars.avatar import load_avatar, save_avatar
from emosplat.avatars.fitting.dataset import DataSet, read_dataset
from emosplat.avatars.fitting.evaluate import ALEXNET, evaluate, open_lpips
from emosplat.avatars.fitting.painters import CpuPainter, GsplatPainter, Painter, open_painter
from emosplat.avatars.fitting.train import CHECKPOINT, CURVE, PRESETS, SAMPLES, Fit, FitProgress, train
from emosplat.avatars.head import HeadModel
from emosplat.avatars.motion import CURVES
from emosplat.avatars.pose import Poser
from emosplat.core.errors import InputError
from emosplat.renderer import open_rasterizer
from emosplat.renderer.autograd import composite

from .captured import captured, motion, person

pytestmark = pytest.mark.slow

CONFIG = replace(
    PRESETS["fast"], iterations=24, densify_from=4, densify_every=6, densify_until=1.0, reset_every=18,
    sh_every=8, report_every=8, most_gaussians=80,
)  # fmt: skip


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, head: HeadModel) -> DataSet:
    torch.set_num_threads(1)
    return read_dataset(captured(tmp_path_factory.mktemp("data"), head), head)


def ignore(progress: FitProgress) -> None:
    pass


def state(fit: Fit) -> dict[str, torch.Tensor]:
    leaves = {g["name"]: g["params"][0] for g in fit.optimiser.param_groups}
    moments = {f"{k}.{n}": v for n, leaf in leaves.items() for k, v in fit.optimiser.state[leaf].items()}
    return {**leaves, **moments, "binding": fit.gaussians.binding, "pull": fit.pull.total}


def test_it_learns(data: DataSet, tmp_path: Path) -> None:
    config = replace(CONFIG, iterations=60, densify_from=60, report_every=30)
    fit = Fit(data, config, CpuPainter())
    before = fit.look(tmp_path / "before.png")
    rows: list[FitProgress] = []
    train(fit, tmp_path, lambda progress: rows.append(progress) if progress.milestone else None)
    assert before is not None
    assert rows[-1].loss < 0.8 * rows[0].loss
    assert rows[-1].held_out is not None
    assert rows[-1].held_out > before + 0.3
    assert len((tmp_path / CURVE).read_text().splitlines()) == 3
    assert Image.open(tmp_path / SAMPLES / "000060.png").size == (64, 64)


def test_an_interrupted_run_ends_the_same(data: DataSet, tmp_path: Path) -> None:
    whole = Fit(data, CONFIG, CpuPainter())
    train(whole, tmp_path / "whole", ignore)
    assert len(whole.gaussians) > len(data.head.faces)

    def interrupt(progress: FitProgress) -> None:
        if progress.step == 13:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(Fit(data, CONFIG, CpuPainter()), tmp_path / "parts", interrupt)
    resumed = Fit(data, CONFIG, CpuPainter())
    steps: list[int] = []
    train(resumed, tmp_path / "parts", lambda progress: steps.append(progress.step))
    assert steps[0] == 9
    expected, found = state(whole), state(resumed)
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        assert torch.equal(value, found[name]), name


def test_another_checkpoint_is_refused(data: DataSet, tmp_path: Path) -> None:
    train(Fit(data, replace(CONFIG, iterations=1), CpuPainter()), tmp_path, ignore)
    with pytest.raises(InputError, match="expected a checkpoint of these settings"):
        train(Fit(data, CONFIG, CpuPainter()), tmp_path, ignore)
    (tmp_path / CHECKPOINT).write_bytes(b"\x08" + bytes(20))
    with pytest.raises(InputError, match="expected a checkpoint, found something else"):
        train(Fit(data, CONFIG, CpuPainter()), tmp_path, ignore)


def test_the_avatar_shows_what_was_drawn(data: DataSet, tmp_path: Path, head: HeadModel) -> None:
    fit = Fit(data, CONFIG, CpuPainter())
    train(fit, tmp_path, ignore)
    written, refined = fit.avatar("someone")
    save_avatar(tmp_path / "avatar.npz", written)
    avatar = load_avatar(tmp_path / "avatar.npz", head)
    np.testing.assert_allclose(refined.expr[data.timesteps()].mean(axis=0), 0, atol=1e-6)
    scene = open_rasterizer("cpu").load(avatar.gaussians, avatar.binding)
    for view in (data.train[0], data.val[1], data.test[0]):
        transforms = Poser(avatar.head).transforms(refined[view.timestep : view.timestep + 1])
        shown = scene.render(view.camera, transforms)[0].rgb / 255
        drawn = fit.draw(view).image.detach().clamp(0, 1).numpy()
        assert np.abs(shown - drawn).max() < 0.01


def test_parameters_are_refined_where_they_were_seen(data: DataSet) -> None:
    fit = Fit(data, CONFIG, CpuPainter())
    for _ in range(8):
        fit.train_step()
    found = fit.tracking.motion(25.0)
    for name in CURVES:
        moved = np.abs(getattr(found, name) - getattr(data.motion, name)).max(axis=1)
        assert (moved[[0, 1]] > 0).all(), name
        assert moved[2] == 0, name


def test_refining_undoes_errors_of_the_tracking(data: DataSet, head: HeadModel) -> None:
    rng = np.random.default_rng(5)
    seen = data.timesteps()
    wrong = data.motion.expr.copy()
    wrong[seen] += rng.normal(0, 0.3, (len(seen), head.expressions)).astype(np.float32)
    still = {name: 0.0 for name in ("log_scales", "quats", "logits", "dc", "rest")}
    config = replace(CONFIG, iterations=100, densify_from=100, means=(1e-12, 1e-12), expr=0.02, **still)
    fit = Fit(replace(data, motion=replace(data.motion, expr=wrong)), config, CpuPainter())
    truth = person(head).gaussians
    with torch.no_grad():
        fit.gaussians.log_scales.copy_(torch.from_numpy(truth.scales).log())
        fit.gaussians.logits.copy_(torch.from_numpy(truth.opacities).logit())
        fit.gaussians.dc.copy_(torch.from_numpy(truth.sh))
    for _ in range(config.iterations):
        fit.train_step()
    errors = [np.abs(e - data.motion.expr)[seen].mean() for e in (wrong, fit.tracking.motion(25.0).expr)]
    assert errors[1] < 0.1 * errors[0], errors


def test_the_truth_scores_high(data: DataSet, head: HeadModel) -> None:
    scores = evaluate(person(head), motion(head), data.test, open_rasterizer("cpu"))
    assert scores is not None
    assert scores.psnr == pytest.approx(100)
    assert (scores.pictures, scores.ssim) == (3, 1)
    assert scores.lpips is None
    assert evaluate(person(head), motion(head), [], open_rasterizer("cpu")) is None


def test_lpips_is_computed_where_its_weights_are(
    data: DataSet, head: HeadModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Network(torch.nn.Module):
        def __init__(self, net_type: str, normalize: bool) -> None:
            super().__init__()
            assert (net_type, normalize) == ("alex", True)

        def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
            assert a.shape == b.shape == (1, 3, 32, 32)
            return (a - b).abs().max()

    monkeypatch.setattr("torchmetrics.image.lpip.LearnedPerceptualImagePatchSimilarity", Network)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path))
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert open_lpips() == (None, "no LPIPS: it needs torchmetrics and torchvision")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: name)
    weights = tmp_path / "checkpoints" / ALEXNET
    assert open_lpips() == (None, f"no LPIPS: it needs AlexNet's weights as {weights}")
    weights.parent.mkdir()
    weights.touch()
    lpips, _ = open_lpips()
    scores = evaluate(person(head), motion(head), data.test, open_rasterizer("cpu"), lpips=lpips)
    assert scores is not None
    assert scores.lpips == 0


def test_devices() -> None:
    assert isinstance(open_painter("cpu")[0], CpuPainter)
    with pytest.raises(InputError, match="expected auto, cpu or cuda"):
        open_painter("tpu")
    if not torch.cuda.is_available():
        assert open_painter("auto")[1] == "PyTorch finds no CUDA device"
        with pytest.raises(InputError, match="--device cuda"):
            open_painter("cuda")


def stand_in(**call: Any) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
    """gsplat.rasterization without CUDA: gsplat's own projection in PyTorch, our compositing."""
    from gsplat.cuda import _torch_impl as twins

    assert call["quats"] is None
    assert call["scales"] is None
    assert not call["packed"]
    size = call["width"], call["height"]
    radii, screen, depths, conics, _ = twins._fully_fused_projection(
        call["means"], call["covars"], call["viewmats"], call["Ks"], *size,
        eps2d=call["eps2d"], near_plane=call["near_plane"],
    )  # fmt: skip
    drawn = composite(screen[0], conics[0], depths[0], call["opacities"], call["colors"], width=size[0], height=size[1])
    image = drawn[..., :3] + (1 - drawn[..., 3:]) * call["backgrounds"][0]
    return image[None], drawn[None, ..., 3:], {"means2d": screen, "radii": radii}


DEVICES = [
    pytest.param(lambda: GsplatPainter(device="cpu", rasterization=stand_in), id="stand-in"),
    pytest.param(
        lambda: open_painter("cuda")[0],
        id="cuda",
        marks=[pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")],
    ),
]


@pytest.mark.parametrize("painter", DEVICES)
def test_gsplat_draws_the_same(data: DataSet, painter: Callable[[], Painter]) -> None:
    ours = Fit(data, CONFIG, CpuPainter())
    theirs = Fit(data, CONFIG, painter())
    view = data.train[0]
    drawings = [fit.draw(view) for fit in (ours, theirs)]
    for drawing in drawings:
        drawing.image.square().mean().backward()
    images = [drawing.image.detach().cpu() for drawing in drawings]
    torch.testing.assert_close(*images, atol=2e-3, rtol=0)
    torch.testing.assert_close(*[drawing.pull().cpu() for drawing in drawings], atol=1e-5, rtol=0.05)
    assert [drawing.visible.tolist() for drawing in drawings] == [[True] * len(ours.gaussians)] * 2
    for fit in (ours, theirs):
        fit.train_step()
    moved = [fit.tracking.expr.detach().cpu() for fit in (ours, theirs)]
    torch.testing.assert_close(*moved, atol=1e-4, rtol=0)
