"""From a FLAME download to a head that our motion can drive."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .flame import (
    LOWER_LIP,
    LOWER_RING,
    UPPER_LIP,
    UPPER_RING,
    VERTICES,
    FlameArrays,
    lower_teeth,
    upper_teeth,
    with_teeth,
)
from .flame_import import FlameModel
from .head import ExpressionTable, HeadModel
from .registration import Registration, register
from .retarget import with_expressions

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

EYE_SIZE = 0.025  # metres from an eye joint to the middle of its eyeball, at most
LARGEST_EYE = VERTICES // 5  # vertices


def flame_head(model: FlameModel, source: HeadModel) -> tuple[HeadModel, Registration]:
    """The head of a FLAME model with teeth, and with the expressions and regions of `source` carried over.

    Raises InputError where the neutral face is unlike the source's.
    """
    bare = bare_flame_head(model.arrays, model.version)
    registration = register(source, bare)
    return with_expressions(bare, source, registration), registration


def bare_flame_head(arrays: FlameArrays, version: str) -> HeadModel:
    """The head of a FLAME model with teeth, without named expressions."""
    flame = with_teeth(arrays)
    nothing = ExpressionTable.empty(flame.exprdirs.shape[2])
    joints = flame.J_regressor @ flame.v_template
    return HeadModel(
        version=version,
        v_template=flame.v_template,
        faces=flame.faces,
        shapedirs=flame.shapedirs,
        exprdirs=flame.exprdirs,
        posedirs=flame.posedirs,
        weights=flame.weights,
        joints=joints,
        J_regressor=flame.J_regressor,
        arkit=nothing,
        emotions=nothing,
        visemes=nothing,
        regions=_parts(arrays, joints),
        lip_pairs=_lip_pairs(arrays.v_template),
        mouth_corners=_mouth_corners(arrays.v_template),
        joint_exprdirs=np.einsum("jv,vce->jce", flame.J_regressor, flame.exprdirs, optimize=True),
    )


def _parts(arrays: FlameArrays, joints: F32) -> dict[str, I32]:
    """Eyeballs and teeth: an eyeball is the small connected piece around an eye joint."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    i, j = arrays.faces[:, [[0, 1], [1, 2]]].reshape(-1, 2).T
    piece = connected_components(coo_array((np.ones(len(i)), (i, j)), (VERTICES, VERTICES)), directed=False)[1]
    count = np.bincount(piece)
    middle = np.stack([np.bincount(piece, axis) / count for axis in arrays.v_template.T], axis=1)
    parts = {"teeth_upper": upper_teeth(), "teeth_lower": lower_teeth()}
    for name, joint in (("left_eye", joints[3]), ("right_eye", joints[4])):
        distance = np.where((count > 20) & (count < LARGEST_EYE), np.linalg.norm(middle - joint, axis=1), np.inf)
        if distance.min() < EYE_SIZE:
            parts[name] = np.flatnonzero(piece == distance.argmin()).astype(np.int32)
    return parts


def _lip_pairs(template: F32) -> I32:
    """Inner-lip vertices that face each other, from the person's right to the left."""
    pairs = np.stack([UPPER_LIP, LOWER_LIP], axis=1).astype(np.int32)
    return pairs[np.argsort(template[pairs[:, 0], 0])]


def _mouth_corners(template: F32) -> I32:
    """Left and right corner: the vertices nearest to where the columns of the lips' outer edges would go on."""
    columns = template[np.stack([UPPER_RING, LOWER_RING])].mean(axis=0)
    ends = np.stack([columns[0] + (columns[0] - columns[1]) / 2, columns[-1] + (columns[-1] - columns[-2]) / 2])
    corners = np.linalg.norm(template[:, None] - ends, axis=2).argmin(axis=0)
    return corners[np.argsort(-template[corners, 0])].astype(np.int32)
