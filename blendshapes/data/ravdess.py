"""RAVDESS: 24 actors speak and sing two sentences with eight emotions at two levels
(Livingstone and Russo, "The Ryerson Audio-Visual Database of Emotional Speech and Song", PLoS ONE 2018)."""

from __future__ import annotations

import re

from ..emotion import canonical_emotion
from .recordings import Files, Found, Recording, Unused, sound_and_film, stem_of

EMOTIONS = {f"{n:02d}" for n in range(1, 9)}
LEVELS = {"01": 0.5, "02": 1.0}  # normal, strong


def recordings(files: Files) -> Found:
    """`Actor_12/03-01-06-01-02-01-12.wav`: modality, channel, emotion, intensity, statement, repetition, actor."""
    stems = {stem_of(path).replace("_", "-") for _, path in sound_and_film(files)}
    for name, path in sound_and_film(files):
        stem = stem_of(path).replace("_", "-")
        codes = stem.split("-")
        if not re.fullmatch(r"\d\d(-\d\d){6}", stem):
            yield Unused(name, "is not named MM-CC-EE-II-SS-RR-AA")
            continue
        modality, channel, emotion, level, statement, repetition, actor = codes
        if modality == "02":
            yield Unused(name, "is a video without sound (modality 02)")
        elif modality == "01" and "-".join(["03", *codes[1:]]) in stems:
            yield Unused(name, "its sound is there as a file of its own (modality 03)")
        elif emotion not in EMOTIONS or level not in LEVELS:
            yield Unused(name, f"emotion {emotion}, intensity {level} are no codes of RAVDESS")
        else:
            intensity = None if emotion == "01" else LEVELS[level]  # neutral has one level only
            extra = {"actor": actor, "channel": channel, "statement": statement, "repetition": repetition}
            yield Recording(name, stem, canonical_emotion(emotion), intensity, extra)
