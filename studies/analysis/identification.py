"""Which emotion was seen: confusion matrix, recognition against chance, and how far raters agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
from numpy.typing import NDArray

from ..design import Study
from ..lists import OTHER, choices
from ..targets import targets
from ..tasks import Identification
from .clusters import SHARES, Test, holm, wilson
from .contrasts import Scored
from .responses import ANSWER, INTENSITY, Answer
from .shares import share_of


@dataclass(frozen=True)
class Recognition:
    """How often one condition's emotion was named."""

    condition: str
    target: str
    hits: int
    shown: int
    wilson: tuple[float, float]
    p_binomial: float  # exact, against chance; takes all answers as independent, which they are not
    unbiased: float  # hits^2 / (times shown x times the answer was given), Wagner 1993
    unbiased_chance: float  # what it would be if answers had nothing to do with what was shown


@dataclass(frozen=True)
class Confusion:
    """Answers [conditions, choices], counted."""

    conditions: Sequence[str]
    choices: Sequence[str]
    counts: NDArray[np.int64]


@dataclass(frozen=True)
class Agreement:
    """Agreement beyond chance."""

    kappa: float | None  # Cohen's, answers against targets; None: no condition has a target among the labels
    alpha: float | None  # Krippendorff's, nominal, between participants; None: nothing was seen by two


def tests(study: Study, task: Identification, answers: Sequence[Answer]) -> list[Test]:
    """For each condition with a target: is it named more or less often than by choosing at random?"""
    right = targets(study, task)
    chance = 1 / len(choices(task))
    made: list[Test] = []
    for condition, target in right.items():
        theirs = [a for a in answers if a.item == ANSWER and a.shown.condition == condition]
        if theirs:
            estimate = share_of(theirs, [float(a.response == target) for a in theirs], chance=chance)
            made.append(Test(f"{condition} named {target}", (condition,), "of answers", chance, len(theirs), estimate))
    return holm(made)


def scored_hits(study: Study, task: Identification, answers: Sequence[Answer]) -> Scored:
    """1 where the right label was chosen, 0 elsewhere; of conditions that have one."""
    right = targets(study, task)
    theirs = [a for a in answers if a.item == ANSWER and a.shown.condition in right]
    hits = [float(a.response == right[a.shown.condition]) for a in theirs]
    return Scored.of(theirs, hits, SHARES, study.conditions_of(task))


def scored_intensities(study: Study, task: Identification, answers: Sequence[Answer]) -> Scored:
    """How strong the emotion looked, whichever it was."""
    theirs = [a for a in answers if a.item == INTENSITY]
    return Scored.of(theirs, [a.number for a in theirs], (0.0, 100.0), study.conditions_of(task))


def confusion(study: Study, task: Identification, answers: Sequence[Answer]) -> Confusion:
    """Conditions in rows, answers in columns."""
    rows, columns = study.conditions_of(task), choices(task)
    counts = np.zeros((len(rows), len(columns)), dtype=np.int64)
    for answer in answers:
        if answer.item == ANSWER:
            counts[rows.index(answer.shown.condition), columns.index(answer.response)] += 1
    return Confusion(rows, columns, counts)


def recognition(found: Confusion, right: Mapping[str, str]) -> list[Recognition]:
    """Hit rates of the conditions with a target. Conditions with the same target share its answers."""
    from scipy.stats import binomtest

    made: list[Recognition] = []
    total = int(found.counts.sum())
    for row, condition in enumerate(found.conditions):
        shown = int(found.counts[row].sum())
        if condition not in right or not shown:
            continue
        column = list(found.choices).index(right[condition])
        hits, used = int(found.counts[row, column]), int(found.counts[:, column].sum())
        p = float(binomtest(hits, shown, 1 / len(found.choices)).pvalue)
        unbiased = hits**2 / (shown * used) if used else 0.0
        by_chance = shown / total * used / total
        made.append(Recognition(condition, right[condition], hits, shown, wilson(hits, shown), p, unbiased, by_chance))
    return made


def agreement(found: Confusion, right: Mapping[str, str], answers: Sequence[Answer]) -> Agreement:
    """Cohen's kappa with the targets, Krippendorff's alpha among participants."""
    return Agreement(_kappa(found, right), _alpha(found.choices, answers))


def intensities(answers: Sequence[Answer]) -> dict[str, tuple[float, int]]:
    """Mean intensity (0 to 100) and number of answers, by condition."""
    given: dict[str, list[float]] = {}
    for answer in answers:
        if answer.item == INTENSITY:
            given.setdefault(answer.shown.condition, []).append(answer.number)
    return {condition: (float(np.mean(values)), len(values)) for condition, values in given.items()}


def own_words(answers: Sequence[Answer]) -> list[tuple[str, str, int]]:
    """Condition, word and how often it was given instead of a label."""
    counted = Counter((a.shown.condition, " ".join(a.response.casefold().split())) for a in answers if a.item == OTHER)
    return [(condition, word, n) for (condition, word), n in sorted(counted.items()) if word]


def _kappa(found: Confusion, right: Mapping[str, str]) -> float | None:
    from statsmodels.stats.inter_rater import cohens_kappa

    columns = list(found.choices)
    square = np.zeros((len(columns), len(columns)))
    for row, condition in enumerate(found.conditions):
        if condition in right:
            square[columns.index(right[condition])] += found.counts[row]
    if not square.sum() or np.count_nonzero(square.sum(axis=1)) < 2:
        return None
    return cast(float, cohens_kappa(square, return_results=False))


def _alpha(columns: Sequence[str], answers: Sequence[Answer]) -> float | None:
    import krippendorff

    units: dict[tuple[str, str], NDArray[np.int64]] = {}
    for answer in answers:
        if answer.item == ANSWER:
            unit = units.setdefault((answer.shown.clip, answer.shown.condition), np.zeros(len(columns), dtype=np.int64))
            unit[list(columns).index(answer.response)] += 1
    counts = np.array([unit for unit in units.values() if unit.sum() > 1])
    if not len(counts) or np.count_nonzero(counts.sum(axis=0)) < 2:
        return None
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))
