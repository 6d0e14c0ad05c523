"""From a GNM head to one that our motion can drive: five joints instead of four, and the jaw as expression.

GNM has no jaw joint: its jaw moves in the modes of the lower face. Ours is turned all the same. What its turning moves
is written as pose correctives that lie in the space of GNM's own expressions, so that teeth and tongue follow as GNM
knows them, and every motion can be told in GNM's parameters alone (`jaw_as_expression`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.rotation import rotation_matrices
from .geometry import edge_lengths
from .gnm import LEFT_CORNER, LOWER_LIP, RIGHT_CORNER, UPPER_LIP, GnmArrays, GnmModel
from .head import JAW, ExpressionTable, HeadModel
from .motion import Motion
from .registration import Registration, register, similarity
from .retarget import PRIOR, importance, with_expressions

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
I32 = NDArray[np.int32]

CORRECTIVES = slice(9 * (JAW - 1), 9 * JAW)  # of the jaw, in a head's posedirs
ONTO = (0, 1, 3, 4)  # GNM's neck, head, left_eye, right_eye as our root, neck, left_eye, right_eye
PARTS = {  # our names
    "left_eye": "left_eye",
    "right_eye": "right_eye",
    "upper_teeth_and_gums": "teeth_upper",
    "lower_teeth_and_gums": "teeth_lower",
    "tongue": "tongue",
    "mouth_sock": "mouth_bag",
    "upper_lip": "upper_lip",
    "lower_lip": "lower_lip",
    "skin": "skin",
}
LIP_PAIRS = 9
NEAR = 60  # vertices whose mean a joint is
OPEN = 0.35  # radians, a wide open mouth
TEETH = 0.05  # weight of each row of teeth in the fit of the jaw, relative to the face


def gnm_head(model: GnmModel, source: HeadModel) -> tuple[HeadModel, Registration, float]:
    """The head of a GNM model, with a jaw, and with the expressions and regions of `source` carried over.

    The number is how far GNM's expressions miss a jaw that is turned by `OPEN`, metres (root mean square over the face
    and the teeth). Raises InputError where the neutral face is unlike the source's.
    """
    bare = bare_gnm_head(model)
    registration = register(source, bare)
    jawed, missed = _with_jaw(bare, source, registration)
    return with_expressions(jawed, source, registration), registration, missed


def bare_gnm_head(model: GnmModel) -> HeadModel:
    """The head of a GNM model, posed as there, whose jaw moves nothing, without named expressions."""
    arrays = model.arrays
    nothing = ExpressionTable.empty(arrays.exprdirs.shape[2])
    weights, regressor = np.zeros((len(arrays.weights), 5), np.float32), np.zeros((5, len(arrays.weights)), np.float32)
    joints, posedirs = np.zeros((5, 3), np.float32), np.zeros((len(arrays.weights), 3, 36), np.float32)
    for theirs, ours in enumerate(ONTO):
        weights[:, ours], regressor[ours] = arrays.weights[:, theirs], arrays.J_regressor[theirs]
        joints[ours] = arrays.joints[theirs]
        if ours:
            posedirs[:, :, 9 * (ours - 1) : 9 * ours] = arrays.posedirs[:, :, 9 * theirs : 9 * (theirs + 1)]
    return HeadModel(
        version=model.version,
        v_template=arrays.v_template,
        faces=arrays.faces,
        shapedirs=arrays.shapedirs,
        exprdirs=arrays.exprdirs,
        posedirs=posedirs,
        weights=weights,
        joints=joints,
        J_regressor=regressor,
        arkit=nothing,
        emotions=nothing,
        visemes=nothing,
        regions={ours: model.groups[theirs] for theirs, ours in PARTS.items()},
        lip_pairs=_lip_pairs(arrays),
        mouth_corners=np.array([LEFT_CORNER, RIGHT_CORNER], np.int32),
    )


def jaw_as_expression(head: HeadModel, motion: Motion) -> Motion:
    """The motion with a jaw at rest, where the head's jaw is part of its expressions; else as it is."""
    if head.weights[:, JAW].any():
        return motion
    basis = head.exprdirs.reshape(-1, head.expressions).astype(np.float64)
    wanted = head.posedirs[:, :, CORRECTIVES].reshape(-1, 9).astype(np.float64)
    per_entry = np.linalg.lstsq(basis.T @ basis, basis.T @ wanted, rcond=1e-12)[0]  # [E, 9]
    turned = (rotation_matrices(motion.jaw) - np.eye(3, dtype=np.float32)).reshape(len(motion), 9)
    expr = (motion.expr + turned @ per_entry.T).astype(np.float32)
    return replace(motion, expr=expr, jaw=np.zeros_like(motion.jaw))


def _with_jaw(bare: HeadModel, source: HeadModel, registration: Registration) -> tuple[HeadModel, float]:
    """The head with the source's jaw joint and, within its expressions, what the jaw moves there; what is missed."""
    carrier, count = registration.forward, len(bare.v_template)
    joints, regressor = bare.joints.copy(), bare.J_regressor.copy()
    joints[JAW] = _jaw_joint(bare, source, registration)
    near, weights = _mean_of(bare.v_template, joints[JAW])
    regressor[JAW, near] = weights

    follows = (source.weights[carrier.index, JAW] * carrier.weight).sum(axis=1)
    weight = importance(bare) * carrier.trust
    weight /= weight.sum()
    for part, share in (("teeth_upper", 0.0), ("teeth_lower", 1.0)):
        rows = bare.regions[part]
        follows[rows], weight[rows] = share, TEETH / len(rows)
    around = bare.v_template - joints[JAW]
    # entry (a, b) of R - I moves a vertex along a by its place along b
    field = np.zeros((3, 3, count, 3))
    for a in range(3):
        field[a, :, :, a] = (follows[:, None] * around).T
    corrective = np.moveaxis(source.posedirs[:, :, CORRECTIVES], 2, 0).astype(np.float64)
    field = field.reshape(9, count, 3) + carrier(corrective)
    used = np.flatnonzero(weight > 0)
    root = np.repeat(np.sqrt(weight[used]), 3)
    basis = bare.exprdirs[used].reshape(-1, bare.expressions).astype(np.float64) * root[:, None]
    ridge = PRIOR**2 * np.eye(bare.expressions)
    wanted = (field[:, used].reshape(9, -1) * root).T
    shown = np.linalg.solve(basis.T @ basis + ridge, basis.T @ wanted)  # [E, 9]
    turned = rotation_matrices(np.array([[OPEN, 0, 0]], np.float32)).astype(np.float64) - np.eye(3)
    missed = np.linalg.norm((wanted - basis @ shown) @ turned.reshape(9)) / np.sqrt(weight.sum())
    posedirs = bare.posedirs.copy()
    posedirs[:, :, CORRECTIVES] = bare.exprdirs @ shown.astype(np.float32)
    return replace(bare, posedirs=posedirs, joints=joints, J_regressor=regressor), float(missed)


def _jaw_joint(bare: HeadModel, source: HeadModel, registration: Registration) -> F64:
    """Where the source's jaw joint comes to lie, [3]: as what it turns lies to its counterparts."""
    back = registration.backward
    rows = np.flatnonzero((back.trust > 0) & (source.weights[:, JAW] > 0.5))
    there = np.einsum("vka,vk->va", bare.v_template[back.index[rows]], back.weight[rows])
    scale, R, shift = similarity(source.v_template[rows].astype(np.float64), there.astype(np.float64))
    return scale * R @ source.joints[JAW] + shift


def _mean_of(template: F32, joint: NDArray[np.floating]) -> tuple[NDArray[np.integer], F64]:
    """Vertices near a joint, and weights that sum to 1 with which they give it."""
    from scipy.spatial import KDTree

    near = np.asarray(KDTree(template).query(joint, NEAR)[1])
    points = np.column_stack([template[near], np.ones(NEAR)]).T.astype(np.float64)
    return near, np.linalg.pinv(points) @ np.r_[joint, 1]


def _lip_pairs(arrays: GnmArrays) -> I32:
    """Inner-lip vertices that face each other, from the person's right to the left."""
    x = arrays.v_template[:, 0]
    places = np.linspace(x[RIGHT_CORNER], x[LEFT_CORNER], LIP_PAIRS + 2)[1:-1]
    lines = [_line(arrays, (RIGHT_CORNER, *marks, LEFT_CORNER)) for marks in (UPPER_LIP, LOWER_LIP)]
    pairs = np.stack([line[np.abs(x[line][:, None] - places).argmin(axis=0)] for line in lines], axis=1)
    pairs = np.unique(pairs, axis=0)
    return pairs[np.argsort(x[pairs[:, 0]], kind="stable")].astype(np.int32)


def _line(arrays: GnmArrays, marks: tuple[int, ...]) -> NDArray[np.integer]:
    """Vertices on the shortest way along edges through `marks`, without the first and the last.

    Raises InputError where no edges lead there.
    """
    from scipy.sparse.csgraph import dijkstra

    graph = edge_lengths(arrays.v_template, arrays.faces)
    before = dijkstra(graph, directed=False, indices=list(marks[:-1]), return_predecessors=True)[1]
    line = [marks[-1]]
    for mark, row in zip(marks[-2::-1], before[::-1], strict=True):
        while line[-1] != mark:
            if row[line[-1]] < 0:
                raise InputError(
                    f"the GNM head: triangles: expected lips of one piece, found {mark} apart from {line[-1]}"
                )
            line.append(int(row[line[-1]]))
    return np.array(line[::-1])[1:-1]
