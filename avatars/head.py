"""A head in FLAME's layout: linear blendshapes, pose correctives and linear blend skinning of five joints."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from dataclasses import fields as fields_of
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..core.npz import NpzFields, save_npz

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]

FORMAT = "emosplat-head-1"
JOINTS = ("root", "neck", "jaw", "left_eye", "right_eye")
PARENTS = (-1, 0, 1, 1, 1)
JAW = JOINTS.index("jaw")
ARRAYS = ("v_template", "faces", "shapedirs", "exprdirs", "posedirs", "weights", "joints", "lip_pairs", "mouth_corners")


@dataclass(frozen=True, eq=False)
class ExpressionTable:
    """Named poses of the face: expression coefficients and a jaw angle per row. Labels may repeat (variants)."""

    names: tuple[str, ...]  # M labels
    expr: F32  # [M, E]
    jaw: F32  # [M] opening angle, radians

    @classmethod
    def empty(cls, expressions: int) -> ExpressionTable:
        """No poses, for a head with this many expression coefficients."""
        return cls((), np.zeros((0, expressions), np.float32), np.zeros(0, np.float32))

    def rows(self, name: str) -> list[int]:
        """Indices of all rows labelled `name`."""
        return [i for i, n in enumerate(self.names) if n == name]


@dataclass(frozen=True, eq=False)
class HeadModel:
    """Arrays of a FLAME-layout head, whatever its origin; FLAME space: metres, Y up, the face looks to +Z.

    V vertices, F triangles, I identity modes, E expression modes, five joints (`JOINTS`).
    """

    version: str  # stored with every Motion, avatar and weight file that belongs to this head
    v_template: F32  # [V, 3] neutral face
    faces: I32  # [F, 3]
    shapedirs: F32  # [V, 3, I] identity
    exprdirs: F32  # [V, 3, E] expression, unit variance per mode
    posedirs: F32  # [V, 3, 36] correctives for (R_j - I) of joints 1..4, row-major
    weights: F32  # [V, 5] skinning
    joints: F32  # [5, 3] joint positions of v_template
    J_regressor: F32  # [5, V]
    arkit: ExpressionTable  # one row per ARKit (or further) shape at weight 1
    emotions: ExpressionTable  # rows labelled with the canonical emotions; several variants each
    visemes: ExpressionTable
    regions: dict[str, I32]  # named vertex sets: lips, left_lid, teeth_upper, ...
    lip_pairs: I32  # [P, 2] upper and lower inner-lip vertices that face each other, from corner to corner
    mouth_corners: I32  # [2] left, right vertex
    joint_exprdirs: F32 | None = None  # [5, 3, E] joints follow the expression, as FLAME's do; None: they stay

    @property
    def expressions(self) -> int:
        """Number E of expression coefficients."""
        return self.exprdirs.shape[2]

    @cached_property
    def metric(self) -> NDArray[np.float64]:
        """Quadratic form [E, E]: `expr @ metric @ expr` is the squared motion of all vertices, square metres."""
        modes = self.exprdirs.reshape(-1, self.expressions).astype(np.float64)
        return modes.T @ modes


def fingerprint(model: DataclassInstance) -> str:
    """Eight digits of the arrays that a model's fields are, so that two models are never taken for one another."""
    digest = hashlib.sha256()
    for field in fields_of(model):
        digest.update(np.ascontiguousarray(getattr(model, field.name)).tobytes())
    return digest.hexdigest()[:8]


def load_head(path: Path) -> HeadModel:
    """Read a head npz (docs/formats.md); raises InputError naming the file and field."""
    fields = NpzFields(path)
    if (found := fields.text("format")) != FORMAT:
        raise fields.error("format", repr(FORMAT), repr(found))
    v_template = fields.floats("v_template", ("V", 3))
    vertices = len(v_template)
    return HeadModel(
        version=fields.text("version"),
        v_template=v_template,
        faces=fields.indices("faces", ("F", 3), vertices),
        shapedirs=fields.floats("shapedirs", ("V", 3, "I")),
        exprdirs=fields.floats("exprdirs", ("V", 3, "E")),
        posedirs=fields.floats("posedirs", ("V", 3, 36)),
        weights=_skinning(fields),
        joints=fields.floats("joints", (5, 3)),
        J_regressor=_joint_regressor(fields, vertices),
        arkit=_table(fields, "arkit"),
        emotions=_table(fields, "emotion"),
        visemes=_table(fields, "viseme"),
        regions={n.removeprefix("region_"): fields.indices(n, (n,), vertices) for n in fields.names("region_")},
        lip_pairs=fields.indices("lip_pairs", ("P", 2), vertices),
        mouth_corners=fields.indices("mouth_corners", (2,), vertices),
        joint_exprdirs=fields.floats("joint_exprdirs", (5, 3, "E")) if "joint_exprdirs" in fields else None,
    )


def save_head(path: Path, head: HeadModel, *, extra: dict[str, NDArray[Any]] | None = None) -> None:
    """Write a head npz with `extra` arrays beside its own; it appears whole or not at all."""
    index = np.argwhere(head.J_regressor)
    arrays: dict[str, NDArray[Any]] = {
        "format": np.array(FORMAT),
        "version": np.array(head.version),
        "J_regressor_index": index.astype(np.int32),
        "J_regressor_value": head.J_regressor[tuple(index.T)],
        **{n: getattr(head, n) for n in ARRAYS},
        **{f"region_{name}": vertices for name, vertices in head.regions.items()},
        **(extra or {}),
    }
    for name, table in (("arkit", head.arkit), ("emotion", head.emotions), ("viseme", head.visemes)):
        arrays |= {
            f"{name}_names": np.array(table.names, dtype=str),
            f"{name}_expr": table.expr,
            f"{name}_jaw": table.jaw,
        }
    if head.joint_exprdirs is not None:
        arrays["joint_exprdirs"] = head.joint_exprdirs
    save_npz(path, arrays)


def _table(fields: NpzFields, name: str) -> ExpressionTable:
    rows = f"{name}s"
    return ExpressionTable(
        names=fields.texts(f"{name}_names", rows),
        expr=fields.floats(f"{name}_expr", (rows, "E")),
        jaw=fields.floats(f"{name}_jaw", (rows,)),
    )


def _skinning(fields: NpzFields) -> F32:
    """Skinning weights [V, 5]; 16-bit storage leaves their sums a little off 1."""
    weights = fields.floats("weights", ("V", len(JOINTS)))
    total = weights.sum(axis=1, keepdims=True)
    if weights.min(initial=0) < 0 or np.abs(total - 1).max(initial=0) > 0.01:
        raise fields.error("weights", "rows of 0..1 that sum to 1", f"sums {total.min():.3g}..{total.max():.3g}")
    return weights / total


def _joint_regressor(fields: NpzFields, vertices: int) -> F32:
    index = fields.indices("J_regressor_index", ("nonzero", 2), vertices)
    value = fields.floats("J_regressor_value", ("nonzero",))
    if len(index) and index[:, 0].max() >= len(JOINTS):
        raise fields.error("J_regressor_index", "joints 0..4 in the first column", str(index[:, 0].max()))
    dense = np.zeros((len(JOINTS), vertices), np.float32)
    dense[index[:, 0], index[:, 1]] = value
    return dense
