"""The answers to a study and who gives them: checked, kept once, safe on the disk, and each list used alike."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from ..core.errors import InputError
from .around import note_problem, turned_away
from .journal import Journal, Row
from .messages import Answer, Arrival, Note, Sign, Submission
from .possible import items_of, problem

GIVEN_BACK = timedelta(minutes=10)  # after the last sign of somebody who has not answered everything
LONG_AGO = datetime.min.replace(tzinfo=UTC)
ANSWERS, PEOPLE = Path("responses", "responses.jsonl"), Path("participants.jsonl")  # in the folder of a study

State = Literal["finished", "active", "gone", "turned away"]
Clock = Callable[[], datetime]


class Refusal(Exception):
    """An answer that does not belong to this study; asking again does not help."""


class Conflict(Refusal):
    """A trial that is answered already, by another submission."""


@dataclass
class Person:
    """Somebody who takes part."""

    name: str
    list: int
    of: int  # trials of the list
    arrived: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)  # of the page's address
    given: dict[int, dict[str, str]] = field(default_factory=dict)  # trial -> item -> id of the submission
    done: set[int] = field(default_factory=set)  # trials answered
    notes: dict[str, Mapping[str, str]] = field(default_factory=dict)  # event -> item -> response
    note_ids: dict[str, str] = field(default_factory=dict)
    last_sign: datetime = LONG_AGO
    left: bool = False  # the page said so, and nothing has been heard since
    turned_away: bool = False

    def state(self, now: datetime) -> State:
        """Whether they have answered everything, are at it, or have left."""
        if len(self.done) >= self.of:
            return "finished"
        if self.turned_away:
            return "turned away"
        return "gone" if self.left or now - self.last_sign >= GIVEN_BACK else "active"


class Answers:
    """The answers to a built study: `DIR/responses/responses.jsonl`, and who takes part: `DIR/participants.jsonl`.

    Safe to call from several threads; only one process may hold it.
    """

    def __init__(
        self,
        folder: Path,
        settings: Mapping[str, Any],
        *,
        now: Clock = lambda: datetime.now(UTC),
        writes: bool = True,
    ) -> None:
        """Read the lists of the study in `folder` and what was answered before. Raises InputError.

        `settings` is what the page knows about the study (`public/study.json`). Without `writes` nothing is changed,
        and a server may run meanwhile.
        """
        self._settings = settings
        self._now = now
        self._lists = read_lists(folder / "public" / "lists")
        self._arrivals = Journal(folder / PEOPLE, writes=writes)
        self._answers = Journal(folder / ANSWERS, writes=writes)
        self._lock = threading.Lock()
        self._people: dict[str, Person] = {}
        try:
            for row in self._arrivals.rows:
                self._recall(row)
            for row in self._answers.rows:
                self._recall_answer(row)
        except KeyError as error:
            raise InputError(f"{folder}: a line of responses.jsonl or participants.jsonl has no {error}") from None

    def arrive(self, arrival: Arrival) -> Person:
        """The participant, new or back. Raises Refusal for a list that is not there.

        Who has a list keeps it. Others get the one they ask for, or the one that the fewest people have answered or are
        answering: who leaves gives a list back.
        """
        with self._lock:
            person = self._people.get(arrival.participant)
            if person is None:
                number = self._least_used() if arrival.list is None else arrival.list
                self._trials(number)
                kept = {k: v for k, v in arrival.parameters.items() if k in self._settings["parameters"]}
                row = {"participant": arrival.participant, "event": "arrived", "list": number, "received": self._time()}
                self._arrivals.append([row | {"parameters": kept}])
                person = self._recall(row | {"parameters": kept})
            self._see(person)
            return person

    def add(self, submission: Submission) -> None:
        """Keep the answers to a trial; sent again, it is kept once. Raises Refusal; OSError when the disk fails."""
        trial = self._check(submission)
        with self._lock:
            person = self._known(submission.participant)
            if person.list != submission.list:
                raise Refusal(f"participant {submission.participant} does not have list {submission.list}")
            given = person.given.get(submission.trial, {})
            if any(given.get(a.item, submission.id) != submission.id for a in submission.answers):
                raise Conflict(f"trial {submission.trial} is answered already")
            rows = [
                _row(submission, answer, trial["task"], self._time())
                for answer in submission.answers
                if answer.item not in given
            ]
            if rows:
                self._answers.append(rows)
                for row in rows:
                    self._recall_answer(row)
            self._see(person)

    def note(self, note: Note) -> None:
        """Keep what a participant said around the trials, once. Raises Refusal; OSError when the disk fails."""
        given = {answer.item: answer.response for answer in note.answers}
        wrong = note_problem(self._settings, note.event, given)
        if wrong is not None or len(given) < len(note.answers):
            raise Refusal(f"{note.event}: {wrong or 'expected every item once'}")
        with self._lock:
            person = self._known(note.participant)
            if person.note_ids.get(note.event, note.id) != note.id:
                raise Conflict(f"{note.event} is answered already")
            if note.event not in person.notes:
                row = {"participant": note.participant, "event": note.event, "answers": given}
                row |= {"received": self._time(), "id": note.id}
                self._arrivals.append([row])
                self._recall(row)
            self._see(person)

    def sign(self, sign: Sign) -> None:
        """A page is open, or was closed. Nothing is written down. Raises Refusal."""
        with self._lock:
            person = self._known(sign.participant)
            self._see(person)
            person.left = sign.left

    def delete(self, participant: str) -> int:
        """Remove everything that a participant said; how many answers that were. Raises Refusal for a stranger.

        Their list is given to somebody else. Stopped in the middle, it can be asked for again.
        """
        with self._lock:
            self._known(participant)
            removed = self._answers.remove(lambda row: row["participant"] == participant)
            self._arrivals.remove(lambda row: row["participant"] == participant)
            del self._people[participant]
            return removed

    def snapshot(self) -> tuple[list[Person], Sequence[Row], datetime]:
        """Everybody, all rows of answers, and the time."""
        with self._lock:
            return list(self._people.values()), tuple(self._answers.rows), self._now()

    @property
    def lists(self) -> Sequence[Sequence[Row]]:
        """The trials of all lists, as they are served."""
        return self._lists

    def _check(self, submission: Submission) -> Row:
        """The trial of a submission that answers it as asked."""
        trials = self._trials(submission.list)
        if submission.trial >= len(trials):
            raise Refusal(f"list {submission.list} has no trial {submission.trial}")
        trial = trials[submission.trial]
        given = {answer.item: answer.response for answer in submission.answers}
        wrong = problem(trial, given)
        if wrong is not None or len(given) < len(submission.answers):
            raise Refusal(wrong or f"trial {submission.trial}: expected every item once")
        return trial

    def _trials(self, number: int) -> list[Row]:
        if number >= len(self._lists):
            raise Refusal(f"there is no list {number}; this study has lists 0 to {len(self._lists) - 1}")
        return self._lists[number]

    def _known(self, participant: str) -> Person:
        if participant not in self._people:
            raise Refusal(f"there is no participant {participant}")
        return self._people[participant]

    def _see(self, person: Person) -> None:
        person.last_sign, person.left = self._now(), False

    def _time(self) -> str:
        return self._now().isoformat(timespec="milliseconds")

    def _recall(self, row: Row) -> Person:
        """Know what a line of participants.jsonl says."""
        name, event = row["participant"], row["event"]
        if event == "arrived":
            number = row["list"]
            of = len(self._lists[number]) if 0 <= number < len(self._lists) else 0
            self._people[name] = Person(name, number, of, row["received"], row.get("parameters", {}))
        elif name in self._people:
            person = self._people[name]
            person.notes[event], person.note_ids[event] = row["answers"], row["id"]
            person.turned_away = turned_away(self._settings, person.notes)
        else:
            raise KeyError(f"arrival of {name}")
        self._people[name].last_sign = _time(row["received"])
        return self._people[name]

    def _recall_answer(self, row: Row) -> None:
        """Know what a line of responses.jsonl says. Who has no arrival answered an earlier build of the study."""
        person = self._people.get(row["participant"])
        if person is None:
            return
        number, item, identity = row["trial"], row["item"], row["id"]
        person.given.setdefault(number, {})[item] = identity
        if number < person.of and person.given[number].keys() >= items_of(self._lists[person.list][number]).keys():
            person.done.add(number)
        person.last_sign = _time(row["received"])

    def _least_used(self) -> int:
        """The list with the fewest people who answer it or have; of these the one with the fewest answers."""
        taken, answered = [0] * len(self._lists), [0.0] * len(self._lists)
        now = self._now()
        for person in self._people.values():
            if person.list < len(self._lists):
                taken[person.list] += person.state(now) in {"finished", "active"}
                answered[person.list] += len(person.done) / max(person.of, 1)
        return min(range(len(self._lists)), key=lambda number: (taken[number], answered[number]))


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


def _row(submission: Submission, answer: Answer, task: str, received: str) -> Row:
    return {
        "participant": submission.participant,
        "list": submission.list,
        "trial": submission.trial,
        "task": task,
        **answer.model_dump(),
        **submission.timing.model_dump(),
        "received": received,
        "id": submission.id,
    }


def _time(written: Any) -> datetime:
    """When a line of ours was written; long ago where it does not say."""
    try:
        time = datetime.fromisoformat(written)
    except (TypeError, ValueError):
        return LONG_AGO
    return time if time.tzinfo else time.replace(tzinfo=UTC)
