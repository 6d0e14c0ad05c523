"""How much one source of requests may ask for. What is counted is forgotten, and never written down."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_SOURCES = 10_000  # remembered at a time
SITE = 64  # bits of an IPv6 address that say where it is; the others are chosen freely


@dataclass
class _Bucket:
    left: float
    filled: float  # seconds


class RateLimit:
    """So many requests at once, and so many a second after that, for each source (a token bucket).

    This machine itself is not limited: a web server in front of ours tells the real address (X-Forwarded-For).
    """

    def __init__(self, at_once: float, per_second: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._at_once = at_once
        self._per_second = per_second
        self._clock = clock
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()  # the one used last comes last

    def allows(self, address: str) -> bool:
        """Whether a request from there may be answered; if so, it is counted."""
        source = _source(address)
        if source is None:
            return True
        now = self._clock()
        bucket = self._buckets.setdefault(source, _Bucket(self._at_once, now))
        self._buckets.move_to_end(source)
        if len(self._buckets) > MOST_SOURCES:
            self._buckets.popitem(last=False)
        bucket.left = min(self._at_once, bucket.left + (now - bucket.filled) * self._per_second)
        bucket.filled = now
        if bucket.left < 1:
            return False
        bucket.left -= 1
        return True


def _source(address: str) -> str | None:
    """What is counted together; None: this machine itself."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.is_loopback:
        return None
    ip = getattr(ip, "ipv4_mapped", None) or ip
    return str(ip) if ip.version == 4 else str(ipaddress.ip_network((ip, SITE), strict=False))
