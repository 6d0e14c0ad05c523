"""Coefficients as bytes: only where nothing is lost, and drawn like floats."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from emosplat.renderer import Camera, Gaussians, Shading, open_rasterizer
from emosplat.renderer.cpu import CpuScene
from emosplat.renderer.packed import packed


@given(
    arrays.arrays(np.int8, (3, 4), elements=st.integers(-127, 127)),
    st.floats(2**-20, 1000, width=32),
)
def test_bytes_times_a_unit_come_back(whole, unit):
    whole[0] = 127
    array = (whole / np.float32(127) * np.float32(unit)).astype(np.float32)
    found = packed(array, axis=1)
    np.testing.assert_array_equal(found.whole, whole)
    assert not found.floats.size


@given(arrays.arrays(np.float32, (2, 5, 3), elements=st.floats(-100, 100, width=32)), st.sampled_from([None, 1, 2]))
def test_nothing_is_lost(array, axis):
    found = packed(array, axis=axis)
    shape = [-1 if k == axis else 1 for k in range(3)]
    back = found.whole * found.units.reshape(shape) if found.whole.size else found.floats
    assert np.abs(back - array).max() <= 2**-22 * np.abs(array).max()


def test_what_is_no_multiple_stays_as_it_is():
    array = np.random.default_rng(0).normal(size=(2, 100)).astype(np.float32)
    found = packed(array)
    assert not found.whole.size
    assert not found.units.any()
    np.testing.assert_array_equal(found.floats, array)


@pytest.mark.parametrize("degree", [1, 2, 3])
def test_bytes_are_drawn_like_floats(degree):
    """The same picture from whole coefficients, and from those of which one is no multiple of the unit."""
    rng = np.random.default_rng(degree)
    n = 500
    sh = np.round(rng.uniform(-127, 127, (n, (degree + 1) ** 2, 3))) / 127 * 0.3
    sh[0, 1:] = 0.3
    delta = np.round(rng.uniform(-127, 127, (4, 100, 3))) / 127 * 0.2
    delta[:, 0] = 0.2
    gaussians = Gaussians(
        means=rng.normal(0, 0.1, (n, 3)).astype(np.float32),
        quats=rng.normal(size=(n, 4)).astype(np.float32),
        scales=np.full((n, 3), 0.01, np.float32),
        opacities=np.full(n, 0.8, np.float32),
        sh=sh.astype(np.float32),
    )
    shading = Shading(np.arange(100, dtype=np.int32) * 5, delta.astype(np.float32))
    camera = Camera.look_at((0, 0, 1), (0, 0, 0), fov_y=0.4, width=96, height=80)
    weights = np.array([[0.5, 0, 1.2, 0]], np.float32)
    rasterizer = open_rasterizer("cpu")
    whole = rasterizer.load(gaussians, shading=shading)
    assert isinstance(whole, CpuScene)
    assert whole._harmonics.whole.size
    assert whole._changes.whole.size
    gaussians.sh[-1, -1] = 0.1234567
    shading.delta[:, -1] = 0.1234567
    floats = rasterizer.load(gaussians, shading=shading)
    assert isinstance(floats, CpuScene)
    assert floats._harmonics.floats.size
    assert floats._changes.floats.size
    images = [scene.render_float(camera, shading_weights=weights)[0] for scene in (whole, floats)]
    difference = np.abs(images[0] - images[1]).max(-1)
    assert np.median(difference) < 1e-6
    assert (difference > 1e-5).mean() < 0.05  # where the one or two are seen that differ


@pytest.mark.parametrize("degree", [1, 3])
def test_harmonics_of_zero_are_none(degree):
    """Trained avatars begin with all higher bands at zero."""
    rng = np.random.default_rng(degree)
    n = 300
    sh = np.zeros((n, (degree + 1) ** 2, 3), np.float32)
    sh[:, 0] = rng.normal(0, 0.5, (n, 3))
    means, quats = (rng.normal(0, spread, (n, k)).astype(np.float32) for spread, k in ((0.1, 3), (1, 4)))
    size, opacity = np.full((n, 3), 0.01, np.float32), np.full(n, 0.8, np.float32)
    shading = Shading(np.arange(9, dtype=np.int32), np.zeros((2, 9, 3), np.float32))
    camera = Camera.look_at((0, 0, 1), (0, 0, 0), fov_y=0.4, width=64, height=64)
    images = []
    for bands in (sh, sh[:, :1]):
        scene = open_rasterizer("cpu").load(Gaussians(means, quats, size, opacity, bands.copy()), shading=shading)
        images.append(scene.render_float(camera, shading_weights=np.array([[1, 0.5]], np.float32)))
    np.testing.assert_array_equal(*images)
    assert packed(sh[:, 1:]).units.tolist() == [1]
