"""Gaussians under construction: in world space at the rest pose, with the material that the light bake needs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .geometry import frames_about, frames_along, triangle_frames

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

THICKNESS = 0.19  # of a disc, in units of its radius


class Kind(IntEnum):
    """What a Gaussian is part of; decides how it is lit."""

    SKIN = 0
    CLOTH = 1
    EYE = 2
    MOUTH = 3  # teeth, gums and tongue
    BROW = 4  # brows and lashes
    HAIR = 5
    CATCHLIGHT = 6


@dataclass(frozen=True, eq=False)
class Splats:
    """N Gaussians; every field has N rows."""

    position: F64  # [N, 3] metres
    rotation: F64  # [N, 3, 3] columns are the axes of the scales
    scale: F64  # [N, 3] standard deviations, metres
    opacity: F64  # [N]
    triangle: I64  # [N] that carries it
    kind: I64  # [N] Kind
    normal: F64  # [N, 3] for shading
    albedo: F64  # [N, 3] linear RGB
    gloss: F64  # [N] strength of the highlight
    roughness: F64  # [N]
    scatter: F64  # [N] share of light that travels under the surface
    shade: F64  # [N] light that reaches it through neighbours not in the ray scene
    depth: F64  # [N] metres below the surface that catches its light

    def __len__(self) -> int:
        return len(self.position)

    def take(self, index: NDArray) -> Splats:
        """The chosen rows (indices or mask)."""
        return Splats(**{f.name: getattr(self, f.name)[index] for f in fields(self)})

    @staticmethod
    def concatenate(parts: list[Splats]) -> Splats:
        """All parts, in order."""
        return Splats(**{f.name: np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Splats)})

    def local_to(self, vertices: F64, faces: I64) -> Splats:
        """The same Gaussians in the frames of their triangles (lengths in units of the triangle's scale)."""
        centre, frame, size = (a[self.triangle] for a in triangle_frames(vertices, faces))
        inverse = frame.transpose(0, 2, 1)
        return self._moved(np.einsum("nij,nj->ni", inverse, self.position - centre) / size[:, None], inverse, 1 / size)

    def carried(self, rest: F64, posed: F64, faces: I64) -> Splats:
        """The Gaussians after the mesh moved from `rest` to `posed`."""
        local = self.local_to(rest, faces)
        centre, frame, size = (a[self.triangle] for a in triangle_frames(posed, faces))
        return local._moved(np.einsum("nij,nj->ni", frame, local.position) * size[:, None] + centre, frame, size)

    def _moved(self, position: F64, frame: F64, factor: F64) -> Splats:
        return Splats(
            **{f.name: getattr(self, f.name) for f in fields(self)}
            | {
                "position": position,
                "rotation": frame @ self.rotation,
                "normal": np.einsum("nij,nj->ni", frame, self.normal),
                "scale": self.scale * factor[:, None],
            }
        )


def _rows(value: ArrayLike, n: int) -> F64:
    return np.broadcast_to(np.asarray(value, np.float64), (n,)).copy()


def discs(
    position: F64,
    normal: F64,
    radius: ArrayLike,
    *,
    triangle: I64,
    kind: Kind,
    albedo: F64,
    thickness: float = THICKNESS,
    opacity: ArrayLike = 0.97,
    gloss: ArrayLike = 0.0,
    roughness: ArrayLike = 0.5,
    scatter: ArrayLike = 0.0,
    depth: ArrayLike = 0.0,
) -> Splats:
    """Flat round Gaussians `depth` under a surface; `thickness` in units of the radius (standard deviation)."""
    n = len(position)
    depths = _rows(depth, n)
    return Splats(
        position=position - depths[:, None] * normal,
        rotation=frames_about(normal),
        scale=_rows(radius, n)[:, None] * np.array([1, 1, thickness]),
        opacity=_rows(opacity, n),
        triangle=np.asarray(triangle, np.int64),
        kind=np.full(n, kind, np.int64),
        normal=normal,
        albedo=albedo,
        gloss=_rows(gloss, n),
        roughness=_rows(roughness, n),
        scatter=_rows(scatter, n),
        shade=np.ones(n),
        depth=depths,
    )


def fibres(
    position: F64,
    direction: F64,
    scale: F64,
    *,
    normal: F64,
    triangle: I64,
    kind: Kind,
    albedo: F64,
    opacity: ArrayLike,
    shade: ArrayLike = 1.0,
) -> Splats:
    """Elongated Gaussians along `direction`; `scale` [n, 3] with the long axis first."""
    n = len(position)
    return Splats(
        position=position,
        rotation=frames_along(direction),
        scale=scale,
        opacity=_rows(opacity, n),
        triangle=np.asarray(triangle, np.int64),
        kind=np.full(n, kind, np.int64),
        normal=normal,
        albedo=albedo,
        gloss=np.zeros(n),
        roughness=np.full(n, 0.5),
        scatter=np.zeros(n),
        shade=_rows(shade, n),
        depth=np.zeros(n),
    )
