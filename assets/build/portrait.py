"""One person's Gaussians, lit: the light of the loaded is baked into their spherical harmonics."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ...avatars.head import HeadModel
from .brows import brows
from .clothes import clothes
from .eyeballs import eyeballs
from .flesh import within_flesh
from .geometry import frames_about, smoothstep, unit
from .hair import hair
from .lashes import lashes
from .light import LIGHTS, SH0, Lighting, fibre_radiance, fit_sh, highlight, illuminate, sh_basis
from .mend import mended
from .mouth import mouth
from .noise import value_noise
from .skin import skin
from .splats import Kind, Splats
from .surface import BLINK, NEUTRAL, OPEN_SMILE, WIDE, Figure, Pose, blurred

F64 = NDArray[np.float64]

MM = 1e-3
LINING_GLOW, MOUTH_GLOW = 0.7, 0.12  # least light on the lids (of their brightest) and in the mouth
SCATTER_RADII = (3.0 * MM, 1.3 * MM, 0.75 * MM)  # of red, green and blue light under the skin
FACE_OCCLUSION, EAR_OCCLUSION = 0.45, 1.1  # powers of the share of the sky that a hollow sees
LIDS = 0.0145, 0.019  # distance from an eye's centre up to where the folds of lids are as dark as they are
OCCLUSION_CONTRAST = np.array([0.8, 1.0, 1.05])  # red light comes through the flesh
OPEN, OCCLUSION_BLUR = 0.95, 1.1 * MM  # share of the sky from which nothing is a hollow; noise is evened over
AROUND, GLINT_BLUR = 10, 0.9 * MM  # Gaussians that are compared with one that may shine alone, and their weights
GLINT, GLINT_TILT = 5 / 255, 1.2  # brighter than these: a dot; from where it is looked at, tangent of the angle
LUMINANCE = np.array([0.299, 0.587, 0.114])
LIP_GLINT = 0.7 * MM  # over which the highlights of the lips are smoothed
SMOOTHING = {Kind.EYE: 0.7 * MM, Kind.MOUTH: 1.5 * MM, Kind.CLOTH: 2.0 * MM}  # of Monte Carlo noise
PARTED = Pose({"mouthSmile": 0.4, "mouthUpperUp": 0.5, "mouthLowerDown": 0.4}, jaw=8)
GAZES = tuple(Pose(gaze=g) for g in ((-24.0, 0.0), (24.0, 0.0), (0.0, -32.0), (0.0, 32.0)))


def portrait(figure: Figure, head: HeadModel) -> tuple[Splats, F64]:
    """All Gaussians of a person, whose own `head` it is, at rest, and their harmonics [N, 16, 3]."""
    rng = np.random.default_rng(figure.person.seed)
    parts = [skin(figure, rng), clothes(figure, rng), eyeballs(figure), mouth(figure, rng)]
    parts += [brows(figure, rng), lashes(figure, rng), hair(figure, rng)]
    splats = mended(figure, within_flesh(figure, Splats.concatenate(parts), head), head, rng)
    sh = np.zeros((len(splats), 16, 3))
    bakers = {
        Kind.SKIN: _bake_skin,
        Kind.CLOTH: _bake_cloth,
        Kind.EYE: _bake_eye,
        Kind.MOUTH: _bake_mouth,
        Kind.BROW: _bake_fibres,
        Kind.HAIR: _bake_fibres,
        Kind.CATCHLIGHT: _bake_constant,
    }
    for kind, bake in bakers.items():
        rows = splats.kind == kind
        sh[rows] = bake(figure, splats.take(rows), rng)
    return splats, sh


def _lit(
    figure: Figure,
    splats: Splats,
    rng: np.random.Generator,
    pose: Pose = NEUTRAL,
    **samples: int,
) -> Lighting:
    """Light that reaches the Gaussians in a pose."""
    vertices = figure.posed(pose)
    moved = splats.carried(figure.head.vertices, vertices, figure.topology.faces)
    surface = moved.position + splats.depth[:, None] * moved.normal
    return illuminate(surface, moved.normal, figure.ray_scene(vertices), rng, **samples)


def _bake_skin(figure: Figure, splats: Splats, rng: np.random.Generator) -> F64:
    light = skin_light(figure, splats, rng)
    grain = np.stack([value_noise(splats.position, 1600.0, 51 + k) for k in range(3)], 1)
    lips = smoothstep(0.026, 0.018, figure.lip_distance(splats.position))
    bumps = unit(splats.normal + (0.06 - 0.04 * lips)[:, None] * grain)  # what is finer than the relief
    moist = smoothstep(0.016, 0.012, figure.lip_distance(splats.position))  # one Gaussian alone must not glint there
    bumps = unit(bumps + moist[:, None] * (blurred(splats.position, bumps, LIP_GLINT, 8) - bumps))
    dim = Lighting(light.irradiance, light.ambient**1.5, light.visible * np.sqrt(light.ambient)[:, None])
    alpha = 1.5 * splats.roughness**2

    lit = splats.albedo * light.irradiance * _occlusion(figure, splats, light.ambient)

    def radiance(view: F64) -> F64:
        return lit + splats.gloss[:, None] * highlight(bumps, view, alpha, 0.028, dim)

    return without_glints(splats, fit_sh(radiance, splats.normal, len(splats)))


def _occlusion(figure: Figure, splats: Splats, ambient: F64) -> F64:
    """Share [n, 3] of light that is left in hollows which see the share `ambient` [n] of the sky.

    Scattering, and rays that start above the skin, fill them more than flesh does; most those of ears, which are small.
    """
    quads = len(figure.topology.skin_quads)
    fine = np.bincount(figure.quad_of, minlength=quads)
    ears = (np.bincount(figure.quad_of, figure.triangle_masks["ears"], quads) / fine)[splats.triangle % quads]
    ears, seen = _over_neighbours(splats, np.stack([smoothstep(0.1, 0.5, ears), ambient], 1)).T
    face = FACE_OCCLUSION * smoothstep(*LIDS, figure.eye_distance(splats.position))
    power = face + (EAR_OCCLUSION - face) * ears
    return np.clip(seen / OPEN, 0.05, 1)[:, None] ** (power[:, None] * OCCLUSION_CONTRAST)


def _over_neighbours(splats: Splats, values: F64) -> F64:
    """Values [n, k] averaged over a millimetre of skin that faces the same way."""
    distance, near = KDTree(splats.position).query(splats.position, k=24)
    alike = (splats.normal[near] * splats.normal[:, None]).sum(-1) > 0.5
    weight = np.exp(-0.5 * (distance / OCCLUSION_BLUR) ** 2) * alike
    return np.einsum("nk,nkc->nc", weight / weight.sum(1, keepdims=True), values[near])


def without_glints(splats: Splats, sh: F64) -> F64:
    """Harmonics [N, 16, 3] in which no Gaussian alone shines: those that do are drawn towards what is around them.

    One shines that from some side is brighter than all but two of those around it by more than `GLINT`. Dark ones are
    pores and freckles and stay.
    """
    found = KDTree(splats.position).query(splats.position, k=AROUND + 1)
    distance, near = (np.asarray(part)[:, 1:] for part in found)
    alike = (splats.normal[near] * splats.normal[:, None]).sum(-1) > 0.5
    weight = np.exp(-0.5 * (distance / GLINT_BLUR) ** 2) * alike + 1e-9
    weight /= weight.sum(1, keepdims=True)
    mean, light = np.einsum("nk,nkbc->nbc", weight, sh[near]), sh @ LUMINANCE
    views = unit(splats.normal[:, None] + GLINT_TILT * _around(splats.normal))  # [N, views, 3]
    excess, off = np.zeros(len(sh)), np.full(len(sh), 1e-9)
    for view in np.moveaxis(views, 1, 0):
        basis = sh_basis(-view)
        own = (basis * light).sum(1)
        others = np.einsum("nb,nkb->nk", basis, light[near])
        shine = own - np.partition(np.where(alike, others, -np.inf), AROUND - 3, axis=1)[:, AROUND - 3] - GLINT
        shine = np.where(alike.sum(1) > 3, shine, 0)
        more = shine > excess
        excess[more] = shine[more]
        off[more] = np.maximum(own - (basis * (mean @ LUMINANCE)).sum(1), 1e-9)[more]
    share = np.clip(excess / off, 0, 1)[:, None, None]
    return sh + share * (mean - sh)


def _around(normal: F64) -> F64:
    """No tilt and six tangents [N, 7, 3] around each normal."""
    frame = frames_about(normal)
    turn = np.arange(6) * np.pi / 3
    sides = np.cos(turn)[:, None] * frame[:, None, :, 0] + np.sin(turn)[:, None] * frame[:, None, :, 1]
    return np.concatenate([np.zeros((len(normal), 1, 3)), sides], 1)


def skin_light(figure: Figure, splats: Splats, rng: np.random.Generator) -> Lighting:
    """Neutral light; lids also take what they get when closed, the mouth what it gets when open; then scattering."""
    lids = smoothstep(0.026, 0.020, figure.eye_distance(splats.position))
    inside = np.isin(splats.triangle, mouth_bag_triangles(figure))
    lips = smoothstep(0.020, 0.010, figure.lip_distance(splats.position))
    light = _lit(figure, splats, rng)
    light = _also_lit(light, figure, splats, rng, pose=BLINK, amount=0.85 * lids)
    shut = light
    light = _also_lit(light, figure, splats, rng, pose=OPEN_SMILE, amount=np.maximum(inside, 0.6 * lips))
    # what only an open mouth shows must not glitter
    light = replace(light, visible=0.35 * light.visible + 0.65 * shut.visible)
    # the lining of lids and mouth shows through where the skin stretches: let it glow a little
    bright = np.quantile(light.irradiance[lids > 0], 0.8, axis=0)
    least = np.maximum(LINING_GLOW * bright * lids[:, None], MOUTH_GLOW * inside[:, None])
    return Lighting(scattered(splats, np.maximum(light.irradiance, least)), light.ambient, light.visible)


def mouth_bag_triangles(figure: Figure) -> NDArray[np.int64]:
    """Triangles of the lining of the mouth."""
    bag = figure.topology.regions(figure.rig.weights[:, 2], figure.rig.weights[:, 0])["mouth_bag"]
    return np.flatnonzero(np.isin(figure.topology.faces, bag).any(1))


def _also_lit(
    light: Lighting,
    figure: Figure,
    splats: Splats,
    rng: np.random.Generator,
    *,
    pose: Pose,
    amount: F64,
    **samples: int,
) -> Lighting:
    """Raise the light by `amount` [n] towards that of another pose; never lower it."""
    rows = amount > 0
    a = amount[rows]
    other = _lit(figure, splats.take(rows), rng, pose, **samples)
    irradiance, ambient, visible = light.irradiance.copy(), light.ambient.copy(), light.visible.copy()
    irradiance[rows] += a[:, None] * np.maximum(other.irradiance - irradiance[rows], 0)
    ambient[rows] += a * np.maximum(other.ambient - ambient[rows], 0)
    visible[rows] += a[:, None] * np.maximum(other.visible - visible[rows], 0)
    return Lighting(irradiance, ambient, visible)


def scattered(splats: Splats, irradiance: F64) -> F64:
    """Subsurface scattering as a blur of the irradiance that is widest for red (d'Eon and Luebke 2007)."""
    distance, near = KDTree(splats.position).query(splats.position, k=64)
    same_side = (splats.normal[near] * splats.normal[:, None]).sum(-1) > 0
    allowed = same_side & (splats.scatter[near] > 0.2)
    out = irradiance.copy()
    for channel, radius in enumerate(SCATTER_RADII):
        weight = np.exp(-0.5 * (distance / radius) ** 2) * allowed
        weight[:, 0] += 1e-6
        blurred = (irradiance[near, channel] * weight).sum(1) / weight.sum(1)
        out[:, channel] += splats.scatter * (blurred - irradiance[:, channel])
    return out


def _smoothed(splats: Splats, irradiance: F64) -> F64:
    """Irradiance without Monte Carlo noise."""
    return blurred(splats.position, irradiance, SMOOTHING[Kind(int(splats.kind[0]))])


def _bake_glossy(splats: Splats, light: Lighting, alpha: float, F0: float, strength: float) -> F64:
    irradiance = _smoothed(splats, light.irradiance)
    width = np.full(len(splats), alpha)

    def radiance(view: F64) -> F64:
        gloss = highlight(splats.normal, view, width, F0, light)
        return splats.albedo * irradiance + splats.gloss[:, None] * gloss

    return fit_sh(radiance, splats.normal, len(splats), strength=strength)


def _bake_cloth(figure: Figure, splats: Splats, rng: np.random.Generator) -> F64:
    light = _lit(figure, splats, rng, sky=24, samples=10)
    return _bake_glossy(splats, light, alpha=0.6, F0=0.03, strength=2e-3)


def _bake_eye(figure: Figure, splats: Splats, rng: np.random.Generator) -> F64:
    light = _lit(figure, splats, rng, sky=48)
    # what the lids hide now must not be black when the eye turns or opens wide
    for pose in (*GAZES, WIDE):
        light = _also_lit(light, figure, splats, rng, pose=pose, amount=np.full(len(splats), 0.8), sky=24, samples=8)
    light = Lighting(0.9 * light.irradiance + 0.01, light.ambient, light.visible)
    return _bake_glossy(splats, light, alpha=0.16, F0=0.025, strength=1e-2)


def mouth_light(figure: Figure, splats: Splats, rng: np.random.Generator) -> Lighting:
    """Light on teeth and tongue behind parted lips; wider openings add to it (`shading.py`)."""
    light = _lit(figure, splats, rng, PARTED)
    # a little comes through the cheeks, less towards the throat
    glow = MOUTH_GLOW * smoothstep(0.060, 0.005, figure.lips[2] - splats.position[:, 2])[:, None]
    return replace(light, irradiance=np.maximum(light.irradiance, glow))


def _bake_mouth(figure: Figure, splats: Splats, rng: np.random.Generator) -> F64:
    light = mouth_light(figure, splats, rng)
    light = Lighting(1.15 * light.irradiance, 0.6 * light.ambient, 0.6 * light.visible)
    return _bake_glossy(splats, light, alpha=0.10, F0=0.04, strength=2e-3)


def _bake_fibres(figure: Figure, splats: Splats, rng: np.random.Generator) -> F64:
    """Visibility from just above the surface under the hair; hairs shade one another by their layer only."""
    scene = figure.ray_scene(figure.head.vertices)
    origin = splats.position + 2 * MM * splats.normal
    n = len(splats)
    ambient = np.zeros(n)
    for _ in range(24):
        ambient += scene.free(origin, unit(splats.normal + 0.999 * unit(rng.normal(size=(n, 3)))))
    visible = np.zeros((n, len(LIGHTS)))
    for i, lamp in enumerate(LIGHTS):
        for _ in range(6):
            visible[:, i] += scene.free(origin, unit(lamp.axis + 0.22 * rng.normal(size=(n, 3))))
    light = Lighting(np.zeros((n, 3)), ambient / 24, visible / 6)
    return fit_sh(lambda view: fibre_radiance(splats, light, view), None, n, strength=1e-2)


def _bake_constant(figure: Figure, splats: Splats, rng: np.random.Generator) -> F64:
    sh = np.zeros((len(splats), 16, 3))
    sh[:, 0] = (splats.albedo - 0.5) / SH0
    return sh
