"""What shows on the built-in people from near: lids, eyes under an angry brow, hollows of ears, the outline of hair."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from emosplat.avatars.library import builtin_avatars, open_avatar
from emosplat.avatars.motion import Motion
from emosplat.avatars.pose import Poser
from emosplat.avatars.scene import load_scene
from emosplat.avatars.shading import Shader
from emosplat.pipeline.avatar.faults import EYE, Observer
from emosplat.pipeline.avatar.portraits import Shot, _camera, _motion, arkit_expression
from emosplat.pipeline.camera.views import named_camera
from emosplat.renderer.cpu import CpuRasterizer
from emosplat.renderer.rasterizer import Frame

SIZE = 256
PEOPLE = [name for name in builtin_avatars() if not name.endswith("-light")]
EARS_SHOWN = [name for name in PEOPLE if name != "person3"]  # whose hair hides them


@cache
def rasterizer() -> CpuRasterizer:
    return CpuRasterizer("to look at people")


def drawn(name: str, *, target: tuple[float, float, float], yaw: float = 0, fov: float, blink: float = 0) -> Frame:
    """A picture of SIZE x SIZE pixels."""
    avatar = open_avatar(name)
    expr = arkit_expression(avatar.head, eyeBlink=blink)
    place = np.array(target, np.float32)
    shot = Shot("", expr, yaw=yaw, fov=float(np.radians(fov)), target=place)
    scene, motion = load_scene(avatar, rasterizer()), _motion(shot)
    camera, transforms = _camera(avatar.head, shot, SIZE), Poser(avatar.head).transforms(motion)
    return scene.render(camera, transforms, shading_weights=Shader(avatar).weights(motion))[0]


def eye(name: str, side: int) -> tuple[float, float, float]:
    x, y, z = open_avatar(name).head.joints[3 + side]
    return float(x), float(y), float(z) + 0.012


def lid_profile(name: str, side: int, blink: float = 1.0) -> NDArray[np.float64]:
    """Grey levels from below the brow to the lashes, in the middle of the lid."""
    picture = drawn(name, target=eye(name, side), fov=3.0, blink=blink).rgb.astype(float).mean(2)
    return picture[60:190, 108:148].mean(1)


@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("side", [0, 1])
def test_closed_lids_show_their_crease(name: str, side: int) -> None:
    """Above the lashes there is a line darker than the skin below and above it, which evening once took away."""
    levels = lid_profile(name, side)
    lashes = 90 + int(levels[90:].argmin())
    crease = lashes - 60 + int(levels[lashes - 60 : lashes - 24].argmin())
    above, below = levels[crease - 24 : crease].max(), levels[crease : lashes - 5].max()
    assert levels[crease] < 0.93 * min(above, below)


@pytest.mark.parametrize("name", PEOPLE)
def test_an_angry_brow_leaves_the_eyes_free(name: str) -> None:
    """A brow drawn too low lays its skin over them: of person3's eyes a little more than half was left once."""
    avatar = open_avatar(name)
    head, observer = avatar.head, Observer(avatar, rasterizer())
    camera = named_camera("front", head, width=2 * SIZE, height=2 * SIZE)
    rest = Motion.rest(1, head.expressions, 25.0)

    def seen(expr: NDArray[np.float32]) -> float:
        return float(observer.view(replace(rest, expr=expr[None]), camera).share(EYE).sum())

    angry = [seen(head.emotions.expr[row]) for row in head.emotions.rows("angry")]
    assert min(angry) > 0.75 * seen(rest.expr[0])


@pytest.mark.parametrize("name", EARS_SHOWN)
@pytest.mark.parametrize("side", [1, -1])
def test_ears_have_a_dark_canal(name: str, side: int) -> None:
    """Behind the tragus it is less than half as bright as the bright places around it."""
    import cv2

    vertices = open_avatar(name).head.v_template
    out = side * np.where(np.abs(vertices[:, 1] - 0.015) < 0.045, vertices[:, 0], 0)
    ear = vertices[out > out.max() - 0.008]
    concha = 0.5 * (ear.min(0) + ear.max(0)) + [0, -0.011, 0.004]
    picture = drawn(name, target=tuple(concha), yaw=90.0 * side, fov=4.0).rgb
    levels = cv2.blur(picture.astype(np.float32).mean(2), (5, 5))[113:173, 98:158]
    assert levels.min() < 0.5 * np.quantile(levels, 0.95)


def test_hair_that_is_tied_back_has_an_even_outline() -> None:
    """Over the crown the outline bends from column to column by less than a pixel: no strand stands out."""
    covered = drawn("person1", target=(0.0, 0.11, 0.0), fov=8.0).alpha > 128
    height = covered.argmax(axis=0)[76:180].astype(float)
    assert np.abs(np.diff(height, 2)).mean() < 0.7
