"""What our web servers share: safe headers, how requests are read, and who may come in."""

from __future__ import annotations

import hmac
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocketClose

from ..core.errors import InputError
from .addresses import LOOPBACK, is_public

LEAST_TOKEN = 16  # characters of a token that is not guessed
TOKEN = "EMOSPLAT_TOKEN"  # the environment variable that may hold it
# nothing from elsewhere, no other page around or beside it
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


def fields_of(query: QueryParams) -> dict[str, str]:
    """What a request asks for, without the token, which `Gate` has seen."""
    return {name: value for name, value in query.items() if name != "token"}


async def json_body(request: Request, *, most: int) -> bytes:
    """The body of a request that says that it is JSON; HTTPException 415 otherwise, 413 beyond `most` bytes."""
    if request.headers.get("content-type", "").partition(";")[0] != "application/json":
        raise HTTPException(415, "expected application/json")
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > most:
            raise HTTPException(413, f"expected at most {most} bytes")
    return bytes(body)


def check_token(token: str | None, host: str) -> None:
    """Raise InputError where a token is too short, or lacks though others reach the address."""
    if token is not None and (len(token) < LEAST_TOKEN or not token.isascii() or not token.isprintable()):
        raise InputError(f"--token: expected at least {LEAST_TOKEN} plain characters")
    if token is None and is_public(host):
        raise InputError(
            f"--host {host}: others reach it; expected --token, or {TOKEN}, of at least {LEAST_TOKEN} characters"
        )


def knows(token: str, headers: Headers, query: QueryParams, *, name: str = "token") -> bool:
    """Whether a request brings the token: as `Authorization: Bearer ...`, or else in its query, where `name` is it."""
    kind, _, told = headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer":
        told = query.get(name, "")
    return hmac.compare_digest(told.strip().encode(), token.encode())


class SafeHeaders:
    """Adds headers to every reply."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self._headers)
            await send(message)

        await self._app(scope, receive, send_with_headers)


class Gate:
    """Lets in who knows the token, and no page of another site.

    The token comes as `Authorization: Bearer ...`, or as `?token=` from a browser's WebSocket, which has no headers.
    Paths in `free` need none. Without a token only this machine reaches us; a name that somebody has made point here
    (DNS rebinding) is refused all the same.
    """

    def __init__(self, app: ASGIApp, *, host: str, token: str | None, free: Collection[str] = ()) -> None:
        self._app = app
        self._token = token
        self._names = None if is_public(host) else {"localhost", LOOPBACK, "::1", host.lower()}
        self._free = frozenset(free)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan" or (refusal := self._refused(scope)) is None:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await WebSocketClose(1008, refusal[1])(scope, receive, send)
        else:
            await _refuse(*refusal)(scope, receive, send)

    def _refused(self, scope: Scope) -> tuple[int, str] | None:
        headers = Headers(scope=scope)
        here = headers.get("host", "")
        if self._names is not None and (urlsplit(f"//{here}").hostname or "") not in self._names:
            return 403, "expected this machine's own address"
        origin = headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != here:
            return 403, "expected a page of this server"
        if self._token is None or scope["path"] in self._free:
            return None
        return None if knows(self._token, headers, QueryParams(scope["query_string"])) else (401, "expected the token")


def _refuse(status: int, reason: str) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if status == 401 else None
    return JSONResponse({"error": reason}, status, headers)
