"""Exports as a person asks for them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from emosplat.avatars.library import open_avatar
from emosplat.avatars.motion_files import save_motion
from emosplat.avatars.ply import read_ply
from emosplat.avatars.pose import Poser
from emosplat.cli import app
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.export.formats import ExportRequest, export
from emosplat.pipeline.export.still import emotion_still

pytestmark = pytest.mark.slow

AVATAR = open_avatar("person1")


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("motion") / "m.npz"
    save_motion(path, plausible_poses(AVATAR.head, 2).motion, vertices=len(AVATAR.head.v_template))
    return path


@pytest.mark.parametrize(("name", "size"), [("a.ply", 248), ("a.splat", 32), ("a.spz", 20)])
def test_a_still_shows_the_emotion(tmp_path: Path, name: str, size: int) -> None:
    if name == "a.spz":
        pytest.importorskip("gsply")
    for emotion in ("neutral", "happy:0.5"):
        out = tmp_path / emotion / name
        said = export(ExportRequest("person1", out, emotion=emotion))
        assert said == f"{out}: {len(AVATAR.gaussians)} Gaussians"
    still, happy = ((tmp_path / e / name).read_bytes() for e in ("neutral", "happy:0.5"))
    assert still != happy
    assert len(still) / len(AVATAR.gaussians) == pytest.approx(size, rel=0.3 if name == "a.spz" else 0.01)


def test_an_emotion_opens_the_jaw_as_its_table_says() -> None:
    row = AVATAR.head.emotions.rows("surprised")[0]
    still = emotion_still(AVATAR.head, "surprised:0.5")
    assert still.jaw[0, 0] == pytest.approx(0.5 * AVATAR.head.emotions.jaw[row])
    np.testing.assert_allclose(still.expr[0], 0.5 * AVATAR.head.emotions.expr[row], atol=1e-7)


def test_a_sequence_has_a_file_per_frame(tmp_path: Path, motion: Path) -> None:
    export(ExportRequest("person1", tmp_path / "new" / "f_%03d.ply", motion=motion))
    assert sorted(p.name for p in (tmp_path / "new").iterdir()) == ["f_000.ply", "f_001.ply"]
    first, second = (read_ply(tmp_path / "new" / f"f_{i:03d}.ply")[0] for i in range(2))
    assert np.abs(first.means - second.means).max() > 1e-4
    frames = Poser(AVATAR.head).vertices(plausible_poses(AVATAR.head, 2).motion)
    for gaussians, vertices in zip((first, second), frames, strict=True):
        triangles = vertices[AVATAR.head.faces].mean(axis=1)[AVATAR.binding]
        assert np.median(np.linalg.norm(gaussians.means - triangles, axis=1)) < 0.003
    with pytest.raises(InputError, match="expected a new or empty folder"):
        export(ExportRequest("person1", tmp_path / "new", format="ply-sequence", motion=motion))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["a.obj"], "unknown suffix '.obj': expected one of ply, splat, spz, glb"),
        (["a.ply", "--format", "fbx"], "--format 'fbx': expected one of"),
        (["a.spz", "--format", "glb"], "expected a name that ends in .glb"),
        (["a.ply", "--format", "ga"], "expected the name of a folder"),
        (["a.ply", "--motion", "m.npz"], "--motion: expected a .glb or a sequence"),
        (["%03d.ply"], "--motion: expected the motion .npz"),
        (["a.glb", "--emotion", "sad"], "--emotion: expected a still"),
        (["a.ply", "--emotion", "sadd"], "sad"),
        (["a.glb", "--motion", "nowhere.npz"], "no such file"),
        (["/proc/nowhere/a.splat"], "cannot be written"),
    ],
)
def test_wrong_words_leave_nothing_behind(tmp_path: Path, words: list[str], message: str) -> None:
    out = words[0] if words[0].startswith("/") else str(tmp_path / words[0])
    result = CliRunner().invoke(app, ["avatar", "export", "person1", out, *words[1:]])
    assert result.exit_code == 2, result.output
    assert message in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".ply", ".splat"])
def test_axes_are_those_that_are_asked_for(tmp_path: Path, suffix: str) -> None:
    def middle_of(out: Path) -> np.ndarray:
        """Where the Gaussians are, on average."""
        if suffix == ".ply":
            return read_ply(out)[0].means.mean(axis=0)
        return np.frombuffer(out.read_bytes(), "<f4").reshape(-1, 8)[:, :3].mean(axis=0)

    for axes in ("y-up", "y-down"):
        export(ExportRequest("person1-light", tmp_path / f"{axes}{suffix}", axes=axes))
    up, down = (middle_of(tmp_path / f"{axes}{suffix}") for axes in ("y-up", "y-down"))
    np.testing.assert_allclose(down, up * [1, -1, -1], atol=1e-5)
    assert np.abs(up[1:]).max() > 1e-3


def test_a_ply_says_what_its_format_has_no_place_for(tmp_path: Path) -> None:
    for axes, way in (("y-up", b"Y up"), ("y-down", b"Y down")):
        export(ExportRequest("person1-light", tmp_path / "a.ply", axes=axes))
        header = (tmp_path / "a.ply").read_bytes().split(b"end_header")[0]
        assert b"comment emosplat: world space, metres, " + way in header
        assert b"without antialiasing" in header


@pytest.mark.parametrize("name", ["a.spz", "a.glb", "folder"])
def test_formats_that_fix_their_axes_keep_them(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="--axes"):
        export(ExportRequest("person1-light", tmp_path / name, axes="y-down"))


def test_what_takes_much_space_is_said_before(tmp_path: Path, motion: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    export(ExportRequest("person1", tmp_path / "new" / "f_%03d.ply", motion=motion), say=said.append)
    written = sum(path.stat().st_size for path in (tmp_path / "new").iterdir())
    assert len(said) == 1
    assert said[0].startswith(f"2 frames of {written / 2e6:.1f} MB: ")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(InputError, match=r"expected 0\.1 GB of space for the frames, found 0\.0"):
        export(ExportRequest("person1", tmp_path / "more" / "f_%03d.ply", motion=motion))
    assert not (tmp_path / "more").exists()
