"""Writing recordings as `recordings` reads them: sound, what is said, when each phone sounds, and on what terms."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..speech.features import RATE
from ..speech.phones import DIPHTHONGS, IPA, IPA_PAIRS, SILENCE, Segment
from .corpus import Utterance
from .recordings import GLIDING, LICENCES, MANIFEST, PHONES

_SYMBOLS = {phone: symbol for symbol, phone in reversed([*IPA.items(), *IPA_PAIRS.items()])} | {SILENCE: "_"}


def add_licence(folder: Path, licence: str) -> None:
    """Say on what terms the recordings may be used."""
    (folder / LICENCES[0]).write_text(f"{licence}\n", encoding="utf-8")


def add(folder: Path, number: int, said: Utterance, row: dict[str, Any]) -> None:
    """Add a recording; `row` is what its line in the manifest tells besides file and text: `id`, `speaker`, ..."""
    import soundfile

    name = f"audio/{number:06d}.flac"
    (folder / name).parent.mkdir(exist_ok=True)
    soundfile.write(folder / name, said.wave, RATE)
    add_line(folder / MANIFEST, {"id": row["id"], "file": name, "text": said.text} | row)
    add_line(folder / PHONES, {"id": row["id"], "phones": _written(said.segments)})


def add_line(path: Path, line: dict[str, Any]) -> None:
    """Add an object to a file with one per line."""
    with path.open("a", encoding="utf-8") as lines:
        lines.write(json.dumps(line, ensure_ascii=False) + "\n")


def _written(segments: Sequence[Segment]) -> list[list[Any]]:
    """Phones in IPA, diphthongs with the time of their second half."""
    lines: list[list[Any]] = []
    for k, (start, end, phone) in enumerate(segments):
        before = segments[k - 1].phone if k else SILENCE
        after = segments[k + 1] if k + 1 < len(segments) else None
        if (before, phone) in GLIDING:
            continue
        if after and (phone, after.phone) in GLIDING:
            name = next(n for n, (first, second, _) in DIPHTHONGS.items() if (first, second) == (phone, after.phone))
            lines.append([_SYMBOLS[name], round(start, 4), round(after.end, 4), round(end, 4)])
        else:
            lines.append([_SYMBOLS[phone], round(start, 4), round(end, 4)])
    return lines
