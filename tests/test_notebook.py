"""The notebook in docs/: small, without stored outputs, and every cell of it runs."""

import json
from pathlib import Path

import pytest

NOTEBOOK = Path(__file__).parent.parent / "docs" / "emosplat.ipynb"
CELLS = json.loads(NOTEBOOK.read_text())["cells"]


def test_it_is_small_and_stores_no_outputs() -> None:
    assert NOTEBOOK.stat().st_size < 20_000
    code = [cell for cell in CELLS if cell["cell_type"] == "code"]
    assert code
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    assert len({cell["id"] for cell in CELLS}) == len(CELLS)


@pytest.mark.slow
def test_its_cells_run_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    names: dict[str, object] = {}
    for cell in CELLS:
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), f"{NOTEBOOK.name}: {cell['id']}", "exec"), names)
            assert {"SIZE", "SECONDS"} <= names.keys()
            names |= {"SIZE": (64, 64), "SECONDS": 0.4}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["other.mp4", "other.mp4.json", "other.npz", "other.npz.json"]
