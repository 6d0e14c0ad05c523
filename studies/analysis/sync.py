"""In step or not: a curve of "in sync" over the offset of sound and picture, its centre and its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..design import Study, Sync
from ..lists import IN_STEP
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

HIGHEST = 0.99  # from here on the height counts as being at its limit of 1
HALF_WIDTH = float(np.sqrt(2 * np.log(2)))  # of a Gaussian at half its height, in standard deviations


@dataclass(frozen=True)
class Curve:
    """P(in sync) = SLIPS / 2 + (1 - SLIPS) height exp(-(offset - centre)^2 / (2 sigma^2)), fitted by likelihood."""

    bounds: ClassVar[Bounds] = [(np.log(1 / 40), np.log(4)), (-4.0, 6.0)]  # log of sigma, logit of the height
    centre: float  # point of subjective simultaneity, ms; positive: the sound later than the picture
    sigma: float  # ms
    height: float  # 0..1

    @classmethod
    def start(cls, levels: Floats, said: Floats) -> list[float]:
        """The mean of what was called "in sync"."""
        return [float(levels @ said / said.sum()), np.log(1 / 4), 1.0]

    @classmethod
    def of(cls, parameters: Floats, span: float = 1.0) -> Curve:
        """From what is fitted: centre, log of sigma, logit of the height."""
        centre, log_sigma, logit = parameters.tolist()
        return cls(centre * span, float(np.exp(log_sigma)) * span, float(1 / (1 + np.exp(-logit))))

    @property
    def window(self) -> float:
        """The window of simultaneity: the curve's full width at half of its height, ms."""
        return 2 * HALF_WIDTH * self.sigma

    def at(self, offsets: Floats) -> Floats:
        """Share of "in sync" at offsets in ms."""
        return SLIPS / 2 + (1 - SLIPS) * self.height * np.exp(-((offsets - self.centre) ** 2) / (2 * self.sigma**2))

    def gradient(self, offsets: Floats) -> Floats:
        """Derivatives [N, 3] at offsets [N] by the parameters that are fitted."""
        z = (offsets - self.centre) / self.sigma
        bell = self.at(offsets) - SLIPS / 2
        return np.column_stack([bell * z / self.sigma, bell * z**2, bell * (1 - self.height)])


@dataclass(frozen=True)
class Intervals:
    """95 % intervals from drawing participants with replacement."""

    centre: tuple[float, float]
    window: tuple[float, float]
    draws: int  # of which the curve could be fitted


def tests(_study: Study, _task: Sync, answers: Sequence[Answer]) -> list[Test]:
    """Do answers depend on the offset at all, and if so: is the curve's centre away from 0 ms?"""
    offsets, yes = offsets_of(answers), yes_of(answers, IN_STEP)
    away = np.abs(offsets) / UNIT
    if np.ptp(away) == 0:
        return []
    crossing = Crossing.of((a.participant, a.shown.clip) for a in answers)
    change = slope_of(yes, away, crossing)
    made = [Test(f"{IN_STEP}, per {UNIT} ms of offset", (), "of answers", 0.0, len(yes), change)]
    curve = fit(offsets, yes)
    if curve is not None:
        settled = 2 if curve.height > HIGHEST else 3  # at its limit the height is known
        gradient = curve.gradient(offsets)[:, :settled]
        centre = first_parameter(curve.centre, yes, curve.at(offsets), gradient, crossing)
        if centre is not None:
            made.append(Test(CENTRE, (CENTRE,), "ms", 0.0, len(yes), centre))
    return holm(made)


def fit(offsets: Floats, yes: Floats) -> Curve | None:
    """The most likely curve; None where answers do not fall off within the offsets on either side."""
    return most_likely(Curve, offsets, yes)


def intervals(answers: Sequence[Answer], *, draws: int = 1000, seed: int = 0) -> Intervals | None:
    """Intervals of the centre and the window; None where most draws cannot be fitted."""
    curves = bootstrap(Curve, answers, IN_STEP, draws=draws, seed=seed)
    if curves is None:
        return None
    return Intervals(interval_of([c.centre for c in curves]), interval_of([c.window for c in curves]), len(curves))
