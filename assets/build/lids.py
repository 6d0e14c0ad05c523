"""Keeps the eyelids outside the eyeballs, at rest, at full weight of every shape and half-way to it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .geometry import unit
from .rays import RayScene
from .topology import Head, Topology

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

MARGIN = 1.0e-3  # between lid and eyeball
HALFWAY_MARGIN = 0.5e-3
SHARE = 0.3  # of the room between lid and eyeball that one shape may use
REACH = 7.5e-3  # lid vertices lie at most this far outside the eyeball
VIEWS = [(yaw, pitch) for yaw in (-50, -25, 0, 25, 50) for pitch in (-20, 0, 20)]


class LidCollision:
    """Pushes one head's visible lid vertices out of its eyeballs."""

    def __init__(self, topology: Topology, head: Head) -> None:
        self._head = head
        self._lids = [_lid_vertices(topology, head, side) for side in (0, 1)]

    def settle(self) -> F64:
        """The neutral vertices [V, 3] with the lids outside the eyeballs."""
        return self._push(self._head.vertices, [r + MARGIN for r in self._head.eye_radius])

    def correct(self, offsets: F64) -> F64:
        """Offsets [V, 3] of a shape, changed so that weights 1 and 1/2 keep the lids outside.

        Towards the eyeball a shape uses up at most its share of the room, so that mixtures stay outside too. What lies
        deeper at rest, under the skin of a flat face, may stay there: shapes that each pushed it would together push it
        through the skin.
        """
        moved = np.linalg.norm(offsets, axis=1) > 1e-7
        rest = self._head.vertices
        full = self._push(rest + offsets, [self._least(side) for side in (0, 1)]) - rest
        half = rest + 0.5 * full
        full += 2 * (self._push(half, [self._least_halfway(side) for side in (0, 1)]) - half)
        return np.where(moved[:, None], full, offsets)

    def _least(self, side: int) -> F64:
        """Smallest distance from the eye's centre for each lid vertex."""
        apart, closest = self._apart(side), self._head.eye_radius[side] + MARGIN
        return np.where(apart > closest, closest + (1 - SHARE) * (apart - closest), apart)

    def _least_halfway(self, side: int) -> F64:
        return np.minimum(self._head.eye_radius[side] + HALFWAY_MARGIN, self._apart(side))

    def _apart(self, side: int) -> F64:
        """Distance of each lid vertex from the eye's centre at rest."""
        return np.linalg.norm(self._head.vertices[self._lids[side]] - self._head.eyes[side], axis=1)

    def _push(self, vertices: F64, least: Sequence[F64 | float]) -> F64:
        out = vertices.copy()
        for lids, centre, distance in zip(self._lids, self._head.eyes, least, strict=True):
            arm = out[lids] - centre
            factor = distance / np.maximum(np.linalg.norm(arm, axis=1), 1e-9)
            out[lids] = centre + arm * np.maximum(1, factor)[:, None]
        return out


def _lid_vertices(topology: Topology, head: Head, side: int) -> I64:
    """Skin vertices near an eye that can be seen from the front, open or closed."""
    count = topology.skin_count
    triangles = topology.faces[topology.triangles_of("skin")]
    blink = sum(topology.makehuman.face_units[f"eyeBlink{s}"][topology.skin_ids] for s in ("Left", "Right"))
    seen: set[int] = set()
    for skin in (head.vertices[:count], head.vertices[:count] + blink):
        scene = RayScene(skin, triangles)
        for yaw, pitch in VIEWS:
            hit = scene.hit(*_rays_at(head.eyes[side], np.radians(yaw), np.radians(pitch)))[0]
            seen.update(triangles[hit[hit >= 0]].ravel().tolist())
    lids = np.array(sorted(seen))
    arm = head.vertices[lids] - head.eyes[side]
    return lids[(np.linalg.norm(arm, axis=1) < head.eye_radius[side] + REACH) & (arm[:, 2] > -2e-3)]


def _rays_at(target: F64, yaw: float, pitch: float) -> tuple[F64, F64]:
    """Parallel rays [n, 3] over a square of 48 mm that looks at `target`."""
    forward = -np.array([np.sin(yaw) * np.cos(pitch), np.sin(pitch), np.cos(yaw) * np.cos(pitch)])
    right = unit(np.cross(forward, [0, 1.0, 0]))
    up = np.cross(right, forward)
    grid = (np.arange(120) + 0.5) / 120 * 0.048 - 0.024
    a, b = np.meshgrid(grid, grid)
    origins = target - 0.5 * forward + a.reshape(-1, 1) * right + b.reshape(-1, 1) * up
    return origins, np.tile(forward, (len(origins), 1))
