"""Displacements of both domains in one compact linear basis, from any data sets of one topology."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ..data.sequence import DataSet, apex
from ..solve.displacement_map import frontal_vertices
from ..solve.mapping import MM, importance

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

GAP_WEIGHT = 0.5  # of the squared error of the lip gap beside the mean squared error of the vertices
SKETCH = 1200  # frames of either domain that the basis is found from


@dataclass(frozen=True, eq=False)
class Space:
    """N vertices of the frontal face as R coordinates c: displacement = basis @ c, millimetres.

    |c|^2 is the error that training minimises: the mean over vertices of |d_v|^2, weighed by area and nearness to the
    lips, plus the squared change of the lip gap.
    """

    vertices: I32  # [N]
    basis: F32  # [3 N, R] millimetres
    inverse: F32  # [R, 3 N] coordinates of displacements in millimetres
    gap: F32  # [P, R] change of the height between the inner lips, millimetres

    def coordinates(self, displacements: F32) -> F32:
        """Coordinates [n, R] of displacements [n, V, 3] metres of the whole mesh."""
        return _rows(displacements, self.vertices) @ self.inverse.T

    def distances(self, coordinates: F32) -> F32:
        """How far each vertex moves, [n, N] millimetres."""
        moved = (coordinates @ self.basis.T).reshape(len(coordinates), -1, 3)
        return np.sqrt(np.square(moved).sum(axis=2))

    @staticmethod
    def of(head: HeadModel, data: tuple[DataSet, ...], *, dimensions: int) -> Space:
        """The principal displacements of all data, weighed as above; raises InputError for a wrong topology."""
        vertices = frontal_vertices(head)
        samples = [_rows(d, vertices) for set_ in data for d in _sketch(set_, len(head.v_template))]
        rows = np.concatenate(samples).astype(np.float64)
        weight = np.repeat(importance(head, vertices), 3)
        values, modes = np.linalg.eigh((rows * weight) @ rows.T)
        kept = np.argsort(values)[::-1][: min(dimensions, int((values > 1e-9 * values.max()).sum()))]
        basis = rows.T @ (modes[:, kept] / np.sqrt(values[kept]))  # orthonormal under `weight`
        inverse = basis.T * weight
        upper, lower = (np.searchsorted(vertices, head.lip_pairs[:, k]) for k in (0, 1))
        gap = basis[3 * upper + 1] - basis[3 * lower + 1]
        metric = np.eye(len(kept)) + GAP_WEIGHT / len(gap) * gap.T @ gap
        root = np.linalg.cholesky(metric).T
        unroot = np.linalg.inv(root)
        arrays = (basis @ unroot, root @ inverse, gap @ unroot)
        return Space(vertices, *(np.ascontiguousarray(a, np.float32) for a in arrays))


@dataclass(frozen=True, eq=False)
class Apex:
    """A sequence's strongest frame."""

    emotion: str
    name: str  # the data set's own name of the expression
    level: float
    coordinates: F32  # [R]


def frames(space: Space, data: DataSet, *, count: int) -> tuple[F32, list[Apex]]:
    """Coordinates [about `count`, R] of frames spread evenly over all sequences, and the apexes of expressions.

    Sequences whose expression comes and goes and is one of our emotions have an apex.
    """
    step = max(1, round(_frames(data) / count))
    rows, found = [], []
    for i, s in enumerate(data):
        displacements = s.displacements()
        rows.append(space.coordinates(displacements[i % step :: step]))
        if s.label and s.label.emotion and not s.label.held:
            strongest = apex(displacements)
            at_apex = space.coordinates(displacements[strongest : strongest + 1])[0]
            found.append(Apex(s.label.emotion, s.label.name, s.label.level, at_apex))
    return np.concatenate(rows), found


def _sketch(data: DataSet, vertices: int) -> Iterator[F32]:
    """About `SKETCH` frames of a data set."""
    for s in data.sequences[:: max(1, len(data) // (SKETCH // 8))]:
        d = s.displacements()
        if d.shape[1] != vertices:
            raise InputError(f"{data.kind}: expected the head's {vertices} vertices, found {d.shape[1]}")
        yield d[np.linspace(0, len(d) - 1, min(8, len(d))).astype(int)]


def _frames(data: DataSet) -> float:
    """About how many frames there are: only some sequences are read to find out."""
    some = data.sequences[:: max(1, len(data) // 40)]
    return float(np.mean([len(s.displacements()) for s in some])) * len(data)


def _rows(displacements: F32, vertices: I32) -> F32:
    """[n, 3 N] millimetres."""
    return (MM * displacements[:, vertices]).reshape(len(displacements), 3 * len(vertices))
