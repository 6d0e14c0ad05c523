"""HDTF: cut videos of people who speak in public (Zhang et al., "Flow-Guided One-Shot Talking Face Generation", CVPR
2021)."""

from __future__ import annotations

import re

from ...core.media_formats import FILM, SOUND
from .recordings import Files, Found, Recording, Unused, one_per_stem, stem_of


def recordings(files: Files) -> Found:
    """`RD_Radio1_000.mp4` and the like, downloaded and cut by the lists `RD_video_url.txt` ...; or their sound."""
    for name, path, better in one_per_stem(files, (".wav", ".flac", *sorted(SOUND), *sorted(FILM))):
        stem = stem_of(path)
        if better:
            yield Unused(name, f"is the same clip as {better}")
        elif match := re.fullmatch(r"(.+)[_#-](\d+)", stem):
            yield Recording(name, stem, extra={"video": match[1], "index": match[2]})
        else:
            yield Unused(name, "is not named VIDEO_INDEX; is it uncut?")
