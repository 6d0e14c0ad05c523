"""A person's mesh as other programs move it: named face shapes, their weights over time, and looks of the vertices.

Shapes act before the joints turn, as FLAME's blendshapes do, so a motion plays as FLAME defines it. What the 52 ARKit
shapes cannot say of a motion, and the pose correctives, go into a few unnamed shapes fitted to that motion.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52, EYE_RANGE, ArkitSolver
from ...avatars.avatar import SH0, Avatar
from ...avatars.head import ExpressionTable, HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser, local_rotations
from ...core.rotation import rotation_matrices
from .gltf import linear_colors
from .still import FPS

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

LEAST = 2e-5  # metres: a shape leaves vertices alone that it moves by less
REST_SHAPES = 16  # at most so many shapes beside the named ones
REST_ERROR = 1e-5  # metres, root mean square over the vertices: with less left, no further shape is added
# Oculus' names, as avatars of games have them, of visemes that we call otherwise
VISEMES = {"ih": "I", "oh": "O", "ou": "U"}
EYES = {"Left": 0, "Right": 3}  # columns of `Motion.eyes`
LOOKS = {"Down": (0, 1), "Up": (0, -1), "Out": (1, 1), "In": (1, -1)}  # axis, sign for the left eye


@dataclass(frozen=True, eq=False)
class Shapes:
    """Morph targets with their values over time."""

    names: list[str]  # K
    moves: list[F32]  # K of [V, 3], metres at weight 1
    weights: F32  # [T, K], each in 0..1


def named_shapes(head: HeadModel) -> Shapes:
    """ARKit's 52 in their order as far as the head has them, then the visemes; jaw and gaze as straight moves."""
    rows = [(name, head.arkit, head.arkit.names.index(name)) for name in ARKIT_52 if name in head.arkit.names]
    labels = dict.fromkeys(head.visemes.names)
    rows += [(f"viseme_{VISEMES.get(n, n)}", head.visemes, head.visemes.names.index(n)) for n in labels]
    poses = Motion.concatenate([_pose(head, name, table, row) for name, table, row in rows])
    poser = Poser(head)
    rest = poser.vertices(Motion.rest(1, head.expressions, FPS))
    return Shapes([name for name, _, _ in rows], list(poser.vertices(poses) - rest), np.zeros((0, len(rows)), "f4"))


def _pose(head: HeadModel, name: str, table: ExpressionTable, row: int) -> Motion:
    """One frame of a row; a shape by which ARKit says where an eye looks turns that eye."""
    still = Motion.rest(1, head.expressions, FPS)
    still.jaw[0, 0] = table.jaw[row]
    for side, first in EYES.items():
        for look, (axis, sign) in LOOKS.items():
            if name == f"eyeLook{look}{side}":
                mirrored = -1 if axis == 1 and side == "Right" else 1
                still.eyes[0, first + axis] = sign * mirrored * EYE_RANGE
    return replace(still, expr=table.expr[row : row + 1])


def acted_shapes(head: HeadModel, named: Shapes, motion: Motion) -> Shapes:
    """The named shapes and further ones, with the weights by which they show `motion` when the joints do too.

    Jaw and gaze are the joints' own business, so the shapes for them and the visemes stay at 0.
    """
    solved = ArkitSolver(head).weights(motion)
    weights = np.zeros((len(motion), len(named.names)), np.float32)
    said = np.zeros((len(motion), head.expressions))
    for column, name in enumerate(named.names):
        if name in ARKIT_52 and name != "jawOpen" and not name.startswith("eyeLook"):
            weights[:, column] = solved[:, ARKIT_52.index(name)]
            said += weights[:, column : column + 1] * head.arkit.expr[head.arkit.names.index(name)]
    moves, rest = _rest_shapes(head, motion, said)
    names = [*named.names, *(f"rest_{k:02d}" for k in range(len(moves) - 1)), *(["rest_base"] if moves else [])]
    return Shapes(names, [*named.moves, *moves], np.concatenate([weights, rest], axis=1))


def _rest_shapes(head: HeadModel, motion: Motion, said: F64) -> tuple[list[F32], F32]:
    """The leading principal shapes and their weights [T, K] of what `said` [T, E] leaves of the face and correctives.

    Principal components in the metric of the vertices: all is done with coefficients, whatever the motion's length.
    Engines cut weights off at 0 and 1, so each spans just that, and a last shape that is always 1 holds their origin.
    """
    turns = rotation_matrices(local_rotations(motion))[:, 1:] - np.eye(3)
    left = np.concatenate([motion.expr - said, turns.reshape(len(motion), -1)], axis=1)
    basis = np.concatenate([head.exprdirs, head.posedirs], axis=2).astype(np.float64)
    flat = basis.reshape(-1, basis.shape[2])
    root = _square_root(flat.T @ flat / len(basis))  # root mean square of the vertices' moves, metres
    _, sizes, directions = np.linalg.svd(left @ root, full_matrices=False)
    error = np.sqrt(np.append(np.cumsum(sizes[::-1] ** 2)[::-1], 0) / len(motion))  # with the first k shapes
    count = min(REST_SHAPES, int(np.argmax(error <= REST_ERROR)))
    scores = left @ root @ directions[:count].T
    if not count:
        return [], np.zeros((len(motion), 0), np.float32)
    low = scores.min(axis=0)
    size = np.maximum(scores.max(axis=0) - low, 1e-12)
    directed = flat @ np.linalg.pinv(root) @ directions[:count].T
    shapes = np.concatenate([directed * size, directed @ low[:, None]], axis=1).reshape(len(basis), 3, count + 1)
    weights = np.concatenate([(scores - low) / size, np.ones((len(motion), 1))], axis=1)
    return list(np.moveaxis(shapes, 2, 0).astype(np.float32)), weights.astype(np.float32)


def _square_root(matrix: F64) -> F64:
    values, vectors = np.linalg.eigh(matrix)
    return vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T


def vertex_colors(avatar: Avatar) -> F64:
    """Linear RGB [V, 3] in 0..1: the mean of the Gaussians on the triangles around, by opacity and area."""
    g, faces, count = avatar.gaussians, avatar.head.faces, len(avatar.head.v_template)
    srgb = np.clip(0.5 + SH0 * g.sh[:, 0].astype(np.float64), 0, 1)
    sides = np.sort(g.scales.astype(np.float64), axis=1)
    weight = g.opacities * sides[:, 1] * sides[:, 2]
    columns = np.concatenate([srgb * weight[:, None], weight[:, None]], axis=1)
    total = np.stack([np.bincount(avatar.binding, column, len(faces)) for column in columns.T], axis=1)
    vertex = np.stack([np.bincount(faces.reshape(-1), np.repeat(c, 3), count) for c in total.T], axis=1)
    overall = columns.sum(axis=0)
    bare = vertex[:, 3] <= 0
    vertex[bare] = overall
    mean = vertex[:, :3] / np.maximum(vertex[:, 3:], 1e-12)
    return linear_colors(mean)


def vertex_normals(head: HeadModel) -> F32:
    """Area-weighted unit normals [V, 3] of the neutral face."""
    a, b, c = head.v_template[head.faces.T].astype(np.float64)
    total = np.zeros(head.v_template.shape)
    np.add.at(total, head.faces, np.cross(b - a, c - a)[:, None])
    length = np.linalg.norm(total, axis=1, keepdims=True)
    return np.where(length > 1e-12, total / np.maximum(length, 1e-12), [0, 0, 1]).astype(np.float32)


def skin_weights(head: HeadModel) -> tuple[NDArray[np.int64], F32]:
    """The joints that each vertex follows [V, 4], and how much [V, 4], in all 1; unused ones are joint 0 with 0."""
    order = np.argsort(-head.weights, axis=1, kind="stable")[:, :4]
    share = np.take_along_axis(head.weights, order, axis=1)
    share = (share / share.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.where(share > 0, order, 0), share
