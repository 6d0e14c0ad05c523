"""Ray actors that keep the models loaded: on this machine, or on a cluster that Ray already spans."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ....core.errors import InputError
from ..items import Item, Outcome, Rules
from ..places import open_place
from ..worker import LANES, Worker, failure_file, failure_record
from .base import Agenda, Engine, Event

LOOK = 1.0  # seconds between looks at the agenda while all are busy


class RayWorker:
    """The actor: a `Worker` that Ray starts, restarts and calls."""

    def __init__(self, rules: Rules, place: str) -> None:
        self._worker = Worker(rules, place)

    def run(self, item: Item) -> Outcome:
        """See `Worker.run`."""
        return self._worker.run(item)


@dataclass(frozen=True)
class RayEngine(Engine):
    """`actors` actors; Ray places them and gives each one its GPU. `address` None: Ray starts on this machine."""

    actors: int
    gpus_each: float
    address: str | None = None

    @property
    def workers(self) -> int:
        """How many actors run at a time."""
        return self.actors

    def run(self, rules: Rules, place: str, items: Sequence[Item]) -> Generator[Event]:
        """See `Engine.run`. Ray restarts a lost actor and runs its items again; what is lost again is tried alone."""
        crew = _Actors(self, rules, place, Agenda(items))
        try:
            yield from crew.run(min(self.actors, len(items)))
        finally:
            crew.dismiss()


class _Actors:
    """The driver's side: gives out items and collects outcomes."""

    def __init__(self, engine: RayEngine, rules: Rules, place: str, agenda: Agenda) -> None:
        self._ray = _ray()
        self._place = place
        self._agenda = agenda
        options = {
            "num_cpus": 1,
            "num_gpus": engine.gpus_each,
            "max_restarts": -1,
            "max_task_retries": 1,
            "max_concurrency": LANES,
        }
        self._hire = lambda: self._ray.remote(RayWorker).options(**options).remote(rules, place)
        self._actors: list[Any] = []
        self._given: dict[Any, tuple[int, Item]] = {}  # by reference: the actor's index, the item
        self._alone: set[int] = set()  # actors that work on a suspect

    def run(self, count: int) -> Iterator[Event]:
        self._actors = [self._hire() for _ in range(count)]
        while self._agenda or self._given:
            self._supply()
            if not self._given:
                time.sleep(LOOK)
                continue
            ready, _ = self._ray.wait(list(self._given), timeout=LOOK)
            for reference in ready:
                yield from self._hear(reference, *self._given.pop(reference))

    def dismiss(self) -> None:
        """End all actors."""
        for actor in self._actors:
            self._ray.kill(actor)

    def _supply(self) -> None:
        """Give a suspect an actor to itself, and all other actors as many items as they have lanes."""
        load = [sum(index == i for i, _ in self._given.values()) for index in range(len(self._actors))]
        for index, busy in enumerate(load):
            if not busy and (suspect := self._agenda.next_suspect()) is not None:
                self._alone.add(index)
                self._give(index, suspect)
        for lane in range(LANES):
            for index, busy in enumerate(load):
                if busy <= lane and index not in self._alone and (item := self._agenda.next()) is not None:
                    self._give(index, item)

    def _give(self, index: int, item: Item) -> None:
        self._given[self._actors[index].run.remote(item)] = index, item

    def _hear(self, reference: Any, index: int, item: Item) -> Iterator[Event]:
        self._alone.discard(index)
        try:
            outcome: Outcome = self._ray.get(reference)
        except self._ray.exceptions.RayError as error:
            if self._agenda.died(item):
                return
            outcome = self._lost(item, type(error).__name__)
        if outcome.status == "busy":
            self._agenda.wait(item)
        else:
            yield Event(f"actor {index + 1}", item, outcome=outcome)

    def _lost(self, item: Item, cause: str) -> Outcome:
        reason = f"its actor was lost again and again ({cause}); is there enough memory?"
        open_place(self._place).write(failure_file(item), failure_record(item, "", reason, own_fault=False))
        return Outcome(item, "failed", reason=reason)


def ray_engine(address: str | None, workers: int | None, device: str) -> RayEngine:
    """Join the cluster at `address`, or start Ray here; one actor per GPU or core. Raises InputError."""
    ray = _ray()
    try:
        if not ray.is_initialized():
            ray.init(address=address, include_dashboard=False if address is None else None, log_to_driver=False)
    except (ConnectionError, ValueError) as error:
        raise InputError(
            f"--address {address!r}: no Ray cluster found there ({' '.join(str(error).split())})"
        ) from None
    resources = ray.cluster_resources()
    gpus = 0 if device == "cpu" else int(resources.get("GPU", 0))
    if device == "cuda" and not gpus:
        raise InputError("--device cuda: the Ray cluster has no GPU; use --device auto or cpu")
    actors = workers or gpus or max(1, int(resources.get("CPU", 1)))
    return RayEngine(actors, min(1.0, gpus / actors), address)


def _ray() -> Any:
    try:
        import ray
    except ImportError:
        raise InputError("--engine ray: Ray is not installed; pip install 'emosplat[ray]'") from None
    return ray
