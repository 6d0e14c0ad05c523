"""CREMA-D: 91 actors speak twelve sentences with six emotions, some at three levels
(Cao et al., "CREMA-D: Crowd-Sourced Emotional Multimodal Actors Dataset", IEEE Trans. Affective Computing 2014)."""

from __future__ import annotations

import re

from .recordings import Files, Found, Recording, Unused, labelled, one_per_stem, stem_of

LEVELS = {"LO": 0.33, "MD": 0.67, "HI": 1.0}  # XX: unspecified


def recordings(files: Files) -> Found:
    """`AudioWAV/1001_DFA_ANG_XX.wav`: actor, sentence, emotion, level."""
    for name, path, better in one_per_stem(files, (".wav", ".flac", ".mp3", ".flv")):
        if better:
            yield Unused(name, f"is the same clip as {better}")
            continue
        stem = re.sub("[-#]", "_", stem_of(path)).upper()
        if not (match := re.fullmatch(r"(\d{4})_([A-Z]{3})_([A-Z]{3})_(LO|MD|HI|XX|X)", stem)):
            yield Unused(name, "is not named ACTOR_SENTENCE_EMOTION_LEVEL")
            continue
        actor, sentence, emotion, level = match.groups()
        extra = {"actor": actor, "sentence": sentence}
        yield labelled(Recording(name, stem, intensity=LEVELS.get(level), extra=extra), emotion)
