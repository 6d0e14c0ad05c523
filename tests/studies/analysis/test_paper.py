"""What goes into a paper: tables and figures as files, scripts that run, a preregistration."""

import csv
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.figure import Figure
from typer.testing import CliRunner

from emosplat.cli import app
from emosplat.studies.analysis.figures import drawn
from emosplat.studies.analysis.markup import MINUS, Table, html_of, paragraph, picture, table
from emosplat.studies.analysis.paper import csv_of, escaped, latex_of, write_papers
from emosplat.studies.analysis.report import analyse_study
from emosplat.studies.analysis.scripts import BAMBI_FILE, R_FILE, scripts
from emosplat.studies.build import write_key
from emosplat.studies.design import Study, load_study
from emosplat.studies.lists import all_stimuli, make_lists
from emosplat.studies.simulate import Effects, simulate_study

from .conftest import CROSSED, DESIGN

SMALL = """
title: "100 % & more: a_b"
seed: 2
participants: 10
clips: [{id: c0, audio: n.wav}, {id: c1, audio: n.wav}, {id: c2, audio: n.wav}, {id: c3, audio: n.wav}]
conditions:
  happy_low: {emotion: happy, intensity: 0.5}
  happy_high: {emotion: happy}
  sad_low: {emotion: sad, intensity: 0.5}
  sad_high: {emotion: sad}
tasks:
  - {id: natural, type: rating, question: "?", scale: {points: 0}}
  - {id: seen, type: identification, question: "?", labels: [happy, sad]}
"""
PLANTED = ["natural:happy_high=1.5", "natural:sad_high=1.5", "seen:happy_high=1", "seen:sad_high=1"]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a report about simulated answers to a small crossing of factors."""
    folder = tmp_path_factory.mktemp("crossed")
    (folder / "study.yaml").write_text(SMALL)
    study = load_study(folder / "study.yaml")
    lists = make_lists(study)
    write_key(study, lists, all_stimuli(lists, study.seed), folder)
    options = Effects(participant_sd=0.3, clip_sd=0.2)
    simulate_study(folder, folder / "sim.csv", PLANTED, seed=0, options=options)
    return analyse_study(folder, [folder / "sim.csv"]).page.parent


def a_table() -> Table:
    (found,) = table(("50 %", f"{MINUS}1"), [("a_b & {c}", "[0, 1]"), ("x × y", "< .001")], caption="~^\\#$")
    assert isinstance(found, Table)
    return found


def test_tables_are_numbered_as_on_the_page(tmp_path: Path) -> None:
    figure = Figure(figsize=(3, 2))
    figure.subplots().plot([0, 1])
    blocks = table(("a", "b"), [("x", "1")]) + picture(figure, "<A line>") + paragraph("&") + table(("a",), [("y",)])
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "table_9.csv").write_text("of an earlier report")
    page = html_of(blocks, write_papers(blocks, tmp_path, width_mm=85))
    assert sorted(p.name for p in tmp_path.rglob("*_*.*")) == [
        *("figure_1.pdf", "figure_1.svg"),
        *("table_1.csv", "table_1.tex", "table_2.csv", "table_2.tex"),
    ]
    assert [page.index(label) for label in ("Table 1.", "Figure 1.", "&lt;A line&gt;", "&amp;", "Table 2.")]
    assert "<A line>" not in page


def test_figures_have_their_width_and_bring_their_fonts() -> None:
    figure = Figure(figsize=(3, 2))
    figure.subplots().set(title="letters")
    pdf, svg = (drawn(figure, kind, width_mm=85) for kind in ("pdf", "svg"))
    width = 85 / 25.4 * 72
    box = re.search(rb"/MediaBox \[ *0 0 ([\d.]+) ([\d.]+) *\]", pdf)
    assert box is not None
    assert float(box[1]) == pytest.approx(width, abs=0.01)
    assert float(box[2]) == pytest.approx(144)
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    assert re.search(rf'width="{width:.2f}'.encode()[:-1], svg)
    assert b"<text" not in svg
    assert drawn(figure, "pdf", width_mm=85) == pdf


def test_csv_has_plain_minus_signs() -> None:
    assert next(csv.reader(csv_of(a_table()).splitlines())) == ["50 %", "-1"]


def test_latex_is_escaped() -> None:
    text = latex_of(a_table(), "tab:1")
    assert r"a\_b \& \{c\} & {}[0, 1] \\" in text
    assert r"\caption{\textasciitilde{}\textasciicircum{}\textbackslash{}\#\$}" in text
    assert r"\toprule" in text
    assert "lr" in text


@given(st.text(alphabet="\\{}$&%#_^~<>[]ab é", max_size=12))
def test_no_sign_is_left_to_latex(text: str) -> None:
    left = re.sub(r"\\text[a-z]+\{\}|\\[&%$#_{}]|^\{\}", "", escaped(text))
    assert not set(left) & set("\\{}$&%#_^~")


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_latex_takes_all_tables(report: Path, tmp_path: Path) -> None:
    tables = "".join(f"\\input{{{path}}}\\clearpage\n" for path in sorted((report / "tables").glob("*.tex")))
    head = "\\documentclass{article}\\usepackage[T1]{fontenc}\\usepackage{booktabs}\\begin{document}\n"
    (tmp_path / "all.tex").write_text(f"{head}{tables}\\end{{document}}\n")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]


@pytest.mark.slow
def test_scripts_read_what_the_report_wrote(report: Path) -> None:
    for name in (R_FILE, BAMBI_FILE, "tidy.csv", "tests.csv", "effects.csv", "contrasts.csv"):
        assert (report / name).stat().st_size
    with (report / "tidy.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    cells = {(r["condition"], r["factor_emotion"], r["factor_intensity"]) for r in rows}
    assert cells == {(f"{e}_{n}", e, i) for e in ("happy", "sad") for n, i in (("low", "0.5"), ("high", "1"))}


@pytest.mark.parametrize("design", [DESIGN, CROSSED, SMALL])
def test_python_script_is_python(design: str) -> None:
    import yaml

    compile(scripts(Study.model_validate(yaml.safe_load(design)))[BAMBI_FILE], BAMBI_FILE, "exec")


def has_r() -> bool:
    if shutil.which("Rscript") is None:
        return False
    asked = ["Rscript", "-e", "library(lme4); library(lmerTest)"]
    return subprocess.run(asked, capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_r_script_finds_what_the_report_found(report: Path) -> None:
    """The same differences of means; R estimates variances otherwise, so that p is near, not equal."""
    if not has_r():
        pytest.skip("needs R with lme4 and lmerTest")
    done = subprocess.run(["Rscript", R_FILE], cwd=report, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    with (report / "r_effects.csv").open(newline="") as stream:
        found = {(row["model"], row["effect"]): row for row in csv.DictReader(stream)}
    with (report / "effects.csv").open(newline="") as stream:
        ours = {(row["task"], row["measure"], row["effect"]): row for row in csv.DictReader(stream)}
    with (report / "r_coefficients.csv").open(newline="") as stream:
        fixed = {(row["model"], row["term"]): float(row["estimate"]) for row in csv.DictReader(stream)}
    with (report / "contrasts.csv").open(newline="") as stream:
        gaps = {(r["measure"], r["contrast"]): r for r in csv.DictReader(stream)}
    for factor, levels in (("emotion", "sad - happy"), ("intensity", "1 - 0.5")):
        gap = float(gaps["rating", f"{factor}: {levels}"]["difference"])
        assert -2 * fixed["natural", f"{factor}1"] == pytest.approx(gap, abs=1e-4)
        odds = gaps["named right", f"{factor}: {levels}"]
        assert (
            float(odds["size_low"]) < np.exp(-2 * fixed["seen, named right", f"{factor}1"]) < float(odds["size_high"])
        )
    theirs = {
        "natural": {e: float(found["natural", e]["p"]) for e in ("emotion", "intensity", "emotion:intensity")},
        "seen": {e: float(found["seen, named right", e]["p"]) for e in ("emotion", "intensity", "emotion:intensity")},
    }
    for task, measure in (("natural", "rating"), ("seen", "named right")):
        for effect, p in theirs[task].items():
            mine = float(ours[task, measure, effect.replace(":", " x ")]["p"])
            assert (p < 0.01) == (mine < 0.01), (task, effect, p, mine)
    assert theirs["natural"]["intensity"] < 0.01


@pytest.mark.parametrize("design", [DESIGN, CROSSED])
def test_preregistration_says_what_the_design_fixes(design: str, tmp_path: Path) -> None:
    path, out = tmp_path / "study.yaml", tmp_path / "prereg.md"
    path.write_text(design)
    done = CliRunner().invoke(app, ["study", "preregister", str(path), "-o", str(out)])
    assert done.exit_code == 0, done.output
    text, study = out.read_text(), load_study(path)
    for task in study.tasks:
        assert f"Task {task.id}:" in text
    for heading in ("Hypotheses", "Sampling plan", "Stopping rule", "Data exclusion", "Statistical models"):
        assert f"\n## {heading}\n" in text
    assert "fail 2 or more attention checks" in text
    if design == CROSSED:
        assert "- an interaction of emotion x intensity" in text
        assert "natural: a difference is called negligible when two one-sided tests (p < .05) reject ±5." in text
        assert "Rouder" in text
    again = CliRunner().invoke(app, ["study", "preregister", str(path), "-o", str(out)])
    assert again.exit_code == 2
    assert "already exists" in again.output
