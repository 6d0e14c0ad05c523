"""One picture to judge a capture by: what was filmed, where the head was found, what was cut out, what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.fitting.dataset import DataSet, View, spread
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.scene import load_scene
from ...avatars.shading import Shader
from ...core.rotation import rotation_matrices
from ...renderer import Camera, Rasterizer
from ..avatar.portraits import titled, write_picture, written

U8 = NDArray[np.uint8]

COLUMNS = 6
AROUND = (-60, -35, -20, 20, 35, 60)  # degrees to the side of the camera
DRAWN = {"lips": (255, 60, 60), "left_lid": (60, 200, 60), "right_lid": (60, 200, 60), "brows": (60, 90, 255)}
GREEN = np.array([60, 170, 80], np.float32)


def report_page(
    path: Path, avatar: Avatar, motion: Motion, data: DataSet, record: dict[str, Any], rasterizer: Rasterizer
) -> None:
    """Write the page: filmed and drawn side by side, the head found in the film, and the avatar from other sides."""
    views = [*spread(data.train, COLUMNS // 2 + 1), *spread(data.test, COLUMNS // 2)][:COLUMNS]
    scene, poser, shader = load_scene(avatar, rasterizer), Poser(avatar.head), Shader(avatar)

    def draw(row: int, camera: Camera) -> U8:
        still = motion[row : row + 1]
        return scene.render(camera, poser.transforms(still), shading_weights=shader.weights(still))[0].rgb

    held_out = {view.picture for view in data.test}
    labels = ["held out" if view.picture in held_out else "learned" for view in views]
    filmed = [written(view.pixels(), label, (6, 16)) for view, label in zip(views, labels, strict=True)]
    found = [_overlay(view, avatar, data.motion[view.timestep : view.timestep + 1], poser) for view in views]
    drawn = [draw(view.timestep, view.camera) for view in views]
    first = views[len(views) // 2]
    sides = [written(draw(first.timestep, around(first.camera, a)), f"{a:+d} degrees", (6, 16)) for a in AROUND]
    splits = {"learned": "train", "held out": "held_out"}
    scores = "   ".join(f"{told} {record[s]['psnr']:.1f} dB" for told, s in splits.items() if s in record)
    rows = [
        (f"without its background: {record['trained_on']} of {record['pictures']} pictures learned from", filmed),
        (f"where the head was found: landmarks {record['reprojection_px']:.2f} px off", found),
        (f"the avatar: {scores}", drawn),
        (f"from other sides; unseen parts from {record['prior']}", sides),
    ]
    write_picture(path, titled(rows))


def _overlay(view: View, avatar: Avatar, still: Motion, poser: Poser) -> U8:
    """The mesh's lips, lids and brows over a picture."""
    import cv2

    rgba = view.cut_out()
    share = rgba[..., 3:].astype(np.float32) / 255
    picture = (rgba[..., :3] * share + GREEN * (1 - share)).round().astype(np.uint8)
    pixels, _ = view.camera.project(poser.vertices(still)[0])
    for region, colour in DRAWN.items():
        for x, y in pixels[avatar.head.regions.get(region, np.zeros(0, np.int32))]:
            cv2.circle(picture, (round(float(x)), round(float(y))), 0, colour, -1)
    return picture


def around(camera: Camera, degrees: float) -> Camera:
    """The camera carried about the world's vertical axis, to the person's left."""
    turn = np.eye(4)
    turn[:3, :3] = rotation_matrices(np.array([0, -np.radians(degrees), 0], np.float32))
    return Camera(camera.view @ turn, camera.K, camera.width, camera.height)
