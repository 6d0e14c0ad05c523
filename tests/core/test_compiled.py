"""Compiled functions compute the same whatever becomes of the folder that they are kept in."""

import errno
from pathlib import Path
from typing import Any

import pytest
from numba.core import caching, config

from emosplat.core.compiled import always_compiled, cache_folder, compiled, is_kept


def doubled(x: float) -> float:
    return 2 * x


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def test_it_is_kept_where_a_folder_can_be_written_and_loaded_from_there(folder: Path) -> None:
    first = compiled(doubled)
    assert not is_kept(first)
    assert first(1.5) == 3
    assert is_kept(first)
    kept = files(folder)
    assert Path(cache_folder(first) or "") in {path.parent for path in kept}
    again = compiled(doubled)
    assert again(1.5) == 3
    assert sum(again.stats.cache_hits.values()) == 1
    assert files(folder) == kept
    other = compiled(doubled, key="made from other sources")
    assert other(1.5) == 3
    assert not other.stats.cache_hits


def test_without_any_folder_it_is_compiled_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(caching.FunctionCache._impl_class, "_locator_classes", [])
    function = compiled(doubled)
    assert cache_folder(function) is None
    assert function(1.5) == 3
    assert not is_kept(function)


def test_without_a_home_no_folder_called_tilde_appears(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr("os.access", lambda *_: False)

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr("pathlib.Path.home", homeless)
    assert cache_folder(compiled(doubled)) is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_a_disk_that_fails_costs_nothing_but_time(folder: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def fail(*_: Any) -> None:
        raise OSError(number, "no")

    monkeypatch.setattr(caching.FunctionCache, "_save_overload", fail)
    assert compiled(doubled)(1.5) == 3
    monkeypatch.setattr(caching.FunctionCache, "_load_overload", fail)
    assert compiled(doubled)(1.5) == 3


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_files_that_were_cut_off_are_made_anew(folder: Path, share: float) -> None:
    assert compiled(doubled)(1.5) == 3
    for path in files(folder):
        data = path.read_bytes()
        path.write_bytes(data[: int(share * len(data))])
    assert compiled(doubled)(1.5) == 3


def test_the_compiler_can_be_switched_off_but_for_what_is_no_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "DISABLE_JIT", 1)
    assert compiled(doubled) is doubled
    with always_compiled():
        function = compiled(doubled)
        assert function is not doubled
        assert function(1.5) == 3
    assert config.DISABLE_JIT == 1  # pyright: ignore[reportAttributeAccessIssue]
