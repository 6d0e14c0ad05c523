"""A whole batch: plan, render, gather. It may be ended at any instant and started again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from ...core.errors import InputError
from ..clip.sidecar import versions
from .claims import CLAIMS, Claims
from .engines.base import Engine, Event
from .item_list import Items
from .items import Outcome, token_of
from .kept_plan import keep_plan, load_plan
from .ledger import Ledger
from .places import Place, open_place
from .plan import BatchRequest, Plan
from .progress import unfinished
from .results import Tally, gather
from .shards import Shards
from .tables import write_skipped, write_tables

GATHER_LOCK = "gather"
LOCK_WAIT = 0.5  # seconds

Watch = Callable[[Event], None]


@dataclass(frozen=True)
class BatchResult:
    """What came of a run: `whole` counts every item of the batch, the rest only this run's share."""

    whole: Tally | None  # None while other shards are at work, of which the last writes the tables
    rendered: int
    found: int  # that were finished before
    failures: list[Outcome]
    seconds: float
    faults: int = 0  # clips of the source that could not even be planned

    @property
    def exit_code(self) -> int:
        """0 when everything of this run's share is there, 1 when something failed."""
        return 1 if self.failures or self.faults else 0


def run_batch(
    request: BatchRequest,
    engine: Engine,
    *,
    plan: Plan | None = None,
    begin: Callable[[int], None] = lambda _: None,
    watch: Watch = lambda _: None,
) -> BatchResult:
    """Render what is not rendered yet and write the results; raises InputError when the plan or the target is wrong.

    `plan` spares finding it out from `request`; `begin` hears how many items are left, `watch` of every step.
    """
    started = datetime.now(UTC)
    began = time.perf_counter()
    plan = plan or load_plan(request)
    place = open_place(request.out)
    place.check_writable()
    keep_plan(plan, request, place)
    with _writing(place):
        write_skipped(place, plan.skipped)  # first, so that every shard has told it, however it ends
    shards = Shards(place, plan, request.shard)
    shards.begin()
    left = unfinished(plan, request.out)
    begin(len(left))
    done = _render(engine, plan, place, left, watch)
    seconds = time.perf_counter() - began
    run = {
        "shard": request.shard,
        "engine": type(engine).__name__,
        "workers": engine.workers,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "rendered": done.rendered,
        "frames": done.frames,
        "clips_per_minute": round(60 * done.rendered / seconds, 2),
    }
    with _writing(place):
        shards.end()
        whole = run_tables(place, plan, done.failures, run) if shards.all_ended() else None
    return BatchResult(
        whole=whole,
        rendered=done.rendered,
        found=len(plan.mine) - len(left) + done.found,
        failures=done.failures,
        seconds=seconds,
        faults=sum(skip.fault for skip in plan.skipped),
    )


@dataclass
class _Done:
    """What the workers did."""

    rendered: int = 0
    frames: int = 0
    found: int = 0
    failures: list[Outcome] = field(default_factory=list)


def _render(engine: Engine, plan: Plan, place: Place, left: Items, watch: Watch) -> _Done:
    done, ledger = _Done(), Ledger(place)
    if not left:
        return done
    try:
        with closing(engine.run(plan.rules, place.url, left)) as events:
            for event in events:
                if (outcome := event.outcome) is not None:
                    done.rendered += outcome.fresh
                    done.frames += outcome.frames if outcome.fresh else 0
                    done.found += outcome.status == "done" and not outcome.fresh
                    if outcome.status == "failed":
                        done.failures.append(outcome)
                    if outcome.entry is not None:
                        ledger.add(outcome.entry)
                watch(event)
    finally:
        ledger.flush()  # also where a person stops it
    return done


def run_tables(place: Place, plan: Plan, failures: list[Outcome], run: dict[str, Any]) -> Tally:
    """Write the tables, the page and the summary of the whole batch; `run` is what the summary says of this run."""

    def summary(whole: Tally) -> dict[str, Any]:
        counts = {"items": asdict(whole), "skipped": len(plan.skipped)}
        return {"command": plan.rules.command, "versions": versions(), **counts, "run": run}

    with _alone(place, GATHER_LOCK) as owner:
        sweep(place, plan.items)
        rows = gather(place, plan.items, plan.rules, {failure.item.out: failure.reason for failure in failures})
        return write_tables(
            place,
            rows,
            extra=plan.items.extra,
            items=len(plan.items),
            summary=summary,
            owner=owner,
        )


@contextmanager
def _writing(place: Place) -> Iterator[None]:
    """What keeps results from being written is one InputError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{place.url}: the results cannot be written: {reason}; mend that and start again") from None


@contextmanager
def _alone(place: Place, what: str) -> Iterator[str]:
    """Of all processes on one folder only one at a time, with a name for its half-made files."""
    claims = Claims(place)
    claim = None
    while claim is None:
        claim, dead_owners = claims.take(what)
        for owner in dead_owners:
            place.sweep("results.csv", owner)
        if claim is None:
            time.sleep(LOCK_WAIT)
    try:
        yield claim.owner
    finally:
        claims.release(claim)
        claims.close()


def sweep(place: Place, items: Items) -> None:
    """Remove claims and half-made files of dead processes on this machine."""
    tokens = {name.partition(".")[0] for name in place.names(CLAIMS)} - {GATHER_LOCK}
    if not tokens:
        return
    claims = Claims(place)
    for out in items.outs():
        if (token := token_of(out)) in tokens:
            for owner in claims.clear(token):
                place.sweep(out.decode(), owner)
    claims.close()
