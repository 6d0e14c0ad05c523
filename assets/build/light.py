"""The loaded: area lights, visibility by ray casting, and the fit of spherical harmonics to outgoing light."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import frames_about, sphere_directions, unit
from .rays import RayScene
from .splats import Splats

F64 = NDArray[np.float64]

LIFT = 0.8e-3  # metres above the surface where rays start
SHOULDER = 0.55  # linear radiance above which highlights roll off
VIEWS = 128
SH0 = 0.28209479177387814  # the constant harmonic
REGULARISATION = np.r_[1e-3, np.full(3, 1.0), np.full(5, 2.0), np.full(7, 4.0)]


@dataclass(frozen=True)
class Light:
    """A spherical-Gaussian area light; `intensity` is the irradiance / pi it gives a surface that faces it."""

    towards: tuple[float, float, float]  # direction to the light; Y up, +Z is where the face looks
    sharpness: float
    intensity: float
    colour: tuple[float, float, float]

    @property
    def axis(self) -> F64:
        """Unit direction to the light."""
        return unit(self.towards)


LIGHTS = (
    Light((0.60, 0.62, 0.75), 9, 1.42, (1.0, 0.95, 0.89)),  # key
    Light((-0.85, 0.12, 0.60), 4, 0.40, (0.90, 0.95, 1.0)),  # fill
    Light((-0.70, 0.50, -0.62), 12, 1.25, (0.95, 0.97, 1.0)),  # rim, right
    Light((0.80, 0.35, -0.70), 12, 0.75, (1.0, 0.97, 0.93)),  # rim, left
    Light((0.0, 0.9, 0.45), 4, 0.38, (1.0, 1.0, 1.0)),  # top
    Light((0.0, -0.6, 0.8), 3, 0.13, (1.0, 0.93, 0.88)),  # bounce from the clothes
)
AMBIENT = np.array([0.135, 0.14, 0.15])


@dataclass(frozen=True, eq=False)
class Lighting:
    """Light that arrives at n points."""

    irradiance: F64  # [n, 3], divided by pi: times albedo gives radiance
    ambient: F64  # [n] visible share of the sky
    visible: F64  # [n, lights] visible share of each light


def illuminate(
    position: F64, normal: F64, scene: RayScene, rng: np.random.Generator, *, sky: int = 36, samples: int = 16
) -> Lighting:
    """Monte Carlo visibility of the sky (cosine weighted) and of every light."""
    n = len(position)
    origin = position + normal * LIFT
    ambient = np.zeros(n)
    for _ in range(sky):
        ambient += scene.free(origin, unit(normal + 0.999 * unit(rng.normal(size=(n, 3)))))
    ambient /= sky
    irradiance = ambient[:, None] * AMBIENT
    visible = np.zeros((n, len(LIGHTS)))
    for i, light in enumerate(LIGHTS):
        diffuse = np.zeros(n)
        for _ in range(samples):
            direction = _towards(light, n, rng)
            free = scene.free(origin, direction)
            visible[:, i] += free
            diffuse += free * np.clip((direction * normal).sum(1), 0, None)
        irradiance += (diffuse / samples * light.intensity)[:, None] * np.array(light.colour)
    return Lighting(irradiance, ambient, visible / samples)


def _towards(light: Light, n: int, rng: np.random.Generator) -> F64:
    """Random directions [n, 3] distributed like the light's lobe."""
    u = rng.random(n)
    cosine = 1 + np.log(u + (1 - u) * np.exp(-2 * light.sharpness)) / light.sharpness
    sine, turn = np.sqrt(np.maximum(1 - cosine**2, 0)), rng.random(n) * 2 * np.pi
    return np.stack([sine * np.cos(turn), sine * np.sin(turn), cosine], 1) @ frames_about(light.axis[None])[0].T


def highlight(normal: F64, view: F64, alpha: F64, F0: float, lighting: Lighting) -> F64:
    """Glossy reflection [n, 3] towards `view` [3]: GGX lobe as a spherical Gaussian (Wang et al. 2009)."""
    nv = np.clip(normal @ view, 0.05, 1)
    mirror = 2 * (normal @ view)[:, None] * normal - view
    fresnel = F0 + (1 - F0) * (1 - nv) ** 5 * 0.6
    sharpness = 1 / (2 * alpha**2 * nv)
    nl = np.clip((mirror * normal).sum(1), 0.02, 1)
    k = alpha / 2
    geometry = 0.25 / ((nv * (1 - k) + k) * (nl * (1 - k) + k))
    out = (fresnel * lighting.ambient * 0.35)[:, None] * AMBIENT
    for i, light in enumerate(LIGHTS):
        peak = light.intensity * light.sharpness / (2 * (1 - np.exp(-2 * light.sharpness)))
        length = np.linalg.norm(sharpness[:, None] * mirror + light.sharpness * light.axis, axis=1)
        lobes = 2 * np.pi * np.exp(length - sharpness - light.sharpness) * (1 - np.exp(-2 * length)) / length
        amount = lighting.visible[:, i] * peak * lobes * nl * fresnel * geometry / (np.pi * alpha**2)
        out += amount[:, None] * np.array(light.colour)
    return out


def fibre_radiance(splats: Splats, lighting: Lighting, view: F64) -> F64:
    """Light [n, 3] that hairs send towards `view` [3] (Kajiya and Kay 1989, two shifted highlights)."""
    direction, albedo, shade = splats.rotation[:, :, 0], splats.albedo, splats.shade[:, None]
    out = albedo * AMBIENT * 1.1 * lighting.ambient[:, None] * shade
    along_view = np.arcsin(np.clip(direction @ view, -1, 1))
    for i, light in enumerate(LIGHTS):
        along_light = direction @ light.axis
        wrap = np.clip((splats.normal @ light.axis + 0.35) / 1.35, 0, 1)
        arriving = (lighting.visible[:, i] * wrap * light.intensity * 0.75)[:, None] * np.array(light.colour) * shade
        out += 0.75 * albedo * arriving * np.sqrt(np.clip(1 - along_light**2, 0, 1))[:, None]
        angle = np.arcsin(np.clip(along_light, -1, 1)) + along_view
        white = np.clip(np.cos(angle + 0.12), 0, 1) ** 46 * 0.045
        tinted = np.clip(np.cos(angle - 0.20), 0, 1) ** 14 * 0.85
        out += arriving * (white[:, None] + tinted[:, None] * 1.5 * albedo)
    return out


def display(radiance: F64) -> F64:
    """sRGB 0..1 of linear radiance, with a soft shoulder instead of clipping."""
    excess = np.maximum(radiance - SHOULDER, 0)
    room = 1 - SHOULDER
    mapped = np.minimum(radiance, SHOULDER) + room * (1 - np.exp(-excess / room))
    return to_srgb(mapped)


def to_srgb(linear: F64) -> F64:
    """sRGB transfer function."""
    linear = np.clip(linear, 0, None)
    return np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * np.maximum(linear, 1e-9) ** (1 / 2.4) - 0.055)


def to_linear(srgb: tuple[float, ...] | F64) -> F64:
    """Inverse of the sRGB transfer function."""
    x = np.asarray(srgb, float)
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def sh_basis(directions: F64) -> F64:
    """Real spherical harmonics [n, 16] of unit directions, in 3DGS's order and signs."""
    x, y, z = directions.T
    a, b, c = 0.4886025119029199, 1.0925484305920792, 0.5900435899266435
    return np.stack(
        [
            np.full_like(x, SH0),
            -a * y,
            a * z,
            -a * x,
            b * x * y,
            -b * y * z,
            0.31539156525252005 * (2 * z * z - x * x - y * y),
            -b * x * z,
            0.5 * b * (x * x - y * y),
            -c * y * (3 * x * x - y * y),
            2.890611442640554 * x * y * z,
            -0.4570457994644658 * y * (4 * z * z - x * x - y * y),
            0.3731763325901154 * z * (2 * z * z - 3 * x * x - 3 * y * y),
            -0.4570457994644658 * x * (4 * z * z - x * x - y * y),
            1.445305721320277 * z * (x * x - y * y),
            -c * x * (x * x - 3 * y * y),
        ],
        1,
    )


def fit_sh(radiance: Callable[[F64], F64], normal: F64 | None, count: int, *, strength: float = 2e-3) -> F64:
    """Harmonics [count, 16, 3] of the displayed colour, from `radiance(view) -> [count, 3]`.

    Views from the front and from the visible side of `normal` weigh most; `strength` damps the high bands.
    """
    views = sphere_directions(VIEWS)
    basis = sh_basis(-views)  # evaluated from the camera to the Gaussian
    colour = np.stack([display(radiance(v)) for v in views], 1).astype(np.float32) - 0.5
    frontal = 0.15 + 0.85 * np.clip(views[:, 2], 0, 1)
    out = np.zeros((count, 16, 3))
    outer = np.einsum("ki,kj->kij", basis, basis).reshape(VIEWS, -1)
    for start in range(0, count, 20000):
        rows = slice(start, min(start + 20000, count))
        weight = np.tile(frontal, (rows.stop - rows.start, 1)) / VIEWS
        if normal is not None:
            weight *= 0.03 + np.clip(normal[rows] @ views.T, 0, 1)
        system = (weight @ outer).reshape(-1, 16, 16) + np.diag(strength * REGULARISATION)
        wanted = np.einsum("ki,nkc->nic", basis, weight[..., None] * colour[rows])
        out[rows] = np.linalg.solve(system, wanted)
    return out
