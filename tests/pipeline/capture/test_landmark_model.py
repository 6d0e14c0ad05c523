"""The table of points on disk, and what a head must have for it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.assets.build.landmarks import write
from emosplat.avatars.library import builtin_head
from emosplat.core.errors import InputError
from emosplat.pipeline.capture.landmark_model import TABLE, LandmarkModel, load_table, sight_terms

NAMES = ("format", "head", "points", "faces", "weights", "response", "modes", "noise")


def test_a_table_comes_back_as_it_was_written(tmp_path: Path) -> None:
    table = load_table()
    write(tmp_path / "again.npz", table)
    again = load_table(tmp_path / "again.npz")
    for name in ("points", "faces", "weights", "response", "modes", "noise"):
        assert np.array_equal(getattr(again, name), getattr(table, name)), name


def test_the_points_lie_where_their_names_say() -> None:
    head, table = builtin_head(), load_table()
    at = {int(p): i for i, p in enumerate(table.points)}
    places = np.einsum("lk,lka->la", table.weights, head.v_template[head.faces[table.faces]])
    assert np.allclose(table.weights.sum(axis=1), 1)
    assert set(head.faces[table.faces[at[13]]]) <= set(head.regions["upper_lip"])
    assert set(head.faces[table.faces[at[14]]]) <= set(head.regions["lower_lip"])
    assert set(head.faces[table.faces[at[473]]]) <= set(head.regions["left_eye"])
    left, right = (263, 362, 291, 334, 473, 454), (33, 133, 61, 105, 468, 234)  # the same points of both sides
    mirrored = places[[at[p] for p in right]] * [-1, 1, 1]
    assert np.linalg.norm(places[[at[p] for p in left]] - mirrored, axis=1).max() < 0.004


@given(st.sampled_from(NAMES), st.sampled_from(["gone", "short", "text", "nan"]))
def test_damaged_tables_are_told(tmp_path_factory: pytest.TempPathFactory, name: str, damage: str) -> None:
    with np.load(TABLE) as file:
        arrays: dict[str, Any] = dict(file)
    if damage == "gone":
        del arrays[name]
    elif damage == "short":
        arrays[name] = arrays[name].reshape(-1)[:3] if arrays[name].ndim else np.arange(3)
    elif damage == "text":
        arrays[name] = np.array("something")
    elif arrays[name].dtype.kind == "f":
        arrays[name] = arrays[name] * np.nan
    else:
        arrays[name] = np.array(np.nan)
    path = tmp_path_factory.mktemp("table") / "table.npz"
    np.savez(path, **arrays)
    if name == "head" and damage == "text":
        with pytest.raises(InputError, match="expected 'something', whose landmarks are known"):
            LandmarkModel(builtin_head(), load_table(path))
        return
    with pytest.raises(InputError, match=rf"{path.name}: \w+: expected .*, found|{name}"):
        load_table(path)


def test_a_response_for_other_modes_is_refused() -> None:
    table = load_table()
    model = LandmarkModel(builtin_head(), table)  # without the modes beyond identity
    with pytest.raises(InputError, match="response: expected 185 rows for this head, found 257"):
        model.answer(np.zeros((1, 3)), np.zeros(40), np.zeros((1, 76)), np.zeros((1, 6)))


def test_slopes_of_the_line_of_sight_are_differences() -> None:
    sight = np.random.default_rng(0).normal(0, 0.3, (5, 3))
    _, slopes = sight_terms(sight)
    for k, step in enumerate(1e-6 * np.eye(3)):
        difference = (sight_terms(sight + step)[0] - sight_terms(sight - step)[0]) / 2e-6
        assert np.allclose(slopes[:, k], difference, atol=1e-8)
