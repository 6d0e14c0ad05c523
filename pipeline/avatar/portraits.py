"""Portraits of an avatar: a contact sheet of everything its face does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.avatar import Avatar
from ...avatars.head import ExpressionTable, HeadModel
from ...avatars.motion import Motion
from ...avatars.pose import Poser
from ...avatars.scene import load_scene
from ...avatars.shading import Shader
from ...core.errors import InputError
from ...core.whole_files import write_whole
from ...renderer import Camera, Rasterizer
from ..camera.views import FOV, orbit_camera

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

TILE = 320  # pixels
INTENSITIES = (0.33, 0.66, 1.0)
# Degrees of view; the portrait's is the default camera's
FACE_FOV, MOUTH_FOV, EYE_FOV = np.radians([11.0, 5.0, 4.0])
MOUTHS = ("sil", "PP", "FF", "SS", "aa", "oh")  # visemes that close-ups show, from the front and from the side
OPEN_JAW = 18.0  # degrees
TITLE = 26  # pixels of the strip above each row
SUFFIXES = (".png", ".jpg")


@dataclass(frozen=True, eq=False)
class Shot:
    """One tile: a pose and where the camera stands."""

    label: str
    expr: F32  # [E]
    jaw: float = 0.0  # radians
    gaze: tuple[float, float] = (0.0, 0.0)  # degrees, pitch (+ down) and yaw (+ to the person's left)
    yaw: float = 0.0  # of the camera, degrees
    pitch: float = 0.0
    fov: float = FOV  # radians
    target: F32 | None = None  # what the camera looks at


@dataclass(frozen=True, eq=False)
class Row:
    """Tiles side by side under a title."""

    title: str
    shots: list[Shot]


def contact_sheet(avatar: Avatar, rasterizer: Rasterizer, *, tile: int = TILE) -> U8:
    """Views, emotions by intensity, visemes, close-ups of mouth and eyes, [H, W, 3] with tiles of `tile` pixels."""
    scene, poser, shader = load_scene(avatar, rasterizer), Poser(avatar.head), Shader(avatar)
    drawn: list[tuple[str, list[U8]]] = []
    for row in _rows(avatar.head):
        pictures = []
        for shot in row.shots:
            camera, motion = _camera(avatar.head, shot, tile), _motion(shot)
            frames = scene.render(camera, poser.transforms(motion), shading_weights=shader.weights(motion))
            pictures.append(written(frames[0].rgb, shot.label, (6, 16)))
        drawn.append((f"{avatar.name}: {row.title}", pictures))
    return titled(drawn)


def titled(rows: Sequence[tuple[str, Sequence[U8]]]) -> U8:
    """Rows of pictures of one size, each under its title, [H, W, 3]; white where a row is short."""
    columns = max(len(pictures) for _, pictures in rows)
    blank = np.full_like(rows[0][1][0], 255)
    strips: list[U8] = []
    for text, pictures in rows:
        title = np.full((TITLE, columns * blank.shape[1], 3), 235, np.uint8)
        whole = [*pictures, *[blank] * (columns - len(pictures))]
        strips += [written(title, text, (6, TITLE - 8)), np.concatenate(whole, axis=1)]
    return np.concatenate(strips)


def check_picture(path: Path) -> None:
    """Raise InputError unless `path` has the name of a PNG or JPEG."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: expected a name that ends in {' or '.join(SUFFIXES)}")


def write_picture(path: Path, rgb: U8) -> None:
    """Write a picture [H, W, 3] as PNG or JPEG, whole or not at all; raises InputError where that is impossible."""
    import cv2

    check_picture(path)
    _, encoded = cv2.imencode(path.suffix.lower(), np.ascontiguousarray(rgb[..., ::-1]))
    write_whole(path, encoded.tobytes())


def arkit_expression(head: HeadModel, **weights: float) -> F32:
    """Expression [E] of ARKit weights; a name without a side stands for both, one that the head lacks for nothing."""
    expr = np.zeros(head.expressions, np.float32)
    for name, weight in weights.items():
        rows = [i for side in ("", "Left", "Right") for i in head.arkit.rows(name + side)]
        expr += weight * head.arkit.expr[rows].sum(axis=0)
    return expr


def _rows(head: HeadModel) -> Iterator[Row]:
    neutral = np.zeros(head.expressions, np.float32)
    mouth = head.v_template[head.mouth_corners].mean(axis=0)
    eyes = head.joints[3:5].mean(axis=0)
    face = np.array([0, 0.55 * eyes[1] + 0.45 * mouth[1], mouth[2] / 2], np.float32)
    views = [(0, 0), (35, 0), (-35, 0), (60, 0), (-60, 0), (90, 0), (20, 20), (-20, -20)]
    yield Row("views", [Shot(f"yaw {y} pitch {p}", neutral, yaw=y, pitch=p) for y, p in views])
    labels = [n for n in dict.fromkeys(head.emotions.names) if n != "neutral"]
    for intensity in INTENSITIES if labels else ():
        shots = [_shot(head.emotions, n, intensity, fov=FACE_FOV, target=face) for n in labels]
        yield Row(f"emotions at {intensity:g}", shots)
    visemes = list(dict.fromkeys(head.visemes.names))
    for some in (visemes[i : i + len(views)] for i in range(0, len(visemes), len(views))):
        shots = [_shot(head.visemes, n, yaw=12, fov=FACE_FOV, target=face) for n in some]
        yield Row("visemes", shots)
    yield from (Row(title, list(_mouths(head, mouth, yaw))) for title, yaw in (("mouth", 0), ("mouth, side", 40)))
    yield from (Row(title, list(_eyes(head, yaw))) for title, yaw in (("eyes", 0), ("eyes, side", 40)))


def _shot(
    table: ExpressionTable, name: str, intensity: float = 1.0, *, yaw: float = 0, fov: float, target: F32
) -> Shot:
    """The first variant of a named row."""
    row = table.rows(name)[0]
    return Shot(name, intensity * table.expr[row], intensity * float(table.jaw[row]), yaw=yaw, fov=fov, target=target)


def _mouths(head: HeadModel, mouth: F32, yaw: float) -> Iterator[Shot]:
    for name in MOUTHS:
        if name in head.visemes.names:
            yield _shot(head.visemes, name, yaw=yaw, fov=MOUTH_FOV, target=mouth)
    if "happy" in head.emotions.names:
        yield _shot(head.emotions, "happy", yaw=yaw, fov=MOUTH_FOV, target=mouth)
    neutral = np.zeros(head.expressions, np.float32)
    yield Shot(f"jaw {OPEN_JAW:g} deg", neutral, np.radians(OPEN_JAW), yaw=yaw, fov=MOUTH_FOV, target=mouth)


def _eyes(head: HeadModel, yaw: float) -> Iterator[Shot]:
    target = head.joints[3] + np.array([0, 0, 0.012], np.float32)
    neutral = np.zeros(head.expressions, np.float32)
    lids = {"neutral": {}, "half blink": {"eyeBlink": 0.5}, "blink": {"eyeBlink": 1.0}, "wide": {"eyeWide": 1.0}}
    for label, weights in lids.items():
        yield Shot(label, arkit_expression(head, **weights), yaw=yaw, fov=EYE_FOV, target=target)
    for label, gaze in {"up": (-18, 0), "down": (18, 0), "left": (0, 25), "right": (0, -25)}.items():
        yield Shot(f"gaze {label}", neutral, gaze=gaze, yaw=yaw, fov=EYE_FOV, target=target)


def _motion(shot: Shot) -> Motion:
    motion = Motion.rest(1, len(shot.expr), 25.0)
    motion.expr[0] = shot.expr
    motion.jaw[0, 0] = shot.jaw
    motion.eyes[0] = np.radians([*shot.gaze, 0] * 2)
    return motion


def _camera(head: HeadModel, shot: Shot, size: int) -> Camera:
    return orbit_camera(head, yaw=shot.yaw, pitch=shot.pitch, fov=shot.fov, target=shot.target, width=size, height=size)


def written(picture: U8, text: str, place: tuple[int, int]) -> U8:
    """The picture with a line of text, readable on anything."""
    import cv2

    picture = picture.copy()
    around = [(255, x, y) for x in (-2, 0, 2) for y in (-2, 0, 2)]  # not by thicker letters, which may be wider, too
    for grey, x, y in (*around, (40, 0, 0)):
        at = (place[0] + x, place[1] + y)
        cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.55, (grey,) * 3, 1, cv2.LINE_AA)
    return picture
