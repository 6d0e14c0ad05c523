"""What participants said about themselves, in the report."""

import json
from pathlib import Path
from statistics import stdev

import pytest
import yaml

from emosplat.core.errors import InputError
from emosplat.studies.analysis.markup import html_of
from emosplat.studies.analysis.people import people_table, read_people
from emosplat.studies.design import Study

from .conftest import DESIGN

QUESTIONS = """
questions:
  before:
    - {id: age, type: number, question: Age}
    - {id: hears, type: choice, question: Hears, options: [well, badly, not]}
    - {id: more, type: text, question: More, required: false}
  after:
    - {id: real, type: likert, question: Real, points: 5}
"""
SAID = [("anna", "30", "well", "", "5"), ("bert", "41,5", "badly", "<b>", "5"), ("carl", "90", "well", "", "1")]


@pytest.fixture
def asked() -> Study:
    return Study.model_validate(yaml.safe_load(DESIGN + QUESTIONS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows: list[dict[str, object]] = []
    for who, age, hears, more, real in SAID:
        rows.append({"participant": who, "event": "arrived", "list": 0})
        rows.append({"participant": who, "event": "before", "answers": {"age": age, "hears": hears, "more": more}})
        rows.append({"participant": who, "event": "after", "answers": {"real": real}})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "participants.jsonl").write_text(text + '{"participant": "cut of')
    return tmp_path


def test_those_who_are_analysed_are_described(asked: Study, folder: Path) -> None:
    page = html_of(people_table(asked, read_people(folder), {"anna", "bert", "nobody"}), [])
    assert f"mean 35.8, SD {stdev([30, 41.5]):.1f}, 30 to 41.5" in page
    assert "well: 1, badly: 1" in page
    assert "5: 2" in page
    assert "free text" in page
    assert "<b>" not in page
    assert (folder / "participants.jsonl").read_text().endswith("cut of")  # a server may be writing it


def test_nobody_asked_is_no_table(study: Study, folder: Path, tmp_path: Path) -> None:
    assert people_table(study, read_people(folder), {"anna"}) == ()
    assert read_people(tmp_path / "elsewhere") == {}
    (folder / "participants.jsonl").write_text("no json\n")
    with pytest.raises(InputError, match="line 1"):
        read_people(folder)
