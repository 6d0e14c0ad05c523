"""Who finds faces in pictures: MediaPipe's face landmarker (Apache-2.0), whose model file people bring themselves."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52
from ...avatars.library import home
from ...core.errors import InputError
from ...core.rotation import nearest_rotation

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

LANDMARKS = 478
MODEL = "face_landmarker.task"
VARIABLE = "EMOSPLAT_TRACKER"
MOST_FACES = 4


@dataclass(frozen=True, eq=False)
class Face:
    """One face in one picture."""

    points: F32  # [478, 3] of MediaPipe's face mesh: pixels to the right, down, and away
    weights: F32  # [52] in the order of `ARKIT_52`, 0..1
    pose: F32  # [3, 3] rotation from a face that looks into the camera, axes as FLAME's


NOBODY = Face(
    np.full((LANDMARKS, 3), np.nan, np.float32),
    np.full(len(ARKIT_52), np.nan, np.float32),
    np.full((3, 3), np.nan, np.float32),
)


def largest(faces: Sequence[Face]) -> Face:
    """The face that covers most of its picture; `NOBODY` of none."""
    return max(faces, key=lambda face: float(np.prod(np.ptp(face.points[:, :2], axis=0))), default=NOBODY)


class Tracker(Protocol):
    """Finds the faces of a picture; pictures do not depend on each other."""

    def find(self, picture: U8) -> list[Face]:
        """All faces of a picture [H, W, 3], sRGB."""
        ...


def find_model(given: Path | None) -> Path:
    """The model file: as given, else as `EMOSPLAT_TRACKER` says, else in the user's data folder. Raises InputError."""
    if given is not None or os.environ.get(VARIABLE):
        path = given or Path(os.environ[VARIABLE])
        if not path.is_file():
            raise InputError(
                f"{'--tracker' if given else VARIABLE}: expected MediaPipe's {MODEL}, found no file {path}"
            )
        return path
    path = home() / "trackers" / MODEL
    if not path.is_file():
        raise InputError(
            f"tracker: expected MediaPipe's {MODEL} (Apache-2.0, on the page of its Face Landmarker under Models), "
            f"found none; name it with --tracker FILE or {VARIABLE}, or put it at {path}"
        )
    return path


@contextmanager
def open_tracker(given: Path | None = None) -> Iterator[Tracker]:
    """MediaPipe's face landmarker; raises InputError without its model file, or without the extra `track`."""
    model = find_model(given)
    try:
        from mediapipe.tasks.python import BaseOptions, vision  # pyright: ignore[reportMissingImports]
    except ImportError as error:
        raise InputError(f"tracker: expected the package mediapipe: pip install 'emosplat[track]' ({error})") from None
    options = vision.FaceLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=model.read_bytes()),
        # pictures one by one, and several faces: with one face in a film MediaPipe smooths the landmarks over time,
        # which takes a quarter of the lips' speed away
        running_mode=vision.RunningMode.IMAGE,
        num_faces=MOST_FACES,
        output_face_blendshapes=True,
        output_facial_transformation_matrixes=True,
    )
    with _silence():
        try:
            landmarker = vision.FaceLandmarker.create_from_options(options)
        except (RuntimeError, ValueError) as error:
            reason = " ".join(str(error).split())[:200]
            raise InputError(f"{model}: expected MediaPipe's {MODEL}, found something else ({reason})") from None
    with landmarker:
        yield _MediaPipe(landmarker)


class _MediaPipe:
    """The landmarker as a `Tracker`."""

    def __init__(self, landmarker: object) -> None:
        self._landmarker = landmarker

    def find(self, picture: U8) -> list[Face]:
        import mediapipe  # pyright: ignore[reportMissingImports]

        # rows that are padded would be read as if they were not
        image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        found = self._landmarker.detect(image)  # pyright: ignore[reportAttributeAccessIssue]
        scale = np.array([picture.shape[1], picture.shape[0], picture.shape[1]], np.float32)
        return [
            Face(
                np.array([[p.x, p.y, p.z] for p in points], np.float32) * scale,
                _by_name({w.category_name: w.score for w in weights}),
                nearest_rotation(np.asarray(matrix)[:3, :3]).astype(np.float32),
            )
            for points, weights, matrix in zip(
                found.face_landmarks, found.face_blendshapes, found.facial_transformation_matrixes, strict=True
            )
        ]


def _by_name(weights: dict[str, float]) -> F32:
    return np.array([weights.get(name, 0.0) for name in ARKIT_52], np.float32)


@contextmanager
def _silence() -> Iterator[None]:
    """Keeps what MediaPipe's C++ says of itself while it starts off the terminal."""
    saved = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
