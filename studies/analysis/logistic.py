"""Logistic regression of yes and no, with a penalty that keeps it finite where all answers of a condition are alike."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from .crossed import Crossing, Fitted, fit

Floats = NDArray[np.float64]
STEPS = 100
LONGEST = 3.0  # step of a coefficient, so that none overshoots
EXACT = 1e-8
LEAST = 0.5  # stretch of a step; what is less, or in the other direction, is chance
SMALL = 1e-3  # a step in log odds that says nothing about its stretch


@dataclass(frozen=True)
class Logistic:
    """Coefficients [q] of the columns, and the chance of a yes [N]."""

    coefficients: Floats
    chances: Floats


def regress(yes: Floats, columns: Floats) -> Logistic:
    """Logistic regression of `yes` [N], 0 to 1, on columns [N, q] with Firth's penalty (1993).

    Its estimates are finite where maximum likelihood has none (perfect separation), and nearly the same elsewhere.
    """
    beta = np.zeros(columns.shape[1])
    p = np.full(len(yes), 0.5)
    for _ in range(STEPS):
        weighted = columns * np.sqrt(p * (1 - p))[:, None]
        inverse = np.linalg.pinv(weighted.T @ weighted, hermitian=True)
        leverage = np.einsum("ij,jk,ik->i", weighted, inverse, weighted)
        step = inverse @ (columns.T @ (yes - p + leverage * (0.5 - p)))
        beta = beta + step * min(1.0, LONGEST / max(float(np.abs(step).max()), EXACT))
        p = 1 / (1 + np.exp(-columns @ beta))
        if np.abs(step).max() < EXACT:
            break
    return Logistic(beta, p)


def score_fit(yes: Floats, tested: Floats, crossing: Crossing, *, nuisance: Floats) -> Fitted:
    """A score test of the columns [N, q]: one step of weighted least squares from the model that lacks them.

    Wald's test, which starts at the fitted model, goes wrong where a condition has few answers or all of them are alike
    (Hauck and Donner, 1977). Raises ValueError as `crossed.fit` does.
    """
    p = regress(yes, nuisance).chances
    weights = p * (1 - p)
    return fit((yes - p) / weights, tested, crossing, nuisance=nuisance, weights=weights)


def log_odds(yes: Floats, tested: Floats, crossing: Crossing, *, nuisance: Floats) -> Fitted:
    """The coefficient of one column [N] in a logistic regression, with a variance that agrees with its score test.

    The step of the score test and its standard error are stretched by the same factor, to where the coefficient is.
    """
    found = score_fit(yes, tested[:, None], crossing, nuisance=nuisance)
    step = float(found.coefficients[0])
    value = float(regress(yes, np.column_stack([tested, nuisance])).coefficients[0])
    stretch = value / step if abs(step) > SMALL and value / step > LEAST else 1.0
    variance = replace(found.variance, value=found.variance.value * stretch**2, these=found.variance.these * stretch**2)
    return replace(found, coefficients=np.array([value]), variance=variance)
