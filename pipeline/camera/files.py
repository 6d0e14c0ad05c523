"""What camera files hold: ours, NeRF-style trajectories, 3D Gaussian splatting's cameras and nerfstudio's paths."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Annotated

import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from .views import DISTANCE, FOV

DEFAULT_FPS = 25.0  # of recorded cameras that do not tell it
CURVED = re.compile("fisheye|equirect|panoram|omni|vr180", re.IGNORECASE)  # lenses that bend lines beyond a pinhole's

Number = Annotated[float, Field(allow_inf_nan=False, ge=-1e6, le=1e6)]
Vector = tuple[Number, Number, Number]
Matrix3 = tuple[Vector, Vector, Vector]
Row4 = tuple[Number, Number, Number, Number]
Matrix4 = tuple[Row4, Row4, Row4, Row4]


class Orbit(BaseModel):
    """A place on the sphere around the head. Fields of a camera file; angles in degrees, lengths in metres."""

    model_config = ConfigDict(extra="forbid")

    yaw: Annotated[float, Field(ge=-3600, le=3600)] = 0.0  # to the person's left
    pitch: Annotated[float, Field(ge=-89, le=89)] = 0.0  # upwards
    distance: Annotated[float, Field(ge=0.2, le=100)] = DISTANCE
    fov: Annotated[float, Field(ge=1, le=120)] = float(np.degrees(FOV))  # of the picture's shorter side
    target: Vector | None = None  # None: the middle of the portrait


class KeyFrame(Orbit):
    """An orbit position at a time."""

    time_s: Annotated[float, Field(ge=0, le=1e6)]


class KeyFrames(BaseModel):
    """A file of key frames, between which the camera moves smoothly."""

    model_config = ConfigDict(extra="forbid")

    keyframes: Annotated[list[KeyFrame], Field(min_length=1, max_length=10_000)]

    @model_validator(mode="after")
    def _in_order(self) -> KeyFrames:
        times = [key.time_s for key in self.keyframes]
        if any(b <= a for a, b in pairwise(times)):
            raise ValueError("keyframes: expected times that grow from one to the next")
        return self


class Pinhole(BaseModel):
    """A calibrated camera: OpenCV's world-to-camera matrix and intrinsics in pixels of a `width` x `height` picture."""

    model_config = ConfigDict(extra="ignore")

    view: Matrix4
    K: Matrix3
    width: Annotated[int, Field(ge=1, le=100_000)]
    height: Annotated[int, Field(ge=1, le=100_000)]


def _pinhole(told: str | None) -> str | None:
    if told is not None and CURVED.search(told):
        raise ValueError(f"expected a pinhole camera, found {told[:40]}")
    return told


Lens = Annotated[Annotated[str, Field(max_length=100)] | None, AfterValidator(_pinhole)]


class PosedFrame(BaseModel):
    """One frame of a NeRF-style file, as GaussianAvatars' data sets and its viewer's trajectories have them."""

    model_config = ConfigDict(extra="ignore")

    transform_matrix: Matrix4 | tuple[Row4, Row4, Row4]  # camera to world, OpenGL axes
    camera_angle_x: Annotated[float, Field(gt=0, lt=np.pi)] | None = None  # radians
    fl_x: Annotated[float, Field(gt=0)] | None = None  # pixels
    camera_model: Lens = None
    w: Annotated[float, Field(ge=1)] | None = None
    h: Annotated[float, Field(ge=1)] | None = None


class Trajectory(BaseModel):
    """A NeRF-style file; its frames follow each other at `fps`."""

    model_config = ConfigDict(extra="ignore")

    frames: Annotated[list[PosedFrame], Field(min_length=1, max_length=100_000)]
    fps: Annotated[float, Field(ge=1, le=240)] = DEFAULT_FPS
    camera_angle_x: Annotated[float, Field(gt=0, lt=np.pi)] | None = None
    fl_x: Annotated[float, Field(gt=0)] | None = None
    camera_model: Lens = None
    w: Annotated[float, Field(ge=1)] | None = None
    h: Annotated[float, Field(ge=1)] | None = None


class SplatCamera(BaseModel):
    """One camera of `cameras.json` as 3D Gaussian splatting writes it beside every trained model."""

    model_config = ConfigDict(extra="ignore")

    position: Vector
    rotation: Matrix3  # camera to world, OpenCV axes
    fy: Annotated[float, Field(gt=0)]  # pixels
    height: Annotated[float, Field(ge=1)]


class SplatCameras(BaseModel):
    """All of `cameras.json`; its cameras follow each other at 25 per second."""

    cameras: Annotated[list[SplatCamera], Field(min_length=1, max_length=100_000)]


class PathPoint(BaseModel):
    """One camera of nerfstudio's `camera_path.json`."""

    model_config = ConfigDict(extra="ignore")

    camera_to_world: Annotated[list[Number], Field(min_length=12, max_length=16)]  # row by row, OpenGL axes
    fov: Annotated[float, Field(gt=0, lt=180)] = 50.0  # degrees, of the height


class PathPoints(BaseModel):
    """nerfstudio's `camera_path.json`, as its viewer saves it."""

    model_config = ConfigDict(extra="ignore")

    camera_path: Annotated[list[PathPoint], Field(min_length=1, max_length=100_000)]
    fps: Annotated[float, Field(ge=1, le=240)] = DEFAULT_FPS
    camera_type: Lens = None
