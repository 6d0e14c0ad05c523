"""Painted teeth, gums and tongue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .geometry import smoothstep, unit, vertex_normals
from .light import to_linear
from .noise import fractal_noise, throw_darts, value_noise
from .splats import Kind, Splats, discs
from .surface import Figure, neighbour_distance, scatter_candidates
from .teeth import CROWN_VERTICES

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
TOOTH_SPACING, TONGUE_SPACING = 0.80 * MM, 1.55 * MM
ENAMEL, GUM, TONGUE = (0.955, 0.93, 0.875), (0.70, 0.42, 0.41), (0.66, 0.38, 0.37)
GUM_ROWS, GUM_COLUMNS = 9, 170


def mouth(figure: Figure, rng: np.random.Generator) -> Splats:
    """Everything behind the lips."""
    parts = [_tongue(figure, rng)]
    for part, sign in (("teeth_upper", 1.0), ("teeth_lower", -1.0)):
        parts += [_teeth(figure, part, sign, rng), _gums(figure, part, sign)]
    return Splats.concatenate(parts)


def _sample(figure: Figure, part: str, spacing: float, rng: np.random.Generator) -> tuple[F64, F64, I64]:
    """Blue-noise points, normals and triangles on a part of the mesh; `spacing` in the finest avatar."""
    spacing = figure.coarseness * spacing
    vertices, own = figure.head.vertices, figure.topology.triangles_of(part)
    triangles = figure.topology.faces[own]
    index, weights = scatter_candidates(vertices, triangles, np.full(len(own), spacing), rng)
    position = np.einsum("nk,nkc->nc", weights, vertices[triangles[index]])
    kept = throw_darts(position, np.full(len(position), spacing))
    normals = vertex_normals(vertices, figure.topology.faces)[triangles[index[kept]]]
    return position[kept], unit(np.einsum("nk,nkc->nc", weights[kept], normals)), own[index[kept]]


def _tongue(figure: Figure, rng: np.random.Generator) -> Splats:
    position, normal, triangle = _sample(figure, "tongue", TONGUE_SPACING, rng)
    return discs(
        position,
        normal,
        0.62 * neighbour_distance(position, np.full(len(position), figure.coarseness * TONGUE_SPACING)),
        triangle=triangle,
        kind=Kind.MOUTH,
        albedo=to_linear(TONGUE) * np.exp(0.15 * fractal_noise(position, 900.0, 4, 2))[:, None],
        gloss=0.5,
        roughness=0.36,
    )


def _crowns(figure: Figure, part: str) -> F64:
    """Vertices by tooth [12, n, 3]."""
    return figure.head.vertices[figure.topology.parts[part]].reshape(-1, CROWN_VERTICES, 3)


def _teeth(figure: Figure, part: str, sign: float, rng: np.random.Generator) -> Splats:
    """Enamel, yellower towards the root and dimmer towards the back; only the sides that can be seen."""
    position, normal, triangle = _sample(figure, part, TOOTH_SPACING, rng)
    crowns = _crowns(figure, part)
    centres = crowns.mean(1)
    outward = unit((position - centres.mean(0)) * [1, 0, 1.2] + [0, 0, 0.004])
    seen = ((normal * outward).sum(1) > -0.15) | (np.abs(normal[:, 1]) > 0.75)
    position, normal, triangle = position[seen], normal[seen], triangle[seen]
    tooth = KDTree(centres).query(position)[1]
    low, high = crowns[tooth, :, 1].min(1), crowns[tooth, :, 1].max(1)
    root = (position[:, 1] - low) / (high - low)
    root = root if sign > 0 else 1 - root
    back = np.clip((centres[:, 2].max() - centres[tooth, 2]) / 0.03, 0, 1)
    albedo = to_linear(ENAMEL) * np.ones((len(position), 3))
    albedo *= 1 - (0.5 * smoothstep(0.45, 1, root))[:, None] * np.array([0.08, 0.18, 0.34])
    albedo *= 1 - (0.62 * smoothstep(0.1, 0.9, back))[:, None] * np.array([0.85, 0.9, 0.95])  # the cheeks shade them
    tone = 0.05 * fractal_noise(position, 900.0, 3) + 0.08 * value_noise(centres[tooth], 300.0, 2)
    return discs(
        position,
        normal,
        0.62 * neighbour_distance(position, np.full(len(position), figure.coarseness * TOOTH_SPACING)),
        triangle=triangle,
        kind=Kind.MOUTH,
        albedo=np.clip(albedo * np.exp(tone)[:, None], 0, 1),
        gloss=0.75,
        roughness=0.26,
    )


def _gums(figure: Figure, part: str, sign: float) -> Splats:
    """Rows of points around the roots, scalloped between the teeth."""
    crowns = _crowns(figure, part)
    crowns = crowns[np.argsort(crowns.mean(1)[:, 0])]
    t = np.linspace(0, len(crowns) - 1, int(GUM_COLUMNS / figure.coarseness))
    arch = np.stack([np.interp(t, np.arange(len(crowns)), crowns.mean(1)[:, k]) for k in range(3)], 1)
    height = np.interp(t, np.arange(len(crowns)), np.ptp(crowns[:, :, 1], axis=1))
    outward = unit(np.stack([arch[:, 0], 0 * t, arch[:, 2] - (arch[:, 2].min() - 0.012)], 1))
    between = 2 * np.abs((t + 0.5) % 1 - 0.5)  # 0 at the middle of a tooth, 1 between two
    position, normal = [], []
    for row in range(GUM_ROWS):
        rise = sign * (height * (0.30 - 0.13 * between) + 0.9 * MM * row)
        swell = 1.9 * MM + 0.8 * MM * np.sin(min(row, 5) / 10 * np.pi)
        position.append(arch + np.stack([0 * t, rise, 0 * t], 1) + outward * swell)
        normal.append(unit(outward + np.array([0, sign * (-0.35 if row < 2 else 0.1), 0])))
    points = np.concatenate(position)
    return discs(
        points,
        np.concatenate(normal),
        0.75 * MM,
        triangle=figure.triangle_near(points, part),
        kind=Kind.MOUTH,
        albedo=to_linear(GUM) * np.exp(0.12 * fractal_noise(points, 700.0, 8, 2))[:, None],
        thickness=0.4,
        gloss=0.5,
        roughness=0.35,
    )
