"""What participants said about themselves: the questionnaires that a study's own server saved."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

from ..answers import PEOPLE, Answers
from ..design import Study
from ..journal import Journal
from ..overview import people_csv
from ..page.page import PUBLIC, SETTINGS
from ..procedure import AnyQuestion, FreeText, Number
from .markup import Blocks, table

Said = Mapping[str, Mapping[str, Mapping[str, str]]]  # participant -> before or after -> question -> response


def read_people(folder: Path) -> Said:
    """What is in `participants.jsonl` of a built study; nothing where that is not there. Raises InputError."""
    said: dict[str, dict[str, Mapping[str, str]]] = {}
    for row in Journal(folder / PEOPLE, writes=False).rows:
        who, event, answers = row.get("participant"), row.get("event"), row.get("answers")
        if isinstance(who, str) and event in {"before", "after"} and isinstance(answers, dict):
            said.setdefault(who, {})[event] = answers
    return said


def people_known(folder: Path) -> bool:
    """Whether the study's own server knows participants."""
    return (folder / PEOPLE).is_file() and (folder / PUBLIC / SETTINGS).is_file()


def participants_csv(folder: Path) -> str:
    """A row per participant, as the experimenter's page gives it. Raises InputError."""
    settings = json.loads((folder / PUBLIC / SETTINGS).read_bytes())
    people, _, now = Answers(folder, settings, writes=False).snapshot()
    return people_csv(people, settings, now)


def people_table(study: Study, said: Said, who: Collection[str]) -> Blocks:
    """A row per question: how the participants in `who` answered it. Nothing where nobody was asked."""
    rows: list[tuple[object, ...]] = []
    for event, questions in (("before", study.questions.before), ("after", study.questions.after)):
        for question in questions:
            given = [said.get(name, {}).get(event, {}).get(question.id, "") for name in sorted(who)]
            known = [text for text in given if text]
            if known:
                rows.append((question.question, len(known), summary(question, known)))
    return table(("question", "answers", ""), rows, caption="What participants who are analysed said")


def summary(question: AnyQuestion, given: Sequence[str]) -> str:
    """Mean, standard deviation and range of numbers and steps; counts of choices; nothing of free text."""
    if isinstance(question, FreeText):
        return "free text, in participants.csv"
    if not isinstance(question, Number):
        counted = Counter(given)
        kinds = question.options if question.type == "choice" else [str(k) for k in range(1, question.points + 1)]
        return ", ".join(f"{kind}: {counted[kind]}" for kind in kinds if counted[kind])
    values = [float(text.replace(",", ".")) for text in given]
    spread = f", SD {stdev(values):.1f}" if len(values) > 1 else ""
    return f"mean {fmean(values):.1f}{spread}, {min(values):g} to {max(values):g}"
