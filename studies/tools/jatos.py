"""A JATOS study archive (.jzip): the study's own page and stimuli, with answers that go to JATOS."""

from __future__ import annotations

import json
import uuid
import zipfile
from pathlib import Path
from typing import Any

from ...core.whole_files import whole_file
from ..page.page import SETTINGS

BRIDGE = Path(__file__).with_name("jatos_bridge.js")
VERSION = "3"  # of the format; JATOS 3 reads it
PAGE = "index.html"
STUDY_JS = '<script type="module" src="study.js"></script>'
ENTRY = '<script src="jatos.js"></script>\n  <script type="module" src="bridge.js"></script>'
BEGAN = (2000, 1, 1, 0, 0, 0)  # every member's time


def write_archive(out: Path, title: str, public: Path, *, redirect: str | None) -> None:
    """Write the archive of the page in `public`; it appears whole or not at all.

    redirect: where JATOS sends people in the end, for instance back to Prolific
    """
    settings = json.loads((public / SETTINGS).read_text(encoding="utf-8"))
    named = f"emosplat_{settings['study']}"
    page = (public / PAGE).read_text(encoding="utf-8")
    assert STUDY_JS in page
    changed = {
        PAGE: page.replace(STUDY_JS, ENTRY),
        SETTINGS: json.dumps({**settings, "server": True, "completion": None}, ensure_ascii=False),
        "bridge.js": BRIDGE.read_text(encoding="utf-8"),
    }
    with whole_file(out) as partial, zipfile.ZipFile(partial, "w") as archive:
        for path in sorted(path for path in public.rglob("*") if path.is_file()):
            name = path.relative_to(public).as_posix()
            if name not in changed:
                _add(archive, f"{named}/{name}", path.read_bytes())
        for name, text in changed.items():
            _add(archive, f"{named}/{name}", text.encode())
        _add(archive, f"{named}.jas", json.dumps(_study(title, named, redirect), ensure_ascii=False).encode())


def _study(title: str, named: str, redirect: str | None) -> dict[str, Any]:
    """What JATOS keeps of a study besides its files."""
    component = {
        "uuid": _uuid(f"{named}/component"),
        "title": "Study",
        "htmlFilePath": PAGE,
        "reloadable": True,  # who closes the page comes back to where they stopped
        "active": True,
        "comments": "",
        "jsonData": None,
    }
    batch = {
        "uuid": _uuid(f"{named}/batch"),
        "title": "Default",
        "active": True,
        "maxActiveMembers": None,
        "maxTotalMembers": None,
        "maxTotalWorkers": None,
        "allowedWorkerTypes": [],
        "comments": None,
        "jsonData": None,
    }
    study = {
        "uuid": _uuid(named),
        "title": title,
        "description": "",
        "groupStudy": False,
        "linearStudy": False,
        "allowPreview": False,
        "dirName": named,
        "comments": "",
        "jsonData": None,
        "endRedirectUrl": redirect,
        "studyEntryMsg": None,
        "componentList": [component],
        "batchList": [batch],
    }
    return {"version": VERSION, "data": study}


def _uuid(name: str) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"emosplat:{name}"))


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    kind = zipfile.ZIP_STORED if name.endswith(".mp4") else zipfile.ZIP_DEFLATED
    archive.writestr(zipfile.ZipInfo(name, BEGAN), data, compress_type=kind)
