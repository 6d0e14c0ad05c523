"""A person: a head with identity baked in, and Gaussians bound to its triangles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..core.errors import InputError
from ..core.npz import NpzFields, save_npz
from ..renderer.gaussians import Gaussians, Shading
from .head import HeadModel

F32 = NDArray[np.float32]

FORMAT = "emosplat-avatar-1"
SH0 = 0.28209479177387814  # Y_00


@dataclass(frozen=True, eq=False)
class ExpressionShading:
    """M colour changes (wrinkles, folds, shadows), and how the face drives them (`avatars/shading.py`).

    The weight of each is rates x motion - threshold, clipped; a neutral face has weight 0 everywhere.
    """

    colours: Shading  # M changes of S Gaussians
    expr: F32  # [M, E] per unit of expression
    jaw: F32  # [M] per radian that the jaw opens
    threshold: F32  # [M] >= 0


@dataclass(frozen=True, eq=False)
class Avatar:
    """Gaussians in the local frames of a head's triangles (docs/conventions.md, "Triangle frames").

    name: what people call it
    head: this person's head: template [V, 3] in metres, triangles, expression modes
    gaussians: N of them, positions [N, 3] and scales [N, 3] in units of their triangle's scale
    binding: [N] triangle of each
    shading: optional: changes of colour that follow the expression, such as wrinkles
    neutral: optional: [E] expression that the template shows already; motion files count it in
    licence: who may use it, in words; empty where that is not stated

    >>> from emosplat import load_avatar
    >>> person = load_avatar("person1-light")
    >>> person.binding.shape == (len(person.gaussians),), person.head.v_template.shape[1]
    (True, 3)
    """

    name: str
    head: HeadModel  # v_template, joints, exprdirs and posedirs are this person's
    gaussians: Gaussians  # positions and scales in units of the triangle's scale
    binding: NDArray[np.int32]  # [N] triangle index
    shading: ExpressionShading | None = None
    neutral: F32 | None = None  # [E] expression that v_template shows already; motion files count it in
    licence: str = ""  # who may use it, in words


def load_avatar(path: Path, head: HeadModel) -> Avatar:
    """Read an avatar npz (docs/formats.md) that was made for `head`; raises InputError naming the file and field."""
    fields = _fields(path, head)
    gaussians = _gaussians(fields)
    return Avatar(
        name=fields.text("name"),
        head=_person(fields, head),
        gaussians=gaussians,
        binding=fields.indices("binding", ("N",), len(head.faces)),
        shading=_shading(fields, len(gaussians), head.expressions) if "shading_index" in fields else None,
        neutral=fields.floats("neutral", (head.expressions,)) if "neutral" in fields else None,
        licence=fields.text("licence") if "licence" in fields else "",
    )


def load_person(path: Path, head: HeadModel) -> HeadModel:
    """`head` in the shape of the person of an avatar npz; raises InputError as `load_avatar` does, but for the rest."""
    return _person(_fields(path, head), head)


def _fields(path: Path, head: HeadModel) -> NpzFields:
    """The fields of an avatar that was made for `head`."""
    fields = NpzFields(path)
    if (found := fields.text("format")) != FORMAT:
        raise fields.error("format", repr(FORMAT), repr(found))
    if (found := fields.text("head_version")) != head.version:
        raise InputError(f"{path}: made for head {found!r}, but the head in use is {head.version!r}")
    return fields


def save_avatar(path: Path, avatar: Avatar, *, head: HeadModel | None = None) -> None:
    """Write an avatar npz at full precision (docs/formats.md); the file appears whole or not at all.

    head: the one that the avatar was made for; rows of blendshapes that are the person's own are written, too. Without
    it they must be the head's.
    """
    g = avatar.gaussians
    arrays = {
        "format": np.array(FORMAT),
        "name": np.array(avatar.name),
        "head_version": np.array(avatar.head.version),
        "v_template": avatar.head.v_template,
        "joints": avatar.head.joints,
        "binding": avatar.binding,
        "means": g.means,
        "quats": g.quats,
        "scales": g.scales,
        "opacities": g.opacities,
        "sh": g.sh,
    }
    if avatar.licence:
        arrays["licence"] = np.array(avatar.licence)
    if avatar.neutral is not None:
        arrays["neutral"] = avatar.neutral
    if avatar.shading is not None:
        arrays |= _shading_arrays(avatar.shading)
    if head is not None:
        arrays |= _own_rows("exprdirs", avatar.head.exprdirs, head.exprdirs)
        arrays |= _own_rows("posedirs", avatar.head.posedirs, head.posedirs)
    save_npz(path, arrays)


def _own_rows(name: str, own: F32, shared: F32) -> dict[str, F32 | NDArray[np.int32]]:
    """The rows [n, ...] of directions [V, ...] that differ from the head's, as `_with_rows` reads them."""
    index = np.flatnonzero((own != shared).reshape(len(own), -1).any(axis=1)).astype(np.int32)
    return {f"{name}_index": index, f"{name}_value": own[index]} if len(index) else {}


def _shading_arrays(shading: ExpressionShading) -> dict[str, F32 | NDArray[np.int32]]:
    """Colour changes at full precision."""
    return {
        "shading_index": shading.colours.index,
        "shading_delta": 127 * shading.colours.delta,
        "shading_scale": np.ones(len(shading.threshold), np.float32),
        "shading_expr": shading.expr,
        "shading_jaw": shading.jaw,
        "shading_threshold": shading.threshold,
    }


def _person(fields: NpzFields, head: HeadModel) -> HeadModel:
    """The head with this person's neutral face, joints and (where stored) own blendshape rows."""
    vertices = len(head.v_template)
    return replace(
        head,
        v_template=fields.floats("v_template", (vertices, 3)),
        joints=fields.floats("joints", (5, 3)),
        exprdirs=_with_shapes(fields, _with_rows(fields, "exprdirs", head.exprdirs)),
        posedirs=_with_rows(fields, "posedirs", head.posedirs),
    )


def _with_rows(fields: NpzFields, name: str, directions: F32) -> F32:
    if f"{name}_index" not in fields:
        return directions
    rows = fields.indices(f"{name}_index", (f"{name} rows",), len(directions))
    own = directions.copy()
    own[rows] = fields.floats(f"{name}_value", (f"{name} rows", *directions.shape[1:]))
    return own


def _with_shapes(fields: NpzFields, exprdirs: F32) -> F32:
    """Expression modes [V, 3, E] with what this person does otherwise: offsets of S shapes that each mode contains."""
    if "own_shapes_index" not in fields:
        return exprdirs
    rows = fields.indices("own_shapes_index", ("own_shapes rows",), len(exprdirs))
    offsets = fields.floats("own_shapes_offset", ("own_shapes rows", 3, "own shapes"))
    own = exprdirs.copy()
    own[rows] += offsets @ fields.floats("own_shapes_expr", ("own shapes", exprdirs.shape[2]))
    return own


def _gaussians(fields: NpzFields) -> Gaussians:
    return _plain_gaussians(fields) if "means" in fields else _quantised_gaussians(fields)


def _plain_gaussians(fields: NpzFields) -> Gaussians:
    """Gaussians at full precision."""
    sh = fields.floats("sh", ("N", "K", 3))
    scales, opacities = fields.floats("scales", ("N", 3)), fields.floats("opacities", ("N",))
    if sh.shape[1] not in (1, 4, 9, 16):
        raise fields.error("sh", "1, 4, 9 or 16 coefficients", str(sh.shape[1]))
    if scales.min(initial=1) <= 0:
        raise fields.error("scales", "positive numbers", f"{scales.min():g}")
    if opacities.min(initial=0) < 0 or opacities.max(initial=0) > 1:
        raise fields.error("opacities", "numbers in 0..1", f"{opacities.min():g}..{opacities.max():g}")
    return Gaussians(fields.floats("means", ("N", 3)), fields.floats("quats", ("N", 4)), scales, opacities, sh)


def _quantised_gaussians(fields: NpzFields) -> Gaussians:
    """Undo the quantisation: 8-bit logarithmic scales, rotations, opacities and colours."""
    scale_low, scale_high = fields.floats("scale_range", (2,))
    color_low, color_high = fields.floats("dc_range", (2,))
    log_scales = scale_low + fields.floats("log_scale", ("N", 3)) / 255 * (scale_high - scale_low)
    rgb = color_low + fields.floats("sh_dc", ("N", 3)) / 255 * (color_high - color_low)
    rest = fields.numbers("sh_rest", ("N", "sh bands", 3)) if "sh_rest" in fields else np.zeros((len(rgb), 0, 3))
    if rest.shape[1] not in (0, 3, 8, 15):
        raise fields.error("sh_rest", "3, 8 or 15 bands", str(rest.shape[1]))
    sh = np.empty((len(rgb), 1 + rest.shape[1], 3), np.float32)
    sh[:, 0] = (rgb - 0.5) / SH0
    if rest.shape[1]:
        np.divide(rest, np.float32(127), out=sh[:, 1:], dtype=np.float32)  # in place: this is most of an avatar
        sh[:, 1:] *= fields.floats("rest_scale", ())
    quats = fields.floats("quat", ("N", 4))
    return Gaussians(
        means=fields.floats("xyz", ("N", 3)),
        quats=quats / np.maximum(np.linalg.norm(quats, axis=1, keepdims=True), 1e-9),
        scales=np.exp(log_scales).astype(np.float32),
        opacities=fields.floats("opacity", ("N",)) / np.float32(255),
        sh=sh,
    )


def _shading(fields: NpzFields, gaussians: int, expressions: int) -> ExpressionShading:
    """Colour changes, as a rule in 8 bits with one scale per change, and their drivers."""
    index = fields.indices("shading_index", ("S",), gaussians)
    if (np.diff(index) <= 0).any():
        raise fields.error("shading_index", "indices that rise", "one that does not")
    threshold = fields.floats("shading_threshold", ("shadings",))
    if threshold.min(initial=0) < 0:
        raise fields.error("shading_threshold", "numbers of 0 or more", f"{threshold.min():g}")
    delta = fields.floats("shading_delta", ("shadings", "S", 3))
    scale = fields.floats("shading_scale", ("shadings",)) / 127
    return ExpressionShading(
        colours=Shading(index, (delta * scale[:, None, None]).astype(np.float32, copy=False)),
        expr=fields.floats("shading_expr", ("shadings", expressions)),
        jaw=fields.floats("shading_jaw", ("shadings",)),
        threshold=threshold,
    )
