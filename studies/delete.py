"""Deletion of what a participant said, while no server runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..core.errors import InputError
from .answers import Answers, Refusal
from .journal import only_writer
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
    with only_writer(folder):
        try:
            removed = Answers(folder, json.loads(settings.read_bytes())).delete(participant)
        except Refusal as error:
            raise InputError(f"{folder}: {error}") from None
        except OSError as error:
            raise InputError(f"{folder}: could not be changed: {error.strerror}") from None
    return Deleted(removed, sorted(_holding(folder, participant)))


def _holding(folder: Path, participant: str) -> Iterator[Path]:
    """Tables of answers or participants outside `public/` that have this one."""
    for path in folder.rglob("*"):
        if path.suffix.lower() in TABLES and path.is_file() and PUBLIC not in path.relative_to(folder).parts:
            with path.open(newline="", encoding="utf-8-sig", errors="replace") as stream:
                lines = stream if path.suffix.lower() == ".jsonl" else csv.DictReader(stream)
                if any(participant == _who(line) for line in lines):
                    yield path


def _who(line: str | Mapping[str, str]) -> object:
    """Whom a line of a table is about."""
    if isinstance(line, str):
        try:
            line = json.loads(line)
        except (ValueError, RecursionError):
            return None
    return line.get("participant") if isinstance(line, Mapping) else None
