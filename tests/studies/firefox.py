"""Firefox by WebDriver BiDi (W3C), as much of it as our tests need: a websocket, and no driver in between."""

from __future__ import annotations

import base64
import itertools
import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
SETTINGS = {
    "media.autoplay.default": 0,
    "media.autoplay.blocking_policy": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.enabled": False,
    "app.update.enabled": False,
    "app.normandy.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "remote.active-protocols": 1,
}
KEYS = {"Enter": "\ue007", "ArrowRight": "\ue014", "ArrowLeft": "\ue012", "Tab": "\ue004", "Space": " "}
STEPS = 12  # of a drag


class Firefox:
    """One tab."""

    def __init__(self, address: str) -> None:
        from websockets.sync.client import connect

        self._socket = connect(address, max_size=1 << 26, open_timeout=60)
        self._numbers = itertools.count(1)
        self.complaints: list[str] = []
        self._ask("session.new", {"capabilities": {}})
        self._ask("session.subscribe", {"events": ["log.entryAdded"]})
        self._tab = self._ask("browsingContext.create", {"type": "tab"})["context"]

    def close(self) -> None:
        """End the session and the browser."""
        self._ask("browser.close", {})
        self._socket.close()

    def before_each_page(self, script: str) -> None:
        """Run a script before those of every page that is opened from now on."""
        self._ask("script.addPreloadScript", {"functionDeclaration": f"() => {{ {script} }}"})

    def viewport(self, width: int, height: int) -> None:
        self._ask("browsingContext.setViewport", {"context": self._tab, "viewport": {"width": width, "height": height}})

    def goto(self, address: str) -> None:
        self._ask("browsingContext.navigate", {"context": self._tab, "url": address, "wait": "complete"})

    def js(self, expression: str) -> Any:
        """The value of an expression in the page, which must be JSON."""
        asked = {"expression": f"JSON.stringify({expression})", "target": {"context": self._tab}, "awaitPromise": True}
        found = self._ask("script.evaluate", asked)
        if found["type"] != "success":
            raise RuntimeError(found["exceptionDetails"]["text"])
        return json.loads(found["result"].get("value", "null"))

    def click(self, selector: str, index: int = 0) -> None:
        """By the mouse, in the middle of an element."""
        element = self._element(selector, index)
        actions = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": {"type": "element", "element": element}},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def drag(self, selector: str, to: float) -> None:
        """From the middle of an element to this share of its width, in a third of a second."""
        width = self.js(f"document.querySelector({json.dumps(selector)}).offsetWidth")
        origin = {"type": "element", "element": self._element(selector, 0)}
        moves = [
            {
                "type": "pointerMove",
                "x": round((to - 0.5) * width * step / STEPS),
                "y": 0,
                "origin": origin,
                "duration": 25,
            }
            for step in range(1, STEPS + 1)
        ]
        actions = [
            moves[0] | {"x": 0},
            {"type": "pointerDown", "button": 0},
            *moves,
            {"type": "pointerUp", "button": 0},
        ]
        self._act({"type": "pointer", "id": "mouse", "actions": actions})

    def press(self, key: str) -> None:
        self.type(KEYS.get(key, key))

    def type(self, text: str) -> None:
        keys = [{"type": kind, "value": sign} for sign in text for kind in ("keyDown", "keyUp")]
        self._act({"type": "key", "id": "keys", "actions": keys})

    def screenshot(self, path: Path) -> None:
        path.write_bytes(
            base64.b64decode(self._ask("browsingContext.captureScreenshot", {"context": self._tab})["data"])
        )

    def _element(self, selector: str, index: int) -> Mapping[str, str]:
        found = self._ask(
            "script.evaluate",
            {
                "expression": f"(() => {{ const one = document.querySelectorAll({json.dumps(selector)})[{index}];"
                " one.scrollIntoView({ block: 'center' }); return one; })()",
                "target": {"context": self._tab},
                "awaitPromise": False,
            },
        )
        return {"sharedId": found["result"]["sharedId"]}

    def _act(self, actions: Mapping[str, Any]) -> None:
        self._ask("input.performActions", {"context": self._tab, "actions": [actions]})

    def _ask(self, method: str, parameters: Mapping[str, Any]) -> Any:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            reply = json.loads(self._socket.recv(timeout=90))
            if reply.get("method") == "log.entryAdded" and reply["params"]["level"] in {"error", "warn"}:
                self.complaints.append(str(reply["params"]["text"]))
            if reply.get("id") == number:
                if reply["type"] == "error":
                    raise RuntimeError(f"{method}: {reply['error']}: {reply['message']}")
                return reply["result"]


@contextmanager
def firefox(profile: Path) -> Iterator[Firefox]:
    """A browser of its own, without a window."""
    assert FIREFOX is not None
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in SETTINGS.items()]
    (profile / "user.js").write_text("\n".join(lines))
    command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    log = profile / "log.txt"
    with log.open("wb") as stream:
        process = subprocess.Popen([*command, "about:blank"], stdout=stream, stderr=stream)
    try:
        tab = Firefox(f"{_address(log, process)}/session")
        yield tab
        tab.close()
    finally:
        process.kill()
        process.wait()


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    told = ""
    for _ in range(600):
        told = log.read_text(encoding="utf-8", errors="replace")
        found = re.search(r"ws://[\d.:]+", told)
        if found:
            return found.group()
        if process.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"Firefox did not start: {told[-500:]}")
