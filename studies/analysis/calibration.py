"""How sure an effect is, given three mean squares: pooled where they allow it, and calibrated.

A mean square of participants or clips that is not above that of the rest says that they do not differ: their variance
is 0, and the two are pooled, as REML does. Pooling makes tests too careful where clips or participants hardly differ:
what chance makes negative is cut off, what it makes positive stays. The standard error is therefore calibrated by a
parametric bootstrap (Beran, 1988): mean squares are drawn as if the estimated ones were true, and it is scaled by the
factor that lets a true null hypothesis be rejected in 5 % of the draws. With fewer than six clips or participants that
factor never makes a test less strict, and the degrees of freedom are at most twice those of the clips: too much hangs
on whether a few clips happen to be alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
ALPHA = 0.05
FEW = 6  # participants or clips
DRAWS = 1000
FACTORS = np.linspace(0.5, 1.6, 23)  # of the standard error, that are tried
CHI_SQUARE = np.linspace(0, 60, 2401)  # where its distribution is tabulated


@dataclass(frozen=True)
class MeanSquares:
    """Three independent estimates, each with its degrees of freedom: `people` and `clips` contain `rest`, too.

    They are in units of the variance of one coefficient of orthonormal columns, whose variance for new participants and
    clips is people + clips - rest.
    """

    people: float
    clips: float
    rest: float
    df_people: float
    df_clips: float
    df_rest: float


@dataclass(frozen=True)
class Variance:
    """Of an effect's coefficients, for new participants and new clips, and for these very clips."""

    value: float  # of one coefficient of orthonormal columns, calibrated
    df: float
    these: float
    df_these: float


def variance_of(found: MeanSquares, q: int, *, few: bool) -> Variance:
    """The calibrated variance of one of q coefficients; `few`: participants or clips are."""
    p, c, e = (np.array(v, dtype=np.float64) for v in (found.people, found.clips, found.rest))
    people, clips, rest, df = (float(v) for v in _pooled(p, c, e, found))
    value = people + clips - rest
    if not value > 0:
        return Variance(0.0, max(df, 1.0), 0.0, max(found.df_people, 1.0))
    factor = _calibration((people, clips, rest), found, q) if found.df_clips else 1.0
    if few:
        factor, df = max(factor, 1.0), min(df, 2 * found.df_clips or df)
    return Variance(value * factor**2, df, found.people, found.df_people)


def _pooled(p: Floats, c: Floats, e: Floats, found: MeanSquares) -> tuple[Floats, Floats, Floats, Floats]:
    """Mean squares of participants, clips and the rest after pooling, with the df of their variance; on any arrays.

    The first two are equal to the rest where they are not above it. Degrees of freedom are Satterthwaite's (1946);
    those of the mean squares are as in `found`.
    """
    a, b, d = found.df_people, found.df_clips, found.df_rest
    if not b:
        return p, np.zeros_like(p), np.zeros_like(p), np.full_like(p, max(a, 1.0))
    with_c, with_p = (b * c + d * e) / (b + d), (a * p + d * e) / (a + d)
    no_c, no_p = c <= e, p <= e
    nothing = (no_c & (p <= with_c)) | (no_p & (c <= with_p))
    rest = np.select([nothing, no_c, no_p], [(a * p + b * c + d * e) / (a + b + d), with_c, with_p], e)
    people, clips = np.where(nothing | no_p, rest, p), np.where(nothing | no_c, rest, c)
    spread = p**2 / a + c**2 / b + e**2 / d
    usual = np.divide((p + c - e) ** 2, spread, out=np.ones_like(p), where=spread > 0)
    df = np.select([nothing, no_c, no_p], [np.full_like(p, n) for n in (a + b + d, a, b)], usual)
    return people, clips, rest, np.maximum(df, 1)


def _calibration(true: tuple[float, float, float], found: MeanSquares, q: int) -> float:
    """The factor of the standard error with which 5 % of the draws from `true` reject a null hypothesis that holds."""
    from scipy.special import fdtri

    rng = np.random.default_rng(0)
    freedom = (found.df_people, found.df_clips, found.df_rest)
    p, c, e = (mean * rng.chisquare(df, DRAWS) / df for mean, df in zip(true, freedom, strict=True))
    people, clips, rest, df = _pooled(p, c, e, found)
    inflation = (people + clips - rest) / (true[0] + true[1] - true[2])
    critical: Floats = q * np.asarray(fdtri(q, df, 1 - ALPHA), dtype=np.float64) * inflation
    rejected = [float(np.interp(factor**2 * critical, CHI_SQUARE, _survival(q)).mean()) for factor in FACTORS]
    return float(np.interp(-ALPHA, -np.array(rejected), FACTORS))


@lru_cache
def _survival(q: int) -> Floats:
    """Of the chi-square distribution, as a table."""
    from scipy.special import gammaincc

    return np.asarray(gammaincc(q / 2, CHI_SQUARE / 2))
