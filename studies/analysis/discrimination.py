"""Can two conditions be told apart? Share of right answers, against chance and pair by pair."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..design import Study
from ..lists import DIFFERENT, right_of
from ..tasks import Discrimination
from .clusters import Test, holm, wilson
from .responses import Answer
from .shares import answered_pairs, share_of

CHANCE = 0.5


@dataclass(frozen=True)
class Told:
    """Answers to one pair."""

    name: str
    right: int
    answers: int
    wilson: tuple[float, float]
    d_prime: float  # of same or different: z(hits) - z(false alarms), for an observer who compares; else 0


def is_right(answer: Answer) -> bool:
    """Whether an answer is the right one."""
    return answer.response == right_of(list(answer.shown.stimuli.values()))


def tests(study: Study, task: Discrimination, answers: Sequence[Answer]) -> list[Test]:
    """Each pair against chance."""
    made: list[Test] = []
    for a, b, theirs in answered_pairs(study, task, answers):
        found = share_of(theirs, [float(is_right(one)) for one in theirs], chance=CHANCE)
        made.append(Test(f"{a} from {b}", (a, b), "right", CHANCE, len(theirs), found))
    return holm(made)


def told_apart(study: Study, task: Discrimination, answers: Sequence[Answer]) -> list[Told]:
    """Counts per pair."""
    made: list[Told] = []
    for a, b, theirs in answered_pairs(study, task, answers):
        right = sum(map(is_right, theirs))
        d = 0.0 if task.method == "abx" else _d_prime(theirs)
        made.append(Told(f"{a} / {b}", right, len(theirs), wilson(right, len(theirs)), d))
    return made


def _d_prime(answers: Sequence[Answer]) -> float:
    """Hits and false alarms of "different", each with half an answer added so that none is 0 or 1 (Hautus, 1995)."""
    from scipy.special import ndtri

    rates: list[float] = []
    for differs in (True, False):
        theirs = [one for one in answers if (right_of(list(one.shown.stimuli.values())) == DIFFERENT) == differs]
        said = sum(one.response == DIFFERENT for one in theirs)
        rates.append((said + 0.5) / (len(theirs) + 1))
    return float(ndtri(rates[0]) - ndtri(rates[1]))
