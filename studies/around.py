"""What may be said around the trials: answers to questionnaires, ticks of consent, what was heard with headphones."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

YES = "yes"
NUMBER = re.compile(r"-?[0-9]{1,9}([.,][0-9]{1,9})?")
SOUNDS = ("1", "2", "3")  # of a trial of the headphone check

Settings = Mapping[str, Any]  # what the page knows about its study


def note_problem(settings: Settings, event: str, given: Mapping[str, str]) -> str | None:
    """What is wrong with what a participant said around the trials; None where it belongs to the study."""
    match event:
        case "consent":
            asked = [f"consent_{number}" for number in range(1, 1 + len(settings["consent_items"]))]
            return None if given == dict.fromkeys(asked, YES) else "expected every item of the consent"
        case "headphones":
            sounds = (settings["headphones"] or {"sounds": []})["sounds"]
            heard = [f"sound_{number}" for number in range(1, 1 + len(sounds))]
            good = list(given) == heard and set(given.values()) <= set(SOUNDS) and heard
            return None if good else "expected an answer to every sound of the headphone check"
        case _:
            return _questions_problem(settings["questions"][event], given)


def sounds_right(settings: Settings, given: Mapping[str, str]) -> int:
    """How many sounds of the headphone check were told right."""
    return sum(
        given.get(f"sound_{number}") == sound["right"]
        for number, sound in enumerate(settings["headphones"]["sounds"], start=1)
    )


def turned_away(settings: Settings, notes: Mapping[str, Mapping[str, str]]) -> bool:
    """Whether a study ended for a participant because of the headphone check."""
    check = settings["headphones"]
    if check is None or check["fail"] != "end" or "headphones" not in notes:
        return False
    return sounds_right(settings, notes["headphones"]) < check["pass"]


def _questions_problem(questions: list[Mapping[str, Any]], given: Mapping[str, str]) -> str | None:
    if given.keys() != {question["id"] for question in questions}:
        return f"expected answers to {', '.join(question['id'] for question in questions)}"
    for question in questions:
        response = given[question["id"]]
        if not response and not question["required"]:
            continue
        if not _fits(question, response):
            return f"{question['id']} cannot be {response[:60]!r}"
    return None


def _fits(question: Mapping[str, Any], response: str) -> bool:
    match question["type"]:
        case "choice":
            return response in question["options"]
        case "likert":
            return response in {str(step) for step in range(1, question["points"] + 1)}
        case "number":
            return bool(NUMBER.fullmatch(response)) and (
                question["min"] <= float(response.replace(",", ".")) <= question["max"]
            )
        case _:
            return len(response.strip()) > 0 and len(response) <= 1000
