"""Avatars of GaussianAvatars (Qian et al., CVPR 2024): read a trained folder, and write one that its viewer opens.

A folder holds `point_cloud/iteration_N/point_cloud.ply`, whose Gaussians are bound to FLAME's triangles with teeth, and
`flame_param.npz` beside it. Frames, scales and colours are ours already (docs/conventions.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.npz import NpzFields, save_npz
from ..renderer.gaussians import Gaussians
from . import flame
from .avatar import Avatar
from .head import HeadModel
from .motion_files import as_wide
from .ply import read_ply, write_ply

F32 = NDArray[np.float32]

PLY, PARAMETERS = "point_cloud.ply", "flame_param.npz"
VERTICES = flame.VERTICES + flame.TEETH
SPREAD = 10.0  # triangle scales: a Gaussian farther from its triangle than this was not trained on it
ITERATION = 0  # of a folder that we write


def find_ply(folder: Path) -> Path:
    """The newest `point_cloud.ply` of a trained folder, or of any folder inside it; raises InputError."""
    if folder.name == PLY and folder.is_file():
        return folder
    found = [p for pattern in (PLY, f"iteration_*/{PLY}", f"*/iteration_*/{PLY}") for p in folder.glob(pattern)]
    if not found:
        raise InputError(f"{folder}: expected point_cloud/iteration_N/{PLY} as GaussianAvatars writes it, found none")
    return max(found, key=_iteration)


def _iteration(ply: Path) -> int:
    match = re.fullmatch(r"iteration_(\d{1,12})", ply.parent.name)
    return int(match.group(1)) if match else -1


def read_gaussian_avatar(
    folder: Path, head: HeadModel, *, name: str, note: Callable[[str], None] = lambda _: None
) -> Avatar:
    """A trained avatar on its head, re-centred: its neutral face shows the mean expression of its training.

    People track with an expression of their own at rest (avatars are not neutral at 0), so a motion's expression is
    counted from there. `note` is told which Gaussians are left out. Raises InputError.
    """
    ply = find_ply(folder)
    gaussians, binding = read_ply(ply, note=note)
    if binding is None:
        raise InputError(f"{ply}: expected a property binding_0 as GaussianAvatars writes it, found none")
    if len(head.v_template) != VERTICES:
        raise InputError(f"{ply}: expected a FLAME head for its triangles, found head {head.version!r}")
    if len(binding) == 0 or binding.max() >= len(head.faces):
        raise InputError(
            f"{ply}: binding_0: expected triangles below {len(head.faces)}, found {len(binding)} Gaussians"
        )
    if (far := np.median(np.linalg.norm(gaussians.means, axis=1))) > SPREAD:
        raise InputError(f"{ply}: x, y, z: expected places in units of their triangle, found {far:.0f} of them away")
    person, neutral = _person(ply.with_name(PARAMETERS), head)
    return Avatar(name, person, gaussians, binding, neutral=neutral)


def _person(path: Path, head: HeadModel) -> tuple[HeadModel, F32]:
    """The head with the person's shape, static offset and mean expression, and that expression [E]."""
    fields = NpzFields(path)
    shape = shape_coefficients(fields)
    if (known := head.shapedirs.shape[2]) < len(shape) and shape[known:].any():
        raise fields.error("shape", f"at most {known} coefficients, as the head has", str(len(shape)))
    used = min(known, len(shape))
    expr = fields.floats("expr", ("T", "E"))
    if not len(expr):
        raise fields.error("expr", "at least one frame", str(list(expr.shape)))
    neutral = as_wide(fields, expr, head.expressions).mean(axis=0)
    template = head.v_template + head.shapedirs[:, :, :used] @ shape[:used] + head.exprdirs @ neutral
    if "static_offset" in fields:
        offset = fields.floats("static_offset", (1, "offsets", 3))[0]
        if len(offset) not in (flame.VERTICES, VERTICES):
            raise fields.error("static_offset", f"[1, {VERTICES}, 3]", f"[1, {len(offset)}, 3]")
        template[: len(offset)] += offset
    return replace(head, v_template=template, joints=head.J_regressor @ template), neutral


def _with_all_bands(gaussians: Gaussians) -> Gaussians:
    """The same with colours of degree 3, without which the viewer refuses a file."""
    missing = 16 - gaussians.sh.shape[1]
    return replace(gaussians, sh=np.pad(gaussians.sh, [(0, 0), (0, missing), (0, 0)]))


def shape_coefficients(fields: NpzFields) -> F32:
    """A person's shape [I], which some trackers write as [1, I], or once for every frame."""
    table = fields.floats("shape", ("people", "I")) if fields.dimensions("shape") == 2 else None
    if table is None:
        return fields.floats("shape", ("I",))
    if not len(table) or (table != table[0]).any():
        raise fields.error("shape", "the same coefficients in every frame", f"{len(table)} different ones")
    return table[0]


def write_gaussian_avatar(folder: Path, avatar: Avatar, head: HeadModel) -> Path:
    """Write a folder that GaussianAvatars' viewer opens, and return its PLY; `head` is the generic head of the avatar.

    The person's shape is kept as the static offset. Raises InputError for an avatar that is not on a FLAME head.
    """
    if len(head.v_template) != VERTICES:
        raise InputError(
            f"avatar {avatar.name!r}: expected one on a FLAME head, for GaussianAvatars knows no other, "
            f"found head {head.version!r}"
        )
    ply = folder / "point_cloud" / f"iteration_{ITERATION}" / PLY
    if ply.exists():
        raise InputError(f"{ply}: expected a new folder, found this file")
    neutral = np.zeros(head.expressions, np.float32) if avatar.neutral is None else avatar.neutral
    offset = avatar.head.v_template - head.v_template - head.exprdirs @ neutral
    arrays: dict[str, NDArray[Any]] = {
        "shape": np.zeros(flame.SHAPES, np.float32),
        "expr": neutral[None],
        "static_offset": offset[None].astype(np.float32),
        "dynamic_offset": np.zeros((1, VERTICES, 3), np.float32),
        "eyes_pose": np.zeros((1, 6), np.float32),
    }
    arrays |= {n: np.zeros((1, 3), np.float32) for n in ("rotation", "neck_pose", "jaw_pose", "translation")}
    save_npz(ply.with_name(PARAMETERS), arrays)
    write_ply(ply, _with_all_bands(avatar.gaussians), binding=avatar.binding)
    return ply
