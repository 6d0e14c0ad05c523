"""The live session over HTTP and WebSocket: a page to watch, curves, sound coming in, and steering.

/          the page                       /watch    WebSocket: pictures, sound and state, for the page
/control   GET the state, POST a change   /curves   WebSocket: a JSON object per frame
/latency   GET what was measured          /sound    WebSocket: samples to be spoken, where the source is `ws`
"""

from __future__ import annotations

import json
import struct
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from types import TracebackType

import numpy as np
from numpy.typing import NDArray
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp
from starlette.websockets import WebSocket

from ...blendshapes.emotion import EMOTIONS
from ...core.errors import InputError
from ..addresses import listener, url_of
from ..web import HEADERS, Gate, SafeHeaders, check_token, fields_of, json_body
from .clients import Clients, Message, refuse
from .control import LARGEST, read_change, style_names
from .draw import U8, Easel
from .frame import LiveFrame
from .pcm import PcmDecoder, PcmFormat, Resampler, as_s16le
from .session import Session
from .sources import Feed

F32 = NDArray[np.float32]

PAGE = {
    "/": ("index.html", "text/html"),
    "/live.js": ("live.js", "text/javascript"),
    "/mic.js": ("mic.js", "text/javascript"),
    "/live.css": ("live.css", "text/css"),
}
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
QUALITY = 85  # of the JPEG
PICTURE, SOUND = 1, 2  # kinds of binary messages
_HEADER = "<B7xd"  # kind, and its time in seconds; what follows begins at a multiple of 8
_MOST_MESSAGE = 1 << 20  # bytes of sound at a time
_PATIENCE = 5.0  # seconds that a sender waits for room
_SPARE = 0.1  # seconds that pictures may need beyond the look-ahead, until it is known


class LiveServer:
    """Serves a session in a thread of its own; use it in a `with` statement."""

    def __init__(
        self, session: Session, easel: Easel | None, *, host: str, port: int, token: str | None = None
    ) -> None:
        """`easel`: who draws, None for curves alone. Raises InputError for an address that cannot be had."""
        import uvicorn

        check_token(token, host)
        self._session, self._easel = session, easel
        self._watchers, self._curves = Clients(), Clients()
        self._listener = listener(host, port)
        self.url = url_of(host, self._listener.getsockname()[1])
        app = self.app(host, token)
        config = uvicorn.Config(
            app,
            log_level="error",
            server_header=False,
            ws_max_size=_MOST_MESSAGE,
            ws_per_message_deflate=False,
            timeout_graceful_shutdown=1,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, args=([self._listener],), name="server", daemon=True)

    def __enter__(self) -> LiveServer:
        self._session.sinks.append(self)
        self._session.listeners.append(self._hear)
        self._session.control.listen(self._steered)
        if self._easel is not None:
            self._easel.show(self._show, wanted=lambda: len(self._watchers) > 0)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session.control.leave(self._steered)
        self._server.should_exit = True
        self._thread.join()
        self._listener.close()

    def app(self, host: str, token: str | None) -> ASGIApp:
        """The web application."""
        routes = [
            *(Route(path, _page(*file), methods=["GET"]) for path, file in PAGE.items()),
            Route("/control", self._control, methods=["GET", "POST"]),
            Route("/latency", self._latency, methods=["GET"]),
            WebSocketRoute("/watch", self._watch),
            WebSocketRoute("/curves", self._curve),
            WebSocketRoute("/sound", self._sound),
        ]
        gated = Gate(Starlette(routes=routes), host=host, token=token, free=PAGE)
        return SafeHeaders(gated, HEADERS | {"Content-Security-Policy": POLICY})

    def send(self, frame: LiveFrame) -> None:
        """See `Sink.send`."""
        if len(self._curves):
            self._curves.publish(json.dumps(frame.as_json()))

    def _hear(self, time: float, samples: F32) -> None:
        if len(self._watchers):
            self._watchers.tell(struct.pack(_HEADER, SOUND, time) + as_s16le(samples))

    def _show(self, frame: LiveFrame, picture: U8) -> None:
        import cv2

        _, data = cv2.imencode(".jpg", picture[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
        self._watchers.publish(struct.pack(_HEADER, PICTURE, frame.time) + data.tobytes())

    def _steered(self) -> None:
        self._watchers.tell(json.dumps({"control": self._session.control.state()}))

    async def _watch(self, websocket: WebSocket) -> None:
        greeting = {
            "rate": self._session.source.rate,
            "lag": self._session.latency.algorithmic + _SPARE,
            "pictures": self._easel is not None,
            "microphone": type(self._session.source) is Feed,
            "emotions": EMOTIONS[1:],
            "styles": style_names(),
        }
        state = {"control": self._session.control.state()}
        await self._watchers.serve(websocket, json.dumps({"hello": greeting}), json.dumps(state))

    async def _curve(self, websocket: WebSocket) -> None:
        await self._curves.serve(websocket)

    async def _sound(self, websocket: WebSocket) -> None:
        """Samples from a client; where several send, what comes is heard in the order in which it comes."""
        feed = self._session.source
        fields = fields_of(websocket.query_params)
        try:
            if type(feed) is not Feed:
                raise InputError("sound: expected a session with the source ws")
            said = samples_into(feed, PcmFormat.parse(fields))
        except InputError as error:
            await refuse(websocket, error)
            return
        await Clients().serve(websocket, said=said)

    async def _control(self, request: Request) -> Response:
        control = self._session.control
        if request.method == "POST":
            try:
                change = read_change(await json_body(request, most=LARGEST))
                await run_in_threadpool(control.apply, change)  # a style is read from a file
            except HTTPException as error:
                return JSONResponse({"error": f"control: {error.detail}"}, error.status_code)
            except InputError as error:
                return JSONResponse({"error": str(error)}, 400)
        return JSONResponse(control.state())

    async def _latency(self, request: Request) -> Response:
        return JSONResponse(self._session.latency.report())


def samples_into(feed: Feed, form: PcmFormat) -> Callable[[Message], Awaitable[None]]:
    """Takes messages of samples into a feed; raises InputError for text, and where too much waits."""
    decode, resampled = PcmDecoder(form), Resampler(form.rate, feed.rate)

    async def said(message: Message) -> None:
        if isinstance(message, str):
            raise InputError("sound: expected samples in binary messages, found text")
        samples = resampled(decode(message))
        if not feed.put(samples, patience=0) and not await run_in_threadpool(feed.put, samples, patience=_PATIENCE):
            raise InputError("sound: expected no more than can be spoken")

    return said


def _page(name: str, kind: str) -> Callable[[Request], Awaitable[Response]]:
    content = (Path(__file__).parent / "page" / name).read_text(encoding="utf-8")

    async def page(request: Request) -> Response:
        return Response(content, media_type=kind)

    return page
