"""Exports: readable by their tools' rules, in the lists' order, and blind."""

import csv
import json
import re
import zipfile
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.slow


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def pages(built: Path) -> list[dict]:
    return json.loads((built / "public" / "lists" / "list_001.json").read_text())["trials"]


def test_psychopy_accepts_every_name_and_cell(built: Path) -> None:
    table = rows(built / "exports" / "psychopy" / "list_001.csv")
    assert [row["movie_file"] for row in table] == [page["stimuli"][0] for page in pages(built)]
    for row in table:
        assert all(re.fullmatch(r"[A-Za-z]\w*", name) for name in row)
        assert not any(cell.startswith("[") for cell in row.values())  # PsychoPy would run it as code
        assert not re.fullmatch(r"[\d.,eE+-]+", row["movie_file"])  # nor read it as a number
    blocks = rows(built / "exports" / "psychopy" / "blocks.csv")
    assert all((built / "exports" / "psychopy" / row["condsFile"]).is_file() for row in blocks)


def test_hemvip_has_a_page_per_trial(built: Path) -> None:
    config = json.loads((built / "exports" / "hemvip" / "list_001.json").read_text())
    videos = [page for page in config["pages"] if page["type"] == "video"]
    assert len(videos) == len(pages(built))
    assert config["pages"][-1]["type"] == "finish"
    assert all(len(pair) == 2 for page in videos for pair in page["stimuli"])


def test_webmushra_plays_sounds_that_are_there(built: Path) -> None:
    folder = built / "exports" / "webmushra"
    config = yaml.safe_load((folder / "listen.yaml").read_text())
    asked = [page for group in config["pages"] if isinstance(group, list) for page in group[1:]]
    assert asked
    for page in asked:
        assert (folder / Path(page["stimuli"]["C1"]).name).is_file()
        assert {"value", "label"} == set(page["response"][0])


def test_links_bring_people_to_their_list_and_back(built: Path) -> None:
    links = rows(built / "exports" / "prolific" / "links.csv")
    assert [int(row["list"]) for row in links] == [0, 1, 2, 3]
    assert all("PROLIFIC_PID={{%PROLIFIC_PID%}}" in row["study_link"] for row in links)
    assert links[0]["completion_link"].endswith("cc=C1ABCDEF")
    sona = rows(built / "exports" / "sona" / "links.csv")
    assert [row["study_link"].partition("?")[2] for row in sona][:2] == [
        "list=0&participant=%SURVEY_CODE%",
        "list=1&participant=%SURVEY_CODE%",
    ]


def test_resources_are_all_there(built: Path) -> None:
    folder = built / "exports" / "psychopy"
    resources = {row["name"]: row["path"] for row in rows(folder / "resources.csv")}
    lists = [row for path in folder.glob("list_*.csv") for row in rows(path)]
    named = {row[column] for row in lists for column in row if column.endswith("_file") or column.startswith("movie_")}
    assert set(resources) == named - {""}
    assert all((folder / path).is_file() for path in resources.values())


def test_archives_and_surveys_hold_the_lists(built: Path) -> None:
    with zipfile.ZipFile(built / "exports" / "jatos" / "study.jzip") as archive:
        served = {path.relative_to(built / "public").as_posix() for path in (built / "public").rglob("*.*")}
        assert served <= {name.partition("/")[2] for name in archive.namelist()}
    for folder, suffix in (("qualtrics", ".qsf"), ("labjs", ".study.json")):
        text = (built / "exports" / folder / f"list_001{suffix}").read_text()
        places = [text.index(f'"t{page["trial"]:03}"') for page in pages(built)]
        assert places == sorted(places)
        assert all(page["stimuli"][0] in text for page in pages(built))


def test_no_export_tells_a_condition(built: Path) -> None:
    for file in (built / "exports").rglob("*"):
        if file.suffix in {".csv", ".json", ".yaml", ".qsf"}:
            text = file.read_text()
            assert not re.search(r"plainface|twinface|gladface|frozen|shift|\bhello\b|\bwelcome\.", text), file
