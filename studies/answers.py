"""What participants may answer, and the answers they gave: checked, kept once, safe on the disk."""

from __future__ import annotations

import json
import threading
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from ..core.errors import InputError
from .journal import Journal, Row

GIVEN_BACK = timedelta(hours=1)  # after the last sign of somebody who has not answered everything
LONG_AGO = datetime.min.replace(tzinfo=UTC)
PARTICIPANT = r"^[A-Za-z0-9_-]{1,64}$"
SLIDER = frozenset(str(step) for step in range(101))

Participant = Annotated[str, Field(pattern=PARTICIPANT)]
Number = Annotated[int, Field(ge=0, lt=100_000)]


class Message(BaseModel):
    """Something that a page sends; nothing in it is converted or ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Arrival(Message):
    """A participant begins or comes back; `list` is the one that the page's address asks for."""

    participant: Participant
    list: Number | None = None


class Answer(Message):
    """The answer to one item of a trial."""

    item: Annotated[str, Field(min_length=1, max_length=100)]
    response: Annotated[str, Field(max_length=2000)]
    rt_ms: Annotated[int, Field(ge=0, le=86_400_000)]  # since answers were possible


class Submission(Message):
    """All answers to one trial. A page may send it again until it hears that it is safe: `id` stays the same."""

    id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")]
    participant: Participant
    list: Number
    trial: Number
    answers: Annotated[list[Answer], Field(min_length=1, max_length=100)]


class Refusal(Exception):
    """An answer that does not belong to this study; asking again does not help."""


class Conflict(Refusal):
    """A trial that is answered already, by another submission."""


class Answers:
    """The answers to a built study: `DIR/responses/responses.jsonl`, and who has which list: `DIR/participants.jsonl`.

    Safe to call from several threads; only one process may hold it.
    """

    def __init__(self, folder: Path) -> None:
        """Read the lists of the study in `folder` and what was answered before. Raises InputError."""
        self._lists = read_lists(folder / "public" / "lists")
        self._arrivals = Journal(folder / "participants.jsonl")
        self._answers = Journal(folder / "responses" / "responses.jsonl")
        self._lock = threading.Lock()
        self._list_of: dict[str, int] = {}
        self._done: Counter[str] = Counter()  # trials that a participant has answered
        self._last_sign: dict[str, datetime] = {}
        self._given: dict[tuple[str, int], dict[str, str]] = {}  # of a participant's trial: item -> id of submission
        try:
            for row in self._arrivals.rows:
                self._list_of[row["participant"]] = row["list"]
                self._last_sign[row["participant"]] = _time(row.get("arrived"))
            for row in self._answers.rows:
                self._given.setdefault((row["participant"], row["trial"]), {})[row["item"]] = row["id"]
                self._last_sign[row["participant"]] = _time(row.get("received"))
            self._done.update(who for who, n in self._given if self._complete(who, self._list_of.get(who, -1), n))
        except KeyError as error:
            raise InputError(f"{folder}: a line of responses.jsonl or participants.jsonl has no {error}") from None

    def arrive(self, arrival: Arrival) -> tuple[int, list[int]]:
        """The participant's list and the trials answered already. Raises Refusal for a list that is not there.

        Who has a list keeps it. Others get the one they ask for, or the one that the fewest people have answered or are
        answering: who leaves gives a list back, at once where all else is answered, after `GIVEN_BACK` in any case.
        """
        with self._lock:
            known = self._list_of.get(arrival.participant)
            if known is None:
                known = self._least_used() if arrival.list is None else arrival.list
                self._trials(known)
                row = {"participant": arrival.participant, "list": known, "arrived": _now()}
                self._arrivals.append([row])
                self._list_of[arrival.participant] = known
            self._last_sign[arrival.participant] = datetime.now(UTC)
            trials = range(len(self._trials(known)))
            return known, [n for n in trials if self._complete(arrival.participant, known, n)]

    def add(self, submission: Submission) -> None:
        """Keep the answers to a trial; sent again, it is kept once. Raises Refusal; OSError when the disk fails."""
        trial = self._check(submission)
        with self._lock:
            if self._list_of.get(submission.participant) != submission.list:
                raise Refusal(f"participant {submission.participant} does not have list {submission.list}")
            given = self._given.get((submission.participant, submission.trial), {})
            if any(given.get(a.item, submission.id) != submission.id for a in submission.answers):
                raise Conflict(f"trial {submission.trial} is answered already")
            new = [answer for answer in submission.answers if answer.item not in given]
            if not new:
                return
            self._answers.append([_row(submission, answer, trial["task"]) for answer in new])
            filled = given | {answer.item: submission.id for answer in new}
            self._given[submission.participant, submission.trial] = filled
            self._done[submission.participant] += self._complete(*_of(submission))
            self._last_sign[submission.participant] = datetime.now(UTC)

    def _check(self, submission: Submission) -> Row:
        """The trial of a submission that answers it as asked."""
        trials = self._trials(submission.list)
        if submission.trial >= len(trials):
            raise Refusal(f"list {submission.list} has no trial {submission.trial}")
        trial = trials[submission.trial]
        items = items_of(trial)
        if sorted(answer.item for answer in submission.answers) != sorted(items):
            raise Refusal(f"trial {submission.trial} asks for {', '.join(items)}")
        for answer in submission.answers:
            if answer.response not in items[answer.item]:
                raise Refusal(f"trial {submission.trial}: {answer.item} cannot be {answer.response[:60]!r}")
        return trial

    def _trials(self, number: int) -> list[Row]:
        if number >= len(self._lists):
            raise Refusal(f"there is no list {number}; this study has lists 0 to {len(self._lists) - 1}")
        return self._lists[number]

    def _complete(self, participant: str, number: int, trial: int) -> bool:
        there = 0 <= number < len(self._lists) and 0 <= trial < len(self._lists[number])
        return there and self._given.get((participant, trial), {}).keys() >= items_of(self._lists[number][trial]).keys()

    def _least_used(self) -> int:
        """The list with the fewest people who answer it or have; of these the one with the fewest answers."""
        taken, answered = [0.0] * len(self._lists), [0.0] * len(self._lists)
        now = datetime.now(UTC)
        for who, number in self._list_of.items():
            if number < len(self._lists):
                share = self._done[who] / len(self._lists[number]) if self._lists[number] else 1.0
                here = now - self._last_sign.get(who, LONG_AGO) < GIVEN_BACK
                taken[number] += 1.0 if here else share
                answered[number] += share
        return min(range(len(self._lists)), key=lambda number: (taken[number], answered[number]))


def items_of(trial: Row) -> dict[str, frozenset[str]]:
    """What a trial of a served list asks for, and the responses that are possible."""
    if trial["type"] == "mushra":
        return dict.fromkeys(trial["stimuli"], SLIDER)
    items = {"answer": frozenset(trial["choices"]) or SLIDER}
    return items | {"intensity": SLIDER} if trial.get("ask_intensity") else items


def read_lists(folder: Path) -> list[list[Row]]:
    """The trials of all lists, as they are served. Raises InputError."""
    paths = sorted(folder.glob("list_*.json"))
    if not paths:
        raise InputError(f"{folder}: expected the lists of a built study; run `render study build` first")
    try:
        return [json.loads(path.read_bytes())["trials"] for path in paths]
    except (ValueError, KeyError, TypeError):
        raise InputError(
            f"{folder}: expected lists as `render study build` writes them; build the study again"
        ) from None


def _row(submission: Submission, answer: Answer, task: str) -> dict[str, Any]:
    return {
        "participant": submission.participant,
        "list": submission.list,
        "trial": submission.trial,
        "task": task,
        "item": answer.item,
        "response": answer.response,
        "rt_ms": answer.rt_ms,
        "received": _now(),
        "id": submission.id,
    }


def _of(submission: Submission) -> tuple[str, int, int]:
    return submission.participant, submission.list, submission.trial


def _time(written: Any) -> datetime:
    """When a line of ours was written; long ago where it does not say."""
    try:
        time = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return LONG_AGO
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
