"""Write the page that participants see next to its stimuli and lists; any static web server can serve it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from ...avatars.library import ASSETS
from ..design import Study
from ..headphones import headphone_settings
from ..procedure import completion_link
from .words import Words, english

SOURCES = Path(__file__).parent
FILES = (
    *("index.html", "style.css", "study.js", "saving.js", "words.js", "around.js", "checks.js"),
    *("trial.js", "screening.js", "form.js", "trace.js"),
)
JSPSYCH = ("jspsych.min.js", "plugin-preload.min.js", "plugin-html-button-response.min.js", "LICENSE.txt")
PUBLIC = "public"  # folder of all that may be served; everything else stays at home
SETTINGS = "study.json"


def write_page(study: Study, public: Path, words: Words | None = None) -> None:
    """Write index.html, its scripts and `study.json` into `public`, which holds the finished lists already.

    `words`: the page's own, in the study's language; None: English.
    """
    for name in FILES:
        shutil.copyfile(SOURCES / name, public / name)
    (public / "jspsych").mkdir(exist_ok=True)
    for name in JSPSYCH:
        shutil.copyfile(ASSETS / "jspsych" / name, public / "jspsych" / name)
    lists = sorted((public / "lists").glob("list_*.json"))
    settings = _settings(study, lists, words or english())
    settings["headphones"] = headphone_settings(study.headphones, public, study.seed)
    (public / SETTINGS).write_text(json.dumps(settings, ensure_ascii=False), encoding="utf-8")


def _settings(study: Study, lists: list[Path], words: Words) -> dict[str, Any]:
    """What the page must know before it has a list; the included server sets `server` to true when it serves it."""
    content = hashlib.sha256(b"".join(path.read_bytes() for path in lists))
    return {
        "study": content.hexdigest()[:16],  # a browser keeps answers under this name: another build, other answers
        "title": study.title,
        "language": study.language if len(study.language) == 2 else "",
        "words": dict(words),
        "consent": study.consent,
        "consent_items": study.consent_items,
        "questions": study.questions.model_dump(),
        "breaks": study.breaks,
        "debriefing": study.debriefing,
        "lists": len(lists),
        "fps": study.stimuli.fps,
        "parameters": study.kept_parameters,
        "completion": _completion(study),
        "server": False,
    }


def _completion(study: Study) -> dict[str, str] | None:
    """Where the last page leads; `{id}` stands for the participant's."""
    if study.prolific is not None:
        out = study.prolific.screen_out_code
        more = {} if out is None else {"screen_out": completion_link(out)}
        return {"name": "Prolific", "link": completion_link(study.prolific.completion_code)} | more
    return None if study.sona is None else {"name": "SONA", "link": study.sona.completion_link}
