"""Where hair grows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .geometry import interpolate, smoothstep
from .noise import fractal_noise
from .surface import Figure

F64 = NDArray[np.float64]

# height y (metres) of the hairline by azimuth (degrees, 0 in front, 180 at the back)
HAIRLINES: dict[str, dict[float, float]] = {
    "woman": {
        **{0: 0.0950, 12: 0.0955, 25: 0.0945, 38: 0.0885, 48: 0.077, 58: 0.061, 68: 0.046, 76: 0.041},
        **{84: 0.043, 96: 0.036, 108: 0.008, 125: -0.014, 150: -0.027, 180: -0.032},
    },
    "man": {
        **{0: 0.098, 12: 0.0985, 22: 0.0995, 32: 0.098, 42: 0.088, 52: 0.070, 60: 0.055, 67: 0.034, 74: 0.012},
        **{82: 0.010, 90: 0.030, 96: 0.032, 108: 0.006, 125: -0.016, 150: -0.029, 180: -0.034},
    },
}


def depth_inside_hairline(figure: Figure, points: F64) -> F64:
    """Height above the hairline, metres; negative on the bare skin."""
    azimuth = np.degrees(np.abs(np.arctan2(points[:, 0], points[:, 2] + 0.012)))
    kind = "man" if figure.person.shape.gender > 0.5 else "woman"
    return points[:, 1] - interpolate(azimuth, HAIRLINES[kind])


def scalp_cover(figure: Figure, points: F64, ears: F64 | float = 0.0) -> tuple[F64, F64]:
    """How much of the skin is covered by hair roots, 0..1, and the depth inside an irregular hairline."""
    depth = depth_inside_hairline(figure, points) + 0.0025 * fractal_noise(points, 200.0, 5, 2)
    return smoothstep(-0.004, 0.008, depth) * (1 - smoothstep(0.2, 0.5, ears)), depth


def hair_shadow(figure: Figure, points: F64) -> F64:
    """Soft shadow that the hair casts on the skin next to it, 0..1."""
    depth = depth_inside_hairline(figure, points)
    return smoothstep(-0.012, 0.0, depth) * (points[:, 1] > -0.02)
