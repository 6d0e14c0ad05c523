"""One self-contained page about a study's answers, and the answers and tests as tables beside it."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from ...core.errors import InputError
from ..design import Study, load_study
from ..messages import TIMING
from ..possible import DROPPED
from .clusters import Test
from .discrimination import is_right
from .exclusions import STALLED_MS, Kept, apply_exclusions
from .headlines import headline_tests
from .key import read_key
from .markup import heading, paragraph, share, table
from .methods import methods_text, reasons, references
from .people import Said, participants_csv, people_known, people_table, read_people
from .preference import score
from .responses import SIMULATED, Answer, find_responses, read_responses, save_text
from .sections import section
from .trace import sampled

TEMPLATE = Path(__file__).with_name("report.html")
REPORT, TIDY, TESTS, PARTICIPANTS = "report.html", "tidy.csv", "tests.csv", "participants.csv"


@dataclass(frozen=True)
class Report:
    """What was written, and its main results."""

    page: Path
    participants: int
    left_out: Mapping[str, int]  # participants by reason
    simulated: int
    tests: Mapping[str, Sequence[Test]]  # by task
    notes: Sequence[str]


def analyse_study(folder: Path, files: Sequence[Path] = (), *, out: Path | None = None) -> Report:
    """Analyse the answers to a built study and write `report.html`, `tidy.csv` and `tests.csv` into `out`.

    Without `files`, the answers are those that the study's own server saved, and `participants.csv` is written, too;
    without `out`, the report goes into `report/` of the study's folder. Raises InputError for answers that cannot be
    right.
    """
    study, key = load_study(folder / "study.yaml"), read_key(folder)
    read = read_responses(list(files) or find_responses(folder), study, key)
    kept = apply_exclusions(read.answers, study, key)
    if not kept.stayed:
        why = "; ".join(f"{n} {reason}" for reason, n in reasons(kept).items())
        raise InputError(f"{folder}: nobody is left to analyse after the design's exclusions ({why})")
    tests = {task.id: headline_tests(study, task, kept.answers) for task in study.tasks}
    simulated = sum(person.name.startswith(SIMULATED) for person in kept.participants)
    target = out or folder / "report"
    save_text(target / TIDY, tidy(read.answers, study, kept))
    save_text(target / TESTS, test_rows(tests))
    people = {} if files else read_people(folder)
    if people_known(folder) and not files:
        save_text(target / PARTICIPANTS, participants_csv(folder))
    body = _body(study, kept, tests, people, simulated=simulated, notes=read.notes)
    title = f"{study.title}: report"
    save_text(
        target / REPORT, Template(TEMPLATE.read_text(encoding="utf-8")).substitute(title=escape(title), body=body)
    )
    return Report(target / REPORT, len(kept.stayed), reasons(kept), simulated, tests, read.notes)


def tidy(answers: Sequence[Answer], study: Study, kept: Kept) -> str:
    """All answers as CSV, one row each, unblinded; `score` is what the tests use, `kept` says whether they used it."""
    used, types = set(map(id, kept.answers)), {task.id: task.type for task in study.tasks}
    head = "participant,list,trial,phase,task,type,clip,condition,left,item,shown,response,score,rt_ms,received,kept"
    head += "," + ",".join(TIMING)
    rows = [
        (
            *(a.participant, a.shown.list, a.shown.trial, a.shown.phase, a.shown.task, types[a.shown.task]),
            *(a.shown.clip, a.shown.condition, a.shown.left, a.item, a.shown.stimuli.get(a.item, "")),
            *(a.response, _score(a, types[a.shown.task]), f"{a.rt_ms:.0f}", a.received, int(id(a) in used)),
            *(a.timing.get(name, "") for name in TIMING),
        )
        for a in answers
    ]
    return _csv(head, rows)


def test_rows(tests: Mapping[str, Sequence[Test]]) -> str:
    """The headline tests as CSV."""
    head = "task,test,unit,answers,null,estimate,low,high,se,df,p,p_holm,low_these_clips,high_these_clips,p_these_clips"
    rows = [
        (
            task,
            t.name,
            t.unit,
            t.answers,
            t.null,
            e.value,
            e.low,
            e.high,
            e.se,
            e.df,
            e.p,
            t.p_holm,
            e.low_these,
            e.high_these,
            e.p_these,
        )
        for task, found in tests.items()
        for t in found
        for e in [t.estimate]
    ]
    return _csv(head, rows)


def _body(
    study: Study,
    kept: Kept,
    tests: Mapping[str, Sequence[Test]],
    people: Said,
    *,
    simulated: int,
    notes: Sequence[str],
) -> str:
    everybody = len(kept.participants)
    parts = [heading(study.title, 1)]
    if simulated == everybody:
        words = "SIMULATED DATA. All participants were simulated; nothing here was answered by a person."
        parts.append(paragraph(words, kind="simulated"))
    elif simulated:
        words = f"PARTLY SIMULATED DATA. {simulated} of {everybody} participants were simulated."
        parts.append(paragraph(words, kind="simulated"))
    parts += [_participants(kept), people_table(study, people, {p.name for p in kept.stayed}), _timing(kept)]
    parts += [paragraph(note[:1].upper() + note[1:], kind="note") for note in notes]
    for task in study.tasks:
        parts.append(section(study, task, [a for a in kept.answers if a.shown.task == task.id], tests[task.id]))
    parts.append(heading("Methods"))
    parts += [paragraph(text) for text in methods_text(study, kept, simulated=simulated)]
    parts.append(heading("References", 3))
    parts += [paragraph(text, kind="reference") for text in references(study)]
    return "\n".join(parts)


def _participants(kept: Kept) -> str:
    text = paragraph(
        f"{len(kept.participants)} participants, {len(kept.left_out)} left out, {len(kept.stayed)} analysed."
    )
    if not kept.left_out:
        return text
    rows = [(p.name, f"{p.failed} of {p.checks}", share(p.share), "; ".join(p.reasons)) for p in kept.left_out]
    head = ("participant", "failed checks", "answered", "reason")
    return text + table(head, rows, caption="Left out, by the rules of the design file")


def _timing(kept: Kept) -> str:
    """How well videos played, and where they did not."""
    known = [p for p in kept.participants if p.dropped is not None]
    if not known:
        return ""
    rows = [
        (p.name, f"{100 * p.dropped:.1f} %", p.stalled, "left out" if p.reasons else "analysed")
        for p in known
        if p.dropped is not None and (p.dropped >= DROPPED or p.stalled)
    ]
    text = paragraph(
        f"Timing is known of {len(known)} participants. {len(rows)} of them did not see {100 * DROPPED:.0f} % or more "
        f"of the frames, or saw a video stand still for {STALLED_MS} ms or more."
    )
    head = ("participant", "frames never shown", "trials that stood still", "")
    return text + table(head, rows, caption="Bad timing")


def _score(answer: Answer, kind: str) -> str:
    if kind == "preference":
        return f"{score(answer):g}"
    if kind == "discrimination":
        return str(int(is_right(answer)))
    if kind == "trace":
        return f"{sampled(answer.response).mean():.2f}"
    return answer.response if kind in ("rating", "mushra") else ""


def _csv(head: str, rows: Sequence[Sequence[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head.split(","))
    writer.writerows(rows)
    return text.getvalue()
