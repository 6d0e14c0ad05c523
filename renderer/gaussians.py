"""A set of 3D Gaussians, in gsplat's conventions, and how their colours change."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Gaussians:
    """3D Gaussians with spherical-harmonics colour; every array float32.

    Leading batch dimensions (frames) may stand before N in every field.
    Positions and scales are metres in world space, or in the units of a parent frame (`Scene`).
    """

    means: F32  # [..., N, 3]
    quats: F32  # [..., N, 4] wxyz, not necessarily of unit length
    scales: F32  # [..., N, 3] linear (after exp)
    opacities: F32  # [..., N] 0..1 (after sigmoid)
    sh: F32  # [..., N, K, 3] K = 1, 4, 9 or 16; as 3DGS stores it: rgb = max(0, 0.5 + sum_k Y_k(dir) sh_k)

    def __post_init__(self) -> None:
        n = self.means.shape[:-1]
        expected = {"means": (*n, 3), "quats": (*n, 4), "scales": (*n, 3), "opacities": n}
        for field, shape in expected.items():
            if getattr(self, field).shape != shape:
                raise ValueError(f"Gaussians.{field}: expected shape {shape}, found {getattr(self, field).shape}")
        if self.sh.shape[:-2] != n or self.sh.shape[-1] != 3 or self.sh.shape[-2] not in (1, 4, 9, 16):
            raise ValueError(f"Gaussians.sh: expected shape {(*n, '1|4|9|16', 3)}, found {self.sh.shape}")

    def __len__(self) -> int:
        return self.means.shape[-2]

    @property
    def sh_degree(self) -> int:
        """Degree of the spherical harmonics, 0..3."""
        return int(self.sh.shape[-2] ** 0.5) - 1

    def frames(self) -> Iterator[Gaussians]:
        """The sets [N] of a sequence [T, N], one after the other."""
        for t in range(len(self.means)):
            yield self.select(t)

    def select(self, index: Any) -> Gaussians:
        """Some of them: `index` is applied to the first dimension of every field."""
        return Gaussians(*(getattr(self, field.name)[index] for field in fields(self)))

    def axes(self) -> NDArray[np.float64]:
        """The half axes R(q) diag(s) of every Gaussian as columns, [..., N, 3, 3]."""
        quats = np.moveaxis(self.quats, -1, 0).astype(np.float64, order="C")  # each element of all in a row, for speed
        w, x, y, z = quats
        quats /= np.sqrt(w * w + x * x + y * y + z * z)
        rotation = np.empty((3, 3, *w.shape))
        rotation[0] = 1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)
        rotation[1] = 2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)
        rotation[2] = 2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)
        rotation *= np.moveaxis(self.scales, -1, 0)
        return np.moveaxis(rotation, (0, 1), (-2, -1))

    def covariances(self) -> NDArray[np.float64]:
        """R(q) diag(s^2) R(q)^T of every Gaussian, [..., N, 3, 3]."""
        axes = self.axes()
        return axes @ np.swapaxes(axes, -1, -2)


@dataclass(frozen=True, eq=False)
class Shading:
    """Colour changes of some of N Gaussians, to be mixed by one weight per mode and frame (wrinkles, folds, shadows).

    A Gaussian `index[s]` is drawn in max(0, 0.5 + SH + sum_m weight_m delta[m, s]).
    """

    index: NDArray[np.int32]  # [S] the Gaussians concerned, ascending
    delta: F32  # [M, S, 3] sRGB, per unit of the mode's weight

    def __post_init__(self) -> None:
        if self.index.ndim != 1 or (np.diff(self.index) <= 0).any() or (self.index < 0).any():
            raise ValueError(f"Shading.index: expected ascending indices [S] from 0, found shape {self.index.shape}")
        if self.delta.ndim != 3 or self.delta.shape[1:] != (len(self.index), 3):
            raise ValueError(f"Shading.delta: expected shape [M, {len(self.index)}, 3], found {self.delta.shape}")

    @property
    def modes(self) -> int:
        """How many weights a frame takes, M."""
        return len(self.delta)
