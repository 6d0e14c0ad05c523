"""Keys of a terminal, one by one, and a terminal that is as before in the end."""

import os
import sys
import threading

import pytest

from emosplat.pipeline.live.keys import listening

termios = pytest.importorskip("termios", reason="there are no such terminals here")


def test_keys_are_heard_and_the_terminal_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    heard: list[str] = []
    quitted = threading.Event()

    def told(key: str) -> None:
        heard.append(key)
        if key == "q":
            quitted.set()

    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        before = termios.tcgetattr(theirs)
        with listening(told) as able:
            assert able
            os.write(ours, b"4-\x1b[D\x1b[Aq")
            assert quitted.wait(10)
        assert heard == ["4", "-", "\x1b[D", "\x1b[A", "q"]
        assert termios.tcgetattr(theirs) == before
    os.close(ours)


def test_a_pipe_has_no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    out, into = os.pipe()
    with os.fdopen(out) as pipe:
        monkeypatch.setattr(sys, "stdin", pipe)
        with listening(lambda key: None) as able:
            assert not able
    os.close(into)


def test_a_terminal_that_closes_meanwhile_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs) as terminal:
        monkeypatch.setattr(sys, "stdin", terminal)
        with listening(lambda key: None) as able:
            assert able
            os.close(ours)
