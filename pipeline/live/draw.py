"""Pictures of the avatar while it speaks: always of the newest frame, and only while somebody looks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.scene import load_scene
from ...avatars.shading import Shader
from ...renderer import Rasterizer
from ..camera.path import head_poses, locked_to_face, open_camera
from ..clip.loaded import LoadedModels
from ..media.background import parse_background
from ..settings import ClipSettings
from .frame import LiveFrame
from .latency import Latency

U8 = NDArray[np.uint8]


class Painter:
    """Draws one avatar as its clip would be drawn."""

    def __init__(self, avatar: Avatar, rasterizer: Rasterizer, settings: ClipSettings) -> None:
        """Raises InputError for a camera or background that cannot be read."""
        width, height = self.size = settings.size
        self._scene = load_scene(avatar, rasterizer)
        self._poser, self._shader = Poser(avatar.head), Shader(avatar)
        self._head = avatar.head
        self._path = open_camera(settings.camera, avatar.head, width=width, height=height)
        self._locked = settings.camera_lock == "face"
        self._background = parse_background(settings.background, width=width, height=height)

    @staticmethod
    def of(settings: ClipSettings, loaded: LoadedModels) -> Painter:
        """Of the settings' avatar; compiles or loads what draws it."""
        loaded.warm()
        return Painter(loaded.avatar(settings.avatar), loaded.rasterizer, settings)

    def __call__(self, motion: Motion, time: float) -> U8:
        """The picture of one frame of motion, [H, W, 3], or [H, W, 4] where the background is transparent."""
        camera = self._path.at(time)
        if self._locked:
            camera = locked_to_face(camera, head_poses(self._head, motion)[0])
        transforms, weights = self._poser.transforms(motion), self._shader.weights(motion)
        drawn = self._scene.render(camera, transforms, shading_weights=weights, background=self._background.color)
        return self._background.compose(drawn[0])


class Easel:
    """Draws in a thread of its own; a frame that comes while another is drawn is left out when a newer one comes."""

    def __init__(self, painter: Callable[[Motion, float], U8], latency: Latency) -> None:
        """`painter`: a `Painter`, or whatever else draws a motion at a time."""
        self._painter, self._latency = painter, latency
        self._viewers: list[tuple[Callable[[], bool], Callable[[LiveFrame, U8], None]]] = []
        self._newest: LiveFrame | None = None
        self._changed = threading.Condition()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="easel", daemon=True)
        self._thread.start()

    def show(self, told: Callable[[LiveFrame, U8], None], *, wanted: Callable[[], bool] = lambda: True) -> None:
        """Call `told` with every picture, while `wanted`."""
        self._viewers.append((wanted, told))

    def send(self, frame: LiveFrame) -> None:
        """See `Sink.send`."""
        with self._changed:
            if self._newest is not None:
                self._latency.count("pictures left out")
            self._newest = frame
            self._changed.notify()

    def close(self) -> None:
        """Draw no more."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._newest is not None or self._closed)
                if self._closed:
                    return
                frame, self._newest = self._newest, None
            viewers = [told for wanted, told in self._viewers if wanted()]
            if frame is None or not viewers:
                continue
            picture = self._painter(frame.motion, frame.time)
            for told in viewers:
                told(frame, picture)
            self._latency.add("picture", time.monotonic() - frame.heard)
