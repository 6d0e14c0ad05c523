"""`render live` and `render serve` as commands: light help, one line for what is wrong, an end on request."""

import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[live])")
pytest.importorskip("uvicorn", reason="uvicorn is not installed (pip install emosplat[live])")

from typer.testing import CliRunner

from emosplat.cli import app
from emosplat.pipeline.live.pcm import as_s16le

RENDER = [sys.executable, "-m", "emosplat"]
SMALL = ["--size", "32x32", "--device", "cpu", "--port", "0", "--avatar", "person1-light"]


def run(*arguments: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run([*RENDER, *arguments], input=stdin, capture_output=True, timeout=300, check=False)


def started(*arguments: str) -> tuple[subprocess.Popen[str], str]:
    """A command that runs, and its address."""
    command = subprocess.Popen([*RENDER, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert command.stdout is not None
    return command, command.stdout.readline().split(" ")[0]


def test_samples_on_standard_input_become_a_face(tmp_path: Path) -> None:
    out = tmp_path / "face.json"
    sound = as_s16le(np.zeros(8000, np.float32))
    done = run("live", "-", *SMALL, "--no-page", "--record", str(out), stdin=sound)
    assert done.returncode == 0, done.stderr
    assert out.exists()
    assert b"sound to curves: p50" in done.stderr
    assert done.stdout.decode().splitlines()[-1] == str(out)


def test_a_recording_of_nothing_is_said_to_be_none(tmp_path: Path) -> None:
    out = tmp_path / "face.json"
    done = run("live", "-", *SMALL, "--no-page", "--record", str(out))
    assert done.returncode == 2
    assert f"error: -: expected sound to record, heard none; {out} was not written" in done.stderr.decode()
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["live", "-", *SMALL], ["-", "-o", "out.mp4"]])
def test_standard_input_that_is_closed_is_one_line(arguments: list[str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", 'exec "$@" <&-', "sh", *RENDER, *arguments],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("error: -: expected ")
    assert "found it closed" in done.stderr


def test_it_ends_on_request_and_keeps_what_it_has(babble: Path, tmp_path: Path) -> None:
    out = tmp_path / "face.json"
    command, address = started("live", "ws", *SMALL, "--record", str(out))
    assert address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(address, timeout=60) as reply:
        assert b"emosplat live" in reply.read()
    time.sleep(0.5)
    command.send_signal(signal.SIGTERM)
    _, told = command.communicate(timeout=120)
    assert command.returncode == 0, told
    assert "look-ahead" in told
    assert out.exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["live", "nothing.wav"], "no such audio file"),
        (["live", "-", "--rate", "5"], "rate: expected"),
        (["live", "-", "--pcm", "mp3"], "pcm: expected one of s16le, f32le"),
        (["live", "ws", "--emotion", "auto"], "emotion"),
        (["live", "ws", "--effort", "calm.wav"], "effort: calm.wav: expected auto or a number"),
        (["live", "ws", "--model", "none"], "motion model"),
        (["live", "ws", "--host", "0.0.0.0"], "--token"),
        (["live", "ws", "--live-link", "::"], "--live-link"),
        (["serve", "--host", "0.0.0.0"], "--token"),
        (["serve", "--token", "short"], "--token"),
    ],
)
def test_what_is_wrong_is_one_line(arguments: list[str], message: str) -> None:
    done = CliRunner().invoke(app, arguments)
    told = done.output.splitlines()
    assert done.exit_code == 2
    assert len(told) == 1
    assert told[0].startswith("error: ")
    assert message in told[0]


def test_the_token_may_come_from_the_environment() -> None:
    done = CliRunner().invoke(app, ["serve"], env={"EMOSPLAT_TOKEN": "short"})
    assert done.exit_code == 2
    assert "--token" in done.output


def test_a_service_ends_and_leaves_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    command, address = started("serve", "--port", "0", "--folder", str(folder))
    with urllib.request.urlopen(f"{address}/limits", timeout=60) as reply:
        assert b"seconds" in reply.read()
    command.send_signal(signal.SIGTERM)
    command.communicate(timeout=60)
    assert list(folder.iterdir()) == []
