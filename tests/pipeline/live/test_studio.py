"""A whole session: a file in, everything out at once, and whatever is missing said in one line."""

import json
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("starlette", reason="starlette is not installed (pip install emosplat[live])")

from emosplat.core.errors import InputError
from emosplat.pipeline.live.studio import Studio
from emosplat.pipeline.settings import ClipSettings

SETTINGS = ClipSettings(model="live", size=(32, 32), device="cpu", emotion="happy")


def test_everything_at_once(babble: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[np.ndarray] = []

    class Camera:
        def __init__(self, width: int, height: int, fps: float) -> None:
            assert (width, height, fps) == (32, 32, 30)

        def send(self, picture: np.ndarray) -> None:
            shown.append(picture)

        def close(self) -> None:
            pass

    monkeypatch.setitem(sys.modules, "pyvirtualcam", SimpleNamespace(Camera=Camera))
    out = tmp_path / "face.json"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        address = f"127.0.0.1:{receiver.getsockname()[1]}"
        with Studio(str(babble), SETTINGS, live_link=[address], virtual_camera=True, record=out) as studio:
            assert studio.session.wait(30)
            assert receiver.recv(2048)[0] == 6
            assert studio.save()
    assert shown
    assert shown[0].shape == (32, 32, 3)
    assert len(json.loads(out.read_text())["frames"]) == 39


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"live_link": ["a:b:c"]}, "--live-link"),
        ({"vmc": [":1"]}, "--vmc"),
        ({"record": Path("film.xyz")}, "suffix"),
        ({"host": "0.0.0.0"}, "--token"),
        ({"host": "no.such.machine.invalid", "token": "x" * 16}, "choose another"),
    ],
)
def test_what_is_wrong_is_one_line(babble: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        Studio(str(babble), SETTINGS, **options)
    assert "\n" not in str(caught.value)


def test_settings_that_cannot_live(babble: Path) -> None:
    for wrong in ({"background": "transparent"}, {"emotion": "auto"}, {"emotion": "calm, then furious"}):
        with pytest.raises(InputError):
            Studio(str(babble), SETTINGS.model_copy(update=wrong))


@pytest.mark.parametrize("fault", [ImportError("no module"), RuntimeError("no device\nfound")])
def test_a_missing_camera_is_one_line(babble: Path, monkeypatch: pytest.MonkeyPatch, fault: Exception) -> None:
    def camera(*_: object, **__: object) -> None:
        raise fault

    missing = isinstance(fault, ImportError)
    monkeypatch.setitem(sys.modules, "pyvirtualcam", None if missing else SimpleNamespace(Camera=camera))
    with pytest.raises(InputError, match="--virtual-camera") as caught:
        Studio(str(babble), SETTINGS, virtual_camera=True)
    assert "\n" not in str(caught.value)
