"""A crew-neck shirt: a ribbed collar along level lines of the neck, and cloth over the chest."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import interpolate, isoline, smoothstep, unit
from .light import to_linear
from .noise import fractal_noise, value_noise
from .splats import Kind, Splats, discs, fibres
from .surface import Figure, Samples

F64 = NDArray[np.float64]

MM = 1e-3
COLLAR_TOP, COLLAR_END, COLLAR_STEP = -0.4 * MM, 17.0 * MM, 0.82 * MM  # depths of the lines below the collar's edge
COLLAR_WIDTH = 15.5 * MM
STITCH = 1.15 * MM  # length of a collar Gaussian
RIB = 2.6 * MM  # period of the ribs
CLOTH_SPACING, LINING_SPACING = 4.4 * MM, 7.5 * MM
# how far the cloth stands off the skin, by depth below the edge
STAND_OFF = {-1 * MM: 0.2 * MM, 0: 1.0 * MM, 1.5 * MM: 2.4 * MM, 13 * MM: 2.6 * MM, 17 * MM: 3.2 * MM}
DROP = 0.060  # of the collar's edge below the chin's foremost point


def collar_depth(figure: Figure, points: F64) -> F64:
    """Metres below the collar's edge; negative above it. The edge falls towards the front, rises at the sides."""
    edge = figure.chin[1] - DROP - 0.15 * np.clip(points[:, 2] + 0.03, -0.1, 0.1)
    return edge + 0.02 * smoothstep(0.03, 0.09, np.abs(points[:, 0])) - points[:, 1]


def clothes(figure: Figure, rng: np.random.Generator) -> Splats:
    """The shirt."""
    return Splats.concatenate([_collar(figure), _cloth(figure, rng), _lining(figure, rng)])


def _colour(figure: Figure, tone: F64) -> F64:
    return np.clip(to_linear(figure.person.look.cloth) * np.exp(tone)[:, None], 0, 1)


def _collar(figure: Figure) -> Splats:
    """Short threads along the lines of equal depth, brighter on the ribs."""
    field = collar_depth(figure, figure.vertices)
    rows = []
    for depth in np.arange(COLLAR_TOP, COLLAR_END, figure.coarseness * COLLAR_STEP):
        start, end, triangle = isoline(figure.vertices, figure.triangles, field, depth)
        pieces = np.maximum(1, np.round(np.linalg.norm(end - start, axis=1) / (figure.coarseness * STITCH))).astype(int)
        index = np.repeat(np.arange(len(start)), pieces)
        first = np.cumsum(pieces) - pieces
        t = (np.arange(len(index)) - first[index] + 0.5) / pieces[index]
        along = (end - start)[index]
        skin = start[index] + t[:, None] * along
        normal = unit(figure.normals[figure.triangles[triangle[index]]].mean(1))
        length = np.linalg.norm(along, axis=1) / pieces[index]
        rows.append((skin, normal, unit(along), length, triangle[index], np.full(len(index), depth)))
    skin, normal, along, length, triangle, depth = (np.concatenate(c) for c in zip(*rows, strict=True))
    position = skin + normal * interpolate(depth, STAND_OFF)[:, None]
    azimuth = np.arctan2(position[:, 0], position[:, 2] + 0.03) * 0.065 / RIB * 2 * np.pi
    edge = np.exp(-(((depth - 0.4 * MM) / (0.8 * MM)) ** 2)) + np.exp(-(((depth - COLLAR_WIDTH) / (0.9 * MM)) ** 2))
    tone = (
        0.10 * np.cos(azimuth) * smoothstep(1 * MM, 3 * MM, depth) - 0.28 * edge + 0.05 * value_noise(skin, 1200.0, 8)
    )
    # the edge curls back to the neck
    up = np.array([0, 1.0, 0])
    shading = unit(normal + up * np.exp(-depth / (1.2 * MM))[:, None])
    half_width = figure.coarseness * 0.66 * MM
    scale = np.column_stack([0.75 * np.maximum(length, 0.5 * MM), np.tile([half_width, 0.25 * MM], (len(skin), 1))])
    splats = fibres(
        position,
        along,
        scale,
        normal=shading,
        triangle=figure.nearest_triangle(skin, triangle),
        kind=Kind.CLOTH,
        albedo=_colour(figure, tone),
        opacity=0.97,
    )
    return splats


def _lining(figure: Figure, rng: np.random.Generator) -> Splats:
    """Dark discs on the skin below the collar, which stop the background from shining through where the cloth bends."""
    below = collar_depth(figure, figure.centres) > 13 * MM
    samples = _sample(figure, below, LINING_SPACING, rng)
    return discs(
        samples.position,
        samples.normal,
        0.8 * samples.spacing,
        triangle=samples.triangle,
        kind=Kind.CLOTH,
        albedo=_colour(figure, np.full(len(samples), -0.5)),
        depth=0.5 * MM,
        roughness=0.8,
    )


def _sample(figure: Figure, below: NDArray[np.bool_], spacing: float, rng: np.random.Generator) -> Samples:
    """Points on the triangles `below` the collar, as dense for coarse people: large discs would blur the outline."""
    return figure.sample(np.where(below, spacing / figure.coarseness, np.inf), rng)


def _cloth(figure: Figure, rng: np.random.Generator) -> Splats:
    """Woven cloth with soft folds."""
    below = collar_depth(figure, figure.centres) > COLLAR_WIDTH - 2 * MM
    samples = _sample(figure, below, CLOTH_SPACING, rng)
    p, n = samples.position, samples.normal
    folds = 2.2 * MM * fractal_noise(p * [1, 0.4, 1], 38.0, 77)
    position = p + n * (interpolate(collar_depth(figure, p), STAND_OFF) + folds)[:, None]
    tone = 0.10 * value_noise(p, 1300.0, 8) + 0.10 * fractal_noise(p, 60.0, 14)
    return discs(
        position,
        n,
        0.8 * samples.spacing,
        triangle=samples.triangle,
        kind=Kind.CLOTH,
        albedo=_colour(figure, tone),
        gloss=0.15,
        roughness=0.8,
    )
