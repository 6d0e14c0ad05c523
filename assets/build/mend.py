"""Closes holes: more skin where a sweep over poses and cameras sees through the skin that is there."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.head import HeadModel
from ...pipeline.avatar.check import AvatarCheck
from ...pipeline.avatar.faults import View
from ...renderer import Camera, Gaussians
from ...renderer.cpu import CpuRasterizer
from .geometry import quaternions
from .skin import painted
from .splats import Splats
from .surface import Figure, Samples

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]

MM = 1e-3
POSES, SEED = 250, 101  # `render avatar check` looks at other poses
LEAST = 0.25  # of a hole: what nearly is one becomes one in another pose
PATCH_SPACING = 0.75 * MM
PATCH_WIDTH = 1.2 * MM  # spacing for which a patch is made wide enough
PATCH_THICKNESS = 0.5  # rounder than other skin, for holes open where folds are seen at a flat angle
NEAR = 1.5 * MM  # of the mesh, along the line of sight
MARGIN = 2  # pixels around a hole that are patched too


def mended(figure: Figure, splats: Splats, head: HeadModel, rng: np.random.Generator) -> Splats:
    """`splats` with patches over the holes that a sweep finds; `head` is the person's own."""
    check = AvatarCheck(_unlit(figure, splats, head), CpuRasterizer("to look for holes"), poses=POSES, seed=SEED)
    patches = _patches(figure, check, rng)
    if patches is None:
        return splats
    return Splats.concatenate([splats, painted(figure, patches, thickness=PATCH_THICKNESS)])


def _unlit(figure: Figure, splats: Splats, head: HeadModel) -> Avatar:
    """The person in grey; holes are seen by what covers them, not by colour."""
    bound = splats.local_to(figure.head.vertices, figure.topology.faces)
    gaussians = Gaussians(
        bound.position.astype(np.float32),
        quaternions(bound.rotation).astype(np.float32),
        bound.scale.astype(np.float32),
        bound.opacity.astype(np.float32),
        np.zeros((len(bound), 1, 3), np.float32),
    )
    return Avatar(figure.person.name, head, gaussians, bound.triangle.astype(np.int32))


def _patches(figure: Figure, check: AvatarCheck, rng: np.random.Generator) -> Samples | None:
    """Points of the skin that lie in a hole of some pose, apart from one another."""
    sights = [(view, _holes(view)) for view in map(check.view, range(POSES))]
    sights = [(view, holes) for view, holes in sights if holes.any()]
    near = _near_holes(figure, sights)
    if not near.any():
        return None
    candidates = figure.sample(np.where(near, PATCH_SPACING, np.inf), rng)
    points, wanted = painted(figure, candidates), np.zeros(len(candidates), bool)
    for view, holes in sights:
        posed = points.carried(figure.head.vertices, view.vertices.astype(np.float64), figure.topology.faces)
        wanted |= _inside(view, holes, posed.position)
    chosen = candidates.take(wanted)
    return replace(chosen, spacing=np.full(len(chosen), figure.coarseness * PATCH_WIDTH))


def _holes(view: View) -> Mask:
    """The holes of a view and what is around them: a hole along a seam of two triangles needs skin of both."""
    import cv2

    holes = view.holes(least=LEAST).astype(np.uint8)
    return np.asarray(cv2.dilate(holes, np.ones((2 * MARGIN + 1, 2 * MARGIN + 1), np.uint8)) > 0)


def _near_holes(figure: Figure, sights: list[tuple[View, Mask]]) -> Mask:
    """Fine triangles of the skin's quads in which there are holes."""
    quads = len(figure.topology.skin_quads)
    hit = np.concatenate([np.zeros(0, int), *(view.mesh.triangle[holes] for view, holes in sights)])
    return np.isin(figure.quad_of, hit[(hit >= 0) & (hit < 2 * quads)] % quads)


def _inside(view: View, holes: Mask, points: F64) -> Mask:
    """Which points [n, 3] lie on the visible side of the mesh where the view has holes."""
    x, y, depth = _projected(view.camera, points)
    seen = (x >= 0) & (x < view.camera.width) & (y >= 0) & (y < view.camera.height) & (depth > 0)
    seen[seen] = holes[y[seen], x[seen]] & (np.abs(depth[seen] - view.mesh.depth[y[seen], x[seen]]) < NEAR)
    return seen


def _projected(camera: Camera, points: F64) -> tuple[I64, I64, F64]:
    """Pixel column and row, and depth in metres, of points [n, 3]."""
    seen = points @ camera.view[:3, :3].T + camera.view[:3, 3]
    x, y, _ = np.floor((seen / seen[:, 2:]) @ camera.K.T).astype(np.int64).T
    return x, y, seen[:, 2]
