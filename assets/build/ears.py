"""Ears: redder along the rims, where light comes through, darker in the hollows, with the mouth of the canal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .geometry import bell, smoothstep
from .surface import Figure

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
NEAR = 60  # fine vertices around one that tell whether it lies in a hollow
ALIKE = 0.2  # least cosine of their normals: not the other side of the ear
FINE, WIDE = 1.8 * MM, 4.5 * MM  # over which hollows are looked for: between helix and antihelix, the concha
RIM = np.array([-0.02, 0.18, 0.15])  # taken by blood along rims and on the lobe
HOLLOW = np.array([0.30, 0.42, 0.43])  # taken in hollows, which light reaches by way of red flesh
CANAL, CANAL_RADIUS = np.array([0.72, 0.83, 0.84]), 2.1 * MM
CANAL_PLACE, CANAL_ROOM = np.array([0, 0.34, 0.62]), 0.16  # in units of the ear, upwards and forwards: around there


def tinted_ears(figure: Figure, points: F64, fine: I64, ears: F64, albedo: F64) -> F64:
    """Albedo [n, 3] in an ear's colours where a share `ears` [n] of the points [n, 3] on fine triangles [n] is ear."""
    rows = np.flatnonzero(ears > 0.05)
    if not len(rows):
        return albedo
    vertices, hollow, wide = _hollows(figure)
    place = np.full(len(figure.vertices), -1)
    place[vertices] = np.arange(len(vertices))
    corners = place[figure.triangles[fine[rows]]]
    known = (corners >= 0).all(1)
    rows, corners = rows[known], corners[known]
    deep = smoothstep(0.05, 0.55, hollow[corners].mean(1) / MM)
    rim = smoothstep(0.0, -0.45, hollow[corners].mean(1) / MM)
    canal = np.max([bell(points[rows], c, CANAL_RADIUS) for c in _canals(figure, vertices, wide)], axis=0)
    taken = rim[:, None] * RIM + deep[:, None] * HOLLOW
    out = albedo.copy()
    out[rows] *= (1 - ears[rows, None] * taken) * (1 - (ears[rows] * canal)[:, None] * CANAL)
    return out


def _hollows(figure: Figure) -> tuple[I64, F64, F64]:
    """Fine vertices of the ears, and how deep each lies [n] below what is around it, narrowly and widely, metres."""
    vertices = np.unique(figure.triangles[figure.triangle_masks["ears"] > 0.02])
    p, normals = figure.vertices[vertices], figure.normals[vertices]
    distance, near = KDTree(p).query(p, k=min(NEAR, len(p)))
    arms = ((p[near] - p[:, None]) * normals[:, None]).sum(-1)
    alike = (normals[near] * normals[:, None]).sum(-1) > ALIKE
    depths = []
    for width in (FINE, WIDE):
        weight = np.exp(-0.5 * (distance / width) ** 2) * alike
        depths.append((weight * arms).sum(1) / weight.sum(1))
    return vertices, depths[0], depths[1]


def _canals(figure: Figure, vertices: I64, wide: F64) -> list[F64]:
    """Where the canals open: the deepest place of the concha behind the tragus."""
    out = []
    p, normals = figure.vertices[vertices], figure.normals[vertices]
    ear = np.isin(vertices, figure.triangles[figure.triangle_masks["ears"] > 0.3])
    for sign in (1, -1):
        own = ear & (sign * p[:, 0] > 0.04)
        low, high = p[own].min(0), p[own].max(0)
        share = (p - low) / (high - low)
        behind = own & (sign * normals[:, 0] > ALIKE) & (np.abs(share - CANAL_PLACE)[:, 1:] < CANAL_ROOM).all(1)
        deepest = np.flatnonzero(behind)[np.argsort(-wide[behind])[:8]]
        out.append(p[deepest].mean(0))
    return out
