"""Styles by name: own ones, files, and names that are taken or unknown."""

from pathlib import Path

import pytest

from emosplat.blendshapes.acting.style_files import LearnedStyle, load_style, save_style
from emosplat.blendshapes.score import Style
from emosplat.core.errors import InputError
from emosplat.pipeline.style import library
from emosplat.pipeline.style.library import builtin_styles, find_style, new_style, own_styles, style_file, style_name


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSPLAT_HOME", str(tmp_path / "home"))


def test_own_styles_are_found_by_name(tmp_path: Path) -> None:
    assert own_styles() == []
    path = new_style("anna", overwrite=False)
    save_style(path, LearnedStyle(Style("anna")))
    assert own_styles() == ["anna"]
    assert find_style("anna") == path == tmp_path / "home" / "styles" / "anna.style.json"
    assert find_style(str(path)) == path
    with pytest.raises(InputError, match=r"--name 'anna': expected a new name, .*--overwrite"):
        new_style("anna", overwrite=False)
    assert new_style("anna", overwrite=True) == path
    with pytest.raises(InputError, match=r"unknown style 'ana': .*did you mean anna"):
        find_style("ana")


@pytest.mark.parametrize("name", ["", "a/b", "../a", ".a", "a b", 65 * "a"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(InputError, match="expected letters, digits"):
        new_style(name, overwrite=True)


def test_built_in_styles_come_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "ASSETS", tmp_path)
    save_style(tmp_path / "styles" / "calm.style.json", LearnedStyle(Style("calm")))
    assert builtin_styles() == ["calm"]
    assert find_style("calm") == tmp_path / "styles" / "calm.style.json"
    with pytest.raises(InputError, match="found that of a built-in style"):
        new_style("calm", overwrite=True)


@pytest.mark.parametrize("name", builtin_styles())
def test_what_is_built_in_can_be_read(name: str) -> None:
    assert load_style(find_style(name)).style.name == name


def test_who_has_no_home_has_no_styles(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise InputError("no home")

    monkeypatch.setattr(library, "home", homeless)
    assert own_styles() == []


def test_what_styles_are_called() -> None:
    names = {None: "usual", "calm": "calm", "a/b.style.json": "b", "talks/anna.v2.mp4": "anna.v2"}
    assert {style: style_name(style) for style in names} == names


def test_the_clips_own_voice_is_no_file() -> None:
    assert style_file("auto") is None
    assert style_file(None) is None
    assert style_file("calm") == find_style("calm")
