"""The tests that a task's report leads with. All of them hold for new participants and new clips (see `crossed`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..design import AnyTask, Study
from ..tasks import Discrimination, Free, Identification, Mushra, Preference, Rating, Sync, Trace
from . import discrimination, identification, mushra, order, preference, rating, sync, trace
from .clusters import Test
from .factorial import Factorial, factorials
from .responses import Answer


@dataclass(frozen=True)
class Results:
    """All that is tested of one task."""

    tests: Sequence[Test]
    factorials: Sequence[Factorial]

    def lines(self) -> list[str]:
        """For the terminal: effects, then tests; what lies between levels is in the report."""
        return [
            *(one.line(_of(place, found)) for place, found in enumerate(self.factorials) for one in found.effects),
            *(test.line() for test in self.tests),
        ]

    def corrected(self) -> dict[str, float]:
        """p by Holm of every test, effect and contrast, by name; that of a second measure is "emotion of strength"."""
        found = {test.name: test.p_holm for test in self.tests}
        for place, one in enumerate(self.factorials):
            found |= {f"{effect.name}{_of(place, one)}": effect.p_holm for effect in one.effects}
            found |= {f"{c.test.name}{_of(place, one)}": c.test.p_holm for c in one.contrasts}
        return found


def results(study: Study, task: AnyTask, answers: Sequence[Answer], *, contrasts: bool = True) -> Results:
    """The tests of one task; `answers` are the main ones of participants who stay. Without contrasts it is faster."""
    theirs = [a for a in answers if a.shown.task == task.id]
    if not theirs:
        return Results([], [])
    return Results(headline_tests(study, task, theirs), factorials(study, task, theirs, contrasts=contrasts))


def headline_tests(study: Study, task: AnyTask, answers: Sequence[Answer]) -> list[Test]:  # noqa: PLR0911  (one per kind)
    """The tests of one task beside those of factors, corrected by Holm; `answers` are its own, at least one."""
    match task:
        case Preference():
            return preference.tests(study, task, answers)
        case Rating():
            return rating.tests(study, task, answers)
        case Identification():
            return identification.tests(study, task, answers)
        case Sync():
            return (order if task.forced else sync).tests(study, task, answers)
        case Mushra():
            return mushra.tests(study, task, answers)
        case Discrimination():
            return discrimination.tests(study, task, answers)
        case Trace():
            return trace.tests(study, task, answers)
        case Free():
            return []


def _of(place: int, found: Factorial) -> str:
    return f" of {found.measure.name}" if place else ""
