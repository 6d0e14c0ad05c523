"""Do lists stay balanced when participants leave? `python benchmarks/study_dropouts.py [--participants 300]`.

Simulated participants come to the example study at random moments, answer at their own pace, and a quarter of them
leaves somewhere in the middle: half of those close the page, the others say nothing. As portals do, a place is given
again when somebody has left it, so that `1 - dropouts` of the participants finish in the end. The real server's code
decides who gets which list; only its clock is ours.
"""

from __future__ import annotations

import argparse
import heapq
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from study_server import answers_to, write_bare_study

from emosplat.studies.answers import GIVEN_BACK, Answers
from emosplat.studies.design import load_study
from emosplat.studies.example import TEMPLATE
from emosplat.studies.messages import Answer, Arrival, Sign, Submission

MEMORY = Path("/dev/shm")  # where nobody waits for a disk
BEGAN = datetime(2026, 1, 5, 9, tzinfo=UTC)
PER_TRIAL = 20.0  # seconds, median
BETWEEN = 40.0  # seconds between two arrivals, on average
NOTICED = GIVEN_BACK + timedelta(minutes=1)  # after which a portal gives a silent person's place to somebody else


@dataclass(frozen=True)
class Outcome:
    """Who came, and how the lists were used."""

    came: int
    finished: int
    fewest: int  # who finished, of a list
    most: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--participants", type=int, default=300)
    parser.add_argument("--dropouts", type=float, default=0.25)
    parser.add_argument("--seeds", type=int, default=20)
    options = parser.parse_args()
    for seed in range(options.seeds):
        with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
            write_bare_study(load_study(TEMPLATE), Path(folder))
            found = recruit(Path(folder), participants=options.participants, dropouts=options.dropouts, seed=seed)
        print(f"seed {seed}: {found.came} came, {found.finished} finished; of a list {found.fewest} to {found.most}")


def recruit(folder: Path, *, participants: int, dropouts: float, seed: int) -> Outcome:
    """Let people take part in the study in `folder` until so many places are filled."""
    crowd = _Crowd(folder, places=round(participants * (1 - dropouts)), dropouts=dropouts, seed=seed)
    return crowd.run()


class _Crowd:
    """People at their screens: a queue of what happens when."""

    def __init__(self, folder: Path, *, places: int, dropouts: float, seed: int) -> None:
        self._now = BEGAN
        settings = json.loads((folder / "public" / "study.json").read_text(encoding="utf-8"))
        self._answers = Answers(folder, settings, now=lambda: self._now)
        self._rng = np.random.default_rng(seed)
        self._places = places  # that nobody has
        self._dropouts = dropouts
        self._events: list[tuple[datetime, int, str, Any]] = []
        self._order = count()  # of what happens at one time
        self._came = 0
        self._busy = False  # whether the next arrival is in the queue

    def run(self) -> Outcome:
        """Until nobody is left."""
        self._expect_somebody()
        while self._events:
            self._now, _, what, about = heapq.heappop(self._events)
            {"come": self._come, "answer": self._answer, "noticed": self._free_place}[what](about)
        people, _, now = self._answers.snapshot()
        finished = Counter(person.list for person in people if person.state(now) == "finished")
        counts = [finished[number] for number in range(len(self._answers.lists))]
        return Outcome(self._came, sum(counts), min(counts), max(counts))

    def _at(self, seconds: float, what: str, about: Any = None) -> None:
        heapq.heappush(self._events, (self._now + timedelta(seconds=seconds), next(self._order), what, about))

    def _expect_somebody(self) -> None:
        if self._places and not self._busy:
            self._busy = True
            self._at(float(self._rng.exponential(BETWEEN)), "come")

    def _come(self, _: None) -> None:
        self._busy = False
        self._places -= 1
        name = f"p{self._came}"
        self._came += 1
        person = self._answers.arrive(Arrival(participant=name))
        leaves = int(self._rng.integers(person.of)) if self._rng.random() < self._dropouts else person.of
        self._at(self._pause(), "answer", (name, person.list, 0, leaves))
        self._expect_somebody()

    def _answer(self, about: tuple[str, int, int, int]) -> None:
        name, number, trial, leaves = about
        if trial == leaves:
            self._leave(name)
            return
        page = self._answers.lists[number][trial]
        answers = [Answer(**answer) for answer in answers_to(dict(page))]
        identity = self._rng.bytes(16).hex()
        self._answers.add(Submission(id=identity, participant=name, list=number, trial=trial, answers=answers))
        if trial + 1 < len(self._answers.lists[number]):
            self._at(self._pause(), "answer", (name, number, trial + 1, leaves))

    def _leave(self, name: str) -> None:
        if self._rng.random() < 0.5:
            self._answers.sign(Sign(participant=name, left=True))
            self._free_place(None)
        else:
            self._at(NOTICED.total_seconds(), "noticed")

    def _free_place(self, _: None) -> None:
        self._places += 1
        self._expect_somebody()

    def _pause(self) -> float:
        return float(PER_TRIAL * np.exp(self._rng.normal(0, 0.5)))


if __name__ == "__main__":
    main()
