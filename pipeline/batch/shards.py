"""Which shards of a batch have ended: the last one writes the tables for all."""

from __future__ import annotations

from .places import STATE, Place
from .plan import Plan, parse_shard

ENDED = f"{STATE}/ended"


class Shards:
    """The mark that this process leaves when it ends, and those of the others; a run without shards is the only one."""

    def __init__(self, place: Place, plan: Plan, shard: str | None) -> None:
        self._place = place
        part, self._parts = parse_shard(shard)
        self._batch = "" if self._parts == 1 else f"{plan.items.digest()[:24]}-{self._parts}-"
        self._mark = f"{ENDED}/{self._batch}{part}"

    def begin(self) -> None:
        """Take back the mark of an earlier run."""
        if self._batch:
            self._place.remove(self._mark)

    def end(self) -> None:
        """Leave the mark."""
        if self._batch:
            self._place.write(self._mark, b"")

    def all_ended(self) -> bool:
        """Whether every shard has left its mark; of several that end at once, at least one sees all."""
        return not self._batch or len(self._place.names(ENDED, self._batch)) == self._parts
