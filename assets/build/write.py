"""Writes the npz files (docs/formats.md); the same arrays give the same bytes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52
from .basis import ExpressionBasis
from .geometry import quaternions
from .light import SH0
from .recipes import EMOTIONS, VISEMES, Recipe
from .rig import Rig
from .shading import ShadingTable
from .splats import Splats
from .topology import Head, Topology

F64 = NDArray[np.float64]

HEAD_VERSION = "open-1"
DC_RANGE = (-0.25, 1.5)
FINEST = 0.5e-4  # metres to which changed shapes are rounded: they compress to a third
DIFFERENCE = 1e-4  # metres; rows of a person's directions that differ less from the head's are left out


def write_head(
    path: Path,
    topology: Topology,
    template: F64,
    rig: Rig,
    *,
    basis: ExpressionBasis,
    shapedirs: F64,
    exprdirs: F64,
    J_regressor: F64,
) -> None:
    """The head file: FLAME arrays, ARKit, emotion and viseme tables, named vertex sets."""
    index = np.argwhere(J_regressor > 0)
    extra = tuple(n for n in basis.names if n not in ARKIT_52)
    arkit = {n: basis.encode({n: 1.0} if n in basis.names else {}) for n in ARKIT_52 + extra}
    emotions = [(label, recipe) for label, recipes in EMOTIONS.items() for recipe in recipes]
    arrays: dict[str, Any] = {
        "format": np.array("emosplat-head-1"),
        "version": np.array(HEAD_VERSION),
        "v_template": template.astype(np.float32),
        "faces": topology.faces.astype(np.uint16),
        "shapedirs": shapedirs.astype(np.float16),
        "exprdirs": exprdirs.astype(np.float16),
        "posedirs": rig.posedirs.astype(np.float16),
        "weights": rig.weights.astype(np.float16),
        "joints": rig.joints.astype(np.float32),
        "J_regressor_index": index.astype(np.int32),
        "J_regressor_value": J_regressor[tuple(index.T)].astype(np.float32),
        "arkit_names": np.array(list(arkit)),
        "arkit_expr": np.stack(list(arkit.values())).astype(np.float32),
        "arkit_jaw": np.array([rig.jaw_open if n == "jawOpen" else 0 for n in arkit], np.float32),
        **_table("emotion", emotions, basis),
        **_table("viseme", list(VISEMES.items()), basis),
        "lip_pairs": topology.lip_pairs.astype(np.int32),
        "mouth_corners": topology.mouth_corners.astype(np.int32),
    }
    regions = topology.regions(rig.weights[:, 2], rig.weights[:, 0])
    arrays |= {f"region_{n}": v.astype(np.int32) for n, v in regions.items()}
    np.savez_compressed(path, **arrays)


def _table(name: str, rows: list[tuple[str, Recipe]], basis: ExpressionBasis) -> dict[str, NDArray]:
    expr = np.stack([basis.encode(recipe.expand(basis.names)) for _, recipe in rows])
    return {
        f"{name}_names": np.array([label for label, _ in rows]),
        f"{name}_expr": expr.astype(np.float32),
        f"{name}_jaw": np.radians([recipe.jaw for _, recipe in rows]).astype(np.float32),
    }


def differing_rows(name: str, own: F64, shared: F64) -> dict[str, Any]:
    """Rows [n, 3, K] of a person's directions that differ from the head's, with their vertices."""
    index = np.flatnonzero(np.linalg.norm(own - shared, axis=1).max(1) > DIFFERENCE)
    if not len(index):
        return {}
    return {f"{name}_index": index.astype(np.int32), f"{name}_value": own[index].astype(np.float16)}


def changed_shapes(changes: dict[str, F64], basis: ExpressionBasis) -> dict[str, Any]:
    """A person's changes [V, 3] of named shapes: so few directions that they are kept apart from the rows of modes."""
    offsets = np.stack(list(changes.values()), -1)
    index = np.flatnonzero(np.linalg.norm(offsets, axis=1).max(1) > DIFFERENCE)
    return {
        "own_shapes_index": index.astype(np.uint16),
        "own_shapes_offset": (FINEST * np.round(offsets[index] / FINEST)).astype(np.float16),
        "own_shapes_expr": basis.mixing[[basis.names.index(name) for name in changes]].astype(np.float32),
    }


def write_avatar(
    path: Path,
    name: str,
    splats: Splats,
    sh: F64,
    *,
    head: Head,
    faces: NDArray,
    joints: F64,
    own: dict[str, Any],
    shading: ShadingTable,
    harmonics: int,
) -> None:
    """The avatar file: quantised Gaussians [N] bound to triangles, and the person's own rows.

    Of `sh` [N, 16, 3] the first `harmonics` are kept.
    """
    order = np.lexsort([splats.triangle, splats.kind])  # neighbours side by side compress better
    bound = splats.take(order).local_to(head.vertices, faces)
    sh = sh[order]
    log_scale = np.log(bound.scale)
    low, high = float(log_scale.min()), float(log_scale.max())
    rest_scale = np.float32(np.quantile(np.abs(sh[:, 1:]), 0.9995))
    dc = (sh[:, 0] * SH0 + 0.5 - DC_RANGE[0]) / (DC_RANGE[1] - DC_RANGE[0])
    np.savez_compressed(
        path,
        format=np.array("emosplat-avatar-1"),
        name=np.array(name),
        head_version=np.array(HEAD_VERSION),
        v_template=head.vertices.astype(np.float32),
        joints=joints.astype(np.float32),
        **own,
        binding=bound.triangle.astype(np.uint16),
        xyz=bound.position.astype(np.float16),
        quat=np.round(127 * quaternions(bound.rotation)).astype(np.int8),
        log_scale=np.round((log_scale - low) / (high - low) * 255).astype(np.uint8),
        scale_range=np.array([low, high], np.float32),
        opacity=np.round(bound.opacity * 255).astype(np.uint8),
        sh_dc=np.clip(np.round(dc * 255), 0, 255).astype(np.uint8),
        dc_range=np.array(DC_RANGE, np.float32),
        sh_rest=np.clip(np.round(sh[:, 1:harmonics] / rest_scale * 127), -127, 127).astype(np.int8),
        rest_scale=rest_scale,
        **_shading(shading, order),
    )


def _shading(table: ShadingTable, order: NDArray) -> dict[str, Any]:
    """Colour changes in 8 bits, of Gaussians that are written in `order` [N]."""
    place = np.argsort(order)[table.index]
    rows = np.argsort(place)
    scale = np.maximum(np.abs(table.delta).max((1, 2)), 1e-6)
    return {
        "shading_index": place[rows].astype(np.int32),
        "shading_delta": np.round(table.delta[:, rows] / scale[:, None, None] * 127).astype(np.int8),
        "shading_scale": scale.astype(np.float32),
        "shading_expr": table.expr.astype(np.float32),
        "shading_jaw": table.jaw.astype(np.float32),
        "shading_threshold": table.threshold.astype(np.float32),
    }
