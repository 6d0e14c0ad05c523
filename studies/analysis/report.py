"""One self-contained page about a study's answers; beside it answers, results, tables, figures and scripts as files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template

from ...core.errors import InputError
from ...core.whole_files import write_whole
from ..design import Study, load_study
from ..possible import DROPPED
from .csv_files import contrast_rows, effect_rows, test_rows, tidy
from .exclusions import STALLED_MS, Kept, apply_exclusions
from .headlines import Results, results
from .key import read_key
from .markup import Blocks, heading, html_of, paragraph, share, table
from .methods import methods_text, reasons, references, software
from .paper import write_papers
from .people import Said, participants_csv, people_known, people_table, read_people
from .responses import SIMULATED, Responses, find_responses, read_responses
from .scripts import scripts
from .sections import section
from .sensitivity import sensitivity_section

TEMPLATE = Path(__file__).with_name("report.html")
REPORT, PARTICIPANTS = "report.html", "participants.csv"


@dataclass(frozen=True)
class Report:
    """What was written, and its main results."""

    page: Path
    participants: int
    left_out: Mapping[str, int]  # participants by reason
    simulated: int
    results: Mapping[str, Results]  # by task
    notes: Sequence[str]


def analyse_study(folder: Path, files: Sequence[Path] = (), *, out: Path | None = None) -> Report:
    """Analyse the answers to a built study and write `report.html` into `out`, and what belongs to it.

    That is the answers (`tidy.csv`), the results (`tests.csv`, `effects.csv`, `contrasts.csv`), `tables/` and
    `figures/` for a paper, and `analysis.R` and `analysis_bambi.py`, which fit mixed models to `tidy.csv`.

    Without `files`, the answers are those that the study's own server saved, and `participants.csv` is written, too;
    without `out`, the report goes into `report/` of the study's folder. Raises InputError for answers that cannot be
    right.
    """
    study, key = load_study(folder / "study.yaml"), read_key(folder)
    answered = list(files) or find_responses(folder)
    read = read_responses(answered, study, key)
    kept = apply_exclusions(read.answers, study, key)
    if not kept.stayed:
        why = "; ".join(f"{n} {reason}" for reason, n in reasons(kept).items())
        raise InputError(f"{folder}: nobody is left to analyse after the design's exclusions ({why})")
    found = {task.id: results(study, task, kept.answers) for task in study.tasks}
    simulated = sum(person.name.startswith(SIMULATED) for person in kept.participants)
    target = out or folder / "report"
    tables = {
        "tidy.csv": tidy(read.answers, study, kept),
        "tests.csv": test_rows(found),
        "effects.csv": effect_rows(found),
        "contrasts.csv": contrast_rows(found),
        **scripts(study),
    }
    for name, text in tables.items():
        write_whole(target / name, text.encode())
    people = {} if files else read_people(folder)
    if people_known(folder) and not files:
        write_whole(target / PARTICIPANTS, participants_csv(folder).encode())
    blocks = _body(study, kept, found, read, people, simulated=simulated) + _reproduction(
        study, folder / "study.yaml", answered
    )
    svgs = write_papers(blocks, target, width_mm=study.analysis.figure_mm)
    page = Template(TEMPLATE.read_text(encoding="utf-8"))
    title = escape(f"{study.title}: report")
    write_whole(target / REPORT, page.substitute(title=title, body=html_of(blocks, svgs)).encode())
    return Report(target / REPORT, len(kept.stayed), reasons(kept), simulated, found, read.notes)


def _body(
    study: Study, kept: Kept, found: dict[str, Results], read: Responses, people: Said, *, simulated: int
) -> Blocks:
    everybody = len(kept.participants)
    blocks = heading(study.title, 1)
    if simulated == everybody:
        words = "SIMULATED DATA. All participants were simulated; nothing here was answered by a person."
        blocks += paragraph(words, kind="simulated")
    elif simulated:
        words = f"PARTLY SIMULATED DATA. {simulated} of {everybody} participants were simulated."
        blocks += paragraph(words, kind="simulated")
    blocks += _participants(kept) + people_table(study, people, {p.name for p in kept.stayed}) + _timing(kept)
    for note in read.notes:
        blocks += paragraph(note[:1].upper() + note[1:], kind="note")
    for task in study.tasks:
        blocks += section(study, task, [a for a in kept.answers if a.shown.task == task.id], found[task.id])
    blocks += sensitivity_section(study, read.answers, kept, found)
    blocks += heading("Methods")
    for text in methods_text(study, kept, simulated=simulated):
        blocks += paragraph(text)
    blocks += heading("References", 3)
    for text in references(study):
        blocks += paragraph(text, kind="reference")
    return blocks


def _reproduction(study: Study, design: Path, answered: Sequence[Path]) -> Blocks:
    """What the results were made of: the same files, seed and versions give the same page."""
    rows = [
        ("seed of the design (lists, orders)", str(study.seed)),
        ("seed of the analysis (bootstrap, calibration)", "0"),
        *((f"{path.name} (SHA-256)", hashlib.sha256(path.read_bytes()).hexdigest()) for path in (design, *answered)),
        ("software", software()),
    ]
    return heading("To reproduce it") + table(("what", ""), rows, caption="Inputs and versions of this report")


def _participants(kept: Kept) -> Blocks:
    text = paragraph(
        f"Participants: {len(kept.participants)}, {len(kept.left_out)} left out, {len(kept.stayed)} analysed."
    )
    if not kept.left_out:
        return text
    rows = [(p.name, f"{p.failed} of {p.checks}", share(p.share), "; ".join(p.reasons)) for p in kept.left_out]
    head = ("participant", "failed checks", "answered", "reason")
    return text + table(head, rows, caption="Left out, by the rules of the design file")


def _timing(kept: Kept) -> Blocks:
    """How well videos played, and where they did not."""
    known = [p for p in kept.participants if p.dropped is not None]
    if not known:
        return ()
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
