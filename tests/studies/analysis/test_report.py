"""A built study, answered by simulated participants, analysed to a page that stands alone."""

import csv
import re
import shutil
from pathlib import Path

import pytest

from emosplat.core.errors import InputError
from emosplat.studies.analysis.key import key_of, read_key
from emosplat.studies.analysis.report import Report, analyse_study
from emosplat.studies.design import load_study
from emosplat.studies.lists import make_lists
from emosplat.studies.simulate import Effects, simulate_study

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What of a built study the analysis needs."""
    copy = tmp_path_factory.mktemp("analysed") / "study"
    shutil.copytree(built / "key", copy / "key")
    shutil.copy(built / "study.yaml", copy)
    return copy


@pytest.fixture(scope="module")
def report(folder: Path) -> Report:
    (folder / "responses").mkdir()
    simulate_study(folder, folder / "responses" / "sim.csv", ["gladface=2"], seed=1, options=Effects())
    return analyse_study(folder)


def test_key_of_a_built_study_is_that_of_its_lists(built: Path) -> None:
    study = load_study(built / "study.yaml")
    assert read_key(built) == key_of(study, make_lists(study))


def test_page_says_that_data_are_simulated_and_needs_nothing_else(report: Report) -> None:
    page = report.page.read_text(encoding="utf-8")
    assert "SIMULATED DATA. All participants were simulated" in page
    assert report.simulated == 4
    assert not re.search(r'(src|href)="(?!data:)', page)
    assert all(f"({task})</h2>" in page for task in ("t1", "t2", "t3", "t4", "t5"))
    assert "statsmodels" in page
    assert "$" not in re.sub(r'src="[^"]*"', "", page)


def test_page_of_people_has_no_banner(report: Report, folder: Path, tmp_path: Path) -> None:
    answers = (folder / "responses" / "sim.csv").read_text()
    (tmp_path / "people.csv").write_text(answers.replace("sim.", "sim_"))
    assert "sim_000" in (tmp_path / "people.csv").read_text()  # which may be a real one's
    page = analyse_study(folder, [tmp_path / "people.csv"], out=tmp_path / "out").page.read_text(encoding="utf-8")
    assert "SIMULATED" not in page
    (tmp_path / "both.csv").write_text(answers.replace("sim.000", "p0"))
    page = analyse_study(folder, [tmp_path / "both.csv"], out=tmp_path / "out").page.read_text(encoding="utf-8")
    assert "PARTLY SIMULATED DATA. 3 of 4" in page


def test_tidy_table_has_every_answer(report: Report, folder: Path) -> None:
    with (folder / "report" / "tidy.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    with (folder / "responses" / "sim.csv").open(newline="") as stream:
        answers = list(csv.DictReader(stream))
    assert {r["score"] for r in rows if r["type"] == "sync"} == {"0", "1"}
    assert [(r["participant"], r["trial"], r["item"], r["response"]) for r in rows] == [
        (a["participant"], a["trial"], a["item"], a["response"]) for a in answers
    ]
    assert {r["kept"] for r in rows if r["phase"] != "main"} == {"0"}
    assert {r["score"] for r in rows if r["type"] == "preference"} <= {"0", "0.5", "1"}


def test_table_of_tests_is_what_was_returned(report: Report, folder: Path) -> None:
    with (folder / "report" / "tests.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    returned = [(task, test.name, test.p_holm) for task, found in report.results.items() for test in found.tests]
    assert [(r["task"], r["test"], float(r["p_holm"])) for r in rows] == returned


def test_same_answers_give_the_same_page(report: Report, folder: Path, tmp_path: Path) -> None:
    again = analyse_study(folder, out=tmp_path).page
    assert again.read_bytes() == report.page.read_bytes()


def test_same_seed_gives_the_same_answers(folder: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        simulate_study(folder, tmp_path / name, [], seed=5, options=Effects())
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_nobody_left_is_an_error(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "few.csv"
    simulate_study(folder, path, [], seed=1, options=Effects())
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:5]))
    with pytest.raises(InputError, match="nobody is left to analyse"):
        analyse_study(folder, [path], out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_damaged_key_is_an_error(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "key", tmp_path / "key")
    path = tmp_path / "key" / "trials.csv"
    path.write_text(path.read_text().replace(",main,", ",mian,"))
    with pytest.raises(InputError, match=r"trials\.csv: .*build the study again"):
        read_key(tmp_path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="expected rows of list,trial"):
        read_key(tmp_path)
    with pytest.raises(InputError, match="not found; expected the folder of a built study"):
        read_key(tmp_path / "none")
