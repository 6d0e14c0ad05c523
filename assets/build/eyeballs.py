"""Painted eyeballs: iris, pupil, limbus, veined sclera, and catchlights on the cornea."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .eyes import BULGE, profile
from .geometry import smoothstep, sphere_directions, unit
from .light import to_linear
from .noise import fractal_noise, value_noise
from .splats import Kind, Splats, discs
from .surface import Figure

F64 = NDArray[np.float64]

MM = 1e-3
IRIS, PUPIL = 0.405, 0.150  # polar angles of their rims
VISIBLE = 1.8  # polar angle beyond which the socket hides the ball at any gaze
RECESS = 0.982  # painted surface in eyeball radii: keeps clear of the lids
FINE, COARSE, BACK = 0.38 * MM, 0.75 * MM, 1.05 * MM  # spacing on the iris, the sclera and its far side
SCLERA = (0.755, 0.72, 0.695)
# catchlights: direction on the cornea (x, y), polar angle, radius, opacity, brightness
CATCHLIGHTS = (((0.62, 0.55), 0.20, 0.50 * MM, 0.62, 1.0), ((-0.75, -0.35), 0.27, 0.75 * MM, 0.05, 0.9))
CATCHLIGHT_RINGS = ((0.0, 1), (0.55, 6), (1.0, 11))  # share of the radius, Gaussians
IRIS_SHADE = 0.45  # by which the upper iris is darker, under the lid and the lashes


def eyeballs(figure: Figure) -> Splats:
    """Both eyes."""
    sides = ("left_eye", "right_eye")
    return Splats.concatenate(
        [part for i, name in enumerate(sides) for part in (_ball(figure, i, name), _catchlights(figure, i, name))]
    )


def _ball(figure: Figure, side: int, part: str) -> Splats:
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    layers = []
    coarse, back = figure.coarseness * COARSE, figure.coarseness * BACK
    for low, high, spacing in ((0, IRIS + 0.05, FINE), (IRIS + 0.05, 1.2, coarse), (1.2, VISIBLE, back)):
        directions = sphere_directions(int(4 * np.pi * radius**2 / (0.8 * spacing**2)))
        polar = np.arccos(np.clip(directions[:, 2], -1, 1))
        chosen = directions[(polar >= low) & (polar < high)]
        layers.append((chosen, np.full(len(chosen), spacing)))
    directions, spacing = (np.concatenate(x) for x in zip(*layers, strict=True))
    polar = np.arccos(np.clip(directions[:, 2], -1, 1))
    position = centre + directions * (RECESS * radius * profile(polar))[:, None]
    iris = (polar < IRIS)[:, None]
    return discs(
        position,
        unit(directions + 0.7 * iris * (np.array([0, 0, 1.0]) - directions)),  # the iris is flat behind the cornea
        0.62 * spacing,
        triangle=figure.triangle_near(position, part),
        kind=Kind.EYE,
        albedo=_paint(figure, directions, polar, side),
        gloss=0.5,
        roughness=0.4,
    )


def _paint(figure: Figure, directions: F64, polar: F64, side: int) -> F64:
    seed = 10 * figure.person.seed + side
    r = polar / IRIS
    around = unit(np.column_stack([directions[:, :2], np.zeros(len(directions))]))[:, :2]
    iris = _iris(figure, r, around, seed)
    sclera = to_linear(SCLERA) * (1 - (0.55 * smoothstep(0.5, 1.2, polar))[:, None] * np.array([0.10, 0.30, 0.33]))
    vein = 1 - smoothstep(0, 0.06, np.abs(fractal_noise(directions, 9.0, 31 + seed)))
    sclera *= 1 - (0.35 * vein * smoothstep(0.62, 0.9, polar))[:, None] * np.array([0.12, 0.5, 0.5])
    inside = (1 - smoothstep(0.97, 1.08, r))[:, None]
    colour = inside * iris + (1 - inside) * sclera
    limbus = 0.78 * np.exp(-0.5 * ((r - 0.975) / 0.075) ** 2)
    pupil = (1 - smoothstep(PUPIL / IRIS - 0.03, PUPIL / IRIS + 0.04, r))[:, None]
    colour = colour * (1 - limbus)[:, None]
    return np.clip(colour * (1 - pupil) + 0.004 * pupil, 0, 1)


def _iris(figure: Figure, r: F64, around: F64, seed: int) -> F64:
    """Radial fibres, a warm ring around the pupil, and light gathered opposite the key light."""
    colour = to_linear(figure.person.look.iris)
    x, y = around.T
    fibre = 0.5 * value_noise(np.stack([3 * x, 3 * y, 0.35 * r], 1), 7.0, 3 + seed)
    fibre += 0.4 * value_noise(np.stack([3 * x, 3 * y, 0.6 * r], 1), 15.0, 9 + seed)
    tone = 0.75 + 0.75 * smoothstep(0.35, 0.6, r) * (1 - smoothstep(0.62, 0.95, r))
    out = colour * (np.exp(0.75 * fibre) * tone)[:, None]
    ring = 0.55 * np.exp(-0.5 * ((r - 0.47) / 0.09) ** 2) * (1 + 0.6 * fibre)
    out = out + ring[:, None] * colour * np.array([1.25, 0.9, 0.45])
    caustic = np.clip(-(0.55 * x + 0.62 * y), 0, 1) * smoothstep(0.4, 0.7, r)
    upper = 1 - IRIS_SHADE * smoothstep(-0.3, 0.9, y * smoothstep(0, 0.5, r))
    return out * ((1 + 0.65 * caustic) * upper)[:, None]


def _catchlights(figure: Figure, side: int, part: str) -> Splats:
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    spots = []
    angles = [2 * np.pi * np.arange(count) / count for _, count in CATCHLIGHT_RINGS]
    rings = [s * np.stack([np.cos(a), np.sin(a)], 1) for (s, _), a in zip(CATCHLIGHT_RINGS, angles, strict=True)]
    disc = np.concatenate(rings)
    for towards, polar, size, opacity, brightness in CATCHLIGHTS:
        flat = unit(towards) * np.sin(polar) + disc * size / radius
        direction = np.column_stack([flat, np.sqrt(1 - (flat**2).sum(1))])
        position = centre + direction * radius * (1 + BULGE + 0.008)
        spots.append(
            discs(
                position,
                direction,
                0.42 * size,
                triangle=figure.triangle_near(position, part),
                kind=Kind.CATCHLIGHT,
                albedo=np.full((len(position), 3), brightness),
                opacity=opacity,
            )
        )
    return Splats.concatenate(spots)
