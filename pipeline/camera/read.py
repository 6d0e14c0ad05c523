"""Camera files: key frames around the head, a calibrated camera, or a recorded trajectory (`files.py`)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ValidationError

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...renderer.camera import Camera
from .files import (
    DEFAULT_FPS,
    KeyFrame,
    KeyFrames,
    Matrix3,
    Orbit,
    PathPoints,
    Pinhole,
    SplatCameras,
    Trajectory,
    Vector,
)
from .path import CameraPath, Still
from .views import DISTANCE, YAW, orbit_camera

F64 = NDArray[np.float64]

MAX_BYTES = 64 << 20
OPENGL_TO_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])  # X right, Y up, Z back -> X right, Y down, Z forward


class _Keyed:
    """Orbit positions joined by monotone cubics, held before the first and after the last."""

    def __init__(self, keys: list[KeyFrame], head: HeadModel, *, width: int, height: int) -> None:
        from scipy.interpolate import PchipInterpolator

        self._head, self._width, self._height = head, width, height
        self._times = np.array([key.time_s for key in keys])
        rows = np.array([_row(key, head) for key in keys])
        self._curve = PchipInterpolator(self._times, rows) if len(keys) > 1 else lambda _: rows[0]

    def at(self, time: float) -> Camera:
        """See `CameraPath.at`."""
        yaw, pitch, distance, fov, *target = self._curve(np.clip(time, self._times[0], self._times[-1]))
        return _orbit(self._head, yaw, pitch, distance, fov, target, width=self._width, height=self._height)


@dataclass(frozen=True)
class _Recorded:
    """One camera per frame, held after the last."""

    cameras: list[Camera]
    fps: float

    def at(self, time: float) -> Camera:
        """See `CameraPath.at`."""
        return self.cameras[min(int(time * self.fps), len(self.cameras) - 1)]


def read_camera(spec: str, head: HeadModel, *, width: int, height: int) -> CameraPath:
    """What the camera file at `spec` says; raises InputError."""
    values = _read_json(Path(spec))
    kind = next((kind for field, kind in KINDS.items() if field in values), Orbit)
    try:
        found = kind.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{spec}: {_first_problem(error)}") from None
    return _path(spec, found, head, width=width, height=height)


def _path(spec: str, found: BaseModel, head: HeadModel, *, width: int, height: int) -> CameraPath:
    match found:
        case KeyFrames():
            return _Keyed(found.keyframes, head, width=width, height=height)
        case Pinhole():
            return Still(_pinhole(found, width=width, height=height))
        case Trajectory():
            return _recorded(spec, found, width=width, height=height)
        case PathPoints():
            poses = [(point.camera_to_world, 0.5 / np.tan(np.radians(point.fov) / 2)) for point in found.camera_path]
            return _posed(spec, poses, OPENGL_TO_OPENCV, fps=found.fps, width=width, height=height)
        case SplatCameras():
            poses = [(_columns(c.rotation, c.position), c.fy / c.height) for c in found.cameras]
            return _posed(spec, poses, np.eye(4), fps=DEFAULT_FPS, width=width, height=height)
        case _:
            return _Keyed([KeyFrame(time_s=0, **found.model_dump())], head, width=width, height=height)


# the first field that a file has tells its kind; nerfstudio's files have key frames of their own
KINDS: dict[str, type[BaseModel]] = {
    "camera_path": PathPoints,
    "cameras": SplatCameras,
    "keyframes": KeyFrames,
    "frames": Trajectory,
    "view": Pinhole,
}


def _row(key: Orbit, head: HeadModel) -> list[float]:
    middle = _middle(head) if key.target is None else key.target
    return [key.yaw, key.pitch, key.distance, key.fov, *middle]


def _middle(head: HeadModel) -> Vector:
    """What a portrait camera looks at."""
    camera = orbit_camera(head, yaw=0, width=16, height=16)
    x, y, z = camera.position + DISTANCE * camera.view[2, :3]
    return float(x), float(y), float(z)


def _orbit(
    head: HeadModel,
    yaw: float,
    pitch: float,
    distance: float,
    fov: float,
    target: list[float],
    *,
    width: int,
    height: int,
) -> Camera:
    near = orbit_camera(
        head, yaw=yaw, pitch=pitch, fov=float(np.radians(fov)), target=target, width=width, height=height
    )
    view = near.view.copy()
    view[2, 3] += distance - DISTANCE  # further back along its own axis
    return replace(near, view=view)


def _pinhole(found: Pinhole, *, width: int, height: int) -> Camera:
    """The camera for a picture of another size: the height is filled, the middle stays the middle."""
    view, K = np.array(found.view), np.array(found.K)
    scale = height / found.height
    K = np.diag([scale, scale, 1.0]) @ K
    K[0, 2] += (width - scale * found.width) / 2
    if not (K[0, 0] > 0 and K[1, 1] > 0 and abs(np.linalg.det(view[:3, :3]) - 1) < 1e-3):
        raise InputError("camera file: view: expected a rotation and translation, K: positive focal lengths")
    return Camera(view, K, width, height)


def _recorded(spec: str, found: Trajectory, *, width: int, height: int) -> _Recorded:
    cameras: list[Camera] = []
    for number, frame in enumerate(found.frames):
        own_width, own_height = frame.w or found.w or width, frame.h or found.h or height
        angle, focal = frame.camera_angle_x or found.camera_angle_x, frame.fl_x or found.fl_x
        if focal is None and angle is None:
            raise InputError(f"{spec}: frames.{number}: expected camera_angle_x or fl_x, found neither")
        focal = own_width / (2 * np.tan(angle / 2)) if focal is None else focal  # pyright: ignore[reportOptionalOperand]
        pose = _rigid(frame.transform_matrix[:3], f"{spec}: frames.{number}.transform_matrix") @ OPENGL_TO_OPENCV
        focal *= height / own_height
        K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]])
        cameras.append(Camera(np.asarray(np.linalg.inv(pose), np.float64), K, width, height))
    return _Recorded(cameras, found.fps)


def _rigid(rows: Sequence[Sequence[float]] | F64, where: str) -> F64:
    """A motion of space [4, 4] from its first three rows; raises InputError for anything but a turn and a move."""
    pose = np.eye(4)
    pose[:3] = rows
    turn = pose[:3, :3]
    with np.errstate(over="ignore", invalid="ignore"):
        square = turn @ turn.T
        if not np.abs(square - np.eye(3)).max() < 1e-2 or np.linalg.det(turn) < 0:
            raise InputError(f"{where}: expected a rotation and translation")
    return pose


def _columns(rotation: Matrix3, position: Vector) -> list[float]:
    return [number for row, shift in zip(rotation, position, strict=True) for number in (*row, shift)]


def _posed(
    spec: str, poses: list[tuple[list[float], float]], axes: F64, *, fps: float, width: int, height: int
) -> _Recorded:
    """Cameras of camera-to-world matrices, row by row, and focal lengths in heights of the picture."""
    cameras: list[Camera] = []
    for number, (numbers, focal) in enumerate(poses):
        pose = _rigid(np.reshape(numbers[:12], (3, 4)), f"{spec}: camera {number}")
        K = np.array([[focal * height, 0, width / 2], [0, focal * height, height / 2], [0, 0, 1.0]])
        view = np.asarray(np.linalg.inv(pose @ axes), np.float64)
        cameras.append(Camera(view, K, width, height))
    return _Recorded(cameras, fps)


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InputError(f"--camera {str(path)!r}: expected {', '.join(YAW)} or a camera file, found no such file")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: expected a camera file of at most 64 MiB")
    try:
        values = json.loads(path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, list) and values and isinstance(values[0], dict):
        return {"cameras": values}  # of 3D Gaussian splatting
    if not isinstance(values, dict):
        raise InputError(f"{path}: expected a JSON object that describes a camera, found something else")
    return values


def _first_problem(error: ValidationError) -> str:
    first = error.errors()[0]
    field = ".".join(map(str, first["loc"])) or "camera"
    problem = first["msg"].removeprefix("Value error, ")
    return f"{field}: {problem[:1].lower()}{problem[1:]}"
