"""The service over HTTP: sound in, clips out, within limits, and nothing else to be had."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[live])")

import numpy as np
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from emosplat.avatars.arkit import ARKIT_52
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.render import ClipProgress
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.service import server
from emosplat.pipeline.service.asked import Asked
from emosplat.pipeline.service.jobs import Jobs, Limits
from emosplat.pipeline.service.server import create_app
from emosplat.pipeline.service.streams import Streams

TOKEN = "a-token-of-sixteen"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Render:
    """Stands in for rendering: writes what it was asked for, waits where it is told to, and fails where it must."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.go.set()
        self.fault: Exception | None = None

    def __call__(self, request: ClipRequest, report: Callable[[ClipProgress], None], loaded: Any) -> None:
        for done in range(1, 4):
            self.go.wait(10)
            report(ClipProgress("rendering", done, 3))
        if self.fault is not None:
            raise self.fault
        request.out.write_text(f"{request.settings.emotion} {request.source.stat().st_size}")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def render() -> Render:
    return Render()


@pytest.fixture
def jobs(tmp_path: Path, clock: Clock, render: Render) -> Iterator[Jobs]:
    limits = Limits(megabytes=0.1, seconds=2, waiting=1, at_once=1, minutes=1, streams=1)
    with Jobs(tmp_path / "kept", limits, device="cpu", render=render, clock=clock) as jobs:
        yield jobs


@pytest.fixture
def client(jobs: Jobs) -> Iterator[TestClient]:
    app = create_app(jobs, Streams(jobs.limits.streams), host="127.0.0.1", token=TOKEN)
    with TestClient(app, base_url="http://127.0.0.1", headers=HEADERS) as client:
        yield client


def ended(client: TestClient, job: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while (told := client.get(f"/jobs/{job['id']}").json())["state"] in ("waiting", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return told


def test_a_sound_becomes_a_clip(client: TestClient, babble: Path) -> None:
    sound = babble.read_bytes()
    reply = client.post("/jobs", params={"emotion": "happy", "format": "mp4"}, content=sound)
    assert reply.status_code == 202
    job = reply.json()
    assert reply.headers["location"] == f"/jobs/{job['id']}"
    told = ended(client, job)
    assert told["state"] == "done"
    result = client.get(told["result"])
    assert result.text == f"happy {len(sound)}"
    assert result.headers["content-type"] == "video/mp4"


def test_progress_comes_as_events(client: TestClient, babble: Path, render: Render) -> None:
    render.go.clear()
    job = client.post("/jobs", content=babble.read_bytes()).json()
    threading.Timer(0.6, render.go.set).start()
    with client.stream("GET", f"/jobs/{job['id']}/events") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = [line for line in stream.iter_lines() if line]
    events = [line.removeprefix("event: ") for line in lines if line.startswith("event: ")]
    told = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert events[-1] == "done"
    assert "running" in events
    assert told[-1]["done"] == told[-1]["total"] == 3


def test_the_end_is_told_whenever_it_comes(jobs: Jobs) -> None:
    job = jobs.place(Asked.parse({}))
    job.state = "running"

    async def told() -> list[str]:
        events = server._events(job)
        first = await anext(events)
        job.error, job.state = "it is wrong", "failed"  # while the first is on its way
        return [first, *[event async for event in events]]

    assert [event.partition("\n")[0] for event in asyncio.run(told())] == ["event: running", "event: failed"]


def test_too_many_jobs_have_to_wait_elsewhere(client: TestClient, babble: Path, render: Render) -> None:
    render.go.clear()
    replies = [client.post("/jobs", content=babble.read_bytes()) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [202, 202, 503, 503]
    assert "retry-after" in replies[-1].headers
    render.go.set()
    assert ended(client, replies[1].json())["state"] == "done"
    assert client.post("/jobs", content=babble.read_bytes()).status_code == 202


@pytest.mark.parametrize(
    ("content", "params", "status"),
    [
        (b"", {}, 400),
        (b"x" * 100_001, {}, 413),
        (iter([b"x" * 60_000] * 2), {}, 413),  # without a length
        (b"x", {"emotion": "no such"}, 400),
        (b"x", {"weights": "/etc/passwd"}, 400),
        (b"x", [("seed", "1"), ("seed", "2")], 400),
    ],
)
def test_what_is_refused_leaves_nothing(
    client: TestClient, tmp_path: Path, content: Any, params: Any, status: int
) -> None:
    reply = client.post("/jobs", params=params, content=content)
    assert reply.status_code == status
    assert reply.json()["error"]
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []


def test_bad_sounds_fail_alone_and_tell_no_paths(client: TestClient, babble: Path, tmp_path: Path) -> None:
    bad = ended(client, client.post("/jobs", content=b"no sound at all").json())
    assert bad["state"] == "failed"
    assert "expected an audio or video file" in bad["error"]
    assert str(tmp_path) not in bad["error"]
    assert client.get(f"/jobs/{bad['id']}/result").status_code == 409
    assert ended(client, client.post("/jobs", content=babble.read_bytes()).json())["state"] == "done"


def test_long_sounds_are_refused(tmp_path: Path, render: Render, babble: Path) -> None:
    with Jobs(tmp_path, Limits(seconds=0.7), device="cpu", render=render) as jobs:
        app = create_app(jobs, Streams(0), host="127.0.0.1", token=None)
        with TestClient(app, base_url="http://127.0.0.1") as client:
            told = ended(client, client.post("/jobs", content=babble.read_bytes()).json())
            assert told["error"] == "sound: expected at most 0.7 seconds, found more"
            part = client.post("/jobs", params={"duration": "0.5"}, content=babble.read_bytes()).json()
            assert ended(client, part)["state"] == "done"


@pytest.mark.parametrize("fault", [InputError("it is wrong"), MemoryError(), RuntimeError("secret")])
def test_a_fault_ends_one_job(client: TestClient, babble: Path, render: Render, fault: Exception) -> None:
    render.fault = fault
    told = ended(client, client.post("/jobs", content=babble.read_bytes()).json())
    assert told["state"] == "failed"
    assert "secret" not in told["error"]
    render.fault = None
    assert ended(client, client.post("/jobs", content=babble.read_bytes()).json())["state"] == "done"


def test_files_expire(client: TestClient, babble: Path, clock: Clock, tmp_path: Path) -> None:
    job = client.post("/jobs", content=babble.read_bytes()).json()
    ended(client, job)
    clock.now = 59
    assert client.get(f"/jobs/{job['id']}").status_code == 200
    clock.now = 60
    assert client.get(f"/jobs/{job['id']}").status_code == 404
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []


def test_a_job_is_deleted_while_it_is_done(client: TestClient, babble: Path, render: Render, tmp_path: Path) -> None:
    render.go.clear()
    job = client.post("/jobs", content=babble.read_bytes()).json()
    assert client.delete(f"/jobs/{job['id']}").status_code == 204
    assert client.get(f"/jobs/{job['id']}").status_code == 404
    render.go.set()
    assert ended(client, client.post("/jobs", content=babble.read_bytes()).json())["state"] == "done"
    assert len(list((tmp_path / "kept").glob("*/*"))) == 1


def test_nothing_but_jobs_can_be_had(client: TestClient, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    for path in ("/", "/jobs", "/jobs/..", "/jobs/../secret", "/jobs/%2e%2e/result", "/jobs/..%2f..%2fsecret/result"):
        assert client.get(path).status_code in (404, 405)


@pytest.mark.parametrize(("method", "path"), [("POST", "/jobs"), ("GET", "/jobs/x"), ("GET", "/limits")])
def test_only_who_knows_the_token_comes_in(client: TestClient, method: str, path: str) -> None:
    for told in ("", "Bearer", "Bearer wrong-token-of-16", f"Basic {TOKEN}"):
        assert client.request(method, path, headers={"Authorization": told}).status_code == 401


def test_everything_goes_in_the_end(tmp_path: Path, render: Render) -> None:
    with Jobs(tmp_path / "kept", render=render):
        assert len(list((tmp_path / "kept").iterdir())) == 1
    assert list((tmp_path / "kept").iterdir()) == []


def test_limits_are_told(client: TestClient) -> None:
    told = client.get("/limits").json()
    assert told["limits"]["seconds"] == 2
    assert "emotion" in told["fields"]


def connected(client: TestClient, query: str = "") -> Any:
    return client.websocket_connect(f"ws://127.0.0.1/stream?{query}", headers={"Host": "127.0.0.1"})


def until_it_ends(stream: Any) -> None:
    for _ in range(500):
        stream.receive_text()


def test_a_stream_of_samples_becomes_curves(client: TestClient) -> None:
    with connected(client, "rate=16000&emotion=happy&fps=25") as stream:
        stream.send_bytes(np.zeros(3200, "<i2").tobytes())
        stream.send_text('{"emotion": "sad"}')
        frames = [json.loads(stream.receive_text()) for _ in range(5)]
        assert list(frames[0]["weights"]) == list(ARKIT_52)
        with connected(client) as other, pytest.raises(WebSocketDisconnect) as caught:
            other.receive_text()
        assert "at a time" in caught.value.reason
        stream.send_text("{")
        with pytest.raises(WebSocketDisconnect) as caught:
            until_it_ends(stream)
    assert caught.value.code == 1008
    assert caught.value.reason.startswith("control")


@pytest.mark.parametrize("query", ["rate=1", "emotion=auto", "weights=x", "fps=100", "avatar=/etc/passwd", "x=1"])
def test_wrong_streams_are_refused(client: TestClient, query: str) -> None:
    with connected(client, query) as stream, pytest.raises(WebSocketDisconnect) as caught:
        stream.receive_text()
    assert caught.value.code == 1008
    assert caught.value.reason


def test_who_leaves_in_the_middle_of_a_sound_leaves_nothing(jobs: Jobs, tmp_path: Path) -> None:
    app = create_app(jobs, Streams(1), host="127.0.0.1", token=None)
    came = [{"type": "http.request", "body": b"half", "more_body": True}, {"type": "http.disconnect"}]
    headers = [(b"host", b"127.0.0.1"), (b"content-length", b"1000")]
    scope = {"type": "http", "method": "POST", "path": "/jobs", "raw_path": b"/jobs", "query_string": b""}
    scope |= {"headers": headers, "scheme": "http", "server": ("127.0.0.1", 80), "client": None, "http_version": "1.1"}

    async def receive() -> dict[str, Any]:
        return came.pop(0)

    async def send(_: Any) -> None:
        pass

    async def ask() -> None:
        await app(scope, receive, send)

    asyncio.run(ask())  # without an error, which a server would print with its traceback
    assert [path for path in (tmp_path / "kept").rglob("*") if path.is_file()] == []
