"""The field's data sets behind one small interface: `open_dataset` gives sequences of displacements from neutral.

Nothing is downloaded and nothing is unpickled; docs/datasets.md says where people get each set and what is read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from ...avatars.head import HeadModel
from ...core.errors import InputError
from .beat2 import open_beat2
from .biwi import open_biwi
from .emovoca import open_emovoca
from .florence4d import open_florence4d
from .generated import open_generated
from .mead import open_mead
from .sequence import DataSet, Label, Part, Sequence, apex, domains, joint_split, some_of
from .voca_fits import open_voca_fits
from .vocaset import open_vocaset

__all__ = [
    "KINDS",
    "DataSet",
    "Label",
    "Part",
    "Sequence",
    "apex",
    "domains",
    "joint_split",
    "open_dataset",
    "open_datasets",
    "some_of",
]

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
    "generated": open_generated,
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


def open_datasets(sources: Iterable[str], *, head: HeadModel) -> DataSet:
    """All of `sources` as one: each `KIND=FOLDER`, or the folder of a generated corpus. Raises InputError."""
    opened = [_open_source(source, head) for source in sources]
    topologies = sorted({data.topology for data in opened})
    if len(topologies) > 1:
        raise InputError(f"--data: expected data sets of one topology, found {' and '.join(topologies)}")
    return DataSet(
        " + ".join(data.kind for data in opened),
        topologies[0],
        tuple(sequence for data in opened for sequence in data),
        tuple(reason for data in opened for reason in data.skipped),
    )


def _open_source(source: str, head: HeadModel) -> DataSet:
    kind, equals, folder = source.partition("=")
    return open_dataset(kind, Path(folder), head=head) if equals else open_dataset("generated", Path(source), head=head)
