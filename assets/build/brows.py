"""Eyebrows, hair by hair over a soft tint."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import interpolate, smoothstep, tangent, unit
from .light import to_linear
from .noise import value_noise
from .splats import Kind, Splats, discs, fibres
from .strands import segments
from .surface import Figure

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
BROW_HAIRS, STRAYS = 780, 40  # per side
# by position along the brow, 0 at the nose, 1 at the temple
BROW_X = {0: -16.0 * MM, 0.3: -4.0 * MM, 0.65: 9.5 * MM, 1: 21.5 * MM}  # from the eye's centre, outwards
BROW_Y = {0: 15.3 * MM, 0.15: 16.5 * MM, 0.3: 17.5 * MM, 0.65: 18.9 * MM, 0.85: 18.0 * MM, 1: 16.2 * MM}
BROW_HALF_WIDTH = {0: 1.8 * MM, 0.12: 2.3 * MM, 0.5: 2.1 * MM, 0.8: 1.4 * MM, 1: 0.5 * MM}
BROW_ANGLE = {0: 70.0, 0.15: 50.0, 0.5: 20.0, 0.75: 2.0, 1: -20.0}  # of the hairs, degrees above outwards
BROW_FAN = {0: 6.0, 0.3: 22.0, 0.7: 20.0, 1: 10.0}  # degrees by which the edges turn to the middle
BROW_LENGTH = {0: 4.2 * MM, 0.2: 6.0 * MM, 0.7: 5.4 * MM, 1: 3.4 * MM}
BROW_THICKNESS = 0.095 * MM
BROW_TINT, TINT_SPACING = 0.15, 1.5 * MM  # opacity and spacing of the shade between the hairs


def brows(figure: Figure, rng: np.random.Generator) -> Splats:
    """Both eyebrows."""
    return Splats.concatenate([part for side in (0, 1) for part in (_tint(figure, side), _brow(figure, side, rng))])


def _brow_skin(figure: Figure, side: int, t: F64, across: F64) -> tuple[F64, F64, I64]:
    """Points, normals [n, 3] and triangles of the skin under a brow, along it and across it (-1..1)."""
    eye, sign = figure.head.eyes[side], (1.0, -1.0)[side]
    x = abs(eye[0]) + interpolate(t, BROW_X)
    y = eye[1] + interpolate(t, BROW_Y) + across * interpolate(t, BROW_HALF_WIDTH) * figure.person.look.brow_width
    fine, z, normal = figure.skin_scene.hit_from_front(np.stack([sign * x, y], 1))
    points = np.stack([sign * x, y, z], 1)
    return points, normal, figure.nearest_triangle(points, fine)


def _tint(figure: Figure, side: int) -> Splats:
    """The soft shade of the roots on the skin."""
    length = (BROW_X[1] - BROW_X[0]) / TINT_SPACING
    t, across = (a.ravel() for a in np.meshgrid(np.linspace(0.03, 0.97, round(length)), [-0.5, 0.5]))
    points, normal, triangle = _brow_skin(figure, side, t, across)
    fade = smoothstep(-0.02, 0.22, t) * (1 - 0.6 * smoothstep(0.65, 1, t))
    return discs(
        points + 0.15 * MM * normal,
        normal,
        0.62 * (TINT_SPACING + interpolate(t, BROW_HALF_WIDTH)) * 0.6,
        triangle=triangle,
        kind=Kind.BROW,
        albedo=np.tile(0.75 * to_linear(figure.person.look.brows), (len(t), 1)),
        opacity=BROW_TINT * fade,
    )


def _brow(figure: Figure, side: int, rng: np.random.Generator) -> Splats:
    """Its hairs: upwards at the nose, then along the brow, those of both edges towards its middle."""
    fewer = figure.coarseness**0.7
    sign, n = (1.0, -1.0)[side], round((BROW_HAIRS + STRAYS) / fewer)
    stray = np.arange(n) >= n * BROW_HAIRS / (BROW_HAIRS + STRAYS)
    t = rng.beta(1.45, 1.2, n)
    # dense in the middle, thinning out towards both edges
    across = np.where(stray, rng.uniform(-2.1, 1.7, n), np.clip(0.52 * rng.normal(size=n), -1.25, 1.25))
    # it begins and ends nowhere in particular
    root, normal, triangle = _brow_skin(figure, side, t + 0.03 * rng.normal(size=n), across)
    edge = np.clip(across, -1.2, 1.2)
    angle = interpolate(t, BROW_ANGLE) - edge * interpolate(t, BROW_FAN)
    angle += 9 * value_noise(root, 420.0, 5) + np.where(stray, 16, 7) * rng.normal(size=n)  # tufts lean together
    bend = angle - np.sign(edge) * rng.uniform(4, 22, n)
    first, last = (
        unit(tangent(np.stack([sign * np.cos(a), np.sin(a), np.zeros(n)], 1), normal))
        for a in (np.radians(angle), np.radians(bend))
    )
    length = (interpolate(t, BROW_LENGTH) * rng.uniform(0.5, 1.15, n) * np.where(stray, 0.6, 1))[:, None]
    droop = np.array([0, -0.3 * MM, 0])
    middle = root + 0.5 * length * first + 0.7 * MM * normal
    points = np.stack([root + 0.1 * MM * normal, middle, middle + 0.5 * length * last + 0.1 * MM * normal + droop], 1)
    position, direction, half, hair, u = segments(points)
    thin = BROW_THICKNESS * fewer**0.6 * rng.uniform(0.7, 1.2, n)[hair] * (1.05 - 0.6 * u)
    tone = np.exp(0.35 * rng.normal(size=n))[hair]
    ends = (
        smoothstep(-0.10, 0.30, t) * (1 - 0.5 * smoothstep(0.7, 1, t)) * (1 - 0.35 * np.abs(edge)) * (1 - 0.4 * stray)
    )
    return fibres(
        position,
        direction,
        np.stack([half, thin, thin], 1),
        normal=normal[hair],
        triangle=triangle[hair],
        kind=Kind.BROW,
        albedo=to_linear(figure.person.look.brows) * tone[:, None],
        opacity=np.clip(0.47 * ends[hair] * (1 - 0.55 * u), 0, 1),
    )
