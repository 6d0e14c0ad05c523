"""The tests that a task's report leads with. All of them hold for new participants and new clips (see `clusters`)."""

from __future__ import annotations

from collections.abc import Sequence

from ..design import AnyTask, Study
from ..tasks import Discrimination, Free, Identification, Mushra, Preference, Rating, Sync, Trace
from . import discrimination, identification, mushra, order, preference, rating, sync, trace
from .clusters import Test
from .responses import Answer


def headline_tests(study: Study, task: AnyTask, answers: Sequence[Answer]) -> list[Test]:
    """The tests of one task, corrected by Holm within it; `answers` are the main ones of participants who stay."""
    theirs = [a for a in answers if a.shown.task == task.id]
    return _tests(study, task, theirs) if theirs else []


def _tests(study: Study, task: AnyTask, theirs: Sequence[Answer]) -> list[Test]:  # noqa: PLR0911  (one per kind)
    match task:
        case Preference():
            return preference.tests(study, task, theirs)
        case Rating():
            return rating.tests(study, task, theirs)
        case Identification():
            return identification.tests(study, task, theirs)
        case Sync():
            return (order if task.forced else sync).tests(study, task, theirs)
        case Mushra():
            return mushra.tests(study, task, theirs)
        case Discrimination():
            return discrimination.tests(study, task, theirs)
        case Trace():
            return trace.tests(study, task, theirs)
        case Free():
            return []
