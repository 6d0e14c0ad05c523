"""A language model's motion subtitles: asked over HTTP, read as data."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import emosplat
from emosplat.blendshapes.singing.notes import Note
from emosplat.blendshapes.singing.song import Song
from emosplat.blendshapes.speech.accents import Accent
from emosplat.blendshapes.subtitles.webvtt import read_subtitles
from emosplat.cli import app
from emosplat.core.errors import InputError
from emosplat.pipeline.planner import KEY, MOST_BYTES, Planner

GOOD = """Here you are:
```vtt
WEBVTT

00:00.500 --> 00:01.000
brows: raise 0.8
lips: __import__('os').system('true')
head: nod 7

00:01.500 --> 00:99.000
gaze: left

00:02.000 --> 00:59.000
face: a little sad

01:00.000 --> 01:02.000
brows: lower
```
Anything else?"""


class Stub(ThreadingHTTPServer):
    """A server that answers what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answer: bytes = b""
        self.asked: list[tuple[str, dict[str, str], Any]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    def says(self, content: Any) -> None:
        self.answer = json.dumps({"choices": [{"message": {"content": content}}]}).encode()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        assert isinstance(self.server, Stub)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append((self.path, dict(self.headers), body))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def stub() -> Iterator[Stub]:
    with Stub() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_what_is_good_is_kept_and_what_is_not_is_told(stub: Stub) -> None:
    stub.says(GOOD)
    notes: list[str] = []
    cues = Planner(stub.url).plan([Accent(0.5)], [(0.4, 0.7, "hello")], duration=3.0, note=notes.append)
    assert [(c.start, c.end, [(w.region, w.action) for w in c.wishes]) for c in cues] == [
        (0.5, 1.0, [("brows", "raise")]),
        (2.0, 3.0, [("face", "a little sad")]),
    ]
    assert [n.split(": ")[3].split(" ")[0] for n in notes[:1]] == ["lips"]
    assert len(notes) == 4  # the strange lips, the large nod, the clock, what lies beyond the clip


def test_of_songs_long_notes_are_sent(stub: Stub) -> None:
    stub.says("WEBVTT\n")
    notes = (Note(0.5, 1.5, 67.0), Note(1.5, 1.6, 60.0), Note(1.7, 2.7, 60.0))
    song = Song(np.full(150, 60.0), np.ones(150), np.zeros(150), notes, np.ones(150))
    Planner(stub.url).plan([], [], song, duration=3.0)
    scene = stub.asked[0][2]["messages"][1]["content"]
    assert "0.50-1.50 +7" in scene
    assert "1.70-2.70 +0" in scene
    assert "1.50-1.60" not in scene


def test_words_and_moments_are_sent_and_the_key(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY, "secret")
    stub.says("WEBVTT\n")
    assert Planner(stub.url + "/", "small").plan([Accent(0.5, "end", 0.3)], [(0.4, 0.7, "hello")], duration=3.0) == []
    [(path, headers, body)] = stub.asked
    assert (path, headers["Authorization"], body["model"]) == ("/v1/chat/completions", "Bearer secret", "small")
    assert "0.40-0.70 hello" in body["messages"][1]["content"]
    assert "0.50 end 0.3" in body["messages"][1]["content"]
    assert "brows: raise, raise inner" in body["messages"][0]["content"]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"{", "expected JSON with choices"),
        (b"[" * 100_000, "expected JSON with choices"),
        (json.dumps({"choices": []}).encode(), "expected JSON with choices"),
        (json.dumps({"choices": [{"message": {"content": ["WEBVTT"]}}]}).encode(), "expected JSON with choices"),
        (json.dumps({"choices": [{"message": {"content": "I can't"}}]}).encode(), "expected a WebVTT file"),
        (b" " * (MOST_BYTES + 1), "expected an answer of at most"),
    ],
)
def test_an_answer_that_is_none_is_one_line(stub: Stub, answer: bytes, told: str) -> None:
    stub.answer = answer
    with pytest.raises(InputError, match=told) as refused:
        Planner(stub.url).plan([], [], duration=1.0)
    assert "\n" not in str(refused.value)


def test_who_cannot_be_reached_is_told() -> None:
    with pytest.raises(InputError, match=r"--planner http://127\.0\.0\.1:9: expected an answer"):
        Planner("http://127.0.0.1:9").plan([], [], duration=1.0)
    with pytest.raises(InputError, match="begins with http"):
        Planner("file:///etc/passwd")


def test_the_command_writes_what_was_planned(stub: Stub, tmp_path: Path) -> None:
    stub.says(GOOD)
    words = ["subtitles", str(emosplat.example_speech()), "-o", str(tmp_path / "x.vtt"), "--planner", stub.url]
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output
    assert "note: left out: the planner's answer: line 4: head: " not in result.stdout
    assert [cue.start for cue in read_subtitles(tmp_path / "x.vtt")] == [0.5, 2.0]
