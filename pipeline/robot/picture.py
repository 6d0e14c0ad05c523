"""Pictures of a robot: the simulated face in the avatar's skin, where servos hold it, and beside what was wished."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.kernels import triangle_transforms
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.scene import load_scene
from ...avatars.shading import Shader
from ...renderer import Camera
from ..avatar.portraits import written
from ..camera.views import orbit_camera
from ..clip.loaded import LoadedModels
from ..clip.stream import ordered_map
from ..media.audio import AudioClip
from ..media.video import VideoWriter
from .description import Attached, Robot, Rod
from .landmarks import Places
from .simulator import Simulator, pull

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]
U8 = NDArray[np.uint8]

CHUNK = 16  # frames posed at a time
ROD, STRING = (60, 110, 220), (230, 160, 30)  # sRGB
ARROW = 2.5  # how much longer than the travel an arrow is drawn
WISH, MADE = "wish", "robot (simulated)"


class Studio:
    """An avatar's skin that is drawn on any vertices of its head."""

    def __init__(self, loaded: LoadedModels, avatar: str, *, size: int) -> None:
        loaded.warm()
        self._avatar = loaded.avatar(avatar)
        self._scene = load_scene(self._avatar, loaded.rasterizer)
        self._shader = Shader(self._avatar)
        self._faces = np.ascontiguousarray(self._avatar.head.faces)
        self.camera: Camera = orbit_camera(self._avatar.head, yaw=0, width=size, height=size)
        self.poser = Poser(self._avatar.head)

    def draw(self, vertices: F32, motion: Motion) -> U8:
        """A picture [H, W, 3] of vertices [1, V, 3]; `motion` [1] says which wrinkles show."""
        transforms = triangle_transforms(vertices, self._faces)
        return self._scene.render(self.camera, transforms, shading_weights=self._shader.weights(motion))[0].rgb


def portrait(robot: Robot, loaded: LoadedModels, *, size: int = 900) -> U8:
    """The face at rest with every point where a string (orange) or rod (blue) holds it, and where it is led."""
    import cv2

    studio = Studio(loaded, robot.face, size=size)
    head = loaded.avatar(robot.face).head
    still = Motion.rest(1, head.expressions, robot.rate)
    picture = np.ascontiguousarray(studio.draw(studio.poser.vertices(still), still)).copy()
    for servo in robot.servos:
        if not isinstance(servo, Attached):
            continue
        start = Places.on(head, (servo.at,)).of(head.v_template)[0]
        colour = ROD if isinstance(servo, Rod) else STRING
        ends = [start + ARROW * servo.travel / 1000 * pull(head, servo) * way for way in (1, -1)]
        a, b, c = (_pixel(studio.camera, point) for point in (start, *ends))
        cv2.arrowedLine(picture, a, b, colour, 2, cv2.LINE_AA, tipLength=0.3)
        if isinstance(servo, Rod):
            cv2.arrowedLine(picture, a, c, colour, 1, cv2.LINE_AA, tipLength=0.3)
        cv2.circle(picture, a, 5, (255, 255, 255), -1, cv2.LINE_AA)
        cv2.circle(picture, a, 4, colour, -1, cv2.LINE_AA)
    rigid = sum(not isinstance(s, Attached) for s in robot.servos)
    rods = sum(isinstance(s, Rod) for s in robot.servos)
    counted = f"{rigid} joints, {rods} rods, {len(robot.servos) - rigid - rods} strings"
    return written(picture, f"{robot.name}: {counted}", (10, size - 14))


def film(
    out: Path,
    simulator: Simulator,
    commands: F64,
    wish: Motion,
    loaded: LoadedModels,
    *,
    fps: Fraction,
    audio: AudioClip | None,
    size: int,
    overwrite: bool,
    report: Callable[[int], None] = lambda _: None,
) -> None:
    """Write what was wished and what the simulated robot makes of it side by side, with the sound."""
    studio = Studio(loaded, simulator.robot.face, size=size)
    rest = Motion.rest(1, wish.expr.shape[1], wish.fps)

    def pairs() -> Iterator[tuple[F32, F32, Motion]]:
        for start in range(0, len(commands), CHUNK):
            part = wish[start : start + CHUNK]
            asked, made = studio.poser.vertices(part), simulator.vertices(commands[start : start + CHUNK])
            for t in range(len(part)):
                yield asked[t : t + 1], made[t : t + 1], part[t : t + 1]

    def drawn(pair: tuple[F32, F32, Motion]) -> U8:
        asked, made, motion = pair
        left = written(studio.draw(asked, motion), WISH, (10, 24))
        return np.concatenate([left, written(studio.draw(made, rest), MADE, (10, 24))], axis=1)

    def pictures() -> Generator[U8]:
        yield from ordered_map(drawn, pairs(), workers=2, ahead=4)

    writer = VideoWriter(out, width=2 * size, height=size, fps=fps, audio=audio, overwrite=overwrite)
    with writer, closing(pictures()) as made:
        for done, picture in enumerate(made, start=1):
            writer.write(picture)
            report(done)


def _pixel(camera: Camera, point: F64) -> tuple[int, int]:
    """Where a point [3] of the world is in the picture."""
    seen = camera.view[:3, :3] @ point + camera.view[:3, 3]
    x, y = (camera.K @ seen)[:2] / seen[2]
    return round(float(x)), round(float(y))
