"""All of one live session: its source, its model, and everywhere its frames go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import IO

from ...core.errors import InputError
from ..clip.loaded import LoadedModels
from ..clip.render import ClipProgress
from ..clip.request import ClipRequest
from ..settings import ClipSettings
from ..web import check_token
from .camera import VirtualCamera
from .draw import Easel, Painter
from .live_link import PORT as LIVE_LINK_PORT
from .live_link import LiveLink
from .midi import steering
from .network import parse_address
from .pcm import PcmFormat
from .preparation import FPS, control_of, score_of, warm
from .record import Recorder, check_recording
from .server import LiveServer
from .session import Session, Sink
from .sources import Source, open_source
from .vmc import PORT as VMC_PORT
from .vmc import Vmc


class Studio:
    """Opens what is asked for; use it in a `with` statement, inside of which the session lives."""

    def __init__(
        self,
        source: str,
        settings: ClipSettings,
        *,
        form: PcmFormat = PcmFormat(),  # noqa: B008  (it cannot be changed)
        live_link: Iterable[str] = (),
        vmc: Iterable[str] = (),
        virtual_camera: bool = False,
        record: Path | None = None,
        overwrite: bool = False,
        pictures: bool = True,
        host: str = "127.0.0.1",
        port: int = 0,
        token: str | None = None,
        midi: str | None = None,
        stdin: IO[bytes] | None = None,
    ) -> None:
        """Raises InputError; see `render live --help`."""
        fps = float(settings.fps or FPS)
        if settings.background == "transparent":
            raise InputError("--background transparent: expected a colour or a picture to show live pictures before")
        links = [parse_address(address, port=LIVE_LINK_PORT, option="--live-link") for address in live_link]
        performers = [parse_address(address, port=VMC_PORT, option="--vmc") for address in vmc]
        if record is not None:
            check_recording(record, settings)
        check_token(token, host)
        self.loaded = LoadedModels(settings.device)
        self._recorder: Recorder | None = None
        with ExitStack() as undo:
            # what may be wrong is said before models are loaded
            self.source: Source = open_source(source, form, stdin or (sys.stdin and sys.stdin.buffer))
            undo.callback(self.source.close)
            sinks: list[Sink] = []
            for address in links:
                sinks.append(link := LiveLink(address, fps=fps))
                undo.callback(link.close)
            for address in performers:
                sinks.append(performer := Vmc(address))
                undo.callback(performer.close)
            camera = VirtualCamera(settings.size, fps=fps) if virtual_camera else None
            if camera is not None:
                undo.callback(camera.close)
            self.control = control_of(settings, self.loaded)
            if midi is not None:
                undo.enter_context(steering(midi, self.control))
            actor = self.loaded.talking_head(settings)
            painter = Painter.of(settings, self.loaded) if pictures or camera else None
            warm(actor.model, actor.solver, painter)
            score = score_of(settings, self.control, fps=fps)
            self.session = Session(self.source, actor.model, actor.solver, self.control, score)
            self.session.sinks += sinks
            easel = None
            if painter is not None:
                easel = Easel(painter, self.session.latency)
                undo.callback(easel.close)
            if camera is not None and easel is not None:
                easel.show(camera.show)
            if record is not None:
                request = ClipRequest(Path(source), record, settings, overwrite=overwrite)
                recorder = Recorder(request, rate=self.source.rate, control=self.control, source=source)
                self._recorder = undo.enter_context(recorder)
                self.session.listeners.append(recorder.hear)
                self.session.keepers.append(recorder.keep)
            server = LiveServer(self.session, easel if pictures else None, host=host, port=port, token=token)
            self.url = server.url
            undo.enter_context(server)
            if easel is not None:  # last: others get a frame before it is drawn
                self.session.sinks.append(easel)
            self._undo = undo.pop_all()

    def __enter__(self) -> Studio:
        self.session.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.session.stop()
        self._undo.close()

    def save(self, report: Callable[[ClipProgress], None] = lambda _: None) -> bool:
        """Write the recording, once the session has ended; False where there is none. Raises InputError."""
        self.session.stop()
        return self._recorder is not None and self._recorder.finish(self.loaded, report)

    @property
    def kept(self) -> Path | None:
        """The folder with sound and motion of a recording that was not finished, once the studio is closed."""
        return None if self._recorder is None else self._recorder.kept
