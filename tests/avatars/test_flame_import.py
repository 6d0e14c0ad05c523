"""FLAME downloads: pickles with chumpy and scipy inside are read as Python reads them, wrong ones are refused."""

from __future__ import annotations

import os
import pickle
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_matrix, csr_matrix

from emosplat.avatars import flame
from emosplat.avatars.flame import FlameArrays, teeth_faces, with_teeth
from emosplat.avatars.flame_head import bare_flame_head
from emosplat.avatars.flame_import import read_flame
from emosplat.avatars.head import load_head, save_head
from emosplat.avatars.head_import import smplx_difference
from emosplat.core.errors import InputError

from .flame_like import flame_dict, flame_like, save_flame_npz


def random_flame(seed: int) -> FlameArrays:
    """FLAME's shapes with random content."""
    rng = np.random.default_rng(seed)
    weights = rng.random((flame.VERTICES, 5)) ** 4
    regressor = rng.random((5, flame.VERTICES)) * (rng.random((5, flame.VERTICES)) < 0.01)

    def normal(size: float, *shape: int) -> np.ndarray:
        return (size * rng.standard_normal(shape)).astype(np.float32)

    return FlameArrays(
        v_template=rng.uniform(-0.15, 0.15, (flame.VERTICES, 3)).astype(np.float32),
        faces=rng.integers(0, flame.VERTICES, (flame.FACES, 3)).astype(np.int32),
        shapedirs=normal(0.003, flame.VERTICES, 3, flame.SHAPES),
        exprdirs=normal(0.003, flame.VERTICES, 3, flame.EXPRESSIONS),
        posedirs=normal(0.003, flame.VERTICES, 3, 36),
        weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        J_regressor=(regressor / regressor.sum(axis=1, keepdims=True)).astype(np.float32),
    )


ARRAYS = random_flame(0)


@contextmanager
def foreign(*names: str) -> Iterator[list[Any]]:
    """Classes under the names of a library that is not installed, for as long as they are pickled."""
    made, modules = [], {}
    for name in names:
        module, _, cls = name.rpartition(".")
        for part in (module.partition(".")[0], module):
            modules.setdefault(part, ModuleType(part))
        made.append(type(cls, (), {"__module__": module}))
        setattr(modules[module], cls, made[-1])
    sys.modules.update(modules)
    try:
        yield made
    finally:
        for module in modules:
            del sys.modules[module]


def flame_pickle(path: Path, *, protocol: int = 2, sparse: Any = csc_matrix) -> Path:
    """What a FLAME download looks like: some arrays inside chumpy objects, the regressor sparse."""
    raw: dict[str, Any] = flame_dict(ARRAYS)
    with foreign("chumpy.ch.Ch", "chumpy.reordering.Select") as (Ch, Select):
        leaf = Ch()
        leaf.x, leaf._dirty_vars, leaf._itr = raw["shapedirs"], {"x"}, None
        select = Select()
        select.a, select.idxs = Ch(), np.arange(raw["v_template"].size)
        select.a.x, select.preferred_shape = raw["v_template"].ravel(), raw["v_template"].shape
        raw |= {"shapedirs": leaf, "v_template": select, "J_regressor": sparse(raw["J_regressor"])}
        raw |= {"bs_style": "lbs", "bs_type": "lrotmin", "J": np.zeros((5, 3))}
        path.write_bytes(pickle.dumps(raw, protocol))
    return path


def assert_same(found: FlameArrays) -> None:
    for name in ("v_template", "faces", "shapedirs", "exprdirs", "posedirs", "J_regressor"):
        np.testing.assert_array_equal(getattr(found, name), getattr(ARRAYS, name), err_msg=name)
    np.testing.assert_allclose(found.weights, ARRAYS.weights, atol=1e-7)


@pytest.mark.slow
@pytest.mark.parametrize(("protocol", "sparse"), [(0, csc_matrix), (2, csr_matrix), (5, csc_matrix)])
def test_pickles_are_read(tmp_path: Path, protocol: int, sparse: Any) -> None:
    path = flame_pickle(tmp_path / "flame2023.pkl", protocol=protocol, sparse=sparse)
    found = read_flame(path)
    assert_same(found.arrays)
    assert found.family == "flame2023"
    assert "chumpy" not in sys.modules


def test_npz_is_read_and_has_the_same_fingerprint(tmp_path: Path) -> None:
    save_flame_npz(tmp_path / "flame2023.npz", ARRAYS)
    found = read_flame(tmp_path / "flame2023.npz")
    assert_same(found.arrays)
    assert found.version == read_flame(flame_pickle(tmp_path / "flame2023.pkl")).version


def test_versions_are_told_apart(tmp_path: Path) -> None:
    front = ARRAYS.exprdirs * (np.arange(flame.VERTICES) < 3000)[:, None, None]
    cases = {
        "generic_model.npz": (ARRAYS, "flame2020"),
        "male_model.npz": (replace(ARRAYS, exprdirs=front), "flame2019"),
        "FLAME_2023_Open.npz": (ARRAYS, "flame2023-open"),
        "mine.npz": (ARRAYS, "flame"),
    }
    found = {}
    for name, (arrays, family) in cases.items():
        save_flame_npz(tmp_path / name, arrays)
        model = read_flame(tmp_path / name)
        assert model.family == family
        found[model.version] = model.licence
    assert len(found) == len(cases)
    assert [v for v in found if "CC BY" in found[v]] == [v for v in found if "open" in v]


def test_a_model_without_a_jaw_joint_is_refused(tmp_path: Path) -> None:
    save_flame_npz(tmp_path / "flame2023_no_jaw.npz", ARRAYS)
    with pytest.raises(InputError, match=r"jaw is a joint.*flame2023\.pkl"):
        read_flame(tmp_path / "flame2023_no_jaw.npz")


WRONG = {
    "v_template": lambda a: 1000 * a,
    "f": lambda a: a + 1,
    "weights": lambda a: 2 * a,
    "J_regressor": lambda a: 0 * a,
    "posedirs": lambda a: a * np.nan,
    "shapedirs": lambda a: a[:, :, :300],
    "kintree_table": lambda a: a[:, ::-1],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_arrays_are_refused_by_name(tmp_path: Path, name: str) -> None:
    raw = flame_dict(ARRAYS)
    raw[name] = WRONG[name](raw[name])
    np.savez(tmp_path / "flame.npz", **raw)  # pyright: ignore[reportArgumentType]
    with pytest.raises(InputError, match=rf"flame\.npz: {name}: expected"):
        read_flame(tmp_path / "flame.npz")


class Call:
    """Pickles as a call."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.result = (function, arguments)

    def __reduce__(self) -> Any:
        return self.result


MALICIOUS = {
    "system": lambda: Call(os.system, "touch emosplat-was-here"),
    "inside chumpy": lambda: _chumpy(Call(os.system, "touch emosplat-was-here")),
    "eval": lambda: Call(eval, "1"),
    "scipy function": lambda: Call(csc_matrix, (3, 3)),
    "subclass of a list": lambda: Call(type, "a", (), {}),
}


def _chumpy(value: Any) -> Any:
    with foreign("chumpy.ch.Ch") as (Ch,):
        leaf = Ch()
        leaf.x = value
        return Raw(pickle.dumps(leaf, 2))


class Raw(bytes):
    """A finished pickle."""


@pytest.mark.parametrize("name", MALICIOUS)
def test_malicious_pickles_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    value = MALICIOUS[name]()
    (tmp_path / "flame.pkl").write_bytes(value if isinstance(value, Raw) else pickle.dumps({"v_template": value}))
    with pytest.raises(InputError, match=r"flame\.pkl: .*(does not need|not numpy's|unknown class|opcode)"):
        read_flame(tmp_path / "flame.pkl")
    assert os.listdir(tmp_path) == ["flame.pkl"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.data())
def test_altered_objects_never_do_more_than_fail(tmp_path: Path, data: st.DataObject) -> None:
    with foreign("chumpy.ch.Ch") as (Ch,):
        leaf = Ch()
        leaf.x = np.zeros((4, 3))
        whole = bytearray(pickle.dumps({"v_template": leaf, "J_regressor": csc_matrix(np.eye(5))}, 2))
    for _ in range(data.draw(st.integers(0, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    (tmp_path / "flame.pkl").write_bytes(whole)
    with suppress(InputError):
        read_flame(tmp_path / "flame.pkl")


def test_sparse_matrices_with_wrong_indices_are_refused(tmp_path: Path) -> None:
    raw: dict[str, Any] = flame_dict(ARRAYS)
    matrix = csc_matrix(raw["J_regressor"])
    matrix.indices[0] = 99
    (tmp_path / "flame.pkl").write_bytes(pickle.dumps(raw | {"J_regressor": matrix}, 2))
    with pytest.raises(InputError, match="J_regressor: expected an array"):
        read_flame(tmp_path / "flame.pkl")


# teeth


def test_teeth_have_gaussian_avatars_sizes_and_order() -> None:
    whole = with_teeth(ARRAYS)
    assert (len(whole.v_template), len(whole.faces)) == (5143, 10144)
    faces = teeth_faces()
    np.testing.assert_array_equal(whole.faces[9976:], faces + 5023)
    # first and last of each strip, and where the diagonal flips, as documented in GaussianAvatars' mesh
    assert faces[0].tolist() == [0, 31, 30]
    assert faces[14].tolist() == [7, 8, 37]
    assert faces[133].tolist() == [101, 116, 115]
    assert faces[:84].max() == 89  # the upper teeth come first
    assert set(faces[84:].ravel()) == {*range(15, 30), *range(45, 60), *range(90, 120)}


def test_teeth_follow_neck_and_jaw_and_no_expression() -> None:
    whole = with_teeth(ARRAYS)
    assert not whole.exprdirs[5023:].any()
    assert not whole.posedirs[5023:].any()
    assert not whole.J_regressor[:, 5023:].any()
    upper = np.r_[0:15, 30:45, 60:90]
    assert (whole.weights[5023:][upper, 1] == 1).all()
    assert (whole.weights[5023:][np.setdiff1d(np.arange(120), upper), 2] == 1).all()
    lips = (ARRAYS.shapedirs[1713] + ARRAYS.shapedirs[1576]) / 2
    np.testing.assert_allclose(whole.shapedirs[5023 + np.arange(0, 120, 15)], np.stack([lips] * 8))


@pytest.mark.slow
def test_teeth_lie_behind_the_lips() -> None:
    arrays = flame_like().arrays
    teeth = with_teeth(arrays).v_template[5023:]
    ring = arrays.v_template[[*flame.UPPER_RING, *flame.LOWER_RING]]
    d = np.linalg.norm(ring[:15] - ring[15:], axis=1).mean()
    np.testing.assert_allclose(teeth[30:45, 2], (ring[:15] + ring[15:])[:, 2] / 2 - 1.5 * d, atol=1e-6)
    np.testing.assert_allclose(teeth[0:15, 1] - teeth[30:45, 1], 2 * d, atol=1e-6)
    np.testing.assert_allclose(teeth[45:60, 1] - teeth[30:45, 1], -0.2 * d, atol=1e-6)
    np.testing.assert_allclose(teeth[60:75] - teeth[0:15], np.tile([0, 0, -d], (15, 1)), atol=1e-6)


# skinning


@pytest.mark.parametrize("seed", [1, 2])
def test_random_models_pose_as_in_smplx(seed: int) -> None:
    pytest.importorskip("smplx.lbs")
    difference = smplx_difference(random_flame(seed))
    assert difference is not None
    assert difference < 2e-5


def test_the_flame_like_model_poses_as_in_smplx() -> None:
    pytest.importorskip("smplx.lbs")
    difference = smplx_difference(flame_like().arrays)
    assert difference is not None
    assert difference < 1e-6


def test_a_head_survives_its_file(tmp_path: Path) -> None:
    head = bare_flame_head(flame_like().arrays, "flame-test")
    save_head(tmp_path / "head.npz", head)
    back = load_head(tmp_path / "head.npz")
    for name, value in vars(head).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_allclose(getattr(back, name), value, atol=1e-7, err_msg=name)
    assert back.regions.keys() == head.regions.keys()
