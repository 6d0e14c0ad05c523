"""BEAT2: conversational speech of 25 people, SMPL-X bodies with FLAME-2020 expressions, 30 fps
(Liu et al., "EMAGE", CVPR 2024)."""

from __future__ import annotations

import csv
from functools import partial
from pathlib import Path

import numpy as np

from ...avatars.head import HeadModel
from ...core.errors import InputError
from ...core.npz import NpzFields
from ...core.rotation import axis_angles, rotation_matrices
from .beat import label_of, person_of
from .files import require
from .flame_fits import Fit, check_head, fitted_sequence
from .sequence import DataSet, Part, collected

KIND = "beat2"
SOURCE = "H-Liu1997/BEAT2 on Hugging Face"
FPS = 30.0
# Joints of SMPL-X's pose; the skull turns on the trunk by its neck and its head
NECK, HEAD, JAW, EYES = slice(36, 39), slice(45, 48), slice(66, 69), slice(69, 75)


def open_beat2(folder: Path, head: HeadModel) -> DataSet:
    """`smplxflame_30/<id>_<name>_...npz`, `wave16k/*.wav`, `train_test_split.csv`; raises InputError."""
    check_head(head)
    require(folder, ("smplxflame_30", "train_test_split.csv"), kind="BEAT2", source=SOURCE)
    parts = _parts(folder / "train_test_split.csv")
    sequences = []
    for file in sorted((folder / "smplxflame_30").glob("*_*_*.npz")):
        name = file.stem.split("_")[1]
        sequences.append(
            fitted_sequence(
                head,
                partial(_read, file),
                subject=name,
                person=person_of(name),
                name=file.stem,
                part=parts.get(file.stem),
                label=label_of(file.stem),
                fps=FPS,
                sound=folder / "wave16k" / f"{file.stem}.wav",
            )
        )
    return collected(folder, KIND, head.version, sequences, [], source=SOURCE)


def _parts(path: Path) -> dict[str, Part]:
    """Columns id and type; "additional" clips belong to no part."""
    parts: dict[str, Part] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                if (part := row.get("type")) in ("train", "val", "test"):
                    parts[str(row.get("id"))] = part
    except (OSError, ValueError, csv.Error) as error:
        raise InputError(f"{path}: expected a CSV file with id and type, found something else ({error})") from error
    return parts


def _read(path: Path) -> Fit:
    """SMPL-X keeps FLAME-2020's expression modes, but not its identity modes: the head stays as it is."""
    fields = NpzFields(path)
    expr = fields.floats("expressions", ("T", "E"))
    poses = fields.floats("poses", ("T", 165))
    skull = axis_angles(rotation_matrices(poses[:, NECK]) @ rotation_matrices(poses[:, HEAD]))
    return Fit(expr=expr, jaw=poses[:, JAW], shape=np.zeros(0, np.float32), neck=skull, eyes=poses[:, EYES])
