"""Worker processes on this machine: one per GPU, or one per core. A worker that is killed loses only its own item."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path

from ....core.cores import usable_cores
from ....core.errors import InputError
from ..items import Item, Outcome, Rules
from ..places import open_place
from ..worker import LANES, Worker, failure_file, failure_record
from .base import Agenda, Engine, Event

MEMORY_PER_WORKER = 1 << 30  # bytes, generously
UNKNOWN_MEMORY = 8 << 30  # bytes, where the system does not tell
REPORT_EVERY = 0.5  # seconds
STARTS = 3  # workers that may die one after the other before they are ready


@dataclass(frozen=True)
class LocalEngine(Engine):
    """`processes` workers, each with one of `gpus` in turn, or drawing with one thread where there is no GPU."""

    processes: int
    gpus: int = 0

    @property
    def workers(self) -> int:
        """How many processes run at a time."""
        return self.processes

    def run(self, rules: Rules, place: str, items: Sequence[Item]) -> Generator[Event]:
        """See `Engine.run`."""
        crew = _Crew(self, rules, place, Agenda(items))
        try:
            yield from crew.run()
        finally:
            crew.dismiss()


def local_engine(device: str, workers: int | None) -> LocalEngine:
    """As many workers as this machine carries, or as many as asked for; raises InputError."""
    if workers is not None and not 1 <= workers <= 1024:
        raise InputError(f"--workers {workers}: expected 1 to 1024")
    gpus = count_gpus(device)
    by_memory = max(1, _free_memory() // MEMORY_PER_WORKER)
    return LocalEngine(workers or gpus or min(usable_cores(), by_memory), gpus)


def count_gpus(device: str) -> int:
    """CUDA devices that the workers will use; torch is imported only where a driver is present."""
    from ....renderer import open_rasterizer

    if device == "cpu" or open_rasterizer(device).name == "cpu":
        return 0
    import torch

    return torch.cuda.device_count()


def _free_memory() -> int:
    """Bytes that may be used, by the system's account and by the limit of a container."""
    free = UNKNOWN_MEMORY
    with contextlib.suppress(AttributeError, ValueError, OSError):  # macOS knows no such number, Windows no such call
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    with contextlib.suppress(OSError, ValueError):
        fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text(encoding="utf-8").splitlines())
        free = int(fields["MemAvailable"].split()[0]) * 1024
    with contextlib.suppress(OSError, ValueError):  # "max" when there is no limit
        group = Path("/sys/fs/cgroup")
        limit, used = (int((group / f"memory.{name}").read_text(encoding="utf-8")) for name in ("max", "current"))
        free = min(free, limit - used)
    return free


@dataclass(eq=False)
class _Hand:
    """One worker process, seen from the parent."""

    name: str
    process: BaseProcess
    link: Connection
    items: dict[str, Item] = field(default_factory=dict)  # given to it and not yet back, by output
    ready: bool = False
    alone: bool = False  # whether it works on a suspect, which shares a worker with nobody


class _Crew:
    """The parent's side: gives out items, replaces workers that die."""

    def __init__(self, engine: LocalEngine, rules: Rules, place: str, agenda: Agenda) -> None:
        self._engine = engine
        self._rules = rules
        self._place = place
        self._agenda = agenda
        self._false_starts = 0
        self._hands: list[_Hand] = []

    def run(self) -> Iterator[Event]:
        count = min(self._engine.processes, len(self._agenda))
        self._hands = [self._hire(index) for index in range(count)]
        while self._agenda or any(hand.items for hand in self._hands):
            self._supply()
            for link in wait([hand.link for hand in self._hands], timeout=1.0):
                hand = next(h for h in self._hands if h.link is link)
                try:
                    yield from self._hear(hand, hand.link.recv())
                except (EOFError, OSError):
                    yield from self._replace(hand)

    def dismiss(self) -> None:
        """End all workers. What they were rendering stays unfinished; their claims and half-made files go."""
        for hand in self._hands:
            if hand.items:
                hand.process.kill()
            else:
                hand.link.close()  # it ends by itself
        for hand in self._hands:
            hand.process.join()
        tidy(self._place, [item for hand in self._hands for item in hand.items.values()])

    def _hire(self, index: int) -> _Hand:
        context = multiprocessing.get_context("spawn")
        link, far_end = context.Pipe()
        gpu = index % self._engine.gpus if self._engine.gpus else None
        process = context.Process(
            target=_work, args=(far_end, self._rules, self._place), name=f"worker-{index + 1}", daemon=True
        )
        with _environment(gpu):
            process.start()
        far_end.close()  # so that the end of the process ends the link
        return _Hand(f"worker {index + 1}", process, link)

    def _supply(self) -> None:
        """Give a suspect a worker to itself, and all others as many items as they have lanes, one each at first."""
        for hand in self._hands:
            if not hand.items and (suspect := self._agenda.next_suspect()) is not None:
                hand.alone = True
                self._give(hand, suspect)
        for lane in range(LANES):
            for hand in self._hands:
                if len(hand.items) <= lane and not hand.alone and (item := self._agenda.next()) is not None:
                    self._give(hand, item)

    def _give(self, hand: _Hand, item: Item) -> None:
        hand.items[item.out] = item
        with contextlib.suppress(OSError):  # it is dead, which its link tells too
            hand.link.send(item)

    def _hear(self, hand: _Hand, event: Event | None) -> Iterator[Event]:
        if event is None:
            hand.ready, self._false_starts = True, 0
            return
        if event.outcome is not None:
            del hand.items[event.item.out]
            hand.alone = False
            if event.outcome.status == "busy":
                self._agenda.wait(event.item)
                return
        yield Event(hand.name, event.item, event.done, event.total, event.outcome)

    def _replace(self, hand: _Hand) -> Iterator[Event]:
        hand.process.join()
        code = hand.process.exitcode or 0
        index = self._hands.index(hand)
        tidy(self._place, list(hand.items.values()))
        if not hand.ready:
            self._false_starts += 1
            if self._false_starts >= STARTS:
                raise RuntimeError(f"workers cannot start (exit status {code})")
        for item in hand.items.values():
            if hand.ready and not self._agenda.died(item):
                cause = signal.Signals(-code).name if code < 0 else f"exit status {code}"
                yield Event(hand.name, item, outcome=self._lost(item, cause))
            elif not hand.ready:
                self._agenda.wait(item)
        hand.items = {}
        self._hands[index] = self._hire(index)

    def _lost(self, item: Item, cause: str) -> Outcome:
        reason = f"its worker was ended twice, the second time by {cause}; is there enough memory?"
        with contextlib.suppress(Exception):  # the outcome tells it too
            open_place(self._place).write(failure_file(item), failure_record(item, "", reason, own_fault=False))
        return Outcome(item, "failed", reason=reason)


def tidy(url: str, items: Sequence[Item]) -> None:
    """Remove the claims and half-made files that dead processes left of these items."""
    from ..claims import CLAIMS, Claims

    place = open_place(url)
    claims = Claims(place)
    names = place.names(CLAIMS) if items else []
    for item in items:
        if any(name.startswith(f"{item.token}.") for name in names):
            for owner in claims.clear(item.token):
                place.sweep(item.out, owner)
    claims.close()


@contextlib.contextmanager
def _environment(gpu: int | None) -> Iterator[None]:
    """What a worker must find in its environment before it imports anything."""
    wanted = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    if gpu is not None:
        visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        wanted["CUDA_VISIBLE_DEVICES"] = visible.split(",")[gpu] if visible else str(gpu)
    before = {name: os.environ.get(name) for name in wanted}
    os.environ |= wanted
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _work(link: Connection, rules: Rules, place: str) -> None:
    """A worker process: items come in over the link, news go out, until the link is closed."""
    for stop in ("SIGINT", "SIGHUP"):  # Ctrl-C, and a terminal that closes, reach the parent, which ends us
        if hasattr(signal, stop):
            signal.signal(getattr(signal, stop), signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    worker = Worker(rules, place)
    speaking = threading.Lock()

    def say(event: Event | None) -> None:
        with speaking, contextlib.suppress(OSError):
            link.send(event)

    def render(item: Item) -> None:
        said = 0.0

        def report(done: int, total: int) -> None:
            nonlocal said
            if (now := time.monotonic()) - said >= REPORT_EVERY:
                said = now
                say(Event("", item, done, total))

        say(Event("", item, outcome=worker.run(item, report)))

    say(None)
    lanes = ThreadPoolExecutor(LANES)
    while True:
        try:
            lanes.submit(render, link.recv())
        except (EOFError, OSError):  # the parent is gone, or has no more work
            os._exit(0)
