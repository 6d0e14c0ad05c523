"""The field's corpora behind one name each: `CORPORA` says what is read of a corpus.

Recordings are told by their names alone; `open_dataset` gives meshes and FLAME fits as sequences of displacements from
neutral. Nothing is downloaded and nothing is unpickled; docs/datasets.md says where people get each corpus and what is
read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from ...avatars.head import HeadModel
from ...core.errors import InputError
from . import (
    beat,
    beat2,
    biwi,
    cremad,
    emovoca,
    faces,
    flame_motions,
    florence4d,
    generated,
    hdtf,
    ljspeech,
    mead,
    ravdess,
    tracked,
    voca_fits,
    vocaset,
)
from .recordings import Reader
from .sequence import DataSet, Label, Part, Sequence, apex, domains, joint_split, some_of

__all__ = [
    "CORPORA",
    "KINDS",
    "Corpus",
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


@dataclass(frozen=True)
class Corpus:
    """What is read of a corpus, and how."""

    recordings: Reader | None = None  # sound and film, to be spoken by an avatar: `render batch --dataset`
    meshes: Callable[[Path], DataSet] | None = None  # to train and measure on
    fits: Callable[[Path, HeadModel], DataSet] | None = None  # the same as FLAME parameters, posed on a head


CORPORA: dict[str, Corpus] = {
    "vocaset": Corpus(recordings=vocaset.recordings, meshes=vocaset.open_vocaset),
    "biwi": Corpus(recordings=biwi.recordings, meshes=biwi.open_biwi),
    "florence4d": Corpus(meshes=florence4d.open_florence4d),
    "emovoca": Corpus(meshes=emovoca.open_emovoca),
    "mead": Corpus(recordings=mead.recordings, fits=mead.open_mead),
    "beat": Corpus(fits=beat.open_beat),
    "beat2": Corpus(fits=beat2.open_beat2),
    "voca-fits": Corpus(fits=voca_fits.open_voca_fits),
    "flame": Corpus(fits=flame_motions.open_flame_motions),
    "faces": Corpus(fits=faces.open_faces),
    "generated": Corpus(fits=generated.open_generated),
    "tracked": Corpus(recordings=tracked.recordings, fits=tracked.open_tracked),
    "ravdess": Corpus(recordings=ravdess.recordings),
    "cremad": Corpus(recordings=cremad.recordings),
    "hdtf": Corpus(recordings=hdtf.recordings),
    "ljspeech": Corpus(recordings=ljspeech.recordings),
}
KINDS = tuple(name for name, corpus in CORPORA.items() if corpus.meshes or corpus.fits)


def open_dataset(kind: str, folder: Path, *, head: HeadModel | None = None) -> DataSet:
    """Open the data set `kind` (one of `KINDS`) in `folder`; FLAME fits are posed on `head`, the user's FLAME model.

    Raises InputError that says what is missing, what was expected and where to get it.
    """
    if kind not in KINDS:
        raise InputError(f"data set: expected one of {', '.join(KINDS)}, found {kind!r}")
    if not folder.is_dir():
        raise InputError(f"{folder}: expected the folder of data set {kind!r}, found none (see docs/datasets.md)")
    corpus = CORPORA[kind]
    if corpus.meshes is not None:
        return corpus.meshes(folder)
    if head is None or corpus.fits is None:
        raise InputError(f"data set {kind!r} holds FLAME parameters: expected a FLAME head to pose them on, found none")
    return corpus.fits(folder, head)


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
    if equals and not folder:
        raise InputError(f"{source!r}: expected KIND=FOLDER, found no folder")
    return open_dataset(kind, Path(folder), head=head) if equals else open_dataset("generated", Path(source), head=head)
