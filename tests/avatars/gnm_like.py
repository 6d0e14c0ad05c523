"""A head in GNM's layout that is not GNM: the built-in head, its edges halved until it has GNM's number of vertices.

Names, shapes and orders are those that google/GNM documents; what a mode or a group holds is made up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from emosplat.avatars import gnm
from emosplat.avatars.head import JAW, HeadModel
from emosplat.avatars.library import builtin_head

F64 = NDArray[np.float64]
Index = NDArray[np.int64]

MODES = {"left_eye_region": 100, "right_eye_region": 100, "lower_face_region": 150, "tongue": 32, "pupils": 1}
IDENTITY = {"head": 170, "eyes": 3, "teeth": 80}
SCALE, SHIFT = 1.03, np.array([0.0, 0.3, -0.01])  # GNM's origin lies below the neck
OURS = {
    "upper_teeth_and_gums": "teeth_upper",
    "lower_teeth_and_gums": "teeth_lower",
    "mouth_sock": "mouth_bag",
}


@dataclass(frozen=True, eq=False)
class GnmLike:
    """The fields of a GNM-like file and the truth about them."""

    fields: dict[str, Any]
    origin: csr_array  # [17821, V] each vertex as a mixture of the built-in head's


@lru_cache
def gnm_like() -> GnmLike:
    """The stand-in; the same each time."""
    head, rng = builtin_head(), np.random.default_rng(0)
    origin, faces = _finer(head)
    origin, faces = _renumbered(head, origin, faces)
    person = (head.v_template + head.shapedirs @ rng.normal(0, 0.7, head.shapedirs.shape[2])).astype(np.float64)
    template = SCALE * (origin @ person) + SHIFT
    joints = SCALE * (head.J_regressor @ person)[[0, 1, 3, 4]] + SHIFT
    whole = np.asarray(origin @ head.weights.astype(np.float64))
    weights = np.stack([whole[:, 0], whole[:, 1] + whole[:, 2], whole[:, 3], whole[:, 4]])
    groups = {name: np.asarray(origin @ _mask(head, OURS.get(name, name))) for name in gnm.GROUPS}
    expression, names = _expressions(head, origin, rng)
    identity = np.zeros((sum(IDENTITY.values()), gnm.VERTICES, 3))
    known = np.moveaxis(_carried(origin, head.shapedirs), 2, 0)
    identity[: len(known)] = SCALE * known[: len(identity)]
    regressor = np.zeros((4, gnm.VERTICES))
    regressor[np.arange(4), np.linalg.norm(template - joints[:, None], axis=2).argmin(axis=1)] = 1
    fields: dict[str, Any] = {
        "version": np.array("3.0"),
        "variant": np.array("head"),
        "template_vertex_positions": template,
        "template_joint_positions": joints,
        "vertex_identity_basis": identity,
        "joint_identity_basis": np.zeros((len(identity), 4, 3)),
        "expression_basis": expression,
        "identity_names": np.array([f"{part}_{i:03d}" for part, count in IDENTITY.items() for i in range(count)]),
        "expression_names": np.array(names),
        "joint_names": np.array(gnm.JOINTS),
        "joint_parent_indices": np.array([-1, 0, 1, 1]),
        "skinning_weights": weights / weights.sum(axis=0),
        "triangles": faces,
        "joint_regressor": regressor,
        "pose_correctives_regressor": np.zeros((36, 3 * gnm.VERTICES)),
        "vertex_group_names": np.array([*groups]),
        "vertex_groups": np.stack([*groups.values()]),
    }
    floats = {n: a.astype(np.float32) for n, a in fields.items() if a.dtype.kind == "f"}
    return GnmLike(fields | floats, origin)


def _mask(head: HeadModel, region: str) -> F64:
    mask = np.zeros(len(head.v_template))
    mask[head.regions[region]] = 1
    return mask


def _carried(origin: csr_array, field: NDArray[np.floating]) -> F64:
    return (origin @ field.reshape(len(field), -1).astype(np.float64)).reshape(-1, *field.shape[1:])


def _finer(head: HeadModel) -> tuple[csr_array, Index]:
    """Mixtures [17821, V] of the head's vertices and triangles: the longest edges are halved, again and again."""
    count = len(head.v_template)
    rows = csr_array(np.eye(count))
    faces = head.faces.astype(np.int64)
    while (missing := gnm.VERTICES - len(rows.indptr) + 1) > 0:
        edges = np.sort(faces[:, [[0, 1], [1, 2], [2, 0]]], axis=2)  # [F, 3, 2]
        unique, of = np.unique(edges.reshape(-1, 2), axis=0, return_inverse=True)
        of = of.reshape(-1, 3)
        places = rows @ head.v_template.astype(np.float64)
        length = np.linalg.norm(places[unique[:, 0]] - places[unique[:, 1]], axis=1)
        longest = length[of].argmax(axis=1)
        chosen = np.zeros(len(unique), bool)
        votes = np.bincount(of[np.arange(len(of)), longest], minlength=len(unique))
        sides = np.bincount(of.ravel(), minlength=len(unique))
        free = np.flatnonzero(votes == sides)  # the longest of all their triangles: no triangle is cut twice
        chosen[free[np.argsort(-length[free], kind="stable")[:missing]]] = True
        middle = np.full(len(unique), -1)
        middle[chosen] = gnm.VERTICES - missing + np.arange(chosen.sum())
        halves = (rows[unique[chosen, 0]] + rows[unique[chosen, 1]]) / 2
        rows = csr_array(_stacked(rows, csr_array(halves)))
        cut = chosen[of]
        parts = [faces[~cut.any(axis=1)]]
        for side in range(3):
            now = faces[cut[:, side]]
            a, b, c = (now[:, (side + k) % 3] for k in range(3))
            m = middle[of[cut[:, side], side]]
            parts += [np.stack([a, m, c], axis=1), np.stack([m, b, c], axis=1)]
        faces = np.concatenate(parts)
    return rows, faces


def _stacked(first: csr_array, second: csr_array) -> Any:
    from scipy.sparse import vstack

    return vstack([first, second])


def _renumbered(head: HeadModel, origin: csr_array, faces: Index) -> tuple[csr_array, Index]:
    """The same with the lips' vertices under GNM's numbers."""
    line = head.lip_pairs[np.argsort(head.v_template[head.lip_pairs[:, 0], 0])]
    steps = (1, len(line) // 2, len(line) - 2)
    left, right = head.mouth_corners
    wanted = {gnm.RIGHT_CORNER: right, gnm.LEFT_CORNER: left}
    wanted |= dict(zip(gnm.UPPER_LIP, line[list(steps), 0], strict=True))
    wanted |= dict(zip(gnm.LOWER_LIP, line[list(steps), 1], strict=True))
    number = np.arange(gnm.VERTICES)  # new number of each old vertex
    holder = np.arange(gnm.VERTICES)
    for new, old in wanted.items():
        other = holder[new]
        number[old], number[other] = new, number[old]
        holder[number[other]], holder[new] = other, old
    inverse = np.argsort(number)
    return csr_array(origin[inverse]), number[faces]


def _expressions(head: HeadModel, origin: csr_array, rng: np.random.Generator) -> tuple[F64, list[str]]:
    """[383, V, 3] in blocks of the face's regions, the jaw's turning among the lower face's, each block mixed."""
    place = head.v_template.astype(np.float64)
    upper = _step((place[:, 1] - place[head.lip_pairs, 1].mean() - 0.012) / 0.02)[:, None, None]
    left = _step(place[:, 0] / 0.02 + 0.5)[:, None, None]
    around = place - head.joints[JAW]
    follows = head.weights[:, JAW].astype(np.float64)
    turns = np.zeros((len(place), 3, 9))
    for a in range(3):
        for b in range(3):
            turns[:, a, 3 * a + b] = follows * around[:, b]
    turns += head.posedirs[:, :, 9 * (JAW - 1) : 9 * JAW]
    tongue = _mask(head, "tongue")[:, None, None]
    blocks = {
        "left_eye_region": upper * left * head.exprdirs,
        "right_eye_region": upper * (1 - left) * head.exprdirs,
        "lower_face_region": np.concatenate([(1 - upper) * head.exprdirs, 0.3 * turns], axis=2),
        "tongue": tongue * rng.normal(0, 1e-3, (1, 3, 32)),
        "pupils": np.zeros((len(place), 3, 1)),
    }
    out, names = [], []
    for region, count in MODES.items():
        block = _carried(origin, blocks[region])
        mix = np.linalg.qr(rng.normal(size=(count, count)))[0][: block.shape[2]]
        out.append(SCALE * np.moveaxis(block @ mix, 2, 0))
        names += [f"{region}_{i:03d}" for i in range(count)]
    names[sum(MODES.values()) - 33] = "tongue_mean"
    return np.concatenate(out), names


def _step(at: F64) -> F64:
    at = np.clip(at, 0, 1)
    return at * at * (3 - 2 * at)
