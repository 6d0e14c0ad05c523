"""One person in progress: the smooth surface of the skin, its landmarks, and samples on it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, fields
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ...avatars.head import JAW
from .geometry import catmull_clark, quad_triangles, triangle_areas, unit, vertex_normals
from .noise import throw_darts
from .people import Person
from .rays import RayScene
from .rig import EYE_JOINTS, Rig, joint_rotation
from .topology import Head, Topology

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]

CANDIDATES = 40  # darts thrown per Gaussian; fewer leave holes through which the dark inside shines
THIN = 0.3e-3  # metres by which the two sides of an ear are moved apart, so that both are filled
LIP_BLUR = 1.0e-3  # metres over which the lips' border fades
MASKS = ("lips", "ears", "eyelids", "inside-mouth")


@dataclass(frozen=True, eq=False)
class Samples:
    """Points on the skin."""

    position: F64  # [n, 3]
    normal: F64  # [n, 3]
    spacing: F64  # [n] mean distance to the nearest neighbours, metres
    triangle: I64  # [n] of the head's mesh
    fine: I64  # [n] of the figure's fine mesh
    uv: F64  # [n, 2] texture coordinates
    masks: dict[str, F64]  # texture masks at the points

    def __len__(self) -> int:
        return len(self.position)

    def take(self, index: NDArray) -> Samples:
        """The chosen rows."""
        arrays = {f.name: getattr(self, f.name)[index] for f in fields(self) if f.name != "masks"}
        return Samples(**arrays, masks={n: m[index] for n, m in self.masks.items()})


@dataclass(frozen=True)
class Pose:
    """Weights of named shapes ("x" stands for "xLeft" and "xRight"), jaw angle and gaze (down, left) in degrees."""

    weights: Mapping[str, float] = field(default_factory=dict)
    jaw: float = 0.0
    gaze: tuple[float, float] = (0.0, 0.0)


NEUTRAL = Pose()
BLINK = Pose({"eyeBlink": 1.0})
WIDE = Pose({"eyeWide": 1.0})
OPEN_SMILE = Pose({"mouthSmile": 0.5, "mouthUpperUp": 0.7, "mouthLowerDown": 0.5}, jaw=13)
WIDE_OPEN = Pose(jaw=22)
BROWS_UP = Pose({"browInnerUp": 1.0, "browOuterUp": 0.5})


class Figure:
    """A person's head with the twice subdivided (Catmull-Clark) skin that carries the Gaussians.

    `coarseness` is the distance between Gaussians in units of the finest avatar's.
    """

    coarseness = 1.0

    def __init__(self, person: Person, topology: Topology, head: Head, rig: Rig, shapes: dict[str, F64]) -> None:
        self.person, self.topology, self.head, self.rig, self.shapes = person, topology, head, rig, shapes
        once, quads, parent = catmull_clark(topology.skin_quads, topology.skin_count)
        twice, quads, grandparent = catmull_clark(quads, once.shape[0])
        self._subdivide = twice @ once
        self.quad_of = np.tile(parent[grandparent], 2)  # base quad of each fine triangle
        self.triangles = quad_triangles(quads)
        self.uv = _fine_uv(topology.skin_uv)
        self.vertices = self.fine(head.vertices)
        self.normals = vertex_normals(self.vertices, self.triangles)
        self.centres = self.vertices[self.triangles].mean(1)
        self.triangle_masks = {m: topology.makehuman.mask(m, self.uv.mean(1)) for m in MASKS}

    def coarser(self, coarseness: float) -> Figure:
        """The same person in fewer, larger Gaussians."""
        figure = copy(self)
        figure.coarseness = coarseness
        return figure

    def fine(self, vertices: F64) -> F64:
        """The smooth skin of a posed mesh."""
        return self._subdivide @ vertices[self.topology.parts["skin"]]

    def posed(self, pose: Pose) -> F64:
        """Vertices [V, 3] in a pose."""
        rest = self.head.vertices.copy()
        for name, weight in pose.weights.items():
            sides = (name,) if name in self.shapes else (name + "Left", name + "Right")
            for side in sides:
                rest += weight * self.shapes[side]
        rotations = joint_rotation(JAW, 0, np.radians(pose.jaw))
        for joint in EYE_JOINTS.values():
            rotations[joint, :2] = np.radians(pose.gaze)
        return self.rig.pose(rest, rotations)

    def ray_scene(self, vertices: F64) -> RayScene:
        """The posed head as an obstacle to rays: smooth skin, teeth, tongue and eyes."""
        skin = self.fine(vertices)
        count = self.topology.skin_count
        others = self.topology.faces[(self.topology.faces >= count).all(1)] - count + len(skin)
        return RayScene(np.concatenate([skin, vertices[count:]]), np.concatenate([self.triangles, others]))

    @cached_property
    def skin_scene(self) -> RayScene:
        """The neutral skin alone."""
        return RayScene(self.vertices, self.triangles)

    @cached_property
    def texture_middle(self) -> float:
        """Texture coordinate v of the face's midline."""
        middle = (np.abs(self.centres[:, 0]) < 1e-3) & (self.centres[:, 2] > self.nose[2] - 0.03)
        return float(np.median(self.uv[middle].mean(1)[:, 1]))

    def gradient(self, fine: I64, slope: F64) -> F64:
        """Gradient [n, 3] along the skin of a texture with derivatives `slope` [n, 2] by u and v, on fine triangles."""
        a, b, c = np.moveaxis(self.vertices[self.triangles[fine]], 1, 0)
        p, q, r = np.moveaxis(self.uv[fine], 1, 0)
        (along, across), (d, e) = (b - a, c - a), (q - p, r - p)
        area = d[:, 0] * e[:, 1] - d[:, 1] * e[:, 0]
        area = np.where(np.abs(area) < 1e-12, np.inf, area)[:, None]
        by_u, by_v = (along * e[:, 1:] - across * d[:, 1:]) / area, (across * d[:, :1] - along * e[:, :1]) / area
        uu, uv, vv = (by_u**2).sum(1), (by_u * by_v).sum(1), (by_v**2).sum(1)
        determinant = np.maximum(uu * vv - uv**2, 1e-16)
        first, second = vv * slope[:, 0] - uv * slope[:, 1], uu * slope[:, 1] - uv * slope[:, 0]
        return (first[:, None] * by_u + second[:, None] * by_v) / determinant[:, None]

    @cached_property
    def lips(self) -> F64:
        """Middle of the lip slit."""
        upper, lower = self.topology.lip_pairs[len(self.topology.lip_pairs) // 2]
        return self.head.vertices[[upper, lower]].mean(0)

    @cached_property
    def nose(self) -> F64:
        """Tip of the nose."""
        return self._foremost(self.lips[1] + 0.004, 0.03)

    @cached_property
    def chin(self) -> F64:
        """Foremost point of the chin."""
        return self._foremost(self.lips[1] - 0.06, self.lips[1] - 0.02)

    def _foremost(self, low: float, high: float) -> F64:
        skin = self.head.vertices[: self.topology.skin_count]
        middle = skin[(np.abs(skin[:, 0]) < 4e-3) & (skin[:, 1] > low) & (skin[:, 1] < high)]
        return middle[middle[:, 2].argmax()]

    def eye_distance(self, points: F64, stretch: tuple[float, float, float] = (1, 1, 1)) -> F64:
        """Distance to the nearer eye's centre."""
        arms = (points[:, None] - self.head.eyes) * np.array(stretch)
        return np.linalg.norm(arms, axis=2).min(1)

    def lip_distance(self, points: F64) -> F64:
        """Distance to the mouth, an ellipse wider than high."""
        return np.linalg.norm((points - self.lips) * [0.75, 1.3, 0.6], axis=1)

    def nearest_triangle(self, points: F64, fine_triangle: I64) -> I64:
        """Of the two base triangles under each fine triangle, the one whose centre is nearer."""
        first = self.quad_of[fine_triangle]
        second = first + len(self.topology.skin_quads)
        centres = self.head.vertices[self.topology.faces].mean(1)
        near = np.linalg.norm(points - centres[first], axis=1) <= np.linalg.norm(points - centres[second], axis=1)
        return np.where(near, first, second)

    def triangle_near(self, points: F64, part: str) -> I64:
        """Triangle of a part whose centre is nearest."""
        own = self.topology.triangles_of(part)
        return own[KDTree(self.head.vertices[self.topology.faces[own]].mean(1)).query(points)[1]]

    def sample(self, spacing: F64, rng: np.random.Generator, pose: Pose = NEUTRAL) -> Samples:
        """Blue-noise points on the posed skin, `spacing` [fine triangles] metres apart in the finest avatar.

        Infinite spacing gives none.
        """
        spacing = self.coarseness * spacing
        vertices = self.fine(self.posed(pose))
        normals = vertex_normals(vertices, self.triangles)
        index, weights = scatter_candidates(vertices, self.triangles, spacing, rng)
        position = np.einsum("nk,nkc->nc", weights, vertices[self.triangles[index]])
        normal = unit(np.einsum("nk,nkc->nc", weights, normals[self.triangles[index]]))
        apart = position + THIN * self.triangle_masks["ears"][index, None] * normal
        kept = throw_darts(apart, spacing[index])
        index, weights = index[kept], weights[kept]
        position, normal, apart = position[kept], normal[kept], apart[kept]
        uv = np.einsum("nk,nkc->nc", weights, self.uv[index])
        masks = {m: self.topology.makehuman.mask(m, uv) for m in MASKS}
        masks["lips"] = blurred(position, masks["lips"], LIP_BLUR)
        return Samples(
            position,
            normal,
            np.maximum(neighbour_distance(apart, spacing[index]), spacing[index] * masks["ears"]),
            self.nearest_triangle(np.einsum("nk,nkc->nc", weights, self.vertices[self.triangles[index]]), index),
            index,
            uv,
            masks,
        )


def scatter_candidates(vertices: F64, triangles: I64, spacing: F64, rng: np.random.Generator) -> tuple[I64, F64]:
    """Random points by area over squared spacing: triangle [n] and barycentric weights [n, 3], shuffled."""
    count = rng.poisson(triangle_areas(vertices, triangles) / spacing**2 * CANDIDATES)
    index = rng.permutation(np.repeat(np.arange(len(triangles)), count))
    root, v = np.sqrt(rng.random(len(index))), rng.random(len(index))
    return index, np.stack([1 - root, root * (1 - v), root * v], 1)


def neighbour_distance(position: F64, spacing: F64) -> F64:
    """Mean distance to the six nearest points, near the nominal spacing."""
    mean = KDTree(position).query(position, k=7)[0][:, 1:].mean(1)
    return np.clip(mean, 0.6 * spacing, 1.6 * spacing)


def blurred(position: F64, values: F64, radius: float, neighbours: int = 24) -> F64:
    """Values [n, ...] averaged over the nearest points with a Gaussian of standard deviation `radius`."""
    found = KDTree(position).query(position, k=min(neighbours, len(position)))
    distance, near = (np.reshape(part, (len(position), -1)) for part in found)  # of one neighbour there is no column
    weight = np.exp(-0.5 * (distance / radius) ** 2)
    return np.einsum("nk,nk...->n...", weight / weight.sum(1, keepdims=True), values[near])


def _fine_uv(corners: F64) -> F64:
    """Texture coordinates [fine triangles, 3, 2] by bilinear subdivision of the quads' corners."""
    for _ in range(2):
        edge, middle = 0.5 * (corners + np.roll(corners, -1, 1)), corners.mean(1)
        children = [np.stack([corners[:, k], edge[:, k], middle, edge[:, k - 1]], 1) for k in range(4)]
        corners = np.stack(children, 1).reshape(-1, 4, 2)
    return np.concatenate([corners[:, [0, 1, 2]], corners[:, [0, 2, 3]]])
