"""VOCASET: twelve people speak forty sentences each, 60 fps, FLAME topology, neutral. As distributed or as FaceFormer
prepares it (Cudeiro et al., "Capture, Learning, and Synthesis of 3D Speaking Styles", CVPR 2019)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.pickles import read_pickle
from ...core.errors import InputError
from .files import F32, open_vertices, read_audio, read_templates, read_vertices, require, resampled
from .recordings import Files, Found, Recording, Unused, sound_and_film, stem_of
from .sequence import FLAME_TOPOLOGY, FLAME_VERTICES, DataSet, Label, Part, Sequence, collected, constant

KIND = "vocaset"
SOURCE = "voca.is.tue.mpg.de"
FPS = 60.0
NEUTRAL = Label("neutral", "neutral")

# the order of the training subjects is the order of the speaker codes of FaceFormer and its successors
_TRAIN = "170728_03272 170904_00128 170725_00137 170915_00223 170811_03274 170913_03279 170904_03276 170912_03278"
SUBJECTS: dict[Part, tuple[str, ...]] = {
    "train": tuple(f"FaceTalk_{code}_TA" for code in _TRAIN.split()),
    "val": ("FaceTalk_170811_03275_TA", "FaceTalk_170908_03277_TA"),
    "test": ("FaceTalk_170809_00138_TA", "FaceTalk_170731_00024_TA"),
}
PARTS: dict[str, Part] = {subject: part for part, subjects in SUBJECTS.items() for subject in subjects}
EVALUATED = range(21, 41)  # sentences of the people in val and test
STEM = re.compile(r"(FaceTalk_\d{6}_\d{5}_TA)_sentence(\d{2})")


def recordings(files: Files) -> Found:
    """`wav/FaceTalk_170728_03272_TA_sentence01.wav`, or `FaceTalk_170728_03272_TA/sentence01.wav`."""
    pattern = re.compile(r"(?:.*/)?(FaceTalk_\d{6}_\d{5}_TA)[_/](sentence\d\d)")
    for name, path in sound_and_film(files):
        if match := pattern.fullmatch(str(path.parent / stem_of(path))):
            subject, sentence = match.groups()
            yield Recording(name, f"{subject}_{sentence}", extra={"subject": subject, "sentence": sentence})
        else:
            yield Unused(name, "is not named FaceTalk_DATE_ID_TA_sentenceNN")


def open_vocaset(folder: Path) -> DataSet:
    """Either layout of VOCASET; raises InputError that names the missing files."""
    if (folder / "vertices_npy").is_dir():
        return _open_prepared(folder)
    return _open_distributed(folder)


def standard_part(subject: str, sentence: int) -> Part | None:
    """The split of VOCA and all its successors: by person, and only sentences 21 to 40 of val and test."""
    part = PARTS.get(subject)
    return part if part == "train" or sentence in EVALUATED else None


def _open_distributed(folder: Path) -> DataSet:
    files = ("data_verts.npy", "subj_seq_to_idx.pkl", "raw_audio_fixed.pkl", "templates.pkl")
    require(folder, files, kind="VOCASET (or vertices_npy/ as FaceFormer prepares it)", source=SOURCE)
    templates = read_templates(folder / "templates.pkl", FLAME_VERTICES)
    frames = open_vertices(folder / "data_verts.npy", FLAME_VERTICES)
    sounds = _nested(folder / "raw_audio_fixed.pkl")
    sequences, skipped = [], []
    for subject, name, index in _clips(_nested(folder / "subj_seq_to_idx.pkl")):
        rows = _rows(index, len(frames))
        sound = _sound(sounds.get(subject, {}).get(name))
        if rows is None or sound is None or subject not in templates:
            lacks = "frames without gaps" if rows is None else "sound or neutral face"
            skipped.append(f"{subject}/{name}: no {lacks}")
            continue
        vertices = partial(_take, frames, rows)
        audio = partial(resampled, *sound, f"{folder}: {subject}/{name}")
        sequences.append(_sequence(subject, name, vertices=vertices, neutral=templates[subject], audio=audio))
    return collected(folder, KIND, FLAME_TOPOLOGY, sequences, skipped, source=SOURCE)


def _open_prepared(folder: Path) -> DataSet:
    require(folder, ("wav", "templates.pkl"), kind="VOCASET as FaceFormer prepares it", source=SOURCE)
    templates = read_templates(folder / "templates.pkl", FLAME_VERTICES)
    sequences, skipped = [], []
    for path in sorted((folder / "vertices_npy").glob("*.npy")):
        sound = folder / "wav" / f"{path.stem}.wav"
        match = STEM.fullmatch(path.stem)
        if not match or match[1] not in templates or not sound.is_file():
            skipped.append(f"{path.name}: no name like FaceTalk_170728_03272_TA_sentence01, sound or neutral face")
            continue
        vertices, audio = partial(read_vertices, path, FLAME_VERTICES), partial(read_audio, sound)
        name = f"sentence{match[2]}"
        sequences.append(_sequence(match[1], name, vertices=vertices, neutral=templates[match[1]], audio=audio))
    return collected(folder, KIND, FLAME_TOPOLOGY, sequences, skipped, source=SOURCE)


def _sequence(subject: str, name: str, *, vertices: Any, neutral: F32, audio: Any) -> Sequence:
    return Sequence(
        subject=subject,
        person=subject,
        name=name,
        part=standard_part(subject, int(name[-2:])),
        label=NEUTRAL,
        fps=FPS,
        vertices=vertices,
        neutral=constant(neutral),
        audio=audio,
    )


def _nested(path: Path) -> dict[str, dict[str, Any]]:
    found = read_pickle(path)
    if not isinstance(found, dict) or not all(isinstance(v, dict) for v in found.values()):
        raise InputError(f"{path}: expected dicts by subject and sequence, found something else")
    return found


def _clips(index: dict[str, dict[str, Any]]) -> Iterator[tuple[str, str, Any]]:
    for subject in sorted(map(str, index)):
        clips = index.get(subject, {})
        for name in sorted(n for n in clips if isinstance(n, str) and re.fullmatch(r"sentence\d\d", n)):
            yield subject, name, clips[name]


def _rows(index: Any, count: int) -> NDArray[np.int64] | None:
    """Rows of consecutive frames 0, 1, ..., or None where frames are missing or the rows are not in the array."""
    if not isinstance(index, dict) or not index or set(index) != set(range(len(index))):
        return None
    rows = [index[frame] for frame in range(len(index))]
    if not all(type(row) is int and 0 <= row < count for row in rows):
        return None
    return np.array(rows)


def _sound(found: Any) -> tuple[NDArray[Any], float] | None:
    """Samples and rate, or None where there is none."""
    samples, rate = (found.get("audio"), found.get("sample_rate")) if isinstance(found, dict) else (None, None)
    return (samples, rate) if isinstance(samples, np.ndarray) and isinstance(rate, int | float) else None


def _take(frames: NDArray[Any], rows: NDArray[np.int64]) -> F32:
    return frames[rows].astype(np.float32)
