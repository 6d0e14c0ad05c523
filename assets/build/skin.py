"""Skin: where its Gaussians lie and what colour and gloss they have."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .clothes import collar_depth
from .geometry import bell, interpolate, mirrored, smoothstep, triangle_areas
from .light import to_linear
from .noise import fractal_noise, throw_darts, value_noise
from .scalp import hair_shadow, scalp_cover
from .splats import THICKNESS, Kind, Splats, discs
from .surface import BLINK, NEUTRAL, OPEN_SMILE, WIDE, WIDE_OPEN, Figure, Pose, Samples

F64 = NDArray[np.float64]

MM = 1e-3
SIGMA = 0.64  # standard deviation in units of the neighbour distance
LID_STRETCH, MOUTH_STRETCH = 2.5, 2.5  # most growth in a blink and a smile that denser Gaussians make up for
LINING_GROWTH = 1.4  # from which skin that unfolds gets a lining
BACKING_SPACING, BACKING_DEPTH = 3.4 * MM, 1.4 * MM
LID_LINING_SPACING, MOUTH_LINING_SPACING, EAR_LINING_SPACING = 0.95 * MM, 1.1 * MM, 1.15 * MM
LINING_DEPTH = 0.25 * MM
VISIBLE_POSES = (NEUTRAL, BLINK, WIDE, OPEN_SMILE, WIDE_OPEN)  # a sample is kept if it can be seen in one of them
VISIBILITY_RAYS = 40

WET = (0.56, 0.27, 0.26)  # inside of the mouth
LID_RIM = (0.72, 0.47, 0.42)
TEAR_DUCT = (0.74, 0.46, 0.42)


def skin(figure: Figure, rng: np.random.Generator) -> Splats:
    """The visible skin, and a coarse layer under it that stops the dark inside from shining through."""
    surface = _seen(figure, figure.sample(_spacing(figure), rng), rng)
    layers = [(surface, 0.0), (_backing(figure, surface, rng), BACKING_DEPTH)]
    outside = [painted(figure, samples, depth=depth) for samples, depth in layers]
    return Splats.concatenate([*outside, *_linings(figure, rng)])


def _spacing(figure: Figure) -> F64:
    """Distance between Gaussians by fine triangle: finest at the lids, lips and nose."""
    c = figure.centres
    eyes, mouth = figure.eye_distance(c, (1, 1.15, 0.6)), figure.lip_distance(c)
    face = (c[:, 1] > figure.chin[1] - 0.012) & (c[:, 2] > -0.015)
    out = np.full(len(c), 2.0)
    out[face] = 1.14
    out[scalp_cover(figure, c)[1] > 0.012] = 2.6
    out[figure.triangle_masks["ears"] > 0.1] = 1.1
    out = np.minimum(out, np.where(eyes < 0.024, 0.70 + 0.4 * smoothstep(0.014, 0.024, eyes), np.inf))
    out = np.minimum(out, np.where(mouth < 0.028, 0.74 + 0.36 * smoothstep(0.016, 0.028, mouth), np.inf))
    out = np.minimum(out, np.where(np.linalg.norm(c - figure.nose, axis=1) < 0.02, 0.9, np.inf))
    out[figure.triangle_masks["inside-mouth"] > 0.3] = 1.4
    quads = len(figure.topology.skin_quads)
    stretch = _stretch(figure)
    out /= np.sqrt(0.5 * (stretch[figure.quad_of] + stretch[figure.quad_of + quads]))
    # the sockets behind the eyeballs and the chest under the clothes are never seen
    for eye in figure.head.eyes:
        out[(np.linalg.norm(c - eye, axis=1) < 0.017) & (c[:, 2] < eye[2] + 0.004)] = np.inf
    out[collar_depth(figure, c) > 0.003] = np.inf
    return out * MM


def _stretch(figure: Figure) -> F64:
    """How much larger, within limits, each triangle gets in a blink or an open mouth."""
    poses = ((BLINK, LID_STRETCH), (OPEN_SMILE, MOUTH_STRETCH))
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


def _backing(figure: Figure, samples: Samples, rng: np.random.Generator) -> Samples:
    """A sparse selection away from thin or folding parts: lids, lips, mouth corners, ears and nostrils."""
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
    return samples.take(chosen)


def _linings(figure: Figure, rng: np.random.Generator) -> list[Splats]:
    """Layers under closed lids, in the open mouth and in the ears: where the skin unfolds or lies in narrow folds."""
    eyes = (figure.eye_distance(figure.centres) < 0.026) & _unfolds(figure, BLINK)
    mouth = figure.lip_distance(figure.centres) < 0.022
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
    gloss, roughness = _finish(figure, at_rest)
    return replace(rest, albedo=_albedo(figure, at_rest), gloss=gloss, roughness=roughness, scatter=np.ones(len(rest)))


def painted(figure: Figure, samples: Samples, *, depth: float = 0.0, thickness: float = THICKNESS) -> Splats:
    """Skin at the samples, in its colours; `depth` lays the coarse backing, `thickness` as in `discs`."""
    albedo = _albedo(figure, samples)
    gloss, roughness = _finish(figure, samples)
    under_hair = scalp_cover(figure, samples.position, samples.masks["ears"])[0]
    near_eye = figure.eye_distance(samples.position) < 0.026
    lid_growth = np.where(near_eye, np.sqrt(_stretch(figure)[samples.triangle]), 1.0)  # closes gaps in a blink
    return discs(
        samples.position,
        samples.normal,
        SIGMA * (BACKING_SPACING if depth else samples.spacing * lid_growth),
        triangle=samples.triangle,
        kind=Kind.SKIN,
        albedo=albedo,
        gloss=gloss,
        roughness=roughness,
        scatter=1 - 0.7 * under_hair,
        depth=depth,
        thickness=thickness,
    )


def _finish(figure: Figure, samples: Samples) -> tuple[F64, F64]:
    """Gloss and roughness: oily nose and forehead, moist lips, matt neck and scalp."""
    p = samples.position
    nose, forehead = bell(p, figure.nose, 0.012), bell(p, [0, 0.075, 0.07], 0.025)
    lips = smoothstep(0.25, 0.75, samples.masks["lips"])
    inside = smoothstep(0.3, 0.6, samples.masks["inside-mouth"])
    under_hair = scalp_cover(figure, p, samples.masks["ears"])[0]
    gloss = 1.25 - 0.35 * _neck(figure, p) + 0.4 * nose + 0.3 * forehead + 1.7 * lips * (1 - inside) - 0.7 * under_hair
    gloss *= np.exp(0.25 * value_noise(p, 900.0, 61))  # pores break the highlight up
    gloss *= (1 - 0.8 * _mouth_corners(figure, p, 5.5 * MM)) * (1 - 0.6 * inside)  # folds and hollows do not glitter
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


def _albedo(figure: Figure, samples: Samples) -> F64:
    """Linear RGB [n, 3]."""
    look, p = figure.person.look, samples.position
    albedo = to_linear(look.skin) * np.ones((len(p), 3))
    albedo = _flush(figure, samples, albedo)
    albedo = _eye_region(figure, samples, albedo)
    albedo = _fine_detail(figure, p, albedo)
    albedo = _lips(figure, samples, albedo)
    albedo = _blend(albedo, smoothstep(0.3, 0.6, samples.masks["inside-mouth"]), to_linear(WET))
    albedo = _nostrils(figure, p, albedo)
    albedo = _stubble(figure, samples, albedo)
    albedo = _tint(albedo, _neck(figure, p), (0.05, 0.08, 0.08))
    albedo = _tint(albedo, hair_shadow(figure, p), (0.22, 0.28, 0.30))
    cover, depth = scalp_cover(figure, p, samples.masks["ears"])
    roots = 0.55 * to_linear(look.hair)
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
    amount += 0.6 * samples.masks["ears"]
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
    rim = smoothstep(2.0 * MM, 0.9 * MM, off) * (q[:, 2] > eye[2])
    albedo = _blend(albedo, 0.6 * rim, to_linear(LID_RIM) * (0.4 + 0.6 * pink))
    duct = bell(q, [eye[0] - 0.0150, eye[1] - 0.0012, eye[2] + 0.0105], 2.2 * MM)
    return _blend(albedo, 0.55 * duct, to_linear(TEAR_DUCT) * (0.5 + 0.5 * pink))


def _fine_detail(figure: Figure, p: F64, albedo: F64) -> F64:
    """Mottling, pores, freckles and a few moles."""
    look = figure.person.look
    seed = 100 * figure.person.seed
    tone = 0.055 * fractal_noise(p, 420.0, 11 + seed) + 0.06 * value_noise(p, 1500.0, 7 + seed)
    tone += 0.05 * fractal_noise(p, 60.0, 13 + seed, 2) + 0.035 * value_noise(p, 4000.0, 23 + seed)  # pores
    albedo = albedo * np.exp(tone)[:, None]
    albedo = albedo * np.exp(0.035 * fractal_noise(p, 250.0, 19 + seed, 2)[:, None] * np.array([0, 1, 1]))
    band = np.exp(-(((p[:, 1] - (figure.nose[1] + 0.012)) / 0.022) ** 2)) * (np.abs(p[:, 0]) < 0.055) * (p[:, 2] > 0.03)
    spots = np.clip(value_noise(p, 700.0, 21 + seed) - 0.58, 0, 1) * 2.4
    albedo = _tint(albedo, look.freckles * spots * band, (0.20, 0.32, 0.40))
    moles = np.clip(value_noise(p, 330.0, 47 + seed) - 0.93, 0, 1) * 14 * (p[:, 2] > 0.0)
    return _tint(albedo, np.clip(moles, 0, 1), (0.35, 0.48, 0.52))


def _lips(figure: Figure, samples: Samples, albedo: F64) -> F64:
    """Striped red with a border that fades over a millimetre; darker towards the slit and in the upper lip."""
    p = samples.position
    cover = smoothstep(0.12, 0.88, samples.masks["lips"])
    stripes = 0.07 * value_noise(p * [1, 0.2, 0.2], 1500.0, 5) + 0.06 * fractal_noise(p, 500.0, 9, 2)
    corner = _mouth_corners(figure, p, 4.0 * MM)
    albedo = _tint(albedo, corner, (0.16, 0.22, 0.22))
    upper = smoothstep(0, 0.004, p[:, 1] - figure.lips[1])
    slit = np.exp(-(((p[:, 1] - figure.lips[1]) / 0.0022) ** 2))
    red = (
        to_linear(figure.person.look.lips)
        * (np.exp(stripes) * (1 - 0.12 * upper) * (1 - 0.22 * slit) * (1 - 0.25 * corner))[:, None]
    )
    return _blend(albedo, 0.92 * cover, red)


def _nostrils(figure: Figure, p: F64, albedo: F64) -> F64:
    nose = figure.nose
    hole = bell(mirrored(p), [0.0062, nose[1] - 0.0085, nose[2] - 0.0115], 3.2 * MM, (0.8, 1.2, 0.7))
    return _tint(albedo, hole, (0.62, 0.74, 0.76))


def _stubble(figure: Figure, samples: Samples, albedo: F64) -> F64:
    """Beard shadow on jaw, chin and upper lip."""
    amount = figure.person.look.stubble
    if not amount:
        return albedo
    p = samples.position
    upper_edge = figure.lips[1] + 0.012 + interpolate(np.abs(p[:, 0]), {0: 0.0, 0.02: 0.0, 0.045: -0.008, 0.07: 0.02})
    area = smoothstep(0.004, -0.010, p[:, 1] - upper_edge) * smoothstep(-0.02, 0.015, p[:, 2])
    area *= smoothstep(figure.chin[1] - 0.035, figure.chin[1] - 0.015, p[:, 1]) * (1 - samples.masks["lips"])
    grain = 0.30 * (1 + 0.6 * value_noise(p, 1700.0, 3))
    return _tint(albedo, amount * area * grain, (1, 0.95, 0.85))
