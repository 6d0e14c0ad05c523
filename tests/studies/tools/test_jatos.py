"""The archive for JATOS: what its importer looks for, the page with its bridge, the same bytes from the same study.

JATOS itself is not run; in the browser a stand-in of its `jatos.js` keeps what the page sends.
"""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from emosplat.studies.design import load_study
from emosplat.studies.page.page import write_page
from emosplat.studies.tools.jatos import STUDY_JS, write_archive

from ..conftest import write_design
from ..test_page import Participant, browser, expected, needs_browser, page, static

__all__ = ["browser", "page", "static"]  # fixtures

# Of models.common.Study, Component and Batch in JATOS 3.10.4, as they are written to a .jas file (view JsonForIO)
STUDY = (
    "uuid title description groupStudy linearStudy allowPreview dirName comments jsonData endRedirectUrl studyEntryMsg"
)
COMPONENT = "uuid title htmlFilePath reloadable active comments jsonData"
BATCH = "uuid title active maxActiveMembers maxTotalMembers maxTotalWorkers allowedWorkerTypes comments jsonData"


STAND_IN = """
const kept = JSON.parse(localStorage.getItem("jatos") ?? '{"sent": [], "session": {}, "batch": {}}');
const keep = () => localStorage.setItem("jatos", JSON.stringify(kept));
window.jatos = {
  workerId: 7, urlQueryParameters: {PROLIFIC_PID: "p1"},
  get studySessionData() { return kept.session },
  batchSession: {get: (name) => kept.batch[name], set: async (name, value) => { kept.batch[name] = value; keep() }},
  setStudySessionData: async (data) => { kept.session = data; keep() },
  appendResultData: async (text) => { kept.sent.push(text); keep() },
  endStudy: () => { kept.ended = true; keep() },
  onLoad: (start) => addEventListener("load", start),
};
"""


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    public = tmp_path / "public"
    (public / "lists").mkdir(parents=True)
    (public / "lists" / "list_000.json").write_text('{"trials": []}', encoding="utf-8")
    (public / "stimuli").mkdir()
    (public / "stimuli" / "v1.mp4").write_bytes(b"video")
    write_page(load_study(write_design(tmp_path)), public)
    for name in ("a.jzip", "b.jzip"):
        write_archive(tmp_path / name, "A study", public, redirect="https://example.org/done")
    assert (tmp_path / "a.jzip").read_bytes() == (tmp_path / "b.jzip").read_bytes()
    return tmp_path / "a.jzip"


def test_it_holds_what_the_importer_reads(archive: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        assert members.testzip() is None
        (described,) = (name for name in members.namelist() if name.endswith(".jas"))
        whole = json.loads(members.read(described))
        assert whole["version"] == "3"
        study = whole["data"]
        assert set(study) == {*STUDY.split(), "studyEntryMsg", "componentList", "batchList"}
        (component,), (batch,) = study["componentList"], study["batchList"]
        assert (set(component), set(batch)) == (set(COMPONENT.split()), set(BATCH.split()))
        folders = {name.partition("/")[0] for name in members.namelist() if "/" in name}
        assert folders == {study["dirName"]}
        assert study["endRedirectUrl"] == "https://example.org/done"
        assert f"{study['dirName']}/{component['htmlFilePath']}" in members.namelist()


def test_its_page_speaks_to_jatos(archive: Path) -> None:
    with zipfile.ZipFile(archive) as members:
        files = {name.partition("/")[2]: members.read(name) for name in members.namelist() if "/" in name}
    page = files["index.html"].decode()
    assert STUDY_JS not in page
    assert page.index('src="jatos.js"') < page.index('src="bridge.js"')
    settings = json.loads(files["study.json"])
    assert settings["server"] is True
    assert files["stimuli/v1.mp4"] == b"video"
    assert b'import("./study.js")' in files["bridge.js"]
    assert "study.js" in files


@pytest.mark.slow
@needs_browser
def test_answers_become_result_data(page: Any, built: Path, tmp_path: Path, static: Callable[[Path], str]) -> None:
    """Somebody answers some trials, comes back, goes on to the end; JATOS has every answer once."""
    with zipfile.ZipFile(built / "exports" / "jatos" / "study.jzip") as members:
        members.extractall(tmp_path)
    folder = next(path for path in tmp_path.iterdir() if path.is_dir())
    (folder / "jatos.js").write_text(STAND_IN, encoding="utf-8")
    address = static(folder)
    participant = Participant(page)
    participant.begin(address)
    assert participant.answer(most=3) == 3
    participant.begin(address, button="Continue")
    wanted = expected(built, 0)
    participant.answer(most=len({trial for trial, _, _ in wanted}) - 3)
    page.wait_for_function("JSON.parse(localStorage.getItem('jatos')).ended")
    kept = json.loads(page.evaluate("localStorage.getItem('jatos')"))
    sent = [json.loads(text) for text in kept["sent"]]
    answers = [
        (one["trial"], answer["item"]) for one in sent if one["what"] == "responses" for answer in one["answers"]
    ]
    assert answers == [(trial, item) for trial, _, item in wanted]
    assert {one["participant"] for one in sent} == {"p1"}
    assert kept["batch"] == {"listsGiven": 1}
