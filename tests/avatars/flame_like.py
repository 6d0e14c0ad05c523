"""A head in FLAME's layout that is not FLAME: the built-in head with another shape, meshed anew, in FLAME's sizes.

Where each of its vertices lies on the built-in head is known, so that registration and retargeting can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import ConvexHull, KDTree

from emosplat.avatars import flame
from emosplat.avatars.flame import FlameArrays
from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import builtin_head

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

EYE = 500  # vertices of each eyeball
SKIN = flame.VERTICES - 2 * EYE
SCALE, SHIFT = 1.04, np.array([0.0, 0.012, -0.008])  # metres
RING = 0.003  # metres from the line where the lips meet to the ring of vertices on each lip
FINE = 0.018  # metres around the mouth and the eyes within which the mesh is finer


@dataclass(frozen=True, eq=False)
class FlameLike:
    """The arrays of a FLAME-like model and the truth about them."""

    arrays: FlameArrays
    origin: csr_array  # [5023, V] each vertex as a mixture of the built-in head's; none for the eyes
    skin: NDArray[np.int64]  # its vertices that are skin


@lru_cache
def flame_like(seed: int = 0, *, modes: int = 76) -> FlameLike:
    """The head of one seed; its expressions span the first `modes` of the built-in head and some other motion."""
    head = builtin_head()
    rng = np.random.default_rng(seed)
    fine, faces = _subdivided(head, rounds=2)
    places = fine @ head.v_template.astype(np.float64)
    special = _special(head, fine, places)
    seeds, cell = _cells(places, faces, _density(head, places), special, rng)
    mesh = _dual(faces, cell)
    order = _numbering(special, rng)
    skin = np.flatnonzero(order < SKIN)
    origin = fine[seeds][order[skin]]
    number = np.empty(SKIN, np.int64)
    number[order[skin]] = skin
    template = np.zeros((flame.VERTICES, 3))
    person = head.v_template + head.shapedirs @ rng.normal(0, 0.7, head.shapedirs.shape[2])
    template[skin] = origin @ person.astype(np.float64)
    eyes = np.flatnonzero(order >= SKIN)
    balls = [_ball(head, person, "left_eye"), _ball(head, person, "right_eye")]
    template[eyes] = np.concatenate([points for points, _ in balls])
    triangles = [number[mesh], eyes[balls[0][1]], eyes[EYE + balls[1][1]]]
    rows = coo_array(origin)
    full = csr_array((rows.data, (skin[rows.coords[0]], rows.coords[1])), (flame.VERTICES, len(head.v_template)))
    weights = np.asarray(full @ head.weights)
    weights[eyes[:EYE], 3] = weights[eyes[EYE:], 4] = 1
    mixed = np.linalg.qr(rng.normal(size=(flame.EXPRESSIONS, flame.EXPRESSIONS)))[0]
    motion = [head.exprdirs[:, :, :modes], 0.3 * head.shapedirs[:, :, : flame.EXPRESSIONS - modes]]
    known = _carried(full, np.concatenate(motion, axis=2))
    other = rng.normal(0, 1e-4, (flame.VERTICES, 3, flame.EXPRESSIONS - known.shape[2]))
    exprdirs = np.concatenate([known, other], axis=2) @ mixed
    shapedirs = np.zeros((flame.VERTICES, 3, flame.SHAPES))
    shapedirs[:, :, : head.shapedirs.shape[2]] = _carried(full, head.shapedirs)
    joints = head.J_regressor @ person
    placed = (SCALE * template + SHIFT).astype(np.float32)
    arrays = FlameArrays(
        v_template=placed,
        faces=_counted(np.concatenate(triangles), placed),
        shapedirs=(SCALE * shapedirs).astype(np.float32),
        exprdirs=(SCALE * exprdirs).astype(np.float32),
        posedirs=(SCALE * _carried(full, head.posedirs)).astype(np.float32),
        weights=(weights / weights.sum(axis=1, keepdims=True)).astype(np.float32),
        J_regressor=_regressor(placed, SCALE * joints + SHIFT),
    )
    return FlameLike(arrays, full, skin)


def _carried(origin: csr_array, field: F32) -> F64:
    return (origin @ field.reshape(len(field), -1).astype(np.float64)).reshape(-1, *field.shape[1:])


def _subdivided(head: HeadModel, rounds: int) -> tuple[csr_array, NDArray[np.int64]]:
    """The skin in front of the mouth's depth with every edge halved: mixtures [N, V] of vertices, and triangles."""
    lips = KDTree(head.v_template[head.regions["lips"]])
    deep = np.setdiff1d(head.regions["mouth_bag"], head.regions["lips"])
    deep = deep[lips.query(head.v_template[deep])[0] > 0.008]
    skin = np.isin(head.faces, head.regions["skin"]).all(axis=1) & ~np.isin(head.faces, deep).any(axis=1)
    used, faces = np.unique(head.faces[skin], return_inverse=True)
    faces = faces.reshape(-1, 3)
    rows = csr_array((np.ones(len(used)), (np.arange(len(used)), used)), (len(used), len(head.v_template)))
    for _ in range(rounds):
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
        unique, index = np.unique(edges, axis=0, return_inverse=True)
        middle = len(rows.indptr) - 1 + index.reshape(-1, 3)
        rows = csr_array(_stacked(rows, (rows[unique[:, 0]] + rows[unique[:, 1]]) / 2))
        a, b, c = faces.T
        ab, bc, ca = middle.T
        faces = np.concatenate([np.stack(t, axis=1) for t in ((a, ab, ca), (ab, b, bc), (ca, bc, c), (ab, bc, ca))])
    return rows, faces


def _stacked(first: csr_array, second: csr_array) -> csr_array:
    from scipy.sparse import vstack

    return csr_array(vstack([first, second]))


def _special(head: HeadModel, fine: csr_array, places: F64) -> dict[int, int]:
    """The fine vertex for each vertex number of FLAME's lips."""
    template = head.v_template.astype(np.float64)
    right_to_left = np.argsort(template[head.lip_pairs[:, 0], 0])
    corners = head.mouth_corners[::-1]
    found: dict[int, int] = {}
    taken: set[int] = set()
    for lip, region, numbers in ((0, "upper_lip", flame.UPPER_LIP), (1, "lower_lip", flame.LOWER_LIP)):
        line = template[np.r_[corners[:1], head.lip_pairs[right_to_left, lip], corners[1:]]]
        share = (np.arange(len(numbers)) + 1) / (len(numbers) + 1)
        wanted = np.stack([np.interp(share, np.linspace(0, 1, len(line)), axis) for axis in line.T], axis=1)
        inside = np.flatnonzero(fine[:, head.regions[region]].sum(axis=1) > 0.999)
        for number, place in zip(numbers[::-1], wanted, strict=True):
            _take(found, taken, number, inside, places, np.linalg.norm(places[inside] - place, axis=1))
    for region, numbers, sign in (("upper_lip", flame.UPPER_RING, 1), ("lower_lip", flame.LOWER_RING, -1)):
        inside = np.flatnonzero(fine[:, head.regions[region]].sum(axis=1) > 0.999)
        width, middle = template[corners, 0] * 0.92, template[head.lip_pairs, 1].mean()
        for number, x in zip(numbers, np.linspace(width[0], width[1], len(numbers)), strict=True):
            height = np.abs(sign * (places[inside, 1] - middle) - RING) - 0.3 * places[inside, 2]
            _take(found, taken, number, inside, places, 2 * np.abs(places[inside, 0] - x) + height)
    return found


def _take(
    found: dict[int, int], taken: set[int], number: int, among: NDArray[np.int64], places: F64, cost: F64
) -> None:
    free = next(int(among[i]) for i in np.argsort(cost) if int(among[i]) not in taken)
    found[number] = free
    near = among[np.linalg.norm(places[among] - places[free], axis=1) < 0.0007]
    taken.update(near.tolist(), [free])


def _density(head: HeadModel, places: F64) -> F64:
    fine = np.concatenate([head.v_template[head.regions["lips"]], head.joints[3:5] + np.array([0, 0, 0.012])])
    return 1 + 30 * np.exp(-((KDTree(fine).query(places)[0] / FINE) ** 2))


def _cells(
    places: F64, faces: NDArray[np.int64], density: F64, special: dict[int, int], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Coarse vertices [SKIN] among the fine ones and the cell of every fine vertex (Lloyd's algorithm on the mesh)."""
    edges = faces[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    length = np.linalg.norm(places[edges[:, 0]] - places[edges[:, 1]], axis=1) * density[edges].mean(axis=1) ** 0.5
    graph = coo_array((length, tuple(edges.T)), (len(places), len(places))).tocsr()
    fixed = np.array(list(special.values()))
    area = np.zeros(len(places))
    a, b, c = places[faces.T]
    np.add.at(area, faces, np.linalg.norm(np.cross(b - a, c - a), axis=1)[:, None])
    chance = area * density
    chance[fixed] = 0
    seeds = np.r_[fixed, rng.choice(len(places), SKIN - len(fixed), replace=False, p=chance / chance.sum())]
    cell = np.zeros(len(places), np.int64)
    for last in (False, False, True):
        source = dijkstra(graph, directed=False, indices=seeds, min_only=True, return_predecessors=True)[2]
        lookup = np.full(len(places), -1)
        lookup[seeds] = np.arange(SKIN)
        cell = lookup[source]
        if last:
            break
        total, size = np.zeros((SKIN, 3)), np.zeros(SKIN)
        np.add.at(total, cell, area[:, None] * places)
        np.add.at(size, cell, area)
        off = np.linalg.norm(places - (total / np.maximum(size, 1e-15)[:, None])[cell], axis=1)
        nearest = np.lexsort((off, cell))
        first = nearest[np.searchsorted(cell[nearest], np.arange(SKIN))]
        seeds = np.r_[fixed, first[len(fixed) :]]
    return seeds, cell


def _dual(faces: NDArray[np.int64], cell: NDArray[np.int64]) -> NDArray[np.int64]:
    """One triangle wherever three cells meet."""
    corners = cell[faces]
    a, b, c = corners.T
    corners = corners[(a != b) & (b != c) & (c != a)]
    return corners[np.unique(np.sort(corners, axis=1), axis=0, return_index=True)[1]]


def _numbering(special: dict[int, int], rng: np.random.Generator) -> NDArray[np.int64]:
    """For each vertex number of FLAME the coarse vertex behind it; those from `SKIN` on are the eyes."""
    order = np.full(flame.VERTICES, -1)
    order[list(special)] = np.arange(len(special))
    others = rng.permutation(np.arange(len(special), SKIN))
    free = np.flatnonzero(order < 0)
    order[free[: len(others)]] = others
    order[free[len(others) :]] = np.arange(SKIN, flame.VERTICES)
    return order


def _ball(head: HeadModel, person: F32, eye: str) -> tuple[F64, NDArray[np.int64]]:
    """An eyeball of `EYE` vertices as large as the built-in one."""
    points = person[head.regions[eye]].astype(np.float64)
    middle, radius = points.mean(axis=0), 0.82 * np.ptp(points, axis=0).mean() / 2  # coarse lids are chords
    k = np.arange(EYE) + 0.5
    z, turn = 1 - 2 * k / EYE, np.pi * (1 + 5**0.5) * k
    flat = np.sqrt(1 - z * z)
    sphere = np.column_stack([flat * np.cos(turn), flat * np.sin(turn), z])
    hull = ConvexHull(sphere)
    a, b, c = sphere[hull.simplices.T]
    outward = (np.cross(b - a, c - a) * a).sum(axis=1) > 0
    faces = np.where(outward[:, None], hull.simplices, hull.simplices[:, ::-1])
    return middle + radius * sphere, faces.astype(np.int64)


def _counted(faces: NDArray[np.int64], template: F32) -> NDArray[np.int32]:
    """Exactly as many triangles as FLAME has: the lowest of the neck are left out, or come twice."""
    lowest = np.argsort(template[faces].mean(axis=1)[:, 1], kind="stable")
    missing = flame.FACES - len(faces)
    if missing < 0:
        return np.delete(faces, lowest[:-missing], axis=0).astype(np.int32)
    return np.concatenate([faces, faces[lowest[:missing]]]).astype(np.int32)


def _regressor(template: F32, joints: F64) -> F32:
    """Weights of the 60 vertices nearest to each joint that give the joint, and sum to 1."""
    out = np.zeros((5, len(template)))
    for j, joint in enumerate(joints):
        near = KDTree(template).query(joint, 60)[1]
        points = np.column_stack([template[near], np.ones(60)]).T
        out[j, near] = np.linalg.pinv(points) @ np.r_[joint, 1]
    return out.astype(np.float32)


def save_flame_npz(path: Path, arrays: FlameArrays) -> None:
    """Write the arrays under the names of a FLAME download."""
    np.savez(path, **flame_dict(arrays))  # pyright: ignore[reportArgumentType]


def flame_dict(arrays: FlameArrays) -> dict[str, NDArray]:
    """The arrays under the names of a FLAME download."""
    return {
        "v_template": arrays.v_template.astype(np.float64),
        "f": arrays.faces.astype(np.uint32),
        "shapedirs": np.concatenate([arrays.shapedirs, arrays.exprdirs], axis=2),
        "posedirs": arrays.posedirs.astype(np.float64),
        "weights": arrays.weights.astype(np.float64),
        "J_regressor": arrays.J_regressor.astype(np.float64),
        "kintree_table": np.array([[2**32 - 1, 0, 1, 1, 1], [0, 1, 2, 3, 4]], np.int64),
    }
