"""The data dictionary of a built study: every column of its answers and participants, and what stands in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..core.tables import csv_text
from ..core.whole_files import write_whole
from .design import AnyTask, Study
from .lists import choices
from .procedure import AnyQuestion, Choice, Likert, Number
from .tasks import Discrimination, Free, Identification, Mushra, Rating, Sync, Trace

DICTIONARY = "dictionary.csv"
ANSWERS, PEOPLE = "answers", "participants"
Line = tuple[str, str, str, str]  # table, column, values, meaning

COLUMNS: tuple[Line, ...] = (
    (ANSWERS, "participant", "1 to 64 of A-Z a-z 0-9 _ -", "code of a participant: a portal's, or drawn by the page"),
    (ANSWERS, "list", "whole number from 0", "which list of trials the participant has"),
    (ANSWERS, "trial", "whole number from 0", "place in that list; empty: said around the trials, not in one"),
    (ANSWERS, "task", "id of a task", "what was asked; without a trial: consent, before, headphones or after"),
    (ANSWERS, "item", "see below", "which of a trial's answers this row holds"),
    (ANSWERS, "response", "see below", "the answer; ' before words that a spreadsheet would take for a formula"),
    (ANSWERS, "rt_ms", "ms", "from the moment when answering was possible to the answer"),
    (ANSWERS, "received", "ISO 8601, UTC", "when the server had it; in a page's download when it was given"),
    (ANSWERS, "rt_onset_ms", "ms or empty", "from the first picture on the screen to the answer"),
    (ANSWERS, "rt_end_ms", "ms or empty", "from the end of the last picture on the screen to the answer"),
    (
        ANSWERS,
        "onset_ms",
        "ms or empty",
        "from the command to play to the first picture, the longest of the trial",
    ),
    (ANSWERS, "frames", "count or empty", "pictures of the trial's videos that were shown, the first time they played"),
    (ANSWERS, "dropped_frames", "count or empty", "pictures of them that were never shown"),
    (ANSWERS, "stalled_ms", "ms or empty", "by how much playing took longer than the video is, the worst of the trial"),
    (ANSWERS, "plays", "count or empty", "how often a video of the trial was played to its end"),
    (PEOPLE, "participant", "1 to 64 of A-Z a-z 0-9 _ -", "the same code as in the answers"),
    (PEOPLE, "list", "whole number from 0", "which list of trials the participant has"),
    (PEOPLE, "state", "finished, active, gone, turned away", "turned away: the study ended after the headphone check"),
    (PEOPLE, "arrived", "ISO 8601, UTC", "when the participant began"),
    (PEOPLE, "trials_answered", "count", "trials answered"),
    (PEOPLE, "trials", "count", "trials of the list"),
    (PEOPLE, "consent", "0 or 1", "whether consent is on record"),
)


def write_dictionary(study: Study, folder: Path) -> None:
    """Write `dictionary.csv` into the folder of a built study."""
    text = csv_text(("table", "column", "values", "meaning"), lines(study))
    write_whole(folder / DICTIONARY, text.encode())


def lines(study: Study) -> Iterator[Line]:
    """All columns, the items of each task, and the questions."""
    yield from COLUMNS
    for task in study.tasks:
        yield from _items(task)
    if study.headphones is not None:
        most = f"0 to {study.headphones.trials}"
        yield PEOPLE, "headphones_right", most, f"sounds told right; {study.headphones.pass_} pass"
    for name in study.kept_parameters:
        yield PEOPLE, name, "text", "parameter of the page's address"
    for event, questions in (("before", study.questions.before), ("after", study.questions.after)):
        for question in questions:
            yield PEOPLE, f"{event}_{question.id}", _values(question), question.question


def _items(task: AnyTask) -> Iterator[Line]:
    item = f"item of {task.id}"
    match task:
        case Mushra():
            yield ANSWERS, f"{item}: a video's file", "0 to 100", f"{task.question} (slider; key/unblind.csv names it)"
            return
        case Rating() if not task.scale.points:
            yield ANSWERS, f"{item}: answer", f"0 ({task.scale.low}) to 100 ({task.scale.high})", task.question
        case Rating():
            values = f"1 ({task.scale.low}) to {task.scale.points} ({task.scale.high})"
            yield ANSWERS, f"{item}: answer", values, task.question
        case Trace():
            values = f"ms:value, ms:value ...; 0 ({task.low}) to 100 ({task.high})"
            yield ANSWERS, f"{item}: answer", values, f"{task.question} (ms: time of the video)"
        case Free():
            yield ANSWERS, f"{item}: answer", "text", task.question
        case _:
            yield ANSWERS, f"{item}: answer", ", ".join(choices(task)), _asked(task)
    if isinstance(task, Identification) and task.other:
        yield ANSWERS, f"{item}: other", "text, empty with other answers", "one's own word"
    if isinstance(task, Identification) and task.intensity:
        yield ANSWERS, f"{item}: intensity", "0 (barely there) to 100 (very strong)", "how strong it is"


def _asked(task: AnyTask) -> str:
    match task:
        case Sync():
            return f"{task.question} (condition in key/trials.csv: ms by which the sound is late)"
        case Discrimination():
            return f"{task.question} (condition in key/trials.csv: the pair)"
        case _:
            return task.question


def _values(question: AnyQuestion) -> str:
    match question:
        case Choice():
            return ", ".join(question.options)
        case Number():
            return f"{question.min:g} to {question.max:g}"
        case Likert():
            return f"1 ({question.low}) to {question.points} ({question.high})"
        case _:
            return "text"
