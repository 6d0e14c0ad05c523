"""Eyelashes, hair by hair, and what lies along the edges of the lids: their thickness, shadow and tears."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .eyes import profile
from .geometry import triangle_frames, unit
from .light import to_linear, to_srgb
from .splats import Kind, Splats, discs, fibres
from .strands import segments
from .surface import BLINK, WIDE, Figure, Pose

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
LASH_COLOUR = (0.075, 0.06, 0.052)
CLUMP = 4  # lashes whose tips come together
LINER_THICKNESS, LINER = 0.19 * MM, 0.46  # thickness and opacity of the dark edge of the upper lid
CARUNCLE = (0.74, 0.53, 0.48)  # displayed colour of the flesh in the inner corner
RIM, RIM_HEIGHT, RIM_OPACITY = (0.80, 0.56, 0.51), 0.30 * MM, 0.5  # displayed colour of the lower lid's moist edge
LID_SHADOW = {0.2 * MM: 0.30, 0.8 * MM: 0.20, 1.5 * MM: 0.12, 2.3 * MM: 0.07, 3.2 * MM: 0.035}  # opacity by distance
CORNER_SHADOW = {
    **{0.015: 0.24, 0.05: 0.18, 0.085: 0.13, 0.12: 0.09, 0.155: 0.06, 0.19: 0.03},
    **{0.76: 0.03, 0.80: 0.05, 0.84: 0.08, 0.88: 0.12, 0.92: 0.16, 0.955: 0.21, 0.985: 0.26},
}  # by position along the lids
SHADOW_COLOUR, CORNER_COLOUR = (0.07, 0.05, 0.05), (0.42, 0.22, 0.19)
BESIDE = 2 * MM  # the corners, in the skin that carries their shadow
TEARS, TEAR_THICKNESS = 0.5, 0.075 * MM  # opacity and thickness of the wet line along the lower lid
ABOVE = 1.9 * MM  # the lid's edge: triangles there turn with the lid in a blink
LID_POSES = (BLINK, Pose({"eyeBlink": 0.5}), WIDE)
LID_TURNS = np.radians(
    [45, 22, -6]
)  # by which lashes are to point down in them: the lid slides over the ball of the eye
ARM = 2.5 * MM  # of a lash, by whose end those turns count beside the place of its root
EDGE = 0.5 * MM  # above the lid's edge: the skin that goes with it
NEARBY = 14  # triangles at a lid's edge among which the best one carries a lash
GROWTH = 1.0 * MM  # by which a triangle that follows the lid may miss it, per e-fold of change in size


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


@dataclass(frozen=True)
class LashRow:
    """One row of lashes; the lower lid's are so faint that they are no dots at usual sizes."""

    count: int  # per eye
    length: float
    thickness: float
    opacity: float
    rise: float  # of the direction in which they leave the lid
    bend: float  # by how much of their length the tips bend up
    root: tuple[float, float, float]  # from the lid's edge, metres
    pieces: int  # points of its polyline
    ends: tuple[float, float]  # part of the lid that bears lashes


UPPER_LASHES = LashRow(
    count=136,
    length=5.2 * MM,
    thickness=0.048 * MM,
    opacity=0.24,
    rise=-0.26,
    bend=0.36,
    root=(0, 0.25 * MM, 0.2 * MM),
    pieces=5,
    ends=(0.03, 1.0),
)
LOWER_LASHES = LashRow(
    count=34,
    length=2.4 * MM,
    thickness=0.036 * MM,
    opacity=0.075,
    rise=-0.55,
    bend=-0.06,
    root=(0, -0.7 * MM, 0.1 * MM),
    pieces=3,
    ends=(0.30, 0.98),
)


def lashes(figure: Figure, rng: np.random.Generator) -> Splats:
    """Lashes and what lies along the lids: their edges, their shadow on the eyeballs and tears."""
    parts = []
    for side in (0, 1):
        upper, lower = _lid_edges(figure, side)
        parts += [_lid_shadow(figure, upper, side), _corner_shadow(figure, upper, lower, side)]
        parts += [_caruncle(figure, upper, lower), _rim(figure, lower), _tears(figure, lower, side, rng)]
        parts += [_liner(figure, upper), _lash_row(figure, upper, UPPER_LASHES, ABOVE, rng)]
        parts += [_lash_row(figure, lower, LOWER_LASHES, -ABOVE, rng)]
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


def closed_edges(figure: Figure, posed: F64, count: int = 60) -> list[F64]:
    """Points [count, 3] of each upper lid's edge from the inner to the outer corner, on a posed mesh."""
    edges, t = [], np.linspace(0, 1, count)
    centre, frame, size = triangle_frames(figure.head.vertices, figure.topology.faces)
    there, turned, grown = triangle_frames(posed, figure.topology.faces)
    for side in (0, 1):
        points = _lid_edges(figure, side)[0].at(t)
        own = _lid_triangles(figure, points, ABOVE)
        local = np.einsum("nji,nj->ni", frame[own], points - centre[own]) * (grown[own] / size[own])[:, None]
        edges.append(there[own] + np.einsum("nij,nj->ni", turned[own], local))
    return edges


def off_lid_edges(figure: Figure, points: F64) -> F64:
    """Distance [n] of points to the nearest edge of a lid as the front sees it, metres."""
    out = np.full(len(points), np.inf)
    for side in (0, 1):
        for edge in _lid_edges(figure, side):
            x = edge.sign * points[:, 0]
            near = np.clip(x, *edge.ends)
            out = np.minimum(out, np.hypot(x - near, points[:, 1] - np.polyval(edge.y, near)))
    return out


def _lid_triangles(figure: Figure, points: F64, above: float, arm: float = 0.0) -> I64:
    """Triangles that carry points [n, 3] on a lid's edge along with it: of those just above (or below), seen from the
    front, the ones that keep them nearest to the smooth skin in `LID_POSES`, and keep their size; and that turn what
    stands `arm` metres forward from there as lashes turn.
    """
    ahead, edge = (points[:, :2] + [0, y] for y in (above, np.sign(above) * EDGE))
    fine, z, _ = figure.skin_scene.hit_from_front(ahead)
    anchor = np.column_stack([ahead, z])
    fine_edge, z, _ = figure.skin_scene.hit_from_front(edge)
    foot = np.column_stack([edge, z])
    corners = figure.triangles[fine_edge]
    weights = _barycentric(foot, figure.vertices[corners])
    faces, skin = figure.topology.faces, figure.topology.triangles_of("skin")
    centre, frame, size = triangle_frames(figure.head.vertices, faces)
    near = skin[KDTree(centre[skin]).query(anchor, k=NEARBY)[1]]
    near = np.concatenate([figure.nearest_triangle(anchor, fine)[:, None], near], 1)
    local = np.einsum("nkji,nkj->nki", frame[near], foot[:, None] - centre[near]) / size[near][..., None]
    forward = np.einsum("nkji,j->nki", frame[near], [0, 0, 1.0])
    miss = np.zeros(near.shape)
    for pose, turn in zip(LID_POSES, LID_TURNS, strict=True):
        posed = figure.posed(pose)
        wanted = np.einsum("nk,nkc->nc", weights, figure.fine(posed)[corners])
        there, turned, grown = triangle_frames(posed, faces)
        carried = there[near] + np.einsum("nkij,nkj->nki", turned[near], local) * grown[near][..., None]
        pointing = np.einsum("nkij,nkj->nki", turned[near], forward) - [0, -np.sin(turn), np.cos(turn)]
        miss += np.linalg.norm(carried - wanted[:, None], axis=2) + arm * np.linalg.norm(pointing, axis=2)
        miss += GROWTH * np.abs(np.log(grown / size))[near]
    return near[np.arange(len(near)), miss.argmin(1)]


def _barycentric(points: F64, corners: F64) -> F64:
    """Weights [n, 3] of points on triangles [n, 3, 3]."""
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    whole = np.cross(b - a, c - a)
    area = np.maximum((whole**2).sum(1), 1e-24)
    v = (np.cross(points - a, c - a) * whole).sum(1) / area
    w = (np.cross(b - a, points - a) * whole).sum(1) / area
    return np.stack([1 - v - w, v, w], 1)


def _on_eyeball(figure: Figure, side: int, points: F64, lift: float) -> tuple[F64, F64]:
    """Points [n, 3] moved along the line of sight from the front to `lift` above the eyeball, and its normals."""
    centre, radius = figure.head.eyes[side], figure.head.eye_radius[side]
    flat = (points[:, :2] - centre[:2]) / radius
    flat *= np.minimum(1, 0.95 / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-9))
    normal = np.column_stack([flat, np.sqrt(1 - (flat**2).sum(1))])
    return centre + normal * (radius * profile(np.arccos(normal[:, 2])) + lift)[:, None], normal


def _lid_shadow(figure: Figure, edge: LidEdge, side: int) -> Splats:
    """The upper lid's shadow on the eyeball; it hangs from the lid and so follows it."""
    t = np.linspace(0.04, 0.96, 34)
    triangle = _lid_triangles(figure, edge.at(t), ABOVE)
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


def _corner_shadow(figure: Figure, upper: LidEdge, lower: LidEdge, side: int) -> Splats:
    """Reddish shade on the eyeball in the corners, where the lids come together."""
    t = np.array(list(CORNER_SHADOW))
    top, bottom = upper.at(t), lower.at(t)
    share = np.array([0.25, 0.5, 0.75])[:, None, None]
    points = (share * top + (1 - share) * bottom).reshape(-1, 3)
    position, normal = _on_eyeball(figure, side, points, 0.12 * MM)
    return discs(
        position,
        normal,
        1.05 * MM,
        triangle=_beside_corner(figure, upper, np.tile(t, 3), position),
        kind=Kind.CATCHLIGHT,
        albedo=np.tile(CORNER_COLOUR, (len(position), 1)),
        thickness=0.12,
        opacity=np.tile(list(CORNER_SHADOW.values()), 3),
    )


def _beside_corner(figure: Figure, edge: LidEdge, t: F64, points: F64) -> I64:
    """Triangles of the skin next to the corner that is nearer to `t` [n]; it hardly moves."""
    outwards = np.where(t < 0.5, -BESIDE, BESIDE) * edge.sign
    ends = edge.at(np.where(t < 0.5, 0.0, 1.0)) + outwards[:, None] * [1, 0, 0]
    return figure.nearest_triangle(points, figure.skin_scene.hit_from_front(ends[:, :2])[0])


def _caruncle(figure: Figure, upper: LidEdge, lower: LidEdge) -> Splats:
    """The pink flesh in the inner corner, behind the edges of the lids."""
    t, share, depth = (a.ravel() for a in np.meshgrid([-0.015, 0.01, 0.035], [0.25, 0.5, 0.75], [1.0 * MM, 2.4 * MM]))
    points = share[:, None] * upper.at(t) + (1 - share[:, None]) * lower.at(t) - depth[:, None] * [0, 0, 1.0]
    points[:, 0] -= upper.sign * 0.35 * depth
    return discs(
        points,
        np.tile(unit([0.6 * upper.sign, 0, 0.8]), (len(points), 1)),
        0.7 * MM,
        triangle=_beside_corner(figure, upper, t, points),
        kind=Kind.CATCHLIGHT,
        albedo=np.tile(_pink(figure, CARUNCLE), (len(points), 1)) * np.where(depth > 1.5 * MM, 0.75, 1.0)[:, None],
        thickness=0.5,
        opacity=0.5,
    )


def _pink(figure: Figure, displayed: tuple[float, float, float]) -> F64:
    """A displayed colour [3] of moist skin that takes after the person's lightness."""
    skin = np.minimum(1, to_linear(figure.person.look.skin) / to_linear((0.78, 0.62, 0.54)))
    return to_srgb(to_linear(displayed) * (0.25 + 0.75 * skin))


def _rim(figure: Figure, edge: LidEdge) -> Splats:
    """The thickness of the lower lid: a moist pink strip between the lashes and the eyeball."""
    t = np.linspace(0.03, 0.97, 46)
    points = edge.at(t) + np.array([0, -0.05, 0.12]) * MM
    position, direction, half, _, u = segments(points[None], overlap=0.8)
    return fibres(
        position,
        direction,
        np.stack([half, np.full(len(half), RIM_HEIGHT), np.full(len(half), 0.5 * RIM_HEIGHT)], 1),
        normal=np.tile([0, 0, 1.0], (len(half), 1)),
        triangle=_lid_triangles(figure, position, -ABOVE),
        kind=Kind.CATCHLIGHT,
        albedo=np.tile(_pink(figure, RIM), (len(half), 1)),
        opacity=RIM_OPACITY * np.sin(np.pi * np.clip(u, 0.02, 0.98)) ** 0.4,
    )


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
        triangle=_lid_triangles(figure, position, -ABOVE),
        kind=Kind.CATCHLIGHT,
        albedo=np.full((len(half), 3), 0.92),
        opacity=TEARS * glint,
    )


def _liner(figure: Figure, edge: LidEdge) -> Splats:
    """The dark edge of the upper lid: the roots of the lashes and the shade between them."""
    t = np.linspace(0, 1, 52)
    points = edge.at(t) + np.array([0, 0.15, 0.15]) * MM
    position, direction, half, _, _ = segments(points[None], overlap=0.7)
    fade = np.sin(np.pi * np.clip(0.12 + 0.83 * t[:-1], 0, 1)) ** 0.5
    return fibres(
        position,
        direction,
        np.stack([half, np.full(len(half), LINER_THICKNESS), np.full(len(half), LINER_THICKNESS)], 1),
        normal=np.tile([0, 0, 1.0], (len(half), 1)),
        triangle=_lid_triangles(figure, position, ABOVE),
        kind=Kind.BROW,
        albedo=np.tile(0.6 * to_linear(LASH_COLOUR), (len(half), 1)),
        opacity=LINER * fade,
    )


def _lash_row(figure: Figure, edge: LidEdge, row: LashRow, above: float, rng: np.random.Generator) -> Splats:
    """Lashes: out of the lid, then curling; longest towards the outer corner, leaning together in clumps."""
    n = row.count
    t = row.ends[0] + (row.ends[1] - row.ends[0]) * (np.arange(n) + rng.uniform(0.1, 0.9, n)) / n
    root = edge.at(t) + np.array(row.root)
    clump = np.arange(n) // CLUMP
    sway = 0.11 * rng.normal(size=clump[-1] + 1)[clump] + 0.07 * rng.normal(size=n)
    # the tips of a clump lean to its middle
    middle_of = (np.bincount(clump, root[:, 0]) / np.bincount(clump))[clump]
    sway += 0.5 * edge.sign * (middle_of - root[:, 0]) / row.length
    sideways = ((t - 0.45) * 1.2 + sway) * edge.sign
    rise = row.rise + 0.10 * rng.normal(size=n)
    out = unit(np.stack([sideways, rise, np.ones(n)], 1))
    length = row.length * figure.person.look.lash_length**0.8 * rng.uniform(0.55, 1.1, n)
    length = (length * (0.60 + 0.50 * np.sin(np.pi * np.minimum(1, 0.25 + 0.75 * t))))[:, None]
    middle = root + 0.5 * length * out
    tip = root + 0.85 * length * out + length * row.bend * rng.uniform(0.45, 1.1, (n, 1)) * [0, 1, 0]
    s = np.linspace(0, 1, row.pieces)[:, None]
    points = (1 - s) ** 2 * root[:, None] + 2 * s * (1 - s) * middle[:, None] + s * s * tip[:, None]
    position, direction, half, hair, u = segments(points)
    thin = row.thickness * (1.15 - 0.75 * u) * rng.uniform(0.8, 1.15, n)[hair]
    return fibres(
        position,
        direction,
        np.stack([half, thin, thin], 1),
        normal=np.tile([0, 0, 1.0], (len(half), 1)),
        triangle=_lid_triangles(figure, root, above, max(0.0, np.sign(above) * ARM))[hair],
        kind=Kind.BROW,
        albedo=np.tile(to_linear(LASH_COLOUR), (len(half), 1)),
        opacity=row.opacity * (1 - 0.6 * u),
        shade=0.2,
    )
