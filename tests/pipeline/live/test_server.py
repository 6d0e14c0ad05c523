"""The live server over real sockets: curves for many, sound in and out, steering, and nobody from outside."""

import json
import struct
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[live])")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (pip install emosplat[live])")
pytest.importorskip("websockets", reason="websockets is not installed (pip install emosplat[live])")

from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync import client as websockets

from emosplat.avatars.arkit import ARKIT_52
from emosplat.core.errors import InputError
from emosplat.pipeline.live.draw import Easel
from emosplat.pipeline.live.pcm import HEARD, as_s16le
from emosplat.pipeline.live.server import PICTURE, SOUND, LiveServer
from emosplat.pipeline.live.session import Session
from emosplat.pipeline.live.sources import Feed

from .pretend import GivenSource, session

TOKEN = "0123456789abcdef"
GREY = np.full((32, 48, 3), 120, np.uint8)


@contextmanager
def served(live: Session, *, token: str | None = None, pictures: bool = False) -> Iterator[LiveServer]:
    easel = Easel(lambda motion, time: GREY, live.latency) if pictures else None
    with LiveServer(live, easel, host="127.0.0.1", port=0, token=token) as server:
        if easel is not None:
            live.sinks.append(easel)
        live.start()
        yield server
        live.stop()
    if easel is not None:
        easel.close()


def talking(seconds: float = 5.0) -> Session:
    return session(GivenSource(np.sin(np.arange(round(seconds * HEARD)) / 50), real_time=True))


def connect(server: LiveServer, path: str, **options: Any):
    deadline = time.monotonic() + 60
    while True:
        try:
            return websockets.connect(server.url.replace("http", "ws") + path, **options)
        except ConnectionError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def ask(server: LiveServer, path: str, body: bytes | None = None, /, **headers: str) -> tuple[int, bytes]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(server.url + path, body, named)
    deadline = time.monotonic() + 5
    while True:
        try:
            with urllib.request.urlopen(request, timeout=60) as reply:
                return reply.status, reply.read()
        except urllib.error.HTTPError as error:
            return error.code, error.read()
        except urllib.error.URLError:
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_twenty_clients_get_the_same_curves() -> None:
    with served(talking()) as server:
        clients = [connect(server, "/curves") for _ in range(20)]
        told = [[json.loads(client.recv(5)) for _ in range(6)] for client in clients]
        for client in clients:
            client.close()
    frames = {frame["frame"]: frame for client in told for frame in client}
    for client in told:
        numbers = [frame["frame"] for frame in client]
        assert numbers == sorted(set(numbers))
        assert all(frame == frames[frame["frame"]] for frame in client)
    frame = told[0][0]
    assert list(frame["weights"]) == list(ARKIT_52)
    assert frame["head"] == [0, 0.1, 0]
    assert frame["gaze"] == [[0, 0.2], [0.3, 0]]
    assert frame["time"] == pytest.approx((frame["frame"] + 0.5) / 25, abs=1e-4)


def test_who_comes_again_goes_on() -> None:
    with served(talking()) as server:
        with connect(server, "/curves") as client:
            first = json.loads(client.recv(5))["frame"]
        with connect(server, "/curves") as client:
            assert json.loads(client.recv(5))["frame"] > first


def test_a_watcher_gets_pictures_and_all_of_the_sound() -> None:
    with served(talking(), pictures=True) as server, connect(server, "/watch") as client:
        hello, control = (json.loads(client.recv(5)) for _ in range(2))
        assert hello["hello"]["rate"] == HEARD
        assert hello["hello"]["lag"] > 0.1
        assert control["control"]["emotion"] == {"neutral": 1.0}
        sounds, pictures = [], []
        while len(pictures) < 3 or len(sounds) < 40:
            message = client.recv(5)
            assert isinstance(message, bytes)
            kind, seconds = struct.unpack_from("<B7xd", message)
            (pictures if kind == PICTURE else sounds).append((seconds, message[16:]))
            assert kind in (PICTURE, SOUND)
    assert all(data.startswith(b"\xff\xd8") for _, data in pictures)
    first = round(sounds[0][0] * HEARD)
    heard = np.concatenate([np.frombuffer(data, "<i2") for _, data in sounds])
    expected = as_s16le(np.sin(np.arange(first, first + len(heard)) / 50).astype(np.float32))
    assert heard.tobytes() == expected  # none is missing


def test_nobody_draws_where_nobody_looks() -> None:
    live = talking(1)
    with served(live, pictures=True):
        live.wait(10)
    assert "picture" not in live.latency.report()["delays_ms"]


def test_sound_that_is_sent_moves_the_face() -> None:
    live = session(Feed())
    with served(live) as server, connect(server, "/curves") as curves:
        for _ in range(2):  # the second as after a lost connection
            with connect(server, "/sound?rate=48000&pcm=f32le") as sender:
                sender.send(np.ones(24_000, "<f4").tobytes()[:-2])
            opened = [json.loads(curves.recv(5))["weights"]["jawOpen"] for _ in range(30)]
            assert max(opened) > 0.5
            assert min(opened) < 0.1  # silence around


@pytest.mark.parametrize(
    ("query", "sent", "reason"),
    [("?rate=5", b"", "rate"), ("?pcm=mp3", b"", "pcm"), ("?x=1", b"", "rate, pcm"), ("", "words", "binary")],
)
def test_wrong_sound_is_refused_with_a_reason(query: str, sent: bytes | str, reason: str) -> None:
    with served(session(Feed())) as server, connect(server, "/sound" + query) as sender:
        if sent:
            sender.send(sent)
        with pytest.raises(ConnectionClosed) as caught:
            sender.recv(5)
    assert caught.value.rcvd is not None
    assert caught.value.rcvd.code == 1008
    assert reason in caught.value.rcvd.reason


def test_a_file_is_not_talked_over() -> None:
    with served(talking()) as server, connect(server, "/sound") as sender, pytest.raises(ConnectionClosed):
        sender.recv(5)


def test_steering() -> None:
    live = talking()
    with served(live) as server, connect(server, "/watch") as watcher:
        json_type = {"Content_Type": "application/json"}
        status, state = ask(server, "/control", b'{"emotion": "sad", "look_up": 5}', **json_type)
        assert status == 200
        assert json.loads(state)["emotion"] == {"sad": 1.0}
        assert json.loads(ask(server, "/control")[1]) == json.loads(state)
        told = [json.loads(m) for m in (watcher.recv(5) for _ in range(200)) if isinstance(m, str)]
        assert {"control": json.loads(state)} in told
        assert ask(server, "/control", b'{"emotion": "no such"}', **json_type)[0] == 400
        assert ask(server, "/control", b"{", **json_type)[0] == 400
        assert ask(server, "/control", b" " * 20_000, **json_type)[0] == 413
        assert ask(server, "/control", b"{}", Content_Type="text/plain")[0] == 415  # what any page may send
        assert live.control.mood.emotion.point.index(1.0) == 5
        assert "delays_ms" in json.loads(ask(server, "/latency")[1])


def test_the_page_is_served_and_nothing_else() -> None:
    with served(talking(), token=TOKEN) as server:
        for path, kind in (("/", b"<canvas"), ("/live.js", b"AudioContext"), ("/live.css", b"canvas")):
            status, content = ask(server, path)
            assert status == 200
            assert kind in content
        for path in ("/live.py", "/../server.py", "/%2e%2e/server.py", "/page/index.html"):
            assert ask(server, path, Authorization=f"Bearer {TOKEN}")[0] == 404


def test_only_who_knows_the_token_comes_in() -> None:
    with served(talking(), token=TOKEN) as server:
        for path in ("/control", "/latency"):
            assert ask(server, path)[0] == 401
            assert ask(server, path, Authorization=f"Bearer {TOKEN[:-1]}")[0] == 401
            assert ask(server, path, Authorization=f"Bearer {TOKEN}")[0] == 200
        for path in ("/curves", "/watch", "/curves?token=wrong"):
            with pytest.raises(InvalidStatus):
                connect(server, path)
        with connect(server, f"/curves?token={TOKEN}") as client:
            assert client.recv(5)


@pytest.mark.parametrize("headers", [{"Origin": "http://evil.example"}, {"Host": "evil.example"}])
def test_no_other_site_comes_in(headers: dict[str, str]) -> None:
    with served(talking()) as server:
        assert ask(server, "/control", None, **headers)[0] == 403
        assert ask(server, "/control", Origin=server.url)[0] == 200
        if "Origin" in headers:
            with pytest.raises(InvalidStatus):
                connect(server, "/curves", origin=headers["Origin"])


def test_an_address_that_cannot_be_had() -> None:
    live = talking()
    with served(live) as server:
        port = int(server.url.rpartition(":")[2])
        with pytest.raises(InputError, match="choose another"):
            LiveServer(live, None, host="127.0.0.1", port=port)
    with pytest.raises(InputError, match="--token"):
        LiveServer(live, None, host="0.0.0.0", port=0)
