"""The service over HTTP and WebSocket.

POST /jobs?emotion=...&format=mp4   the sound as the body, or `Transfer-Encoding: chunked`; answers with the job
GET  /jobs/ID                       how far it is        GET  /jobs/ID/events   the same, as server-sent events
GET  /jobs/ID/result                the file             DELETE /jobs/ID        forget it
GET  /limits                        how much may be asked for, and of what
WebSocket /stream?rate=16000&...    samples in, a JSON object per frame out
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from ...core.errors import InputError
from ..addresses import listener, url_of
from ..web import HEADERS, Gate, SafeHeaders, check_token, fields_of
from .asked import FIELDS, FORMATS, Asked
from .jobs import ENDED, Full, Job, Jobs, Limits
from .streams import Streams

_PATIENCE = 300  # seconds that a sound may take to come
_BEAT = 0.25  # seconds between two looks at a job
_STILL = 60  # beats without news after which a comment keeps the connection open


def serve(
    *,
    folder: Path | None,
    limits: Limits,
    device: str,
    host: str,
    port: int,
    token: str | None,
    ready: Callable[[str], None],
) -> None:
    """Serve until interrupted; calls `ready` with the address once it listens. Raises InputError."""
    import uvicorn

    check_token(token, host)
    with Jobs(folder, limits, device=device) as jobs, listener(host, port) as listening:
        app = create_app(jobs, Streams(limits.streams), host=host, token=token)
        config = uvicorn.Config(
            app, log_level="error", server_header=False, ws_max_size=1 << 20, ws_per_message_deflate=False
        )
        ready(url_of(host, listening.getsockname()[1]))
        uvicorn.Server(config).run(sockets=[listening])


def create_app(jobs: Jobs, streams: Streams, *, host: str, token: str | None) -> ASGIApp:
    """The web application."""

    async def place(request: Request) -> Response:
        if repeated := [name for name in request.query_params if len(request.query_params.getlist(name)) > 1]:
            raise HTTPException(400, f"{repeated[0][:40]!r}: expected once")
        fields = fields_of(request.query_params)
        try:
            asked = await run_in_threadpool(Asked.parse, fields)
            job = jobs.place(asked)
        except InputError as error:
            raise HTTPException(400, str(error)[:500]) from None
        except Full:
            raise HTTPException(503, "too many jobs wait; try again later", {"Retry-After": "30"}) from None
        try:
            async with asyncio.timeout(_PATIENCE):
                await _receive(request, jobs.sound_of(job), jobs.limits.bytes)
        except TimeoutError:
            jobs.delete(job)
            raise HTTPException(408, f"expected the whole sound within {_PATIENCE} seconds") from None
        except ClientDisconnect:  # nobody is there to be told
            jobs.delete(job)
            return Response(status_code=400)
        except BaseException:
            jobs.delete(job)
            raise
        jobs.begin(job)
        return JSONResponse(job.as_json(), 202, {"Location": f"/jobs/{job.id}"})

    async def told(request: Request) -> Response:
        return JSONResponse(_found(jobs, request).as_json())

    async def delete(request: Request) -> Response:
        jobs.delete(_found(jobs, request))
        return Response(status_code=204)

    async def events(request: Request) -> Response:
        return StreamingResponse(_events(_found(jobs, request)), media_type="text/event-stream")

    async def result(request: Request) -> Response:
        job = _found(jobs, request)
        if job.state != "done":
            raise HTTPException(409, f"expected a job that is done, found one that is {job.state}")
        return FileResponse(job.out, filename=job.out.name)

    async def limits(request: Request) -> Response:
        told = {name: getattr(jobs.limits, name) for name in Limits.__dataclass_fields__}
        return JSONResponse({"limits": told, "formats": FORMATS, "fields": FIELDS})

    routes = [
        Route("/jobs", place, methods=["POST"]),
        Route("/jobs/{id}", told, methods=["GET"]),
        Route("/jobs/{id}", delete, methods=["DELETE"]),
        Route("/jobs/{id}/events", events, methods=["GET"]),
        Route("/jobs/{id}/result", result, methods=["GET"]),
        Route("/limits", limits, methods=["GET"]),
        WebSocketRoute("/stream", streams.serve),
    ]
    app = Starlette(routes=routes, exception_handlers={HTTPException: _refused})  # pyright: ignore[reportArgumentType]
    return SafeHeaders(Gate(app, host=host, token=token), HEADERS | {"Content-Security-Policy": "default-src 'none'"})


def _found(jobs: Jobs, request: Request) -> Job:
    job = jobs.find(request.path_params["id"])
    if job is None:
        raise HTTPException(404, "no such job; it may have expired")
    return job


async def _refused(request: Request, error: HTTPException) -> Response:
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


async def _receive(request: Request, path: Path, most: int) -> None:
    """The body as a file; 4xx where it is empty or too large, also where its header lies."""
    length = request.headers.get("content-length", "0")
    if not length.isdigit() or int(length) > most:
        raise HTTPException(413, f"expected a sound of at most {most} bytes")
    came = 0
    descriptor = await run_in_threadpool(os.open, path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        async for piece in request.stream():
            came += len(piece)
            if came > most:
                raise HTTPException(413, f"expected a sound of at most {most} bytes")
            await run_in_threadpool(_write, descriptor, piece)
    except OSError as error:
        raise HTTPException(507, f"could not be kept: {error.strerror}") from None
    finally:
        os.close(descriptor)
    if not came:
        raise HTTPException(400, "expected a sound as the body, found nothing")


def _write(descriptor: int, piece: bytes) -> None:
    while piece:
        piece = piece[os.write(descriptor, piece) :]


async def _events(job: Job) -> AsyncIterator[str]:
    """Every change of a job, until it has ended."""
    last, still = "", 0
    while True:
        told = job.as_json()  # its state may change while it is told
        now = json.dumps(told)
        if now != last:
            last, still = now, 0
            yield f"event: {told['state']}\ndata: {now}\n\n"
        elif (still := still + 1) % _STILL == 0:
            yield ": still there\n\n"
        if told["state"] in ENDED:
            return
        await asyncio.sleep(_BEAT)
