"""Cameras over time: a named view, or what a camera file holds (`read.py`)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import joint_transforms, local_rotations
from ...core.rotation import rotation_matrices
from ...renderer.camera import Camera
from ..settings import CameraLock
from .views import YAW, named_camera

F64 = NDArray[np.float64]

CameraChunk = tuple[Motion, list[Camera]]  # T frames, 1 or T cameras
HEAD = 1  # the joint that carries the skull


class CameraPath(Protocol):
    """Where the camera is at any time."""

    def at(self, time: float) -> Camera:
        """The camera at a time in seconds."""
        ...


@dataclass(frozen=True)
class Still:
    """A camera that does not move."""

    camera: Camera

    def at(self, time: float) -> Camera:
        """The same at all times."""
        return self.camera


def open_camera(spec: str, head: HeadModel, *, width: int, height: int) -> CameraPath:
    """Read a camera's name or the path of a camera file (.json); raises InputError."""
    if spec in YAW or not spec.lower().endswith(".json"):
        return Still(named_camera(spec, head, width=width, height=height))
    from .read import read_camera

    return read_camera(spec, head, width=width, height=height)


class MovingCamera:
    """Films motion: every chunk gets the cameras that see it, one for all of its frames or one for each."""

    def __init__(self, path: CameraPath, head: HeadModel, *, lock: CameraLock = "world") -> None:
        self._path = path
        self._head = head
        self._lock = lock

    def follow(self, motion: Iterable[Motion]) -> Iterator[CameraChunk]:
        """Consecutive chunks of one clip with their cameras."""
        first = 0
        for chunk in motion:
            yield chunk, self._cameras(chunk, first)
            first += len(chunk)

    def _cameras(self, chunk: Motion, first: int) -> list[Camera]:
        if self._lock == "world" and isinstance(self._path, Still):
            return [self._path.camera]
        cameras = [self._path.at((i + 0.5) / chunk.fps) for i in range(first, first + len(chunk))]
        if self._lock == "world":
            return cameras
        return [locked_to_face(*pair) for pair in zip(cameras, head_poses(self._head, chunk), strict=True)]


def locked_to_face(camera: Camera, head_pose: F64) -> Camera:
    """The camera carried along by the head: `head_pose` [3, 4] is the head's world transform from its rest."""
    return replace(camera, view=camera.view @ np.linalg.inv(np.vstack([head_pose, [0, 0, 0, 1]])))


def head_poses(head: HeadModel, motion: Motion) -> F64:
    """World transform of the skull from its rest pose, [T, 3, 4], metres."""
    rotations = rotation_matrices(local_rotations(motion))
    return joint_transforms(rotations, head.joints[None], motion.translation)[:, HEAD].astype(np.float64)


def save_camera(path: Path, camera: Camera) -> None:
    """Write a camera file that `open_camera` reads."""
    values = {
        "view": camera.view.tolist(),
        "K": camera.K.tolist(),
        "width": camera.width,
        "height": camera.height,
    }
    path.write_text(json.dumps(values, indent=1), encoding="utf-8")
