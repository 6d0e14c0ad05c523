"""BEAT: speech and conversation of thirty people in four languages, ARKit weights of an iPhone at 60 fps beside sound
(Liu et al., "BEAT: A Large-Scale Semantic and Emotional Multi-Modal Dataset", ECCV 2022)."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from ...avatars.head import HeadModel
from ..face_motion_files import FACE_MOTION
from .faces import face_sequence, pairs, read_face
from .sequence import DataSet, Label, collected

KIND = "beat"
SOURCE = "pantomatrix.github.io/BEAT"
FPS = 60.0
# <id>_<name>_<type>_<first>_<last>, `first` and `last` numbers of what is said; types: language, and speech or
# conversation
STEM = re.compile(r"\d+_([a-z]+)_([0-7])_(\d+)_(?:\d+|[ab])")
# The last number of what is said in each emotion, of speech; conversations are neutral
LAST = {64: "neutral", 72: "happy", 80: "angry", 86: "sad", 94: "contempt", 102: "surprised", 110: "fearful",
        118: "disgusted"}  # fmt: skip


def open_beat(folder: Path, head: HeadModel) -> DataSet:
    """`<id>/<id>_<name>_<type>_<first>_<last>.json` with `.wav` beside; raises InputError."""
    found, skipped = pairs(folder, (FACE_MOTION,))
    sequences = []
    for pair in found:
        stem = pair.motion.stem
        if not (match := STEM.fullmatch(stem)):
            skipped.append(f"{pair.motion.relative_to(folder)}: no name like 1_wayne_0_1_8")
            continue
        sequences.append(
            face_sequence(
                partial(read_face, pair.motion, fps=FPS),
                head,
                subject=match[1],
                person=person_of(match[1]),
                name=stem,
                label=label_of(stem),
                sound=pair.sound,
                fps=FPS,
            )
        )
    return collected(folder, KIND, head.version, sequences, skipped, source=SOURCE)


def person_of(name: str) -> str:
    """One name per person: those of BEAT2 are BEAT's."""
    return f"{KIND}/{name}"


def label_of(stem: str) -> Label | None:
    """The emotion that a recording's name tells, held.

    >>> label_of("1_wayne_0_65_65"), label_of("1_wayne_1_2_2")
    (Label(name='happy', emotion='happy', level=1.0, held=True), Label(name='neutral', emotion='neutral', level=1.0, \
held=True))
    """
    match = STEM.fullmatch(stem)
    if match is None:
        return None
    spoken, number = int(match[2]) % 2 == 0, int(match[3])
    emotion = next((e for last, e in LAST.items() if number <= last), None) if spoken else "neutral"
    return None if emotion is None else Label(emotion, emotion)
