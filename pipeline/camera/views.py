"""Named cameras around a head."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np
from numpy.typing import ArrayLike

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...renderer.camera import Camera

YAW = {"front": 0.0, "three-quarter": 35.0, "profile": 80.0}  # degrees, towards the person's left
DISTANCE = 1.05  # metres: a portrait lens' distance, little perspective distortion
FOV = np.radians(17.0)  # of the shorter side of the picture
VIEWER = "viewer"  # the default view of GaussianAvatars' viewer: 1 m in front of the origin, 20 degrees high
VIEWER_DISTANCE, VIEWER_FOV = 1.0, np.radians(20.0)
BELOW_EYES = 0.023  # metres: head, hair and collar fill the frame


def named_camera(name: str, head: HeadModel, *, width: int, height: int) -> Camera:
    """The camera `front`, `three-quarter` or `profile` that frames `head`, or `viewer`; raises InputError."""
    if name == VIEWER:
        return Camera.look_at((0, 0, VIEWER_DISTANCE), (0, 0, 0), fov_y=float(VIEWER_FOV), width=width, height=height)
    if name not in YAW:
        near = get_close_matches(name, [*YAW, VIEWER], n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise InputError(f"--camera {name!r}: expected {', '.join([*YAW, VIEWER])} or a camera file (.json){hint}")
    return orbit_camera(head, yaw=YAW[name], width=width, height=height)


def orbit_camera(
    head: HeadModel,
    *,
    yaw: float,
    pitch: float = 0.0,
    width: int,
    height: int,
    fov: float = FOV,
    target: ArrayLike | None = None,
) -> Camera:
    """A camera on the sphere around `target` (metres; None: the middle of the portrait) that looks at it.

    `yaw` and `pitch` are degrees, to the person's left and upwards; `fov` is the angle of the shorter side, radians.
    """
    middle = np.array([0.0, head.joints[3:5, 1].mean() - BELOW_EYES, 0.0])
    centre = middle if target is None else np.asarray(target, np.float64)
    y, p = np.radians([yaw, pitch])
    eye = centre + DISTANCE * np.array([np.sin(y) * np.cos(p), np.sin(p), np.cos(y) * np.cos(p)])
    fov_y = 2 * np.arctan(np.tan(fov / 2) * max(1.0, height / width))
    return Camera.look_at(eye, centre, fov_y=fov_y, width=width, height=height)
