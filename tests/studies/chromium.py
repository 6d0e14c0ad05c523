"""Chromium by playwright, with the same functions as `firefox`: on a desk with a mouse, or a phone with a finger."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium")
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"]
STEPS = 12  # of a drag


class Chromium:
    """One tab."""

    def __init__(self, context: Any, *, touch: bool) -> None:
        self._page = context.new_page()
        self._page.set_default_timeout(60_000)
        self._touch = touch
        self._protocol = context.new_cdp_session(self._page)
        self.complaints: list[str] = []
        self._page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self._page.on("console", self._listen)

    def before_each_page(self, script: str) -> None:
        """Run a script before those of every page that is opened from now on."""
        self._page.add_init_script(script)

    def goto(self, address: str) -> None:
        self._page.goto(address)

    def js(self, expression: str) -> Any:
        """The value of an expression in the page, which must be JSON."""
        return json.loads(self._page.evaluate(f"JSON.stringify({expression})") or "null")

    def click(self, selector: str, index: int = 0) -> None:
        """By mouse or finger, in the middle of an element."""
        one = self._page.locator(selector).nth(index)
        if self._touch:
            one.tap()
        else:
            one.click()

    def drag(self, selector: str, to: float) -> None:
        """From the middle of an element to this share of its width, in a third of a second."""
        box = self._page.locator(selector).first.bounding_box()
        y = box["y"] + box["height"] / 2
        places = [box["x"] + box["width"] * (0.5 + (to - 0.5) * step / STEPS) for step in range(STEPS + 1)]
        self._touch_at("touchStart", places[0], y) if self._touch else self._mouse_at(places[0], y, down=True)
        for x in places:
            self._touch_at("touchMove", x, y) if self._touch else self._mouse_at(x, y)
            time.sleep(0.33 / STEPS)
        if self._touch:
            self._touch_at("touchEnd")
        else:
            self._page.mouse.up()

    def _touch_at(self, kind: str, *place: float) -> None:
        points = [{"x": place[0], "y": place[1]}] if place else []
        self._protocol.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    def _mouse_at(self, x: float, y: float, *, down: bool = False) -> None:
        self._page.mouse.move(x, y)
        if down:
            self._page.mouse.down()

    def press(self, key: str) -> None:
        self._page.keyboard.press(key)

    def type(self, text: str) -> None:
        self._page.keyboard.type(text)

    def screenshot(self, path: Path) -> None:
        self._page.screenshot(path=path)

    def _listen(self, message: Any) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)


@contextmanager
def chromium(*, phone: bool) -> Iterator[Chromium]:
    """A browser of its own, without a window."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser: Any = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        size = {"width": 390, "height": 780} if phone else {"width": 1100, "height": 800}
        context = browser.new_context(viewport=size, has_touch=phone, is_mobile=phone)
        yield Chromium(context, touch=phone)
        browser.close()
