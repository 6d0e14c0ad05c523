"""A person: a head with identity baked in, and Gaussians bound to its triangles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import InputError
from ..renderer.gaussians import Gaussians
from .head import HeadModel
from .npz import NpzFields

F32 = NDArray[np.float32]

FORMAT = "emosplat-avatar-1"
SH0 = 0.28209479177387814  # Y_00


@dataclass(frozen=True, eq=False)
class Avatar:
    """Gaussians in the local frames of a head's triangles (docs/conventions.md, "Triangle frames")."""

    name: str
    head: HeadModel  # v_template, joints, exprdirs and posedirs are this person's
    gaussians: Gaussians  # positions and scales in units of the triangle's scale
    binding: NDArray[np.int32]  # [N] triangle index


def load_avatar(path: Path, head: HeadModel) -> Avatar:
    """Read an avatar npz (docs/formats.md) that was made for `head`; raises InputError naming the file and field."""
    fields = NpzFields(path)
    if (found := fields.text("format")) != FORMAT:
        raise fields.error("format", repr(FORMAT), repr(found))
    if (found := fields.text("head_version")) != head.version:
        raise InputError(f"{path}: made for head {found!r}, but the head in use is {head.version!r}")
    return Avatar(
        name=fields.text("name"),
        head=_person(fields, head),
        gaussians=_gaussians(fields),
        binding=fields.indices("binding", ("N",), len(head.faces)),
    )


def _person(fields: NpzFields, head: HeadModel) -> HeadModel:
    """The head with this person's neutral face, joints and (where stored) own blendshape rows."""
    vertices = len(head.v_template)
    return replace(
        head,
        v_template=fields.floats("v_template", (vertices, 3)),
        joints=fields.floats("joints", (5, 3)),
        exprdirs=_with_rows(fields, "exprdirs", head.exprdirs),
        posedirs=_with_rows(fields, "posedirs", head.posedirs),
    )


def _with_rows(fields: NpzFields, name: str, directions: F32) -> F32:
    if f"{name}_index" not in fields:
        return directions
    rows = fields.indices(f"{name}_index", (f"{name} rows",), len(directions))
    own = directions.copy()
    own[rows] = fields.floats(f"{name}_value", (f"{name} rows", *directions.shape[1:]))
    return own


def _gaussians(fields: NpzFields) -> Gaussians:
    """Undo the quantisation: 8-bit logarithmic scales, rotations, opacities and colours."""
    scale_low, scale_high = fields.floats("scale_range", (2,))
    color_low, color_high = fields.floats("dc_range", (2,))
    log_scales = scale_low + fields.floats("log_scale", ("N", 3)) / 255 * (scale_high - scale_low)
    rgb = color_low + fields.floats("sh_dc", ("N", 3)) / 255 * (color_high - color_low)
    sh = ((rgb - 0.5) / SH0)[:, None]
    if "sh_rest" in fields:
        rest = fields.floats("sh_rest", ("N", "sh bands", 3)) / 127 * fields.floats("rest_scale", ())
        if rest.shape[1] not in (3, 8, 15):
            raise fields.error("sh_rest", "3, 8 or 15 bands", str(rest.shape[1]))
        sh = np.concatenate([sh, rest], axis=1)
    quats = fields.floats("quat", ("N", 4))
    return Gaussians(
        means=fields.floats("xyz", ("N", 3)),
        quats=quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-9),
        scales=np.exp(log_scales).astype(np.float32),
        opacities=fields.floats("opacity", ("N",)) / np.float32(255),
        sh=sh.astype(np.float32),
    )
