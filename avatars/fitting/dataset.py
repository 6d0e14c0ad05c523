"""Data sets of GaussianAvatars (Qian et al. 2024) as VHAP exports them: read, and checked before anything is trained.

A folder holds `transforms_train.json` and perhaps `transforms_val.json` (a held-out camera) and `transforms_test.json`
(held-out sequences), or a single `transforms.json`. Their paths may lead to sibling folders with `../`. Cameras are
OpenGL camera-to-world; pictures have a white background; FLAME parameters are one npz per timestep.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field, ValidationError

from ...core.errors import InputError
from ...core.npz import NpzFields
from ...renderer import Camera
from ..gaussian_avatars import shape_coefficients
from ..head import HeadModel
from ..motion import Motion
from ..motion_files import OPTIONAL, as_wide

if TYPE_CHECKING:
    from PIL.Image import Image as PictureFile

F32 = NDArray[np.float32]
T = TypeVar("T")

SPLITS = ("train", "val", "test")
MAX_JSON = 1 << 29  # bytes
MAX_SIDE = 8192  # pixels
FPS = 25.0  # the data sets do not say; nothing here depends on it
WIDTHS = {  # our field -> (key of the file, numbers per timestep)
    "jaw": ("jaw_pose", 3),
    "neck": ("neck_pose", 3),
    "eyes": ("eyes_pose", 6),
    "rotation": ("rotation", 3),
    "translation": ("translation", 3),
}
Row = tuple[float, float, float, float]


class _Shot(BaseModel):
    """Intrinsics, which a frame may leave to the top level of its file."""

    camera_angle_x: float | None = Field(None, gt=0, lt=np.pi)
    fl_x: float | None = Field(None, gt=0)
    fl_y: float | None = Field(None, gt=0)
    cx: float | None = None
    cy: float | None = None
    w: int | None = Field(None, gt=0, le=MAX_SIDE)
    h: int | None = Field(None, gt=0, le=MAX_SIDE)


class _Frame(_Shot):
    file_path: str
    flame_param_path: str
    transform_matrix: tuple[Row, Row, Row, Row]
    camera_index: int = 0


class _Transforms(_Shot):
    frames: list[_Frame]


@dataclass(frozen=True, eq=False)
class View:
    """One picture: where it lies, who took it, and which timestep it shows."""

    picture: Path
    camera: Camera
    camera_index: int
    timestep: int  # row of `DataSet.motion`

    def pixels(self) -> NDArray[np.uint8]:
        """The picture [H, W, 3], transparency over white; raises InputError."""
        from PIL import Image

        rgba = self._opened(lambda image: image.convert("RGBA"))
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        return np.asarray(Image.alpha_composite(white, rgba).convert("RGB"))

    def cut_out(self) -> NDArray[np.uint8]:
        """The picture [H, W, 4] with straight alpha; raises InputError."""
        return np.asarray(self._opened(lambda image: image.convert("RGBA")))

    def check(self) -> None:
        """Raise InputError unless the picture has its camera's size and is whole, as far as checksums tell.

        Nothing is decoded.
        """
        self._opened(lambda image: image.verify())

    def _opened(self, read: Callable[[PictureFile], T]) -> T:
        from PIL import Image

        size = self.camera.width, self.camera.height
        try:
            with Image.open(self.picture) as image:
                if (found := image.size) == size:
                    return read(image)
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            raise InputError(f"{self.picture}: expected a picture, found something else ({error})") from error
        raise InputError(f"{self.picture}: expected {size[0]}x{size[1]} pixels (w, h), found {found[0]}x{found[1]}")


@dataclass(frozen=True, eq=False)
class DataSet:
    """Pictures of one person, and the FLAME parameters that were tracked on them."""

    folder: Path
    head: HeadModel  # the person's: shape and static offset are in v_template and joints
    motion: Motion  # tracked, every timestep of every split
    train: list[View]
    val: list[View]  # cameras held out, at timesteps of the training
    test: list[View]  # sequences held out

    def timesteps(self) -> NDArray[np.int64]:
        """The timesteps that are trained on, ascending."""
        return np.unique([view.timestep for view in self.train])

    def extent(self) -> float:
        """Radius of the training cameras about their centre and a tenth (Kerbl et al. 2023), or 1 for a single one."""
        places = np.stack([view.camera.position for view in self.train])
        radius = 1.1 * float(np.linalg.norm(places - places.mean(axis=0), axis=1).max())
        return radius if radius > 1e-3 else 1.0


def spread(views: list[View], most: int) -> list[View]:
    """At most so many of the views, evenly spread."""
    return views[:: -(-len(views) // most)] if views else []


def read_dataset(folder: Path, head: HeadModel) -> DataSet:
    """Read the cameras and parameters of a data set tracked with `head`, and look through every picture's file.

    Raises InputError that names the file and field.
    """
    files = {split: folder / f"transforms_{split}.json" for split in SPLITS}
    if not files["train"].is_file():
        if not (single := folder / "transforms.json").is_file():
            raise InputError(
                f"{folder}: expected transforms_train.json (or transforms.json) of a VHAP export, found none"
            )
        files = {"train": single}
    frames = {split: _frames(path) for split, path in files.items() if path.is_file()}
    rows: dict[Path, int] = {}
    views = {s: [_view(files[s], i, f, rows) for i, f in enumerate(found)] for s, found in frames.items()}
    if not views["train"]:
        raise InputError(f"{files['train']}: frames: expected at least one, found none")
    _check_held_out(views, files)
    person, motion = _tracking(list(rows), head)
    return DataSet(folder, person, motion, *(views.get(split, []) for split in SPLITS))


def _check_held_out(views: dict[str, list[View]], files: dict[str, Path]) -> None:
    """No picture may be both learned from and judged by."""
    learned = {view.picture for view in views["train"]}
    for split in views.keys() - {"train"}:
        for view in views[split]:
            if view.picture in learned:
                raise InputError(f"{files[split]}: expected pictures held out from training, found {view.picture}")


def _frames(path: Path) -> list[_Frame]:
    """The frames of one file, each with its intrinsics."""
    if (size := path.stat().st_size) > MAX_JSON:
        raise InputError(f"{path}: expected at most {MAX_JSON} bytes, found {size}")
    try:
        transforms = _Transforms.model_validate(json.loads(path.read_bytes()))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        field = ".".join(str(part) for part in first["loc"]) or "top level"
        raise InputError(f"{path}: {field}: {first['msg']}, found {_short(first['input'])}") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected JSON, found something else ({error})") from error
    shared = transforms.model_dump(include=set(_Shot.model_fields), exclude_none=True)
    return [frame.model_copy(update=shared | frame.model_dump(exclude_none=True)) for frame in transforms.frames]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def _view(path: Path, index: int, frame: _Frame, rows: dict[Path, int]) -> View:
    """Check one frame; its parameter file gets a row."""
    where = f"{path}: frames.{index}"
    picture = _beside(path, frame.file_path, f"{where}.file_path")
    parameters = _beside(path, frame.flame_param_path, f"{where}.flame_param_path")
    camera = _camera(frame, where)
    view = View(picture, camera, frame.camera_index, rows.setdefault(parameters, len(rows)))
    view.check()
    return view


def _beside(path: Path, name: str, where: str) -> Path:
    """A file in the data set's folder or in a sibling of it, by its name; links of the person's own may lead away."""
    inside = os.path.normpath(name.replace("\\", "/"))  # exports made on Windows have backslashes
    if Path(inside).is_absolute() or Path(inside).parts[:2] == ("..", ".."):
        raise InputError(f"{where}: expected a relative path in the data set or beside it, found {_short(name)}")
    try:
        found = (path.parent / inside).resolve()
        exists = found.is_file()
    except (OSError, ValueError) as error:  # NUL, lone surrogates, names that are too long
        raise InputError(f"{where}: expected the path of a file, found {_short(name)} ({error})") from error
    if not exists:
        raise InputError(f"{where}: expected a file, found nothing at {_short(str(found))}")
    return found


def _camera(frame: _Frame, where: str) -> Camera:
    """OpenCV world-to-camera from OpenGL camera-to-world (its Y and Z axes point the other way)."""
    if frame.w is None or frame.h is None:
        raise InputError(f"{where}: expected w and h, found {frame.w} and {frame.h}")
    focal = frame.fl_x
    if focal is None and frame.camera_angle_x is not None:
        focal = 0.5 * frame.w / np.tan(0.5 * frame.camera_angle_x)
    if focal is None:
        raise InputError(f"{where}: expected fl_x or camera_angle_x, found neither")
    pose = np.array(frame.transform_matrix, np.float64)
    turn = pose[:3, :3]
    if not np.isfinite(pose).all() or np.abs(turn @ turn.T - np.eye(3)).max() > 1e-3 or np.linalg.det(turn) < 0:
        raise InputError(f"{where}.transform_matrix: expected a rotation and a place, found {_short(pose.tolist())}")
    pose[:3, 1:3] *= -1
    pose[3] = 0, 0, 0, 1
    K = np.eye(3)
    K[0] = focal, 0, frame.w / 2 if frame.cx is None else frame.cx
    K[1] = 0, frame.fl_y or focal, frame.h / 2 if frame.cy is None else frame.cy
    if not np.isfinite(K).all():
        raise InputError(f"{where}: expected finite intrinsics, found {_short(K.tolist())}")
    return Camera(np.linalg.inv(pose).astype(np.float64), K, frame.w, frame.h)


def _tracking(paths: list[Path], head: HeadModel) -> tuple[HeadModel, Motion]:
    """The person's head, from the first file, and the motion of all files in order."""
    files = [NpzFields(path) for path in paths]
    person = _person(files[0], head)
    curves = {field: np.concatenate([_curve(f, field) for f in files]) for field in WIDTHS}
    return person, Motion(expr=np.concatenate([_expression(f, head) for f in files]), **curves, fps=FPS)


def _curve(fields: NpzFields, field: str) -> F32:
    """One timestep's [1, n] of a joint; trackers that leave out all but the jaw mean that the others are at rest."""
    key, width = WIDTHS[field]
    if field in OPTIONAL and key not in fields:
        return np.zeros((1, width), np.float32)
    return fields.floats(key, (1, width))


def _expression(fields: NpzFields, head: HeadModel) -> F32:
    return as_wide(fields, fields.floats("expr", (1, "E")), head.expressions)


def _person(fields: NpzFields, head: HeadModel) -> HeadModel:
    """The head with the person's shape and static offset."""
    shape = shape_coefficients(fields)
    known = head.shapedirs.shape[2]
    if shape[known:].any():
        raise fields.error("shape", f"at most {known} coefficients, as head {head.version!r} has", str(len(shape)))
    template = head.v_template + head.shapedirs[:, :, : len(shape)] @ shape[:known]
    if "static_offset" in fields:
        offset = fields.floats("static_offset", (1, "offsets", 3))[0]
        if len(offset) > len(template):
            raise fields.error("static_offset", f"[1, {len(template)}, 3]", str([1, *offset.shape]))
        template[: len(offset)] += offset  # a head tracked without teeth has fewer vertices
    return replace(head, v_template=template, joints=(head.J_regressor @ template).astype(np.float32))
