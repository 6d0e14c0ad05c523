"""Participants' answers: read strictly from CSV or JSON lines, and checked against what was shown to them."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ...core.errors import InputError
from ...core.tables import csv_text, delimiter_of, read_text
from ...core.whole_files import write_whole
from ..design import AnyTask, Study
from ..lists import OTHER, choices
from ..messages import COLUMNS, PARTICIPANT, TIMING
from ..possible import PLAIN_NUMBER, is_label, is_trace
from ..spreadsheets import as_text, as_written
from ..tasks import Free, Identification, Mushra, Trace
from .key import Key, Shown

HEADER = COLUMNS
ANSWER, INTENSITY = "answer", "intensity"  # items; of a page of sliders the item is the file's name
SIMULATED = "sim."  # how the ids of participants begin who never were; those of real ones have no dot
MAX_BYTES = 1 << 28
MOST_MS = 24 * 3600 * 1000
TIME = re.compile(
    r"([0-9A-Za-z][0-9A-Za-z:.,/+ -]{0,39})?"
)  # whatever another tool calls a time; nothing to harm a table
_DECIMAL_COMMA = re.compile(r"^(\d+),(\d+)$")


@dataclass(frozen=True)
class Answer:
    """One answered item."""

    participant: str
    shown: Shown
    item: str
    response: str
    rt_ms: float
    received: str
    timing: Mapping[str, int] = field(default_factory=dict)  # by the names of `TIMING`; not those that are unknown

    @property
    def number(self) -> float:
        """The response on a scale or slider."""
        return float(self.response)


@dataclass(frozen=True)
class Responses:
    """All answers, and what was noticed while reading them."""

    answers: Sequence[Answer]
    notes: Sequence[str]


def find_responses(folder: Path) -> list[Path]:
    """The files of answers that a study's own server wrote; raises InputError if there are none."""
    responses = folder / "responses"
    files = sorted(p for p in responses.rglob("*") if p.suffix.lower() in (".csv", ".jsonl") and p.is_file())
    if not files:
        raise InputError(f"{responses}: no answers there (*.csv or *.jsonl); name the files that hold them")
    return files


def read_responses(files: Sequence[Path], study: Study, key: Key) -> Responses:
    """Read answers and check each one; raises InputError that names file and line of the first bad one.

    Of two answers of a participant to the same item the first counts and the others are noted, because a page that is
    loaded again asks again. An id that stands for two lists is an error, because nobody can tell who answered what.
    """
    tasks = {task.id: task for task in study.tasks}
    first: dict[tuple[str, int, str], Answer] = {}
    lists: dict[str, int] = {}
    notes: Counter[str] = Counter()
    for where, row in _all_rows(files, notes):
        if row["trial"] == "":  # said around the trials: a page's download has it among the answers
            notes["answers around the trials, not analysed"] += 1
            continue
        answer = _checked(row, where, tasks, key)
        shown = answer.shown
        if lists.setdefault(answer.participant, shown.list) != shown.list:
            other = lists[answer.participant]
            raise InputError(
                f"{where}: participant {answer.participant} answered list {other} before, found list {shown.list}; "
                "remove one of the two sessions"
            )
        kept = first.setdefault((answer.participant, shown.trial, answer.item), answer)
        if kept is not answer:
            same = kept.response == answer.response
            notes["answers sent twice, counted once" if same else "second, different answers, not counted"] += 1
    if not first:
        raise InputError(f"{files[0]}: expected at least one answer, found none")
    shared = sum(n > 1 for n in Counter(lists.values()).values())
    if shared:
        notes["lists that more than one participant answered"] = shared
    return Responses(list(first.values()), [f"{what}: {n}" for what, n in notes.items()])


def write_responses(path: Path, answers: Iterable[Answer]) -> None:
    """Write answers as CSV, whole or not at all."""
    rows = (
        (
            *(a.participant, a.shown.list, a.shown.trial, a.shown.task),
            *(a.item, as_text(a.response), f"{a.rt_ms:.0f}", a.received),
        )
        for a in answers
    )
    write_whole(path, csv_text(HEADER, rows).encode())


def items_of(task: AnyTask, shown: Shown) -> list[str]:
    """What is asked in a trial."""
    match task:
        case Mushra():
            return list(shown.stimuli)
        case Identification():
            return [ANSWER, *([OTHER] if task.other else []), *([INTENSITY] if task.intensity else [])]
        case _:
            return [ANSWER]


def _all_rows(files: Sequence[Path], notes: Counter[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    for path in files:
        if not path.is_file():
            raise InputError(f"{path}: no such file of answers")
        text = read_text(path, most=MAX_BYTES, utf16=True)
        read = _json_rows if path.suffix.lower() == ".jsonl" else _csv_rows
        yield from read(path, text, notes)


def _csv_rows(path: Path, text: str, notes: Counter[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    """Rows by column, in whatever order the columns stand; those that we do not know are not read, and noted.

    It is read as spreadsheets save it: parted by commas, semicolons or tabs, the latter two with decimal commas, with
    empty rows, and with names of columns that begin with a capital. Several tables one below the other are one.
    """
    mark = delimiter_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        header = [name.strip().lower() for name in next(reader, [])]
        missing = [name for name in HEADER if header.count(name) != 1]
        if missing:
            raise InputError(f"{path}: line 1: expected {','.join(HEADER)}, found {','.join(header)[:120]!r}")
        unknown = [name or "without a name" for name in header if name not in {*HEADER, *TIMING}]
        if unknown:
            notes[f"{path.name}: columns that are not read ({', '.join(unknown)[:120]})"] = len(unknown)
        for cells in reader:
            row = cells if mark == "," else [_DECIMAL_COMMA.sub(r"\1.\2", cell) for cell in cells]
            if not any(row) or [name.strip().lower() for name in row] == header:
                continue
            if len(row) != len(header) and not (len(row) > len(header) and not any(row[len(header) :])):
                raise InputError(f"{path}: line {reader.line_num}: expected {len(header)} fields, found {len(row)}")
            named = dict(zip(header, row, strict=False))
            yield f"{path}: line {reader.line_num}", named | {"response": as_written(named["response"])}
    except csv.Error as error:
        raise InputError(f"{path}: line {reader.line_num}: is no CSV: {error}") from None


def _json_rows(path: Path, text: str, notes: Counter[str]) -> Iterator[tuple[str, Mapping[str, object]]]:
    lines = text.split("\n")
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError):
            if number == len(lines):  # without its line end it was never acknowledged to the participant
                notes["unfinished last lines, left out"] += 1
                continue
            raise InputError(f"{path}: line {number}: is no JSON") from None
        missing = [name for name in HEADER if name not in row] if isinstance(row, dict) else list(HEADER)
        if missing:
            raise InputError(f"{path}: line {number}: expected an object with {', '.join(HEADER)}, no {missing[0]!r}")
        yield f"{path}: line {number}", row


def _checked(row: Mapping[str, object], where: str, tasks: Mapping[str, AnyTask], key: Key) -> Answer:
    """The answer in a row; raises InputError for whatever cannot have been answered."""
    text = {name: str(row[name]) for name in HEADER}
    if not re.fullmatch(PARTICIPANT, text["participant"].removeprefix(SIMULATED)):
        raise InputError(
            f"{where}: participant: expected 1 to 64 of A-Z a-z 0-9 _ -, found {text['participant']!r:.80}"
        )
    place = (_whole(text["list"], "list", where), _whole(text["trial"], "trial", where))
    shown = key.get(place)
    if shown is None:
        raise InputError(f"{where}: the study has no trial {place[1]} in a list {place[0]}; is it another study's?")
    if shown.task != text["task"]:
        raise InputError(f"{where}: task: expected {shown.task!r} in this trial, found {text['task']!r:.80}")
    task = tasks.get(shown.task)
    if task is None:
        raise InputError(f"{where}: task: the design has no task {shown.task!r}; build the study again")
    expected = items_of(task, shown)
    if text["item"] not in expected:
        raise InputError(f"{where}: item: expected {' or '.join(expected)}, found {text['item']!r:.80}")
    _check_response(text["response"], task, text["item"], where)
    milliseconds = _number(text["rt_ms"])
    if milliseconds is None or not 0 <= milliseconds <= MOST_MS:
        raise InputError(f"{where}: rt_ms: expected milliseconds up to one day, found {text['rt_ms']!r:.80}")
    if not TIME.fullmatch(text["received"]):
        raise InputError(
            f"{where}: received: expected a time such as 2026-01-31T12:00:00Z, found {text['received']!a:.80}"
        )
    told = {name: _count(row.get(name), name, where) for name in TIMING}
    timing = {name: value for name, value in told.items() if value is not None}
    return Answer(text["participant"], shown, text["item"], text["response"], milliseconds, text["received"], timing)


def _check_response(response: str, task: AnyTask, item: str, where: str) -> None:
    answers = choices(task) if item == ANSWER else []
    number = _number(response)
    if item == OTHER:
        fits, expected = not response or is_label(response), "a word or two"
    elif isinstance(task, Free):
        fits, expected = is_label(response), "a word or two"
    elif isinstance(task, Trace):
        fits, expected = is_trace(response), "a trace such as 0:50 100:52"
    elif answers:
        fits, expected = response in answers, f"one of {', '.join(answers)}"
    else:
        fits, expected = number is not None and 0 <= number <= 100, "a number from 0 to 100"
    if not fits:
        raise InputError(f"{where}: response: expected {expected}, found {response!r:.80}")


def _number(text: str) -> float | None:
    return float(text) if PLAIN_NUMBER.fullmatch(text) else None


def _count(value: object, name: str, where: str) -> int | None:
    """A whole number of milliseconds or frames; None where there is none."""
    text = "" if value is None else str(value)
    found = re.fullmatch(r"(-?[0-9]{1,9})(\.0*)?", text)
    if text and not found:
        raise InputError(f"{where}: {name}: expected a whole number or nothing, found {text!r:.80}")
    return int(found[1]) if found else None


def _whole(text: str, name: str, where: str) -> int:
    if not (found := re.fullmatch(r"([0-9]{1,7})(\.0*)?", text)):  # tables with empty cells make 3 to 3.0
        raise InputError(f"{where}: {name}: expected a whole number, found {text!r:.80}")
    return int(found[1])
