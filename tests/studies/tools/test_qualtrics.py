"""Surveys for Qualtrics: whole, in the list's order, every question in one block, every field of a loop filled."""

import json
import re
from collections import Counter
from typing import Any

import pytest

from emosplat.studies.tools.qualtrics import survey

from .pages import ASKED, LIST

URL = "https://YOUR-SERVER/stimuli"


@pytest.fixture(scope="module")
def made() -> dict[str, Any]:
    return json.loads(json.dumps(survey("A <study>", LIST, 3, address=URL, parameters=("PROLIFIC_PID", "id"))))


def of(made: dict[str, Any], kind: str) -> list[Any]:
    return [element["Payload"] for element in made["SurveyElements"] if element["Element"] == kind]


def test_it_has_what_surveys_have(made: dict[str, Any]) -> None:
    kinds = Counter(element["Element"] for element in made["SurveyElements"])
    assert {kind: kinds[kind] for kind in ("BL", "FL", "SO", "SCO", "PROJ", "STAT", "QC", "RS")} == dict.fromkeys(
        ("BL", "FL", "SO", "SCO", "PROJ", "STAT", "QC", "RS"), 1
    )
    assert {element["SurveyID"] for element in made["SurveyElements"]} == {made["SurveyEntry"]["SurveyID"]}
    count = next(element for element in made["SurveyElements"] if element["Element"] == "QC")
    assert count["SecondaryAttribute"] == str(kinds["SQ"])
    for element in made["SurveyElements"]:
        assert {"SurveyID", "Element", "PrimaryAttribute", "SecondaryAttribute", "TertiaryAttribute", "Payload"} == set(
            element
        )


def test_questions_blocks_and_flow_belong_together(made: dict[str, Any]) -> None:
    questions = {question["QuestionID"]: question for question in of(made, "SQ")}
    blocks = {block["ID"]: block for block in of(made, "BL")[0]}
    placed = [e["QuestionID"] for block in blocks.values() for e in block.get("BlockElements", []) if "QuestionID" in e]
    assert sorted(placed) == sorted(questions)
    root = of(made, "FL")[0]
    flow = [part["ID"] for part in root["Flow"] if "ID" in part]
    assert sorted([*flow, next(key for key, block in blocks.items() if block["Type"] == "Trash")]) == sorted(blocks)
    ids = [root["FlowID"], *(part["FlowID"] for part in root["Flow"])]
    assert (len(ids), root["Properties"]["Count"]) == (len(set(ids)), len(ids))
    tags = [question["DataExportTag"] for question in questions.values()]
    assert len(tags) == len(set(tags))


def test_loops_go_through_all_trials_in_order(made: dict[str, Any]) -> None:
    blocks = {block["ID"]: block for block in of(made, "BL")[0]}
    questions = {question["QuestionID"]: question for question in of(made, "SQ")}
    told: list[tuple[str, str, list[str]]] = []
    for part in of(made, "FL")[0]["Flow"]:
        options = blocks[part["ID"]]["Options"] if "ID" in part else {}
        if "Looping" not in options:
            continue
        rows = options["LoopingOptions"]["Static"]
        assert options["LoopingOptions"]["Randomization"] == "None"
        assert list(rows) == [str(k + 1) for k in range(len(rows))]
        for row in rows.values():
            told.append((row["1"], row["2"], [value for key, value in row.items() if int(key) > 2]))
        shown = [
            questions[e["QuestionID"]]["QuestionText"] for e in blocks[part["ID"]]["BlockElements"] if "QuestionID" in e
        ]
        asked = {int(field) for text in shown for field in re.findall(r"\$\{lm://Field/(\d+)\}", text)}
        assert asked == set(range(2, 2 + len(next(iter(rows.values()))) - 1))
    assert [trial for trial, _, _ in told] == [f"t{page['trial']:03}" for page in ASKED]
    assert [files for _, _, files in told][-1] == [f"{URL}/{name}" for name in ("vr.mp4", "va.mp4", "vb.mp4")]
    assert "&lt;Now&gt; &amp; ${here}" in told[2][1]


def test_ids_of_portals_are_kept(made: dict[str, Any]) -> None:
    fields = {one["Field"]: one for one in of(made, "FL")[0]["Flow"][0]["EmbeddedData"]}
    assert fields["list"]["Value"] == "3"
    assert fields["PROLIFIC_PID"]["Type"] == "Recipient"
