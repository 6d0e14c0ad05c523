"""Eyebrows and eyelashes: single hairs as chains of elongated Gaussians."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import interpolate, smoothstep, unit
from .light import to_linear
from .splats import Kind, Splats, fibres
from .strands import segments
from .surface import Figure

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
BROW_HAIRS = 430  # per side
# by position along the brow, 0 at the nose, 1 at the temple
BROW_X = {0: -16.0 * MM, 0.3: -4.0 * MM, 0.65: 9.5 * MM, 1: 21.5 * MM}  # from the eye's centre, outwards
BROW_Y = {0: 15.2 * MM, 0.15: 16.5 * MM, 0.3: 17.8 * MM, 0.65: 19.5 * MM, 0.85: 18.2 * MM, 1: 15.8 * MM}
BROW_HALF_WIDTH = {0: 1.8 * MM, 0.12: 2.3 * MM, 0.5: 2.1 * MM, 0.8: 1.4 * MM, 1: 0.5 * MM}
BROW_ANGLE = {0: 70.0, 0.15: 50.0, 0.5: 20.0, 0.75: 2.0, 1: -20.0}  # of the hairs, degrees above outwards
BROW_FAN = {0: 8.0, 0.3: 16.0, 1: 10.0}  # degrees by which the edges turn to the middle
BROW_LENGTH = {0: 4.4 * MM, 0.2: 6.0 * MM, 0.7: 5.8 * MM, 1: 4.0 * MM}
BROW_THICKNESS = 0.17 * MM
LASHES = 58  # per upper lid
LASH_LENGTH, LASH_THICKNESS = 4.8 * MM, 0.06 * MM
LASH_COLOUR = (0.075, 0.06, 0.052)
LINER = {"upper": (0.22 * MM, 0.40), "lower": (0.16 * MM, 0.14)}  # thickness and opacity of the dark lid edge


def brows(figure: Figure, rng: np.random.Generator) -> Splats:
    """Both eyebrows."""
    return Splats.concatenate([_brow(figure, side, rng) for side in (0, 1)])


def _brow(figure: Figure, side: int, rng: np.random.Generator) -> Splats:
    look, eye, sign = figure.person.look, figure.head.eyes[side], (1.0, -1.0)[side]
    n = BROW_HAIRS
    t, across = rng.beta(1.25, 1.2, n), rng.uniform(-1, 1, n)
    x = abs(eye[0]) + interpolate(t, BROW_X)
    y = eye[1] + interpolate(t, BROW_Y) + across * interpolate(t, BROW_HALF_WIDTH) * look.brow_width
    fine, z, normal = figure.skin_scene.hit_from_front(np.stack([sign * x, y], 1))
    root = np.stack([sign * x, y, z], 1)
    angle = np.radians(interpolate(t, BROW_ANGLE) - across * interpolate(t, BROW_FAN) + 6 * rng.normal(size=n))
    flow = np.stack([sign * np.cos(angle), np.sin(angle), np.zeros(n)], 1)
    flow = unit(flow - (flow * normal).sum(1, keepdims=True) * normal)
    length = (interpolate(t, BROW_LENGTH) * rng.uniform(0.75, 1.15, n))[:, None]
    droop = np.array([0, -0.4 * MM, 0])
    points = np.stack(
        [
            root + 0.2 * MM * normal,
            root + 0.5 * length * flow + 0.9 * MM * normal,
            root + length * flow + 1.0 * MM * normal + droop,
        ],
        1,
    )
    position, direction, half, hair, u = segments(points)
    thin = BROW_THICKNESS * (1 - 0.5 * u)
    tone = np.exp(0.3 * rng.normal(size=n))[hair]
    return fibres(
        position,
        direction,
        np.stack([half, thin, thin], 1),
        normal=normal[hair],
        triangle=figure.nearest_triangle(root, fine)[hair],
        kind=Kind.BROW,
        albedo=to_linear(look.brows) * tone[:, None],
        opacity=0.46 * (0.30 + 0.70 * smoothstep(0, 0.22, t[hair])),
    )


@dataclass(frozen=True, eq=False)
class LidEdge:
    """The edge of a lid as the front sees it: polynomials over x measured outwards."""

    eye: F64  # [3]
    sign: float  # +1 the person's left
    ends: tuple[float, float]
    y: F64
    z: F64

    def at(self, t: F64) -> F64:
        """Points [n, 3] from the inner (0) to the outer (1) corner."""
        x = self.ends[0] + (self.ends[1] - self.ends[0]) * t
        return np.stack([x * self.sign, np.polyval(self.y, x), np.polyval(self.z, x)], 1).astype(np.float64)


def lashes(figure: Figure, rng: np.random.Generator) -> Splats:
    """Upper lashes and the dark edges of both lids; lower lashes would be dots at usual sizes."""
    parts = []
    for side in (0, 1):
        upper, lower = _lid_edges(figure, side)
        parts += [_liner(figure, upper, "upper"), _liner(figure, lower, "lower"), _lash_row(figure, upper, rng)]
    return Splats.concatenate(parts)


def _lid_edges(figure: Figure, side: int) -> tuple[LidEdge, LidEdge]:
    """Where lines of sight from the front change from skin to eyeball."""
    eye, radius, sign = figure.head.eyes[side], figure.head.eye_radius[side], (1.0, -1.0)[side]
    xs, ys = np.linspace(-15.5, 15.5, 63) * MM, np.linspace(-10, 10, 401) * MM
    rows = []
    for x in xs:
        at = np.column_stack([np.full(len(ys), eye[0] + sign * x), eye[1] + ys])
        z = figure.skin_scene.hit_from_front(at)[1]
        open_ = np.flatnonzero(z < eye[2] + np.sqrt(np.maximum((1.05 * radius) ** 2 - x * x - ys * ys, 0)))
        if len(open_) < 5:
            continue
        # the run of open samples around the one nearest to the eye's height
        runs = np.split(open_, np.flatnonzero(np.diff(open_) > 1) + 1)
        run = min(runs, key=lambda r: np.abs(ys[r]).min())
        top, bottom = min(run[-1] + 1, 400), max(run[0] - 1, 0)
        heights = z[min(top + 2, 400)], z[max(bottom - 2, 0)]
        rows.append((sign * eye[0] + x, eye[1] + ys[top], eye[1] + ys[bottom], *heights))
    x, top, bottom, top_z, bottom_z = np.array(rows).T
    ends = (float(x[0]), float(x[-1]))
    lift = 0.2 * MM
    upper = LidEdge(eye, sign, ends, np.polyfit(x, top, 5), np.polyfit(x, top_z + lift, 4))
    return upper, LidEdge(eye, sign, ends, np.polyfit(x, bottom, 5), np.polyfit(x, bottom_z + lift, 4))


def _lid_triangles(figure: Figure, points: F64, above: float) -> I64:
    """Triangles of the lid skin seen from the front just above (or below) the points."""
    fine, _, _ = figure.skin_scene.hit_from_front(points[:, :2] + [0, above])
    return figure.nearest_triangle(points, fine)


def _liner(figure: Figure, edge: LidEdge, lid: str) -> Splats:
    thickness, opacity = LINER[lid]
    t = np.linspace(0, 1, 52)
    points = edge.at(t) + np.array([0, 0.15 if lid == "upper" else -0.1, 0.15]) * MM
    position, direction, half, _, _ = segments(points[None], overlap=0.7)
    fade = np.sin(np.pi * np.clip(0.12 + 0.83 * t[:-1], 0, 1)) ** 0.5
    return fibres(
        position,
        direction,
        np.stack([half, np.full(len(half), thickness), np.full(len(half), thickness)], 1),
        normal=np.tile([0, 0, 1.0], (len(half), 1)),
        triangle=_lid_triangles(figure, position, (1.1 if lid == "upper" else -1.1) * MM),
        kind=Kind.BROW,
        albedo=np.tile(0.6 * to_linear(LASH_COLOUR), (len(half), 1)),
        opacity=opacity * fade,
    )


def _lash_row(figure: Figure, edge: LidEdge, rng: np.random.Generator) -> Splats:
    """Upper lashes: out of the lid, then curling up; longest towards the outer corner."""
    look = figure.person.look
    t = np.sort(rng.uniform(0.04, 1, LASHES))
    root = edge.at(t) + np.array([0, 0.3, 0.2]) * MM
    sideways = ((t - 0.45) * 1.1 + 0.10 * rng.normal(size=LASHES)) * edge.sign
    out = unit(np.stack([sideways, np.full(LASHES, 0.22), np.ones(LASHES)], 1))
    length = LASH_LENGTH * look.lash_length * rng.uniform(0.8, 1.1, LASHES)
    length = (length * (0.60 + 0.50 * np.sin(np.pi * np.minimum(1, 0.25 + 0.75 * t))))[:, None]
    middle = root + 0.45 * length * out + [0, -0.6 * MM, 0]
    tip = root + 0.78 * length * out + length * [0, 0.40, 0]
    s = np.linspace(0, 1, 5)[:, None]
    points = (1 - s) ** 2 * root[:, None] + 2 * s * (1 - s) * middle[:, None] + s * s * tip[:, None]
    position, direction, half, hair, u = segments(points)
    thin = LASH_THICKNESS * (1.15 - 0.6 * u)
    return fibres(
        position,
        direction,
        np.stack([half, thin, thin], 1),
        normal=np.tile([0, 0, 1.0], (len(half), 1)),
        triangle=_lid_triangles(figure, root, 1.1 * MM)[hair],
        kind=Kind.BROW,
        albedo=np.tile(to_linear(LASH_COLOUR), (len(half), 1)),
        opacity=0.34 - 0.18 * u,
    )
