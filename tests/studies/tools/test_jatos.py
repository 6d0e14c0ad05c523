"""The archive for JATOS: what its importer looks for, the page with its bridge, the same bytes from the same study."""

import json
import zipfile
from pathlib import Path

import pytest

from emosplat.studies.design import load_study
from emosplat.studies.page.page import write_page
from emosplat.studies.tools.jatos import STUDY_JS, write_archive

from ..conftest import write_design

# Of models.common.Study, Component and Batch in JATOS 3.10.4, as they are written to a .jas file (view JsonForIO)
STUDY = (
    "uuid title description groupStudy linearStudy allowPreview dirName comments jsonData endRedirectUrl studyEntryMsg"
)
COMPONENT = "uuid title htmlFilePath reloadable active comments jsonData"
BATCH = "uuid title active maxActiveMembers maxTotalMembers maxTotalWorkers allowedWorkerTypes comments jsonData"


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
