"""How the skin itself moves through the film: points of one picture found again in others by dense optical flow.

Landmarks tell what a tracker believes of a face; the skin's own texture tells where the same point lies in pictures
from different sides, and with that more of the focal length. A picture from the front is carried over the solved head
into the pose of another; the flow that is left between both (DIS: Kroeger et al. 2016, as OpenCV has it) says how far
each point of the skin lies beside where it was thought to be.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numba
import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from .landmark_model import LandmarkTable

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]
Bools = NDArray[np.bool_]

NEAR_LANDMARK = 0.010  # metres from a landmark: farther off the mesh is a guess
APART = 0.006  # metres between points
FIRST_IRIS = 468  # number of MediaPipe's mesh from which on points are on the eyes, which do not move with the skin
DEEPER = 0.006  # metres behind what a picture shows: hidden
FLAT = 0.25  # cosine to the line of sight below which the surface is seen too flat
ASIDE = 0.4  # radians to each side that the pictures are turned which points are taken from, beside one from the front
CALM = 0.1  # radians of turn that one standard deviation of expression, and a jaw opened by 20 degrees, are as bad as
ROOM = 40  # pixels around the points
EDGE = 6  # pixels from where nothing was carried, within which flow is not trusted
RETURN = 0.00035  # metres that a point may miss itself by, there and back


@dataclass(frozen=True, eq=False)
class Tracks:
    """M points of the skin in K pictures."""

    faces: I64  # [M] triangle of the head
    weights: F64  # [M, 3] barycentric
    points: F64  # [K, M, 2] pixels to the right and down; NaN where a point was not found


@dataclass(frozen=True, eq=False)
class Filmed:
    """A mesh as it was solved in K pictures."""

    greys: Sequence[U8]  # K pictures [H, W]
    vertices: F64  # [K, V, 3] metres, in the camera's axes
    focal: float  # pixels; the axis goes through the middle
    faces: I32  # [F, 3]


def track_skin(film: Filmed, faces: I64, weights: F64, references: I64) -> Tracks:
    """Points of the skin, on triangles [M] at barycentric coordinates [M, 3], found again in all pictures.

    references: pictures that points are taken from, in turn, where they lie by the mesh
    """
    pixels, depth = _projected(film)
    corners = film.faces[faces]
    at, far = (np.einsum("mk,tmk...->tm...", weights, array[:, corners]) for array in (pixels, depth))
    low, high = _box(at, film.greys[0].shape)
    posed = [
        posed_mesh(np.ascontiguousarray(grey[low[1] : high[1], low[0] : high[0]]), where - low, deep, film.faces)
        for grey, where, deep in zip(film.greys, pixels, depth, strict=True)
    ]
    at = at - low
    seen = _facing(film.vertices[:, corners]) > FLAT
    seen &= np.stack([visible(mesh, *where) for mesh, *where in zip(posed, at, far, strict=True)])
    points = np.full(at.shape, np.nan)
    for turn, reference in enumerate(references):
        mine = np.arange(turn, len(faces), len(references))
        mine = mine[seen[reference, mine]]
        for t, mesh in enumerate(posed):
            rows = mine[seen[t, mine]]
            if t == reference:
                points[t, rows] = at[t, rows]
                continue
            expected, shown = carried(posed[reference], mesh, film.faces)
            moved, sure = found_again(expected, shown, mesh.grey, at[t, rows], RETURN * film.focal / far[t, rows])
            points[t, rows[sure]] = moved[sure]
    return Tracks(faces, weights, points + low.astype(np.float64))


def _projected(film: Filmed) -> tuple[F64, F64]:
    """Pixels [K, V, 2] and depths [K, V], metres."""
    height, width = film.greys[0].shape
    x, depth = film.vertices, film.vertices[..., 2]
    return film.focal * x[..., :2] / depth[..., None] + np.array([width / 2, height / 2]), depth


def _box(at: F64, size: tuple[int, ...]) -> tuple[I64, I64]:
    """The part of the pictures (rows, columns) that shows all points [..., 2]: its first column and row, its last."""
    low = np.floor(at.reshape(-1, 2).min(axis=0)).astype(np.int64) - ROOM
    high = np.ceil(at.reshape(-1, 2).max(axis=0)).astype(np.int64) + ROOM
    most = np.array([size[1], size[0]])
    low = np.clip(low, 0, most - 2 * ROOM)
    return low, np.clip(high, low + 2 * ROOM, most)


def _facing(corners: F64) -> F64:
    """Cosine of triangles [..., 3, 3] in the camera's axes to the line of sight."""
    a, b, c = np.moveaxis(corners, -2, 0)
    normals, sight = np.cross(b - a, c - a), (a + b + c) / 3
    size = np.linalg.norm(normals, axis=-1) * np.linalg.norm(sight, axis=-1)
    return -(normals * sight).sum(axis=-1) / np.maximum(size, 1e-12)


def references(view: F64, expr: F64, jaw: F64) -> I64:
    """Pictures to take points from: a calm one from the front, and one from each side if there is.

    view: [K, 2] yaw and pitch to the line of sight, radians; expr: [K, E] standard deviations; jaw: [K] radians
    """
    grimace = CALM * (np.linalg.norm(expr, axis=1) / np.sqrt(expr.shape[1]) + jaw / 0.35)
    picked = []
    for yaw in (0.0, -ASIDE, ASIDE):
        picked.append(int((np.linalg.norm(view - [yaw, 0], axis=1) + grimace).argmin()))
    return np.array(list(dict.fromkeys(picked)), np.int64)


def skin_points(head: HeadModel, table: LandmarkTable) -> tuple[I64, F64]:
    """Triangles of the skin near landmarks and `APART` from each other, [M], and barycentric middles [M, 3]."""
    from scipy.spatial import KDTree

    places = head.v_template.astype(np.float64)
    skin = np.zeros(len(places), bool)
    skin[head.regions.get("skin", np.arange(len(places)))] = True
    for part in ("mouth_bag", "lips"):
        skin[head.regions.get(part, [])] = False
    on_skin = table.points < FIRST_IRIS
    landmarks = np.einsum("lk,lka->la", table.weights[on_skin], places[head.faces[table.faces[on_skin]]])
    middles = places[head.faces].mean(axis=1)
    near = KDTree(landmarks).query(middles)[0] < NEAR_LANDMARK
    candidates = np.flatnonzero(near & skin[head.faces].all(axis=1))
    candidates = np.random.default_rng(0).permutation(candidates)
    tree = KDTree(middles[candidates])
    free, picked = np.ones(len(candidates), bool), []
    for i in range(len(candidates)):
        if free[i]:
            picked.append(candidates[i])
            free[tree.query_ball_point(middles[candidates[i]], APART)] = False
    faces = np.sort(np.array(picked, np.int64))
    return faces, np.full((len(faces), 3), 1 / 3)


@numba.njit(cache=True)
def covered(pixels: F64, depth: F64, faces: I32, height: int, width: int) -> tuple[I32, F32, F32]:
    """The nearest triangle that covers each pixel's centre [H, W] (-1: none), its barycentric coordinates [H, W, 3]
    in the picture, and its depth [H, W] (infinite: none); of vertices at `pixels` [V, 2] and `depth` [V], metres.
    """
    face = np.full((height, width), -1, np.int32)
    share = np.zeros((height, width, 3), np.float32)
    nearest = np.full((height, width), np.inf, np.float32)
    for f in range(len(faces)):
        a, b, c = faces[f]
        ax, ay, bx, by, cx, cy = pixels[a, 0], pixels[a, 1], pixels[b, 0], pixels[b, 1], pixels[c, 0], pixels[c, 1]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < 1e-9 or min(depth[a], depth[b], depth[c]) <= 0:
            continue
        left, right = max(0, int(np.ceil(min(ax, bx, cx) - 0.5))), min(width - 1, int(np.floor(max(ax, bx, cx) - 0.5)))
        top, low = max(0, int(np.ceil(min(ay, by, cy) - 0.5))), min(height - 1, int(np.floor(max(ay, by, cy) - 0.5)))
        for row in range(top, low + 1):
            for column in range(left, right + 1):
                x, y = column + 0.5, row + 0.5
                u = ((bx - x) * (cy - y) - (by - y) * (cx - x)) / area
                v = ((cx - x) * (ay - y) - (cy - y) * (ax - x)) / area
                w = 1 - u - v
                if u >= 0 and v >= 0 and w >= 0:
                    far = u * depth[a] + v * depth[b] + w * depth[c]
                    if far < nearest[row, column]:
                        nearest[row, column] = far
                        face[row, column] = f
                        share[row, column, 0], share[row, column, 1], share[row, column, 2] = u, v, w
    return face, share, nearest


@dataclass(frozen=True, eq=False)
class Posed:
    """The mesh in one picture."""

    grey: U8  # [H, W] the picture
    pixels: F64  # [V, 2]
    depth: F64  # [V] metres
    face: I32  # [H, W] nearest triangle, -1: none
    share: F32  # [H, W, 3] barycentric
    nearest: F32  # [H, W] metres


def posed_mesh(grey: U8, pixels: F64, depth: F64, faces: I32) -> Posed:
    """Where the mesh lies in a picture [H, W] whose vertices lie at `pixels` [V, 2] and `depth` [V], metres."""
    return Posed(grey, pixels, depth, *covered(pixels, depth, faces, *grey.shape))


def visible(at: Posed, pixels: F64, depth: F64) -> Bools:
    """Whether the mesh does not hide places [..., 2] at a depth [...]."""
    column, row = (np.floor(pixels[..., axis]).astype(np.int64) for axis in (0, 1))
    height, width = at.face.shape
    inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
    nearest = at.nearest[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
    return inside & (depth < nearest + DEEPER) & np.isfinite(nearest)


def carried(source: Posed, target: Posed, faces: I32) -> tuple[U8, Bools]:
    """The picture of `source` over the mesh in the pose of `target`, [H, W], and where it shows something, [H, W].

    Where it shows nothing it is as `target`.
    """
    import cv2

    corners = faces[np.maximum(target.face, 0)]
    pixels = np.einsum("hwk,hwka->hwa", target.share, source.pixels[corners])
    depth = np.einsum("hwk,hwk->hw", target.share, source.depth[corners])
    shown = (target.face >= 0) & visible(source, pixels, depth)
    at = (pixels - 0.5).astype(np.float32)
    drawn = cv2.remap(source.grey, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.where(shown, drawn, target.grey).astype(np.uint8), shown


def found_again(expected: U8, shown: Bools, picture: U8, pixels: F64, exact: F64) -> tuple[F64, Bools]:
    """Where points that are expected at `pixels` [M, 2] of one picture [H, W] lie in another, and which are sure.

    shown: [H, W] where `expected` is not made up
    exact: [M] pixels that a point may miss itself by, there and back
    """
    import cv2

    flow = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    nothing = np.zeros((*picture.shape, 2), np.float32)
    there, back = flow.calc(expected, picture, nothing.copy()), flow.calc(picture, expected, nothing)
    moved = pixels + _sampled(there, pixels)
    astray = np.linalg.norm(moved + _sampled(back, moved) - pixels, axis=1)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * EDGE + 1, 2 * EDGE + 1))
    safe = _sampled(cv2.erode(shown.astype(np.float32), disc), pixels) > 0.99
    return moved, safe & (astray < exact)


def _sampled(image: NDArray[Any], pixels: F64) -> F64:
    """An image [H, W, ...] at places [M, 2], between its pixels by lines; the edge's beyond it."""
    import cv2

    at = (pixels - 0.5).astype(np.float32)[:, None]
    found = cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return found[:, 0].astype(np.float64)
