"""LJ Speech: one person reads 13 100 sentences from books, with their texts (Ito and Johnson, 2017)."""

from __future__ import annotations

from pathlib import PurePosixPath

from .recordings import Files, Found, Recording, Unused, sound_and_film


def recordings(files: Files) -> Found:
    """`metadata.csv` (id|text|normalised text) beside `wavs/LJ001-0001.wav`. Raises InputError."""
    listed = [n for n in files.names if PurePosixPath(n).name == "metadata.csv"]
    texts: dict[str, str] = {}
    for line in (files.text(listed[0]) if listed else "").split("\n"):  # splitlines() cuts within texts
        clip, *columns = line.strip("\r").split("|")
        if not clip:
            continue
        texts[clip] = columns[-1] if columns else ""
    for name, path in sound_and_film(files):
        if path.parent.name != "wavs":
            yield Unused(name, "does not lie in wavs")
        elif texts and path.stem not in texts:
            yield Unused(name, "is not in metadata.csv")
        else:
            yield Recording(name, path.stem, extra={"text": texts.pop(path.stem, "")})
    for clip in texts:
        yield Unused(f"wavs/{clip}.wav", "is in metadata.csv, but there is no such file")
