"""Painted teeth, gums and tongue."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .enamel import Crown, enamel
from .geometry import smoothstep, unit, vertex_normals
from .light import to_linear
from .noise import fractal_noise, throw_darts, value_noise
from .splats import Kind, Splats, discs
from .surface import Figure, neighbour_distance, scatter_candidates
from .teeth import CROWN_VERTICES, TEETH_PER_SIDE

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
TOOTH_SPACING, TONGUE_SPACING = 0.55 * MM, 1.55 * MM
ENAMEL, GUM, TONGUE = (0.965, 0.93, 0.86), (0.70, 0.42, 0.41), (0.66, 0.38, 0.37)
CORE = 0.72  # brightness inside the teeth
CHEEK_SHADE = (1.0, 0.97, 0.86, 0.66, 0.46, 0.30)  # light left on each tooth, from the middle to the back
COARSER = (1.0, 1.0, 1.0, 1.15, 1.5, 2.0)  # spacing on each tooth
GUM_ROWS, GUM_COLUMNS = 7, 130


def mouth(figure: Figure, rng: np.random.Generator) -> Splats:
    """Everything behind the lips."""
    rows = [_teeth(figure, part, rng) for part in ("teeth_upper", "teeth_lower")]
    gums = [_gums(figure, part, sign) for part, sign in (("teeth_upper", 1.0), ("teeth_lower", -1.0))]
    cores = [_cores(figure, part) for part in ("teeth_upper", "teeth_lower")]
    return Splats.concatenate([_tongue(figure, rng), *rows, *cores, *gums])


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
    groove = np.exp(-0.5 * ((position[:, 0] - position[:, 0].mean()) / (1.3 * MM)) ** 2)
    papillae = 0.16 * value_noise(position, 1100.0, 12) + 0.15 * fractal_noise(position, 500.0, 4, 2)
    coat = 0.18 * fractal_noise(position, 140.0, 5, 2)  # a paler film in the middle
    return discs(
        position,
        normal,
        0.62 * neighbour_distance(position, np.full(len(position), figure.coarseness * TONGUE_SPACING)),
        triangle=triangle,
        kind=Kind.MOUTH,
        albedo=to_linear(TONGUE)
        * np.exp(papillae - 0.35 * groove)[:, None]
        * (1 + np.clip(coat, -0.3, 0.3)[:, None] * np.array([0.3, 1.0, 1.0])),
        gloss=1.3 + 0.7 * value_noise(position, 900.0, 13),
        roughness=0.36,
    )


def _crowns(figure: Figure, part: str) -> F64:
    """Vertices by tooth [12, n, 3]."""
    return figure.head.vertices[figure.topology.parts[part]].reshape(-1, CROWN_VERTICES, 3)


def _teeth(figure: Figure, part: str, rng: np.random.Generator) -> Splats:
    """Enamel, tooth by tooth: only the sides that can be seen."""
    crowns = _crowns(figure, part)
    spacing = figure.coarseness * TOOTH_SPACING
    teeth = [
        enamel(Crown.of(v, i % TEETH_PER_SIDE), spacing * COARSER[i % TEETH_PER_SIDE], rng)
        for i, v in enumerate(crowns)
    ]
    position, normal, radius, side, height = (
        np.concatenate([getattr(t, name) for t in teeth]) for name in ("position", "normal", "radius", "side", "height")
    )
    tooth = np.repeat(np.arange(len(teeth)), [len(t.position) for t in teeth])
    return discs(
        position,
        normal,
        0.74 * radius,
        triangle=figure.triangle_near(position, part),
        kind=Kind.MOUTH,
        albedo=_enamel_colour(figure, position, tooth, side, height),
        gloss=3.0,
        roughness=0.26,
    )


def _cores(figure: Figure, part: str) -> Splats:
    """The inside of the teeth, so that nothing behind the head shines through at their edges."""
    crowns = [Crown.of(v, i % TEETH_PER_SIDE) for i, v in enumerate(_crowns(figure, part))]
    across, up = (a.ravel() for a in np.meshgrid([-0.33, 0.0, 0.33], [0.3, 0.15, 0.0, -0.15, -0.28]))
    grid = np.stack([across, np.full(len(across), -0.2), up], 1)
    position = np.concatenate([c.centre + (grid * c.size) @ c.axes for c in crowns])
    shade = np.repeat([CORE * CHEEK_SHADE[c.index] for c in crowns], len(grid))
    return discs(
        position,
        np.repeat([c.axes[1] for c in crowns], len(grid), axis=0),
        np.repeat([0.2 * c.size[0] for c in crowns], len(grid)),
        triangle=figure.triangle_near(position, part),
        kind=Kind.MOUTH,
        albedo=to_linear(ENAMEL) * np.array([1, 0.86, 0.74]) * shade[:, None],
        thickness=0.15,
    )


def _enamel_colour(figure: Figure, position: F64, tooth: I64, side: F64, height: F64) -> F64:
    """Warm at the neck, bluish and clear at the biting edge; canines are the yellowest, the back lies in shadow."""
    index = tooth % TEETH_PER_SIDE
    tint = np.random.default_rng(figure.person.seed).normal(size=24)[tooth]
    albedo = to_linear(ENAMEL) * np.exp(0.05 * tint + 0.04 * fractal_noise(position, 700.0, 3))[:, None]
    yellow = 0.55 * smoothstep(0.75, 0.2, height) + 0.30 * (index == 2) + 0.12 * (index > 2) + 0.08 * tint
    albedo *= 1 - np.clip(yellow, 0, 1)[:, None] * np.array([0.06, 0.15, 0.34])
    clear = (index < 3) * smoothstep(0.80, 0.97, height) * (0.75 + 0.25 * smoothstep(0.2, 0.8, side))
    albedo *= 1 - clear[:, None] * np.array([0.34, 0.27, 0.20])
    albedo *= 1 - (0.55 * smoothstep(0.82, 1.0, side))[:, None] * np.array([0.75, 0.92, 1.0])  # neighbours shade it
    return albedo * np.array(CHEEK_SHADE)[index, None] * np.array([1, 0.97, 0.95])[None] ** index[:, None]


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
