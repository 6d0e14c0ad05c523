"""Colour changes that follow the face: read from the avatar's file, driven by the motion."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.avatars.avatar import Avatar, ExpressionShading, load_avatar, save_avatar
from emosplat.avatars.head import HeadModel
from emosplat.avatars.motion import Motion
from emosplat.avatars.shading import MOST, Shader, shaded_gaussians
from emosplat.core.errors import InputError
from emosplat.renderer import Gaussians, Shading

from .conftest import E, F, make_head

N, S, M = 12, 4, 3


def arrays(head: HeadModel, seed: int = 0) -> dict[str, Any]:
    """An avatar file with colour changes for the tiny head."""
    rng = np.random.default_rng(seed)
    return {
        "format": np.array("emosplat-avatar-1"),
        "name": np.array("tiny"),
        "head_version": np.array(head.version),
        "v_template": head.v_template,
        "joints": head.joints,
        "binding": rng.integers(0, F, N).astype(np.uint16),
        "xyz": rng.normal(size=(N, 3)).astype(np.float16),
        "quat": np.tile(np.array([127, 0, 0, 0], np.int8), (N, 1)),
        "log_scale": np.zeros((N, 3), np.uint8),
        "scale_range": np.array([-5, 0], np.float32),
        "opacity": np.full(N, 255, np.uint8),
        "sh_dc": np.full((N, 3), 128, np.uint8),
        "dc_range": np.array([0, 1], np.float32),
        "shading_index": np.array([1, 4, 5, 11], np.int32),
        "shading_delta": rng.integers(-127, 128, (M, S, 3)).astype(np.int8),
        "shading_scale": np.array([0.1, 0.2, 0.3], np.float32),
        "shading_expr": rng.normal(size=(M, E)).astype(np.float32),
        "shading_jaw": rng.normal(size=M).astype(np.float32),
        "shading_threshold": np.array([0, 0.05, 0.1], np.float32),
    }


def saved(path: Path, fields: dict[str, Any]) -> Path:
    np.savez(path, **fields)
    return path


@pytest.fixture(scope="module")
def avatar(tmp_path_factory: pytest.TempPathFactory) -> Avatar:
    head = make_head()
    return load_avatar(saved(tmp_path_factory.mktemp("shading") / "tiny.npz", arrays(head)), head)


def shading_of(avatar: Avatar) -> ExpressionShading:
    assert avatar.shading is not None
    return avatar.shading


def random_motion(frames: int, seed: int, scale: float = 1.0) -> Motion:
    rng = np.random.default_rng(seed)
    rest = Motion.rest(frames, E, 25.0)
    curves = {n: scale * rng.standard_normal(getattr(rest, n).shape) for n in ("expr", "jaw", "eyes", "neck")}
    return replace(rest, **{n: values.astype(np.float32) for n, values in curves.items()})


def test_the_file_gives_back_what_it_holds(avatar: Avatar) -> None:
    stored, shading = arrays(avatar.head), shading_of(avatar)
    np.testing.assert_array_equal(shading.colours.index, stored["shading_index"])
    wanted = stored["shading_delta"] / 127 * np.array([0.1, 0.2, 0.3])[:, None, None]
    np.testing.assert_allclose(shading.colours.delta, wanted, atol=1e-7)
    assert shading.colours.delta.dtype == np.float32


def test_a_written_avatar_keeps_its_shading(avatar: Avatar, tmp_path: Path) -> None:
    head = make_head()
    save_avatar(tmp_path / "again.npz", avatar)
    again, before = shading_of(load_avatar(tmp_path / "again.npz", head)), shading_of(avatar)
    np.testing.assert_allclose(again.colours.delta, before.colours.delta, atol=1e-7)
    np.testing.assert_array_equal(again.colours.index, before.colours.index)
    for name in ("expr", "jaw", "threshold"):
        np.testing.assert_array_equal(getattr(again, name), getattr(before, name))


def test_a_file_without_shading_still_loads(tmp_path: Path) -> None:
    head = make_head()
    older = {n: a for n, a in arrays(head).items() if not n.startswith("shading")}
    person = load_avatar(saved(tmp_path / "older.npz", older), head)
    assert person.shading is None
    assert Shader(person).weights(random_motion(5, 0)).shape == (5, 0)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shading_index", np.array([1, 4, 4, 11])),
        ("shading_index", np.array([4, 1, 5, 11])),
        ("shading_index", np.array([1, 4, 5, N])),
        ("shading_index", np.array([1, 4, 5])),
        ("shading_delta", np.zeros((M, S + 1, 3), np.int8)),
        ("shading_delta", np.zeros((M + 1, S, 3), np.int8)),
        ("shading_scale", np.zeros(M + 1, np.float32)),
        ("shading_expr", np.zeros((M, E + 1), np.float32)),
        ("shading_expr", np.zeros((M + 1, E), np.float32)),
        ("shading_expr", np.full((M, E), np.nan, np.float32)),
        ("shading_jaw", np.zeros((M, 1), np.float32)),
        ("shading_threshold", np.array([0, 0, -0.1], np.float32)),
    ],
)
def test_wrong_fields_are_refused_by_name(tmp_path: Path, field: str, value: NDArray) -> None:
    head = make_head()
    path = saved(tmp_path / "bad.npz", arrays(head) | {field: value})
    with pytest.raises(InputError, match=r"bad\.npz: shading_"):
        load_avatar(path, head)


@pytest.mark.parametrize("field", ["shading_delta", "shading_expr", "shading_threshold"])
def test_a_missing_field_is_named(tmp_path: Path, field: str) -> None:
    head = make_head()
    fields = arrays(head)
    del fields[field]
    with pytest.raises(InputError, match=f"{field}: expected an array of this name"):
        load_avatar(saved(tmp_path / "part.npz", fields), head)


def test_a_neutral_face_shows_none(avatar: Avatar) -> None:
    assert not Shader(avatar).weights(Motion.rest(3, E, 25.0)).any()


def test_head_and_neck_do_not_matter(avatar: Avatar) -> None:
    motion = random_motion(6, 1)
    moved = replace(motion, neck=motion.neck + 1, rotation=motion.rotation + 1, translation=motion.translation + 1)
    np.testing.assert_array_equal(Shader(avatar).weights(moved), Shader(avatar).weights(motion))


def test_weights_are_the_documented_formula(avatar: Avatar) -> None:
    shading, motion = shading_of(avatar), random_motion(40, 2)
    for t, weights in enumerate(Shader(avatar).weights(motion)):
        driven = shading.expr @ motion.expr[t] + shading.jaw * motion.jaw[t, 0]
        np.testing.assert_allclose(weights, np.clip(driven - shading.threshold, 0, MOST), atol=1e-5)


def test_a_still_holds_its_colours(avatar: Avatar) -> None:
    """Drawn without any shading it looks as the avatar does with its weights: 0.5 + SH + sum of changes."""
    shading, motion = shading_of(avatar), random_motion(1, 3)
    before, after = avatar.gaussians.sh, shaded_gaussians(avatar, motion).sh
    added = np.zeros((N, 3))
    for weight, delta in zip(Shader(avatar).weights(motion)[0], shading.colours.delta, strict=True):
        added[shading.colours.index] += weight * delta
    assert np.abs(added).max() > 0.05
    np.testing.assert_allclose(0.28209479 * (after - before)[:, 0], added, atol=1e-5)
    np.testing.assert_array_equal(after[:, 1:], before[:, 1:])


@settings(max_examples=50)
@given(seed=st.integers(0, 10_000), factors=st.tuples(st.floats(0, 3), st.floats(0, 3)))
def test_stronger_expressions_never_show_less(avatar: Avatar, seed: int, factors: tuple[float, float]) -> None:
    """Weights lie in 0..1.2, and each that shows grows with the whole expression."""
    motion, (less, more) = random_motion(1, seed), sorted(factors)

    def weights(by: float) -> NDArray[np.float32]:
        scaled = {n: (by * getattr(motion, n)).astype(np.float32) for n in ("expr", "jaw")}
        return Shader(avatar).weights(replace(motion, **scaled))[0]

    assert (weights(less) >= 0).all()
    assert (weights(more) <= np.float32(MOST)).all()
    assert (weights(more) >= weights(less) - 1e-5).all()


@settings(max_examples=30)
@given(frames=st.integers(1, 40), chunk=st.integers(1, 9), seed=st.integers(0, 1000), modes=st.integers(1, 30))
def test_chunks_make_no_difference(frames: int, chunk: int, seed: int, modes: int) -> None:
    """Bit by bit, also for heads and tables of other sizes."""
    rng = np.random.default_rng(seed)
    width = int(rng.integers(1, 120))
    rates = {"expr": rng.normal(size=(modes, width)).astype(np.float32), "jaw": np.ones(modes, np.float32)}
    colours = Shading(np.array([0], np.int32), np.zeros((modes, 1, 3), np.float32))
    shading = ExpressionShading(colours, threshold=np.zeros(modes, np.float32), **rates)
    person = Avatar("any", make_head(), _one_gaussian(), np.zeros(1, np.int32), shading)
    motion = replace(random_motion(frames, seed), expr=rng.normal(size=(frames, width)).astype(np.float32))
    shader = Shader(person)
    pieces = np.concatenate([shader.weights(part) for part in motion.chunks(chunk)])
    np.testing.assert_array_equal(pieces, shader.weights(motion))


def _one_gaussian() -> Gaussians:
    ones = np.ones((1, 3), np.float32)
    return Gaussians(ones, np.ones((1, 4), np.float32), ones, np.ones(1, np.float32), np.zeros((1, 1, 3), np.float32))
