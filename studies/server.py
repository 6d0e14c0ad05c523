"""A small server for a built study: its public folder, and a place for answers. Nothing else can be read or written."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..core.errors import InputError
from ..pipeline import web
from ..pipeline.web import SafeHeaders, listener
from .answers import Answers, Arrival, Conflict, Refusal, Submission
from .answers import Message as FromPage
from .build import PUBLIC
from .page.page import SETTINGS

MAX_BODY = 64 * 1024  # bytes; a page of 100 sliders takes about 10 kB
HEADERS = web.HEADERS | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "media-src 'self' blob:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
}  # the address, which no referrer may tell, holds a participant's id
Read = TypeVar("Read", bound=FromPage)
Result = TypeVar("Result")


def serve(folder: Path, *, host: str, port: int, ready: Callable[[], None]) -> None:
    """Serve the study built in `folder` until interrupted; calls `ready` once it listens. Raises InputError."""
    import uvicorn

    with only_server(folder):
        config = uvicorn.Config(create_app(folder), log_level="warning", server_header=False)
        with listener(host, port) as listening:
            ready()
            uvicorn.Server(config).run(sockets=[listening])


def create_app(folder: Path) -> Starlette:
    """The web application of the study built in `folder`. Raises InputError.

    POST /session tells a participant's list, POST /responses takes the answers to a trial, everything else is a file.
    """
    files = public_files(folder / PUBLIC)
    if SETTINGS not in files:
        raise InputError(f"{folder}: expected a built study with {PUBLIC}/{SETTINGS}; run `render study build` first")
    settings = json.loads(files[SETTINGS].read_bytes()) | {"server": True}
    answers = Answers(folder)

    async def file(request: Request) -> Response:
        name = request.path_params["name"] or "index.html"
        if name == SETTINGS:
            return JSONResponse(settings)
        path = files.get(name)
        if path is None or path.resolve() != path:  # since the start, somebody put a link in its place
            raise HTTPException(404)
        return FileResponse(path)

    async def session(request: Request) -> Response:
        arrival = await _read(request, Arrival)
        number, answered = await _answered(answers.arrive, arrival)
        return JSONResponse({"list": number, "answered": answered})

    async def responses(request: Request) -> Response:
        await _answered(answers.add, await _read(request, Submission))
        return JSONResponse({"saved": True})

    routes = [
        Route("/session", session, methods=["POST"]),
        Route("/responses", responses, methods=["POST"]),
        Route("/{name:path}", file, methods=["GET"]),
    ]
    app = Starlette(routes=routes)
    app.add_middleware(SafeHeaders, headers=HEADERS)
    return app


def public_files(public: Path) -> dict[str, Path]:
    """The files that may be served by their names: no links, nothing hidden. What is not in here cannot be read."""
    root = public.resolve()
    found: dict[str, Path] = {}
    for place, folders, names in os.walk(root):
        folders[:] = [folder for folder in folders if not folder.startswith(".")]
        for name in names:
            path = Path(place, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                found[path.relative_to(root).as_posix()] = path
    return found


@contextmanager
def only_server(folder: Path) -> Iterator[None]:
    """Hold the study's lock; two servers would give the same list twice. Raises InputError."""
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; `render study build` makes one")
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise InputError(f"{folder}: is served already by another process; stop that one first") from None


async def _read(request: Request, kind: type[Read]) -> Read:
    """The body as a checked message; 4xx for anything else."""
    if request.headers.get("content-type", "").split(";")[0] != "application/json":
        raise HTTPException(415, "expected application/json")
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BODY:
            raise HTTPException(413, f"expected at most {MAX_BODY} bytes")
    try:
        return kind.model_validate_json(bytes(body))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(map(str, first["loc"])) or "body"
        raise HTTPException(400, f"{where}: {first['msg']}") from None


async def _answered(ask: Callable[[Read], Result], message: Read) -> Result:
    """Ask the answers in another thread, because they wait for the disk; what they refuse becomes a status."""
    try:
        return await run_in_threadpool(ask, message)
    except Conflict as error:
        raise HTTPException(409, str(error)) from None
    except Refusal as error:
        raise HTTPException(400, str(error)) from None
    except OSError as error:  # a full disk: the page keeps the answer and sends it again
        raise HTTPException(503, f"could not be saved: {error.strerror}") from None
