"""The tree itself: every package is shipped, imports run one way, nothing is too big."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

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
MAX_ASSETS = 42 << 20  # bytes


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


def modules() -> dict[str, Path]:
    """Every module of the tree by its dotted name, without "emosplat."; packages go by their folder."""
    files = [ROOT / "api.py", ROOT / "cli.py", *(f for room in (*ROOMS, "assets") for f in (ROOT / room).rglob("*.py"))]
    paths = {f: f.relative_to(ROOT).with_suffix("").parts for f in files}
    return {".".join(p[:-1] if p[-1] == "__init__" else p): f for f, p in paths.items()}


def imported_at_once(body: Iterable[ast.stmt]) -> Iterator[ast.ImportFrom]:
    """Relative imports that run when the module does: not those in functions, nor those for type checkers alone."""
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.level:
            yield node
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for_types = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
            inner = [] if for_types else ["body", "handlers", "finalbody"]
            for part in (*inner, "orelse"):
                yield from imported_at_once(getattr(node, part, []))


def imports(known: Mapping[str, Path]) -> dict[str, set[str]]:
    """What each module imports at once."""
    found: dict[str, set[str]] = {}
    for name, file in known.items():
        inside = name.split(".") if file.name == "__init__.py" else name.split(".")[:-1]
        found[name] = set()
        for node in imported_at_once(ast.parse(file.read_text()).body):
            base = [*inside[: len(inside) - node.level + 1], *(node.module or "").split(".")]
            names = {".".join(filter(None, [*base, alias.name])) for alias in node.names}
            found[name] |= {n if n in known else ".".join(filter(None, base)) for n in names} & known.keys() - {name}
    return found


def circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Some modules that import each other in a circle, or none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return error.args[1]
    return []


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = imports(modules())
    assert "core.errors" in graph["pipeline.inspect"]
    assert sum(map(len, graph.values())) > 500
    assert circle(graph) == []
    assert circle(graph | {"core.errors": {"pipeline.inspect"}})  # it would be seen


@pytest.mark.parametrize("module", ["api", "pipeline.clip.render", "blendshapes.talking_head"])
def test_run_time_never_loads_training(module: str) -> None:
    """Nor torch and what serves plots or analysis: a clip must start fast."""
    told = f"import sys; import emosplat.{module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True).stdout.split()
    assert f"emosplat.{module}" in loaded
    unwanted = ("emosplat.blendshapes.training", "emosplat.studies", "torch", "librosa", "matplotlib", "pyarrow")
    assert [name for name in loaded if name.startswith(unwanted)] == []


def test_a_source_archive_holds_every_folder() -> None:
    """What git keeps beside the packages is named in MANIFEST.in, so that an unpacked archive passes its own tests."""
    grafted = {line.split()[1] for line in (ROOT / "MANIFEST.in").read_text().splitlines() if line.startswith("graft")}
    besides = {"assets", "benchmarks", "docs", "tests", ".ci"}
    assert besides <= grafted
    kept_out = {"build", "dist", "out", *(line.strip("/") for line in (ROOT / ".gitignore").read_text().split())}
    found = {p.name for p in ROOT.iterdir() if p.is_dir() and p.name not in kept_out and p.name != ".git"}
    assert {name for name in found if not name.endswith(".egg-info")} <= {*grafted, *ROOMS}


def test_assets_are_small() -> None:
    files = [f for f in (ROOT / "assets").rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    assets = sum(f.stat().st_size for f in files)
    assert assets < MAX_ASSETS
