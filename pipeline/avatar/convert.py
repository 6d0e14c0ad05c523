"""A motion made for one avatar or head, played by another on a different head."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.gnm_head import jaw_as_expression
from ...avatars.head import HeadModel, load_head
from ...avatars.library import (
    builtin_avatars,
    builtin_head,
    find_head,
    head_of_version,
    head_versions,
    open_avatar,
    own_avatars,
)
from ...avatars.motion import Motion
from ...avatars.motion_files import load_motion, save_motion
from ...avatars.registration import load_registration
from ...avatars.retarget import Retargeter
from ...core.errors import InputError
from ...core.whole_files import whole_file
from ..clip.sidecar import check_output, write_sidecar
from ..clip.source import check_head, recorded_fps


def convert_motion(path: Path, out: Path, *, source: str, target: str, overwrite: bool = False) -> int:
    """Solve a motion file of `source` into the expression and jaw of `target`; returns its frames.

    Both are avatars, or heads where no avatar has their name. Heads without a jaw joint get the jaw as expression.
    Raises InputError, also where the file says that it was made for another head than `source`'s.
    """
    if out.suffix.lower() != ".npz":
        raise InputError(f"{out}: expected a name that ends in .npz")
    check_output(out, overwrite=overwrite)
    (giver, at_rest), (taker, neutral) = _head_and_neutral(source), _head_and_neutral(target)
    check_head(path, giver.version, avatar=source)
    fps: Fraction = recorded_fps(path)
    motion = load_motion(path, expressions=giver.expressions, fps=float(fps), neutral=at_rest)
    motion = jaw_as_expression(taker, retargeted(motion, giver.version, taker.version))
    with whole_file(out, keep_suffix=True) as partial:
        save_motion(partial, motion, vertices=len(taker.v_template), neutral=neutral)
    record = {"motion": str(path), "avatar": target, "head": taker.version, "converted_from": giver.version}
    write_sidecar(out, record | {"result": {"frames": len(motion), "fps": float(fps)}})
    return len(motion)


def _head_and_neutral(name: str) -> tuple[HeadModel, NDArray[np.float32] | None]:
    """The head of an avatar with the avatar's neutral expression, or a head of this name."""
    if name in head_versions() and name not in (*builtin_avatars(), *own_avatars()):
        return load_head(find_head(name)), None
    avatar = open_avatar(name)
    return avatar.head, avatar.neutral


def retargeted(motion: Motion, source: str, target: str) -> Motion:
    """The motion of a head of one version on that of another, by way of the built-in head."""
    if source == target:
        return motion
    builtin = builtin_head()
    if source != builtin.version:
        path, head = _own(source)
        backward = load_registration(path, builtin, head).backward
        motion = Retargeter(head, builtin, backward).motion(motion)
    if target != builtin.version:
        path, head = _own(target)
        forward = load_registration(path, builtin, head).forward
        motion = Retargeter(builtin, head, forward).motion(motion)
    return motion


def _own(version: str) -> tuple[Path, HeadModel]:
    path = head_of_version(version, wanted_by="the motion")
    return path, load_head(path)
