"""Deletion of what a participant said, while no server runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from .answers import Answers, Refusal
from .journal import only_server
from .page.page import PUBLIC, SETTINGS

TABLES = {".csv", ".jsonl"}


@dataclass(frozen=True)
class Deleted:
    """What is gone, and what is not ours to change."""

    answers: int
    elsewhere: list[Path]  # other tables in the study's folder that hold the participant


def delete_participant(folder: Path, participant: str) -> Deleted:
    """Delete a participant from the journals of the study in `folder`. Raises InputError.

    Reports and tables that were made from them before are named, not changed.
    """
    settings = folder / PUBLIC / SETTINGS
    if not settings.is_file():
        raise InputError(f"{folder}: expected a built study with {PUBLIC}/{SETTINGS}")
    with only_server(folder):
        try:
            removed = Answers(folder, json.loads(settings.read_bytes())).delete(participant)
        except Refusal as error:
            raise InputError(f"{folder}: {error}") from None
        except OSError as error:
            raise InputError(f"{folder}: could not be changed: {error.strerror}") from None
    return Deleted(removed, sorted(_holding(folder, participant)))


def _holding(folder: Path, participant: str) -> Iterator[Path]:
    """Tables outside `public/` with a field of this name."""
    for path in folder.rglob("*"):
        if path.suffix.lower() in TABLES and path.is_file() and PUBLIC not in path.relative_to(folder).parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            if any(participant in line.replace('"', ",").split(",") for line in text.splitlines()):
                yield path
