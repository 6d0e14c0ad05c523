"""The viewer in a real browser: the picture is ours, it follows sliders, mouse and time line, and files come out."""

import importlib.util
import json
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from emosplat.avatars.library import open_avatar
from emosplat.blendshapes.face_motion_files import load_face_motion
from emosplat.pipeline.avatar.own import portrait
from emosplat.pipeline.camera.path import open_camera
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.settings import ClipSettings
from emosplat.pipeline.viewer.server import Viewer
from emosplat.renderer import open_rasterizer

CHROMIUM = shutil.which("chromium")
NEEDED = ("viser", "playwright")
ARGUMENTS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
PATIENCE = 60_000  # milliseconds
# of 255: the camera comes to rest a fraction of a pixel beside its goal, and a busy browser asks for fewer pixels
ASIDE = 30

pytestmark = pytest.mark.skipif(
    CHROMIUM is None or any(importlib.util.find_spec(name) is None for name in NEEDED),
    reason="chromium, playwright or viser is missing",
)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def viewer(babble: Path) -> Iterator[Viewer]:
    with Viewer(ClipSettings(device="cpu"), audio=babble, port=free_port()) as viewer:
        yield viewer


@pytest.fixture(scope="module")
def page(viewer: Viewer) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page(viewport={"width": 800, "height": 400}, accept_downloads=True)
        page.set_default_timeout(PATIENCE)
        page.goto(viewer.url)
        page.get_by_text("angry").wait_for()
        page.add_style_tag(content=".mantine-Notifications-root { display: none }")  # it complains about software WebGL
        settled(page)
        yield page
        browser.close()


def picture(page: Any) -> np.ndarray:
    """What the canvas shows, [H, W, 3]."""
    return decoded(page.locator("canvas").first.screenshot())


def decoded(data: bytes) -> np.ndarray:
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert image is not None
    return image[..., ::-1]


def settled(page: Any) -> np.ndarray:
    """The picture once it holds a face and has not changed for a while."""
    last, same = picture(page), 0
    for _ in range(60):
        time.sleep(0.5)
        now = picture(page)
        same = same + 1 if now.std() > 20 and np.array_equal(now, last) else 0
        if same == 3:
            return now
        last = now
    raise AssertionError("the picture did not settle")


def wait_for_change(page: Any, before: np.ndarray, fits: Callable[[float], bool]) -> None:
    """Wait until the largest change over blocks of pixels (0..255) fits."""
    changes: list[float] = []
    for _ in range(60):
        difference = np.abs(picture(page).astype(float) - before).mean(axis=2)
        changes.append(float(cv2.blur(difference, (9, 9)).max()))
        if fits(changes[-1]):
            return
        time.sleep(0.5)
    raise AssertionError(f"the picture stayed at a change of {changes[-1]:.1f}")


def set_slider(page: Any, name: str, value: float) -> None:
    """Type a number beside the slider of this name."""
    row = page.get_by_text(name, exact=True).locator("xpath=ancestor::*[.//input][1]")
    box = row.locator("input").last
    box.fill(str(value))
    box.press("Enter")


def test_the_picture_is_ours(page: Any) -> None:
    page.get_by_role("button", name="front").click()
    time.sleep(1)
    seen = settled(page)
    height, width = seen.shape[:2]
    avatar = open_avatar("person1")
    expected = portrait(avatar, open_rasterizer("cpu"), size=height)
    middle = seen[:, (width - height) // 2 :][:, :height]
    assert np.abs(middle.astype(float) - expected).mean() < 1


def test_sliders_move_the_face(page: Any) -> None:
    before = settled(page)
    set_slider(page, "happy", 1)
    wait_for_change(page, before, lambda change: change > 60)
    page.get_by_role("button", name="Reset face").click()
    wait_for_change(page, before, lambda change: change < ASIDE)


def test_the_mouse_turns_the_camera_and_a_preset_brings_it_back(page: Any) -> None:
    page.get_by_role("button", name="front").click()
    time.sleep(1)
    before = settled(page)
    box = page.locator("canvas").first.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.8
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 80, y, steps=4)
    page.mouse.up()
    wait_for_change(page, before, lambda change: change > 60)
    page.get_by_role("button", name="front").click()
    time.sleep(1)
    wait_for_change(page, before, lambda change: change < ASIDE)


def test_the_clip_plays_with_its_sound(page: Any) -> None:
    sound = "document.getElementById('emosplat-sound')"
    assert page.evaluate(f"{sound}.duration") == pytest.approx(1.3, abs=0.01)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.get_by_role("button", name="Play").wait_for()  # it has come to its end
    assert not page.evaluate(f"{sound}.error")
    assert page.evaluate(f"{sound}.currentTime") == pytest.approx(1.3, abs=0.1)


def test_a_saved_camera_sees_what_the_browser_sees(page: Any, tmp_path: Path) -> None:
    page.get_by_role("button", name="three-quarter").click()
    time.sleep(1)
    settled(page)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save camera").click()
    path = tmp_path / "camera.json"
    waiting.value.save_as(path)
    head = open_avatar("person1").head
    camera = open_camera(str(path), head, width=512, height=512).at(0)
    expected = named_camera("three-quarter", head, width=512, height=512)
    np.testing.assert_allclose(camera.view, expected.view, atol=1e-4)
    np.testing.assert_allclose(camera.K, expected.K, rtol=1e-4)
    assert json.loads(path.read_text())["height"] == 1080


def test_a_screenshot_is_a_large_picture(page: Any, tmp_path: Path) -> None:
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Screenshot").click()
    path = tmp_path / "shot.png"
    waiting.value.save_as(path)
    image = decoded(path.read_bytes())
    assert image.shape[0] == 1080
    assert image.std() > 20


def test_a_key_is_set_seen_and_saved(page: Any, tmp_path: Path) -> None:
    page.get_by_role("button", name="front").click()
    set_slider(page, "time, s", 0.6)
    time.sleep(1)
    before = settled(page)
    page.get_by_text("Keys", exact=True).click()
    page.get_by_role("button", name="Add key here").click()
    set_slider(page, "key turn", 40)
    wait_for_change(page, before, lambda change: change > 60)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Save face motion").click()
    path = tmp_path / "face.json"
    waiting.value.save_as(path)
    assert np.degrees(load_face_motion(path).column("headYaw")[15]) == pytest.approx(40, abs=0.5)
    page.get_by_role("button", name="Remove key").click()
    wait_for_change(page, before, lambda change: change < ASIDE)
