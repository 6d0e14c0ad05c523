"""A whole batch: plan, render, gather. It may be ended at any instant and started again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from ...core.errors import InputError
from ..clip.sidecar import versions
from .claims import CLAIMS, Claims
from .engines.base import Engine, Event
from .items import Item, Outcome
from .places import Place, open_place
from .plan import BatchRequest, Plan, make_plan
from .results import Tally, gather, gathered, tally, write_results

GATHER_LOCK = "gather"
LOCK_WAIT = 0.5  # seconds

Watch = Callable[[Event], None]


@dataclass(frozen=True)
class BatchResult:
    """What came of a run: `whole` counts every item of the batch, the rest only this run's share."""

    whole: Tally
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
    watch: Watch = lambda _: None,
) -> BatchResult:
    """Render what is not rendered yet and write the results; raises InputError when the plan or the target is wrong.

    `plan` spares making it again from `request`; `watch` hears of every step.
    """
    started = datetime.now(UTC)
    began = time.perf_counter()
    plan = plan or make_plan(request)
    place = open_place(request.out)
    place.check_writable()
    outcomes: dict[str, Outcome] = {}
    if plan.mine:
        with closing(engine.run(plan.rules, place.url, plan.mine)) as events:
            for event in events:
                if event.outcome is not None:
                    outcomes[event.item.out] = event.outcome
                watch(event)
    seconds = time.perf_counter() - began
    fresh = [o for o in outcomes.values() if o.fresh]
    run = {
        "shard": request.shard,
        "engine": type(engine).__name__,
        "workers": engine.workers,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "rendered": len(fresh),
        "frames": sum(o.frames for o in fresh),
        "clips_per_minute": round(60 * len(fresh) / seconds, 2),
    }
    try:
        with _alone(place, GATHER_LOCK):
            sweep(place, plan.items)
            whole = _write(place, plan, outcomes, run)
    except OSError as error:
        reason = error.strerror or error
        raise InputError(f"{place.url}: the results cannot be written: {reason}; mend that and start again") from None
    return BatchResult(
        whole=whole,
        rendered=len(fresh),
        found=sum(o.status == "done" and not o.fresh for o in outcomes.values()),
        failures=[o for o in outcomes.values() if o.status == "failed"],
        seconds=seconds,
        faults=sum(skip.fault for skip in plan.skipped),
    )


def unfinished(plan: Plan, out: str) -> Sequence[Item]:
    """Items of this share that are still to be rendered, as far as can be told without reading the recordings."""
    rows = gathered(open_place(out), plan.mine, plan.rules, {})
    return plan.mine.only([index for index, (row, _) in enumerate(rows) if row["status"] != "done"])


def _write(place: Place, plan: Plan, outcomes: dict[str, Outcome], run: dict[str, Any]) -> Tally:
    rows, posters = gather(place, plan.items, plan.rules, outcomes)
    whole = tally(rows)
    summary = {
        "command": plan.rules.command,
        "versions": versions(),
        "items": asdict(whole),
        "skipped": len(plan.skipped),
        "run": run,
    }
    write_results(place, rows, posters, plan.skipped, summary)
    return whole


@contextmanager
def _alone(place: Place, what: str) -> Iterator[None]:
    """Of all processes on one folder only one at a time; the last one to come in sees what all others did."""
    claims = Claims(place)
    claim = None
    while claim is None:
        claim, _ = claims.take(what)
        if claim is None:
            time.sleep(LOCK_WAIT)
    try:
        yield
    finally:
        claims.release(claim)
        claims.close()


def sweep(place: Place, items: Sequence[Item]) -> None:
    """Remove claims and half-made files of dead processes on this machine."""
    names = place.names(CLAIMS)
    tokens = {name.partition(".")[0] for name in names}
    by_token = {token: item for item in items if (token := item.token) in tokens} if tokens else {}
    claims = Claims(place)
    for name in names:
        token = name.partition(".")[0]
        item = by_token.get(token)
        if item is None or (owners := claims.dead(token)) is None:
            continue
        for owner in owners:
            place.sweep(item.out, owner)
        place.remove(f"{CLAIMS}/{name}")
