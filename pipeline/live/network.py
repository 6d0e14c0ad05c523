"""Addresses of machines, and curves sent to them as datagrams: nobody is waited for, what is lost is lost."""

from __future__ import annotations

import contextlib
import socket

from ...core.errors import InputError


def parse_address(text: str, *, port: int, option: str) -> tuple[str, int]:
    """HOST or HOST:PORT, with `[...]` around IPv6; `port` where none is told. Raises InputError.

    >>> parse_address("192.168.1.5", port=11111, option="--live-link")
    ('192.168.1.5', 11111)
    >>> parse_address("[::1]:5000", port=11111, option="--live-link")
    ('::1', 5000)
    """
    host, told = text.strip(), ""
    if host.startswith("["):
        host, _, rest = host[1:].partition("]")
        told = rest.removeprefix(":")
        bad = bool(rest) and not rest.startswith(":")
    else:
        bad = host.count(":") > 1  # IPv6 without brackets: where would the port begin?
        host, _, told = host.partition(":")
    number = int(told) if told.isascii() and told.isdigit() and len(told) < 6 else 0 if told else port
    if bad or not host or not 0 < number < 65536:
        raise InputError(f"{option} {text[:80]!r}: expected HOST or HOST:PORT")
    return host, number


class Datagrams:
    """A socket to one address."""

    def __init__(self, address: tuple[str, int], *, option: str) -> None:
        """Raises InputError for a host that is not known."""
        try:
            family, kind, protocol, _, self._to = socket.getaddrinfo(*address, type=socket.SOCK_DGRAM)[0]
            self._socket = socket.socket(family, kind, protocol)
        except (OSError, UnicodeError) as error:
            raise InputError(f"{option} {address[0][:80]!r}: expected a machine, found none ({error})") from None
        self._socket.setblocking(False)

    def send(self, data: bytes) -> None:
        """Send one datagram, if that can be done at once."""
        with contextlib.suppress(OSError):  # nobody there, or a full buffer: the next frame is on its way
            self._socket.sendto(data, self._to)

    def close(self) -> None:
        """Send no more."""
        self._socket.close()
