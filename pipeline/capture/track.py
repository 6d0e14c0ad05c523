"""A film's face, every point of MediaPipe's mesh in every picture."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..media.film import Picture, usual_rate
from ..tracking.tracker import Face, Tracker, largest

F64 = NDArray[np.float64]
I64 = NDArray[np.int64]
U8 = NDArray[np.uint8]

FACE_SIDE = 160  # pixels of the face when its sharpness is measured, so that films of all sizes compare


@dataclass(frozen=True, eq=False)
class FaceFilm:
    """The largest face in every picture of a film; NaN where none was found."""

    path: Path
    width: int  # pixels
    height: int
    times: F64  # [N] when each picture appears, seconds from the first sample of the sound
    points: F64  # [N, 478, 2] pixels to the right and down
    weights: F64  # [N, 52] in the order of `ARKIT_52`
    poses: F64  # [N, 3, 3] rotation of the head from looking into the camera, axes as FLAME's
    faces: I64  # [N] how many were found
    sharpness: F64  # [N] of the face, to compare pictures of one film

    @property
    def fps(self) -> float:
        """Frames per second, usually."""
        return usual_rate(self.times)

    @property
    def seen(self) -> NDArray[np.bool_]:
        """[N] whether a face was found."""
        return self.faces > 0


def faces_of(
    path: Path, film: Iterable[Picture], tracker: Tracker, *, report: Callable[[int], None] = lambda _: None
) -> FaceFilm:
    """The largest face in each of some pictures, all of one size; `report` is told how many are done.

    Raises InputError for none at all.
    """
    rows: list[tuple[float, int, Face, float]] = []
    height = width = 0
    for number, picture in enumerate(film):
        report(number)
        height, width = picture.pixels.shape[:2]
        found = tracker.find(picture.pixels)
        face = largest(found)
        rows.append((picture.time, len(found), face, sharpness(picture.pixels, face) if found else np.nan))
    if not rows:
        raise InputError(f"{path}: expected a film, found no picture that can be decoded")
    times, counts, faces, sharp = zip(*rows, strict=True)
    return FaceFilm(
        path,
        width,
        height,
        np.array(times, np.float64),
        np.stack([f.points[:, :2] for f in faces]).astype(np.float64),
        np.stack([f.weights for f in faces]).astype(np.float64),
        np.stack([f.pose for f in faces]).astype(np.float64),
        np.array(counts, np.int64),
        np.array(sharp, np.float64),
    )


def sharpness(picture: U8, face: Face) -> float:
    """Mean square of the Laplacian of the face's grey [H, W, 3], at `FACE_SIDE` pixels; 0 for a face outside."""
    import cv2

    low = np.maximum(np.floor(face.points[:, :2].min(axis=0)), 0).astype(int)
    high = np.ceil(face.points[:, :2].max(axis=0)).astype(int)
    part = picture[low[1] : high[1], low[0] : high[0]]
    if min(part.shape[:2]) < 2:
        return 0.0
    grey = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY)
    scaled = cv2.resize(grey, (FACE_SIDE, FACE_SIDE), interpolation=cv2.INTER_AREA)
    return float(np.square(cv2.Laplacian(scaled.astype(np.float32), cv2.CV_32F)).mean())
