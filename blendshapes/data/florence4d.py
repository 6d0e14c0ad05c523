"""Florence4D: seventy expressions of 95 people, each from neutral to an apex and back, FLAME topology, without sound
(Principi et al., "The Florence 4D Facial Expression Dataset", arXiv 2210.16807)."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

import numpy as np

from ...core.errors import InputError
from .files import F32
from .ply import read_ply_vertices
from .sequence import (
    FLAME_TOPOLOGY,
    FLAME_VERTICES,
    DataSet,
    Label,
    Part,
    Sequence,
    collected,
    find_emotion,
    hashed_part,
)
from .vocaset import PARTS

KIND = "florence4d"
SOURCE = "micc.unifi.it/resources/datasets/florence-4d-facial-expression"
FPS = 30.0  # nominal: the files say nothing about time
# Twelve people are CoMA's, and they are VOCASET's speakers in sorted order
VOCASET_SPEAKERS = {f"COMA_CH{i:02d}": subject for i, subject in enumerate(sorted(PARTS), start=1)}


def open_florence4d(folder: Path) -> DataSet:
    """`<person>/<Expression>/<Expression>_<NN>.ply`; people and expressions are discovered. Raises InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: expected the folder of Florence4D, found none; get it from {SOURCE}")
    sequences, skipped = [], []
    for expression in sorted(p for p in folder.glob("*/*") if p.is_dir()):
        frames = _frames(expression)
        if len(frames) < 2:
            skipped.append(f"{expression}: no frames {expression.name}_<NN>.ply")
            continue
        sequences.append(_sequence(expression, frames))
    return collected(folder, KIND, FLAME_TOPOLOGY, sequences, skipped, source=SOURCE)


def person_of(actor: str) -> str:
    """One name per person: VOCASET's for the twelve that both data sets share."""
    return VOCASET_SPEAKERS.get(actor, f"{KIND}/{actor}")


def part_of(actor: str) -> Part:
    """VOCASET's part for the people it shares, a stable share of 80:10:10 for the others (no split is published)."""
    person = person_of(actor)
    return PARTS[person] if person in PARTS else hashed_part(person)


def _sequence(expression: Path, frames: tuple[Path, ...]) -> Sequence:
    actor, name = expression.parent.name, expression.name
    return Sequence(
        subject=actor,
        person=person_of(actor),
        name=name,
        part=part_of(actor),
        label=Label(name, find_emotion(name), held=False),
        fps=FPS,
        vertices=partial(_read_frames, frames),
        neutral=partial(_read_frame, frames[0]),  # every sequence begins at rest
        audio=None,
    )


def _frames(expression: Path) -> tuple[Path, ...]:
    """The frames of one expression in order of their numbers."""
    pattern = re.compile(re.escape(expression.name) + r"_(\d{1,6})\.ply", re.IGNORECASE)
    numbered = [(int(match[1]), path) for path in expression.iterdir() if (match := pattern.fullmatch(path.name))]
    return tuple(path for _, path in sorted(numbered))


def _read_frames(frames: tuple[Path, ...]) -> F32:
    return np.stack([_read_frame(path) for path in frames])


def _read_frame(path: Path) -> F32:
    vertices = read_ply_vertices(path)
    if len(vertices) != FLAME_VERTICES:
        raise InputError(f"{path}: expected {FLAME_VERTICES} vertices in FLAME's order, found {len(vertices)}")
    return vertices
