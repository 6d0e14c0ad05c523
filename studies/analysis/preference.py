"""Two-alternative preference: shares per pair, and one scale for all conditions (Bradley and Terry, 1952)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..design import Preference, Study
from ..lists import EQUAL, LEFT
from .clusters import Floats, Test, holm, wilson
from .responses import Answer
from .shares import answered_pairs, share_of

CHANCE = 0.5
RIDGE = 0.01  # of choix (`alpha`), which does not converge without where strengths are far apart
TAIL = 0.025  # at each end of an interval


@dataclass(frozen=True)
class Pair:
    """How often the first of two conditions was chosen."""

    name: str  # "a/b"
    first: int
    second: int
    equal: int
    wilson: tuple[float, float]  # of first / (first + second)
    p_binomial: float  # exact; takes all answers as independent, which they are not
    inflation: float  # variance over participants and clips, divided by that of independent answers


@dataclass(frozen=True)
class Strength:
    """A condition's place on the Bradley-Terry scale (logits; the mean of all conditions is 0)."""

    condition: str
    value: float
    low: float
    high: float


def score(answer: Answer) -> float:
    """1 where the first condition of the pair was chosen, 0 the second, 0.5 neither."""
    if answer.response == EQUAL:
        return 0.5
    first = answer.shown.condition.split("/")[0]
    return float((answer.response == LEFT) == (answer.shown.left == first))


def tests(study: Study, task: Preference, answers: Sequence[Answer]) -> list[Test]:
    """For each pair: is the first condition chosen in more or less than half of the answers?"""
    made: list[Test] = []
    for a, b, theirs in answered_pairs(study, task, answers):
        estimate = share_of(theirs, [score(t) for t in theirs], chance=CHANCE)
        made.append(Test(f"{a} over {b}", (a, b), "of choices", CHANCE, len(theirs), estimate))
    return holm(made)


def pairs(study: Study, task: Preference, answers: Sequence[Answer]) -> list[Pair]:
    """Counts per pair with the exact binomial test, which leaves out answers without a preference."""
    from scipy.stats import binomtest

    made: list[Pair] = []
    for a, b, theirs in answered_pairs(study, task, answers):
        scores = np.array([score(t) for t in theirs])
        first, second = int(np.sum(scores == 1)), int(np.sum(scores == 0))
        decided = first + second
        p = float(binomtest(first, decided, CHANCE).pvalue) if decided else 1.0
        interval = wilson(first, decided) if decided else (0.0, 1.0)
        alone = float(scores.var()) / len(scores)
        inflation = share_of(theirs, scores, chance=CHANCE).se ** 2 / alone if alone else float("nan")
        made.append(Pair(f"{a}/{b}", first, second, len(theirs) - decided, interval, p, inflation))
    return made


def bradley_terry(answers: Sequence[Answer], *, draws: int = 1000, seed: int = 0) -> list[Strength]:
    """Strengths with 95 % intervals from drawing participants with replacement; an equal answer is half a win each.

    None where `groups` finds more than one: then no strengths are more likely than all others. Where that is so of
    more draws than an interval leaves out at one end, the interval is not a number.
    """
    names = list(dict.fromkeys(name for a in answers for name in a.shown.condition.split("/")))
    wins = _wins_by_participant(answers, names)
    if len(_groups(wins.sum(axis=0))) > 1:
        return []
    strengths = _fit(wins.sum(axis=0))
    rng = np.random.default_rng(seed)
    people = len(wins)
    totals = [wins[rng.integers(people, size=people)].sum(axis=0) for _ in range(draws)]
    drawn = np.array([_fit(total) for total in totals if len(_groups(total)) == 1])
    enough = len(drawn) >= (1 - TAIL) * draws
    low, high = np.quantile(drawn, [TAIL, 1 - TAIL], axis=0) if enough else np.full((2, len(names)), np.nan)
    return [Strength(n, float(strengths[i]), float(low[i]), float(high[i])) for i, n in enumerate(names)]


def groups(answers: Sequence[Answer]) -> list[list[str]]:
    """Sets of conditions such that one never lost against another: one set if all beat each other at some time."""
    names = list(dict.fromkeys(name for a in answers for name in a.shown.condition.split("/")))
    found = _groups(_wins_by_participant(answers, names).sum(axis=0))
    return [[names[i] for i in group] for group in found]


def _groups(wins: NDArray[np.float64]) -> list[list[int]]:
    """The strongly connected components of who beat whom (Ford, 1957: with one, likelihood has a maximum)."""
    from scipy.sparse.csgraph import connected_components

    n, labels = connected_components(wins > 0, directed=True, connection="strong")
    return [np.flatnonzero(labels == i).tolist() for i in range(n)]


def _wins_by_participant(answers: Sequence[Answer], names: Sequence[str]) -> NDArray[np.float64]:
    """Wins [P, K, K] of row over column."""
    people = {name: i for i, name in enumerate(dict.fromkeys(a.participant for a in answers))}
    index = {name: i for i, name in enumerate(names)}
    wins = np.zeros((len(people), len(names), len(names)))
    for answer in answers:
        first, second = (index[name] for name in answer.shown.condition.split("/"))
        share = score(answer)
        wins[people[answer.participant], first, second] += share
        wins[people[answer.participant], second, first] += 1 - share
    return wins


def _fit(wins: NDArray[np.float64]) -> Floats:
    import choix

    strengths = np.asarray(choix.ilsr_pairwise_dense(wins, alpha=RIDGE))
    return strengths - strengths.mean()
