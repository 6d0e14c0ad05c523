"""What a person sees while a batch runs, before it as a plan, and after it as a summary."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from .engines.base import Event
from .estimate import Estimate
from .items import Item
from .plan import Plan
from .run import BatchResult

LOG_EVERY = 30.0  # seconds
RECENT = 60.0  # seconds over which the pace is measured
LINES = 12  # items of a plan, and workers, that are shown


@dataclass
class Board:
    """The state of a running batch as its events tell it."""

    total: int
    clock: Callable[[], float] = time.monotonic
    counts: Counter[str] = field(default_factory=Counter)
    workers: dict[str, Event] = field(default_factory=dict)
    finished: list[float] = field(default_factory=list)  # when recent clips were rendered

    def __post_init__(self) -> None:
        self._began = self.clock()

    def hear(self, event: Event) -> None:
        """Take in one event."""
        self.workers[event.worker] = event
        if event.outcome is None:
            return
        self.counts["failed" if event.outcome.status == "failed" else "done"] += 1
        if event.outcome.fresh:
            self.finished.append(self.clock())

    @property
    def left(self) -> int:
        """Items without an outcome."""
        return self.total - self.counts["done"] - self.counts["failed"]

    @property
    def clips_per_minute(self) -> float:
        """Rendered clips per minute, lately."""
        now = self.clock()
        self.finished = [t for t in self.finished if now - t < RECENT]
        span = max(1.0, min(RECENT, now - self._began))
        return 60 * len(self.finished) / span

    @property
    def seconds_left(self) -> float | None:
        """Estimate from the pace; None before the first clip."""
        pace = self.clips_per_minute
        return 60 * self.left / pace if pace else None

    def headline(self) -> Text:
        """Done, failed, left, pace and time to go."""
        to_go = "" if self.seconds_left is None else f"   {duration(self.seconds_left)} to go"
        return Text.assemble(
            (f"{self.counts['done']} done", "green"),
            "   ",
            (f"{self.counts['failed']} failed", "red" if self.counts["failed"] else ""),
            f"   {self.left} left   {self.clips_per_minute:.1f} clips/min{to_go}",
        )

    def __rich__(self) -> Group:
        rows = Table.grid(padding=(0, 2))
        for worker, event in list(self.workers.items())[:LINES]:
            rows.add_row(worker, event.item.out, _state(event))
        if len(self.workers) > LINES:
            rows.add_row("", f"and {len(self.workers) - LINES} more workers", "")
        return Group(self.headline(), ProgressBar(total=self.total, completed=self.total - self.left), rows)


class LiveBoard:
    """Context manager that shows a `Board` on a terminal, and prints failures above it as they come."""

    def __init__(self, total: int, console: Console) -> None:
        self._board = Board(total)
        self._console = console
        self._live = Live(self._board, console=console, refresh_per_second=4, transient=True)

    def __enter__(self) -> LiveBoard:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def begin(self, total: int) -> None:
        """Learn how many items are left."""
        self._board.total = total

    def watch(self, event: Event) -> None:
        """Show one event."""
        self._board.hear(event)
        if event.outcome is not None and event.outcome.status == "failed":
            line = Text.assemble(("failed ", "red"), f"{event.item.out}: {event.outcome.reason}")
            self._console.print(line, soft_wrap=True)


class LogBoard:
    """The same for a log file: a line now and then, and one per failure."""

    def __init__(
        self, total: int, write: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._board = Board(total, clock)
        self._write = write
        self._next = clock() + LOG_EVERY

    def __enter__(self) -> LogBoard:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def begin(self, total: int) -> None:
        """Learn how many items are left."""
        self._board.total = total

    def watch(self, event: Event) -> None:
        """Take in one event."""
        self._board.hear(event)
        if event.outcome is not None and event.outcome.status == "failed":
            self._write(f"failed {event.item.out}: {event.outcome.reason}")
        if self._board.clock() >= self._next:
            self._next = self._board.clock() + LOG_EVERY
            self._write(self._board.headline().plain)


def plan_lines(plan: Plan, *, left: Sequence[Item], estimated: Estimate, workers: int) -> Iterator[str]:
    """The plan in words; `left` are the items that are still to be rendered, for which the estimate is."""
    conditions = f" x {plan.conditions} conditions" if plan.conditions > 1 else ""
    yield f"{plan.clips} clips{conditions} = {len(plan.items)} videos"
    if len(plan.mine) < len(plan.items):
        yield f"{len(plan.mine)} in this shard"
    yield f"{len(plan.mine) - len(left)} already done, {len(left)} to render"
    for item in left[:LINES]:
        told = item.settings
        yield f"  {item.out}  <- {item.audio}  {told.avatar}, {told.emotion} {told.intensity:g}, seed {told.seed}"
    if len(left) > LINES:
        yield f"  ... and {len(left) - LINES} more"
    yield from skipped_lines(plan)
    yield f"video: {estimated.minutes:.1f} minutes"
    if estimated.seconds is None or estimated.bytes is None:
        yield "time and disk: unknown, no recording could be rendered for a trial"
    else:
        yield f"time: about {duration(estimated.seconds / workers)} on {workers} workers, by a trial of one second"
        yield f"disk: about {estimated.bytes / 1e6:.1f} MB"


def skipped_lines(plan: Plan) -> Iterator[str]:
    """How many files were skipped, by reason; all of them are in skipped.csv afterwards."""
    reasons = Counter(skip.reason for skip in plan.skipped)
    for reason, count in reasons.most_common(LINES):
        example = next(skip.name for skip in plan.skipped if skip.reason == reason)
        yield f"skipped {count}: {reason} ({example}{', ...' if count > 1 else ''})"


def result_lines(result: BatchResult, out: str) -> Iterator[str]:
    """What came of it, in words."""
    pace = 60 * result.rendered / result.seconds if result.seconds else 0.0
    yield (
        f"{out}: {result.rendered} rendered in {duration(result.seconds)} ({pace:.1f} clips/min), "
        f"{result.found} were there, {len(result.failures)} failed"
    )
    whole = result.whole
    if whole is None:
        yield "other shards are at work; the last one to end writes the tables"
    elif whole.left:
        yield f"of the whole batch {whole.done} of {whole.items} are done, {whole.left} left"
    if result.faults:
        yield f"{result.faults} could not be planned; what is wrong with each is in skipped.csv"
    if result.failures and whole is not None:
        yield "what failed and why is in failures.jsonl"


def duration(seconds: float) -> str:
    """`1:02:03`, `2:03` or `3 s`."""
    whole = round(seconds)
    if whole < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{whole} s"
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _state(event: Event) -> str:
    if event.outcome is not None:
        return event.outcome.status
    return f"{event.done}/{event.total} frames" if event.done else "starting"
