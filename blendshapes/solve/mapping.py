"""Blendshapes to the expression and jaw of the head in use: one fit per blendshape, or a solve for every frame."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.geometry import distance_to, vertex_areas
from ...avatars.head import HeadModel
from ...avatars.jaw import jaw_polynomial, jaw_terms
from ...core.maths import smoothstep

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

WIDEST = np.radians(30.0)  # of the jaw
BEYOND = np.radians(4.0)  # angles below 0 that are tried, so that the optimum is found where it is cut off
ANGLES = 35  # tried jaw angles
MOST = 10.0  # bound of an expression coefficient, standard deviations
RIDGE = 2e-5  # cost of a squared coefficient, relative to the mean squared motion of an expression mode
LIPS = 0.004, 0.020  # metres from the inner lips: vertices count `LIP_WEIGHT` times more nearer, once beyond
LIP_WEIGHT = 4.0
TYPICAL = 0.006  # metres
MM = 1e3


def importance(head: HeadModel, vertices: I32) -> F64:
    """How much each vertex counts in an error, [N] of sum 1: by its area and its nearness to the lips."""
    near, far = LIPS
    distances = distance_to(head, head.lip_pairs.reshape(-1), within=far)[vertices]
    close = smoothstep((far - distances) / (far - near))
    weight = vertex_areas(head)[vertices] * (1 + LIP_WEIGHT * close)
    return weight / weight.sum()


class FaceSurface:
    """Displacement of N vertices by exact skinning of the jaw, linear in what `features` tells of a face."""

    def __init__(self, head: HeadModel, vertices: I32) -> None:
        polynomial = jaw_polynomial(head, vertices)
        self.constant = polynomial.constant  # [5, N, 3]
        self.slope = polynomial.slope  # [3, N, 3, E]

    def __call__(self, expr: F64, jaw: F64) -> F64:
        """Displacements [n, N, 3] from the neutral face, metres, of expressions [n, E] and jaw angles [n]."""
        return (self.features(expr, jaw) @ self.columns.T).reshape(len(jaw), -1, 3)

    @property
    def columns(self) -> F64:
        """[3 N, F]: displacements are `columns @ features`."""
        size = self.constant[0].size
        return np.concatenate([self.constant.reshape(-1, size).T, *self.slope.reshape(3, size, -1)], axis=1)

    @staticmethod
    def features(expr: F64, jaw: F64) -> F64:
        """What the displacement is linear in, [n, F]: the jaw's terms, and their products with the expression."""
        first, second = jaw_terms(jaw)
        return np.concatenate([second, (first[:, :, None] * expr[:, None]).reshape(len(expr), -1)], axis=1)


@dataclass(frozen=True, eq=False)
class LinearMap:
    """Each blendshape fitted once: expression and jaw are linear in the coefficients."""

    expr: F64  # [K, E]
    jaw: F64  # [K]

    def __call__(self, weights: F64) -> tuple[F64, F64]:
        """Expression [n, E] and jaw [n] of coefficients [n, K]."""
        return np.clip(weights @ self.expr, -MOST, MOST), np.clip(weights @ self.jaw, 0, WIDEST)


class FrameSolver:
    """min over expr, jaw of |surface(expr, jaw) - B w|^2 + ridge |expr|^2 for every frame, without iterations.

    For a fixed jaw angle the problem is linear: the best expression is P(jaw) [w, 1] and its cost a quadratic form of
    [w, 1]. Both are prepared for `ANGLES` angles; the zero of the cost's slope is found by linear interpolation, and so
    is P. Expressions are bounded by `MOST`, the jaw by 0 and `WIDEST`.
    """

    def __init__(self, surface: FaceSurface, bases: NDArray[np.floating], weight: F64) -> None:
        """`bases` [N, 3, K] metres per unit; `weight` [N] says how much each vertex counts."""
        self._angles = np.linspace(-BEYOND, WIDEST, ANGLES)
        known: F64 = bases.astype(np.float64)
        self._scales = TYPICAL / np.maximum(np.linalg.norm(known, axis=1).max(axis=0), 1e-9)
        root = np.sqrt(np.repeat(weight / weight.sum(), 3))[:, None]
        columns = root * known.reshape(len(root), -1)
        slope = root * surface.slope.reshape(3, len(root), -1)
        modes = slope.shape[2]
        ridge = RIDGE * np.square(slope[0]).sum() / modes * np.eye(modes)
        # All angles share the products of a few columns: the surface is a sum of parts, each times a number.
        parts = np.concatenate([*slope, columns, root * surface.constant.reshape(len(surface.constant), -1).T], axis=1)
        products = parts.T @ parts
        turned = len(slope) * modes
        by_slope, by_constant = jaw_terms(self._angles)  # [G, 3], [G, 5]
        wanted = np.zeros((ANGLES, products.shape[0] - turned, columns.shape[1] + 1))
        wanted[:, : columns.shape[1], :-1] = np.eye(columns.shape[1])
        wanted[:, columns.shape[1] :, -1] = -by_constant
        moved = products[:turned].reshape(len(slope), modes, -1)  # of each part of the slope
        force = np.tensordot(by_slope, moved[..., turned:], 1) @ wanted  # [G, E, K + 1]
        pairs = moved[..., :turned].reshape(len(slope), modes, len(slope), modes)
        system = np.einsum("gi,gj,iajb->gab", by_slope, by_slope, pairs, optimize=True) + ridge
        solution = np.linalg.solve(system, force)
        self._solutions = np.ascontiguousarray(solution.swapaxes(1, 2))  # [G, K + 1, E]
        given = products[turned:, turned:]
        cost = wanted.swapaxes(1, 2) @ given @ wanted - force.swapaxes(1, 2) @ solution
        self._slopes = cost[1:] - cost[:-1]  # [G - 1, K + 1, K + 1]

    def __call__(self, weights: F64) -> tuple[F64, F64]:
        """Expression [n, E] and jaw [n] of coefficients [n, K]."""
        jaw = self._jaw(weights)
        return self._expression(weights, jaw), jaw

    def linear(self) -> LinearMap:
        """The map that fits each blendshape once, where it moves some vertex by `TYPICAL`."""
        scales = self._scales
        expr, jaw = self(np.diag(scales))
        negative_expr, negative_jaw = self(-np.diag(scales))
        opens = jaw >= negative_jaw  # a blendshape may open the jaw by its negative
        expr = np.where(opens[:, None], expr, -negative_expr)
        jaw = np.where(opens, jaw, -negative_jaw)
        return LinearMap(expr / scales[:, None], jaw / scales)

    def _jaw(self, weights: F64) -> F64:
        """Where the cost stops falling, [n]; continuous in the weights."""
        known = np.concatenate([weights, np.ones((len(weights), 1))], axis=1)
        slopes = np.einsum("nk,gkl,nl->ng", known, self._slopes, known, optimize=True)
        middle = (self._angles[1:] + self._angles[:-1]) / 2
        rising = np.concatenate([slopes > 0, np.ones((len(slopes), 1), bool)], axis=1).argmax(axis=1)
        after = np.clip(rising, 1, len(middle) - 1)
        frame = np.arange(len(slopes))
        low, high = slopes[frame, after - 1], slopes[frame, after]
        share = np.clip(-low / np.where(np.abs(high - low) > 0, high - low, 1), 0, 1)
        return np.clip(middle[after - 1] + share * (middle[after] - middle[after - 1]), 0, WIDEST)

    def _expression(self, weights: F64, jaw: F64) -> F64:
        known = np.concatenate([weights, np.ones((len(weights), 1))], axis=1)
        position = (jaw - self._angles[0]) / (self._angles[1] - self._angles[0])
        cell = np.minimum(position.astype(np.int64), ANGLES - 2)
        share = (position - cell)[:, None]
        expr = np.empty((len(jaw), self._solutions.shape[2]))
        for c in sorted(set(cell.tolist())):  # a mouth passes few cells in one chunk
            here = cell == c
            low, high = known[here] @ self._solutions[c], known[here] @ self._solutions[c + 1]
            expr[here] = low + share[here] * (high - low)
        return np.clip(expr, -MOST, MOST)


def mapping_error(surface: FaceSurface, bases: NDArray[np.floating], weights: F64, expr: F64, jaw: F64) -> F64:
    """Mean distance of the vertices from what the blendshapes say, per frame, [n] millimetres."""
    wanted = np.einsum("vck,nk->nvc", bases, weights, optimize=True)
    return MM * np.linalg.norm(surface(expr, jaw) - wanted, axis=2).mean(axis=1)
