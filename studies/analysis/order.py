"""Judgements of temporal order: which came first? A psychometric function over the offset, its centre and its slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..design import Study
from ..lists import SOUND_LATE
from ..tasks import Sync
from .clusters import Floats, Test, holm, slope_of, wilson
from .crossed import Crossing
from .responses import Answer
from .sync import CENTRE, SLIPS, UNIT, AtOffset, first_parameter, offsets_of

QUARTER = 0.6744897501960817  # of a normal distribution: from half to three quarters, in standard deviations


@dataclass(frozen=True)
class Psychometric:
    """P("sound too late") = SLIPS / 2 + (1 - SLIPS) Phi((offset - pss) / sigma), fitted by likelihood."""

    pss: float  # point of subjective simultaneity, ms: both answers are as likely
    sigma: float  # ms

    @property
    def jnd(self) -> float:
        """Just noticeable difference, ms: from half to three quarters "sound too late"."""
        return QUARTER * self.sigma

    def at(self, offsets: Floats) -> Floats:
        """Share of "sound too late" at offsets in ms."""
        from scipy.special import ndtr

        return SLIPS / 2 + (1 - SLIPS) * ndtr((offsets - self.pss) / self.sigma)


@dataclass(frozen=True)
class Intervals:
    """95 % intervals from drawing participants with replacement."""

    pss: tuple[float, float]
    jnd: tuple[float, float]
    draws: int  # in which the function could be fitted


def late_of(answers: Sequence[Answer]) -> Floats:
    """1 where the answer was "sound too late"."""
    return np.array([float(a.response == SOUND_LATE) for a in answers])


def at_offsets(answers: Sequence[Answer]) -> list[AtOffset]:
    """Counts of "sound too late" per offset."""
    offsets, late = offsets_of(answers), late_of(answers)
    made: list[AtOffset] = []
    for offset in np.unique(offsets):
        rows = offsets == offset
        said, n = int(late[rows].sum()), int(rows.sum())
        made.append(AtOffset(int(offset), said, n, wilson(said, n)))
    return made


def tests(_study: Study, _task: Sync, answers: Sequence[Answer]) -> list[Test]:
    """Do answers depend on the offset at all, and if so: is the centre away from 0 ms?"""
    offsets, late = offsets_of(answers), late_of(answers)
    if np.ptp(offsets) == 0:
        return []
    crossing = Crossing.of((a.participant, a.shown.clip) for a in answers)
    change = slope_of(late, offsets / UNIT, crossing)
    made = [Test(f"{SOUND_LATE}, per {UNIT} ms of offset", (), "of answers", 0.0, len(late), change)]
    found = fit(offsets, late)
    if found is not None:
        pss = first_parameter(found.pss, late, found.at(offsets), _gradient(found, offsets), crossing)
        if pss is not None:
            made.append(Test(CENTRE, (CENTRE,), "ms", 0.0, len(late), pss))
    return holm(made)


def fit(offsets: Floats, late: Floats) -> Psychometric | None:
    """The most likely function; None where answers do not rise within the offsets."""
    from scipy.optimize import minimize

    levels, which = np.unique(offsets, return_inverse=True)
    said, n = np.bincount(which, late), np.bincount(which)
    if len(levels) < 3:
        return None
    span = float(np.ptp(levels))
    levels = levels / span
    bounds = [(levels[0], levels[-1]), (np.log(1 / 100), np.log(4))]
    start = [0.0, np.log(1 / 4)]
    found = minimize(_loss, start, args=(levels, said, n), jac=True, method="TNC", bounds=bounds, tol=1e-9)
    to_bounds = np.abs(found.x[:, None] - np.array(bounds))
    if to_bounds.min() < 1e-6:
        return None
    return Psychometric(float(found.x[0]) * span, float(np.exp(found.x[1])) * span)


def intervals(answers: Sequence[Answer], *, draws: int = 1000, seed: int = 0) -> Intervals | None:
    """Intervals of the centre and the JND; None where most draws cannot be fitted."""
    offsets, late = offsets_of(answers), late_of(answers)
    people = Crossing.of((a.participant, a.shown.clip) for a in answers).participants
    rows = [np.flatnonzero(people == i) for i in range(int(people.max()) + 1)]
    rng = np.random.default_rng(seed)
    fits = [_drawn(rows, offsets, late, rng) for _ in range(draws)]
    found = [one for one in fits if one is not None]
    if len(found) < draws / 2:
        return None
    pss = np.percentile([one.pss for one in found], [2.5, 97.5])
    jnd = np.percentile([one.jnd for one in found], [2.5, 97.5])
    return Intervals((float(pss[0]), float(pss[1])), (float(jnd[0]), float(jnd[1])), len(found))


def _drawn(
    rows: Sequence[NDArray[np.intp]], offsets: Floats, late: Floats, rng: np.random.Generator
) -> Psychometric | None:
    drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
    return fit(offsets[drawn], late[drawn])


def _gradient(found: Psychometric, offsets: Floats) -> Floats:
    """Derivatives [N, 2] by the centre and by the log of sigma."""
    z = (offsets - found.pss) / found.sigma
    density = (1 - SLIPS) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
    return np.column_stack([-density / found.sigma, -density * z])


def _loss(parameters: Floats, levels: Floats, said: Floats, n: NDArray[np.integer]) -> tuple[float, Floats]:
    """Minus the log likelihood of `said` out of `n` at each level, and its gradient."""
    found = Psychometric(float(parameters[0]), float(np.exp(parameters[1])))
    p = found.at(levels)
    loss = -float(said @ np.log(p) + (n - said) @ np.log1p(-p))
    return loss, -((said - n * p) / (p * (1 - p))) @ _gradient(found, levels)
