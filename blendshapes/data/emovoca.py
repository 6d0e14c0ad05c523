"""EmoVOCA: VOCASET's sentences with eleven of Florence4D's expressions at three levels, 60 fps, FLAME topology
(Nocentini et al., "EmoVOCA: Speech-Driven Emotional 3D Talking Heads", WACV 2025). Made by a network, not scanned."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from .files import read_audio, read_templates, read_vertices, require
from .sequence import FLAME_TOPOLOGY, FLAME_VERTICES, DataSet, Label, Sequence, collected, constant, find_emotion
from .vocaset import FPS, standard_part

KIND = "emovoca"
SOURCE = "github.com/miccunifi/EmoVOCA, and templates.pkl from VOCASET"
STEM = re.compile(r"(FaceTalk_\d{6}_\d{5}_TA)_(sentence(\d{2}))_([A-Za-z]+\d?)_([123])")


def open_emovoca(folder: Path) -> DataSet:
    """`sequences/*.npy`, `wav/*.wav` and VOCASET's `templates.pkl`; raises InputError naming missing files."""
    require(folder, ("sequences", "templates.pkl"), kind="EmoVOCA", source=SOURCE)
    templates = read_templates(folder / "templates.pkl", FLAME_VERTICES)
    sequences, skipped = [], []
    for file in sorted((folder / "sequences").glob("*.npy")):
        match, sound = STEM.fullmatch(file.stem), folder / "wav" / f"{file.stem}.wav"
        if not match or match[1] not in templates:
            skipped.append(f"{file.name}: no name like <VOCASET clip>_<Expression>_<1|2|3>, or no neutral face")
            continue
        subject, sentence, number, expression, level = match.groups()
        sequences.append(
            Sequence(
                subject=subject,
                person=subject,
                name=f"{sentence}_{expression}_{level}",
                part=standard_part(subject, int(number)),
                label=Label(expression, find_emotion(expression), level=int(level) / 3),
                fps=FPS,
                vertices=partial(read_vertices, file, FLAME_VERTICES),
                neutral=constant(templates[subject]),
                audio=partial(read_audio, sound) if sound.is_file() else None,
            )
        )
    return collected(folder, KIND, FLAME_TOPOLOGY, sequences, skipped, source=SOURCE)
