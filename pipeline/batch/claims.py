"""Who renders what: claim files with a heartbeat, so that any number of processes may share one folder.

The claims of an item are numbered files, each created exclusively. Whoever created the highest number owns the item;
a claim whose owner is dead is overtaken by creating the next number, never by deleting, so that of several
overtakers exactly one wins. An owner is dead when its process is gone from this machine, or, when it ran elsewhere,
when its heartbeat has not changed for `expiry` seconds of the observer's own clock (clocks are never compared).
Files are listed only where the first number is taken, for of all requests object stores charge most for listing.
"""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from .places import STATE, Place

CLAIMS = f"{STATE}/claims"
EXPIRY = 60.0  # seconds
BEATS = 4  # heartbeats per expiry


@dataclass(frozen=True)
class Claim:
    """The right to render one item."""

    token: str  # of the item
    number: int
    owner: str

    @property
    def file(self) -> str:
        """Name of the claim's file."""
        return f"{CLAIMS}/{self.token}.{self.number}"


class Claims:
    """Takes, keeps alive and gives back the claims of one process."""

    def __init__(self, place: Place, *, expiry: float = EXPIRY, clock: Callable[[], float] = time.monotonic) -> None:
        self._place = place
        self._expiry = expiry
        self._clock = clock
        self._held: dict[Claim, int] = {}  # and their heartbeats so far
        self._lost: set[str] = set()  # tokens of which a higher claim was seen, maybe without the first
        self._seen: dict[str, tuple[bytes, float]] = {}  # of others: last heartbeat, and when it was first seen
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._heart: threading.Thread | None = None

    def take(self, token: str) -> tuple[Claim | None, list[str]]:
        """A claim on the item, or None when a living process has one; and the dead owners that it follows."""
        if token not in self._lost and (claim := self._create(token, 0)) is not None:
            return claim, []
        earlier = self._numbers(token)
        owners: list[str] = []
        if earlier:
            if not self._expired(f"{CLAIMS}/{token}.{earlier[-1]}"):
                return None, []
            owners = [owner for n in earlier if (owner := self._owner(f"{CLAIMS}/{token}.{n}"))]
        claim = self._create(token, earlier[-1] + 1 if earlier else 0)
        return claim, owners if claim else []

    def holds(self, claim: Claim) -> bool:
        """Whether nobody has overtaken this claim, for instance because this machine was asleep.

        Whoever did has the next number, or has given all back.
        """
        after = self._place.read(f"{CLAIMS}/{claim.token}.{claim.number + 1}")
        if after is None and self._place.read(claim.file) is not None:
            return True
        self._lost.add(claim.token)
        return False

    def release(self, claim: Claim) -> None:
        """Give the item back, the highest number first, so that what a sudden death leaves begins with the first."""
        with self._lock:
            self._held.pop(claim, None)
        for number in range(claim.number, -1, -1):
            self._place.remove(f"{CLAIMS}/{claim.token}.{number}")

    def close(self) -> None:
        """Stop the heartbeat."""
        self._stop.set()

    def clear(self, token: str) -> list[str]:
        """Remove the claims of dead processes on an item, and say whose they were; nothing is done where one lives."""
        claim, owners = self.take(token)
        if claim is not None:
            self.release(claim)
        return owners

    def _create(self, token: str, number: int) -> Claim | None:
        claim = Claim(token, number, uuid.uuid4().hex[:12])
        with self._lock:
            if not self._place.create(claim.file, self._content(claim, 0)):
                return None
            self._held[claim] = 0
        self._start_heart()
        return claim

    def _numbers(self, token: str) -> list[int]:
        names = (name.rpartition(".") for name in self._place.names(CLAIMS, f"{token}."))
        return sorted(int(number) for _, _, number in names if number.isdigit())

    def _owner(self, file: str) -> str | None:
        return _parse(self._place.read(file) or b"").get("owner")

    def _expired(self, file: str) -> bool:
        content = self._place.read(file)
        if content is None:  # just given back
            return False
        living = _lives_here(_parse(content))
        if living is not None:
            return not living
        now = self._clock()
        last, since = self._seen.get(file, (None, now))
        if content != last:
            self._seen[file] = (content, now)
            return False
        return now - since >= self._expiry

    def _content(self, claim: Claim, beat: int) -> bytes:
        return json.dumps({"owner": claim.owner, "beat": beat, **_this_process()}).encode()

    def _start_heart(self) -> None:
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="claims", daemon=True)
            self._heart.start()

    def _beat(self) -> None:
        while not self._stop.wait(self._expiry / BEATS):
            with self._lock:
                for claim in self._held:
                    self._held[claim] += 1
                    try:
                        self._place.write(claim.file, self._content(claim, self._held[claim]))
                    except Exception:  # a full disk or a lost connection: the next beat may do, else the claim expires
                        continue


def _parse(content: bytes) -> dict[str, Any]:
    try:
        found = json.loads(content)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _lives_here(claim: dict[str, Any]) -> bool | None:
    """Whether the claim's process lives, or None when it does not belong to this machine."""
    own = _this_process()
    if own["started"] is None:  # a system without /proc: the heartbeat decides
        return None
    if any(claim.get(name) != own[name] for name in ("machine", "boot", "pids")):
        return None
    pid = claim.get("pid")
    return isinstance(pid, int) and _started(pid) == claim.get("started")


@cache
def _machine() -> dict[str, Any]:
    """This machine since it was switched on, and this container's process numbers."""
    boot = Path("/proc/sys/kernel/random/boot_id")
    pids = Path("/proc/self/ns/pid")
    return {
        "machine": socket.gethostname(),
        "boot": boot.read_text(encoding="utf-8").strip() if boot.exists() else "",
        "pids": os.readlink(pids) if pids.is_symlink() else "",
    }


def _this_process() -> dict[str, Any]:
    return {**_machine(), "pid": os.getpid(), "started": _started(os.getpid())}


def _started(pid: int) -> str | None:
    """When a process began, in clock ticks since boot; None when it is gone or a zombie."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    except OSError:
        return None
    return None if state in "ZX" else fields[18]
