"""Factors that a design names, and those that are found in what its conditions differ in."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from emosplat.studies.analysis.factors import layout_of, pairs_to_test, sum_coding
from emosplat.studies.design import Study

from .conftest import CROSSED


def design(conditions: dict[str, Any], **analysis: Any) -> Study:
    values = yaml.safe_load(CROSSED) | {"conditions": conditions, "analysis": analysis}
    return Study.model_validate(values)


def test_crossing_is_found_and_the_rest_stands_beside_it(crossed_study: Study) -> None:
    layout = layout_of(crossed_study, list(crossed_study.conditions))
    assert layout is not None
    assert layout.factors == {"emotion": ["happy", "angry", "sad"], "intensity": ["0.5", "1"]}
    assert layout.cells["sad_low"] == ["sad", "0.5"]
    assert layout.left_out == ["neutral", "filmed"]
    assert layout.effects == [("emotion",), ("intensity",), ("emotion", "intensity")]


def test_pairs_that_effects_do_not_cover_are_compared(crossed_study: Study, study: Study) -> None:
    pairs = pairs_to_test(crossed_study, list(crossed_study.conditions))
    assert len(pairs) == 2 * 6 + 1
    assert all({"neutral", "filmed"} & set(pair) for pair in pairs)
    assert pairs_to_test(study, ["happy", "angry", "theirs"]) == [
        ("happy", "angry"),
        ("happy", "theirs"),
        ("angry", "theirs"),
    ]


def test_named_factors_may_hold_conditions_of_others_and_levels_of_several() -> None:
    conditions = {name: {"emotion": "happy"} for name in ("a", "b")} | {"film": {"videos": "{clip}.mp4"}}
    study = design(conditions, factors={"made": {"ours": ["a", "b"], "filmed": ["film"]}})
    layout = layout_of(study, list(conditions))
    assert layout is not None
    assert layout.factors == {"made": ["ours", "filmed"]}
    assert layout.levels_of("made", ["film", "b"]) == ["filmed", "ours"]
    assert layout_of(design(conditions, factors={}), list(conditions)) is None


def test_confounded_fields_are_one_factor() -> None:
    conditions = {"a": {"emotion": "happy", "intensity": 0.5}, "b": {"emotion": "sad"}, "c": {"emotion": "angry"}}
    layout = layout_of(design(conditions), list(conditions))
    assert layout is not None
    assert layout.factors == {"emotion": ["happy", "sad", "angry"]}


def test_steps_of_a_morph_are_levels() -> None:
    morph = {"from": "happy", "to": "sad", "steps": 3}
    study = design({"a": {"morph": morph}, "b": {"morph": morph, "blur": 0.1}})
    layout = layout_of(study, list(study.conditions))
    assert layout is not None
    assert layout.factors == {"level": ["0", "50", "100"], "blur": ["none", "0.1"]}


@pytest.mark.parametrize(
    ("factors", "complaint"),
    [
        ({"f": {"x": ["happy_low"], "y": ["nobody"]}}, "there is no condition 'nobody'"),
        ({"f": {"x": ["happy_low"], "y": ["happy_low"]}}, "'happy_low' is there twice"),
        ({"f": {"x": ["happy_low"]}}, "at least 2 levels"),
        ({"clip": {"x": ["happy_low"], "y": ["sad_low"]}}, "choose another name"),
        ({"a-b": {"x": ["happy_low"], "y": ["sad_low"]}}, "pattern"),
    ],
)
def test_wrong_factors_are_refused(factors: dict[str, Any], complaint: str) -> None:
    conditions = yaml.safe_load(CROSSED)["conditions"]
    with pytest.raises(ValidationError, match=complaint):
        design(conditions, factors=factors)


def test_columns_of_effects_sum_to_zero_over_a_full_crossing(crossed_study: Study) -> None:
    layout = layout_of(crossed_study, list(crossed_study.conditions))
    assert layout is not None
    names = list(layout.cells)
    columns = [layout.columns(effect, names) for effect in layout.effects]
    assert [c.shape[1] for c in columns] == [2, 1, 2]
    assert np.linalg.matrix_rank(np.column_stack([np.ones(6), *columns])) == 6
    for a, b in ((0, 1), (0, 2), (1, 2)):
        assert np.abs(columns[a].T @ columns[b]).max() == 0
    assert sum_coding(3).tolist() == [[1, 0], [0, 1], [-1, -1]]


@given(st.lists(st.tuples(st.sampled_from("xyz"), st.sampled_from([0.25, 0.5, 1.0]), st.booleans()), max_size=9))
def test_what_is_found_is_a_full_crossing(cells: list[tuple[str, float, bool]]) -> None:
    emotions = {"x": "happy", "y": "sad", "z": "angry"}
    conditions = {
        f"c{i}": {"emotion": emotions[e], "intensity": n, "avatar": f"person{1 + a}"}
        for i, (e, n, a) in enumerate(cells)
    } | {"other": {"videos": "{clip}.mp4"}}
    layout = layout_of(design(conditions), list(conditions))
    if layout is None:
        return
    assert sorted(map(tuple, layout.cells.values())) == sorted(product(*layout.factors.values()))
    assert set(layout.cells) | set(layout.left_out) == set(conditions)
    assert not set(layout.cells) & set(layout.left_out)
