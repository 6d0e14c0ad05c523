"""The answers and the results as CSV, for other programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...core.tables import csv_text
from ..design import AnyTask, Study
from ..lists import IN_STEP, SOUND_LATE
from ..messages import TIMING
from ..spreadsheets import as_text
from ..targets import targets
from ..tasks import Comparison, Identification, Mushra, Sync
from .discrimination import is_right
from .exclusions import Kept
from .factors import layout_of
from .headlines import Results
from .preference import score
from .responses import ANSWER, INTENSITY, Answer
from .trace import sampled

FACTOR = "factor_"  # before a factor's name, as a column


def tidy(answers: Sequence[Answer], study: Study, kept: Kept) -> str:
    """All answers, one row each, unblinded, with the levels of the design's factors.

    `score` is what the tests use (an identification: 1 where it is right), `kept` says whether they used it.
    """
    used, tasks = set(map(id, kept.answers)), {task.id: task for task in study.tasks}
    levels = {task.id: _levels(study, task) for task in study.tasks}
    right = {t.id: targets(study, t) for t in study.tasks if isinstance(t, Identification)}
    names = list(dict.fromkeys(name for of_task in levels.values() for cell in of_task.values() for name in cell))
    head = "participant,list,trial,phase,task,type,clip,condition,left,item,shown,response,score,rt_ms,received,kept"
    head += "," + ",".join(TIMING)
    rows: list[Sequence[object]] = []
    for a in answers:
        task = tasks[a.shown.task]
        condition = a.shown.stimuli.get(a.item, "") if isinstance(task, Mushra) else a.shown.condition
        cell = levels[task.id].get(condition, {})
        rows.append(
            (
                *(a.participant, a.shown.list, a.shown.trial, a.shown.phase, task.id, task.type),
                *(a.shown.clip, a.shown.condition, a.shown.left, a.item, a.shown.stimuli.get(a.item, "")),
                *(as_text(a.response), _score(a, task, right.get(task.id, {})), f"{a.rt_ms:.0f}", a.received),
                int(id(a) in used),
                *(a.timing.get(name, "") for name in TIMING),
                *(cell.get(name, "") for name in names),
            )
        )
    return csv_text([*head.split(","), *(FACTOR + name for name in names)], rows)


def test_rows(results: Mapping[str, Results]) -> str:
    """The headline tests."""
    head = "task,test,unit,answers,null,estimate,low,high,se,df,p,p_holm,low_these_clips,high_these_clips,p_these_clips"
    rows = [
        (
            *(task, t.name, t.unit, t.answers, t.null, e.value, e.low, e.high, e.se, e.df, e.p, t.p_holm),
            *(e.low_these, e.high_these, e.p_these),
        )
        for task, found in results.items()
        for t in found.tests
        for e in [t.estimate]
    ]
    return csv_text(head.split(","), rows)


def effect_rows(results: Mapping[str, Results]) -> str:
    """Main effects and interactions."""
    head = "task,measure,effect,f,df1,df2,p,p_holm,cohens_f"
    rows = [
        (task, one.measure.name, e.name, e.f, e.df1, e.df2, e.p, e.p_holm, "" if e.size is None else e.size)
        for task, found in results.items()
        for one in found.factorials
        for e in one.effects
    ]
    return csv_text(head.split(","), rows)


def contrast_rows(results: Mapping[str, Results]) -> str:
    """What lies between the levels of factors; sizes are Cohen's d, or odds ratios of yes or no."""
    head = "task,measure,contrast,difference,low,high,size,size_low,size_high,df,p,p_holm"
    rows = [
        (
            *(task, one.measure.name, c.test.name, c.difference.value, c.difference.low, c.difference.high),
            *(*c.size, c.test.estimate.df, c.test.estimate.p, c.test.p_holm),
        )
        for task, found in results.items()
        for one in found.factorials
        for c in one.contrasts
    ]
    return csv_text(head.split(","), rows)


def _levels(study: Study, task: AnyTask) -> dict[str, dict[str, str]]:
    """Of each condition of a task its level of each factor."""
    layout = layout_of(study, study.conditions_of(task)) if isinstance(task, Comparison) else None
    if layout is None:
        return {}
    return {name: dict(zip(layout.factors, cell, strict=True)) for name, cell in layout.cells.items()}


def _score(answer: Answer, task: AnyTask, right: Mapping[str, str]) -> str:
    found = ""
    match task.type:
        case "preference":
            found = f"{score(answer):g}"
        case "rating" | "mushra":
            found = answer.response
        case "identification" if answer.item == INTENSITY:
            found = answer.response
        case "identification" if answer.item == ANSWER and answer.shown.condition in right:
            found = str(int(answer.response == right[answer.shown.condition]))
        case "sync":
            yes = SOUND_LATE if isinstance(task, Sync) and task.forced else IN_STEP
            found = str(int(answer.response == yes))
        case "discrimination":
            found = str(int(is_right(answer)))
        case "trace":
            found = f"{sampled(answer.response).mean():.2f}"
        case _:
            pass
    return found
