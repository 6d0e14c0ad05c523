"""Google's GNM Head 3 (Apache-2.0): its npz, read and checked.

Names, shapes and conventions are those of github.com/google/GNM (`gnm/shape`): metres, Y up, the face looks to +Z,
axis-angle rotations, and the order bases, pose correctives, linear blend skinning.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.npz import NpzFields
from .head import fingerprint

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

LICENCE = "Apache-2.0, Google LLC (GNM Head); may be passed on with the licence and its notices"
OWN = ("template_vertex_positions", "expression_basis", "skinning_weights")  # names that tell a GNM from a FLAME
VERTICES = 17821
JOINTS = ("neck", "head", "left_eye", "right_eye")
PARENTS = (0, 0, 1, 1)  # the root is its own parent, or -1
SIZE = 0.2, 0.8  # metres: the tallest extent of a head with neck
LARGEST_MODE = 0.5  # metres that a mode at 1 may move a vertex
INSIDE = 0.5  # weight from which on a vertex belongs to a group

# Vertices of `head_sparse_68.txt` on the inner edge of the lips, from the person's right to the left corner
RIGHT_CORNER, LEFT_CORNER = 11285, 5157
UPPER_LIP = (10805, 12285, 4677)
LOWER_LIP = (10817, 12271, 4689)

GROUPS = (
    "skin",
    "left_eye",
    "right_eye",
    "upper_teeth_and_gums",
    "lower_teeth_and_gums",
    "tongue",
    "mouth_sock",
    "upper_lip",
    "lower_lip",
)


@dataclass(frozen=True, eq=False)
class GnmArrays:
    """The arrays of a GNM head that we need; V = 17821 vertices, four joints (`JOINTS`)."""

    v_template: F32  # [V, 3] metres
    faces: I32  # [F, 3]
    shapedirs: F32  # [V, 3, I] identity
    exprdirs: F32  # [V, 3, E] expression, unit variance per mode
    posedirs: F32  # [V, 3, 36] correctives for R - I of the four joints, row-major
    weights: F32  # [V, 4]
    joints: F32  # [4, 3] of the template
    J_regressor: F32  # [4, V]


@dataclass(frozen=True, eq=False)
class GnmModel:
    """A GNM head as downloaded."""

    arrays: GnmArrays
    groups: dict[str, I32]  # vertices of each of `GROUPS`
    version: str  # with a fingerprint of the arrays, so that two models are never taken for one another


def is_gnm(path: Path) -> bool:
    """Whether a file is an npz with the names of a GNM head in it."""
    if path.suffix.lower() != ".npz":
        return False
    found = NpzFields(path)
    return all(name in found for name in OWN)


def read_gnm(path: Path) -> GnmModel:
    """Read `gnm_head.npz`; raises InputError."""
    file = NpzFields(path)
    number, variant = file.text("version"), file.text("variant")
    if not (number.startswith("3.") and variant == "head"):
        raise InputError(f"{path}: version: expected a GNM head of version 3, found {variant!r} {number!r}")
    template = file.floats("template_vertex_positions", (VERTICES, 3))
    arrays = GnmArrays(
        v_template=template,
        faces=file.indices("triangles", ("T", 3), VERTICES),
        shapedirs=_modes(file, "vertex_identity_basis", "I"),
        exprdirs=_modes(file, "expression_basis", "E"),
        posedirs=_correctives(file),
        weights=_weights(file),
        joints=_joints(file),
        J_regressor=file.floats("joint_regressor", (len(JOINTS), VERTICES)),
    )
    height = float(np.ptp(template, axis=0).max())
    if not SIZE[0] <= height <= SIZE[1]:
        raise file.error("template_vertex_positions", f"a head of {SIZE[0]} to {SIZE[1]} m", f"{height:.3g} m")
    return GnmModel(arrays, _groups(file), f"gnm-{number}-{fingerprint(arrays)}")


def _modes(file: NpzFields, name: str, dimension: str) -> F32:
    """A basis as [V, 3, modes]."""
    basis = file.floats(name, (dimension, VERTICES, 3))
    if not len(basis):
        raise file.error(name, "at least one mode", "none")
    largest = float(np.abs(basis).max())
    if largest >= LARGEST_MODE:
        raise file.error(name, f"motion below {LARGEST_MODE} m", f"{largest:.3g} m")
    return np.ascontiguousarray(basis.transpose(1, 2, 0))


def _correctives(file: NpzFields) -> F32:
    """Pose correctives as [V, 3, 36]; those of the root cannot be kept, and are none in GNM 3.0."""
    matrix = file.floats("pose_correctives_regressor", (9 * len(JOINTS), 3 * VERTICES))
    if matrix[:9].any():
        raise file.error("pose_correctives_regressor", "none for the root joint", "some")
    return np.ascontiguousarray(matrix.reshape(-1, VERTICES, 3).transpose(1, 2, 0))


def _weights(file: NpzFields) -> F32:
    weights = file.floats("skinning_weights", (len(JOINTS), VERTICES)).T
    total = weights.sum(axis=1, keepdims=True)
    if weights.min() < -1e-6 or np.abs(total - 1).max() > 0.01:
        raise file.error("skinning_weights", "columns of 0..1 that sum to 1", f"{total.min():.3g}..{total.max():.3g}")
    return np.maximum(weights, 0) / np.maximum(weights, 0).sum(axis=1, keepdims=True)


def _joints(file: NpzFields) -> F32:
    names = file.texts("joint_names", "J")
    if names != JOINTS:
        raise file.error("joint_names", ", ".join(JOINTS), ", ".join(names) or "none")
    parents = file.get("joint_parent_indices", ("J",), "i").astype(np.int64)
    if tuple(parents[1:]) != PARENTS[1:] or parents[0] not in (-1, 0):
        raise file.error("joint_parent_indices", str(list(PARENTS)), str(parents.tolist()))
    return file.floats("template_joint_positions", ("J", 3))


def _groups(file: NpzFields) -> dict[str, I32]:
    names = file.texts("vertex_group_names", "G")
    weights = file.floats("vertex_groups", ("G", VERTICES))
    found = {name: np.flatnonzero(weights[i] > INSIDE).astype(np.int32) for i, name in enumerate(names)}
    for name in GROUPS:
        if name not in found or not len(found[name]):
            raise file.error(
                "vertex_group_names", f"a group {name} with vertices in it", ", ".join(names)[:200] or "none"
            )
    return {name: found[name] for name in GROUPS}
