"""The page of a live session in a real browser: pictures in step with the sound, steering, and coming again."""

import importlib.util
import shutil
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emosplat.pipeline.settings import ClipSettings

CHROMIUM = shutil.which("chromium")
NEEDED = ("playwright", "starlette", "uvicorn", "websockets")
# the microphone is Chromium's own, which beeps
ARGUMENTS = [
    *("--no-sandbox", "--autoplay-policy=no-user-gesture-required"),
    *("--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream"),
]
PATIENCE = 60_000  # milliseconds
RATE = 16_000
FPS = 15  # that a busy machine draws, too

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        CHROMIUM is None or any(importlib.util.find_spec(name) is None for name in NEEDED),
        reason="chromium, playwright or what serves the page is missing",
    ),
]


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A minute of a buzz that comes and goes."""
    times = np.arange(60 * RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 120 * k * times) / k for k in range(1, 20)) * (np.sin(2 * np.pi * times) > 0)
    path = tmp_path_factory.mktemp("live") / "speech.wav"
    soundfile.write(path, (0.1 * buzz).astype(np.float32), RATE)
    return path


@pytest.fixture
def studio(speech: Path, request: pytest.FixtureRequest) -> Iterator[Any]:
    """Of the speech, or of the source that a test names."""
    from emosplat.pipeline.live.studio import Studio

    settings = ClipSettings(model="live", avatar="person1-light", size=(128, 128), device="cpu", fps=Fraction(FPS))
    with Studio(getattr(request, "param", str(speech)), settings) as studio:
        yield studio


@pytest.fixture
def page(studio: Any) -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        page = browser.new_page()
        page.set_default_timeout(PATIENCE)
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda message: faults.extend([message.text] if message.type == "error" else []))
        page.goto(studio.url)
        yield page
        browser.close()
        assert faults == []


def wait_for(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def colours(page: Any) -> int:
    """How many different colours the canvas shows."""
    script = (
        "[...new Uint32Array(document.querySelector('canvas').getContext('2d').getImageData(0,0,128,128).data.buffer)]"
    )
    return len(set(page.evaluate(script)))


def test_pictures_are_drawn_when_their_sound_is_heard(page: Any) -> None:
    page.click("#hear")
    wait_for(lambda: page.evaluate("live.drawn") > 3 * FPS)
    assert colours(page) > 500
    assert page.evaluate("live.heard") > 100
    page.evaluate("live.off = []")
    wait_for(lambda: page.evaluate("live.off.length") > 2 * FPS)
    off = np.array(page.evaluate("live.off"))
    # a picture is never early; how late it is, is up to the browser's own pace on a busy machine
    assert off.min() >= 0
    assert np.median(off) < 2 / FPS


def test_sliders_steer_the_face_and_follow_others(page: Any, studio: Any) -> None:
    page.locator("input[name=happy]").wait_for()
    page.locator("input[name=happy]").fill("0.5")
    wait_for(lambda: studio.control.state()["emotion"].get("happy") == 0.5)
    page.locator("#style").select_option("calm")
    wait_for(lambda: studio.control.state()["style"] == "calm")
    page.locator("#hear").focus()

    from emosplat.pipeline.live.control import Change

    studio.control.apply(Change(emotion="angry", look_left=10.0))
    wait_for(lambda: page.locator("input[name=angry]").input_value() == "1")
    assert page.locator("input[name=look_left]").input_value() == "10"


def test_a_page_comes_again(page: Any) -> None:
    wait_for(lambda: page.evaluate("live.drawn") > 3)
    page.reload()
    wait_for(lambda: page.evaluate("live.drawn") > 3)
    assert colours(page) > 500


@pytest.mark.parametrize("studio", ["ws"], indirect=True)
def test_a_browsers_microphone_is_heard(page: Any) -> None:
    wait_for(lambda: page.evaluate("live.heard") > 10)
    assert page.evaluate("live.loud") == 0
    page.get_by_role("button", name="Speak").click()
    wait_for(lambda: page.evaluate("live.loud") > 1000)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Speak").wait_for()
