"""The server reads nothing but the public folder, checks every answer, and loses none that it has acknowledged."""

import hashlib
import importlib.util
import json
import os
import socket
import sys
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[study])")

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from emosplat.core.errors import InputError
from emosplat.studies import answers
from emosplat.studies.design import load_study
from emosplat.studies.journal import Journal, only_writer
from emosplat.studies.possible import SLIDER
from emosplat.studies.receive import MAX_BODY
from emosplat.studies.server import create_app, serve

from .conftest import write_design

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "study_server.py"
SECRET = "which-is-which"
KEY = "0123456789abcdef-key"
ID = "0123456789abcdef" * 2


@pytest.fixture(scope="module")
def storms() -> ModuleType:
    """The benchmark, whose crowd is let loose here in small."""
    spec = importlib.util.spec_from_file_location("study_server_benchmark", BENCHMARK)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look for it
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def bare(tmp_path: Path, storms: ModuleType) -> Path:
    """A study of lists and page, one file that plays a video, and a key."""
    folder = tmp_path / "built"
    storms.write_bare_study(load_study(write_design(tmp_path / "design")), folder)
    (folder / "public" / "stimuli").mkdir()
    (folder / "public" / "stimuli" / "v0.mp4").write_bytes(bytes(range(256)))
    (folder / "key").mkdir()
    (folder / "key" / "unblind.csv").write_text(SECRET)
    return folder


@pytest.fixture
def client(bare: Path) -> Iterator[TestClient]:
    with TestClient(create_app(bare, key=KEY)) as client:
        yield client


def answers_to(bare: Path, number: int, trial: int) -> list[dict[str, Any]]:
    """Possible answers to a trial."""
    page = json.loads((bare / "public" / "lists" / f"list_{number:03}.json").read_text())["trials"][trial]
    return sys.modules["study_server_benchmark"].answers_to(page)


def submission(bare: Path, trial: int = 0, **changes: Any) -> dict[str, Any]:
    body = {"id": ID, "participant": "anna", "list": 0, "trial": trial, "answers": answers_to(bare, 0, trial)}
    return body | changes


def saved(bare: Path) -> list[dict[str, Any]]:
    path = bare / "responses" / "responses.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_lists_go_to_whom_they_should(bare: Path, client: TestClient) -> None:
    def list_of(who: str, **more: int) -> int:
        return client.post("/session", json={"participant": who, **more}).json()["list"]

    assert [list_of(who) for who in ("a", "b", "c")] == [0, 1, 2]
    assert list_of("d", list=1) == 1
    assert [list_of(who) for who in ("e", "f", "g")] == [3, 0, 2]
    assert list_of("a", list=3) == 0  # who has a list keeps it
    with TestClient(create_app(bare, key=KEY)) as again:
        known = {"list": 2, "answered": [], "noted": [], "ended": False}
        assert again.post("/session", json={"participant": "g"}).json() == known


def answer_all(bare: Path, client: TestClient, who: str, *, trials: int | None = None) -> int:
    """Somebody comes and answers the list that they get, or its first trials; which list."""
    number = client.post("/session", json={"participant": who}).json()["list"]
    pages = json.loads((bare / "public" / "lists" / f"list_{number:03}.json").read_text())["trials"]
    for trial in range(len(pages) if trials is None else trials):
        name = hashlib.sha256(f"{who} {trial}".encode()).hexdigest()[:32]
        body = submission(bare, trial, id=name, participant=who, list=number, answers=answers_to(bare, number, trial))
        assert client.post("/responses", json=body).status_code == 200
    return number


def test_lists_of_people_who_leave_are_given_again(bare: Path, client: TestClient) -> None:
    left = {1: 0, 3: 1}  # the list's number, and how many trials were answered
    assert [answer_all(bare, client, f"p{n}", trials=left.get(n)) for n in range(4)] == [0, 1, 2, 3]
    assert [answer_all(bare, client, f"q{n}", trials=0) for n in range(2)] == [1, 3]  # the emptier first
    assert answer_all(bare, client, "r") == 0  # lists that somebody is at count like answered ones
    assert client.post("/session", json={"participant": "p1"}).json()["list"] == 1  # who comes back keeps it


def test_who_shows_no_sign_for_long_has_left(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with TestClient(create_app(bare, key=KEY)) as client:
        assert [answer_all(bare, client, who, trials=1) for who in "abcd"] == [0, 1, 2, 3]
        assert answer_all(bare, client, "e") == 0
        monkeypatch.setattr(answers, "GIVEN_BACK", timedelta(0))
        assert [answer_all(bare, client, who) for who in "fgh"] == [1, 2, 3]
    written = (bare / "participants.jsonl").read_text()
    (bare / "participants.jsonl").write_text(written.replace('"received": "20', '"received": "nonsense 20'))
    with TestClient(create_app(bare, key=KEY)) as again:  # and from what is on the disk, whatever it says
        assert len({answer_all(bare, again, who) for who in "ijkl"}) == 4


def test_an_answer_is_kept_once(bare: Path, client: TestClient) -> None:
    client.post("/session", json={"participant": "anna"})
    for trial in range(12):
        body = submission(bare, trial, id=f"{trial:032x}")
        assert client.post("/responses", json=body).status_code == 200
    before = saved(bare)
    assert client.post("/responses", json=submission(bare, 3, id=f"{3:032x}")).status_code == 200
    assert client.post("/responses", json=submission(bare, 3, id="f" * 32)).status_code == 409
    with TestClient(create_app(bare, key=KEY)) as again:
        assert again.post("/responses", json=submission(bare, 3, id=f"{3:032x}")).status_code == 200
        assert again.post("/responses", json=submission(bare, 3, id="f" * 32)).status_code == 409
        assert again.post("/session", json={"participant": "anna"}).json()["answered"] == list(range(12))
    assert saved(bare) == before
    first = {key: before[0][key] for key in ("participant", "list", "trial", "task", "item", "rt_ms", "id")}
    assert first == {"participant": "anna", "list": 0, "trial": 0, "task": "t1", "item": "answer", "rt_ms": 5} | {
        "id": f"{0:032x}"
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"participant": "../anna"},
        {"participant": ""},
        {"participant": "a" * 65},
        {"participant": "bert"},  # never arrived
        {"list": 1},  # has another
        {"list": 99},
        {"list": True},
        {"trial": 99},
        {"trial": -1},
        {"trial": "0"},
        {"id": "short"},
        {"answers": []},
        {"answers": [{"item": "answer", "response": "both", "rt_ms": 5}]},
        {"answers": [{"item": "other", "response": "left", "rt_ms": 5}]},
        {"answers": [{"item": "answer", "response": "left", "rt_ms": -5}]},
        {"answers": [{"item": "answer", "response": "left", "rt_ms": 5}] * 2},
        {"more": 1},
    ],
)
def test_what_nobody_can_answer_is_refused(bare: Path, client: TestClient, changes: dict[str, Any]) -> None:
    client.post("/session", json={"participant": "anna"})
    reply = client.post("/responses", json=submission(bare) | changes)
    assert reply.status_code == 400
    assert saved(bare) == []
    assert client.post("/responses", json=submission(bare)).status_code == 200


def test_bodies_are_limited(client: TestClient) -> None:
    assert client.post("/responses", content=b"{}").status_code == 415
    json_type = {"content-type": "application/json"}
    assert client.post("/responses", content=b" " * (MAX_BODY + 1), headers=json_type).status_code == 413
    assert client.post("/session", content=b"[" * 50_000, headers=json_type).status_code == 400
    assert client.post("/study.json", json={}).status_code == 405


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
)
FIELDS = ["id", "participant", "list", "trial", "answers"]


def test_nonsense_is_never_saved(bare: Path, client: TestClient) -> None:
    client.post("/session", json={"participant": "anna"})
    good = submission(bare)

    @settings(max_examples=80)
    @given(st.binary(max_size=200) | st.tuples(st.sampled_from(FIELDS), JSON))
    def post(body: bytes | tuple[str, Any]) -> None:
        if isinstance(body, bytes):
            content = body
        elif body[1] == good[body[0]] and type(body[1]) is type(good[body[0]]):
            return
        else:
            content = json.dumps(good | {body[0]: body[1]}).encode()
        reply = client.post("/responses", content=content, headers={"content-type": "application/json"})
        assert reply.status_code == 400
        assert saved(bare) == []

    post()


def test_a_full_disk_is_no_acknowledgement(bare: Path, client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    client.post("/session", json={"participant": "anna"})

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert client.post("/responses", json=submission(bare)).status_code == 503
    assert saved(bare) == []
    assert client.post("/responses", json=submission(bare)).status_code == 200
    assert len(saved(bare)) == 1


def test_files_come_with_safe_headers(client: TestClient) -> None:
    page = client.get("/")
    assert "jspsych.min.js" in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-content-type-options"] == "nosniff"
    assert page.headers["referrer-policy"] == "no-referrer"
    assert client.get("/study.json").json()["server"] is True
    part = client.get("/stimuli/v0.mp4", headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))


def test_links_and_hidden_files_are_not_served(bare: Path) -> None:
    public = bare / "public"
    (public / "link.csv").symlink_to(bare / "key" / "unblind.csv")
    (public / "folder").symlink_to(bare / "key")
    (public / ".hidden").write_text(SECRET)
    (public / ".git").mkdir()
    (public / ".git" / "config").write_text(SECRET)
    with TestClient(create_app(bare, key=KEY)) as client:
        for name in ("link.csv", "folder/unblind.csv", ".hidden", ".git/config", "lists", "lists/", "lists/."):
            assert client.get(f"/{name}").status_code == 404
        (public / "stimuli" / "v0.mp4").unlink()
        (public / "stimuli" / "v0.mp4").symlink_to(bare / "key" / "unblind.csv")
        assert client.get("/stimuli/v0.mp4").status_code == 404


def test_no_path_leads_out_of_the_public_folder(bare: Path, live: Callable[[Path], int]) -> None:
    """Raw requests, because clients tidy paths up before they send them."""
    port = live(bare)
    ways = ["../key/unblind.csv", "..%2fkey%2funblind.csv", "%2e%2e/key/unblind.csv", "..%5ckey%5cunblind.csv"]
    ways += [f"lists/../../{way}" for way in ways] + ["....//key/unblind.csv", str(bare / "key" / "unblind.csv")]
    ways += ["stimuli/%00/../../../key/unblind.csv", "..;/key/unblind.csv", "%252e%252e/key/unblind.csv"]
    ways += ["study.yaml", "responses/responses.jsonl", "participants.jsonl"]
    for way in ways:
        for path in (f"/{way}", f"//{way}", way):
            reply = _raw(port, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            assert reply[9:12] in (b"404", b"400"), (path, reply[:200])
            assert SECRET.encode() not in reply
    assert _raw(port, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")[9:12] == b"200"


def _raw(port: int, request: str) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request.encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


def test_one_server_at_a_time(bare: Path) -> None:
    with only_writer(bare), pytest.raises(InputError, match="by another process"), only_writer(bare):
        pass
    with only_writer(bare):
        pass


def test_a_port_in_use_is_explained(bare: Path) -> None:
    ready: list[bool] = []
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(InputError, match="already in use"):
        serve(bare, host="127.0.0.1", port=taken.getsockname()[1], key=KEY, ready=lambda: ready.append(True))
    assert ready == []


def test_only_built_studies_are_served(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="render study build"):
        create_app(tmp_path, key=KEY)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=4), st.data())
def test_a_journal_survives_any_cut(tmp_path_factory: pytest.TempPathFactory, words: list[str], data: Any) -> None:
    path = tmp_path_factory.mktemp("journal") / "rows.jsonl"
    journal = Journal(path)
    ends = [0]
    for word in words:
        journal.append([{"word": word}])
        ends.append(path.stat().st_size)
    cut = data.draw(st.integers(0, ends[-1]))
    os.truncate(path, cut)
    whole = sum(end <= cut for end in ends) - 1
    again = Journal(path)
    assert [row["word"] for row in again.rows] == words[:whole]
    again.append([{"word": "new"}])
    assert [row["word"] for row in Journal(path).rows] == [*words[:whole], "new"]


def test_a_journal_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text('{"a": 1}\nno json\n{"a": 2}\n')
    with pytest.raises(InputError, match="line 2"):
        Journal(tmp_path / "rows.jsonl")


def test_sliders_have_101_places() -> None:
    assert {"0", "100"} <= SLIDER
    assert len(SLIDER) == 101


@pytest.mark.slow
def test_killed_servers_keep_their_word(bare: Path, storms: ModuleType) -> None:
    crowd = storms.storm(bare, participants=12, kills=2, every=0.05, seed=1)
    assert crowd.kills == 2
    assert crowd.acknowledged > 12 * 12
    assert crowd.kept_its_word, crowd
    assert crowd.most - crowd.fewest <= 1
