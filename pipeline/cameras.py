"""Named cameras around a head."""

from __future__ import annotations

from difflib import get_close_matches

import numpy as np

from ..avatars.head import HeadModel
from ..errors import InputError
from ..renderer.camera import Camera

YAW = {"front": 0.0, "three-quarter": 35.0, "profile": 80.0}  # degrees, towards the person's left
DISTANCE = 1.05  # metres: a portrait lens' distance, little perspective distortion
FOV = np.radians(17.0)  # of the shorter side of the picture
BELOW_EYES = 0.023  # metres: head, hair and collar fill the frame


def named_camera(name: str, head: HeadModel, *, width: int, height: int) -> Camera:
    """The camera `front`, `three-quarter` or `profile` that frames `head`; raises InputError for another name."""
    if name not in YAW:
        hint = get_close_matches(name, YAW, n=1) or list(YAW)
        raise InputError(f"--camera {name!r}: expected {', '.join(hint)}")
    eyes = head.joints[3:5].mean(axis=0)
    target = np.array([0.0, eyes[1] - BELOW_EYES, 0.0])
    yaw = np.radians(YAW[name])
    eye = target + DISTANCE * np.array([np.sin(yaw), 0.0, np.cos(yaw)])
    fov_y = 2 * np.arctan(np.tan(FOV / 2) * max(1.0, height / width))
    return Camera.look_at(eye, target, fov_y=fov_y, width=width, height=height)
