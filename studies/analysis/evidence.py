"""Evidence that there is nothing to be found: equivalence tests and Bayes factors."""

from __future__ import annotations

import math

from .clusters import Estimate

PRIOR = 0.707  # scale of the Cauchy prior on standardized effects, "medium" of Morey and Rouder's BayesFactor


def equivalence(found: Estimate, bound: float, *, null: float = 0.0) -> float:
    """p of two one-sided tests (Schuirmann, 1987): small where the value is less than `bound` away from `null`.

    Not a number where the answers say nothing about the value's uncertainty.
    """
    from scipy.special import stdtr

    if not 0 < found.se < math.inf:
        return math.nan
    away = found.value - null
    above, below = (float(stdtr(found.df, -(bound + side) / found.se)) for side in (away, -away))
    return max(above, below)


def bayes_factor(found: Estimate, *, null: float = 0.0) -> float | None:
    """How many times likelier a difference makes the answers than none does: the JZS Bayes factor of a t test.

    Rouder, Speckman, Sun, Morey and Iverson (2009), equation 1, with a Cauchy prior. Their number of observations is
    taken as df + 1, so that it says as much about new participants and clips as the t test does. None where there is
    no t.
    """
    from scipy.integrate import quad

    if not 0 < found.se < math.inf or found.df < 1:
        return None
    t, df, n = (found.value - null) / found.se, found.df, found.df + 1

    def weighted(g: float) -> float:
        """Likelihood of t at a prior variance g of the effect, times its inverse chi-square density."""
        wide = 1 + n * g * PRIOR**2
        likelihood = wide**-0.5 * (1 + t**2 / (wide * df)) ** (-(df + 1) / 2)
        return likelihood * g**-1.5 * math.exp(-1 / (2 * g)) / math.sqrt(2 * math.pi)

    upper = quad(weighted, 0, 1)[0] + quad(weighted, 1, math.inf)[0]
    return float(upper / (1 + t**2 / df) ** (-(df + 1) / 2))
