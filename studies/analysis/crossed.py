"""Effects when participants and clips are both samples, of which new ones might have been drawn.

The model is a linear mixed model that is maximal in what is tested (Barr, Levy, Scheepers and Tily, 2013): the effect
has a random slope by participant and one by clip, beside its residual; intercepts of participants and clips are taken
out. Its three variances follow from sums of squares within participants, within clips, and of what is left, whose
expected values are worked out for the very trials that were answered, so that they are unbiased whatever is missing. In
a complete crossing these are the mean squares of Winer's (1971) and Clark's (1973) quasi-F ratio.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from .calibration import FEW, Floats, MeanSquares, Variance, variance_of

Ints = NDArray[np.intp]
ROUNDING = 1e-10  # of the largest answer: what differs by less does not differ
TINY = 1e-12
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
    """Mean squares of orthonormal columns [N, q] with the residuals [N], and the sphericity of what they add up to.

    Sums of squares are set equal to what they contain on average, and solved for the variances of slopes and the rest.
    """
    cells = _Cells(crossing)
    split = [cells.split(x * rest) for x in columns.T]
    by_person, by_clip, left = (np.column_stack(sums) for sums in zip(*split, strict=True))
    square = _sum_of([cells.expected(x, columns, basis) for x in columns.T])
    q = columns.shape[1]
    df_p, df_c, df_e = square.df
    if crossing.sizes[1] < 2 or df_c < 0.5 or df_e < 0.5:  # one clip: all that is left are participants
        people = float((by_person**2).sum()) / square.pp * square.share_p / q if df_p else 0.0
        return MeanSquares(people, 0.0, 0.0, df_p, 0.0, 0.0), _epsilon(by_person.T @ by_person, df_p / q)
    found_p, found_c, found_e = (float((sums**2).sum()) for sums in (by_person, by_clip, left))
    residual = found_e / square.e
    contained = [[square.pp, square.pc], [square.pc, square.cc]]
    slopes = np.linalg.solve(contained, [found_p - residual * square.p, found_c - residual * square.c])
    people, clips = (max(residual + v / q, 0.0) for v in slopes * (square.share_p, square.share_c))
    together = by_person.T @ by_person + by_clip.T @ by_clip
    return MeanSquares(people, clips, residual, df_p, df_c, df_e), _epsilon(together, (df_p + df_c) / q)


@dataclass(frozen=True)
class _Expected:
    """What sums of squares contain, per unit of variance: of slopes by participants and clips, and of single "
    "answers."""

    pp: float  # the sum within participants of slopes by participants
    pc: float  # of slopes by clips, which is also the sum within clips of slopes by participants
    cc: float
    p: float  # the sum within participants of single answers
    c: float
    e: float  # the sum of the rest of single answers
    share_p: float  # variance of the coefficient by slopes of participants
    share_c: float
    cells: int

    @property
    def df(self) -> tuple[float, float, float]:
        """Degrees of freedom of participants, clips and the rest."""
        people = self.p**2 / self.pp if self.pp > TINY else 0.0
        clips = self.c**2 / self.cc if self.cc > TINY else 0.0
        return people, clips, self.e * self.cells


class _Cells:
    """The cells of participant and clip that have answers."""

    def __init__(self, crossing: Crossing) -> None:
        self._people, clips = crossing.sizes
        met, self._cell = np.unique(crossing.participants * clips + crossing.clips, return_inverse=True)
        who, what = np.divmod(met, clips)
        self._dummies = np.zeros((len(met), self._people + clips))
        self._dummies[np.arange(len(met)), who] = 1
        self._dummies[np.arange(len(met)), self._people + what] = 1
        self._inverse = np.linalg.pinv(self._dummies.T @ self._dummies, hermitian=True)

    def split(self, values: Floats) -> tuple[Floats, Floats, Floats]:
        """Sums of values [N] within participants, within clips, and those of cells without what these two add."""
        sums = np.bincount(self._cell, values)
        by_group = self._dummies.T @ sums
        left = sums - self._dummies @ (self._inverse @ by_group)
        return by_group[: self._people], by_group[self._people :], left

    def expected(self, x: Floats, columns: Floats, basis: _Basis) -> _Expected:
        """Of the sums for one of the orthonormal columns, when columns and nuisance have been taken out of the "
        "answers."""
        own = np.bincount(self._cell, x * x)
        nuisance = basis.sums(x, self._cell, len(own))
        tested = np.column_stack([np.bincount(self._cell, x * column) for column in columns.T])
        explained = (nuisance @ basis.inverse, tested)
        by_group = self._dummies.T @ (own[:, None] * self._dummies)
        for left, right in zip(explained, (nuisance, tested), strict=True):
            by_group -= (self._dummies.T @ left) @ (self._dummies.T @ right).T
        total = own.sum() - float(np.sum(explained[0] * nuisance)) - float(np.sum(tested**2))
        n = self._people
        shares = (self._dummies.T @ own) ** 2
        return _Expected(
            pp=float((by_group[:n, :n] ** 2).sum()),
            pc=float((by_group[:n, n:] ** 2).sum()),
            cc=float((by_group[n:, n:] ** 2).sum()),
            p=float(np.trace(by_group[:n, :n])),
            c=float(np.trace(by_group[n:, n:])),
            e=total - float(np.sum(self._inverse * by_group)),
            share_p=float(shares[:n].sum()),
            share_c=float(shares[n:].sum()),
            cells=len(own),
        )


def _sum_of(parts: Sequence[_Expected]) -> _Expected:
    """Of all columns together."""
    sums = {f.name: sum(getattr(part, f.name) for part in parts) for f in fields(_Expected)}
    return replace(_Expected(**sums), cells=parts[0].cells)


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


def _numbered(names: Sequence[Hashable]) -> Ints:
    numbers = {name: i for i, name in enumerate(dict.fromkeys(names))}
    return np.array([numbers[name] for name in names], dtype=np.intp)
