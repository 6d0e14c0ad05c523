"""Files appear whole or not at all, and what cannot be written is one error."""

from pathlib import Path

import pytest

from emosplat.core.errors import InputError
from emosplat.core.whole_files import whole_file, write_whole


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.bin"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert [p.name for p in path.parent.iterdir()] == ["a.bin"]


@pytest.mark.parametrize(("keep_suffix", "suffix"), [(False, ".part"), (True, ".npz")])
def test_a_failure_leaves_what_was_there(tmp_path: Path, keep_suffix: bool, suffix: str) -> None:
    path = tmp_path / "a.npz"
    path.write_bytes(b"old")

    def fail() -> None:
        with whole_file(path, keep_suffix=keep_suffix) as partial:
            assert partial.suffix == suffix
            partial.write_bytes(b"half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_a_folder_that_is_a_file_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match=r"file/a\.bin: cannot be written"):
        write_whole(tmp_path / "file" / "a.bin", b"")
