"""Painted eyeballs: sclera with veins, an iris of fibres behind the cornea, and what the cornea mirrors."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .eyes import BULGE, profile
from .geometry import smoothstep, sphere_directions, unit
from .light import to_linear
from .noise import fractal_noise, value_noise
from .splats import Kind, Splats, discs, fibres
from .strands import segments
from .surface import Figure

F64 = NDArray[np.float64]

MM = 1e-3
FORWARD = np.array([0, 0, 1.0])
IRIS, PUPIL = 0.405, 0.148  # polar angles of their rims
VISIBLE = 1.8  # polar angle beyond which the socket hides the ball at any gaze
RECESS = 0.982  # painted surface in eyeball radii: keeps clear of the lids
FINE, COARSE, BACK = 0.62 * MM, 0.85 * MM, 1.5 * MM  # spacing under the iris' fibres, on the sclera, on its far side
LIMBUS = (0.955, 0.985, 1.015, 1.05)  # radii, in the iris', of the rings that soften its edge
LIMBUS_PIECES = 60  # of each ring
FIBRES, FIBRE_RINGS = 88, 9  # of the iris, around and along a radius
CHAMBER = 0.8  # of the depth between the cornea and a flat iris at which the iris lies
SCLERA = (0.685, 0.635, 0.605)
VEINS, VEIN_PIECES, VEIN_COLOUR = 22, 7, (0.62, 0.27, 0.24)
# reflections on the cornea: direction (x, y), polar angle, half width and height, opacity, brightness
CATCHLIGHTS = (
    ((0.80, 0.46), 0.165, (0.44 * MM, 0.62 * MM), 0.60, 1.0),
    ((-0.80, -0.42), 0.22, (0.34 * MM, 0.50 * MM), 0.035, 0.9),
    ((0.05, 1.0), 0.24, (1.6 * MM, 0.35 * MM), 0.02, 0.85),
)
IRIS_SHADE = 0.5  # by which the upper iris is darker, under the lid and the lashes


def eyeballs(figure: Figure) -> Splats:
    """Both eyes."""
    parts = []
    for side, name in enumerate(("left_eye", "right_eye")):
        parts += [_ball(figure, side, name), _fibres(figure, side, name), _limbus(figure, side, name)]
        parts += [_veins(figure, side, name), _catchlights(figure, side, name)]
    return Splats.concatenate(parts)


def _ball(figure: Figure, side: int, part: str) -> Splats:
    """The sclera, the pupil, and the ground of the iris under its fibres."""
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    layers = []
    coarse, back = figure.coarseness * COARSE, figure.coarseness * BACK
    # fine next to the iris, over which large Gaussians would spread
    zones = ((0, IRIS, FINE), (IRIS + 0.02, IRIS + 0.13, FINE), (IRIS + 0.13, 1.2, coarse), (1.2, VISIBLE, back))
    for low, high, spacing in zones:
        directions = sphere_directions(int(4 * np.pi * radius**2 / (0.8 * spacing**2)))
        polar = np.arccos(np.clip(directions[:, 2], -1, 1))
        chosen = directions[(polar >= low) & (polar < high)]
        layers.append((chosen, np.full(len(chosen), spacing)))
    directions, spacing = (np.concatenate(x) for x in zip(*layers, strict=True))
    polar = np.arccos(np.clip(directions[:, 2], -1, 1))
    iris = polar < IRIS
    position = np.where(
        iris[:, None], _behind_cornea(directions, 0.12 * MM / radius), directions * (RECESS * profile(polar))[:, None]
    )
    position = centre + radius * position
    ball = discs(
        position,
        unit(directions + 0.7 * iris[:, None] * (FORWARD - directions)),
        0.62 * spacing,
        triangle=figure.triangle_near(position, part),
        kind=Kind.EYE,
        albedo=_paint(figure, directions, polar, side),
        gloss=np.where(iris, 0.2, 0.6),
        roughness=0.4,
    )
    return replace(ball, depth=radius * _below(directions))


def _below(directions: F64) -> F64:
    """Depth [n] of the iris under the cornea, which catches its light, in radii; 0 on the sclera."""
    polar = np.arccos(np.clip(directions[:, 2], -1, 1))
    dome = RECESS * profile(polar) * directions[:, 2]
    return np.where(polar < IRIS, dome - _behind_cornea(directions)[:, 2], 0)


def _behind_cornea(directions: F64, depth: float = 0.0) -> F64:
    """Points [n, 3] of the iris of a unit eyeball, seen through the cornea in these directions: nearly a plane."""
    polar = np.arccos(np.clip(directions[:, 2], -1, 1))
    dome = directions * (RECESS * profile(polar))[:, None]
    rim = RECESS * profile(np.array(IRIS)) * np.cos(IRIS)
    return np.column_stack([dome[:, :2], dome[:, 2] - CHAMBER * np.maximum(dome[:, 2] - rim, 0) - depth])


def _paint(figure: Figure, directions: F64, polar: F64, side: int) -> F64:
    seed = 10 * figure.person.seed + side
    r = polar / IRIS
    sclera = _sclera(figure, directions, seed)
    around = unit(np.column_stack([directions[:, :2], np.zeros(len(directions))]))[:, :2]
    ground = 0.7 * _iris(figure, r, around, seed)
    colour = np.where((r < 1)[:, None], ground, sclera)
    pupil = (r < PUPIL / IRIS)[:, None]
    return np.clip(np.where(pupil, 0.004, colour), 0, 1)


def _sclera(figure: Figure, directions: F64, seed: int) -> F64:
    """Yellower and redder towards the corners, which are never as clean as the front; bluish next to the iris."""
    polar = np.arccos(np.clip(directions[:, 2], -1, 1))
    skin = to_linear(figure.person.look.skin).mean()
    white = to_linear(SCLERA) * (0.78 + 0.22 * min(1.0, skin / 0.35))
    white = white * (1 - (0.62 * smoothstep(0.5, 1.15, polar))[:, None] * np.array([0.16, 0.40, 0.44]))
    white *= np.exp(0.05 * fractal_noise(directions, 14.0, 31 + seed))[:, None]
    return white * (1 - (0.5 * smoothstep(1.18, 1.0, polar / IRIS))[:, None] * np.array([0.60, 0.57, 0.50]))


def _limbus(figure: Figure, side: int, part: str) -> Splats:
    """Rings that lead from the dark rim of the iris into the white."""
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    turn = 2 * np.pi * np.arange(LIMBUS_PIECES + 1) / LIMBUS_PIECES
    polar = IRIS * np.array(LIMBUS)[:, None] * np.ones(len(turn))
    directions = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], -1)
    lifted = directions * (radius * RECESS * profile(polar) + 0.05 * MM)[..., None]
    position, direction, half, ring, _ = segments(centre + lifted, overlap=0.75)
    out = unit(position - centre)
    r = np.array(LIMBUS)[ring]
    dark = 0.35 * to_linear(figure.person.look.iris) + 0.02
    share = smoothstep(0.93, 1.06, r)[:, None]
    width = np.full(len(half), 0.20 * MM)
    return replace(
        fibres(
            position,
            direction,
            np.stack([half, width, width], 1),
            normal=out,
            triangle=figure.triangle_near(position, part),
            kind=Kind.EYE,
            albedo=(1 - share) * dark + share * _sclera(figure, out, 10 * figure.person.seed + side),
            opacity=0.55,
        ),
        gloss=np.full(len(half), 0.4),
        roughness=np.full(len(half), 0.4),
    )


def _fibres(figure: Figure, side: int, part: str) -> Splats:
    """The iris: radial fibres behind the cornea."""
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    seed = 10 * figure.person.seed + side
    rng = np.random.default_rng(seed)
    ring, spoke = (a.ravel() for a in np.meshgrid(np.arange(FIBRE_RINGS), np.arange(FIBRES), indexing="ij"))
    inner = PUPIL / IRIS
    r = inner + (0.975 - inner) * (ring + 0.5 + 0.3 * rng.uniform(-1, 1, len(ring))) / FIBRE_RINGS
    azimuth = 2 * np.pi * (spoke + 0.5 * (ring % 2) + 0.25 * rng.uniform(-1, 1, len(ring))) / FIBRES
    around = np.stack([np.cos(azimuth), np.sin(azimuth)], 1)
    directions = np.column_stack([around * np.sin(r * IRIS)[:, None], np.cos(r * IRIS)])
    points = _behind_cornea(directions)
    further = _behind_cornea(np.column_stack([around * np.sin(r * IRIS + 0.01)[:, None], np.cos(r * IRIS + 0.01)]))
    width = np.pi * r * np.sin(IRIS) * radius / FIBRES
    half = 0.75 * (1 - inner) * IRIS * radius / FIBRE_RINGS
    strand = np.exp(0.34 * rng.normal(size=FIBRES))[spoke] * np.exp(0.16 * rng.normal(size=len(ring)))
    position = centre + radius * points
    return replace(
        fibres(
            position,
            unit(further - points),
            np.stack([np.full(len(r), half), 1.15 * width, np.full(len(r), 0.05 * MM)], 1),
            normal=unit(directions + 0.7 * (FORWARD - directions)),
            triangle=figure.triangle_near(position, part),
            kind=Kind.EYE,
            albedo=np.clip(_iris(figure, r, around, seed) * strand[:, None], 0, 1),
            opacity=0.88 - 0.45 * smoothstep(0.85, 0.96, r),
        ),
        gloss=np.full(len(r), 0.2),
        roughness=np.full(len(r), 0.4),
        depth=radius * _below(directions),
    )


def _iris(figure: Figure, r: F64, around: F64, seed: int) -> F64:
    """Its colour by radius (1 at the rim) and direction: a warm ring, crypts, a dark rim, and light gathered below."""
    colour = to_linear(figure.person.look.iris)
    x, y = around.T
    wave = 0.10 * value_noise(np.stack([3 * x, 3 * y, 0 * r], 1), 1.7, 3 + seed)  # the ring is not round
    collarette = 0.53 + wave
    fibre = 0.35 * value_noise(np.stack([3 * x, 3 * y, 0.35 * r], 1), 7.0, 3 + seed)
    crypts = smoothstep(0.25, 0.7, value_noise(np.stack([3 * x, 3 * y, 1.6 * r], 1), 3.2, 9 + seed))
    outside = smoothstep(collarette - 0.06, collarette + 0.05, r)
    tone = (0.95 + 0.75 * outside * smoothstep(1.0, 0.62, r)) * (1 - 0.5 * crypts * outside)
    out = colour * (np.exp(fibre) * tone)[:, None]
    warm = (1 - outside) * smoothstep(PUPIL / IRIS, PUPIL / IRIS + 0.05, r)
    out = out + (0.7 * warm)[:, None] * colour * np.array([1.25, 0.85, 0.4])
    out *= (1 + 0.5 * np.exp(-0.5 * ((r - collarette) / 0.045) ** 2))[:, None]
    out *= 1 - (0.66 * smoothstep(0.80, 0.96, r))[:, None] * np.array([0.95, 0.97, 0.92])
    caustic = np.clip(-(0.55 * x + 0.62 * y), 0, 1) * smoothstep(0.4, 0.75, r)
    upper = 1 - IRIS_SHADE * smoothstep(-0.3, 0.9, y * smoothstep(0, 0.5, r))
    return 0.8 * out * ((1 + 0.9 * caustic) * upper)[:, None]


def _veins(figure: Figure, side: int, part: str) -> Splats:
    """Fine vessels that run from the corners of the eye towards the iris."""
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    rng = np.random.default_rng(10 * figure.person.seed + side)
    start = np.where(np.arange(VEINS) % 2, 0.0, np.pi) + rng.normal(0, 0.42, VEINS)
    steps = np.linspace(0, 1, VEIN_PIECES + 1)
    polar = rng.uniform(0.95, 1.15, (VEINS, 1)) - rng.uniform(0.25, 0.55, (VEINS, 1)) * steps
    azimuth = start[:, None] + np.cumsum(rng.normal(0, 0.07, polar.shape), 1)
    directions = np.stack([np.sin(polar) * np.cos(azimuth), np.sin(polar) * np.sin(azimuth), np.cos(polar)], -1)
    position, direction, half, vein, u = segments(centre + directions * (RECESS * radius + 0.06 * MM))
    thin = 0.055 * MM * rng.uniform(0.6, 1.3, VEINS)[vein] * (1 - 0.5 * u)
    return fibres(
        position,
        direction,
        np.stack([half, thin, thin], 1),
        normal=unit(position - centre),
        triangle=figure.triangle_near(position, part),
        kind=Kind.EYE,
        albedo=np.tile(to_linear(VEIN_COLOUR), (len(half), 1)),
        opacity=0.30 * (1 - 0.75 * u),
    )


def _catchlights(figure: Figure, side: int, part: str) -> Splats:
    """What the cornea mirrors: a soft window, the fill light and the bright room above."""
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    spots = []
    for towards, polar, size, opacity, brightness in CATCHLIGHTS:
        across, down = (np.linspace(-1, 1, 3 if s < MM else 6) for s in size)
        offsets = np.stack(np.meshgrid(across, down, indexing="ij"), -1).reshape(-1, 2) * 0.62 * np.array(size)
        flat = unit(towards) * np.sin(polar) + offsets / radius
        direction = np.column_stack([flat, np.sqrt(1 - (flat**2).sum(1))])
        position = centre + direction * radius * (1 + BULGE + 0.008)
        spots.append(
            discs(
                position,
                direction,
                0.58 * min(size),
                triangle=figure.triangle_near(position, part),
                kind=Kind.CATCHLIGHT,
                albedo=np.full((len(position), 3), brightness),
                opacity=opacity,
            )
        )
    return Splats.concatenate(spots)
