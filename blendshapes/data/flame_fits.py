"""FLAME parameters that others tracked or fitted, posed on the user's own FLAME head.

On meshes only expression and jaw are used: neck and global pose move the head, not the face.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...core.errors import InputError
from .files import F32, read_audio
from .sequence import Label, Part, Sequence

FLAME_SIZES = (5023, 5143)  # vertices without and with GaussianAvatars' teeth


@dataclass(frozen=True, eq=False)
class Fit:
    """FLAME parameters of one recording."""

    expr: F32  # [T, E]
    jaw: F32  # [T, 3] axis-angle, radians
    shape: F32  # [I] identity; empty for the head as it is
    neck: F32 | None = None  # [T, 3] axis-angle of the skull on the trunk, radians, where that is told
    eyes: F32 | None = None  # [T, 6] left, right


Read = Callable[[], Fit]


def check_head(head: HeadModel) -> None:
    """Raise InputError unless `head` has FLAME's topology: coefficients mean nothing on another basis."""
    if len(head.v_template) not in FLAME_SIZES:
        raise InputError(
            f"head {head.version!r}: expected a FLAME head ({FLAME_SIZES[0]} vertices), found {len(head.v_template)}; "
            "import your own FLAME model with `render head import`"
        )


def fitted_sequence(
    head: HeadModel,
    read: Read,
    *,
    subject: str,
    person: str,
    name: str,
    part: Part | None,
    label: Label | None,
    fps: float,
    sound: Path,
) -> Sequence:
    """A sequence whose parameters `read` fetches when they are asked for; `sound` may be missing."""
    return Sequence(
        subject=subject,
        person=person,
        name=name,
        part=part,
        label=label,
        fps=fps,
        vertices=partial(_vertices, head, read, fps),
        neutral=partial(_neutral, head, read),
        audio=partial(read_audio, sound) if sound.is_file() else None,
        performed=partial(_motion, head, read, fps),
    )


def pose(head: HeadModel, fit: Fit, fps: float) -> F32:
    """Vertices [T,V,3], metres, of the fitted person with expression and jaw of every frame."""
    return Poser(with_identity(head, fit.shape)).vertices(of_skin(motion_of(head, fit, fps)))


def of_skin(motion: Motion) -> Motion:
    """What a mesh of the face shows of a motion: expression and jaw, on a head that keeps still, its eyes too."""
    return replace(Motion.rest(len(motion), motion.expr.shape[1], motion.fps), expr=motion.expr, jaw=motion.jaw)


def motion_of(head: HeadModel, fit: Fit, fps: float) -> Motion:
    """All that a fit tells, on a head of FLAME's basis."""
    motion = Motion.rest(len(fit.expr), head.expressions, fps)
    told = {name: value for name in ("neck", "eyes") if (value := getattr(fit, name)) is not None}
    return replace(motion, expr=_columns(fit.expr, head.expressions, "expression"), jaw=fit.jaw, **told)


def with_identity(head: HeadModel, shape: F32) -> HeadModel:
    """The head with identity coefficients [I] added to its template (FLAME, Li et al. 2017, eq. 2)."""
    modes = _columns(shape, head.shapedirs.shape[2], "identity")
    template = head.v_template + head.shapedirs @ modes
    moved = head.joints + head.J_regressor @ (head.shapedirs @ modes)
    return replace(head, v_template=template.astype(np.float32), joints=moved.astype(np.float32))


def _motion(head: HeadModel, read: Read, fps: float) -> Motion:
    return motion_of(head, read(), fps)


def _vertices(head: HeadModel, read: Read, fps: float) -> F32:
    return pose(head, read(), fps)


def _neutral(head: HeadModel, read: Read) -> F32:
    return with_identity(head, read().shape).v_template


def _columns(values: F32, count: int, what: str) -> F32:
    """`values` [..., n] with exactly `count` columns: zeros are added; only zeros may be dropped."""
    if values[..., count:].any():
        raise InputError(
            f"head: expected at least the {values.shape[-1]} {what} modes that the fit uses, found {count}"
        )
    padded = np.zeros((*values.shape[:-1], count), np.float32)
    kept = values[..., :count]
    padded[..., : kept.shape[-1]] = kept
    return padded
