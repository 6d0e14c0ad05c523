"""How a study that runs is doing, and its answers as tables: for the experimenter alone."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from statistics import median, quantiles
from typing import Any, get_args

from ..core.tables import csv_text
from .answers import Answers, Person, State
from .around import Settings, sounds_right
from .journal import Row
from .lists import OTHER
from .messages import COLUMNS, TIMING
from .possible import DROPPED, dropped_share, passes
from .spreadsheets import as_text

LATE_MS = 60_000  # an answer that took longer is told as a problem

Expected = Mapping[tuple[int, int], str]  # list, trial -> what an attention check asks for


def read_expected(folder: Path) -> Expected:
    """What the attention checks of a built study ask for; nothing where the key is kept elsewhere."""
    path = folder / "key" / "trials.csv"
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row.get("phase") == "catch"]
    return {(int(row["list"]), int(row["trial"])): row["expected"] for row in rows}


def overview(answers: Answers, settings: Settings, expected: Expected) -> dict[str, Any]:
    """Counts, lists, reaction times, participants and their problems."""
    people, rows, now = answers.snapshot()
    states: dict[str, State] = {person.name: person.state(now) for person in people}
    theirs: dict[str, list[Row]] = {}
    for row in rows:
        theirs.setdefault(row["participant"], []).append(row)
    told = [
        _person(person, states[person.name], theirs.get(person.name, []), settings, expected, now) for person in people
    ]
    return {
        "title": settings["title"],
        "now": now.isoformat(timespec="seconds"),
        "answers": len(rows),
        "states": {state: sum(one == state for one in states.values()) for state in get_args(State)},
        "lists": _lists(len(answers.lists), people, states),
        "tasks": _reaction_times(rows),
        "people": sorted(told, key=lambda one: one["seconds"]),
    }


def answers_csv(rows: Iterable[Row]) -> str:
    """Answers to trials, as `render study analyse` reads them."""
    return _csv((*COLUMNS, *TIMING), (row | {"response": as_text(row["response"])} for row in rows))


def people_csv(people: Sequence[Person], settings: Settings, now: datetime) -> str:
    """A row per participant: state, parameters of the address, answers to questionnaires, headphones."""
    asked = [f"{event}_{q['id']}" for event in ("before", "after") for q in settings["questions"][event]]
    head = ["participant", "list", "state", "arrived", "trials_answered", "trials"]
    head += ["consent", *(["headphones_right"] if settings["headphones"] else [])]
    rows = [_wide(person, settings, now) for person in people]
    return _csv([*head, *settings["parameters"], *asked], rows)


def _wide(person: Person, settings: Settings, now: datetime) -> Row:
    row: Row = {name: as_text(person.parameters.get(name, "")) for name in settings["parameters"]}
    row |= {
        "participant": person.name,
        "list": person.list,
        "state": person.state(now),
        "arrived": person.arrived,
        "trials_answered": len(person.done),
        "trials": person.of,
        "consent": int("consent" in person.notes),
    }
    if settings["headphones"] and "headphones" in person.notes:
        row["headphones_right"] = sounds_right(settings, person.notes["headphones"])
    said = {
        f"{event}_{item}": as_text(text)
        for event in ("before", "after")
        for item, text in person.notes.get(event, {}).items()
    }
    return row | said


def _person(
    person: Person, state: State, rows: Sequence[Row], settings: Settings, expected: Expected, now: datetime
) -> dict[str, Any]:
    checks: dict[int, bool] = {}
    for row in rows:
        right = expected.get((row["list"], row["trial"]))
        if right is not None and row["item"] not in {"intensity", OTHER}:
            checks[row["trial"]] = checks.get(row["trial"], True) and passes(row["response"], right)
    times = [row["rt_ms"] for row in rows]
    failed, late = sum(not ok for ok in checks.values()), sum(time > LATE_MS for time in times)
    dropped = dropped_share({row["trial"]: row for row in rows}.values())
    problems = [f"failed {failed} of {len(checks)} attention checks"] if failed else []
    problems += [f"{late} answers took more than {LATE_MS // 1000} s"] if late else []
    problems += [f"{100 * dropped:.0f} % of frames dropped"] if dropped is not None and dropped >= DROPPED else []
    if "headphones" in person.notes:
        right, of = sounds_right(settings, person.notes["headphones"]), len(settings["headphones"]["sounds"])
        problems += [f"headphones: {right} of {of}"] if right < settings["headphones"]["pass"] else []
    return {
        "participant": person.name,
        "list": person.list,
        "state": state,
        "done": len(person.done),
        "of": person.of,
        "seconds": max(0, round((now - person.last_sign).total_seconds())),
        "median_ms": median(times) if times else None,
        "problems": problems,
    }


def _lists(count: int, people: Sequence[Person], states: Mapping[str, State]) -> list[dict[str, int]]:
    counted = Counter((person.list, states[person.name]) for person in people)
    return [{"list": number, **{state: counted[number, state] for state in get_args(State)}} for number in range(count)]


def _reaction_times(rows: Sequence[Row]) -> list[dict[str, Any]]:
    times: dict[str, list[int]] = {}
    for row in rows:
        times.setdefault(row["task"], []).append(row["rt_ms"])
    made: list[dict[str, Any]] = []
    for task, found in times.items():
        low, middle, high = quantiles(found, n=4, method="inclusive") if len(found) > 1 else found * 3
        made.append({"task": task, "answers": len(found), "quarter": low, "median": middle, "three_quarters": high})
    return made


def _csv(head: Sequence[str], rows: Iterable[Row]) -> str:
    return csv_text(head, ([row.get(name) for name in head] for row in rows))
