"""Styles on disk: what is saved is loaded, and nothing but InputError for anything else."""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.acting.space import COORDINATES
from emosplat.blendshapes.acting.style_files import (
    FORMAT,
    Example,
    LearnedStyle,
    check_name,
    load_style,
    save_style,
)
from emosplat.blendshapes.face_motion import REGIONS
from emosplat.blendshapes.score import Style
from emosplat.core.errors import InputError

NUMBERS = st.floats(-1e6, 1e6)
NAMES = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=20)
STYLES = st.builds(
    Style,
    NAMES,
    gains=st.dictionaries(st.sampled_from(REGIONS), st.floats(0, 4)),
    statistics=st.dictionaries(NAMES, NUMBERS, max_size=5),
    poses=st.lists(st.dictionaries(st.sampled_from(COORDINATES), NUMBERS, max_size=3), max_size=4).map(tuple),
)
EXAMPLES = st.builds(Example, NAMES, NAMES, st.floats(0, 1e6), st.sampled_from(["", 64 * "a"]))


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("style") / "a.style.json"


@given(STYLES, st.lists(EXAMPLES, max_size=3))
def test_what_is_saved_is_loaded(path: Path, style: Style, examples: list[Example]) -> None:
    learned = LearnedStyle(style, tuple(examples))
    save_style(path, learned)
    assert load_style(path) == learned


GOOD: dict[str, Any] = {
    "format": FORMAT,
    "name": "anna",
    "examples": [{"kind": "film", "name": "talk.mp4", "seconds": 30.0, "sha256": 64 * "0"}],
    "gains": {"head": 0.5},
    "statistics": {"jaw.size": 0.1},
    "poses": [{"head_yaw": 0.1}],
}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"format": "emosplat-style-9"}, "format: expected 'emosplat-style-1'"),
        ({"colour": 1}, "expected the fields format, name, .* found 'colour'"),
        ({"name": ""}, "name: expected a name"),
        ({"name": "a\nb"}, "name: expected a name"),
        ({"name": "\ud800"}, "name: expected a name"),
        ({"gains": {"hat": 1}}, "expected regions of .* found 'hat'"),
        ({"gains": {"head": 9}}, r"head: expected a number in 0\.\.4"),
        ({"gains": []}, "gains: expected an object"),
        ({"statistics": {"jaw.size": "big"}}, r"statistics\.jaw\.size: expected a number"),
        ({"statistics": {"jaw.size": True}}, r"statistics\.jaw\.size: expected a number"),
        ({"statistics": {"jaw.size": 10**400}}, r"statistics\.jaw\.size: expected a number"),
        ({"statistics": {"jaw.size": float("nan")}}, r"statistics\.jaw\.size: expected a number"),
        ({"poses": [{"tail": 1}]}, r"poses\[0\]: expected some of .* found 'tail'"),
        ({"poses": {}}, "poses: expected a list"),
        ({"examples": [{"kind": "film"}]}, r"examples\[0\]\.seconds: expected a number"),
        ({"examples": [GOOD["examples"][0] | {"seconds": -1}]}, r"seconds: expected a number from 0 on"),
        ({"examples": [GOOD["examples"][0] | {"sha256": "x"}]}, "sha256: expected 64 hexadecimal digits"),
        ({"examples": [3]}, r"examples\[0\]: expected an object"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    path = tmp_path / "b.style.json"
    path.write_text(json.dumps(GOOD))
    assert load_style(path).seconds == 30
    path.write_text(json.dumps(GOOD | changes))
    with pytest.raises(InputError, match=rf"b\.style\.json: .*{problem}"):
        load_style(path)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(list(GOOD)[1:]), JSON) | JSON)
def test_any_other_json_is_loaded_or_refused(path: Path, found: Any) -> None:
    changed = GOOD | found if isinstance(found, dict) else found
    path.write_text(json.dumps(changed), encoding="utf-8")
    with suppress(InputError):
        assert set(load_style(path).style.gains) <= set(REGIONS)


@given(st.binary(max_size=40))
def test_any_other_file_is_refused(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"a\.style\.json: "):
        load_style(path)


def test_names_of_files() -> None:
    check_name(Path("a.style.json"))
    with pytest.raises(InputError, match=r"a\.json: expected a name that ends in \.style\.json"):
        check_name(Path("a.json"))
