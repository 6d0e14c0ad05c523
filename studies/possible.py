"""What a trial of a served list asks for, and which responses are possible."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from itertools import pairwise
from typing import Any

from .lists import OTHER

SLIDER = frozenset(str(step) for step in range(101))
WORDS = re.compile(r"(?=.*\S)[^\x00-\x1f\x7f]{1,200}")  # a label of one's own
DROPPED = 0.05  # share of frames never shown from which on a participant's timing is told as a problem
SLACK = 5.0  # of 100: a slider moved to its end by hand or finger
PLAIN_NUMBER = re.compile(r"-?[0-9]{1,9}(\.[0-9]{1,12})?")  # no infinity, no underscore
STEP_MS = 100  # of a trace, in time of the video
MOST_STEPS = 6100  # of a trace; the longest clip takes ten minutes
TRACE = re.compile(r"[0-9]{1,6}:[0-9]{1,3}( [0-9]{1,6}:[0-9]{1,3})*")

Possible = frozenset[str] | Callable[[str], bool]


def items_of(trial: Mapping[str, Any]) -> dict[str, Possible]:
    """What a trial of a served list asks for, and the responses that are possible."""
    match trial["type"]:
        case "mushra":
            return dict.fromkeys(trial["stimuli"], SLIDER)
        case "free":
            return {"answer": is_label}
        case "trace":
            return {"answer": is_trace}
    items: dict[str, Possible] = {"answer": frozenset(trial["choices"]) or SLIDER}
    if trial.get("ask_other"):
        items["other"] = lambda text: not text or is_label(text)
    return items | {"intensity": SLIDER} if trial.get("ask_intensity") else items


def problem(trial: Mapping[str, Any], given: Mapping[str, str]) -> str | None:
    """What is wrong with responses by item; None where they are an answer to the trial."""
    items = items_of(trial)
    if given.keys() != items.keys():
        return f"trial {trial['trial']} asks for {', '.join(items)}"
    for item, response in given.items():
        if not is_possible(response, items[item]):
            return f"trial {trial['trial']}: {item} cannot be {response[:60]!r}"
    if "other" in given and (given["answer"] == OTHER) != bool(given["other"]):
        return f"trial {trial['trial']}: expected a word with the answer {OTHER!r}, and none with others"
    return None


def is_possible(response: str, possible: Possible) -> bool:
    """Whether a response is one of those."""
    return response in possible if isinstance(possible, frozenset) else possible(response)


def is_label(text: str) -> bool:
    """Whether a text may be somebody's own word for something."""
    return WORDS.fullmatch(text) is not None


def is_trace(text: str) -> bool:
    """Whether a text is a trace."""
    return bool(trace_of(text))


def trace_of(text: str) -> list[tuple[int, int]]:
    """Times (ms of the video) and values (0 to 100) of a trace such as `0:50 100:52 200:60`; none if it is no trace.

    >>> trace_of("0:50 103:52")
    [(0, 50), (103, 52)]
    """
    if len(text) > MOST_STEPS * 11 or not TRACE.fullmatch(text):
        return []
    pairs = [(int(time), int(value)) for time, _, value in (step.partition(":") for step in text.split(" "))]
    later = all(a < b for (a, _), (b, _) in pairwise(pairs))
    return pairs if later and len(pairs) <= MOST_STEPS and all(value <= 100 for _, value in pairs) else []


def passes(response: str, expected: str) -> bool:
    """Whether an attention check was answered as it says; a slider may be a little off, and a trace must end there."""
    steps = trace_of(response)
    number = str(steps[-1][1]) if steps else response
    if expected == "0" and PLAIN_NUMBER.fullmatch(number):
        return float(number) <= SLACK
    return response.strip().casefold() == expected.casefold()


def dropped_share(timings: Iterable[Mapping[str, Any]]) -> float | None:
    """Which share of the frames of trials was never shown; None where browsers did not tell."""
    told = [one for one in timings if one.get("dropped_frames") is not None and one.get("frames") is not None]
    dropped, seen = sum(one["dropped_frames"] for one in told), sum(one["frames"] for one in told)
    return dropped / (dropped + seen) if dropped + seen else None
