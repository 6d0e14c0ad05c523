"""Skin: where its Gaussians lie and what colour and gloss they have."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .clothes import collar_depth
from .detail import Detail, skin_detail
from .ears import tinted_ears
from .geometry import bell, mirrored, smoothstep, tangent, triangle_areas, unit
from .lashes import off_lid_edges
from .light import to_linear
from .noise import fractal_noise, throw_darts, value_noise
from .scalp import hair_shadow, scalp_cover
from .splats import THICKNESS, Kind, Splats, discs
from .surface import BLINK, BROWS_UP, NEUTRAL, OPEN_SMILE, WIDE, WIDE_OPEN, Figure, Pose, Samples

F64 = NDArray[np.float64]

MM = 1e-3
SIGMA = 0.64  # standard deviation in units of the neighbour distance


@dataclass(frozen=True)
class Apart:
    """Distances between Gaussians, millimetres in an avatar of coarseness 1."""

    face: float
    side: float  # from the cheekbones to the ears
    throat: float
    mouth: float  # inside


FINEST, COARSER = Apart(0.69, 1.1, 1.5, 2.0), Apart(1.14, 1.14, 2.0, 1.4)  # a coarse one does not show the detail
LID_STRETCH, MOUTH_STRETCH, BROW_STRETCH = 2.5, 2.5, 1.7  # most growth that denser Gaussians make up for
LINING_GROWTH = 1.4  # from which skin that unfolds gets a lining
BACKING_SPACING, BACKING_DEPTH = 3.4 * MM, 2.2 * MM  # so deep that it never hides the detail of a slope
BACKING_OVERLAP = 1.25  # closed also where skin that is bound to neighbouring triangles comes apart
FOLDING, SHALLOW = (0.030, 0.040), 1.4 * MM  # around an eye, and how deep it is there: it must not come out of folds
LID_LINING_SPACING, MOUTH_LINING_SPACING, EAR_LINING_SPACING = 0.95 * MM, 1.1 * MM, 1.15 * MM
LINING_DEPTH = 0.25 * MM
BESIDE_MOUTH = 15 * MM  # around its corners, where smiles stretch skin that has no backing
LIP_RELIEF = 0.12 * MM  # depth of the lips' creases
VISIBLE_POSES = (NEUTRAL, BLINK, WIDE, OPEN_SMILE, WIDE_OPEN)  # a sample is kept if it can be seen in one of them
VISIBILITY_RAYS = 40

WET = (0.56, 0.27, 0.26)  # inside of the mouth
LID_RIM, RIM = (0.72, 0.47, 0.42), (3.0 * MM, 1.2 * MM)  # colour of the edges of the lids, and where they end
TEAR_DUCT = (0.74, 0.46, 0.42)

DETAIL_GAIN, GLOSS_GAIN, PORES = 0.68, 1.6, 0.05  # of the photographed colour and gloss; darkening of a usual pore
RELIEF_GAIN, STEEPEST = 1.5, 0.6  # of the photographed relief, height over length
USUAL_PORE = 0.02 * MM
WANDER = 0.0012  # texture units by which a person's detail is shifted here and there: 2.5 mm
BEARD_GAIN, BEARD_TINT = 1.6, np.array([1.0, 0.96, 0.84])


def skin(figure: Figure, rng: np.random.Generator) -> Splats:
    """The visible skin, and a coarse layer under it that stops the dark inside from shining through."""
    surface = _seen(figure, figure.sample(_spacing(figure), rng), rng)
    outside = [painted(figure, surface), _backing(figure, surface, rng)]
    return Splats.concatenate([*outside, *_linings(figure, rng)])


def _spacing(figure: Figure) -> F64:
    """Distance between Gaussians by fine triangle: finest at the lids, lips and nose."""
    c = figure.centres
    eyes, mouth = figure.eye_distance(c, (1, 1.15, 0.6)), figure.lip_distance(c)
    face = (c[:, 1] > figure.chin[1] - 0.012) & (c[:, 2] > -0.015)
    apart = FINEST if figure.coarseness == 1 else COARSER
    out = np.full(len(c), 2.0)
    out[(c[:, 2] > -0.01) & ~face] = apart.throat
    out[face] = apart.face + (apart.side - apart.face) * smoothstep(0.035, -0.005, c[face, 2])
    out[scalp_cover(figure, c)[1] > 0.012] = 2.6
    out[figure.triangle_masks["ears"] > 0.1] = 1.1
    out = np.minimum(out, np.where(eyes < 0.024, 0.70 + 0.4 * smoothstep(0.014, 0.024, eyes), np.inf))
    out = np.minimum(out, np.where(mouth < 0.028, 0.74 + 0.36 * smoothstep(0.016, 0.028, mouth), np.inf))
    out = np.minimum(out, np.where(np.linalg.norm(c - figure.nose, axis=1) < 0.02, 0.9, np.inf))
    out[figure.triangle_masks["inside-mouth"] > 0.3] = apart.mouth
    quads = len(figure.topology.skin_quads)
    stretch = _stretch(figure)
    out /= np.sqrt(0.5 * (stretch[figure.quad_of] + stretch[figure.quad_of + quads]))
    # the sockets behind the eyeballs and the chest under the clothes are never seen
    for eye in figure.head.eyes:
        out[(np.linalg.norm(c - eye, axis=1) < 0.017) & (c[:, 2] < eye[2] + 0.004)] = np.inf
    out[collar_depth(figure, c) > 0.003] = np.inf
    return out * MM


def _stretch(figure: Figure) -> F64:
    """How much larger, within limits, each triangle gets in a blink, an open mouth or under raised brows."""
    poses = ((BLINK, LID_STRETCH), (OPEN_SMILE, MOUTH_STRETCH), (BROWS_UP, BROW_STRETCH))
    return np.max([np.clip(_growth(figure, pose), 1, most) for pose, most in poses], axis=0)


def _growth(figure: Figure, pose: Pose) -> F64:
    """Area of each triangle in a pose, in units of its area at rest."""
    faces = figure.topology.faces
    rest = triangle_areas(figure.head.vertices, faces)
    return triangle_areas(figure.posed(pose), faces) / np.maximum(rest, 1e-12)


def _seen(figure: Figure, samples: Samples, rng: np.random.Generator) -> Samples:
    """Samples that some viewer outside can see in one of the poses; ears, lips and the mouth's inside always stay.

    Rays start above the skin and would be caught in narrow folds.
    """
    probe = discs(
        samples.position,
        samples.normal,
        1 * MM,
        triangle=samples.triangle,
        kind=Kind.SKIN,
        albedo=np.zeros((len(samples), 3)),
    )
    count = np.zeros(len(samples), int)
    for pose in VISIBLE_POSES:
        vertices = figure.posed(pose)
        scene = figure.ray_scene(vertices)
        moved = probe.carried(figure.head.vertices, vertices, figure.topology.faces)
        for _ in range(VISIBILITY_RAYS):
            outward = rng.normal(size=(len(samples), 3))
            outward /= np.linalg.norm(outward, axis=1, keepdims=True)
            count += scene.free(moved.position + 0.8 * MM * moved.normal, moved.normal + outward)
    folded = (samples.masks["ears"] > 0.1) | (figure.lip_distance(samples.position) < 0.022)
    return samples.take((count > 1) | (samples.masks["inside-mouth"] > 0.15) | folded)


def _backing(figure: Figure, samples: Samples, rng: np.random.Generator) -> Splats:
    """A coarse layer below a few of the samples, away from lids, lips, mouth corners, ears and nostrils."""
    p = samples.position
    nostrils = (np.linalg.norm(p - figure.nose, axis=1) < 0.022) & (p[:, 1] < figure.nose[1] + 0.004)
    corners = figure.head.vertices[figure.topology.mouth_corners]
    thick = (
        (figure.eye_distance(p) > 0.0205)
        & (figure.lip_distance(p) > 0.017)
        & (np.linalg.norm(p[:, None] - corners, axis=2).min(1) > 0.010)
        & (samples.masks["inside-mouth"] < 0.05)
        & (samples.masks["ears"] < 0.1)
        & ~nostrils
    )
    chosen = rng.permutation(np.flatnonzero(thick))
    chosen = chosen[throw_darts(p[chosen], np.full(len(chosen), 0.92 * BACKING_SPACING))]
    chosen = samples.take(chosen)
    deep = smoothstep(*FOLDING, figure.eye_distance(chosen.position))
    overlap = 1 + (BACKING_OVERLAP - 1) * deep
    wide = replace(chosen, spacing=overlap * BACKING_SPACING)
    return _coloured(figure, wide, _detail(figure, wide), depth=SHALLOW + (BACKING_DEPTH - SHALLOW) * deep)


def _linings(figure: Figure, rng: np.random.Generator) -> list[Splats]:
    """Layers under closed lids, in the open mouth and in the ears: where the skin unfolds or lies in narrow folds."""
    eyes = (figure.eye_distance(figure.centres) < 0.026) & _unfolds(figure, BLINK)
    corners = figure.head.vertices[figure.topology.mouth_corners]
    beside = np.linalg.norm(figure.centres[:, None] - corners, axis=2).min(1) < BESIDE_MOUTH
    mouth = (figure.lip_distance(figure.centres) < 0.022) | beside
    ears = figure.triangle_masks["ears"] > 0.1
    return [
        _lining(figure, BLINK, eyes, LID_LINING_SPACING, rng),
        _lining(figure, OPEN_SMILE, mouth, MOUTH_LINING_SPACING, rng),
        _lining(figure, NEUTRAL, ears, EAR_LINING_SPACING, rng),
    ]


def _unfolds(figure: Figure, pose: Pose) -> NDArray[np.bool_]:
    """Fine triangles that grow much in a pose."""
    grows = _growth(figure, pose)[figure.topology.triangles_of("skin")] > LINING_GROWTH
    quads = len(figure.topology.skin_quads)
    return (grows[:quads] | grows[quads:])[figure.quad_of]


def _lining(figure: Figure, pose: Pose, where: NDArray[np.bool_], spacing: float, rng: np.random.Generator) -> Splats:
    """A layer under the fine triangles of `where`, laid in a pose."""
    faces = figure.topology.faces
    samples = figure.sample(np.where(where, spacing, np.inf), rng, pose)
    posed = discs(
        samples.position,
        samples.normal,
        SIGMA * samples.spacing,
        triangle=samples.triangle,
        kind=Kind.SKIN,
        albedo=np.zeros((len(samples), 3)),
        depth=LINING_DEPTH,
    )
    rest = posed.carried(figure.posed(pose), figure.head.vertices, faces)
    at_rest = replace(samples, position=rest.position + LINING_DEPTH * rest.normal, normal=rest.normal)
    detail = _detail(figure, at_rest)
    gloss, roughness = _finish(figure, at_rest, detail)
    return replace(
        rest, albedo=_albedo(figure, at_rest, detail), gloss=gloss, roughness=roughness, scatter=np.ones(len(rest))
    )


def painted(figure: Figure, samples: Samples, *, thickness: float = THICKNESS) -> Splats:
    """Skin at the samples, in its colours and relief; `thickness` as in `discs`."""
    detail = _detail(figure, samples)
    return replace(_coloured(figure, samples, detail, thickness=thickness), normal=_bumpy(figure, samples, detail))


def _coloured(
    figure: Figure, samples: Samples, detail: Detail, *, depth: ArrayLike = 0.0, thickness: float = THICKNESS
) -> Splats:
    """Smooth skin at the samples, in its colours, `depth` below the surface."""
    albedo = _albedo(figure, samples, detail)
    gloss, roughness = _finish(figure, samples, detail)
    under_hair = scalp_cover(figure, samples.position, samples.masks["ears"])[0]
    near_eye = (figure.eye_distance(samples.position) < 0.026) & (np.asarray(depth) == 0)
    lid_growth = np.where(near_eye, np.sqrt(_stretch(figure)[samples.triangle]), 1.0)  # closes gaps in a blink
    return discs(
        samples.position,
        samples.normal,
        SIGMA * samples.spacing * lid_growth,
        triangle=samples.triangle,
        kind=Kind.SKIN,
        albedo=albedo,
        gloss=gloss,
        roughness=roughness,
        scatter=1 - 0.7 * under_hair,
        depth=depth,
        thickness=thickness,
    )


def _detail(figure: Figure, samples: Samples) -> Detail:
    """Photographed detail at the samples: of the other side for every other person, and shifted here and there."""
    seed, p = figure.person.seed, samples.position
    shift = [WANDER * fractal_noise(p, 25.0, 301 + 10 * seed + k, 2) for k in range(2)]
    uv = samples.uv + np.stack(shift, 1)
    if seed % 2:
        uv[:, 1] = 2 * figure.texture_middle - uv[:, 1]
    detail = skin_detail(uv, coarse=figure.coarseness > 1)
    return replace(detail, slope=detail.slope * [1, -1]) if seed % 2 else detail


def _bumpy(figure: Figure, samples: Samples, detail: Detail) -> F64:
    """Normals [n, 3] tilted by pores and fine lines; smooth on lips, lids and in the mouth."""
    look = figure.person.look
    slope = RELIEF_GAIN * look.relief * figure.gradient(samples.fine, detail.slope)
    slope *= (_plain(samples) * smoothstep(0.0135, 0.0175, figure.eye_distance(samples.position)))[:, None]
    lips = smoothstep(0.3, 0.8, samples.masks["lips"]) * (1 - smoothstep(0.2, 0.5, samples.masks["inside-mouth"]))
    step = np.array([0.2 * MM, 0, 0])
    rise = (_creases(samples.position + step) - _creases(samples.position - step)) / (2 * step[0])
    slope += (lips * LIP_RELIEF * rise)[:, None] * np.array([1.0, 0, 0])
    slope = tangent(slope, samples.normal)
    size = np.linalg.norm(slope, axis=1, keepdims=True)
    return unit(samples.normal - slope * np.minimum(1, STEEPEST / np.maximum(size, 1e-9)))


def _plain(samples: Samples) -> F64:
    """1 on outer skin, 0 on the lips and in the mouth."""
    return 1 - smoothstep(0.1, 0.5, np.maximum(samples.masks["lips"], samples.masks["inside-mouth"]))


def _creases(p: F64) -> F64:
    """Upright creases of the lips, -1 in them .. 1."""
    return 0.6 * value_noise(p * [1, 0.16, 0.16], 1150.0, 5) + 0.4 * value_noise(p * [1, 0.25, 0.25], 2100.0, 6)


def _finish(figure: Figure, samples: Samples, detail: Detail) -> tuple[F64, F64]:
    """Gloss and roughness: oily nose and forehead, moist lips, matt neck and scalp."""
    p = samples.position
    nose, forehead = bell(p, figure.nose, 0.012), bell(p, [0, 0.075, 0.07], 0.025)
    lips = smoothstep(0.25, 0.75, samples.masks["lips"])
    inside = smoothstep(0.3, 0.6, samples.masks["inside-mouth"])
    under_hair = scalp_cover(figure, p, samples.masks["ears"])[0]
    gloss = 1.25 - 0.35 * _neck(figure, p) + 0.4 * nose + 0.3 * forehead + 1.7 * lips * (1 - inside) - 1.0 * under_hair
    gloss *= np.exp(GLOSS_GAIN * detail.gloss * _plain(samples))  # pores break the highlight up
    gloss *= np.exp(0.35 * lips * _creases(p))
    gloss *= (1 - 0.8 * _mouth_corners(figure, p, 8 * MM)) * (1 - 0.6 * inside)  # folds and hollows do not glitter
    roughness = 0.43 + 0.06 * fractal_noise(p, 300.0, 2, 2) - 0.06 * nose - 0.20 * lips - 0.1 * inside
    return np.clip(gloss, 0.1, 3.2), np.clip(roughness, 0.2, 0.9)


def _mouth_corners(figure: Figure, p: F64, radius: float) -> F64:
    """1 in the corners of the mouth, falling off over `radius`."""
    return np.max([bell(p, c, radius) for c in figure.head.vertices[figure.topology.mouth_corners]], axis=0)


def _neck(figure: Figure, p: F64) -> F64:
    return smoothstep(figure.chin[1], figure.chin[1] - 0.03, p[:, 1])


def _tint(albedo: F64, amount: F64, darker: tuple[float, float, float]) -> F64:
    """Multiply by 1 - amount * darker."""
    return albedo * (1 - amount[:, None] * np.array(darker))


def _blend(albedo: F64, amount: F64, colour: F64) -> F64:
    return albedo + amount[:, None] * (colour - albedo)


def _albedo(figure: Figure, samples: Samples, detail: Detail) -> F64:
    """Linear RGB [n, 3]."""
    look, p = figure.person.look, samples.position
    albedo = to_linear(look.skin) * np.ones((len(p), 3))
    albedo = _flush(figure, samples, albedo)
    albedo = _eye_region(figure, samples, albedo)
    albedo = _fine_detail(figure, samples, detail, albedo)
    albedo = _lips(figure, samples, albedo)
    albedo = _blend(albedo, smoothstep(0.3, 0.6, samples.masks["inside-mouth"]), to_linear(WET))
    albedo = _nostrils(figure, p, albedo)
    albedo = tinted_ears(figure, p, samples.fine, samples.masks["ears"], albedo)
    albedo = _stubble(figure, samples, detail, albedo)
    albedo = _tint(albedo, _neck(figure, p), (0.05, 0.08, 0.08))
    albedo = _tint(albedo, hair_shadow(figure, p), (0.22, 0.28, 0.30))
    cover, depth = scalp_cover(figure, p, samples.masks["ears"])
    roots = 0.45 * to_linear(look.hair)
    return np.clip(_blend(albedo, cover * (0.55 + 0.45 * smoothstep(0, 0.012, depth)), roots), 0, 1)


def _flush(figure: Figure, samples: Samples, albedo: F64) -> F64:
    """Blood near the surface: cheeks, nose, ears, chin; and large soft blotches everywhere."""
    p, q = samples.position, mirrored(samples.position)
    eye, nose, lips = figure.head.eyes[0], figure.nose, figure.lips
    amount = 0.55 * bell(q, [0.040, lips[1] + 0.030, 0.045], 0.017, (1, 1, 0.5))
    amount += 0.45 * bell(p, nose, 0.010)
    amount += 0.40 * bell(q, [0.013, nose[1] - 0.002, nose[2] - 0.014], 0.006)
    amount += 0.25 * bell(p, figure.chin, 0.012)
    amount += 0.18 * bell(q, [eye[0], eye[1] + 0.02, eye[2]], 0.012)
    amount += 0.45 * samples.masks["ears"]
    amount += 0.24 * np.clip(fractal_noise(p, 110.0, 3), -1, 1)
    amount -= 0.30 * bell(p, [0, 0.078, 0.07], 0.030)  # the forehead is paler and yellower
    return albedo * (1 + figure.person.look.redness * amount[:, None] * np.array([0.03, -0.19, -0.20]))


def _eye_region(figure: Figure, samples: Samples, albedo: F64) -> F64:
    """Cooler under-eye, warmer lid, fold shadow, pink rim, tear duct."""
    q, eye = mirrored(samples.position), figure.head.eyes[0]
    under = bell(q, [eye[0] - 0.002, eye[1] - 0.0135, eye[2] + 0.012], 0.0065, (0.6, 1.2, 0.5))
    albedo = _tint(albedo, under, (0.11, 0.13, 0.07))
    lid = bell(q, [eye[0], eye[1] + 0.008, eye[2] + 0.012], 0.0055, (0.5, 1.1, 0.5))
    albedo = _tint(albedo, lid, (0.10, 0.16, 0.17))
    corner = bell(q, [eye[0] - 0.016, eye[1] + 0.004, eye[2] + 0.004], 0.006)
    albedo = _tint(albedo, corner, (0.12, 0.16, 0.16))
    skin = to_linear(figure.person.look.skin)
    # pink details take after the skin's own lightness
    pink = np.minimum(1, skin / to_linear((0.78, 0.62, 0.54)))
    off = figure.eye_distance(q) - figure.head.eye_radius.mean()
    rim = (
        smoothstep(2.0 * MM, 0.9 * MM, off)
        * (q[:, 2] > eye[2])
        * smoothstep(*RIM, off_lid_edges(figure, samples.position))
    )
    albedo = _blend(albedo, 0.6 * rim, to_linear(LID_RIM) * (0.4 + 0.6 * pink))
    duct = bell(q, [eye[0] - 0.0150, eye[1] - 0.0012, eye[2] + 0.0105], 2.2 * MM)
    return _blend(albedo, 0.55 * duct, to_linear(TEAR_DUCT) * (0.5 + 0.5 * pink))


def _fine_detail(figure: Figure, samples: Samples, detail: Detail, albedo: F64) -> F64:
    """Mottling and pores as photographed, freckles and a few moles."""
    look, p, seed = figure.person.look, samples.position, 100 * figure.person.seed
    share = (DETAIL_GAIN * look.texture * _plain(samples))[:, None]
    pores = PORES * look.relief * np.clip(detail.height / USUAL_PORE, -2.5, 1)[:, None] * np.array([0.7, 1, 1])
    albedo = albedo * np.exp(share * (detail.colour + pores))
    tone = 0.05 * fractal_noise(p, 60.0, 13 + seed, 2) + 0.025 * fractal_noise(p, 420.0, 11 + seed)
    albedo = albedo * np.exp(
        tone[:, None] + 0.025 * fractal_noise(p, 160.0, 19 + seed, 3)[:, None] * np.array([0, 1, 1])
    )
    band = np.exp(-(((p[:, 1] - (figure.nose[1] + 0.012)) / 0.022) ** 2)) * (np.abs(p[:, 0]) < 0.055) * (p[:, 2] > 0.03)
    spots = np.clip(value_noise(p, 700.0, 21 + seed) - 0.58, 0, 1) * 2.4
    albedo = _tint(albedo, look.freckles * spots * band, (0.20, 0.32, 0.40))
    return _tint(albedo, _moles(figure, p), (0.35, 0.48, 0.52))


def _moles(figure: Figure, p: F64) -> F64:
    """A few spots that differ in size and darkness, by chance anywhere on face, neck and ears, 0..1."""
    rng = np.random.default_rng([figure.person.seed, 7])
    c = figure.centres
    bare = (c[:, 2] > 0.02) & (c[:, 1] > figure.chin[1] - 0.05) & (scalp_cover(figure, c)[0] < 0.1)
    bare &= (figure.eye_distance(c) > 0.022) & (figure.lip_distance(c) > 0.020)
    area = triangle_areas(figure.vertices, figure.triangles) * bare
    out = np.zeros(len(p))
    for centre in c[rng.choice(len(c), figure.person.look.moles, p=area / area.sum())]:
        radius, darkness = rng.uniform(0.45, 0.95) * MM, rng.uniform(0.35, 0.9)
        off = np.linalg.norm(p - centre, axis=1) / radius
        out = np.maximum(out, darkness * smoothstep(1.5, 0.7, off))
    return out


def _lips(figure: Figure, samples: Samples, albedo: F64) -> F64:
    """Creased red with a border that fades over a millimetre; redder and moister towards the slit."""
    p = samples.position
    cover = smoothstep(0.10, 0.90, samples.masks["lips"])
    tone = 0.16 * _creases(p) + 0.06 * fractal_noise(p, 350.0, 9, 3)
    albedo = _tint(albedo, _mouth_corners(figure, p, 4.5 * MM), (0.03, 0.09, 0.08))
    upper = smoothstep(0, 0.004, p[:, 1] - figure.lips[1])
    slit = np.exp(-(((p[:, 1] - figure.lips[1]) / 0.0026) ** 2))
    red = to_linear(figure.person.look.lips) * np.exp(tone - 0.10 * upper)[:, None]
    red *= 1 - slit[:, None] * np.array([0.06, 0.20, 0.17])
    return _blend(albedo, 0.9 * cover, red)


def _nostrils(figure: Figure, p: F64, albedo: F64) -> F64:
    nose = figure.nose
    hole = bell(mirrored(p), [0.0062, nose[1] - 0.0085, nose[2] - 0.0115], 3.2 * MM, (0.8, 1.2, 0.7))
    return _tint(albedo, hole, (0.62, 0.74, 0.76))


def _stubble(figure: Figure, samples: Samples, detail: Detail, albedo: F64) -> F64:
    """Shade and hairs of a shaved beard, as photographed."""
    amount = figure.person.look.stubble
    if not amount:
        return albedo
    grain = 1 + 0.35 * value_noise(samples.position, 1700.0, 3)
    return albedo * np.exp(-BEARD_GAIN * amount * (detail.beard * grain * _plain(samples))[:, None] * BEARD_TINT)
