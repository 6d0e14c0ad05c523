"""Hair styles: tied back, short, bob and cropped curls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from .geometry import bell, mirrored, smoothstep, tangent, unit
from .light import to_linear
from .noise import value_noise
from .scalp import depth_inside_hairline, scalp_cover
from .splats import Kind, Splats, discs, fibres
from .strands import Field, chain, crawl, rigid_scalp_triangles, smoothed
from .surface import Figure, Samples

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MM = 1e-3
EAR_ROOM = 9 * MM  # by which long hair bulges over the ears
EAR_CLEARANCE = 2.5 * MM  # around the ears in which nothing grows
MAT_HEIGHT = {"short": 0.9 * MM, "cropped": 0.7 * MM}  # of the dense hair that hides the scalp between the strands
THINNING = 1.1  # power of the coarseness by which strands get fewer
COVERED = 20 * MM  # inside the hairline, from where roots are hidden under other hair
STRAND_CLEARANCE = 0.9 * MM  # of long strands above the skin
PARTING = 0.018  # metres to the left
RISE = 24 * MM  # over which long strands at the hairline grow from fine roots to locks
STEP_AT_ROOT = 12 * MM  # of those strands that is laid more finely, for this to show
ROOT_THICKNESS, ROOT_OPACITY = 0.22, 0.22  # of what the strand becomes
RAGGED = 0.4  # of the differences between strands' layers that are differences in height
CROWN_SPACING, CROWN_HEIGHT, CROWN_SHADE = 4.0 * MM, 3.7 * MM, 0.35  # of what fills the outline of hair tied back
MAT_SPACING = 2.9 * MM
MAT_SHADE = {"short": 0.35, "cropped": 0.24}  # of the light, for it lies in the depth of the hair


@dataclass(frozen=True, eq=False)
class Strands:
    """Polylines with their layer (0 at the scalp .. 1 outermost) and thickness (standard deviation, metres).

    Over the first `rise` metres a strand grows from a fine root to what it is.
    """

    points: list[F64]
    layer: F64
    thickness: F64
    opacity: F64
    rise: F64

    @staticmethod
    def join(*groups: Strands) -> Strands:
        """All strands."""
        columns = (np.concatenate([getattr(g, f) for g in groups]) for f in ("layer", "thickness", "opacity", "rise"))
        return Strands([p for g in groups for p in g.points], *columns)

    def thinned(self, factor: float, rng: np.random.Generator) -> Strands:
        """Fewer strands, as much thicker, that cover as much."""
        kept = np.sort(rng.permutation(len(self.points))[: round(len(self.points) / factor)])
        points = [self.points[i] for i in kept]
        return Strands(points, self.layer[kept], factor * self.thickness[kept], self.opacity[kept], self.rise[kept])


def _ear_vertices(figure: Figure) -> NDArray[np.bool_]:
    """Mask [fine vertices] of the ears."""
    ears = np.zeros(len(figure.vertices), bool)
    ears[figure.triangles[figure.triangle_masks["ears"] >= 0.3]] = True
    return ears


@dataclass(frozen=True, eq=False)
class Scalp:
    """Fine vertices under the hair."""

    figure: Figure
    points: F64
    normals: F64
    depth: F64  # inside the hairline

    @staticmethod
    def of(figure: Figure) -> Scalp:
        """The scalp of a figure."""
        ears = _ear_vertices(figure)
        cover, depth = scalp_cover(figure, figure.vertices, ears.astype(float))
        away = KDTree(figure.vertices[ears]).query(figure.vertices)[0] > EAR_CLEARANCE
        kept = (cover > 0.02) & away
        return Scalp(figure, figure.vertices[kept], figure.normals[kept], depth[kept])

    def roots(self, count: int, weight: F64, rng: np.random.Generator, jitter: float = 1.2 * MM) -> tuple[F64, F64]:
        """Random root positions and normals."""
        index = rng.choice(len(self.points), count, p=weight / weight.sum())
        return self.points[index] + rng.normal(size=(count, 3)) * jitter, self.normals[index]


def hair(figure: Figure, rng: np.random.Generator) -> Splats:
    """The person's hair."""
    styles: dict[str, Callable[[Scalp, np.random.Generator], Strands]] = {
        "tied": tied,
        "short": short,
        "bob": bob,
        "cropped": cropped,
    }
    scalp = Scalp.of(figure)
    style = figure.person.look.style
    strands = styles[style](scalp, rng)
    if figure.coarseness != 1:
        strands = strands.thinned(figure.coarseness**THINNING, rng)
    parts = [_gaussians(scalp, strands, rng)]
    if style in MAT_HEIGHT:
        parts.append(_mat(scalp, MAT_HEIGHT[style], MAT_SHADE[style], rng))
    elif style == "tied":
        parts.append(_crown(scalp, rng))
    return Splats.concatenate(parts)


def _strands(points: list[F64], layer: F64, rng: np.random.Generator, thickness: float, opacity: float) -> Strands:
    n = len(points)
    return Strands(points, layer, thickness * rng.uniform(0.7, 1.25, n), np.full(n, opacity), np.zeros(n))


def tied(scalp: Scalp, rng: np.random.Generator, count: int = 2430) -> Strands:
    """Swept back from a side parting into a low bun."""
    parting, knot = PARTING, np.array([0, 0.012, scalp.points[:, 2].min() + 0.004])
    tufted = scalp.depth + 3.5 * MM * value_noise(scalp.points, 170.0, 62)
    weight = np.where(scalp.depth < 0.014, 3.0, 0.8) * smoothstep(-1 * MM, 8 * MM, tufted)
    roots, _ = scalp.roots(count, weight, rng)
    inside = depth_inside_hairline(scalp.figure, roots)
    # what is rooted at the hairline lies on top of what grows behind it: nothing sticks out of the outline
    deep = smoothstep(0.010, 0.040, inside)
    chance = rng.random(count)
    layer = 0.4 * (1 - deep) + (0.6 - 0.4 * deep) * chance
    # heights differ less than shades: over the crown each strand of a ragged layer would stand out
    lift = layer + (1 - RAGGED) * (0.6 - 0.4 * deep) * (0.5 - chance)
    sway = 0.02 * rng.normal(size=count)
    top = roots[:, 1:2] > 0.094
    away = np.tanh((roots[:, :1] - parting) / 0.02)
    first = np.where(
        top,
        np.column_stack([0.45 * away, np.full(count, 0.05), np.full(count, -0.80)]),
        np.column_stack([0.12 * np.sign(roots[:, 0]), np.where(roots[:, 2] > 0.02, 0.2, -0.05), -np.ones(count)]),
    )

    def flow(p: F64, normal: F64, direction: F64, strand: I64) -> F64:
        behind = (p[:, 2] < -0.012) | (p[:, 1] > 0.075)
        above_ear = np.column_stack([p[:, 0], np.full(len(p), 0.070), np.full(len(p), -0.045)])
        towards = unit(tangent(np.where(behind[:, None], knot, above_ear) - p, normal))
        turn = sway[strand] + 0.03 * value_noise(p, 55.0, 4)
        return towards + 3.3 * turn[:, None] * np.cross(normal, direction)

    def height(travelled: float, strand: I64) -> F64:
        volume = 3.0 * MM + 7.5 * MM * lift[strand] + 2 * MM * smoothstep(0.08, 0.12, roots[strand, 1])
        volume *= 0.45 + 0.55 * smoothstep(0, 0.025, inside[strand])
        return 0.6 * MM + volume * (1 - np.exp(-travelled / 0.045))

    def done(p: F64, distance: F64, travelled: float) -> NDArray[np.bool_]:
        return (distance > 6 * MM) | (np.linalg.norm(p - knot, axis=1) < 0.020)

    grown = crawl(
        Field(scalp.points, scalp.normals), roots, first, flow, height=height, done=done, step=0.013, steps=22
    )
    swept = _strands([smoothed(s, passes=3) for s in grown], layer, rng, 0.36 * MM, 0.85)
    at_edge = smoothstep(18 * MM, 4 * MM, inside) * (roots[:, 2] > 0)
    near = at_edge > 0
    points = [
        _finer(s, scalp.figure.coarseness, STEP_AT_ROOT) if n else s for s, n in zip(swept.points, near, strict=True)
    ]
    swept = replace(swept, points=points, rise=RISE * at_edge * rng.uniform(0.5, 1.3, count))
    return Strands.join(swept, _bun(knot, rng), _fine_edge(scalp, rng, 1250), _flyaways(swept, scalp, rng, 36))


def _bun(knot: F64, rng: np.random.Generator, count: int = 220) -> Strands:
    """Loops around the knot."""
    loops = []
    for _ in range(count):
        turn = np.linspace(0, rng.uniform(2, 4), 8) + rng.uniform(0, 2 * np.pi)
        radius, tilt = (11 + 11 * rng.random()) * MM, 0.35 * rng.normal()
        loop = np.stack([radius * np.cos(turn), radius * np.sin(turn), 8 * MM * np.sin(1.5 * turn + tilt)], 1)
        loops.append(knot + [0, 0, -0.016] + rng.normal(size=3) * [0.004, 0.004, 0.003] + loop)
    return _strands(loops, np.full(count, 0.8), rng, 0.50 * MM, 0.85)


def _fine_edge(scalp: Scalp, rng: np.random.Generator, count: int, lowest: float = 0.045) -> Strands:
    """Thin hairs along the front hairline, in tufts, and down on the bare skin before it; none below `lowest`."""
    _, y, z = scalp.points.T
    edge = (scalp.depth > -5.5 * MM) & (scalp.depth < 5 * MM) & (z > -0.005) & (y > lowest)  # not over the ears
    tufts = np.clip(0.55 + value_noise(scalp.points, 170.0, 61), 0.06, None)
    root, normal = scalp.roots(count, edge * tufts, rng, 0.8 * MM)
    inside = smoothstep(-5.5 * MM, 3 * MM, depth_inside_hairline(scalp.figure, root))
    low = smoothstep(0.055, 0.035, root[:, 1]) * (lowest < 0.02)  # sideburns grow down
    up = np.where(root[:, 1] > 0.08, 0.35, -0.25)
    back = np.column_stack([0.6 * np.tanh(root[:, 0] / 0.03) * (1 - low), up - low, -0.8 + 0.7 * low])
    flow = unit(tangent(back + (0.12 + 0.35 * (1 - inside))[:, None] * rng.normal(size=(count, 3)), normal))
    turned = unit(flow + 0.3 * rng.normal(size=(count, 1)) * np.cross(normal, flow))
    length = ((0.004 + 0.016 * inside * (1 - 0.6 * low)) * rng.uniform(0.5, 1.25, count))[:, None]
    middle = root + 0.5 * length * flow + (0.25 + 0.35 * inside[:, None]) * MM * normal
    points = np.stack([root + 0.1 * MM * normal, middle, middle + 0.5 * length * turned + 0.3 * MM * normal], 1)
    return Strands(
        list(points), np.full(count, 0.7), (0.06 + 0.055 * inside) * MM, 0.16 + 0.14 * inside, np.zeros(count)
    )


def _flyaways(strands: Strands, scalp: Scalp, rng: np.random.Generator, count: int) -> Strands:
    """Single hairs that have come loose from the strands they follow."""
    chosen = rng.choice([i for i, s in enumerate(strands.points) if len(s) > 6], count)
    loose = []
    for i in chosen:
        s = strands.points[i]
        normal = scalp.normals[KDTree(scalp.points).query(s[len(s) // 2])[1]]
        u = np.linspace(0, 1, len(s))[:, None]
        away = rng.uniform(0.5, 3.0) * MM * normal + 2.2 * MM * rng.normal(size=3)
        loose.append(s + np.sin(np.pi * u**0.8) * away + 1.2 * MM * rng.normal(size=3) * np.sin(2.5 * np.pi * u))
    return Strands(loose, np.ones(count), np.full(count, 0.075 * MM), rng.uniform(0.15, 0.4, count), np.zeros(count))


def short(scalp: Scalp, rng: np.random.Generator, count: int = 3900) -> Strands:
    """Short at the sides, longer on top, brushed to the side."""
    inside = scalp.depth + 2.5 * MM * value_noise(scalp.points, 160.0, 62)
    weight = np.where(scalp.points[:, 1] > 0.08, 1.4, 1.0) * smoothstep(-2.5 * MM, 3 * MM, inside)
    root, normal = scalp.roots(count, weight, rng, 1.0 * MM)
    top, front = smoothstep(0.06, 0.105, root[:, 1]), smoothstep(0.02, 0.07, root[:, 2])
    length = (0.009 + 0.027 * top) * rng.uniform(0.6, 1.15, count)
    flow = np.column_stack([0.62 * top, 0.20 * front * top - 0.55 * (1 - top), -0.50 - 0.25 * top])
    flow += 0.30 * np.column_stack([value_noise(root, 90.0, k) for k in (1, 2, 3)])
    flow += 0.22 * np.column_stack([value_noise(root, 260.0, k) for k in (4, 5, 6)])  # tufts
    flow += 0.13 * rng.normal(size=(count, 3))
    edge = smoothstep(0, 8 * MM, depth_inside_hairline(scalp.figure, root))  # hairs lie down and get finer at the edge
    lift = ((0.10 + (0.34 + 0.34 * front) * top) * (0.45 + 0.55 * edge) * rng.uniform(0.6, 1.3, count))[:, None]
    points = _arcs(Field(scalp.points, scalp.normals), root, normal, flow=flow, lift=lift, length=length)
    kept = [i for i, s in enumerate(points) if not _over_face(scalp.figure, s)]
    points, edge = [points[i] for i in kept], edge[kept]
    thickness = 0.36 * MM * (0.40 + 0.60 * edge) * rng.uniform(0.6, 1.25, len(points))
    locks = Strands(points, rng.random(len(points)), thickness, 0.62 + 0.23 * edge, np.zeros(len(points)))
    return Strands.join(locks, _fine_edge(scalp, rng, 700, lowest=0.005))


def _over_face(figure: Figure, strand: F64) -> bool:
    """Whether a strand ends over bare skin in front."""
    return bool(strand[-1, 2] > 0.0 and depth_inside_hairline(figure, strand[-1:])[0] < -4 * MM)


def _arcs(field: Field, root: F64, normal: F64, *, flow: F64, lift: F64, length: F64, pieces: int = 4) -> list[F64]:
    """Hairs that rise from the scalp by `lift` and bend back onto it along `flow`."""
    p = root - 0.5 * MM * normal
    direction = unit(unit(tangent(flow, normal)) + lift * normal)
    points = [p]
    for _ in range(pieces):
        p = p + direction * (length / pieces)[:, None]
        base, n, _ = field.at(p)
        low = ((p - base) * n).sum(1, keepdims=True) < 1.5 * MM
        along = unit(tangent(flow, n))
        direction = unit(direction + 0.38 * (along - 0.35 * n) + 0.6 * low * n - [0, 0.05, 0])
        points.append(p)
    return list(np.stack(points, 1))


def cropped(scalp: Scalp, rng: np.random.Generator, count: int = 5300) -> Strands:
    """Close-cropped tight curls: a piece of a coil per root, in tufts, smaller and thinner at the hairline."""
    inside = scalp.depth + 2.0 * MM * value_noise(scalp.points, 170.0, 62)
    weight = smoothstep(-1.0 * MM, 5 * MM, inside) * (1 + 0.5 * value_noise(scalp.points, 330.0, 63))
    root, normal = scalp.roots(count, weight, rng, 1.0 * MM)
    edge = smoothstep(-1 * MM, 10 * MM, depth_inside_hairline(scalp.figure, root))
    axis = unit(normal + 0.9 * rng.normal(size=(count, 3)))
    side = unit(tangent(rng.normal(size=(count, 3)), axis))
    other = np.cross(axis, side)
    top = smoothstep(0.05, 0.11, root[:, 1])
    rise = ((2.4 + 4.6 * top) * (0.25 + 0.75 * edge) * rng.uniform(0.4, 1.15, count) * MM)[:, None, None]
    radius = ((0.6 + 0.6 * edge) * rng.uniform(0.7, 1.4, count) * MM)[:, None, None]
    s = np.linspace(0, 1, 4)[:, None]
    turn = 2 * np.pi * rng.uniform(0.35, 0.6, (count, 1, 1)) * s + rng.uniform(0, 2 * np.pi, (count, 1, 1))
    coil = radius * (np.cos(turn) * side[:, None] + np.sin(turn) * other[:, None])
    coil = coil - coil[:, :1]
    points = root[:, None] + coil + (rise * s) * normal[:, None]
    thickness = 0.30 * MM * (0.35 + 0.65 * edge) * rng.uniform(0.6, 1.3, count)
    coils = Strands(list(points), rng.uniform(0.35, 1, count), thickness, 0.35 + 0.50 * edge, np.zeros(count))
    return Strands.join(coils, _fine_edge(scalp, rng, 250, lowest=0.005))


def bob(scalp: Scalp, rng: np.random.Generator, count: int = 1780) -> Strands:
    """Chin-length straight hair that falls from a side parting and frames the face."""
    figure, parting = scalp.figure, PARTING
    weight = (
        np.where(scalp.depth < 0.012, 2.2, 1.0)
        * (scalp.depth > -1 * MM)
        * np.where(scalp.points[:, 1] > 0.03, 1.0, 0.5)
    )
    roots, normals = scalp.roots(count, weight, rng)
    layer = rng.random(count) ** 0.7
    side = np.where(roots[:, 0] > parting, 1.0, -1.0)
    side = np.where(roots[:, 2] < -0.030, rng.choice([-1.0, 1.0], count), side)
    end = figure.chin[1] - 0.004 + 0.006 * rng.normal(size=count) - 0.010 * (roots[:, 2] < -0.02)
    ears = _ear_vertices(figure)
    body = Field(figure.vertices[~ears], figure.normals[~ears])
    ear_middle = mirrored(figure.vertices[ears]).mean(0)
    step = 0.012
    front = smoothstep(-0.060, -0.005, roots[:, 2])
    direction = np.column_stack([side * (0.15 + 0.85 * front), 0.55 * front - 0.3, -0.25 - 0.6 * (1 - front)])
    direction = unit(direction + 0.1 * rng.normal(size=(count, 3)))
    direction = unit(tangent(direction, normals) + 0.12 * normals)
    p, points, alive = roots.copy(), [[r] for r in roots], np.ones(count, bool)
    for k in range(30):
        direction = _fall(p, direction, side)
        p = np.where(alive[:, None], p + step * direction, p)
        base, n, _ = body.at(p, neighbours=16)
        clearance = 1.5 * MM + (3 * MM + 7.5 * MM * layer) * smoothstep(0.015, 0.10, k * step)
        clearance += EAR_ROOM * bell(mirrored(p), ear_middle, 0.028)
        short_by = clearance - ((p - base) * n).sum(1)
        # the skull holds the hair; below the ears it hangs freely
        inwards = -9 * MM * smoothstep(-0.005, 0.030, p[:, 1])
        p = np.where(alive[:, None], p + np.maximum(short_by, inwards)[:, None] * n, p)
        p = _clear_of_face(figure, p)
        for i in np.flatnonzero(alive):
            points[i].append(p[i].copy())
        alive &= p[:, 1] > end
    strands = [smoothed(np.array(s), passes=5) for s in points]
    beside = np.array([not ((s[:, 2] > 0.030) & (s[:, 1] < 0.060)).any() for s in strands])
    beside &= np.array([not _crosses_forehead(figure, s) for s in strands])
    strands = [s for s, kept in zip(strands, beside, strict=True) if kept]
    strands = [_outside(body, _finer(s, figure.coarseness)) if s[0, 2] > 0.0 else s for s in strands]
    long = _strands(strands, layer[beside], rng, 0.46 * MM, 0.85)
    at_edge = smoothstep(12 * MM, 1 * MM, depth_inside_hairline(figure, roots[beside])) * (roots[beside, 2] > 0)
    long = replace(long, thickness=long.thickness * (1 - 0.68 * at_edge), opacity=0.85 - 0.3 * at_edge)
    return Strands.join(long, _fine_edge(scalp, rng, 700), _flyaways(long, scalp, rng, 40))


def _crosses_forehead(figure: Figure, strand: F64) -> bool:
    """Whether a strand lies in front of the hairline somewhere."""
    front = strand[(strand[:, 2] > 0.015) & (strand[:, 1] > 0.045)]
    return bool((depth_inside_hairline(figure, front) < -2 * MM).any())


def _outside(body: Field, strand: F64) -> F64:
    """The polyline where it sank into the skin when it was smoothed, lifted out again."""
    base, normal, _ = body.at(strand)
    short_by = STRAND_CLEARANCE - ((strand - base) * normal).sum(1)
    return strand + np.clip(short_by, 0, None)[:, None] * normal


def _finer(strand: F64, coarseness: float, first: float = 0.034) -> F64:
    """A polyline with more points in its `first` metres: there it lies on the curved forehead."""
    step = 5 * MM * coarseness
    travelled = np.r_[0, np.cumsum(np.linalg.norm(np.diff(strand, axis=0), axis=1))]
    at = np.r_[np.arange(0, first, step), travelled[travelled > first]]
    return np.stack([np.interp(at, travelled, strand[:, k]) for k in range(3)], 1)


def _fall(p: F64, direction: F64, side: F64) -> F64:
    """Sideways on the crown, then down; the ends turn slightly in."""
    crown = (smoothstep(0.085, 0.120, p[:, 1]) * smoothstep(-0.060, -0.005, p[:, 2]))[:, None]
    sideways = np.column_stack([side, np.full(len(p), -0.25), np.full(len(p), -0.30)])
    down = np.column_stack(
        [-0.25 * np.sign(p[:, 0]) * smoothstep(-0.02, -0.07, p[:, 1]), -np.ones(len(p)), np.full(len(p), -0.10)]
    )
    return unit(0.55 * direction + 0.45 * unit(crown * sideways + (1 - crown) * down))


def _clear_of_face(figure: Figure, p: F64) -> F64:
    """Hair stays beside the face: below the hairline nothing hangs in front of the cheeks."""
    p = p.copy()
    low = smoothstep(0.095, 0.060, p[:, 1])
    limit = 0.012 + 0.090 * (1 - low)
    in_front = (p[:, 2] > limit) & (p[:, 1] < 0.095)
    p[in_front, 2] -= 0.5 * (p[in_front, 2] - limit[in_front])
    return p


def _mat(scalp: Scalp, height: float, shade: float, rng: np.random.Generator) -> Splats:
    """Dark flat Gaussians over the scalp: the hair between the strands that one sees."""
    figure = scalp.figure
    bare = depth_inside_hairline(figure, figure.centres) < 2 * MM
    samples = _over_scalp(figure, np.where(bare, np.inf, MAT_SPACING), rng)
    # thin at the hairline, where single hairs show
    inside = depth_inside_hairline(figure, samples.position) + 3 * MM * value_noise(samples.position, 160.0, 62)
    thick = smoothstep(0, 0.012, inside)
    return _flat(figure, samples, rise=height * thick, opacity=0.97 * thick, shade=shade, rng=rng)


def _crown(scalp: Scalp, rng: np.random.Generator) -> Splats:
    """The same in the depth of long hair on the crown: between its strands the background would show at the outline."""
    figure = scalp.figure
    low = figure.centres[:, 1] < 0.100
    samples = _over_scalp(figure, np.where(low, np.inf, CROWN_SPACING), rng)
    inside = depth_inside_hairline(figure, samples.position)
    thick = smoothstep(0.100, 0.115, samples.position[:, 1]) * smoothstep(0.008, 0.020, inside)
    rise = CROWN_HEIGHT * (1 - np.exp(-np.clip(inside, 0, None) / 0.045))
    return _flat(figure, samples, rise=rise, opacity=0.97 * thick, shade=CROWN_SHADE, rng=rng)


def _over_scalp(figure: Figure, spacing: F64, rng: np.random.Generator) -> Samples:
    """Points of the skin, none on the ears, `spacing` [fine triangles] apart."""
    return figure.sample(np.where(figure.triangle_masks["ears"] > 0.1, np.inf, spacing), rng)


def _flat(
    figure: Figure, samples: Samples, *, rise: F64, opacity: F64, shade: float, rng: np.random.Generator
) -> Splats:
    """Flat Gaussians of hair that lie `rise` [n] above the scalp and get the share `shade` of the light."""
    carriers = _carriers(figure)
    centres = figure.head.vertices[figure.topology.faces[carriers]].mean(1)
    flat = discs(
        samples.position + rise[:, None] * samples.normal,
        samples.normal,
        0.70 * samples.spacing,
        triangle=carriers[KDTree(centres).query(samples.position)[1]],
        kind=Kind.HAIR,
        albedo=to_linear(figure.person.look.hair) * np.exp(0.3 * rng.normal(size=(len(samples), 1))),
        thickness=0.35,
        opacity=opacity,
    )
    return replace(flat, shade=np.full(len(flat), shade))


def _carriers(figure: Figure) -> I64:
    """Triangles under the hair that no expression moves."""
    skin = figure.topology.triangles_of("skin")
    centres = figure.head.vertices[figure.topology.faces[skin]].mean(1)
    inside = (depth_inside_hairline(figure, centres) > -2 * MM) & (np.abs(centres[:, 0]) < 0.085)
    return rigid_scalp_triangles(figure, inside)


def _gaussians(scalp: Scalp, strands: Strands, rng: np.random.Generator) -> Splats:
    """Chains of Gaussians, darker in the inner layers, hung from triangles that no expression moves."""
    figure = scalp.figure
    position, direction, half, owner, u = chain(strands.points, longest=0.020)
    roots = np.stack([s[0] for s in strands.points])
    travelled = np.linalg.norm(position - roots[owner], axis=1)
    grown = smoothstep(0, np.maximum(strands.rise[owner], 0.1 * MM), travelled)
    thin = strands.thickness[owner] * (1.1 - 0.55 * u) * (ROOT_THICKNESS + (1 - ROOT_THICKNESS) * grown)
    nearest = KDTree(scalp.points).query(position)[1]
    normal = scalp.normals[nearest]
    height = np.clip(((position - scalp.points[nearest]) * normal).sum(1), 0, None)
    tone, sheen = _variety(roots, float(to_linear(figure.person.look.hair).mean()), rng)
    centres = figure.head.vertices[figure.topology.faces].mean(1)
    carriers = _carriers(figure)
    high = 3 * MM if figure.person.look.style in MAT_HEIGHT else 7 * MM
    shade = (0.30 + 0.70 * smoothstep(0, 0.8, strands.layer[owner])) * (0.55 + 0.45 * smoothstep(0, high, height))
    # of a long strand rooted under others only what lies on top can be seen: no loops at the outline
    covered = (depth_inside_hairline(figure, roots) > COVERED) & (np.array([len(s) for s in strands.points]) > 7)
    covered &= ~((roots[:, 1] > 0.09) & (roots[:, 2] > -0.02) & (np.abs(roots[:, 0] - PARTING) < 0.025))
    risen = np.where(covered[owner], smoothstep(0, 0.16, u), 1) * (ROOT_OPACITY + (1 - ROOT_OPACITY) * grown)
    return fibres(
        position,
        direction,
        np.stack([half, thin, thin], 1),
        normal=normal,
        triangle=carriers[KDTree(centres[carriers]).query(position)[1]],
        kind=Kind.HAIR,
        albedo=to_linear(figure.person.look.hair) * tone[owner] * (0.75 + 0.5 * u)[:, None],
        opacity=strands.opacity[owner] * risen * (1 - 0.65 * smoothstep(0.6, 1, u)),  # ends are fine
        shade=shade * sheen[owner],
    )


def _variety(roots: F64, colour: float, rng: np.random.Generator) -> tuple[F64, F64]:
    """Colour [n, 3] and light [n] of strands relative to the average: by lock, and strand by strand.

    Black hair shows its strands by their sheen, not by their colour.
    """
    n = len(roots)
    lock = 0.6 * value_noise(roots, 130.0, 71) + 0.4 * value_noise(roots, 420.0, 72)
    tone = np.exp(0.20 * rng.normal(size=n) + 0.75 * lock) * np.where(rng.random(n) < 0.10, 1.6, 1.0)
    warmth = 0.09 * rng.normal(size=(n, 1)) + 0.10 * value_noise(roots, 200.0, 73)[:, None]
    black = smoothstep(0.022, 0.008, colour)
    sheen = np.exp((0.30 + 0.30 * black) * rng.normal(size=n) + 0.40 * value_noise(roots, 260.0, 74))
    sheen = np.clip((1 + 0.5 * black) * sheen, 0.4, 2 + black)
    return tone[:, None] * (1 + warmth * np.array([1.0, 0, -1.0])), sheen
