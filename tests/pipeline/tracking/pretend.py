"""A tracker without a model: it reads what the face does off the grey of the pictures, which `film` paints."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from emosplat.avatars.arkit import ARKIT_52
from emosplat.core.rotation import rotation_matrices
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.media.video import VideoWriter
from emosplat.pipeline.tracking.landmarks import (
    BRIDGE,
    BROWS,
    CHIN,
    INNER_LEFT,
    INNER_RIGHT,
    IRIS_LEFT,
    IRIS_RIGHT,
    LIDS_LEFT,
    LIDS_RIGHT,
    LOWER,
    MOUTH_LEFT,
    MOUTH_RIGHT,
    OUTER_LEFT,
    OUTER_RIGHT,
    UPPER,
)
from emosplat.pipeline.tracking.tracker import LANDMARKS, Face

F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

RATE = 16_000
SIZE = 32  # pixels of a picture
EYES = 100.0  # pixels between the outer corners
WIDEST = 0.5  # opening in the brightest picture, eye distances


def points(opening: float = 0.0, *, shut: float = 0.0, iris: float = 0.0, brow: float = 0.2) -> F64:
    """[478, 3] of an upright face, right, up and towards the camera, in distances between the outer eye corners."""
    at = np.zeros((LANDMARKS, 3))
    at[[OUTER_LEFT, INNER_LEFT, INNER_RIGHT, OUTER_RIGHT], 0] = 0.5, 0.19, -0.19, -0.5
    for side, (left, right) in ((1, (LIDS_LEFT, IRIS_LEFT)), (-1, (LIDS_RIGHT, IRIS_RIGHT))):
        for upper, lower in left:
            at[upper] = side * 0.345, 0.05 * (1 - shut), 0
            at[lower] = side * 0.345, -0.05 * (1 - shut), 0
        at[right] = side * 0.345 + 0.31 * iris, 0, 0
    at[list(BROWS), 1] = brow
    at[[1, 4, 6], 1:] = [[-0.3, 0.25], [-0.28, 0.28], [-0.1, 0.12]]
    at[BRIDGE] = 0, 0.05, 0.08
    at[UPPER] = 0, -0.7 + 0.3 * opening, 0.1
    at[LOWER] = 0, -0.7 - 0.7 * opening, 0.1
    at[MOUTH_LEFT], at[MOUTH_RIGHT] = (0.3, -0.7, 0), (-0.3, -0.7, 0)
    at[CHIN] = 0, -1.2 - 0.7 * opening, 0
    return at


def seen(
    at: F64, *, turn: Sequence[float] | F64 = (0, 0, 0), scale: float = EYES, move: Sequence[float] = (0, 0, 0)
) -> Face:
    """The face [478, 3] as a camera far away sees it, turned by an axis-angle vector."""
    pose = rotation_matrices(np.array(turn, np.float32))
    pixels = (at @ pose.T.astype(np.float64) * scale + move) * [1, -1, -1]
    return Face(pixels.astype(np.float32), np.zeros(len(ARKIT_52), np.float32), pose)


class PretendTracker:
    """Grey 255 is a mouth as wide open as it gets, grey 10 a shut one, black shows nobody; white edges two people."""

    def find(self, picture: U8) -> list[Face]:
        grey = float(picture[SIZE // 4 : -SIZE // 4, SIZE // 4 : -SIZE // 4].mean())
        if grey < 5:
            return []
        face = seen(points(WIDEST * (grey - 10) / 245))
        crowd = [seen(points(0.3), scale=EYES / 2)] if picture[0].mean() > 200 else []
        return [*crowd, face]


@contextmanager
def pretended(_given: Path | None = None) -> Iterator[PretendTracker]:
    """In the place of `open_tracker`."""
    yield PretendTracker()


def film(
    path: Path,
    openings: Iterable[float | None],
    *,
    fps: float = 25.0,
    sound: NDArray[np.float32] | None = None,
    crowd: bool = False,
) -> Path:
    """A film of a mouth; None: nobody is there."""
    with tempfile.TemporaryDirectory() as folder:
        heard = None
        if sound is not None:
            soundfile.write(Path(folder) / "sound.wav", sound, RATE)
            heard = open_audio(Path(folder) / "sound.wav")
        with VideoWriter(path, width=SIZE, height=SIZE, fps=fps, audio=heard, overwrite=True) as writer:
            for opening in openings:
                picture = np.zeros((SIZE, SIZE, 3), np.uint8)
                picture[1:-1] = 0 if opening is None else round(10 + 245 * opening / WIDEST)
                picture[0] = 255 if crowd else 0
                writer.write(picture)
    return path
