"""The tree itself: every package is shipped, imports run one way, nothing is too big."""

import ast
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = (
    "core",
    "renderer",
    "avatars",
    "blendshapes",
    "pipeline",
    "studies",
    "commands",
)  # each may import those before it
MAX_TREE = 60 << 20  # bytes


def test_every_package_is_listed() -> None:
    listed = set(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    found = {"emosplat"}
    for room in (*ROOMS, "assets"):
        for init in (ROOT / room).rglob("__init__.py"):
            found.add(".".join(("emosplat", *init.parent.relative_to(ROOT).parts)))
    assert listed == found


def test_a_wheel_holds_every_data_file() -> None:
    """What lies beside the code is named as package data; without that it is missing from a wheel alone."""
    shipped = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    named = {
        file
        for package, patterns in shipped.items()
        for pattern in patterns
        for file in ROOT.joinpath(*package.split(".")[1:]).glob(pattern)
    }
    for room in ROOMS:
        for file in (ROOT / room).rglob("*"):
            code = file.suffix in (".py", ".pyc") or "__pycache__" in file.parts
            assert file.is_dir() or code or file in named, file


def test_imports_run_one_way() -> None:
    for level, room in enumerate(ROOMS):
        above = ROOMS[level + 1 :]
        for file in (ROOT / room).rglob("*.py"):
            depth = len(file.relative_to(ROOT).parts)
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.ImportFrom) and node.level == depth and node.module:
                    assert node.module.split(".")[0] not in (*above, "api", "cli"), f"{file} imports {node.module}"


def test_a_source_archive_holds_every_folder() -> None:
    """What git keeps beside the packages is named in MANIFEST.in, so that an unpacked archive passes its own tests."""
    grafted = {line.split()[1] for line in (ROOT / "MANIFEST.in").read_text().splitlines() if line.startswith("graft")}
    besides = {"assets", "benchmarks", "docs", "tests", ".ci"}
    assert besides <= grafted
    kept_out = {"build", "dist", "out", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())}
    found = {p.name for p in ROOT.iterdir() if p.is_dir() and p.name not in kept_out and p.name != ".git"}
    assert {name for name in found if not name.endswith(".egg-info")} <= {*grafted, *ROOMS}


def test_assets_are_small() -> None:
    assets = sum(f.stat().st_size for f in (ROOT / "assets").rglob("*") if f.is_file())
    assert assets < MAX_TREE // 2
