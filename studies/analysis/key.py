"""What every trial of every list shows: read from a built study's key, or made from lists that were never rendered."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from ...core.errors import InputError
from ..design import Preference, Study
from ..lists import Phase, Trial, video_file
from ..stimuli import Stimulus

MAX_BYTES = 1 << 28


@dataclass(frozen=True)
class Shown:
    """One trial and what it shows."""

    list: int
    trial: int
    phase: Phase
    task: str
    clip: str
    condition: str  # a condition, a pair "a/b", an offset "+240", or "all"
    left: str  # of a pair: the condition on the left
    stimuli: Mapping[str, str]  # file name -> the condition that it shows, or "anchor"
    expected: str  # what an attention check asks for; empty elsewhere


ANCHOR = "anchor"  # the degraded version among the sliders
Key = Mapping[tuple[int, int], Shown]  # by list and trial


def key_of(study: Study, lists: Sequence[Sequence[Trial]]) -> Key:
    """The key of lists as they would be built."""
    return {
        (number, place): Shown(
            list=number,
            trial=place,
            phase=trial.phase,
            task=trial.task.id,
            clip=trial.clip,
            condition=trial.condition,
            left=trial.stimuli[0].left.condition if isinstance(trial.task, Preference) else "",
            stimuli={video_file(s, study): _meaning(s) for s in trial.stimuli},
            expected=trial.expected or "",
        )
        for number, trials in enumerate(lists)
        for place, trial in enumerate(trials)
    }


def read_key(folder: Path) -> Key:
    """The key of a built study, from `key/trials.csv` and `key/unblind.csv`; raises InputError."""
    meanings = {
        row["stimulus"]: _name(row["condition"], row["manner"])
        for row in _rows(folder / "key" / "unblind.csv", "stimulus,clip,condition,manner,offset_ms,open_reference")
    }
    path = folder / "key" / "trials.csv"
    header = "list,trial,phase,task,type,clip,condition,left,stimuli,expected"
    try:
        trials = [_shown(row, meanings) for row in _rows(path, header)]
    except (KeyError, ValueError) as error:
        raise InputError(f"{path}: {error} does not belong here; build the study again") from None
    return {(trial.list, trial.trial): trial for trial in trials}


def _shown(row: Mapping[str, str], meanings: Mapping[str, str]) -> Shown:
    phase: Phase | None = next((phase for phase in get_args(Phase) if phase == row["phase"]), None)
    if phase is None:
        raise ValueError(f"phase {row['phase']!r}")
    return Shown(
        list=int(row["list"]),
        trial=int(row["trial"]),
        phase=phase,
        task=row["task"],
        clip=row["clip"],
        condition=row["condition"],
        left=row["left"],
        stimuli={name: meanings[name] for name in row["stimuli"].split("|")},
        expected=row["expected"],
    )


def _rows(path: Path, header: str) -> list[dict[str, str]]:
    if not path.is_file():
        raise InputError(f"{path}: not found; expected the folder of a built study (`render study build`)")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path}: expected at most 256 MB")
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    if not rows or not set(header.split(",")) <= set(rows[0]) or any(None in row.values() for row in rows):
        raise InputError(f"{path}: expected rows of {header}; build the study again")
    return rows


def _meaning(stimulus: Stimulus) -> str:
    showings = stimulus.showings
    return _name("/".join(s.condition for s in showings), "/".join(s.manner for s in showings))


def _name(condition: str, manner: str) -> str:
    return condition if set(manner.split("/")) == {"plain"} else ANCHOR
