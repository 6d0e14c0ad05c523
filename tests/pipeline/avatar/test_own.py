"""From a FLAME download and a trained folder to a talking video, by the commands that a person types."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from emosplat.avatars.head import load_head
from emosplat.avatars.library import find_avatar, find_head, open_avatar, own_avatars
from emosplat.avatars.motion import Motion
from emosplat.avatars.motion_files import load_motion, save_motion
from emosplat.cli import app
from emosplat.pipeline.camera.views import named_camera
from emosplat.pipeline.clip.sidecar import write_sidecar

from ...avatars.flame_like import flame_like, save_flame_npz
from ...avatars.trained_folder import write_folder

pytestmark = pytest.mark.slow


def render(*words: object) -> Result:
    return CliRunner().invoke(app, [str(w) for w in words])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with one imported head and one imported avatar; `flame2023.npz` and `trained/` lie beside it."""
    root = tmp_path_factory.mktemp("own")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EMOSPLAT_HOME", str(root / "home"))
        save_flame_npz(root / "flame2023.npz", flame_like().arrays)
        result = render("head", "import", root / "flame2023.npz", "--name", "flame")
        assert result.exit_code == 0, result.output
        assert "non-commercial" in result.output
        write_folder(root / "trained", load_head(find_head("flame")), per_face=1)
        result = render("avatar", "import", root / "trained", "--name", "me", "--licence", "mine")
        assert result.exit_code == 0, result.output
    return root


@pytest.fixture(autouse=True)
def own_library(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOSPLAT_HOME", str(home / "home"))


def test_the_library_knows_head_and_avatar(home: Path) -> None:
    assert own_avatars() == ["me"]
    listed = render("avatar", "list").output
    assert "person1" in listed
    assert "me  10144 Gaussians" in listed
    assert "flame  flame2023-" in render("head", "list").output
    about = json.loads(render("avatar", "show", "me", "--info").output)
    assert about["licence"] == "mine"
    assert about["head_name"] == "flame"
    assert len(about["sha256"]) == 2
    assert (home / "home" / "avatars" / "me.png").stat().st_size > 1000


def test_a_name_or_a_path_is_an_avatar(home: Path) -> None:
    by_name = open_avatar("me")
    by_path = open_avatar(str(home / "home" / "avatars" / "me.npz"))
    np.testing.assert_array_equal(by_name.gaussians.means, by_path.gaussians.means)
    assert by_name.head.version.startswith("flame2023-")


def test_the_avatar_speaks(home: Path, tmp_path: Path) -> None:
    clip = ["assets/demo/hello.flac", "-a", "me", "-e", "happy", "--duration", "0.4", "--size", "64x64", "-q"]
    assert render(Path(__file__).parents[3] / clip[0], *clip[1:], "-o", tmp_path / "me.mp4").exit_code == 0
    record = json.loads((tmp_path / "me.mp4.json").read_text())
    assert record["result"]["frames"] == 10
    assert record["head"] == open_avatar("me").head.version


def test_motion_of_another_head_is_refused_and_converted(tmp_path: Path) -> None:
    me, person = open_avatar("me"), open_avatar("person1")
    motion = Motion.rest(3, person.head.expressions, 25.0)
    motion.jaw[:, 0] = [0, 0.1, 0.2]
    motion.neck[:] = 0.1
    path = tmp_path / "m.npz"
    save_motion(path, motion, vertices=len(person.head.v_template))
    write_sidecar(path, {"head": person.head.version, "result": {"fps": 30.0}})
    refused = render(path, "-a", "me", "-o", tmp_path / "m.mp4")
    assert refused.exit_code == 2
    assert f"'{person.head.version}'" in refused.output
    assert f"'{me.head.version}'" in refused.output
    assert "render avatar convert" in refused.output
    out = tmp_path / "mine.npz"
    converted = render("avatar", "convert", path, out, "--from", "person1", "--to", "me")
    assert converted.exit_code == 0, converted.output
    back = load_motion(out, expressions=100, fps=30.0, neutral=me.neutral)
    np.testing.assert_allclose(back.jaw[:, 0], motion.jaw[:, 0], atol=0.03)
    np.testing.assert_allclose(back.neck, motion.neck)
    assert np.abs(back.expr[0]).max() < 0.2  # a face at rest stays at rest
    drawn = render(out, "-a", "me", "-o", tmp_path / "m.mp4", "--size", "64x64", "-q")
    assert drawn.exit_code == 0, drawn.output
    assert render(out, "-a", "person1", "-o", tmp_path / "n.mp4").exit_code == 2


def test_it_is_written_as_a_folder_and_read_again(tmp_path: Path) -> None:
    assert render("avatar", "export", "me", tmp_path / "out").exit_code == 0
    result = render("avatar", "import", tmp_path / "out", "--name", "again")
    assert result.exit_code == 0, result.output
    first, second = open_avatar("me"), open_avatar("again")
    np.testing.assert_allclose(second.head.v_template, first.head.v_template, atol=1e-6)
    assert render("avatar", "remove", "again").exit_code == 0
    assert own_avatars() == ["me"]


def test_a_built_in_person_has_no_flame_folder(tmp_path: Path) -> None:
    result = render("avatar", "export", "person1", tmp_path / "out")
    assert result.exit_code == 2
    assert "expected one on a FLAME head" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("avatar", "remove", "person1"), "expected one of your own avatars"),
        (("avatar", "import", "trained", "--name", "person1"), "that of a built-in avatar"),
        (("avatar", "import", "trained", "--name", "me"), "--overwrite replaces it"),
        (("avatar", "import", "trained", "--name", "../me"), "expected letters"),
        (("avatar", "import", "trained", "--name", "x", "--head", "flam"), "did you mean flame?"),
        (("head", "import", "flame2023.npz", "--name", "open"), "that of a built-in head"),
        (("head", "remove", "open"), "expected one of your own heads"),
        (("avatar", "show", "mee"), "unknown avatar 'mee'"),
    ],
)
def test_mistakes_get_one_line(home: Path, words: tuple[str, ...], message: str) -> None:
    places = {"trained": home / "trained", "flame2023.npz": home / "flame2023.npz"}
    result = render(*(places.get(w, w) for w in words))
    assert result.exit_code == 2
    assert message in result.output
    assert result.output.count("\n") == 1


def test_gaussians_alone_are_no_avatar(tmp_path: Path) -> None:
    scene = tmp_path / "scene.ply"
    scene.write_bytes(b"ply")
    for words in (["avatar", "show", str(scene)], ["avatar", "import", str(scene), "--name", "scene"]):
        result = render(*words)
        assert result.exit_code == 2
        assert f"error: {scene}: expected an avatar, whose Gaussians are bound to a head" in result.output
    assert f"render avatar import {tmp_path} --name NAME" in render("avatar", "show", str(tmp_path)).output


def test_an_avatar_whose_head_is_gone_says_how_to_get_it(home: Path, tmp_path: Path) -> None:
    head = find_head("flame")
    head.rename(tmp_path / "away.npz")
    try:
        result = render("avatar", "show", "me", "--png", tmp_path / "x.png")
    finally:
        (tmp_path / "away.npz").rename(head)
    assert result.exit_code == 2
    assert "render head import" in result.output
    assert find_avatar("me").exists()


def test_the_viewers_camera_is_its_default() -> None:
    """Focal length of 802 rows as its source states; the camera stands at +Z and looks at the origin, Y up."""
    camera = named_camera("viewer", open_avatar("me").head, width=550, height=802)
    assert abs(camera.K[1, 1] - 2274.2) < 0.1
    np.testing.assert_allclose(camera.position, [0, 0, 1], atol=1e-12)
    np.testing.assert_allclose(camera.view[:3, :3], np.diag([1, -1, -1]), atol=1e-12)
