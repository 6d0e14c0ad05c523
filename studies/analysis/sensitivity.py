"""Do results hang on who was left out? The same tests with each rule of the design alone, and without any."""

from __future__ import annotations

from collections.abc import Sequence

from ..design import Study
from .exclusions import Kept
from .headlines import Results, results
from .markup import Blocks, heading, named, number, p_value, paragraph, table
from .responses import Answer


def variants(answers: Sequence[Answer], kept: Kept) -> dict[str, list[Answer]]:
    """Main answers under other rules, by what was left out: nobody, or whom one rule alone leaves out.

    Rules that leave out the same people as the design does are not among them.
    """
    reasons = list(dict.fromkeys(reason for person in kept.left_out for reason in person.reasons))
    rules = {"nobody left out": set[str](), **{f"only: {reason}": {reason} for reason in reasons}}
    made: dict[str, list[Answer]] = {}
    for label, rule in rules.items():
        out = {person.name for person in kept.left_out if rule & set(person.reasons)}
        if len(out) < len(kept.left_out):
            made[label] = [a for a in answers if a.shown.phase == "main" and a.participant not in out]
    return made


def sensitivity_section(study: Study, answers: Sequence[Answer], kept: Kept, found: dict[str, Results]) -> Blocks:
    """A table of all tests and effects, as designed and under other rules."""
    head = heading("Sensitivity to exclusions")
    others = variants(answers, kept)
    if not others:
        return head + paragraph("Nobody was left out, so no result hangs on it.")
    columns = {"as designed": _cells(found)}
    people = {"as designed": len(kept.stayed)}
    for label, theirs in others.items():
        columns[label] = _cells({task.id: results(study, task, theirs, contrasts=False) for task in study.tasks})
        people[label] = len({a.participant for a in theirs})
    rows = [(*key, *(cells.get(key, "–") for cells in columns.values())) for key in columns["as designed"]]
    names = [f"{label} ({people[label]})" for label in columns]
    caption = "Results with and without exclusions (numbers of participants): estimate or F, and p (Holm)"
    return head + table(("task", "test", *names), rows, caption=caption)


def _cells(found: dict[str, Results]) -> dict[tuple[str, str], str]:
    cells: dict[tuple[str, str], str] = {}
    for task, one in found.items():
        for factors in one.factorials:
            for effect in factors.effects:
                name = f"{named(effect.name)} ({factors.measure.name})"
                cells[task, name] = f"F = {number(effect.f)}, {_p(effect.p_holm)}"
        for test in one.tests:
            cells[task, named(test.name)] = f"{number(test.estimate.value)}, {_p(test.p_holm)}"
    return cells


def _p(p: float) -> str:
    return f"p {p_value(p)}" if p < 0.001 else f"p = {p_value(p)}"
