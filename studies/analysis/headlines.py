"""The tests that a task's report leads with. All of them hold for new participants and new clips (see `clusters`)."""

from __future__ import annotations

from collections.abc import Sequence

from ..design import AnyTask, Identification, Mushra, Preference, Rating, Study, Sync
from . import identification, mushra, preference, rating, sync
from .clusters import Test
from .responses import Answer


def headline_tests(study: Study, task: AnyTask, answers: Sequence[Answer]) -> list[Test]:
    """The tests of one task, corrected by Holm within it; `answers` are the main ones of participants who stay."""
    theirs = [a for a in answers if a.shown.task == task.id]
    if not theirs:
        return []
    match task:
        case Preference():
            return preference.tests(study, task, theirs)
        case Rating():
            return rating.tests(study, task, theirs)
        case Identification():
            return identification.tests(study, task, theirs)
        case Sync():
            return sync.tests(study, task, theirs)
        case Mushra():
            return mushra.tests(study, task, theirs)
