"""A page to judge a solved film by: pictures of it with the head's mesh drawn over them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import ceil

import numpy as np
from numpy.typing import NDArray

from ...avatars.pose import Poser
from ..media.film import Picture
from .solve import Solution
from .track import FaceFilm

U8 = NDArray[np.uint8]
F64 = NDArray[np.float64]

COLUMNS, SIDE = 4, 360  # pictures in a row, pixels of each
MESH, FOUND = (60, 220, 120), (255, 60, 60)  # colours of the mesh and of the tracker's points
ROOM = 0.35  # around the face, of its size


def shown(solution: Solution, count: int) -> list[int]:
    """Numbers of at most `count` pictures that show a face, evenly spread."""
    seen = np.flatnonzero(solution.seen)
    return seen[np.unique(np.linspace(0, len(seen) - 1, min(count, len(seen))).round().astype(int))].tolist()


def overlay_page(pictures: Iterable[Picture], film: FaceFilm, solution: Solution, frames: Sequence[int]) -> U8:
    """Each of `frames` of the film as it is, and below with mesh and points; [H, W, 3] sRGB."""
    wanted = set(frames)
    poser = Poser(solution.head)
    tiles: list[U8] = []
    for number, picture in enumerate(pictures):
        if number in wanted:
            vertices = poser.vertices(solution.motion[number : number + 1])[0].astype(np.float64)
            tiles.append(_tile(picture.pixels, film.points[number], vertices, solution))
        if number >= max(wanted, default=-1):
            break
    tiles += [np.full((2 * SIDE, SIDE, 3), 255, np.uint8)] * (COLUMNS * ceil(len(tiles) / COLUMNS) - len(tiles))
    rows = [np.concatenate(tiles[i : i + COLUMNS], axis=1) for i in range(0, len(tiles), COLUMNS)]
    return np.concatenate(rows)


def draw_mesh(picture: U8, points: F64, vertices: F64, solution: Solution, *, scale: float = 1.0) -> U8:
    """A picture [H, W, 3], `scale` pixels of it per pixel of the film, with the visible edges of the face's mesh
    `vertices` [V, 3] and the tracker's `points` [478, 2].
    """
    import cv2

    head, camera = solution.head, solution.camera
    x = vertices @ camera.view[:3, :3].T + camera.view[:3, 3]
    pixels = scale * (x[:, :2] / x[:, 2:] * camera.K[0, 0] + camera.K[:2, 2])
    a, b, c = (x[head.faces[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    inside = np.zeros(len(vertices), bool)
    for name in ("skin", "lips"):
        inside[head.regions.get(name, np.arange(0))] = True
    for name in ("mouth_bag", "neck"):
        inside[np.setdiff1d(head.regions.get(name, np.arange(0)), head.regions.get("lips", np.arange(0)))] = False
    drawn = head.faces[((normal * a).sum(axis=1) < 0) & inside[head.faces].all(axis=1)]
    over = picture.copy()
    fine = 4  # bits of a pixel's fraction
    lines = np.round(pixels[drawn] * (1 << fine)).astype(np.int32)
    cv2.polylines(over, list(lines), isClosed=True, color=MESH, thickness=1, lineType=cv2.LINE_AA, shift=fine)
    mixed = cv2.addWeighted(picture, 0.7, over, 0.3, 0)
    for point in points[np.isfinite(points).all(axis=1)] * scale:
        cv2.circle(mixed, tuple(np.round(point * 16).astype(int).tolist()), 16, FOUND, -1, cv2.LINE_AA, shift=fine)
    return mixed.astype(np.uint8)


def _tile(picture: U8, points: F64, vertices: F64, solution: Solution) -> U8:
    """The face cut out, and below it the same with the mesh, [2 SIDE, SIDE, 3]."""
    import cv2

    low, high = points.min(axis=0), points.max(axis=0)
    side = (1 + 2 * ROOM) * float((high - low).max())
    corner = (low + high - side) / 2
    scale = SIDE / side
    place = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
    cut = cv2.warpAffine(picture, place, (SIDE, SIDE), flags=cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC)
    moved = _moved(solution, corner)
    drawn = draw_mesh(np.asarray(cut, np.uint8), points - corner, vertices, moved, scale=scale)
    return np.concatenate([cut, drawn]).astype(np.uint8)


def _moved(solution: Solution, corner: F64) -> Solution:
    """The solution as a camera sees it whose picture begins at `corner`."""
    K = solution.camera.K.copy()
    K[:2, 2] -= corner
    return replace(solution, camera=replace(solution.camera, K=K))
