"""How late things are: counts per millisecond, so that a long session needs no more memory than a short one."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

import numpy as np

_MOST = 20_000  # milliseconds
SHARES = (50, 95, 99)


@dataclass
class Delays:
    """Delays in milliseconds, counted; the longest that is told apart is 20 s."""

    counts: np.ndarray = field(default_factory=lambda: np.zeros(_MOST + 1, np.int64))

    def add(self, seconds: float) -> None:
        """One more; less than nothing counts as nothing."""
        self.counts[min(max(round(1000 * seconds), 0), _MOST)] += 1

    def __len__(self) -> int:
        return int(self.counts.sum())

    def percentiles(self) -> list[int]:
        """Milliseconds that `SHARES` percent do not exceed; none where nothing was counted."""
        if not len(self):
            return []
        return [int(np.searchsorted(np.cumsum(self.counts), share / 100 * len(self))) for share in SHARES]


class Latency:
    """What a session measures of itself, from any thread."""

    def __init__(self, algorithmic: float, *, fps: float) -> None:
        """`algorithmic`: seconds of sound after a frame's middle that the model waits for."""
        self.algorithmic = algorithmic
        self.fps = fps
        self._delays: dict[str, Delays] = {}
        self._counts: dict[str, int] = {}
        self._lock = threading.Lock()

    def add(self, what: str, seconds: float) -> None:
        """Something came so long after the sound at its time."""
        with self._lock:
            self._delays.setdefault(what, Delays()).add(seconds)

    def count(self, what: str, number: int = 1) -> None:
        """Something happened."""
        with self._lock:
            self._counts[what] = self._counts.get(what, 0) + number

    def report(self) -> dict[str, Any]:
        """As JSON: milliseconds p50, p95, p99 by name, and counts."""
        with self._lock:
            delays = {
                what: dict(zip(("p50", "p95", "p99"), d.percentiles(), strict=True)) | {"count": len(d)}
                for what, d in self._delays.items()
            }
            return {
                "algorithmic_ms": round(1000 * self.algorithmic),
                "fps": self.fps,
                "delays_ms": delays,
                **self._counts,
            }

    def lines(self) -> list[str]:
        """For people."""
        lines = [f"look-ahead {1000 * self.algorithmic:.0f} ms at {self.fps:g} frames/s"]
        with self._lock:
            for what, delays in self._delays.items():
                p50, p95, p99 = delays.percentiles()
                lines.append(f"sound to {what}: p50 {p50} ms, p95 {p95} ms, p99 {p99} ms ({len(delays)} frames)")
            if self._counts:
                lines.append(", ".join(f"{number} {what}" for what, number in sorted(self._counts.items())))
        return lines
