"""Eyebrows and eyelashes, hair by hair, and what lies along the edges of the lids: shadow and tears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .eyes import profile
from .geometry import interpolate, smoothstep, triangle_frames, unit
from .light import to_linear
from .splats import Kind, Splats, discs, fibres
from .strands import segments
from .surface import BLINK, Figure

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
BROW_HAIRS = 560  # per side
# by position along the brow, 0 at the nose, 1 at the temple
BROW_X = {0: -16.0 * MM, 0.3: -4.0 * MM, 0.65: 9.5 * MM, 1: 21.5 * MM}  # from the eye's centre, outwards
BROW_Y = {0: 15.3 * MM, 0.15: 16.5 * MM, 0.3: 17.5 * MM, 0.65: 18.9 * MM, 0.85: 18.0 * MM, 1: 16.2 * MM}
BROW_HALF_WIDTH = {0: 1.8 * MM, 0.12: 2.3 * MM, 0.5: 2.1 * MM, 0.8: 1.4 * MM, 1: 0.5 * MM}
BROW_ANGLE = {0: 70.0, 0.15: 50.0, 0.5: 20.0, 0.75: 2.0, 1: -20.0}  # of the hairs, degrees above outwards
BROW_FAN = {0: 8.0, 0.3: 16.0, 1: 10.0}  # degrees by which the edges turn to the middle
BROW_LENGTH = {0: 4.4 * MM, 0.2: 6.0 * MM, 0.7: 5.8 * MM, 1: 4.0 * MM}
BROW_THICKNESS = 0.14 * MM
LASHES, CLUMP = 112, 4  # per upper lid; lashes whose tips come together
LASH_LENGTH, LASH_THICKNESS = 4.6 * MM, 0.055 * MM
LASH_COLOUR = (0.075, 0.06, 0.052)
LINER = {"upper": (0.24 * MM, 0.42), "lower": (0.16 * MM, 0.12)}  # thickness and opacity of the dark lid edge
LID_SHADOW = {0.2 * MM: 0.26, 0.8 * MM: 0.17, 1.5 * MM: 0.09, 2.3 * MM: 0.04}  # opacity by distance below the lid
SHADOW_COLOUR = (0.16, 0.09, 0.08)
TEARS, TEAR_THICKNESS = 0.42, 0.085 * MM  # opacity and thickness of the wet line along the lower lid
NEARBY = 6  # triangles at a lid's edge among which the one that keeps its size in a blink carries the lash


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
        opacity=0.42 * smoothstep(-0.12, 0.25, t[hair]) * (1 - 0.45 * smoothstep(0.7, 1, t[hair])) * (1 - 0.5 * u),
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
        parts += [_lid_shadow(figure, upper, side), _tears(figure, lower, side, rng)]
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
    seen = figure.nearest_triangle(points, fine)
    rest, faces = figure.head.vertices, figure.topology.faces
    closed = figure.posed(BLINK)
    centre, _, size = triangle_frames(rest, faces)
    moved, _, size_closed = triangle_frames(closed, faces)
    skin = figure.topology.triangles_of("skin")
    near = skin[KDTree(centre[skin]).query(centre[seen], k=NEARBY)[1]]
    near = np.concatenate([seen[:, None], near], 1)
    # of those that go where the lid's edge goes
    way = moved - centre
    along = (
        np.linalg.norm(way[near] - way[seen][:, None], axis=2)
        < 0.35 * np.linalg.norm(way[seen], axis=1)[:, None] + 0.2 * MM
    )
    growth = np.where(along, np.abs(np.log(size_closed / size))[near], np.inf)
    return near[np.arange(len(near)), growth.argmin(1)]


def _on_eyeball(figure: Figure, side: int, points: F64, lift: float) -> tuple[F64, F64]:
    """Points [n, 3] moved along the line of sight from the front to `lift` above the eyeball, and its normals."""
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    flat = (points[:, :2] - centre[:2]) / radius
    flat *= np.minimum(1, 0.95 / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))
    normal = np.column_stack([flat, np.sqrt(1 - (flat**2).sum(1))])
    return centre + normal * (radius * profile(np.arccos(normal[:, 2])) + lift)[:, None], normal


def _lid_shadow(figure: Figure, edge: LidEdge, side: int) -> Splats:
    """The upper lid's shadow on the eyeball; it hangs from the lid and so follows it."""
    t = np.linspace(0.06, 0.94, 40)
    triangle = _lid_triangles(figure, edge.at(t), 1.1 * MM)
    rows = []
    for below, opacity in LID_SHADOW.items():
        position, normal = _on_eyeball(figure, side, edge.at(t) - np.array([0, below, 0]), 0.15 * MM)
        rows.append(
            discs(
                position,
                normal,
                0.62 * MM,
                triangle=triangle,
                kind=Kind.CATCHLIGHT,
                albedo=np.tile(SHADOW_COLOUR, (len(t), 1)),
                thickness=0.12,
                opacity=opacity * np.sin(np.pi * t) ** 0.5,
            )
        )
    return Splats.concatenate(rows)


def _tears(figure: Figure, edge: LidEdge, side: int, rng: np.random.Generator) -> Splats:
    """The wet line between the lower lid and the eyeball: it glints, here more and there less."""
    t = np.linspace(0.10, 0.90, 34)
    points, _ = _on_eyeball(figure, side, edge.at(t) + np.array([0, 0.22 * MM, 0]), 0.10 * MM)
    position, direction, half, _, u = segments(points[None], overlap=0.7)
    glint = np.sin(np.pi * u) ** 0.5 * rng.uniform(0.25, 1.0, len(half))
    return fibres(
        position,
        direction,
        np.stack([half, np.full(len(half), TEAR_THICKNESS), np.full(len(half), TEAR_THICKNESS)], 1),
        normal=np.tile([0, 0, 1.0], (len(half), 1)),
        triangle=_lid_triangles(figure, position, -1.1 * MM),
        kind=Kind.CATCHLIGHT,
        albedo=np.full((len(half), 3), 0.92),
        opacity=TEARS * glint,
    )


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
    clump = np.arange(LASHES) // CLUMP
    sway = 0.12 * rng.normal(size=clump[-1] + 1)[clump] + 0.06 * rng.normal(size=LASHES)
    # the tips of a clump lean to its middle
    sway += 0.5 * edge.sign * (np.bincount(clump, root[:, 0]) / np.bincount(clump))[clump] / LASH_LENGTH
    sway -= 0.5 * edge.sign * root[:, 0] / LASH_LENGTH
    sideways = ((t - 0.45) * 1.2 + sway) * edge.sign
    rise = 0.05 + 0.10 * rng.normal(size=LASHES)
    out = unit(np.stack([sideways, rise, np.ones(LASHES)], 1))
    length = LASH_LENGTH * look.lash_length * rng.uniform(0.6, 1.1, LASHES)
    length = (length * (0.60 + 0.50 * np.sin(np.pi * np.minimum(1, 0.25 + 0.75 * t))))[:, None]
    middle = root + 0.45 * length * out + [0, -0.7 * MM, 0]
    tip = root + 0.80 * length * out + length * [0, 0.30, 0]
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
        opacity=0.31 - 0.18 * u,
    )
