"""A small server for a built study: its public folder, and a place for answers. Nothing else can be read or written."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from ..core.errors import InputError
from ..pipeline import web
from ..pipeline.addresses import listener
from ..pipeline.web import SafeHeaders
from .answers import Answers
from .experimenter import experimenter_routes
from .journal import only_writer
from .limits import RateLimit
from .messages import Arrival, Note, Sign, Submission
from .overview import read_expected
from .page.page import PUBLIC, SETTINGS
from .receive import AT_ONCE, PER_SECOND, ask

HEADERS = web.HEADERS | {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "media-src 'self' blob:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}  # the address, which no referrer may tell, holds a participant's id


def serve(folder: Path, *, host: str, port: int, key: str, ready: Callable[[], None]) -> None:
    """Serve the study built in `folder` until interrupted; calls `ready` once it listens. Raises InputError.

    `key` opens the experimenter's page.
    """
    import uvicorn

    with only_writer(folder):
        # no log of requests: addresses of participants are written down nowhere
        config = uvicorn.Config(create_app(folder, key=key), log_level="warning", access_log=False, server_header=False)
        with listener(host, port) as listening:
            ready()
            uvicorn.Server(config).run(sockets=[listening])


def create_app(folder: Path, *, key: str) -> Starlette:
    """The web application of the study built in `folder`. Raises InputError.

    POST /session tells a participant's list, /responses takes the answers to a trial, /notes what is said around them,
    /sign that a page is open or was closed; /experimenter... is for whoever knows the key; everything else is a file.
    """
    files = public_files(folder / PUBLIC)
    if SETTINGS not in files:
        raise InputError(f"{folder}: expected a built study with {PUBLIC}/{SETTINGS}; run `render study build` first")
    settings = json.loads(files[SETTINGS].read_bytes()) | {"server": True}
    answers = Answers(folder, settings)
    limit = RateLimit(AT_ONCE, PER_SECOND)

    async def file(request: Request) -> Response:
        name = request.path_params["name"] or "index.html"
        if name == SETTINGS:
            return JSONResponse(settings)
        path = files.get(name)
        if path is None or path.resolve() != path:  # since the start, somebody put a link in its place
            raise HTTPException(404)
        return FileResponse(path)

    async def session(request: Request) -> Response:
        person = await ask(request, limit, Arrival, answers.arrive)
        known = {"answered": sorted(person.done), "noted": sorted(person.notes), "ended": person.turned_away}
        return JSONResponse({"list": person.list} | known)

    async def responses(request: Request) -> Response:
        await ask(request, limit, Submission, answers.add)
        return JSONResponse({"saved": True})

    async def notes(request: Request) -> Response:
        await ask(request, limit, Note, answers.note)
        return JSONResponse({"saved": True})

    async def sign(request: Request) -> Response:
        await ask(request, limit, Sign, answers.sign)
        return JSONResponse({"seen": True})

    routes = [
        Route("/session", session, methods=["POST"]),
        Route("/responses", responses, methods=["POST"]),
        Route("/notes", notes, methods=["POST"]),
        Route("/sign", sign, methods=["POST"]),
        *experimenter_routes(answers, settings, read_expected(folder), key=key, limit=limit),
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
