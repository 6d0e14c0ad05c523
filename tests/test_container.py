"""The Dockerfile without Docker: what it names exists, and what it leaves out is not needed."""

import re
import tomllib
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import pytest
from typer import Context
from typer.main import get_command

import emosplat
from emosplat.cli import app

ROOT = Path(emosplat.__file__).parent
DOCKERFILE = ROOT / "Dockerfile"

if not DOCKERFILE.exists():
    pytest.skip("an installed package has no Dockerfile", allow_module_level=True)

TEXT = DOCKERFILE.read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_its_extras_are_the_projects() -> None:
    (extras,) = re.findall(r"^ARG EXTRAS=(.*)$", TEXT, re.MULTILINE)
    assert set(extras.split(",")) <= PROJECT["project"]["optional-dependencies"].keys()


def test_its_commands_exist() -> None:
    group: Any = get_command(app)
    context = Context(group)
    used = re.findall(r"(?:&& render|run .*emosplat) (\w+)(?: |$)", TEXT, re.MULTILINE)
    assert {"doctor", "view"} <= set(used)
    assert all(word in group.list_commands(context) for word in used if "." not in word)
    options = {name for parameter in group.get_command(context, "view").params for name in parameter.opts}
    assert "--host" in options


def test_each_flavour_is_a_stage() -> None:
    stages = re.findall(r"^FROM \S+ AS (\w+)$", TEXT, re.MULTILINE)
    assert stages == ["cpu", "cuda"]
    assert re.findall(r"^ARG FLAVOUR=(\w+)$", TEXT, re.MULTILINE) == ["cpu"]


def test_nothing_that_is_packed_is_ignored() -> None:
    ignored = [line for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line]
    packed = [name.partition(".")[2].replace(".", "/") for name in PROJECT["tool"]["setuptools"]["packages"]]
    needed = [*filter(None, packed), "pyproject.toml", "README.md", *PROJECT["project"]["license-files"]]
    for name in needed:
        assert (ROOT / name).exists()
        first = name.split("/")[0]
        assert not any(fnmatch(first, pattern) for pattern in ignored), name
