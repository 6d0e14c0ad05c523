"""The CPU rasterizer stage by stage, against the definition in float64 and gsplat's own PyTorch functions."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.renderer import Camera, Gaussians, RasterSettings
from emosplat.renderer.cpu import Buffers, CpuRasterizer, CpuScene, origin_pixel
from emosplat.renderer.kernels.layout import BLUE, DEPTH, LOG_OPACITY, RECORD, RED, TILE, XX, XY, YY, X, Y

from . import reference
from .scenes import cloud, front

COUNT = 400


class Drawn:
    """A frame with everything that was computed on the way."""

    def __init__(self, settings: RasterSettings) -> None:
        self.gaussians: Gaussians = cloud(COUNT, size=(0.002, 0.04))
        self.camera: Camera = front(150, 100)
        self.settings = settings
        scene: CpuScene = CpuRasterizer("test").load(self.gaussians, settings=settings)
        self.image = scene.render_float(self.camera)[0].astype(np.float64)
        self.buffers: Buffers = scene._idle[-1]
        self.of_record = scene._order  # the Gaussian of each record
        self.visible = (self.buffers.keys[: self.buffers.visible] & np.uint64(0xFFFFFFFF)).astype(int)
        self.order = self.of_record[self.visible]
        self.records = self.buffers.records.reshape(-1, RECORD)[self.visible].astype(np.float64)
        self.exact = reference.project(self.gaussians, self.camera, settings=settings)

    def screen(self) -> NDArray[np.float64]:
        return self.records[:, [X, Y]] + origin_pixel(self.camera)

    def conics(self) -> NDArray[np.float64]:
        """Inverse covariances [V, 2, 2] of the visible ones."""
        xx, xy, yy = (self.records[:, k] * np.log(2) for k in (XX, XY, YY))
        return -np.stack([2 * xx, xy, xy, 2 * yy], -1).reshape(-1, 2, 2)


@pytest.fixture(scope="module", params=[False, True], ids=["classic", "antialiased"])
def drawn(request) -> Drawn:
    return Drawn(RasterSettings(antialiased=request.param))


def test_projection_is_the_definition(drawn):
    exact, order = drawn.exact, drawn.order
    assert np.abs(drawn.screen() - exact.means[order]).max() < 1e-4
    np.testing.assert_allclose(drawn.records[:, DEPTH], exact.depths[order], rtol=1e-7)
    expected = np.linalg.inv(exact.covariances[order])
    assert (np.abs(drawn.conics() - expected).max((1, 2)) < 2e-6 * np.abs(expected).max((1, 2))).all()
    np.testing.assert_allclose(drawn.records[:, LOG_OPACITY], np.log2(exact.opacities[order]), atol=2e-6)


def test_projection_is_gsplats(drawn):
    torch = pytest.importorskip("torch")
    twins = pytest.importorskip("gsplat.cuda._torch_impl")
    gaussians, camera = drawn.gaussians, drawn.camera
    covars, _ = twins._quat_scale_to_covar_preci(
        torch.from_numpy(gaussians.quats), torch.from_numpy(gaussians.scales), True, False
    )
    view, K = (torch.tensor(m, dtype=torch.float32)[None] for m in (camera.view, camera.K))
    radii, screen, depths, conics, compensations = twins._fully_fused_projection(
        torch.from_numpy(gaussians.means), covars, view, K, camera.width, camera.height, calc_compensations=True
    )
    assert (radii[0, drawn.order] > 0).all(), "gsplat culls what is drawn here"
    assert np.abs(drawn.screen() - screen[0, drawn.order].numpy()).max() < 1e-3
    np.testing.assert_allclose(drawn.records[:, DEPTH], depths[0, drawn.order], rtol=1e-6)
    flat = drawn.conics()[:, [0, 0, 1], [0, 1, 1]]
    expected = conics[0, drawn.order].double().numpy()
    assert (np.abs(flat - expected).max(1) < 1e-3 * np.abs(expected).max(1)).all()
    if drawn.settings.antialiased:
        opacities = gaussians.opacities * compensations[0].numpy()
        assert np.abs(2 ** drawn.records[:, LOG_OPACITY] - opacities[drawn.order]).max() < 1e-3


def test_colours_are_gsplats(drawn):
    torch = pytest.importorskip("torch")
    twins = pytest.importorskip("gsplat.cuda._torch_impl")
    directions = torch.from_numpy(drawn.gaussians.means - drawn.camera.position)
    colours = twins._spherical_harmonics(3, directions, torch.from_numpy(drawn.gaussians.sh).double()) + 0.5
    expected = colours.clamp_min(0).numpy()[drawn.order]
    assert np.abs(drawn.records[:, RED : BLUE + 1] - expected).max() < 2e-6
    assert np.abs(drawn.exact.colours[drawn.order] - expected).max() < 1e-6


def tile_lists(drawn: Drawn) -> list[list[int]]:
    """Gaussians of each tile, in the order of its list."""
    starts, entries = drawn.buffers.starts, drawn.buffers.entries
    return [drawn.of_record[entries[a:b]].tolist() for a, b in pairwise(starts)]


def test_tile_lists_hold_all_that_is_needed_in_order_of_depth(drawn):
    exact, (width, height) = drawn.exact, (drawn.camera.width, drawn.camera.height)
    rank = {gaussian: place for place, gaussian in enumerate(drawn.order)}
    pixels = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), -1)
    columns = -(-width // TILE)
    needed: list[set[int]] = [set() for _ in range(columns * -(-height // TILE))]
    for i in range(COUNT):
        d = pixels - exact.means[i]
        power = 0.5 * np.einsum("hwi,ij,hwj->hw", d, np.linalg.inv(exact.covariances[i]), d)
        rows, cols = np.nonzero(exact.opacities[i] * np.exp(-power) >= (1 + 1e-4) / 255)
        for tile in set((rows // TILE * columns + cols // TILE).tolist()):
            needed[tile].add(i)
    lists = tile_lists(drawn)
    for listed, wanted in zip(lists, needed, strict=True):
        assert wanted <= set(listed)
        places = [rank[i] for i in listed]
        assert places == sorted(places)
    assert sum(map(len, lists)) < 2 * sum(map(len, needed))


def test_tile_lists_are_no_longer_than_gsplats(drawn):
    torch = pytest.importorskip("torch")
    twins = pytest.importorskip("gsplat.cuda._torch_impl")
    exact, camera = drawn.exact, drawn.camera
    radii = np.ceil(3.33 * np.sqrt(np.diagonal(exact.covariances, axis1=1, axis2=2))).astype(np.int32)
    rows, columns = -(-camera.height // TILE), -(-camera.width // TILE)
    fields = (exact.means[None].astype(np.float32), radii[None], exact.depths[None].astype(np.float32))
    _, keys, gaussians = twins._isect_tiles(*map(torch.from_numpy, fields), TILE, columns, rows)
    theirs: list[set[int]] = [set() for _ in range(rows * columns)]
    for key, gaussian in zip(keys.tolist(), gaussians.tolist(), strict=True):
        theirs[key >> 32].add(gaussian)
    for mine, listed in zip(tile_lists(drawn), theirs, strict=True):
        assert set(mine) <= listed


@pytest.mark.slow
def test_every_difference_from_the_definition_is_accounted_for(drawn):
    """Tight where every decision is clear; where an alpha or a transmittance lies on its threshold, no more than
    that one splat, and rarely."""
    width, height = drawn.camera.width, drawn.camera.height
    margins = np.full((height, width), np.inf)
    colour, left = reference.composite(drawn.exact, width, height, order=drawn.order, margins=margins)
    error = np.abs(drawn.image - np.concatenate([colour, 1 - left[..., None]], -1)).max(-1)
    clear = margins > 1e-4
    assert error[clear].max() < 1e-5
    assert error.max() < 1.5 / 255 * max(1, drawn.exact.colours.max())
    assert clear.mean() > 0.9
    assert (error > 1e-5).mean() < 1e-3


@pytest.mark.slow
def test_compositing_is_exact_for_what_was_projected(drawn):
    """The blend alone: the definition is given the float32 splats that the kernels made."""
    width, height = drawn.camera.width, drawn.camera.height
    count = len(drawn.order)
    splats = reference.Splats(
        means=drawn.screen(),
        covariances=np.linalg.inv(drawn.conics()),
        depths=drawn.records[:, DEPTH],
        colours=drawn.records[:, RED : BLUE + 1],
        opacities=2 ** drawn.records[:, LOG_OPACITY],
        drawn=np.ones(count, bool),
    )
    margins = np.full((height, width), np.inf)
    colour, left = reference.composite(splats, width, height, order=np.arange(count), margins=margins)
    error = np.abs(drawn.image - np.concatenate([colour, 1 - left[..., None]], -1)).max(-1)
    assert error[margins > 2e-5].max() < 3e-6
