"""Judgements of temporal order: which came first? A psychometric function over the offset, its centre and its slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..design import Study
from ..lists import SOUND_LATE
from ..tasks import Sync
from .clusters import Floats, Test, holm, slope_of
from .crossed import Crossing
from .psychometric import (
    CENTRE,
    SLIPS,
    UNIT,
    Bounds,
    bootstrap,
    first_parameter,
    interval_of,
    most_likely,
    offsets_of,
    yes_of,
)
from .responses import Answer

QUARTER = 0.6744897501960817  # of a normal distribution: from half to three quarters, in standard deviations


@dataclass(frozen=True)
class Psychometric:
    """P("sound too late") = SLIPS / 2 + (1 - SLIPS) Phi((offset - pss) / sigma), fitted by likelihood."""

    bounds: ClassVar[Bounds] = [(np.log(1 / 100), np.log(4))]  # log of sigma
    pss: float  # point of subjective simultaneity, ms: both answers are as likely
    sigma: float  # ms

    @classmethod
    def start(cls, levels: Floats, said: Floats) -> list[float]:
        """No offset."""
        return [0.0, np.log(1 / 4)]

    @classmethod
    def of(cls, parameters: Floats, span: float = 1.0) -> Psychometric:
        """From what is fitted: centre and log of sigma."""
        pss, log_sigma = parameters.tolist()
        return cls(pss * span, float(np.exp(log_sigma)) * span)

    @property
    def jnd(self) -> float:
        """Just noticeable difference, ms: from half to three quarters "sound too late"."""
        return QUARTER * self.sigma

    def at(self, offsets: Floats) -> Floats:
        """Share of "sound too late" at offsets in ms."""
        from scipy.special import ndtr

        return SLIPS / 2 + (1 - SLIPS) * ndtr((offsets - self.pss) / self.sigma)

    def gradient(self, offsets: Floats) -> Floats:
        """Derivatives [N, 2] at offsets [N] by the parameters that are fitted."""
        z = (offsets - self.pss) / self.sigma
        density = (1 - SLIPS) * np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)
        return np.column_stack([-density / self.sigma, -density * z])


@dataclass(frozen=True)
class Intervals:
    """95 % intervals from drawing participants with replacement."""

    pss: tuple[float, float]
    jnd: tuple[float, float]
    draws: int  # in which the function could be fitted


def tests(_study: Study, _task: Sync, answers: Sequence[Answer]) -> list[Test]:
    """Do answers depend on the offset at all, and if so: is the centre away from 0 ms?"""
    offsets, late = offsets_of(answers), yes_of(answers, SOUND_LATE)
    if np.ptp(offsets) == 0:
        return []
    crossing = Crossing.of((a.participant, a.shown.clip) for a in answers)
    change = slope_of(late, offsets / UNIT, crossing)
    made = [Test(f"{SOUND_LATE}, per {UNIT} ms of offset", (), "of answers", 0.0, len(late), change)]
    found = fit(offsets, late)
    if found is not None:
        pss = first_parameter(found.pss, late, found.at(offsets), found.gradient(offsets), crossing)
        if pss is not None:
            made.append(Test(CENTRE, (CENTRE,), "ms", 0.0, len(late), pss))
    return holm(made)


def fit(offsets: Floats, late: Floats) -> Psychometric | None:
    """The most likely function; None where answers do not rise within the offsets."""
    return most_likely(Psychometric, offsets, late)


def intervals(answers: Sequence[Answer], *, draws: int = 1000, seed: int = 0) -> Intervals | None:
    """Intervals of the centre and the JND; None where most draws cannot be fitted."""
    found = bootstrap(Psychometric, answers, SOUND_LATE, draws=draws, seed=seed)
    if found is None:
        return None
    return Intervals(interval_of([one.pss for one in found]), interval_of([one.jnd for one in found]), len(found))
