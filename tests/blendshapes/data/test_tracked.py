"""The manifest of tracked films: whatever it holds, lines of ours are read and all else is one error."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.data.tracked import FORMAT, open_tracked, read_manifest
from emosplat.core.errors import InputError

LINE = {"format": FORMAT, "id": "a", "file": "audio/a.flac", "face": "faces/a.json", "source": "a.mp4", "fps": 25.0}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


def manifest(folder: Path, *rows: Any) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "manifest.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tracked")


def test_lines_come_back(folder: Path) -> None:
    rows = [LINE, LINE | {"id": "b", "speaker": "anna", "more": [1]}]
    assert read_manifest(manifest(folder, *rows)) == rows


@given(st.sampled_from([*LINE, "other"]), JSON)
def test_a_line_that_is_changed_is_ours_or_refused(folder: Path, field: str, value: Any) -> None:
    row = LINE | {field: value}
    texts = all(isinstance(row[name], str) for name in ("id", "file", "face", "source"))
    rate = type(row["fps"]) in (int, float) and 1 <= row["fps"] <= 1000
    inside = texts and not any(Path(row[n]).is_absolute() or ".." in Path(row[n]).parts for n in ("file", "face"))
    if row["format"] == FORMAT and inside and rate:
        assert read_manifest(manifest(folder, row))[0].keys() == row.keys()
    else:
        with pytest.raises(InputError, match=r"manifest\.jsonl: line 1: "):
            read_manifest(manifest(folder, row))


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(folder: Path, data: bytes) -> None:
    (folder / "manifest.jsonl").write_bytes(data)
    try:
        rows = read_manifest(folder)
    except InputError:
        return
    assert rows == []  # no such bytes are a line of ours


@pytest.mark.parametrize("name", ["/etc/passwd", "../a.flac", "audio/../../a.flac"])
@pytest.mark.parametrize("field", ["file", "face"])
def test_no_file_outside_the_folder_is_named(folder: Path, field: str, name: str) -> None:
    with pytest.raises(InputError, match="expected a file of the folder"):
        read_manifest(manifest(folder, LINE | {field: name}))


def test_films_whose_files_are_gone_are_skipped_and_told(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"expected sequences of tracked, found none \(a: no faces/a.json; 1 skipped\)"
    ):
        open_tracked(manifest(tmp_path, LINE), builtin_head())


def test_a_folder_without_a_manifest_says_who_makes_one(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="render data track"):
        read_manifest(tmp_path)
