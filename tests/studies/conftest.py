"""A small study, built once: all five tasks, tiny pictures."""

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from emosplat.studies.build import build_study
from emosplat.studies.example import SPEECH, TEMPLATE

KEY = "0123456789abcdef-key"  # of the experimenter
DESIGN = """
title: A small study
seed: 5
participants: 4
clips:
  - {id: hello, audio: hello.flac, duration: 0.85}
  - {id: welcome, audio: hello.flac, start: 0.85, duration: 0.9}
  - {id: name, audio: hello.flac, start: 1.7, duration: 0.6, practice: true}
conditions:
  plainface: {avatar: person1}
  twinface: {avatar: person1}
  gladface: {avatar: person1, emotion: happy}
stimuli: {size: 64x64, fps: 12, lead: 0.2, tail: 0.2, fade: 0.1}
tasks:
  - {id: t1, type: preference, question: "Which one?", pairs: [[plainface, gladface]], practice: 1, catch: 1}
  - {id: t2, type: rating, question: "How good?", conditions: [plainface, twinface], catch: 1}
  - {id: t3, type: identification, question: "Which emotion?", conditions: [gladface], labels: [glad, sad]}
  - {id: t4, type: sync, question: "In sync?", condition: plainface, offsets_ms: [-250, 0, 250]}
  - id: t5
    type: mushra
    question: How good is each?
    conditions: [plainface, gladface]
    reference: plainface
    anchor: {kind: frozen}
prolific: {completion_code: C1ABCDEF}
"""


def write_design(folder: Path, text: str = DESIGN) -> Path:
    """The design file and its speech in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(TEMPLATE.parents[1] / "assets" / "demo" / SPEECH, folder / SPEECH)
    design = folder / "study.yaml"
    design.write_text(text)
    return design


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built study; tests must not change it."""
    folder = tmp_path_factory.mktemp("study")
    return build_study(write_design(folder), folder / "built").folder


@pytest.fixture
def live() -> Iterator[Callable[[Path], int]]:
    """Serves a study in a thread with its own server; gives its port."""
    import uvicorn

    from emosplat.studies.server import create_app

    servers: list[tuple[Any, threading.Thread]] = []

    def start(folder: Path) -> int:
        server = uvicorn.Server(uvicorn.Config(create_app(folder, key=KEY), port=0, log_level="error"))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            assert thread.is_alive()
            thread.join(0.02)
        return server.servers[0].sockets[0].getsockname()[1]

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(20)
