"""A training that begins with an avatar draws it first, wrinkles and all, and leaves alone what it cannot see."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from emosplat.avatars.avatar import Avatar, ExpressionShading
from emosplat.avatars.fitting.dataset import DataSet, read_dataset
from emosplat.avatars.fitting.painters import CpuPainter
from emosplat.avatars.fitting.train import CHECKPOINT, PRESETS, Fit, train
from emosplat.avatars.head import HeadModel
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.avatars.shading import Shader
from emosplat.core.errors import InputError
from emosplat.renderer import open_rasterizer
from emosplat.renderer.gaussians import Shading

from .captured import captured, person

CONFIG = replace(
    PRESETS["fast"], iterations=6, densify_from=100, report_every=3, sh_degree=0, eps=1e-8, backgrounds=True
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory, head: HeadModel) -> DataSet:
    torch.set_num_threads(1)
    return read_dataset(captured(tmp_path_factory.mktemp("data"), head), head)


def wrinkled(data: DataSet) -> Avatar:
    rng = np.random.default_rng(0)
    expressions = data.head.expressions
    shading = ExpressionShading(
        Shading(np.array([1, 4, 9], np.int32), rng.normal(0, 0.3, (2, 3, 3)).astype(np.float32)),
        expr=rng.normal(0, 5, (2, expressions)).astype(np.float32),
        jaw=np.ones(2, np.float32),
        threshold=np.zeros(2, np.float32),
    )
    return replace(person(data.head), head=data.head, shading=shading)


def test_it_draws_the_avatar_that_it_begins_with(data: DataSet) -> None:
    start = wrinkled(data)
    fit = Fit(data, CONFIG, CpuPainter(), start)
    view, still = data.train[0], data.motion[data.train[0].timestep : data.train[0].timestep + 1]
    assert Shader(start).weights(still).any()
    drawn = load_scene(start, open_rasterizer("cpu")).render(
        view.camera, Poser(start.head).transforms(still), shading_weights=Shader(start).weights(still)
    )[0]
    with torch.no_grad():
        ours = fit.draw(view).image.clamp(0, 1).mul(255).numpy()
    assert np.abs(ours - drawn.rgb).max() <= 1.01


def test_what_it_writes_is_neutral_where_the_start_was_and_keeps_its_wrinkles(data: DataSet, tmp_path: Path) -> None:
    start = wrinkled(data)
    fit = Fit(data, CONFIG, CpuPainter(), start)
    train(fit, tmp_path, lambda _: None)
    avatar, motion = fit.avatar("someone")
    assert avatar.neutral is None
    assert avatar.shading is not None
    assert start.shading is not None
    np.testing.assert_array_equal(avatar.shading.colours.index, start.shading.colours.index)
    np.testing.assert_array_equal(avatar.shading.colours.delta, start.shading.colours.delta)
    np.testing.assert_allclose(motion.expr, data.motion.expr, atol=0.1)


def test_gaussians_behind_the_camera_stay_as_they_were(data: DataSet) -> None:
    start = wrinkled(data)
    means = start.gaussians.means.copy()
    means[5] = 1e4  # triangle scales: out of every picture
    start = replace(start, gaussians=replace(start.gaussians, means=means))
    fit = Fit(data, CONFIG, CpuPainter(), start)
    before = fit.gaussians.dc.detach().clone()
    for _ in range(4):
        fit.train_step()
    assert torch.equal(fit.gaussians.dc[5], before[5])
    assert float((fit.gaussians.dc.detach() - before).abs().amax(dim=(1, 2)).median()) > 0


def test_what_holds_keeps_gaussians_nearer_to_where_they_began(data: DataSet) -> None:
    start = wrinkled(data)

    def moved(hold: float) -> float:
        fit = Fit(data, replace(CONFIG, hold=hold), CpuPainter(), start)
        for _ in range(12):
            fit.train_step()
        return float((fit.gaussians.means.detach().numpy() - start.gaussians.means).__abs__().mean())

    assert moved(100.0) < 0.7 * moved(0.0)


def test_a_checkpoint_belongs_to_the_avatar_it_began_with(data: DataSet, tmp_path: Path) -> None:
    start = wrinkled(data)
    train(Fit(data, CONFIG, CpuPainter(), start), tmp_path, lambda _: None)
    again = Fit(data, CONFIG, CpuPainter(), start)
    again.resume(tmp_path / CHECKPOINT)
    assert again.step == CONFIG.iterations
    other = replace(start, gaussians=replace(start.gaussians, sh=start.gaussians.sh + np.float32(0.1)))
    with pytest.raises(InputError, match="expected a checkpoint of these data"):
        Fit(data, CONFIG, CpuPainter(), other).resume(tmp_path / CHECKPOINT)
