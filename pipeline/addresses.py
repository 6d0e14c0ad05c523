"""Where our servers listen and are found."""

from __future__ import annotations

import ipaddress
import socket

from ..core.errors import InputError

LOOPBACK = "127.0.0.1"


def listener(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any that is free. Raises InputError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=2048)
    except (OSError, UnicodeError) as error:
        reason = str(getattr(error, "strerror", None) or error).partition(" (")[0]  # then the address once more
        raise InputError(f"--host {host} --port {port}: {reason}; choose another") from None


def url_of(host: str, port: int) -> str:
    """What to type into a browser of this machine.

    >>> url_of("::1", 8080)
    'http://[::1]:8080'
    """
    shown = LOOPBACK if host in {"0.0.0.0", "::"} else host
    return f"http://{f'[{shown}]' if ':' in shown else shown}:{port}"


def is_public(host: str) -> bool:
    """Whether others than this machine reach an address.

    >>> is_public("0.0.0.0"), is_public("localhost"), is_public("127.0.0.1")
    (True, False, False)
    """
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower() != "localhost"
