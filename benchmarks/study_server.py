"""Does the study server keep its word? `python benchmarks/study_server.py [--participants 250] [--kills 50]`.

Participants answer whole lists at once on loopback while the server is killed (SIGKILL) at random instants and started
again. Each of them repeats a request until it is acknowledged, as the page does. Then the file of answers is compared
with what was acknowledged: nothing may be missing, different or there twice.
"""

from __future__ import annotations

import argparse
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import numpy as np

from emosplat.studies.design import Study, load_study
from emosplat.studies.example import TEMPLATE
from emosplat.studies.lists import make_lists, served
from emosplat.studies.page.page import write_page
from emosplat.studies.possible import items_of

Json = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--participants", type=int, default=250)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--every", type=float, default=0.3, help="seconds between kills, on average")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        write_bare_study(load_study(TEMPLATE), Path(folder))
        began = time.perf_counter()
        crowd = storm(Path(folder), participants=options.participants, kills=options.kills, every=options.every)
        seconds = time.perf_counter() - began
        print(f"{crowd.acknowledged} answers acknowledged in {seconds:.0f} s, after {crowd.kills} kills")
        print(f"{crowd.requests} requests, repeated ones among them")
        print(f"lost {crowd.lost}, different {crowd.different}, twice {crowd.twice}, unknown {crowd.unknown}")
        print(f"participants per list: {crowd.fewest} to {crowd.most}; whose list changed: {crowd.moved}")
        waits = np.percentile(crowd.waits, [50, 95, 100])
        print("a request that was answered took (ms): " + ", ".join(f"{1000 * wait:.0f}" for wait in waits))
    sys.exit(not crowd.kept_its_word)


@dataclass(frozen=True)
class Crowd:
    """What became of the answers."""

    acknowledged: int
    requests: int
    kills: int
    lost: int
    different: int
    twice: int
    unknown: int  # in the file, but never acknowledged, although everybody waited
    fewest: int
    most: int
    moved: int
    waits: list[float]  # seconds

    @property
    def kept_its_word(self) -> bool:
        """Whether the file holds what was acknowledged, once, and everybody kept the list."""
        return not (self.lost or self.different or self.twice or self.unknown or self.moved)


def write_bare_study(study: Study, folder: Path) -> None:
    """The lists and the page of a study, without its videos."""
    lists = folder / "public" / "lists"
    lists.mkdir(parents=True)
    made = make_lists(study)
    for number, trials in enumerate(made):
        page = {"title": study.title, "list": number, "lists": len(made), "trials": served(trials, study)}
        (lists / f"list_{number:03}.json").write_text(json.dumps(page))
    write_page(study, folder / "public")


def answers_to(trial: Json, pick: Callable[[list[str]], str] = min) -> list[Json]:
    """Possible answers to a trial; `pick` takes one of several responses."""
    made: list[Json] = []
    for item, possible in items_of(trial).items():
        if isinstance(possible, frozenset):
            allowed = sorted(possible - {"other"})
        else:
            allowed = [text for text in ("", "a word", "0:50 100:60") if possible(text)][:1]
        made.append({"item": item, "response": pick(allowed), "rt_ms": 5})
    return made


def storm(folder: Path, *, participants: int, kills: int, every: float, seed: int = 0) -> Crowd:
    """Let a crowd answer the study in `folder` while its server is killed `kills` times."""
    rng = np.random.default_rng(seed)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    people = [_Person(f"p{k}", port, folder, seed=(seed, k)) for k in range(participants)]
    killed = 0
    with ThreadPoolExecutor(participants) as pool:
        done = [pool.submit(person.take_part) for person in people]
        while True:
            with _server(folder, port):
                pause = rng.exponential(every) if killed < kills else None
                if _all_done(done, pause):
                    break
            killed += 1
        for one in done:
            one.result()
    return _judge(folder, people, killed)


@contextmanager
def _server(folder: Path, port: int) -> Iterator[None]:
    command = [sys.executable, "-m", "emosplat", "study", "serve", str(folder), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        for _ in range(600):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            if process.poll() is not None:
                raise RuntimeError(f"the server stopped with code {process.returncode}")
            time.sleep(0.1)
        yield
    finally:
        process.kill()
        process.wait()


def _all_done(done: list[Any], seconds: float | None) -> bool:
    """Wait until everybody is done, or for so many seconds."""
    until = None if seconds is None else time.monotonic() + seconds
    while not all(one.done() for one in done):
        if until is not None and time.monotonic() >= until:
            return False
        time.sleep(0.01)
    return True


class _Person:
    """Answers a list and remembers what was acknowledged."""

    def __init__(self, name: str, port: int, folder: Path, *, seed: tuple[int, int]) -> None:
        self.name = name
        self.lists: set[int] = set()
        self.acknowledged: dict[tuple[str, int, str], tuple[str, str]] = {}  # person, trial, item: response, id
        self.requests = 0
        self.waits: list[float] = []
        self._port = port
        self._folder = folder
        self._rng = np.random.default_rng(seed)

    def take_part(self) -> None:
        """Arrive, answer everything, and come back twice on the way."""
        trials = self._arrive()
        for number, trial in enumerate(trials):
            answers = answers_to(trial, lambda possible: str(self._rng.choice(possible)))
            identity = self._rng.bytes(16).hex()
            [mine] = self.lists
            body = {"id": identity, "participant": self.name, "list": mine, "trial": number, "answers": answers}
            self._post("/responses", body)
            if self._rng.random() < 0.1:  # as if the acknowledgement had not arrived
                self._post("/responses", body)
            for answer in answers:
                self.acknowledged[self.name, number, answer["item"]] = (answer["response"], identity)
            if number in (3, 7):
                self._arrive()

    def _arrive(self) -> list[Json]:
        number = self._post("/session", {"participant": self.name})["list"]
        self.lists.add(number)
        return json.loads((self._folder / f"public/lists/list_{number:03}.json").read_text())["trials"]

    def _post(self, path: str, body: Json) -> Json:
        """Ask until it is acknowledged."""
        while True:
            self.requests += 1
            began = time.perf_counter()
            connection = HTTPConnection("127.0.0.1", self._port, timeout=60)
            try:
                connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
                reply = connection.getresponse()
                text = reply.read()
            except (OSError, HTTPException):
                time.sleep(0.05 + 0.2 * self._rng.random())
                continue
            finally:
                connection.close()
            if reply.status != 200:
                raise RuntimeError(f"{path}: {reply.status} {text[:200]!r}")
            self.waits.append(time.perf_counter() - began)
            return json.loads(text)


def _judge(folder: Path, people: list[_Person], kills: int) -> Crowd:
    lines = (folder / "responses" / "responses.jsonl").read_text().splitlines()
    found: dict[tuple[str, int, str], list[tuple[str, str]]] = {}
    for row in map(json.loads, lines):
        key = (row["participant"], row["trial"], row["item"])
        found.setdefault(key, []).append((row["response"], row["id"]))
    promised = {key: value for person in people for key, value in person.acknowledged.items()}
    used = Counter(number for person in people for number in person.lists)
    lists = len(list((folder / "public" / "lists").iterdir()))
    per_list = [used[number] for number in range(lists)]
    return Crowd(
        acknowledged=len(promised),
        requests=sum(person.requests for person in people),
        kills=kills,
        lost=sum(key not in found for key in promised),
        different=sum(key in found and found[key][0] != value for key, value in promised.items()),
        twice=sum(len(values) > 1 for values in found.values()),
        unknown=sum(key not in promised for key in found),
        fewest=min(per_list),
        most=max(per_list),
        moved=sum(len(person.lists) != 1 for person in people),
        waits=[wait for person in people for wait in person.waits],
    )


if __name__ == "__main__":
    main()
