"""VOCASET as FLAME parameters: the output of VOCA's `compute_FLAME_params.py`, 60 fps."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.pickles import read_pickled_npy
from ...core.errors import InputError
from .files import F32
from .flame_fits import Fit, check_head, fitted_sequence
from .sequence import DataSet, collected
from .vocaset import FPS, NEUTRAL, STEM, standard_part

KIND = "voca-fits"
SOURCE = "VOCA's compute_FLAME_params.py, run on VOCASET"
JAW = slice(6, 9)  # of the pose: global, neck, jaw, eyes


def open_voca_fits(folder: Path, head: HeadModel) -> DataSet:
    """`<subject>_sentence<NN>.npy` (dicts with shape, pose, expression), sound in `wav/`; raises InputError."""
    check_head(head)
    sequences, skipped = [], []
    for file in sorted(folder.glob("*.npy")):
        match = STEM.fullmatch(file.stem)
        if not match:
            skipped.append(f"{file.name}: no name like FaceTalk_170728_03272_TA_sentence01")
            continue
        sequences.append(
            fitted_sequence(
                head,
                partial(_read, file),
                subject=match[1],
                person=match[1],
                name=f"sentence{match[2]}",
                part=standard_part(match[1], int(match[2])),
                label=NEUTRAL,
                fps=FPS,
                sound=folder / "wav" / f"{file.stem}.wav",
            )
        )
    return collected(folder, KIND, head.version, sequences, skipped, source=SOURCE)


def _read(path: Path) -> Fit:
    found = read_pickled_npy(path)
    if not isinstance(found, dict):
        raise InputError(f"{path}: expected a dict with shape, pose and expression, found {type(found).__name__}")
    shape, expr, pose = (_checked(found, key, path) for key in ("shape", "expression", "pose"))
    if shape.ndim != 1 or expr.ndim != 2 or pose.shape != (len(expr), 15):
        raise InputError(
            f"{path}: expected shape [I], pose [T, 15] and expression [T, E], "
            f"found {shape.shape}, {pose.shape} and {expr.shape}"
        )
    return Fit(expr=expr, jaw=pose[:, JAW], shape=shape)


def _checked(found: dict[str, Any], key: str, path: Path) -> F32:
    values: Any = found.get(key)
    if not isinstance(values, np.ndarray) or values.dtype.kind != "f":
        raise InputError(f"{path}: {key}: expected an array of floats, found {type(values).__name__}")
    return values.astype(np.float32)
