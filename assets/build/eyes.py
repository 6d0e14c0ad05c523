"""The eyeball: a sphere that looks to +Z with a bulging cornea."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

SEGMENTS = 20
# polar angles of the rings, dense at the iris
RINGS = np.r_[np.linspace(0.12, 0.62, 5), np.linspace(0.8, np.pi - 0.35, 6)]
CORNEA = 0.52  # polar angle of the cornea's rim
BULGE = 0.05  # how far the cornea stands out, in radii


def profile(polar: F64) -> F64:
    """Distance of the surface from the centre, in eyeball radii, by polar angle from the optical axis."""
    return 1 + BULGE * np.clip(1 - (polar / CORNEA) ** 2, 0, 1)


def eyeball() -> tuple[F64, I64]:
    """Vertices and triangles of a unit eyeball."""
    azimuth = 2 * np.pi * np.arange(SEGMENTS) / SEGMENTS
    polar, turn = np.meshgrid(RINGS, azimuth, indexing="ij")
    sphere = np.stack([np.sin(polar) * np.cos(turn), np.sin(polar) * np.sin(turn), np.cos(polar)], -1)
    rings = (sphere * profile(polar)[..., None]).reshape(-1, 3)
    vertices = np.concatenate([[[0, 0, 1 + BULGE]], rings, [[0, 0, -1.0]]])

    ring = 1 + np.arange(len(RINGS) * SEGMENTS).reshape(len(RINGS), SEGMENTS)
    following = np.roll(ring, -1, axis=1)
    a, b, c, d = ring[:-1], ring[1:], following[1:], following[:-1]
    front = np.stack([np.zeros_like(ring[0]), ring[0], following[0]], -1)
    back = np.stack([ring[-1], np.full_like(ring[-1], len(vertices) - 1), following[-1]], -1)
    sides = [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    return vertices, np.concatenate([front, *sides, back])
