"""In step or not: a curve of "in sync" over the offset of sound and picture, its centre and its width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..design import Study, Sync
from ..lists import IN_STEP
from .clusters import Estimate, Floats, Test, estimate_of, holm, slope_of, wilson
from .crossed import Crossing
from .crossed import fit as least_squares
from .responses import Answer

SLIPS = 0.02  # share of answers at random; keeps one slip at a large offset from deciding the fit
HIGHEST = 0.99  # from here on the height counts as being at its limit of 1
UNIT = 100  # ms, in which the fall of "in sync" with the offset's size is told
CENTRE = "centre"  # of the curve, ms
HALF_WIDTH = float(np.sqrt(2 * np.log(2)))  # of a Gaussian at half its height, in standard deviations


@dataclass(frozen=True)
class Curve:
    """P(in sync) = SLIPS / 2 + (1 - SLIPS) height exp(-(offset - centre)^2 / (2 sigma^2)), fitted by likelihood."""

    centre: float  # point of subjective simultaneity, ms; positive: the sound later than the picture
    sigma: float  # ms
    height: float  # 0..1

    @property
    def window(self) -> float:
        """The window of simultaneity: the curve's full width at half of its height, ms."""
        return 2 * HALF_WIDTH * self.sigma

    def at(self, offsets: Floats) -> Floats:
        """Share of "in sync" at offsets in ms."""
        return SLIPS / 2 + (1 - SLIPS) * self.height * np.exp(-((offsets - self.centre) ** 2) / (2 * self.sigma**2))


@dataclass(frozen=True)
class Intervals:
    """95 % intervals from drawing participants with replacement."""

    centre: tuple[float, float]
    window: tuple[float, float]
    draws: int  # of which the curve could be fitted


@dataclass(frozen=True)
class AtOffset:
    """Answers at one offset."""

    offset_ms: int
    in_sync: int
    answers: int
    wilson: tuple[float, float]


def offsets_of(answers: Sequence[Answer]) -> Floats:
    """Offsets in ms, one per answer."""
    return np.array([float(a.shown.condition) for a in answers])


def yes_of(answers: Sequence[Answer]) -> Floats:
    """1 where the answer was "in sync"."""
    return np.array([float(a.response == IN_STEP) for a in answers])


def at_offsets(answers: Sequence[Answer]) -> list[AtOffset]:
    """Counts per offset."""
    offsets, yes = offsets_of(answers), yes_of(answers)
    made: list[AtOffset] = []
    for offset in np.unique(offsets):
        rows = offsets == offset
        said, n = int(yes[rows].sum()), int(rows.sum())
        made.append(AtOffset(int(offset), said, n, wilson(said, n)))
    return made


def tests(_study: Study, _task: Sync, answers: Sequence[Answer]) -> list[Test]:
    """Do answers depend on the offset at all, and if so: is the curve's centre away from 0 ms?"""
    offsets, yes = offsets_of(answers), yes_of(answers)
    away = np.abs(offsets) / UNIT
    if np.ptp(away) == 0:
        return []
    crossing = Crossing.of((a.participant, a.shown.clip) for a in answers)
    change = slope_of(yes, away, crossing)
    made = [Test(f"{IN_STEP}, per {UNIT} ms of offset", (), "of answers", 0.0, len(yes), change)]
    curve = fit(offsets, yes)
    centre = None if curve is None else _centre(curve, offsets, yes, crossing)
    if centre is not None:
        made.append(Test(CENTRE, (CENTRE,), "ms", 0.0, len(yes), centre))
    return holm(made)


def fit(offsets: Floats, yes: Floats) -> Curve | None:
    """The most likely curve; None where answers do not fall off within the offsets on either side."""
    from scipy.optimize import minimize

    levels, which = np.unique(offsets, return_inverse=True)
    said, n = np.bincount(which, yes), np.bincount(which)
    if len(levels) < 3 or said.sum() == 0:
        return None
    span = float(np.ptp(levels))
    levels = levels / span  # so that all parameters are of about the same size
    start = [float(levels @ said / said.sum()), np.log(1 / 4), 1.0]
    bounds = [(levels[0], levels[-1]), (np.log(1 / 40), np.log(4)), (-4.0, 6.0)]
    # L-BFGS-B needs LAPACK, whose idle threads make thousands of small fits 50 times slower on a busy machine
    found = minimize(_loss, start, args=(levels, said, n), jac=True, method="TNC", bounds=bounds, tol=1e-9)
    curve = _curve(found.x)
    to_bounds = np.abs(found.x[:2, None] - np.array(bounds[:2]))  # of the centre and the width
    return None if to_bounds.min() < 1e-6 else Curve(curve.centre * span, curve.sigma * span, curve.height)


def intervals(answers: Sequence[Answer], *, draws: int = 1000, seed: int = 0) -> Intervals | None:
    """Intervals of the centre and the window; None where most draws cannot be fitted."""
    offsets, yes = offsets_of(answers), yes_of(answers)
    people = Crossing.of((a.participant, a.shown.clip) for a in answers).participants
    rows = [np.flatnonzero(people == i) for i in range(int(people.max()) + 1)]
    rng = np.random.default_rng(seed)
    curves: list[Curve] = []
    for _ in range(draws):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        curve = fit(offsets[drawn], yes[drawn])
        if curve is not None:
            curves.append(curve)
    if len(curves) < draws / 2:
        return None
    centre = np.percentile([c.centre for c in curves], [2.5, 97.5])
    window = np.percentile([c.window for c in curves], [2.5, 97.5])
    return Intervals((float(centre[0]), float(centre[1])), (float(window[0]), float(window[1])), len(curves))


def _curve(parameters: Floats) -> Curve:
    """From what is fitted: centre, log of sigma, logit of the height."""
    centre, log_sigma, logit = parameters.tolist()
    return Curve(centre, float(np.exp(log_sigma)), float(1 / (1 + np.exp(-logit))))


def _gradient(curve: Curve, offsets: Floats) -> Floats:
    """Derivatives [N, 3] of the curve at offsets [N] by the parameters that are fitted."""
    z = (offsets - curve.centre) / curve.sigma
    bell = curve.at(offsets) - SLIPS / 2
    return np.column_stack([bell * z / curve.sigma, bell * z**2, bell * (1 - curve.height)])


def _loss(parameters: Floats, levels: Floats, said: Floats, n: NDArray[np.integer]) -> tuple[float, Floats]:
    """Minus the log likelihood of `said` out of `n` at each level, and its gradient."""
    curve = _curve(parameters)
    p = curve.at(levels)
    loss = -float(said @ np.log(p) + (n - said) @ np.log1p(-p))
    return loss, -((said - n * p) / (p * (1 - p))) @ _gradient(curve, levels)


def _centre(curve: Curve, offsets: Floats, yes: Floats, crossing: Crossing) -> Estimate | None:
    gradient = _gradient(curve, offsets)
    if curve.height > HIGHEST:
        gradient = gradient[:, :2]  # at its limit the height is known
    return first_parameter(curve.centre, yes, curve.at(offsets), gradient, crossing)


def first_parameter(
    value: float, yes: Floats, chances: Floats, gradient: Floats, crossing: Crossing
) -> Estimate | None:
    """The first of the fitted parameters with its uncertainty, from the last step of weighted least squares.

    `gradient` [N, q] are the derivatives of the fitted chances [N] by the parameters. None where they are not settled.
    """
    weights = 1 / (chances * (1 - chances))
    information = (gradient * weights[:, None]).T @ gradient
    if not np.isfinite(information).all() or np.linalg.cond(information) > 1e12:
        return None
    try:
        fitted = least_squares(yes - chances, gradient[:, :1], crossing, nuisance=gradient[:, 1:], weights=weights)
    except ValueError:
        return None
    return estimate_of(fitted, np.ones(1), crossing, at=value - fitted.coefficients[0])
