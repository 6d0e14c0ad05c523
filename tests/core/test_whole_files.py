"""Files appear whole or not at all, and what cannot be written is one error."""

import errno
from collections.abc import Callable
from pathlib import Path

import pytest

from emosplat.avatars.pickles import read_pickle
from emosplat.avatars.ply import read_ply
from emosplat.core.errors import InputError
from emosplat.core.npz import NpzFields
from emosplat.core.whole_files import leftover, whole_file, write_whole
from emosplat.pipeline.media.audio import has_sound


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


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 53305389\n"


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("a.npz", NpzFields),
        ("a.ply", read_ply),
        ("a.pkl", read_pickle),
        ("a.wav", has_sound),
    ],
)
def test_what_a_failed_download_left_is_called_by_its_name(
    tmp_path: Path, name: str, read: Callable[[Path], object]
) -> None:
    for content, word in ((LFS, "git lfs pull"), (b"\n<!DOCTYPE html><html>", "a web page")):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(InputError, match=word) as error:
            read(tmp_path / name)
        assert "\n" not in str(error.value)
    (tmp_path / name).write_bytes(b"something else")
    with pytest.raises(InputError) as error:
        read(tmp_path / name)
    assert "git" not in str(error.value)
    assert not leftover(tmp_path / "nothing")


def test_errors_of_the_system_bear_the_name_that_people_know(tmp_path: Path) -> None:
    target = tmp_path / "out.bin"
    with pytest.raises(OSError, match="No space") as full, whole_file(target):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert full.value.filename == str(target)
    with pytest.raises(FileNotFoundError) as nowhere, whole_file(tmp_path / "none/out.bin") as partial:
        partial.write_bytes(b"")
    assert nowhere.value.filename == str(tmp_path / "none/out.bin")
