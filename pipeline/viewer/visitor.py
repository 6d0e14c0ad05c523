"""One browser: its camera and panel, and the thread that draws for it when something has changed."""

from __future__ import annotations

import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.pose import Poser
from ...avatars.shading import Shader
from ...blendshapes.face_motion_files import save_face_motion
from ...blendshapes.solve.solver import Solver
from ...renderer import Camera, Scene
from ..camera.path import save_camera
from ..camera.views import DISTANCE, named_camera
from .controls import Controls, with_controls
from .keys import Keyed, KeySheet
from .panel import FILM, KeyPanel, Sliders, TimeLine, add_camera_buttons, add_film_button
from .performance import Performance
from .player import Player, Sound
from .webcam import Mirror

if TYPE_CHECKING:
    from viser import CameraHandle, ClientHandle

U8 = NDArray[np.uint8]

SETTLE = 0.25  # seconds without a change after which the picture is drawn at full size
BUDGET = 0.04  # seconds that a picture may take while something moves
FULL, LEAST = 1080, 256  # pixels of height: at most, and while something moves at least
BEAT = 0.2  # seconds between updates of time line and sound while they play
QUALITY = 85  # of the JPEG while something moves; what stands still is lossless


class Painter:
    """Draws one avatar in any pose from any camera."""

    def __init__(self, avatar: Avatar, scene: Scene, performance: Performance, solver: Solver) -> None:
        self.avatar = avatar
        self.performance = performance
        self.solver = solver
        self._scene = scene
        self._poser = Poser(avatar.head)
        self._shader = Shader(avatar)

    def paint(self, performance: Performance, controls: Controls, position: float | None, camera: Camera) -> U8:
        """What `render` would draw at `position` seconds (None: before it plays) and the controls add, [H, W, 3]."""
        if position is None:
            frame = performance.still(controls.mix)
        else:
            frame = performance.frame(min(int(position * performance.fps), performance.frames - 1), controls.mix)
        frame = with_controls(self.avatar.head, frame, controls)
        transforms, weights = self._poser.transforms(frame), self._shader.weights(frame)
        return self._scene.render(camera, transforms, shading_weights=weights)[0].rgb


class Visitor:
    """One browser and its thread."""

    def __init__(self, client: ClientHandle, painter: Painter, sound: bytes | None) -> None:
        self._client = client
        self._painter = painter
        self._changed, self._gone = threading.Event(), threading.Event()
        self._performance = performance = Keyed(painter.performance, painter.solver)
        self._player = Player(performance.frames / performance.fps)
        self._height = float(FULL)  # of pictures of something that moves
        self._cost = 0.0  # seconds that the last picture took
        self._following, self._followed = False, 0.0  # whether, and when, time line and sound followed the player
        self._time_line = self._sound = self._mirror = None
        if performance.frames > 1:
            self._time_line = TimeLine(
                client.gui, frames=performance.frames, fps=performance.fps, seek=self._seek, toggle=self._toggle
            )
        if sound is not None:
            self._sound = Sound(client, sound)
        add_camera_buttons(client, look=self._look, shoot=self._screenshot, save=self._save_camera)
        self._sliders = Sliders(client.gui, self._changed.set)
        if performance.frames > 1:
            sheet = KeySheet(performance.frames, performance.fps)
            KeyPanel(client.gui, sheet, here=lambda: self._player.position, lead=self._lead, save=self._save_face)
        if isinstance(painter.performance, Mirror):
            self._mirror = painter.performance
            add_film_button(client.gui, self._film)
        self._status = client.gui.add_markdown("")
        client.camera.on_update(lambda _: self._changed.set())
        self._thread = threading.Thread(target=self._run, name=f"visitor {client.client_id}", daemon=True)

    def start(self) -> None:
        """Begin to draw."""
        if self._mirror is not None:
            self._mirror.listen(self._changed.set)
        self._changed.set()
        self._thread.start()

    def stop(self) -> None:
        """The browser is gone."""
        if self._mirror is not None:
            self._mirror.leave(self._changed.set)
        self._gone.set()
        self._changed.set()
        self._thread.join()

    def _run(self) -> None:
        sharp = False
        while not self._gone.is_set():
            moving = self._player.playing or self._changed.wait(None if sharp else SETTLE)
            self._changed.clear()
            if self._gone.is_set():
                return
            self._draw(moving=moving)
            sharp = not moving
            if self._following:
                self._follow()
            if self._player.playing:
                self._wait_for_next_frame()

    def _follow(self) -> None:
        """Let time line and sound follow the player: at the beat while it plays, and at once when it has stopped."""
        now = time.monotonic()
        if self._player.playing and now - self._followed < BEAT:
            return
        self._followed = now
        if self._time_line:
            self._time_line.show(self._player.position, playing=self._player.playing)
        if self._sound:
            self._sound.follow(self._player)
        self._following = self._player.playing

    def _wait_for_next_frame(self) -> None:
        fps = self._painter.performance.fps
        into_frame = (self._player.position + self._cost) * fps % 1
        self._gone.wait((1 - into_frame) / fps)

    def _draw(self, *, moving: bool) -> None:
        started = time.monotonic()
        most = min(FULL, self._client.camera.image_height)
        camera = camera_of(self._client.camera, height=round(min(self._height, most) if moving else most))
        picture = self._paint(camera)
        scene = self._client.scene
        if moving:
            scene.set_background_image(picture, format="jpeg", jpeg_quality=QUALITY)
            self._cost = time.monotonic() - started
            # half of the way to the size that fits, so that one slow picture does not blur the next
            self._height = float(np.clip(camera.height * (BUDGET / self._cost) ** 0.25, LEAST, FULL))
        else:
            scene.set_background_image(picture, format="png")
        self._client.flush()
        took = time.monotonic() - started
        self._status.content = f"{camera.width} x {camera.height}, {1000 * took:.0f} ms a picture"

    def _paint(self, camera: Camera) -> U8:
        position = self._player.position
        if self._player.playing:
            position += self._cost  # by then the picture is there
        started = self._player.playing or position > 0
        return self._painter.paint(self._performance, self._sliders.read(), position if started else None, camera)

    def _toggle(self) -> None:
        if self._player.playing:
            self._player.pause()
        else:
            self._player.play()
        self._jump()

    def _seek(self, position: float) -> None:
        self._player.seek(position)
        self._jump()

    def _jump(self) -> None:
        self._following, self._followed = True, 0.0
        self._changed.set()

    def _look(self, view: str) -> None:
        place_camera(self._client.camera, named_camera(view, self._painter.avatar.head, width=512, height=512))
        self._changed.set()

    def _screenshot(self) -> None:
        import cv2

        picture = self._paint(camera_of(self._client.camera, height=FULL))
        _, data = cv2.imencode(".png", np.ascontiguousarray(picture[..., ::-1]))
        self._download("png", data.tobytes())

    def _lead(self, sheet: KeySheet) -> None:
        self._performance.lead(sheet.keys())
        self._changed.set()

    def _save_face(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "face.json"
            save_face_motion(path, self._performance.face(self._sliders.read().mix))
            self._client.send_file_download(path.name, path.read_bytes(), save_immediately=True)

    def _film(self) -> str:
        """Begin or end a film of the person before the camera; what the button does next."""
        assert self._mirror is not None
        if not self._mirror.filming:
            self._mirror.film()
            return "End the film"
        film = self._mirror.cut()
        if film is not None:
            self._client.send_file_download("webcam.mp4", film, save_immediately=True)
        return FILM

    def _save_camera(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "camera.json"
            save_camera(path, camera_of(self._client.camera, height=FULL))
            self._download("json", path.read_bytes())

    def _download(self, suffix: str, data: bytes) -> None:
        name = self._painter.avatar.name if suffix == "png" else "camera"
        self._client.send_file_download(f"{name}.{suffix}", data, save_immediately=True)


def camera_of(seen: CameraHandle, *, height: int) -> Camera:
    """A browser's camera for pictures of `height` pixels and its aspect. viser's axes are OpenCV's, as ours."""
    from scipy.spatial.transform import Rotation

    width = max(round(height * seen.aspect), 16)
    view = np.eye(4)
    view[:3, :3] = Rotation.from_quat(np.roll(seen.wxyz, -1)).as_matrix().T
    view[:3, 3] = -view[:3, :3] @ seen.position
    focal = 0.5 * height / np.tan(0.5 * seen.fov)
    return Camera(view, np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1.0]]), width, height)


def place_camera(seen: CameraHandle, camera: Camera) -> None:
    """Move a browser's camera to where ours is."""
    position, target, fov = pose_of(camera)
    with seen.client.atomic():
        seen.fov = fov
        seen.up_direction = (0.0, 1.0, 0.0)
        seen.position = position
        seen.look_at = target


def pose_of(camera: Camera) -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    """Position, the point of the portrait that is looked at (metres), and vertical angle of view (radians)."""
    target = camera.position + DISTANCE * camera.view[2, :3]
    return camera.position, target, float(2 * np.arctan(0.5 * camera.height / camera.K[1, 1]))
