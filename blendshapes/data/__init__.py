"""The field's data sets behind one small interface: `open_dataset` gives sequences of displacements from neutral.

Nothing is downloaded and nothing is unpickled; docs/datasets.md says where people get each set and what is read.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from ...avatars.head import HeadModel
from ...errors import InputError
from .beat2 import open_beat2
from .biwi import open_biwi
from .emovoca import open_emovoca
from .florence4d import open_florence4d
from .mead import open_mead
from .sequence import DataSet, Label, Part, Sequence, apex, joint_split
from .voca_fits import open_voca_fits
from .vocaset import open_vocaset

__all__ = ["KINDS", "DataSet", "Label", "Part", "Sequence", "apex", "joint_split", "open_dataset"]

_MESHES: dict[str, Callable[[Path], DataSet]] = {
    "vocaset": open_vocaset,
    "biwi": open_biwi,
    "florence4d": open_florence4d,
    "emovoca": open_emovoca,
}
_FITS: dict[str, Callable[[Path, HeadModel], DataSet]] = {
    "mead": open_mead,
    "beat2": open_beat2,
    "voca-fits": open_voca_fits,
}
KINDS = (*_MESHES, *_FITS)


def open_dataset(kind: str, folder: Path, *, head: HeadModel | None = None) -> DataSet:
    """Open the data set `kind` (one of `KINDS`) in `folder`; FLAME fits are posed on `head`, the user's FLAME model.

    Raises InputError that says what is missing, what was expected and where to get it.
    """
    if kind not in KINDS:
        raise InputError(f"data set: expected one of {', '.join(KINDS)}, found {kind!r}")
    if not folder.is_dir():
        raise InputError(f"{folder}: expected the folder of data set {kind!r}, found none (see docs/datasets.md)")
    if kind in _MESHES:
        return _MESHES[kind](folder)
    if head is None:
        raise InputError(f"data set {kind!r} holds FLAME parameters: expected a FLAME head to pose them on, found none")
    return _FITS[kind](folder, head)
