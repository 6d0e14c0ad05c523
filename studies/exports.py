"""The same lists for other tools: PsychoPy, lab.js, JATOS, Qualtrics, Gorilla, HEMVIP, webMUSHRA; links. All blind."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..core.tables import csv_text
from ..core.whole_files import write_whole
from .design import Study
from .procedure import PROLIFIC, completion_link
from .sounds import RATE, Sound
from .tools import jatos, labjs, qualtrics
from .tools.asked import Page, videos_of

OF_QUALTRICS = (*PROLIFIC, "id")  # parameters of its addresses; SONA's guide for Qualtrics has the last
PLACEHOLDER = "https://YOUR-SERVER"  # the person puts their own address there


def write_exports(
    study: Study, pages: Sequence[Sequence[Page]], sounds: Mapping[str, Sound], folder: Path, *, public: Path
) -> None:
    """Write a folder per tool below `folder`.

    pages: the participants' lists as they are served; public: the folder that is served, with the page in it
    """
    address = f"{PLACEHOLDER}/stimuli"
    for number, one in enumerate(pages):
        name = f"list_{number:03}"
        write_rows(folder / "psychopy" / f"{name}.csv", psychopy_rows(one))
        _write_json(folder / "hemvip" / f"{name}.json", hemvip_config(study, one, number))
        write_rows(folder / "gorilla" / f"{name}.csv", gorilla_rows(one))
        made = qualtrics.survey(study.title, one, number, address=address, parameters=OF_QUALTRICS)
        _write_json(folder / "qualtrics" / f"{name}.qsf", made)
        _write_json(
            folder / "labjs" / f"{name}.study.json", labjs.study_file(study.title, one, number, address=address)
        )
    write_rows(folder / "psychopy" / "blocks.csv", [{"condsFile": f"list_{n:03}.csv"} for n in range(len(pages))])
    files = sorted({file for one in pages for page in one for file in videos_of(page)})
    write_rows(
        folder / "psychopy" / "resources.csv",
        [{"name": file, "path": f"../../public/stimuli/{file}"} for file in files],
    )
    write_rows(folder / "prolific" / "links.csv", prolific_rows(study, len(pages)))
    write_rows(folder / "sona" / "links.csv", sona_rows(len(pages)))
    _write_webmushra(study, sounds, folder / "webmushra")
    (folder / "jatos").mkdir(parents=True)
    redirect = None if study.prolific is None else completion_link(study.prolific.completion_code)
    jatos.write_archive(folder / "jatos" / "study.jzip", study.title, public, redirect=redirect)


def psychopy_rows(pages: Sequence[Page]) -> list[dict[str, object]]:
    """A conditions file: names are letters, digits and underscores, and no cell begins with a bracket."""
    most = max(len(page["stimuli"]) for page in pages)
    return [
        {
            "trial_id": f"t{page['trial']:03}",
            "phase": page["phase"],
            "task": page["task"],
            "kind": page["type"],
            "movie_file": page["stimuli"][0],
            **{f"movie_{i + 1}": _at(page["stimuli"], i) for i in range(most)},
            "reference_file": page.get("reference", ""),
            "question": page["question"],
            "options": "|".join(page["choices"]),
            "low_label": page.get("low", ""),
            "high_label": page.get("high", ""),
        }
        for page in pages
    ]


def hemvip_config(study: Study, pages: Sequence[Page], number: int) -> dict[str, Any]:
    """A configuration of HEMVIP: a page of sliders per trial; choices become questions on the page before it."""
    made: list[dict[str, Any]] = [{"type": "generic", "id": "welcome", "name": study.title, "content": study.title}]
    for page in pages:
        stimuli = [[f"C{i + 1}", f"{PLACEHOLDER}/stimuli/{file}"] for i, file in enumerate(page["stimuli"])]
        asked = page["question"] + (f" ({' / '.join(page['choices'])})" if page["choices"] else "")
        made.append(
            {"type": "video", "id": f"t{page['trial']:03}", "name": "", "content": page["instructions"]}
            | {"question": asked, "stimuli": stimuli}
        )
    made.append({"type": "finish", "name": "Thank you", "content": "", "showResults": False, "writeResults": True})
    return {
        "testname": f"{study.title}, list {number}",
        "stopOnErrors": True,
        "remoteService": "/save",
        "remoteFailService": "/fail",
        "pages": made,
    }


def gorilla_rows(pages: Sequence[Page]) -> list[dict[str, object]]:
    """A spreadsheet of Task Builder 2: one row per trial, in the list's own order, so nothing is randomised there."""
    return [
        {
            "display": page["type"],
            "randomise_blocks": "",
            "randomise_trials": "",
            "trial_id": f"t{page['trial']:03}",
            "phase": page["phase"],
            "task": page["task"],
            "video": "|".join(page["stimuli"]),
            "question": page["question"],
            "answers": "|".join(page["choices"]),
        }
        for page in pages
    ]


def prolific_rows(study: Study, lists: int) -> list[dict[str, object]]:
    """The study's address per list, with Prolific's own placeholders, and where it sends participants in the end."""
    ids = "PROLIFIC_PID={{%PROLIFIC_PID%}}&STUDY_ID={{%STUDY_ID%}}&SESSION_ID={{%SESSION_ID%}}"
    done = "" if study.prolific is None else completion_link(study.prolific.completion_code)
    return [{"list": n, "study_link": f"{PLACEHOLDER}/?list={n}&{ids}", "completion_link": done} for n in range(lists)]


def sona_rows(lists: int) -> list[dict[str, object]]:
    """The study's address per list; SONA puts its code for the participant in place of %SURVEY_CODE%."""
    return [{"list": n, "study_link": f"{PLACEHOLDER}/?list={n}&participant=%SURVEY_CODE%"} for n in range(lists)]


def _write_webmushra(study: Study, sounds: Mapping[str, Sound], folder: Path) -> None:
    """An arm that only listens: the clips' sound as WAV and a page of yaml for each identification or rating task."""
    import soundfile
    import yaml

    folder.mkdir(parents=True, exist_ok=True)
    shown = [clip.id for clip in study.shown]
    order = np.random.default_rng(study.seed).permutation(len(shown))
    names = {shown[k]: f"a{place:03}" for place, k in enumerate(order)}
    for clip, name in names.items():
        soundfile.write(folder / f"{name}.wav", sounds[clip].samples, RATE, subtype="PCM_24")
    pages: list[Any] = [{"type": "generic", "id": "welcome", "name": study.title, "content": study.title}]
    for task in study.tasks:
        if task.type == "identification":
            answers = [*task.labels, *(["none of these"] if task.none_of_these else [])]
        elif task.type == "rating" and task.scale.points:
            answers = [str(step) for step in range(1, task.scale.points + 1)]
        else:
            continue
        response = [{"value": str(i), "label": answer} for i, answer in enumerate(answers)]
        asked = [
            {
                "type": "likert_single_stimulus",
                "id": f"{task.id}_{name}",
                "name": task.question,
                "content": task.instructions,
                "stimuli": {"C1": f"configs/resources/audio/{name}.wav"},
                "response": response,
            }
            for name in sorted(names.values())
        ]
        pages.append(["random", *asked])
    pages.append({"type": "finish", "name": "Thank you", "content": "", "showResults": False, "writeResults": True})
    config = {
        "testname": study.title,
        "testId": "emosplat",
        "bufferSize": 2048,
        "stopOnErrors": True,
        "showButtonPreviousPage": False,
        "remoteService": "service/write.php",
        "pages": pages,
    }
    text = yaml.safe_dump(config, sort_keys=False, allow_unicode=True)
    (folder / "listen.yaml").write_text(text, encoding="utf-8")


def _at(values: Sequence[str], index: int) -> str:
    return values[index] if index < len(values) else ""


def write_rows(path: Path, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows that have the same columns as CSV. Raises InputError."""
    head = list(rows[0])
    write_whole(path, csv_text(head, ([row[name] for name in head] for row in rows)).encode())


def _write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False), encoding="utf-8")
