"""What the experimenter sees of a study that runs, and deletion; nobody else sees it."""

import csv
import importlib
import io
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[study])")

from starlette.testclient import TestClient

from emosplat.core.errors import InputError
from emosplat.studies.answers import Answers
from emosplat.studies.delete import delete_participant
from emosplat.studies.design import load_study
from emosplat.studies.dictionary import write_dictionary
from emosplat.studies.journal import Journal, only_writer
from emosplat.studies.limits import RateLimit
from emosplat.studies.messages import Answer, Arrival, Submission
from emosplat.studies.receive import AT_ONCE
from emosplat.studies.server import create_app

from .conftest import DESIGN, KEY, write_design

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
DESIGN_AROUND = (
    DESIGN
    + """
parameters: [source]
consent_items: [I am of age., I agree.]
headphones: {kind: antiphase, trials: 3, pass: 3, fail: end}
questions:
  before:
    - {id: age, type: number, question: "How old are you?", min: 18, max: 99}
    - {id: remark, type: text, question: "Anything?", required: false}
  after:
    - {id: liked, type: likert, question: "Did you like it?", points: 5}
    - {id: device, type: choice, question: "Which device?", options: [phone, computer]}
"""
)


@pytest.fixture(scope="module")
def benchmarks() -> Iterator[dict[str, ModuleType]]:
    """The benchmarks, which are tried here in small."""
    sys.path.insert(0, str(BENCHMARKS))
    found: dict[str, ModuleType] = {}
    for name in ("study_server", "study_dropouts"):
        found[name] = importlib.import_module(name)
    yield found
    sys.path.remove(str(BENCHMARKS))


@pytest.fixture
def bare(tmp_path: Path, benchmarks: dict[str, ModuleType]) -> Path:
    folder = tmp_path / "built"
    study = load_study(write_design(tmp_path / "design", DESIGN_AROUND))
    benchmarks["study_server"].write_bare_study(study, folder)
    return folder


@pytest.fixture
def client(bare: Path) -> Iterator[TestClient]:
    with TestClient(create_app(bare, key=KEY)) as client:
        yield client


def note(client: TestClient, who: str, event: str, given: dict[str, str], identity: int = 1) -> int:
    answers = [{"item": item, "response": response} for item, response in given.items()]
    body = {"id": f"{identity:032x}", "participant": who, "event": event, "answers": answers}
    return client.post("/notes", json=body).status_code


def answer(client: TestClient, bare: Path, who: str, number: int, trials: int, **more: Any) -> None:
    pages = json.loads((bare / "public" / "lists" / f"list_{number:03}.json").read_text())["trials"]
    for trial, page in enumerate(pages[:trials]):
        answers = sys.modules["study_server"].answers_to(page)
        body = {"id": f"{trial:032x}", "participant": who, "list": number, "trial": trial, "answers": answers} | more
        assert client.post("/responses", json=body).status_code == 200


def table(client: TestClient, name: str) -> list[dict[str, str]]:
    reply = client.get(f"/experimenter/{name}.csv", params={"key": KEY})
    assert reply.headers["content-disposition"] == f'attachment; filename="{name}.csv"'
    return list(csv.DictReader(io.StringIO(reply.text)))


PLACES = ["", "/state", "/answers.csv", "/participants.csv"]


@pytest.mark.parametrize("place", PLACES)
def test_only_who_knows_the_key_sees_the_study(client: TestClient, place: str) -> None:
    for headers, query in (({}, ""), ({}, "?key="), ({}, f"?key={KEY[:-1]}"), ({"authorization": "Bearer x"}, "")):
        assert client.get(f"/experimenter{place}{query}", headers=headers).status_code == 404
    assert client.get(f"/experimenter{place}?key={KEY}").status_code == 200
    assert client.get(f"/experimenter{place}", headers={"authorization": f"Bearer {KEY}"}).status_code == 200
    of_a_proxy = {"authorization": "Basic bGFiOnNlY3JldA=="}
    assert client.get(f"/experimenter{place}?key={KEY}", headers=of_a_proxy).status_code == 200
    assert client.get(f"/experimenter{place}?key={KEY[:-1]}", headers=of_a_proxy).status_code == 404
    assert client.post("/experimenter/delete", json={"participant": "anna"}).status_code == 404


def test_the_key_is_nowhere_in_what_is_served(client: TestClient, bare: Path) -> None:
    files = [path for path in (bare / "public").rglob("*") if path.is_file()]
    assert not [path for path in files if KEY.encode() in path.read_bytes()]
    assert KEY not in client.get("/study.json").text


def test_a_running_study_is_told(client: TestClient, bare: Path) -> None:
    arrival = {"participant": "anna", "list": 2, "parameters": {"PROLIFIC_PID": "anna", "source": "x", "other": "y"}}
    assert client.post("/session", json=arrival).json()["list"] == 2
    timing = {"onset_ms": 40, "frames": 9, "dropped_frames": 3, "stalled_ms": 0, "plays": 1}
    answer(client, bare, "anna", 2, 99, timing=timing)
    client.post("/session", json={"participant": "bert", "list": 2})
    answer(client, bare, "bert", 2, 1)
    client.post("/sign", json={"participant": "bert", "left": True})
    client.post("/session", json={"participant": "carl", "list": 0})
    state = client.get("/experimenter/state", params={"key": KEY}).json()
    assert state["states"] == {"finished": 1, "active": 1, "gone": 1, "turned away": 0}
    assert state["lists"][2] == {"list": 2, "finished": 1, "active": 0, "gone": 1, "turned away": 0}
    anna = next(one for one in state["people"] if one["participant"] == "anna")
    assert anna["problems"] == ["25 % of frames dropped"]
    assert anna["done"] == anna["of"] > 9
    assert {task["task"] for task in state["tasks"]} == {"t1", "t2", "t3", "t4", "t5"}
    rows = table(client, "answers")
    assert len(rows) == state["answers"]
    assert (rows[0]["participant"], rows[0]["rt_ms"], rows[0]["dropped_frames"]) == ("anna", "5", "3")
    people = {row["participant"]: row for row in table(client, "participants")}
    assert (people["anna"]["PROLIFIC_PID"], people["anna"]["source"], people["bert"]["source"]) == ("anna", "x", "")
    assert "other" not in people["anna"]
    assert client.post("/session", json={"participant": "bert"}).status_code == 200  # is back
    assert client.get("/experimenter/state", params={"key": KEY}).json()["states"]["active"] == 2


def test_failed_attention_checks_are_told(bare: Path) -> None:
    (bare / "key").mkdir()
    trials = json.loads((bare / "public" / "lists" / "list_001.json").read_text())["trials"]
    check = next(page for page in trials if "attention check" in page["question"])
    expected = max(check["choices"])  # the other one is answered
    (bare / "key" / "trials.csv").write_text(f"list,trial,phase,expected\n1,{check['trial']},catch,{expected}\n")
    with TestClient(create_app(bare, key=KEY)) as client:
        client.post("/session", json={"participant": "anna", "list": 1})
        answer(client, bare, "anna", 1, 99)
        [anna] = client.get("/experimenter/state", params={"key": KEY}).json()["people"]
    assert anna["problems"] == ["failed 1 of 1 attention checks"]


def test_what_is_said_around_the_trials_is_kept_once(client: TestClient, bare: Path) -> None:
    client.post("/session", json={"participant": "anna"})
    assert note(client, "anna", "consent", {"consent_1": "yes", "consent_2": "yes"}) == 200
    assert note(client, "anna", "before", {"age": "41,5", "remark": "=1+1"}) == 200
    assert note(client, "anna", "before", {"age": "41,5", "remark": "=1+1"}) == 200  # sent again
    assert note(client, "anna", "before", {"age": "42", "remark": ""}, identity=2) == 409
    assert note(client, "anna", "after", {"liked": "5", "device": "phone"}) == 200
    [row] = table(client, "participants")
    assert row["before_remark"] == "'=1+1"  # a spreadsheet takes it for text
    assert (row["before_age"], row["after_liked"], row["after_device"], row["consent"]) == ("41,5", "5", "phone", "1")
    with TestClient(create_app(bare, key=KEY)) as again:
        assert again.post("/session", json={"participant": "anna"}).json()["noted"] == ["after", "before", "consent"]
        assert table(again, "participants") == [row | {"state": "active"}]


@pytest.mark.parametrize(
    ("event", "given"),
    [
        ("consent", {"consent_1": "yes"}),
        ("consent", {"consent_1": "yes", "consent_2": "no"}),
        ("before", {"age": "17", "remark": ""}),
        ("before", {"age": "", "remark": ""}),
        ("before", {"age": "old", "remark": ""}),
        ("before", {"age": "20"}),
        ("before", {"age": "20", "remark": "x" * 1001}),
        ("after", {"liked": "6", "device": "phone"}),
        ("after", {"liked": "5", "device": "fridge"}),
        ("after", {"liked": "5", "device": "phone", "more": ""}),
        ("headphones", {"sound_1": "1"}),
        ("headphones", {"sound_1": "1", "sound_2": "2", "sound_3": "4"}),
        ("elsewhere", {}),
    ],
)
def test_what_nobody_is_asked_is_refused(client: TestClient, event: str, given: dict[str, str]) -> None:
    client.post("/session", json={"participant": "anna"})
    assert note(client, "anna", event, given) == 400
    assert note(client, "bert", "consent", {"consent_1": "yes", "consent_2": "yes"}) == 400  # a stranger


def test_who_fails_the_headphone_check_is_turned_away(client: TestClient, bare: Path) -> None:
    sounds = json.loads((bare / "public" / "study.json").read_text())["headphones"]["sounds"]
    right = {f"sound_{n}": one["right"] for n, one in enumerate(sounds, start=1)}
    wrong = right | {"sound_1": str(1 + int(right["sound_1"]) % 3)}
    for who, heard in (("anna", right), ("bert", wrong)):
        client.post("/session", json={"participant": who})
        assert note(client, who, "headphones", heard) == 200
    assert not client.post("/session", json={"participant": "anna"}).json()["ended"]
    assert client.post("/session", json={"participant": "bert"}).json()["ended"]
    rows = {row["participant"]: row for row in table(client, "participants")}
    assert (rows["anna"]["headphones_right"], rows["bert"]["headphones_right"]) == ("3", "2")
    assert rows["bert"]["state"] == "turned away"


def test_deletion_leaves_nothing_and_nobody_else_loses(client: TestClient, bare: Path) -> None:
    for who in ("anna", "bert"):
        number = client.post("/session", json={"participant": who}).json()["list"]
        note(client, who, "consent", {"consent_1": "yes", "consent_2": "yes"})
        answer(client, bare, who, number, 3)
    before = [row for row in table(client, "answers") if row["participant"] == "bert"]
    bearer = {"authorization": f"Bearer {KEY}"}
    reply = client.post("/experimenter/delete", json={"participant": "anna"}, headers=bearer)
    assert reply.json()["deleted"] == 3
    assert client.post("/experimenter/delete", json={"participant": "anna"}, headers=bearer).status_code == 400
    for path in (bare / "participants.jsonl", bare / "responses" / "responses.jsonl"):
        assert "anna" not in path.read_text()
        assert "bert" in path.read_text()
    assert table(client, "answers") == before
    assert client.post("/session", json={"participant": "carl"}).json()["list"] == 0  # which anna had
    answer(client, bare, "carl", 0, 1)


def test_deletion_while_others_answer_loses_nothing_of_theirs(bare: Path) -> None:
    answers = Answers(bare, json.loads((bare / "public" / "study.json").read_text()))

    def take_part(who: str) -> set[tuple[str, int]]:
        person = answers.arrive(Arrival(participant=who))
        for trial, page in enumerate(answers.lists[person.list]):
            given = [Answer(**one) for one in sys.modules["study_server"].answers_to(dict(page))]
            submission = Submission(id=f"{trial:032x}", participant=who, list=person.list, trial=trial, answers=given)
            answers.add(submission)
        return {(who, trial) for trial in range(person.of)}

    take_part("gone")
    with ThreadPoolExecutor(4) as pool:
        done = [pool.submit(take_part, f"p{k}") for k in range(4)]
        assert answers.delete("gone") > 9
        acknowledged = set().union(*(one.result() for one in done))
    kept = {
        (row["participant"], row["trial"]) for row in Journal(bare / "responses" / "responses.jsonl", writes=False).rows
    }
    assert kept == acknowledged


def test_deletion_without_a_server(client: TestClient, bare: Path) -> None:
    client.post("/session", json={"participant": "anna"})
    answer(client, bare, "anna", 0, 2)
    (bare / "report").mkdir()
    (bare / "report" / "tidy.csv").write_text('participant,x\n"anna",1\n')
    (bare / "report" / "tests.csv").write_text("task,x\nanna,1\n")  # a task may have any name
    (bare / "old.jsonl").write_text('{"participant": "anna"}\nnonsense\n')
    with only_writer(bare), pytest.raises(InputError, match="by another process"):
        delete_participant(bare, "anna")
    deleted = delete_participant(bare, "anna")
    assert (deleted.answers, deleted.elsewhere) == (2, [bare / "old.jsonl", bare / "report" / "tidy.csv"])
    with pytest.raises(InputError, match="no participant anna"):
        delete_participant(bare, "anna")


def test_a_removal_takes_place_as_a_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.jsonl"
    journal = Journal(path)
    journal.append([{"n": n} for n in range(4)])

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("os.replace", killed)
        with pytest.raises(KeyboardInterrupt):
            journal.remove(lambda row: row["n"] == 1)
    assert len(list(tmp_path.iterdir())) == 2
    again = Journal(path)
    assert again.rows == [{"n": n} for n in range(4)]
    assert list(tmp_path.iterdir()) == [path]
    assert again.remove(lambda row: row["n"] == 1) == 1
    again.append([{"n": 9}])
    assert Journal(path).rows == [{"n": 0}, {"n": 2}, {"n": 3}, {"n": 9}]


def test_one_source_cannot_ask_without_end(client: TestClient) -> None:
    codes = [client.post("/sign", json={"participant": "x"}).status_code for _ in range(AT_ONCE)]
    assert codes == [400] * AT_ONCE
    # how many more depends on how fast this machine asks
    assert 429 in (client.post("/sign", json={"participant": "x"}).status_code for _ in range(10 * AT_ONCE))
    assert client.get("/").status_code == 200


def test_limits_count_by_source_and_forget() -> None:
    now = [0.0]
    limit = RateLimit(2, 1, clock=lambda: now[0])
    assert [limit.allows("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert limit.allows("192.0.2.2")
    assert limit.allows("2001:db8::1")
    assert limit.allows("2001:db8::2")
    assert not limit.allows("2001:db8::3")  # one site
    assert all(limit.allows("127.0.0.1") for _ in range(9))
    now[0] = 1.5
    assert [limit.allows("192.0.2.1") for _ in range(2)] == [True, False]


def test_no_address_is_written_down(client: TestClient, bare: Path) -> None:
    client.post("/session", json={"participant": "anna"}, headers={"x-forwarded-for": "192.0.2.77"})
    answer(client, bare, "anna", 0, 1)
    for path in bare.rglob("*.jsonl"):
        assert "192.0.2.77" not in path.read_text()
        assert "testclient" not in path.read_text()


@pytest.mark.slow
def test_lists_stay_balanced_when_a_quarter_leaves(
    tmp_path: Path, benchmarks: dict[str, ModuleType], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _: None)  # nobody pulls the plug here
    benchmarks["study_server"].write_bare_study(load_study(write_design(tmp_path / "design")), tmp_path / "built")
    found = benchmarks["study_dropouts"].recruit(tmp_path / "built", participants=300, dropouts=0.25, seed=1)
    assert found.finished == 225
    assert found.came > 250
    assert found.most - found.fewest <= 1


def test_the_dictionary_has_every_column(client: TestClient, tmp_path: Path) -> None:
    study = load_study(tmp_path / "design" / "study.yaml")
    write_dictionary(study, tmp_path)
    with (tmp_path / "dictionary.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for name in ("answers", "participants"):
        told = [row["column"] for row in rows if row["table"] == name and not row["column"].startswith("item of")]
        columns = client.get(f"/experimenter/{name}.csv", params={"key": KEY}).text.split("\n")[0].split(",")
        assert set(columns) == set(told)
    items = {row["column"].split()[2].rstrip(":") for row in rows if row["column"].startswith("item of")}
    assert items == {task.id for task in study.tasks}
    assert all(row["values"] and row["meaning"] for row in rows)
