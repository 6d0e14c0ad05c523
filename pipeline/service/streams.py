"""Live curves for programs elsewhere: one session per connection, samples in, a JSON object per frame out."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket

from ...core.errors import InputError
from ..clip.loaded import LoadedModels
from ..live.clients import Clients, Message, refuse
from ..live.control import read_change
from ..live.frame import LiveFrame
from ..live.pcm import HEARD, PcmFormat
from ..live.preparation import FPS, control_of, score_of
from ..live.server import samples_into
from ..live.session import Session
from ..live.sources import Feed
from ..web import fields_of
from .asked import Asked

_SOUND = ("rate", "pcm", "channels")
_LOOK = ("avatar", "emotion", "intensity", "effort", "style", "style_strength")
_FACE = (*_LOOK, "model", "fps", "seed", "blink", "head_motion")
_MOST_FPS = 60


class Streams:
    """Sessions of any number of connections, up to a limit."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._count = 0
        self._loaded = LoadedModels("cpu")
        self._lock = threading.Lock()  # models are loaded once

    async def serve(self, websocket: WebSocket) -> None:
        """One connection: binary messages are samples, text changes the face (as POST /control of `render live`)."""
        fields = fields_of(websocket.query_params)
        if self._count >= self._most:
            await refuse(websocket, InputError(f"stream: expected at most {self._most} at a time; try again later"))
            return
        self._count += 1
        session = None
        try:
            form = PcmFormat.parse({name: fields.pop(name) for name in _SOUND if name in fields})
            session = await run_in_threadpool(self._opened, fields)
            await self._run(websocket, session, form)
        except InputError as error:
            await refuse(websocket, error)
        finally:
            self._count -= 1
            if session is not None:
                await run_in_threadpool(session.stop)

    async def _run(self, websocket: WebSocket, session: Session, form: PcmFormat) -> None:
        assert isinstance(session.source, Feed)
        clients, hear = Clients(), samples_into(session.source, form)
        session.sinks.append(_Curves(clients))

        async def said(message: Message) -> None:
            if isinstance(message, str):
                await run_in_threadpool(session.control.apply, read_change(message))
            else:
                await hear(message)

        session.start()
        await clients.serve(websocket, said=said)

    def _opened(self, fields: Mapping[str, str]) -> Session:
        """Raises InputError."""
        if unknown := [name for name in fields if name not in _FACE]:
            raise InputError(f"stream: expected {', '.join((*_SOUND, *_FACE))}, found {unknown[0][:40]!r}")
        settings = Asked.parse({"model": "live"} | dict(fields)).settings
        fps = float(settings.fps or FPS)
        if fps > _MOST_FPS:
            raise InputError(f"fps: expected at most {_MOST_FPS}, found {fps:g}")
        with self._lock:
            control = control_of(settings, self._loaded)
            actor = self._loaded.talking_head(settings)
        score = score_of(settings, control, fps=fps)
        return Session(Feed(HEARD), actor.model, actor.solver, control, score)


class _Curves:
    """Frames as text for one client."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def send(self, frame: LiveFrame) -> None:
        self._clients.publish(json.dumps(frame.as_json()))
