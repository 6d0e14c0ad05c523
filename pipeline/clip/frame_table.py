"""All that is known of a clip's frames as a table, one row each: CSV, or Parquet by its suffix."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52
from ...avatars.facs import action_units
from ...avatars.motion import Motion
from ...blendshapes.face_motion import EMOTION, FaceMotion
from ...blendshapes.speech.visemes import VISEMES
from ...core.errors import InputError
from ...core.whole_files import whole_file
from .curves import CurveReader

Column = NDArray[np.floating] | Sequence[str]


def motion_columns(motion: Motion, reader: CurveReader) -> dict[str, NDArray[np.floating]]:
    """What a face does, columns [T] by name.

    The curves of `CurveReader.read`; where the head is (mm) and where the eyes look relative to it (degrees, + down and
    to the person's left); the 52 ARKit weights; FACS action units (`avatars.facs`). Weights and units are 0..1.
    """
    found = reader.weights(motion)
    weights = dict(zip(ARKIT_52, found.T, strict=True))
    place = dict(zip(("head_x_mm", "head_y_mm", "head_z_mm"), 1000 * motion.translation.T, strict=True))
    eyes = np.degrees(motion.eyes[:, [0, 1, 3, 4]]).T
    names = [f"gaze_{side}_{angle}_deg" for side in ("left", "right") for angle in ("pitch", "yaw")]
    gaze = dict(zip(names, eyes, strict=True))
    return reader.read(motion, found) | place | gaze | weights | action_units(weights)


def emotion_columns(face: FaceMotion) -> dict[str, NDArray[np.floating]]:
    """The weight 0..1 of each emotion over time, [T] by name; none where the motion tells none."""
    names = [name for name in face.channels if name.startswith(EMOTION)]
    return {f"emotion_{name.removeprefix(EMOTION)}": face.column(name) for name in names}


def speech_columns(phones: Sequence[str], prefix: str = "") -> dict[str, list[str]]:
    """A column of phones and one of the visemes that they look like."""
    return {f"{prefix}phone": list(phones), f"{prefix}viseme": [VISEMES.get(phone, "") for phone in phones]}


def write_table(path: Path, columns: Mapping[str, Column]) -> None:
    """Write columns of one length, numbers or words; Parquet where the name ends in .parquet, else CSV.

    What is not a number is left empty. The file appears whole or not at all. Raises InputError.
    """
    try:
        with whole_file(path, keep_suffix=True) as partial:
            if path.suffix.lower() == ".parquet":
                _write_parquet(partial, columns)
            else:
                _write_csv(partial, columns)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None


def _write_parquet(path: Path, columns: Mapping[str, Column]) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    def typed(name: str, column: Column) -> pa.Array:
        if isinstance(column, np.ndarray):
            return pa.array(column, pa.float64() if name == "time_s" else pa.float32(), from_pandas=True)
        return pa.array(column, pa.string())

    pyarrow.parquet.write_table(pa.table({name: typed(name, column) for name, column in columns.items()}), path)


def _write_csv(path: Path, columns: Mapping[str, Column]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(zip(*(_told(name, column) for name, column in columns.items()), strict=True))


def _told(name: str, column: Column) -> Sequence[str]:
    """The cells of a column: times to a tenth of a millisecond, other numbers to a thousandth."""
    if not isinstance(column, np.ndarray):
        return column
    digits = 4 if name == "time_s" else 3
    return ["" if np.isnan(value) else f"{value:.{digits}f}" for value in column]
