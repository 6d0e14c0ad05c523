"""The share of an answer by the offset of sound and picture: counted, and as a function of maximum likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from .clusters import Estimate, Floats, estimate_of, wilson
from .crossed import Crossing
from .crossed import fit as least_squares
from .responses import Answer

SLIPS = 0.02  # share of answers at random; keeps one slip at a large offset from deciding the fit
UNIT = 100  # ms, in which the change of a share with the offset is told
CENTRE = "centre"  # of a function, ms
Bounds = Sequence[tuple[float, float]]


class Function(Protocol):
    """A share by the offset. Its parameters are fitted: the centre, the log of the width, and what else it has."""

    bounds: ClassVar[Bounds]  # of all parameters but the centre, where offsets span 1

    @classmethod
    def start(cls, levels: Floats, said: Floats) -> list[float]:
        """Parameters to begin with, for offsets that span 1 and how often the answer was given at each."""
        ...

    @classmethod
    def of(cls, parameters: Floats, span: float = 1.0) -> Self:
        """The function with these parameters, over offsets that have been divided by `span`."""
        ...

    def at(self, offsets: Floats) -> Floats:
        """The share at offsets in ms."""
        ...

    def gradient(self, offsets: Floats) -> Floats:
        """Derivatives [N, q] of the share at offsets [N] by the parameters."""
        ...


F = TypeVar("F", bound=Function)


@dataclass(frozen=True)
class AtOffset:
    """Answers at one offset."""

    offset_ms: int
    said: int  # how often it was the answer that counts
    answers: int
    wilson: tuple[float, float]


def offsets_of(answers: Sequence[Answer]) -> Floats:
    """Offsets in ms, one per answer."""
    return np.array([float(a.shown.condition) for a in answers])


def yes_of(answers: Sequence[Answer], said: str) -> Floats:
    """1 where this was the answer."""
    return np.array([float(a.response == said) for a in answers])


def at_offsets(answers: Sequence[Answer], said: str) -> list[AtOffset]:
    """Counts of one answer per offset."""
    offsets, yes = offsets_of(answers), yes_of(answers, said)
    made: list[AtOffset] = []
    for offset in np.unique(offsets):
        rows = offsets == offset
        given, n = int(yes[rows].sum()), int(rows.sum())
        made.append(AtOffset(int(offset), given, n, wilson(given, n)))
    return made


def most_likely(kind: type[F], offsets: Floats, yes: Floats) -> F | None:
    """The most likely function; None where its centre or width is none that the offsets can tell."""
    from scipy.optimize import minimize

    levels, which = np.unique(offsets, return_inverse=True)
    said, n = np.bincount(which, yes).astype(np.float64), np.bincount(which)
    if len(levels) < 3 or said.sum() == 0:
        return None
    span = float(np.ptp(levels))
    levels = levels / span  # so that all parameters are of about the same size
    bounds = [(levels[0], levels[-1]), *kind.bounds]
    arguments = (kind, levels, said, n)
    # L-BFGS-B needs LAPACK, whose idle threads make thousands of small fits 50 times slower on a busy machine
    found = minimize(loss, kind.start(levels, said), args=arguments, jac=True, method="TNC", bounds=bounds, tol=1e-9)
    to_bounds = np.abs(found.x[:2, None] - np.array(bounds[:2]))  # of the centre and the width
    return None if to_bounds.min() < 1e-6 else kind.of(found.x, span)


def loss(
    parameters: Floats, kind: type[Function], levels: Floats, said: Floats, n: NDArray[np.integer]
) -> tuple[float, Floats]:
    """Minus the log likelihood of `said` out of `n` at each level, and its gradient."""
    function = kind.of(parameters)
    p = function.at(levels)
    value = -float(said @ np.log(p) + (n - said) @ np.log1p(-p))
    return value, -((said - n * p) / (p * (1 - p))) @ function.gradient(levels)


def bootstrap(kind: type[F], answers: Sequence[Answer], said: str, *, draws: int, seed: int) -> list[F] | None:
    """Functions fitted to participants drawn with replacement; None where most draws cannot be fitted."""
    offsets, yes = offsets_of(answers), yes_of(answers, said)
    people = Crossing.of((a.participant, a.shown.clip) for a in answers).participants
    rows = [np.flatnonzero(people == i) for i in range(int(people.max()) + 1)]
    rng = np.random.default_rng(seed)
    found: list[F] = []
    for _ in range(draws):
        drawn = np.concatenate([rows[i] for i in rng.integers(len(rows), size=len(rows))])
        one = most_likely(kind, offsets[drawn], yes[drawn])
        if one is not None:
            found.append(one)
    return found if len(found) >= draws / 2 else None


def interval_of(values: Sequence[float]) -> tuple[float, float]:
    """The 95 % interval of drawn values."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)


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
