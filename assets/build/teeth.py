"""Two rows of twelve procedural tooth crowns along MakeHuman's dental arches."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import unit

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

AROUND, ALONG = 10, 4  # quads of a crown
CROWN_VERTICES = AROUND * (ALONG + 1) + 2
TEETH_PER_SIDE = 6


@dataclass(frozen=True)
class Arch:
    """One row of teeth; millimetres, from the central incisor to the first molar."""

    upper: bool
    width: tuple[float, ...]
    height: tuple[float, ...]
    depth: tuple[float, ...] = (4.5, 4.5, 5.5, 7.0, 7.5, 9.5)
    span: float = 0.93  # of the half width of MakeHuman's strip
    inset: float = 0.5  # of the incisors behind the strip's front
    edge: float = 1.2  # of the biting edge below the lip slit
    steps: tuple[float, ...] = (0.0, 0.6, -0.2, 0.4, 0.8, 1.2)  # of each edge from the incisors' edge

    @property
    def sign(self) -> float:
        """+1 where roots point up."""
        return 1.0 if self.upper else -1.0


UPPER = Arch(upper=True, width=(8.6, 6.7, 7.8, 7.0, 6.8, 9.8), height=(10.5, 9.3, 10.3, 8.5, 8.0, 7.5))
LOWER = Arch(
    upper=False,
    width=(5.6, 6.1, 7.0, 7.0, 7.2, 10.5),
    height=(8.5, 8.8, 10.0, 8.3, 8.0, 7.5),
    span=0.88,
    inset=3.0,
    edge=2.2,
    steps=(0.0, -0.6, 0.2, 0.4, 0.8, 1.2),
)


def row(arch: Arch, strip: F64, lip_y: float) -> tuple[F64, I64]:
    """Vertices and triangles of one row: `strip` is MakeHuman's arch [n, 3], `lip_y` the height of the lip slit."""
    x, z = _arch_curve(arch, strip)
    length = np.r_[0, np.cumsum(np.hypot(np.diff(x), np.diff(z)))]
    widths = np.array(arch.width) * 1e-3
    fit = min(length[-1] * 0.80 / widths.sum(), 1.12)
    widths *= fit
    centres = np.cumsum(widths) - widths / 2
    crowns = []
    for side in (1, -1):
        for i in range(TEETH_PER_SIDE):
            j = int(np.searchsorted(length, centres[i]))
            along = unit([(x[j + 1] - x[j - 1]) * side, 0, z[j + 1] - z[j - 1]])
            outward = np.array([-along[2], 0, along[0]]) * side
            if outward[2] < 0 and i < 3:
                outward = -outward
            height = arch.height[i] * 1e-3 * min(fit, 1.1)
            depth = arch.depth[i] * 1e-3 * fit
            edge = lip_y + (-arch.edge + arch.sign * arch.steps[i]) * 1e-3
            root = unit(np.array([0, arch.sign, 0]) - 0.12 * outward)
            centre = np.array([x[j] * side, edge + arch.sign * height / 2, z[j]]) - outward * depth / 2
            crowns.append(_crown(i, centre, np.stack([along, outward, root]), (widths[i] * 0.97, depth, height)))
    triangles = np.concatenate([t + i * CROWN_VERTICES for i, (_, t) in enumerate(crowns)])
    return np.concatenate([v for v, _ in crowns]), triangles


def _arch_curve(arch: Arch, strip: F64) -> tuple[F64, F64]:
    """Parabola-like curve (x, z) of the right half of the arch, from the front to the back."""
    front = strip[:, 2].max()
    half, depth = np.abs(strip[:, 0]).max() * arch.span, front - strip[:, 2].min()
    t = np.linspace(0, np.pi / 2, 400)
    return half * np.sin(t) ** 0.9, front - arch.inset * 1e-3 - depth * (1 - np.cos(t)) ** 0.9


def _crown(index: int, centre: F64, axes: F64, size: tuple[float, float, float]) -> tuple[F64, I64]:
    """One tooth: rounded-box rings from the root (v = 0) to the biting edge (v = 1), closed by two poles."""
    width, depth, height = size
    v = np.linspace(0, 1, ALONG + 1)
    wide, deep = _taper(index, v)
    wide[-1] *= 0.86
    deep[-1] *= 0.8
    angle = 2 * np.pi * np.arange(AROUND) / AROUND
    rounded = [np.sign(f) * np.abs(f) ** 0.62 / 2 for f in (np.cos(angle), np.sin(angle))]
    x = np.outer(wide * width, rounded[0])
    y = np.outer(deep * depth, rounded[1])
    z = np.repeat((0.5 - v) * height, AROUND)
    local = np.concatenate([np.stack([x.ravel(), y.ravel(), z], 1), [[0, 0, 0.5 * height], [0, 0, -0.515 * height]]])
    vertices = centre + local @ axes
    return vertices, _outward(vertices, _crown_triangles())


def _taper(index: int, v: F64) -> tuple[F64, F64]:
    """Relative width and depth along a crown: incisors, canine, premolars and molar."""
    if index < 2:
        return 0.78 + 0.22 * np.sin(np.pi * np.minimum(1, 0.25 + v * 0.6)), 1 - 0.62 * v**1.3
    if index == 2:
        point = 1 - 0.45 * np.maximum(0, v - 0.72) / 0.28
        return (0.8 + 0.25 * np.sin(np.pi * (0.15 + v * 0.6))) * point, 1 - 0.6 * v**1.5
    return 0.86 + 0.14 * np.sin(np.pi * (0.2 + 0.5 * v)), 1 - 0.18 * v


def _crown_triangles() -> I64:
    ring = np.arange(AROUND * (ALONG + 1)).reshape(ALONG + 1, AROUND)
    following = np.roll(ring, -1, axis=1)
    a, b, c, d = ring[:-1], ring[1:], following[1:], following[:-1]
    poles = [np.full(AROUND, AROUND * (ALONG + 1) + k) for k in (0, 1)]
    return np.concatenate(
        [
            np.stack([a, b, c], -1).reshape(-1, 3),
            np.stack([a, c, d], -1).reshape(-1, 3),
            np.stack([poles[0], ring[0], following[0]], -1),
            np.stack([poles[1], following[-1], ring[-1]], -1),
        ]
    )


def _outward(vertices: F64, triangles: I64) -> I64:
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    volume = (np.cross(b - a, c - a) * ((a + b + c) / 3 - vertices.mean(0))).sum()
    return triangles if volume > 0 else triangles[:, ::-1]
