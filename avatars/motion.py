"""FLAME parameters over time, and their npz file."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Motion:
    """FLAME parameters of T frames; frame i shows time (i + 0.5) / fps.

    expr: [T, E] expression coefficients of unit variance; float32, as all the others
    jaw, neck, rotation: [T, 3] axis-angle radians, the last of the whole head about the root; jaw +x opens the mouth
    eyes: [T, 6] axis-angle radians, left and right
    translation: [T, 3] metres
    fps: frames per second

    Arrays may be changed in place. Raises ValueError for arrays of other shapes.

    >>> from emosplat import Motion
    >>> still = Motion.rest(50, expressions=100, fps=25.0)
    >>> still.jaw[:, 0] = 0.2  # radians
    >>> len(still.resampled(50.0)), still[10:20].expr.shape
    (100, (10, 100))
    >>> len(Motion.concatenate(still.chunks(20)))
    50
    """

    expr: F32  # [T, E] expression coefficients (unit variance)
    jaw: F32  # [T, 3]
    neck: F32  # [T, 3]
    eyes: F32  # [T, 6] left, right
    rotation: F32  # [T, 3] of the whole head about the root
    translation: F32  # [T, 3]
    fps: float

    def __post_init__(self) -> None:
        for field, width in (("jaw", 3), ("neck", 3), ("eyes", 6), ("rotation", 3), ("translation", 3)):
            if getattr(self, field).shape != (len(self), width):
                raise ValueError(f"Motion.{field}: expected {(len(self), width)}, found {getattr(self, field).shape}")

    def __len__(self) -> int:
        return len(self.expr)

    def __getitem__(self, frames: slice | NDArray[np.integer]) -> Motion:
        return replace(self, **{name: getattr(self, name)[frames] for name in CURVES})

    @staticmethod
    def rest(frames: int, expressions: int, fps: float) -> Motion:
        """A still, neutral face of `frames` frames at `fps` frames per second: zeros, `expressions` columns of expr."""
        zeros = {
            n: np.zeros((frames, w), np.float32) for n, w in zip(CURVES, (expressions, 3, 3, 6, 3, 3), strict=True)
        }
        return Motion(**zeros, fps=fps)

    @staticmethod
    def concatenate(chunks: Iterable[Motion]) -> Motion:
        """Chunks of one clip, in order, as one Motion of all their frames."""
        chunks = list(chunks)
        return replace(chunks[0], **{name: np.concatenate([getattr(c, name) for c in chunks]) for name in CURVES})

    def resampled(self, fps: float) -> Motion:
        """The same motion at `fps` frames per second, by linear interpolation (rotations are small between frames)."""
        frames = max(1, math.ceil(len(self) / self.fps * fps - 1e-6))
        times = (np.arange(frames) + 0.5) / fps
        own_times = (np.arange(len(self)) + 0.5) / self.fps
        lower = np.clip(np.searchsorted(own_times, times) - 1, 0, max(len(self) - 2, 0))
        upper = np.minimum(lower + 1, len(self) - 1)
        share = np.clip((times - own_times[lower]) * self.fps, 0, 1)[:, None].astype(np.float32)
        curves = {n: (1 - share) * getattr(self, n)[lower] + share * getattr(self, n)[upper] for n in CURVES}
        return replace(self, **curves, fps=fps)

    def chunks(self, frames: int) -> Iterator[Motion]:
        """Consecutive pieces of at most `frames` frames."""
        for start in range(0, len(self), frames):
            yield self[start : start + frames]


CURVES = tuple(f.name for f in fields(Motion) if f.name != "fps")
