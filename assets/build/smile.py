"""Smiles after the anatomy of a face: how ours differ from MakeHuman's.

The zygomatic muscle draws the corner of the mouth up and back along the cheek, and pushes the cheek's fat outwards and
up before it. MakeHuman's corners rise alone: the skin folds over beside them, the cheeks stay flat, left is not right.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import cdist

from .basis import UNIT_PREFIX
from .geometry import bell, smoothstep, triangle_areas, unit, vertex_normals
from .topology import Head, Topology

F64 = NDArray[np.float64]

MM = 1e-3
LEFT, RIGHT, PULLER = "mouthSmileLeft", "mouthSmileRight", UNIT_PREFIX + "mouth-corner-puller"
MOUTH = np.array([72, 46, 90]) * MM  # half axes of what a smile moves, about the middle of the mouth
MOUTH_EDGE = 1.0, 0.65  # in units of these, from where to where the change sets in
NOSE_ABOVE = np.array([4, 50]) * MM  # the mouth: where the tip of the nose is looked for
NOSE = 12 * MM, 24 * MM  # from its tip, from where to where the change begins
BLUR = 6 * MM  # over which the pull at a corner spreads
KEPT = 0.93 * np.array([1, 0.85, 1])  # of the way of a corner: less upwards than MakeHuman's
CHEEK = np.array([14, 11.5, 20]) * MM  # standard deviations of the bulge
CHEEK_ASIDE, CHEEK_UP = 15 * MM, 0.40  # its place from the corner of the mouth; up: as a share of the way to the eye
CHEEK_DEPTH = 30 * MM  # behind the corner that no cheek lies any more
FAT, LIFT = 8 * MM, 4 * MM  # by which the cheek comes out, and rises
PULLER_SHARE = 0.75  # of it in MakeHuman's own unit for the muscle, which emotions use


def smile_changes(topology: Topology, head: Head, shapes: Mapping[str, F64]) -> dict[str, F64]:
    """Offsets [V, 3] to add to those of a head's `shapes` that raise the corners of the mouth."""
    skin = topology.skin_count
    face = _Face(topology, head)
    theirs = {name: shapes[name][:skin] for name in (LEFT, RIGHT)}
    left = face.softened(0.5 * (theirs[LEFT] + face.mirrored(theirs[RIGHT])))
    changes = {
        LEFT: face.changed(theirs[LEFT], left) + face.cheek,
        RIGHT: face.changed(theirs[RIGHT], face.mirrored(left)) + face.mirrored(face.cheek),
        PULLER: PULLER_SHARE * (face.cheek + face.mirrored(face.cheek)),
    }
    return {name: np.pad(change, ((0, topology.vertex_count - skin), (0, 0))) for name, change in changes.items()}


class _Face:
    """The skin of a neutral face, S vertices."""

    def __init__(self, topology: Topology, head: Head) -> None:
        self._topology = topology
        self._skin = head.vertices[: topology.skin_count]
        self._corners = head.vertices[topology.mouth_corners]  # left, right
        self._eye = head.eyes[0]  # the left one

    def mirrored(self, offsets: F64) -> F64:
        """Offsets [S, 3] of the other side."""
        return offsets[self._topology.mirror] * [-1, 1, 1]

    def softened(self, offsets: F64) -> F64:
        """A pull [S, 3] at the left corner, spread around it: alike on both lips, which stay closed."""
        near = np.flatnonzero(self.about_mouth > 0)
        points, triangles = self._skin[near], self._topology.faces[self._topology.triangles_of("skin")]
        areas = np.bincount(triangles.ravel(), np.repeat(triangle_areas(self._skin, triangles), 3), len(self._skin))
        weight = np.exp(-0.5 * cdist(points, points, "sqeuclidean") / BLUR**2) * areas[near]
        spread = offsets.copy()
        spread[near] = weight @ offsets[near] / weight.sum(1, keepdims=True)
        corner = self._topology.mouth_corners[0]
        return spread * KEPT * np.linalg.norm(offsets[corner]) / np.linalg.norm(spread[corner])

    def changed(self, before: F64, after: F64) -> F64:
        """What makes `after` [S, 3] of `before` about the mouth; never brings its lining nearer to the cheek's skin."""
        change = self.about_mouth[:, None] * (after - before)
        lining = self._topology.mouth_bag
        change[lining, 2] = np.minimum(change[lining, 2], 0)
        return change

    @cached_property
    def about_mouth(self) -> F64:
        """1 about the mouth; 0 on nose and lids and beyond the cheeks; [S], alike on both sides."""
        middle = self._corners.mean(0)
        arm = np.linalg.norm((self._skin - middle) / MOUTH, axis=1)
        low, high = middle[1] + NOSE_ABOVE
        nose = self._skin[(np.abs(self._skin[:, 0]) < 4 * MM) & (self._skin[:, 1] > low) & (self._skin[:, 1] < high)]
        tip = np.linalg.norm(self._skin - nose[nose[:, 2].argmax()], axis=1)
        about = smoothstep(*MOUTH_EDGE, arm) * smoothstep(*NOSE, tip)
        return 0.5 * (about + about[self._topology.mirror])

    @cached_property
    def cheek(self) -> F64:
        """What the left cheek does before the rising corner, [S, 3]: all of it in the direction of its middle."""
        corner = self._corners[0]
        wanted = corner[:2] + np.array([CHEEK_ASIDE, CHEEK_UP * (self._eye - corner)[1]])
        apart = np.linalg.norm(self._skin[:, :2] - wanted, axis=1)
        middle = self._skin[np.where(self._skin[:, 2] > corner[2] - CHEEK_DEPTH, apart, np.inf).argmin()]
        share = bell(self._skin, middle, 1.0, 1 / CHEEK)
        normals = vertex_normals(self._skin, self._topology.faces[self._topology.triangles_of("skin")])
        outside = np.maximum(normals @ unit(middle * [1, 0, 1]), 0)
        outwards = unit((share * outside) @ normals)
        share[self._topology.mouth_bag] = 0
        return share[:, None] * (FAT * outwards + [0, LIFT, 0])
