"""Rays against a triangle mesh, by Intel Embree."""

from __future__ import annotations

import numpy as np
from embreex.mesh_construction import TriangleMesh
from embreex.rtcore_scene import EmbreeScene
from numpy.typing import NDArray

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

FRONT = 0.3  # metres: rays "from the front" start at this z


class RayScene:
    """A mesh to shoot rays at."""

    def __init__(self, vertices: F64, triangles: I64) -> None:
        self._scene = EmbreeScene()
        self._mesh = TriangleMesh(self._scene, vertices[triangles].astype(np.float32))

    def hit(self, origins: F64, directions: F64) -> tuple[I64, F64, F64]:
        """First triangle [n] (-1: none), distance [n] and unit normal [n, 3] along each ray."""
        found = self._scene.run(origins.astype(np.float32), directions.astype(np.float32), output=True)
        normal = found["Ng"].astype(np.float64)
        normal /= np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        return found["primID"].astype(np.int64), found["tfar"].astype(np.float64), normal

    def free(self, origins: F64, directions: F64) -> NDArray[np.bool_]:
        """Whether each ray escapes [n]."""
        return self.hit(origins, directions)[0] < 0

    def hit_from_front(self, xy: F64) -> tuple[I64, F64, F64]:
        """Triangle, height z and outward normal where the line through (x, y) enters from the front."""
        origins = np.column_stack([xy, np.full(len(xy), FRONT)])
        triangle, distance, normal = self.hit(origins, np.tile([0, 0, -1.0], (len(xy), 1)))
        return triangle, np.where(triangle >= 0, FRONT - distance, -np.inf), normal * np.sign(normal[:, 2:])
