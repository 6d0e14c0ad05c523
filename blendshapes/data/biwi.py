"""BIWI (B3D(AC)^2): fourteen people speak forty sentences with emotion, 25 fps, own topology, as FaceFormer and
CodeTalker prepare it (Fanelli et al., "A 3-D Audio-Visual Corpus of Affective Communication", 2010)."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from .files import read_audio, read_templates, read_vertices, require
from .recordings import Files, Found, Recording, Unused, sound_and_film, stem_of
from .sequence import DataSet, Part, Sequence, collected, constant

KIND = "biwi"
SOURCE = "data.vision.ee.ethz.ch/cvl/datasets/b3dac2, then prepared with CodeTalker's BIWI scripts"
FPS = 25.0
VERTICES = 23370
METRES = 0.2  # of one unit of the prepared files; UniTalker uses the same factor
SEEN = ("F2", "F3", "F4", "M3", "M4", "M5")  # train, val, and Test-A within test
UNSEEN = ("F1", "F5", "F6", "F7", "F8", "M1", "M2", "M6")  # Test-B within test
STEM = re.compile(r"([FM]\d)_e(\d{2})")


def recordings(files: Files) -> Found:
    """`wav/F2_e01.wav`, or `F2/e01.wav`; with e the sentence is spoken with emotion, which one is not told."""
    pattern = re.compile(r"(?:.*/)?([FM]\d)[_/](e?)(\d\d)(?:_cut)?")
    for name, path in sound_and_film(files):
        if match := pattern.fullmatch(str(path.parent / stem_of(path))):
            subject, emotional, sentence = match.groups()
            extra = {"subject": subject, "sentence": sentence, "emotional": str(int(bool(emotional)))}
            label = None if emotional else "neutral"
            yield Recording(name, f"{subject}_{emotional}{sentence}", label, extra=extra)
        else:
            yield Unused(name, "is not named SUBJECT_eNN")


def open_biwi(folder: Path) -> DataSet:
    """The emotional subset (`vertices_npy`, `wav`, `templates.pkl`); raises InputError naming missing files."""
    require(folder, ("vertices_npy", "wav", "templates.pkl"), kind="BIWI", source=SOURCE)
    templates = read_templates(folder / "templates.pkl", VERTICES, scale=METRES)
    sequences, skipped = [], []
    for file in sorted((folder / "vertices_npy").glob("*.npy")):
        match, sound = STEM.fullmatch(file.stem), folder / "wav" / f"{file.stem}.wav"
        if not match or match[1] not in templates or not sound.is_file():
            skipped.append(f"{file.name}: no name like F2_e01, sound or neutral face")
            continue
        sequences.append(
            Sequence(
                subject=match[1],
                person=f"{KIND}/{match[1]}",
                name=f"e{match[2]}",
                part=standard_part(match[1], int(match[2])),
                label=None,  # emotional, but the files do not say which emotion
                fps=FPS,
                vertices=partial(read_vertices, file, VERTICES, scale=METRES),
                neutral=constant(templates[match[1]]),
                audio=partial(read_audio, sound),
            )
        )
    return collected(folder, KIND, f"biwi-{VERTICES}", sequences, skipped, source=SOURCE)


def standard_part(subject: str, sentence: int) -> Part | None:
    """FaceFormer's split: sentences 1-32 train, 33-36 val, 37-40 test; unseen people only in test."""
    if subject in UNSEEN:
        return "test" if 37 <= sentence <= 40 else None
    if subject not in SEEN or not 1 <= sentence <= 40:
        return None
    return "train" if sentence <= 32 else "val" if sentence <= 36 else "test"
