"""Answers from outside: what is read, what is noted, what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emosplat.core.errors import InputError
from emosplat.studies.analysis.key import Key
from emosplat.studies.analysis.responses import HEADER, Responses, find_responses, read_responses, write_responses
from emosplat.studies.design import Study
from emosplat.studies.overview import answers_csv
from emosplat.studies.simulate import Effects, simulate

HEAD = ",".join(HEADER)


def read_text(text: str | bytes, tmp_path: Path, study: Study, key: Key, *, name: str = "a.csv") -> Responses:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_responses([path], study, key)


def first_trial(key: Key, task: str) -> int:
    return next(
        shown.trial for shown in key.values() if shown.list == 0 and shown.task == task and shown.phase == "main"
    )


@pytest.fixture
def good(key: Key) -> str:
    return f"p1,0,{first_trial(key, 'fits')},fits,answer,left,812,2026-01-01T00:00:00Z"


def test_written_answers_are_read_again(tmp_path: Path, study: Study, key: Key) -> None:
    answers = simulate(study, key, Effects(careless=0.3), rng=np.random.default_rng(0))
    write_responses(tmp_path / "a.csv", answers)
    read = read_responses([tmp_path / "a.csv"], study, key)
    assert read.answers == answers
    assert not read.notes
    assert [p.name for p in tmp_path.iterdir()] == ["a.csv"]


def test_json_lines_and_csv_are_the_same(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    row = dict(zip(HEADER, good.split(","), strict=True)) | {"list": 0, "rt_ms": 812, "id": "of the server"}
    lines = read_text(json.dumps(row) + "\n", tmp_path, study, key, name="a.jsonl")
    assert lines.answers == read_text(f"{HEAD}\n{good}\n", tmp_path, study, key).answers


@pytest.mark.parametrize("mark", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_what_spreadsheets_save_is_the_same(
    tmp_path: Path, study: Study, key: Key, good: str, mark: str, encoding: str
) -> None:
    plain = read_text(f"{HEAD}\n{good}\n", tmp_path, study, key)
    person, row, trial, *rest = good.split(",")
    cells = [[name.capitalize() for name in HEADER], [person, f"{row}.0", f"{trial}.0", *rest], [""] * len(HEADER)]
    text = "\r\n".join(mark.join(line) for line in cells) + "\r\n"
    saved = read_text(text.encode(encoding), tmp_path, study, key)
    assert saved.answers == plain.answers
    assert not saved.notes


@pytest.mark.parametrize("time", ["12/31/2025 12:00", "12/31/25 12:00 PM", "31.12.2025 12:00", "2025/12/31, 12:00"])
def test_times_and_numbers_as_spreadsheets_write_them_are_taken(
    tmp_path: Path, study: Study, key: Key, good: str, time: str
) -> None:
    written = good.replace(",", ";").replace(";812;", ";812,5;").replace("2026-01-01T00:00:00Z", time)
    (answer,) = read_text(f"{HEAD.replace(',', ';')}\n{written}\n", tmp_path, study, key).answers
    assert (answer.rt_ms, answer.received) == (812.5, time)


def test_tables_one_below_the_other_are_one(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    other = good.replace("p1", "p2")
    both = read_text(f"{HEAD}\n{good}\n{HEAD}\n{other}\n", tmp_path, study, key)
    assert [answer.participant for answer in both.answers] == ["p1", "p2"]


def test_line_that_was_cut_off_is_noted(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    row = json.dumps(dict(zip(HEADER, good.split(","), strict=True)))
    read = read_text(f"{row}\n{row[:30]}", tmp_path, study, key, name="a.jsonl")
    assert len(read.answers) == 1
    assert read.notes == ["unfinished last lines, left out: 1"]
    with pytest.raises(InputError, match=r"a\.jsonl: line 1: is no JSON"):
        read_text(f"{row[:30]}\n{row}\n", tmp_path, study, key, name="a.jsonl")


def test_first_of_two_answers_counts(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    other = good.replace("left", "right")
    read = read_text("\n".join([HEAD, good, good, other]), tmp_path, study, key)
    assert [a.response for a in read.answers] == ["left"]
    assert read.notes == ["answers sent twice, counted once: 1", "second, different answers, not counted: 1"]


def test_shared_list_is_noted(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    read = read_text("\n".join([HEAD, good, good.replace("p1", "p2")]), tmp_path, study, key)
    assert read.notes == ["lists that more than one participant answered: 1"]


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("p1", "../etc", "participant: expected"),
        ("p1", "x" * 65, "participant: expected"),
        ("p1", "sim.", "participant: expected"),
        ("p1", "anna.1", "participant: expected"),
        (",0,", ",999,", "no trial"),
        (",0,", ",-1,", "list: expected a whole number"),
        ("fits", "natural", "task: expected 'fits'"),
        ("answer", "intensity", "item: expected answer"),
        ("left", "up", "response: expected one of left, right, no difference"),
        ("812", "-1", "rt_ms: expected"),
        ("812", "nan", "rt_ms: expected"),
        (",812", "", "expected 8 fields, found 7"),
        ("2026-01-01T00:00:00Z", "=1+1", "received: expected a time"),
    ],
)
def test_bad_row_is_named(
    tmp_path: Path, study: Study, key: Key, good: str, old: str, new: str, complaint: str
) -> None:
    with pytest.raises(InputError, match=rf"a\.csv: line 2: .*{complaint}") as error:
        read_text(f"{HEAD}\n{good.replace(old, new, 1)}\n", tmp_path, study, key)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("response", ["101", "-1", "inf", "1e1", "4_0", "", "left"])
def test_slider_takes_0_to_100(tmp_path: Path, study: Study, key: Key, response: str) -> None:
    row = f"p1,0,{first_trial(key, 'slide')},slide,answer,{response},5,now"
    with pytest.raises(InputError, match="response: expected a number from 0 to 100"):
        read_text(f"{HEAD}\n{row}\n", tmp_path, study, key)


def test_participant_with_two_lists_is_refused(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    trial = next(s.trial for s in key.values() if s.list == 1 and s.task == "fits")
    other = f"p1,1,{trial},fits,answer,left,5,now"
    with pytest.raises(InputError, match="line 3: participant p1 answered list 0 before, found list 1"):
        read_text("\n".join([HEAD, good, other]), tmp_path, study, key)


def test_wrong_files_are_refused(tmp_path: Path, study: Study, key: Key) -> None:
    with pytest.raises(InputError, match="no answers there"):
        find_responses(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_responses([tmp_path / "none.csv"], study, key)
    with pytest.raises(InputError, match="at least one answer"):
        read_text(HEAD, tmp_path, study, key)
    with pytest.raises(InputError, match="line 1: expected participant"):
        read_text("a,b\n1,2\n", tmp_path, study, key)
    with pytest.raises(InputError, match="UTF-8"):
        read_text(b"\xff\xfe\x00", tmp_path, study, key)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(alphabet=st.sampled_from('p10,fits answerleft"\n\r{}[]:\\\x00é'), max_size=120),
    json_lines=st.booleans(),
)
def test_nothing_but_a_complaint_comes_of_nonsense(
    tmp_path: Path, study: Study, key: Key, text: str, json_lines: bool
) -> None:
    with pytest.raises(InputError):
        read_text(
            text if json_lines else f"{HEAD}\n{text}", tmp_path, study, key, name="a.jsonl" if json_lines else "a.csv"
        )


def test_columns_that_others_add_do_not_matter(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    plain = read_text(f"{HEAD}\n{good}\n", tmp_path, study, key)
    excel = read_text(f"{HEAD},\n{good},\n", tmp_path, study, key)
    assert excel.answers == plain.answers
    assert excel.notes == ["a.csv: columns that are not read (without a name): 1"]
    more = read_text(f"browser,{HEAD},mood\nFirefox,{good},fine\n", tmp_path, study, key)
    assert more.answers == plain.answers
    assert more.notes == ["a.csv: columns that are not read (browser, mood): 2"]
    assert read_text(f"{HEAD}\n{good},,\n", tmp_path, study, key).answers == plain.answers
    with pytest.raises(InputError, match="expected 8 fields, found 9"):
        read_text(f"{HEAD}\n{good},x\n", tmp_path, study, key)
    with pytest.raises(InputError, match="line 1: expected participant"):
        read_text(f"{HEAD},list\n{good},0\n", tmp_path, study, key)


def test_timing_is_read_where_it_is_there(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    read = read_text(f"{HEAD},frames,dropped_frames,rt_end_ms\n{good},20,5,\n", tmp_path, study, key)
    assert read.answers[0].timing == {"frames": 20, "dropped_frames": 5}
    assert read.notes == []
    with pytest.raises(InputError, match="line 2: frames: expected a whole number or nothing, found 'many'"):
        read_text(f"{HEAD},frames\n{good},many\n", tmp_path, study, key)


def test_what_was_said_around_the_trials_is_no_answer(tmp_path: Path, study: Study, key: Key, good: str) -> None:
    read = read_text(f"{HEAD}\np1,0,,before,age,33,,2026-01-01T00:00:00Z\n{good}\n", tmp_path, study, key)
    assert [a.item for a in read.answers] == ["answer"]
    assert read.notes == ["answers around the trials, not analysed: 1"]


@pytest.mark.parametrize(
    ("task", "response", "complaint"),
    [("words", " ", "a word or two"), ("course", "0:50 0:60", "a trace such as"), ("apart", "C", "one of A, B")],
)
def test_other_tasks_take_what_they_ask_for(
    tmp_path: Path, study: Study, key: Key, task: str, response: str, complaint: str
) -> None:
    row = f"p1,0,{first_trial(key, task)},{task},answer,{response},5,now"
    with pytest.raises(InputError, match=f"response: expected {complaint}"):
        read_text(f"{HEAD}\n{row}\n", tmp_path, study, key)


def test_words_are_read_as_they_were_written(tmp_path: Path, study: Study, key: Key) -> None:
    """Tables have an apostrophe before what a spreadsheet would work out; the server's own rows have none."""
    row = {"participant": "p1", "list": 0, "trial": first_trial(key, "words"), "task": "words", "item": "answer"}
    row |= {"response": "-nothing", "rt_ms": 5, "received": "now"}
    [answer] = read_text(answers_csv([row]), tmp_path, study, key).answers
    assert answer.response == "-nothing"
    (tmp_path / "answers.jsonl").write_text(json.dumps(row) + "\n")
    assert read_responses([tmp_path / "answers.jsonl"], study, key).answers == [answer]
    write_responses(tmp_path / "again.csv", [answer])
    assert ",'-nothing," in (tmp_path / "again.csv").read_text()
    assert read_responses([tmp_path / "again.csv"], study, key).answers == [answer]
