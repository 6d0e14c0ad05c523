"""Polylines of hair: growth over the scalp, and their conversion to chains of Gaussians."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .geometry import tangent, unit
from .surface import Figure

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Field:
    """A cloud of oriented surface points that hair follows and stays outside of."""

    points: F64
    normals: F64

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tree", KDTree(self.points))

    def at(self, p: F64, neighbours: int = 4) -> tuple[F64, F64, F64]:
        """Smoothed nearest surface point [n, 3], its normal, and the distance to the nearest point."""
        distance, index = self._tree.query(p, k=neighbours)  # pyright: ignore[reportAttributeAccessIssue]
        weight = 1 / (distance + 2e-4)
        weight /= weight.sum(1, keepdims=True)
        base = np.einsum("nk,nkc->nc", weight, self.points[index])
        return base, unit(np.einsum("nk,nkc->nc", weight, self.normals[index])), distance[:, 0]


Flow = Callable[[F64, F64, F64, I64], F64]  # (position, normal, direction, strand) -> wanted direction


def crawl(
    field: Field,
    roots: F64,
    first: F64,
    flow: Flow,
    *,
    height: Callable[[float, I64], F64],
    done: Callable[[F64, F64, float], NDArray[np.bool_]],
    step: float,
    steps: int,
    stiffness: float = 0.7,
) -> list[F64]:
    """Strands that run along the surface at `height(travelled, strand)` above it until `done`.

    `first` [n, 3] are the directions at the roots; `done(position, distance to the field, travelled)`.
    """
    n = len(roots)
    points = [[] for _ in range(n)]
    alive = np.arange(n)
    p = roots.copy()
    direction = unit(tangent(first, field.at(p)[1]))
    for k in range(steps):
        base, normal, distance = field.at(p[alive])
        p[alive] -= ((p[alive] - base) * normal).sum(1, keepdims=True) * normal
        lifted = p[alive] + height(k * step, alive)[:, None] * normal
        for strand, point in zip(alive.tolist(), lifted, strict=True):
            points[strand].append(point)
        kept = ~done(p[alive], distance, k * step)
        alive, normal = alive[kept], normal[kept]
        if not len(alive):
            break
        wanted = unit(tangent(flow(p[alive], normal, direction[alive], alive), normal))
        direction[alive] = unit(tangent(stiffness * direction[alive] + (1 - stiffness) * wanted, normal))
        p[alive] += step * direction[alive]
    return [np.array(s) for s in points]


def smoothed(strand: F64, passes: int) -> F64:
    """A polyline [k, 3] without kinks; the ends stay."""
    for _ in range(passes):
        strand[1:-1] = 0.25 * strand[:-2] + 0.5 * strand[1:-1] + 0.25 * strand[2:]
    return strand


def segments(points: F64, overlap: float = 0.6) -> tuple[F64, F64, F64, I64, F64]:
    """Pieces of equally long polylines [n, k, 3]: centre, direction, half length, polyline and position 0..1 on it."""
    return chain(list(points), overlap)


def chain(strands: list[F64], overlap: float = 0.6, longest: float = np.inf) -> tuple[F64, F64, F64, I64, F64]:
    """Pieces of polylines as in `segments`; a polyline is cut before a piece longer than `longest`."""
    centre, direction, half, owner, along = [], [], [], [], []
    for i, s in enumerate(strands):
        edge = np.diff(s, axis=0)
        length = np.linalg.norm(edge, axis=1)
        kept = (length > 1e-5) & (np.cumsum(length > longest) == 0)
        count = int(kept.sum())
        centre.append(0.5 * (s[:-1] + s[1:])[kept])
        direction.append(edge[kept] / length[kept, None])
        half.append(overlap * length[kept])
        owner.append(np.full(count, i))
        along.append(np.linspace(0, 1, count))
    return tuple(np.concatenate(c) for c in (centre, direction, half, owner, along))  # pyright: ignore[reportReturnType]


def rigid_scalp_triangles(figure: Figure, inside: NDArray[np.bool_]) -> I64:
    """Skin triangles among `inside` that no expression moves: hair hangs from these."""
    skin = figure.topology.triangles_of("skin")
    motion = np.max([np.linalg.norm(s, axis=1) for s in figure.shapes.values()], axis=0)
    still = motion[figure.topology.faces[skin]].max(1) < 0.4e-3
    return skin[inside & still]
