"""Cameras between browser and renderer, the end of a clip, and the command's complaints."""

import sys
import time
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest
import typer
from scipy.spatial.transform import Rotation
from typer.testing import CliRunner

from emosplat.avatars.library import open_avatar
from emosplat.commands.view import view
from emosplat.pipeline.camera.views import YAW, named_camera
from emosplat.pipeline.viewer.player import Sound
from emosplat.pipeline.viewer.visitor import Visitor, camera_of, pose_of

HEAD = open_avatar("person1").head


@pytest.mark.parametrize("name", YAW)
@pytest.mark.parametrize(("width", "height"), [(512, 512), (640, 360)])
def test_a_browser_put_where_a_view_is_sees_that_view(name: str, width: int, height: int) -> None:
    camera = named_camera(name, HEAD, width=width, height=height)
    position, target, fov = pose_of(camera)
    np.testing.assert_allclose(target[[0, 2]], 0, atol=1e-6)  # the middle of the portrait
    quat = Rotation.from_matrix(camera.view[:3, :3].T).as_quat()[[3, 0, 1, 2]]
    seen = SimpleNamespace(wxyz=quat, position=position, fov=fov, aspect=width / height)
    back = camera_of(seen, height=height)  # pyright: ignore[reportArgumentType]
    np.testing.assert_allclose(back.view, camera.view, atol=1e-12)
    np.testing.assert_allclose(back.K, camera.K, rtol=1e-12)
    assert (back.width, back.height) == (width, height)


class Still:
    """Stands in for a painter: a motion of two frames at 50 frames/s, always the same picture."""

    avatar = SimpleNamespace(name="somebody", head=HEAD)
    performance = SimpleNamespace(frames=2, fps=50.0)
    solver = None

    def paint(self, *_: object) -> np.ndarray:
        return np.zeros((16, 16, 3), np.uint8)


def test_the_sound_ends_with_a_motion_that_is_shorter(monkeypatch: pytest.MonkeyPatch) -> None:
    client = MagicMock()
    client.camera = MagicMock(wxyz=np.array([1.0, 0, 0, 0]), position=np.zeros(3), fov=0.3, aspect=1.0, image_height=16)
    orders: list[str] = []
    visitor = Visitor(client, Still(), b"flac")  # pyright: ignore[reportArgumentType]
    monkeypatch.setattr(Sound, "_run", lambda _, script: orders.append(script))
    visitor.start()
    visitor._toggle()
    deadline = time.monotonic() + 60
    while not any("a.pause()" in order for order in orders) and time.monotonic() < deadline:
        time.sleep(0.01)
    visitor.stop()
    assert "a.play()" in orders[0]
    assert orders[-1] == "a.pause();a.currentTime=0.040"


def run(*words: str):
    app = typer.Typer()
    app.command()(view)
    return CliRunner().invoke(app, words)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nobody"], "unknown avatar 'nobody'"),
        (["--motion", "nowhere.npz"], "nowhere.npz: no such file"),
        (["--audio", "nowhere.wav"], "nowhere.wav"),
        (["--host", "203.0.113.1"], "--host '203.0.113.1': expected an address of this machine"),
        (["--host", "no such host"], "--host 'no such host'"),
    ],
)
def test_wrong_words_open_no_port(words: list[str], message: str) -> None:
    pytest.importorskip("viser")
    result = run(*words)
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1


def test_without_viser_one_line_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "viser", None)
    result = run(str(Path("person1")))
    assert result.exit_code == 2
    assert "pip install 'emosplat[view]'" in result.stderr
