"""The viewer's server: one avatar and performance, any number of browsers."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import warnings
from dataclasses import replace
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING

from ...avatars.avatar import Avatar
from ...avatars.motion import Motion
from ...avatars.scene import load_scene
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.face_motion_files import FACE_SUFFIXES, load_face_motion
from ...blendshapes.solve.solver import Solver
from ...core.errors import InputError
from ..addresses import LOOPBACK, url_of
from ..camera.views import named_camera
from ..clip.loaded import LoadedModels
from ..clip.source import open_motion
from ..media.audio import open_audio
from ..settings import DEFAULTS, ClipSettings
from ..tracking.tracker import open_tracker
from .performance import Performance, Recording, Speech, sound_file
from .visitor import Painter, Visitor, pose_of
from .webcam import Mirror, webcam_pictures

if TYPE_CHECKING:
    import viser


class Viewer:
    """Serves an avatar until it is closed; use it in a `with` statement."""

    def __init__(
        self,
        settings: ClipSettings = DEFAULTS,
        *,
        motion: Path | None = None,
        audio: Path | None = None,
        webcam: int | None = None,
        tracker: Path | None = None,
        host: str = LOOPBACK,
        port: int = 8080,
    ) -> None:
        """Load everything and open the port at an address of this machine; raises InputError.

        With `motion` the face plays it, with `audio` alone it speaks as a clip of that audio would, with `webcam` it
        follows the person before that camera of this machine, whom MediaPipe's model `tracker` finds.
        """
        library = _viser()
        _check_address(host)
        self._host = host
        loaded = LoadedModels(settings.device)
        loaded.warm()
        person = loaded.avatar(settings.avatar)
        clip = None if audio is None else open_audio(audio)
        solver = loaded.talking_head(settings).solver
        performance: Performance
        self._undo = contextlib.ExitStack()
        if webcam is not None:
            if motion is not None or audio is not None:
                raise InputError("--webcam: expected no --motion or --audio beside it, found one")
            performance = self._mirror(solver, webcam, tracker)
        elif motion is None and clip is not None:
            performance = Speech(loaded.talking_head(settings), clip, settings, loaded.style(settings))
        else:
            performance = Recording(solver, None if motion is None else _recorded(motion, person, settings.avatar))
        self._painter = Painter(person, load_scene(person, loaded.rasterizer), performance, solver)
        self._sound = None if clip is None else sound_file(clip)
        self._visitors: dict[int, Visitor] = {}
        self._lock = threading.Lock()
        with contextlib.redirect_stdout(io.StringIO()):  # its banner; the command says where we are
            self._server = library.ViserServer(host=host, port=port, label=f"emosplat: {person.name}", verbose=False)
        self._server.gui.configure_theme(show_logo=False, show_share_button=False)
        self._server.gui.main_panel.dock_right()
        self._server.scene.set_up_direction("+y")
        start = self._server.initial_camera
        start.position, start.look_at, start.fov = pose_of(named_camera("front", person.head, width=512, height=512))
        self._server.on_client_connect(self._welcome)
        self._server.on_client_disconnect(self._farewell)

    @property
    def url(self) -> str:
        """Where to point the browser."""
        return url_of(self._host, self._server.get_port())

    def wait(self) -> None:
        """Serve until interrupted."""
        self._server.sleep_forever()

    def close(self) -> None:
        """Stop serving."""
        with self._lock:
            visitors, self._visitors = self._visitors, {}
        for visitor in visitors.values():
            visitor.stop()
        self._undo.close()
        self._server.stop()

    def _mirror(self, solver: Solver, webcam: int, tracker: Path | None) -> Mirror:
        """The face of the person before a camera, which is closed with the viewer; raises InputError."""
        with contextlib.ExitStack() as undo:
            finds = undo.enter_context(open_tracker(tracker))
            pictures = undo.enter_context(contextlib.closing(webcam_pictures(webcam)))
            mirror = Mirror(solver, pictures, finds)
            mirror.start()
            undo.callback(mirror.stop)
            self._undo = undo.pop_all()
        return mirror

    def __enter__(self) -> Viewer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _welcome(self, client: viser.ClientHandle) -> None:
        visitor = Visitor(client, self._painter, self._sound)
        with self._lock:
            self._visitors[client.client_id] = visitor
        visitor.start()

    def _farewell(self, client: viser.ClientHandle) -> None:
        with self._lock:
            visitor = self._visitors.pop(client.client_id, None)
        if visitor is not None:
            visitor.stop()


def _recorded(path: Path, person: Avatar, name: str) -> Motion | FaceMotion:
    """The motion of a file, of the person's head or of any face; raises InputError."""
    if path.suffix.lower() not in FACE_SUFFIXES:
        return open_motion(path, person, name=name)
    face = load_face_motion(path)
    if not len(face):
        raise InputError(f"{path}: expected at least one frame, found none")
    return replace(face, first=0)


def _check_address(host: str) -> None:
    """Raise InputError unless this machine can listen there; a thread of the server would say it too late."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as trial:
            trial.bind((host, 0))
    except (OSError, UnicodeError) as error:
        raise InputError(f"--host {host!r}: expected an address of this machine, found {error}") from None


def _viser() -> ModuleType:
    try:
        import viser
    except ImportError as error:
        raise InputError(f"render view: expected the package viser ({error}); pip install 'emosplat[view]'") from None
    # a browser may close while a picture is on its way to it
    warnings.filterwarnings("ignore", message="Queued a .* on a closed connection")
    return viser
