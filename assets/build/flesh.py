"""Keeps the lining of the mouth inside: it must not come out below the lips when the flesh between gets thin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import KDTree

from ...avatars.head import HeadModel
from ...avatars.pose import Poser
from ...pipeline.avatar.poses import plausible_poses
from .geometry import vertex_normals
from .mend import POSES, SEED
from .splats import Kind, Splats
from .surface import Figure

F64 = NDArray[np.float64]

MM = 1e-3
EVERY = 3  # of the poses in which holes are looked for
REACH = 0.45  # standard deviation in units of the thinnest flesh in front of a Gaussian
LEAST = 0.35 * MM  # standard deviation
PIERCED = 0.7 * MM  # of flesh, from which a Gaussian is left out: what lies there is never seen from within
FACE = 0.030  # metres around the mouth


def within_flesh(figure: Figure, splats: Splats, head: HeadModel) -> Splats:
    """`splats` without those of the mouth's lining that come out of the face in some pose, and others made smaller."""
    rows = np.flatnonzero((splats.kind == Kind.SKIN) & np.isin(splats.triangle, _lining_triangles(figure)))
    flesh = _thinnest(figure, splats.take(rows), head)
    scale = splats.scale.copy()
    factor = np.minimum(1, np.maximum(REACH * flesh, LEAST) / scale[rows].max(1))
    scale[rows] *= factor[:, None]
    kept = np.ones(len(splats), bool)
    kept[rows[flesh < PIERCED]] = False
    return replace(splats, scale=scale).take(kept)


def _lining_triangles(figure: Figure) -> NDArray[np.int64]:
    """Triangles all of whose vertices line the mouth, behind the lips."""
    bag = figure.topology.regions(figure.rig.weights[:, 2], figure.rig.weights[:, 0])["mouth_bag"]
    return np.flatnonzero(np.isin(figure.topology.faces, bag).all(1))


def _thinnest(figure: Figure, lining: Splats, head: HeadModel) -> F64:
    """Least distance [n] of the lining to the outside of the face in a sweep of poses; negative in front of it."""
    outer = np.unique(figure.triangles[_outside(figure)])
    motion = plausible_poses(head, POSES, seed=SEED).motion
    least = np.full(len(lining), np.inf)
    poser = Poser(head)
    for frame in range(0, POSES, EVERY):
        posed = poser.vertices(motion[frame : frame + 1])[0].astype(np.float64)
        skin = figure.fine(posed)
        normals = vertex_normals(skin, figure.triangles)[outer]
        moved = lining.carried(figure.head.vertices, posed, figure.topology.faces).position
        distance, near = KDTree(skin[outer]).query(moved)
        above = ((moved - skin[outer][near]) * normals[near]).sum(1)
        least = np.minimum(least, np.where(above > 0, -distance, distance))
    return least


def _outside(figure: Figure) -> NDArray[np.bool_]:
    """Fine triangles of the face around the mouth, without lips."""
    masks = figure.triangle_masks
    inside = np.maximum(masks["lips"], masks["inside-mouth"]) > 0.05
    return ~inside & (figure.lip_distance(figure.centres) < FACE) & (figure.centres[:, 2] > 0.03)
