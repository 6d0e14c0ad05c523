"""Gaussians that the tests of several formats write, and how far rotations differ."""

import numpy as np

from emosplat.renderer import Gaussians

BANDS = {0: 0, 1: 3, 2: 8, 3: 15}


def cloud(count: int, degree: int) -> Gaussians:
    rng = np.random.default_rng(0)
    quats = rng.standard_normal((count, 4))
    arrays = (
        rng.uniform(-0.4, 0.4, (count, 3)),
        quats * rng.uniform(0.2, 3, (count, 1)),  # not of unit length
        np.exp(rng.uniform(-9, -3, (count, 3))),
        rng.uniform(0, 1, count),
        rng.uniform(-0.5, 0.5, (count, 1 + BANDS[degree], 3)),
    )
    return Gaussians(*(a.astype(np.float32) for a in arrays))


def between(quats: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Angles between rotations, degrees."""
    unit = (q / np.linalg.norm(q, axis=1, keepdims=True) for q in (quats, others))
    return np.degrees(2 * np.arccos(np.clip(np.abs(np.multiply(*unit).sum(axis=1)), 0, 1)))
