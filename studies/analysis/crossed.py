"""Effects when participants and clips are both samples, of which new ones might have been drawn.

The model is a linear mixed model that is maximal in what is tested (Barr, Levy, Scheepers and Tily, 2013): the effect
has a random slope by participant and one by clip, beside its residual; intercepts of participants and clips are taken
out. Its three variances follow from sums of squares within participants, within clips, and of what is left, whose
expected values are worked out for the very trials that were answered, so that they are unbiased whatever is missing. In
a complete crossing these are the mean squares of Winer's (1971) and Clark's (1973) quasi-F ratio.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .calibration import FEW, Floats, MeanSquares, Variance, variance_of

Ints = NDArray[np.intp]
ROUNDING = 1e-10  # of the largest answer: what differs by less does not differ
KEPT = 0.5  # share of an effect's variation within participants from which on their intercepts are taken out


@dataclass(frozen=True)
class Crossing:
    """Which participant and which clip each of N answers belongs to, numbered from 0."""

    participants: Ints
    clips: Ints

    @classmethod
    def of(cls, pairs: Iterable[tuple[Hashable, Hashable]]) -> Crossing:
        """From (participant, clip) names."""
        who, what = zip(*pairs, strict=True)
        return cls(_numbered(who), _numbered(what))

    def at(self, rows: NDArray[np.bool_]) -> Crossing:
        """That of some of the answers, numbered anew."""
        return Crossing(
            np.unique(self.participants[rows], return_inverse=True)[1],
            np.unique(self.clips[rows], return_inverse=True)[1],
        )

    @property
    def sizes(self) -> tuple[int, int]:
        """Numbers of participants and clips."""
        return int(self.participants.max()) + 1, int(self.clips.max()) + 1


@dataclass(frozen=True)
class Fitted:
    """Coefficients [q] of the tested columns, and how sure they are.

    `columns` [N, q] are the tested ones without what the nuisance explains, made orthonormal by the triangular
    `scale` [q, q]: coefficients of orthonormal columns are scale @ coefficients.
    """

    coefficients: Floats
    scale: Floats
    squares: MeanSquares
    variance: Variance
    sphericity: float  # Huynh and Feldt's epsilon (1976) of the coefficients of orthonormal columns; 1 for one of them

    @property
    def q(self) -> int:
        """Degrees of freedom of the effect."""
        return len(self.coefficients)

    @property
    def f(self) -> float:
        """F ratio of the effect against nothing; not a number where answers do not vary at all."""
        whitened = self.scale @ self.coefficients
        size = float(whitened @ whitened / self.q)
        if self.variance.value > 0:
            return size / self.variance.value
        return np.inf if size > 0 else np.nan

    def of(self, weights: Floats) -> tuple[float, float]:
        """A combination of the coefficients, and the factor [0, inf) that its variance has of `variance.value`."""
        row = np.linalg.solve(self.scale.T, weights)
        return float(weights @ self.coefficients), float(row @ row)


def fit(
    y: Floats, tested: Floats, crossing: Crossing, *, nuisance: Floats | None = None, weights: Floats | None = None
) -> Fitted:
    """Least squares of y [N] on the tested columns [N, q] beside the nuisance [N, k], with their variance.

    Intercepts of participants and of clips belong to the nuisance where enough of the effect is left without them, as
    is the case when each participant (each clip) meets all of its levels. `weights` [N] are those of weighted least
    squares, as the last step of a logistic regression has them. Raises ValueError where nothing of a column is left.
    """
    root = np.ones(len(y)) if weights is None else np.sqrt(weights)
    other = np.zeros((len(y), 0)) if nuisance is None else nuisance
    y, tested, other = y * root, tested * root[:, None], other * root[:, None]
    people, clips = (_varies(tested, groups) for groups in (crossing.participants, crossing.clips))
    basis = _Basis(crossing, root, other, people=people, clips=clips)
    columns, scale = np.linalg.qr(tested - basis.projected(tested))
    if np.abs(np.diag(scale)).min() < 1e-9 * np.abs(tested).max():
        raise ValueError("an effect cannot be told from others")
    whitened = columns.T @ y
    rest = y - basis.projected(y) - columns @ whitened
    rounding = ROUNDING * float(np.abs(y).max())
    whitened[np.abs(whitened) < rounding * np.sqrt(len(y))] = 0
    rest[np.abs(rest) < rounding] = 0
    squares, sphericity = _squares(columns, rest, crossing, basis)
    coefficients = np.linalg.solve(scale, whitened)
    q = len(whitened)
    return Fitted(
        np.asarray(coefficients, dtype=np.float64),
        np.asarray(scale, dtype=np.float64),
        squares,
        variance_of(squares, q, few=min(crossing.sizes) < FEW),
        sphericity,
    )


class _Basis:
    """The nuisance columns: intercepts of participants and clips, and others; all products without writing them out."""

    def __init__(self, crossing: Crossing, root: Floats, other: Floats, *, people: bool, clips: bool) -> None:
        self._root = root
        self._other = other
        self._groups = [g for g, used in ((crossing.participants, people), (crossing.clips, clips)) if used]
        self._sizes = [int(g.max()) + 1 for g in self._groups]
        everything = np.arange(len(root))
        square = (
            np.vstack(
                [
                    *(self.sums(self._root, g, n) for g, n in zip(self._groups, self._sizes, strict=True)),
                    *(self.sums(column, np.zeros_like(everything), 1) for column in other.T),
                ]
            )
            if self._groups or other.shape[1]
            else np.zeros((0, 0))
        )
        self.inverse = np.linalg.pinv(square, hermitian=True) if len(square) else square

    def sums(self, values: Floats, groups: Ints, n: int) -> Floats:
        """Products [n, M] of values [N], kept to one of n groups at a time, with the columns."""
        parts = [
            np.bincount(groups * m + own, values * self._root, minlength=n * m).reshape(n, m)
            for own, m in zip(self._groups, self._sizes, strict=True)
        ]
        parts += [np.bincount(groups, values * column, minlength=n)[:, None] for column in self._other.T]
        return np.hstack(parts).astype(np.float64) if parts else np.zeros((n, 0))

    def projected(self, values: Floats) -> Floats:
        """What the columns explain of values [N] or [N, q]."""
        if values.ndim == 2:
            return np.column_stack([self.projected(column) for column in values.T])
        weights = self.inverse @ self.sums(values, np.zeros(len(values), dtype=np.intp), 1)[0]
        found, start = np.zeros(len(values)), 0
        for own, m in zip(self._groups, self._sizes, strict=True):
            found += self._root * weights[start : start + m][own]
            start += m
        return found + self._other @ weights[start:]


def _squares(columns: Floats, rest: Floats, crossing: Crossing, basis: _Basis) -> tuple[MeanSquares, float]:
    """Mean squares of orthonormal columns [N, q] with the residuals [N], and the sphericity of what they add up to."""
    people, clips = crossing.sizes
    who, what = crossing.participants, crossing.clips
    met, cell = np.unique(who * clips + what, return_inverse=True)
    of_cell = np.divmod(met, clips)
    dummies = np.zeros((len(met), people + clips))
    dummies[np.arange(len(met)), of_cell[0]] = 1
    dummies[np.arange(len(met)), people + of_cell[1]] = 1
    additive = np.linalg.pinv(dummies.T @ dummies, hermitian=True)

    q = columns.shape[1]
    sums_p, sums_c, sums_e = np.empty((people, q)), np.empty((clips, q)), np.empty((len(met), q))
    expected = np.zeros(6)  # squares of G_PP, G_PC, G_CC, then the traces of G_PP, G_CC and that of the rest
    share_p = share_c = 0.0
    for k, x in enumerate(columns.T):
        sums = np.bincount(cell, x * rest)
        sums_p[:, k], sums_c[:, k] = np.bincount(of_cell[0], sums), np.bincount(of_cell[1], sums)
        sums_e[:, k] = sums - dummies @ (additive @ (dummies.T @ sums))
        own = np.bincount(cell, x * x)
        by_cell = np.hstack([basis.sums(x, cell, len(met)), _by(cell, x[:, None] * columns)])
        by_group = dummies.T @ by_cell
        inner = np.zeros((by_cell.shape[1],) * 2)
        inner[: len(basis.inverse), : len(basis.inverse)] = basis.inverse
        inner[len(basis.inverse) :, len(basis.inverse) :] = np.eye(q)
        g = dummies.T @ (own[:, None] * dummies) - by_group @ inner @ by_group.T
        g_pp, g_pc, g_cc = g[:people, :people], g[:people, people:], g[people:, people:]
        trace = own.sum() - float(np.sum((by_cell @ inner) * by_cell))
        left = trace - float(np.sum(additive * g))
        expected += [(g_pp**2).sum(), (g_pc**2).sum(), (g_cc**2).sum(), np.trace(g_pp), np.trace(g_cc), left]
        share_p += float((np.bincount(of_cell[0], own) ** 2).sum()) / q
        share_c += float((np.bincount(of_cell[1], own) ** 2).sum()) / q
    pp, pc, cc, trace_p, trace_c, trace_e = expected.tolist()
    total_p, total_c, total_e = (float((sums**2).sum()) for sums in (sums_p, sums_c, sums_e))
    df_p, df_c = trace_p**2 / pp if pp else 0.0, trace_c**2 / cc if cc else 0.0
    df_e = trace_e * len(met)
    if clips < 2 or df_e < 0.5 or df_c < 0.5:
        squares = MeanSquares(total_p / pp * share_p if pp > 1e-12 else 0.0, 0.0, 0.0, df_p, 0.0, 0.0)
        return squares, _epsilon(sums_p.T @ sums_p, df_p / q)
    residual = total_e / trace_e
    slopes = np.linalg.solve([[pp, pc], [pc, cc]], [total_p - residual * trace_p, total_c - residual * trace_c])
    squares = MeanSquares(
        max(residual + slopes[0] * share_p, 0.0), max(residual + slopes[1] * share_c, 0.0), residual, df_p, df_c, df_e
    )
    together = sums_p.T @ sums_p + sums_c.T @ sums_c
    return squares, _epsilon(together, (df_p + df_c) / q)


def _epsilon(products: Floats, df: float) -> float:
    """Huynh and Feldt's correction of Box's epsilon for a covariance matrix [q, q] with so many degrees of freedom."""
    q = len(products)
    trace = float(np.trace(products))
    if q == 1 or trace <= 0 or df <= q:
        return 1.0
    box = trace**2 / (q * float((products**2).sum()))
    return float(np.clip(((df + 1) * q * box - 2) / (q * (df - q * box)), 1 / q, 1.0))


def _varies(tested: Floats, groups: Ints) -> bool:
    """Whether most of the variation of the columns is within the groups."""
    n = np.bincount(groups)
    total = float((tested**2).sum())
    within = sum(float(((x - (np.bincount(groups, x) / n)[groups]) ** 2).sum()) for x in tested.T)
    return within > KEPT * total


def _by(groups: Ints, values: Floats) -> Floats:
    return np.column_stack([np.bincount(groups, column) for column in values.T]).astype(np.float64)


def _numbered(names: Sequence[Hashable]) -> Ints:
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.intp)
