"""What a person's face does otherwise than its head, as the avatar's file tells it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from emosplat.avatars.avatar import Avatar, load_avatar, save_avatar
from emosplat.core.errors import InputError

from .conftest import E, V, make_head

SHAPES = {
    "own_shapes_index": np.array([3, 8, 20], np.uint16),
    "own_shapes_offset": np.random.default_rng(1).normal(size=(3, 3, 2)).astype(np.float32),
    "own_shapes_expr": np.random.default_rng(2).normal(size=(2, E)).astype(np.float32),
}


def loaded(path: Path, fields: dict[str, Any]) -> Avatar:
    head = make_head()
    plain = {
        "format": np.array("emosplat-avatar-1"),
        "name": np.array("tiny"),
        "head_version": np.array(head.version),
        "v_template": head.v_template,
        "joints": head.joints,
        "binding": np.zeros(1, np.uint16),
        "means": np.zeros((1, 3), np.float32),
        "quats": np.array([[1, 0, 0, 0]], np.float32),
        "scales": np.ones((1, 3), np.float32),
        "opacities": np.ones(1, np.float32),
        "sh": np.zeros((1, 1, 3), np.float32),
    }
    np.savez(path, **plain, **fields)
    return load_avatar(path, head)


def test_own_shapes_add_to_the_modes_that_contain_them(tmp_path: Path) -> None:
    before, after = make_head().exprdirs, loaded(tmp_path / "a.npz", SHAPES).head.exprdirs
    expr = np.random.default_rng(3).normal(size=E)
    amounts = SHAPES["own_shapes_expr"] @ expr  # of each shape in an expression
    wanted = np.zeros((V, 3))
    wanted[SHAPES["own_shapes_index"]] = sum(a * SHAPES["own_shapes_offset"][..., s] for s, a in enumerate(amounts))
    np.testing.assert_allclose((after - before) @ expr, wanted, atol=1e-5)


def test_own_shapes_add_to_own_rows(tmp_path: Path) -> None:
    rows = {"exprdirs_index": np.array([8], np.int32), "exprdirs_value": np.zeros((1, 3, E), np.float32)}
    own = loaded(tmp_path / "a.npz", SHAPES | rows).head.exprdirs
    np.testing.assert_allclose(own[8], SHAPES["own_shapes_offset"][1] @ SHAPES["own_shapes_expr"], atol=1e-6)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("own_shapes_index", np.array([3, 8, V], np.uint16)),
        ("own_shapes_index", np.array([3, 8], np.uint16)),
        ("own_shapes_offset", np.zeros((3, 3, 1), np.float32)),
        ("own_shapes_expr", np.zeros((2, E + 1), np.float32)),
    ],
)
def test_wrong_own_shapes_are_named(tmp_path: Path, field: str, value: np.ndarray) -> None:
    with pytest.raises(InputError, match="own_shapes"):
        loaded(tmp_path / "a.npz", SHAPES | {field: value})


def test_a_saved_person_keeps_its_own_shapes(tmp_path: Path) -> None:
    person = loaded(tmp_path / "tiny.npz", SHAPES)
    save_avatar(tmp_path / "again.npz", person, head=make_head())
    again = load_avatar(tmp_path / "again.npz", make_head()).head
    assert np.array_equal(again.exprdirs, person.head.exprdirs)
    assert np.array_equal(again.posedirs, person.head.posedirs)
    assert not np.array_equal(again.exprdirs, make_head().exprdirs)
