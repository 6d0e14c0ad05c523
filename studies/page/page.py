"""Write the page that participants see next to its stimuli and lists; any static web server can serve it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from ...avatars.library import ASSETS
from ..design import Study
from ..exports import completion_link

SOURCES = Path(__file__).parent
FILES = ("index.html", "study.js", "saving.js", "trial.js", "style.css")
JSPSYCH = ("jspsych.min.js", "plugin-preload.min.js", "plugin-html-button-response.min.js", "LICENSE.txt")
SETTINGS = "study.json"


def write_page(study: Study, public: Path) -> None:
    """Write index.html, its scripts and `study.json` into `public`, which holds the finished lists already."""
    for name in FILES:
        shutil.copyfile(SOURCES / name, public / name)
    (public / "jspsych").mkdir(exist_ok=True)
    for name in JSPSYCH:
        shutil.copyfile(ASSETS / "jspsych" / name, public / "jspsych" / name)
    lists = sorted((public / "lists").glob("list_*.json"))
    (public / SETTINGS).write_text(json.dumps(_settings(study, lists), ensure_ascii=False), encoding="utf-8")


def _settings(study: Study, lists: list[Path]) -> dict[str, Any]:
    """What the page must know before it has a list; the included server sets `server` to true when it serves it."""
    content = hashlib.sha256(b"".join(path.read_bytes() for path in lists))
    return {
        "study": content.hexdigest()[:16],  # a browser keeps answers under this name: another build, other answers
        "title": study.title,
        "consent": study.consent,
        "lists": len(lists),
        "completion": None if study.prolific is None else completion_link(study.prolific.completion_code),
        "server": False,
    }
