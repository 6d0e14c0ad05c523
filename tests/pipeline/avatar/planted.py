"""A plain doll on the built-in head's mesh, free of faults, and dolls with one planted fault each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emosplat.avatars.avatar import SH0, Avatar
from emosplat.avatars.head import HeadModel
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.renderer import Gaussians

FINE, COARSE = 0.0014, 0.005  # metres between Gaussians on the face and elsewhere
FACE, DETAIL = 0.03, 0.015  # metres to the front from which it is the face; length of edges in detailed places
LIFT = 0.0008  # metres of planted dots above the skin
COLOURS = {"skin": 0.7, "eyes": 0.95, "teeth": 0.75, "inside": 0.66}


def doll(head: HeadModel) -> Avatar:
    """Opaque discs on a regular grid over every triangle, one colour for each part."""
    corners = head.v_template[head.faces].astype(np.float64)  # [F, 3, 3]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    detailed = (corners[:, :, 2].max(axis=1) > FACE) | (longest < DETAIL)
    cuts = np.ceil(longest / np.where(detailed, FINE, COARSE)).astype(int)
    barycentric, binding = [], []
    for n in np.unique(cuts):
        some, grid = np.flatnonzero(cuts == n), subdivided(n)
        binding.append(np.repeat(some, len(grid)))
        barycentric.append(np.tile(grid, (len(some), 1)))
    binding = np.concatenate(binding).astype(np.int32)
    points = np.einsum("nk,nkc->nc", np.concatenate(barycentric), corners[binding])
    frames = Poser(head).transforms(Motion.rest(1, head.expressions, 25.0))[0].astype(np.float64)
    local = np.linalg.solve(frames[binding, :, :3], (points - frames[binding, :, 3])[..., None])[..., 0]
    sigma = (0.7 * longest / cuts / np.linalg.norm(frames[:, :, 0], axis=1))[binding]
    scales = np.stack([sigma, 0.05 * sigma, sigma], axis=1)  # Y is the triangle's normal
    grey = np.array([COLOURS[part] for part in parts(head)])[binding]
    gaussians = Gaussians(
        means=local.astype(np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (len(binding), 1)),
        scales=scales.astype(np.float32),
        opacities=np.full(len(binding), 0.99, np.float32),
        sh=np.repeat(((grey - 0.5) / SH0)[:, None, None], 3, axis=2).astype(np.float32),
    )
    return Avatar("doll", head, gaussians, binding)


def subdivided(n: int) -> NDArray[np.float64]:
    """Barycentric centres [n * n, 3] of the triangles into which n cuts per side divide a triangle."""
    upright = [(i + 1 / 3, j + 1 / 3) for i in range(n) for j in range(n - i)]
    inverted = [(i + 2 / 3, j + 2 / 3) for i in range(n) for j in range(n - i - 1)]
    uv = np.array(upright + inverted) / n
    return np.column_stack([uv, 1 - uv.sum(axis=1)])


def parts(head: HeadModel) -> list[str]:
    """The part of every triangle."""
    names = np.full(len(head.faces), "skin", dtype="U6")
    for part, regions in {
        "inside": ("mouth_bag", "tongue"),
        "eyes": ("left_eye", "right_eye"),
        "teeth": ("teeth_upper", "teeth_lower"),
    }.items():
        inside = np.isin(head.faces, np.concatenate([head.regions[r] for r in regions])).all(axis=1)
        names[inside] = part
    return names.tolist()


def near(avatar: Avatar, point: tuple[float, float, float], radius: float) -> NDArray[np.bool_]:
    """Gaussians whose triangle's centre is within `radius` metres of `point`."""
    centres = avatar.head.v_template[avatar.head.faces].mean(axis=1)[avatar.binding]
    return np.linalg.norm(centres - np.array(point), axis=1) < radius


def keep(avatar: Avatar, mask: NDArray[np.bool_]) -> Avatar:
    """Only some of the Gaussians."""
    g = avatar.gaussians
    fields = {n: getattr(g, n)[mask] for n in ("means", "quats", "scales", "opacities", "sh")}
    return replace(avatar, gaussians=Gaussians(**fields), binding=avatar.binding[mask])


def with_specks(avatar: Avatar, places: NDArray[np.int64], *, size: float = 0.0004, grey: float = 1.0) -> Avatar:
    """Dots of `size` metres (standard deviation) in the middle of triangles."""
    frames = Poser(avatar.head).transforms(Motion.rest(1, avatar.head.expressions, 25.0))[0]
    unit = 1 / np.linalg.norm(frames[places, :, 0], axis=1)
    dots = Gaussians(
        means=(LIFT * unit[:, None] * np.array([0, 1, 0])).astype(np.float32),
        quats=np.tile(np.array([1, 0, 0, 0], np.float32), (len(places), 1)),
        scales=(size * unit[:, None] * np.ones(3)).astype(np.float32),
        opacities=np.full(len(places), 0.99, np.float32),
        sh=np.full((len(places), 1, 3), (grey - 0.5) / SH0, np.float32),
    )
    g = avatar.gaussians
    fields = {n: np.concatenate([getattr(g, n), getattr(dots, n)]) for n in vars(g)}
    binding = np.concatenate([avatar.binding, places.astype(np.int32)])
    return replace(avatar, gaussians=Gaussians(**fields), binding=binding)


def with_stray_dot(avatar: Avatar, place: tuple[float, float, float], *, size: float = 0.0004) -> Avatar:
    """A black dot at a point of the neutral face, metres, that goes with the left eyeball instead of the skin."""
    triangle = np.flatnonzero(np.isin(avatar.head.faces, avatar.head.regions["left_eye"]).all(axis=1))[:1]
    stray = with_specks(avatar, triangle, size=size, grey=0.1)
    frame = Poser(avatar.head).transforms(Motion.rest(1, avatar.head.expressions, 25.0))[0, triangle[0]]
    means = stray.gaussians.means.copy()
    means[-1] = np.linalg.solve(frame[:, :3], np.array(place) - frame[:, 3])
    return replace(stray, gaussians=replace(stray.gaussians, means=means))


def moved(avatar: Avatar, regions: tuple[str, ...], by: NDArray[np.float64]) -> Avatar:
    """Vertices of regions moved by a vector [3] or by one each [n, 3], metres."""
    head = avatar.head
    vertices = head.v_template.copy()
    rows = np.unique(np.concatenate([head.regions[r] for r in regions]))
    vertices[rows] += by.astype(np.float32)
    return replace(avatar, head=replace(head, v_template=vertices))
