"""Exports as a person asks for them."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import emosplat
from emosplat.avatars.library import open_avatar
from emosplat.avatars.motion_files import save_motion
from emosplat.avatars.ply import read_ply
from emosplat.avatars.pose import Poser
from emosplat.cli import app
from emosplat.core.errors import InputError
from emosplat.pipeline.avatar.poses import plausible_poses
from emosplat.pipeline.export.formats import FRAMES, MESHES, POSES, ExportRequest, export
from emosplat.pipeline.export.still import emotion_still
from emosplat.pipeline.export.table import TABLE, Content, find_format

pytestmark = pytest.mark.slow

AVATAR, LIGHT = open_avatar("person1"), open_avatar("person1-light")


@pytest.fixture(scope="module")
def motion(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("motion") / "m.npz"
    save_motion(path, plausible_poses(AVATAR.head, 2).motion, vertices=len(AVATAR.head.v_template))
    return path


@pytest.mark.parametrize(
    ("name", "size"),
    [("a.ply", 164), ("a.compressed.ply", 40), ("a.splat", 32), ("a.sog", 17), ("a.spz", 17), ("a.splat.glb", 156)],
)
def test_a_still_shows_the_emotion(tmp_path: Path, name: str, size: int) -> None:
    for emotion in ("neutral", "happy:0.5"):
        out = tmp_path / emotion / name
        said = export(ExportRequest("person1-light", out, emotion=emotion))
        assert said == f"{out}: {len(LIGHT.gaussians)} Gaussians"
    still, happy = ((tmp_path / e / name).read_bytes() for e in ("neutral", "happy:0.5"))
    assert still != happy
    assert len(still) / len(LIGHT.gaussians) == pytest.approx(size, rel=0.1)


def test_the_table_and_the_writers_agree() -> None:
    files = {name for name, known in TABLE.items() if known.is_file}
    assert files == {*POSES, *FRAMES, *MESHES}
    assert set(POSES) == {name for name, known in TABLE.items() if known.content is Content.POSE}
    assert set(FRAMES) == {name for name, known in TABLE.items() if known.content is Content.FRAMES}


def test_the_manual_names_every_format() -> None:
    manual = (Path(emosplat.__file__).parent / "docs" / "viewer-and-exports.md").read_text("utf-8")
    assert all(f"`.{name}`" in manual for name, known in TABLE.items() if known.is_file)


def test_the_longest_suffix_counts_and_may_be_asked_for(tmp_path: Path) -> None:
    assert find_format(tmp_path / "a.compressed.ply").name == "compressed.ply"
    assert find_format(tmp_path / "A.SPLAT.GLB").name == "splat.glb"
    assert find_format(tmp_path / "a.glb").name == "glb"
    assert find_format(tmp_path / "a.glb", "splat.glb").name == "splat.glb"
    assert find_format(tmp_path / "%d.ply").name == "ply-sequence"


def test_an_emotion_opens_the_jaw_as_its_table_says() -> None:
    row = AVATAR.head.emotions.rows("surprised")[0]
    with pytest.raises(InputError, match="single pose"):
        emotion_still(AVATAR.head, "calm, then furious")
    assert emotion_still(AVATAR.head, "a wide smile").expr.any()
    still = emotion_still(AVATAR.head, "surprised:0.5")
    assert still.jaw[0, 0] == pytest.approx(0.5 * AVATAR.head.emotions.jaw[row])
    np.testing.assert_allclose(still.expr[0], 0.5 * AVATAR.head.emotions.expr[row], atol=1e-7)


def test_a_sequence_has_a_file_per_frame(tmp_path: Path, motion: Path) -> None:
    export(ExportRequest("person1", tmp_path / "new" / "f_%03d.ply", motion=motion, axes="y-up"))
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
        (["a.obj"], "unknown suffix '.obj': expected one of ply, compressed.ply, splat, sog, spz, splat.glb"),
        (["a.ply", "--format", "fbx"], "--format 'fbx': expected one of"),
        (["a.spz", "--format", "glb"], "expected a name that ends in .glb"),
        (["a.ply", "--format", "ga"], "expected the name of a folder"),
        (["a.ply", "--motion", "m.npz"], "--motion: expected a sequence such as frames/%06d.ply, or one of .splat.glb"),
        (["a.vrm", "--motion", "m.npz"], "--motion: expected a sequence"),
        (["a.spz", "--spz-version", "7"], "--spz-version 7: expected 2, 3, 4"),
        (["a.ply", "--format", "glb"], "expected a name that ends in .glb"),
        (["a.ply", "--axes", "z-up"], "--axes 'z-up': expected y-up or y-down"),
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

    def written(axes: str | None) -> np.ndarray:
        export(ExportRequest("person1-light", tmp_path / f"{axes}{suffix}", axes=axes))
        return middle_of(tmp_path / f"{axes}{suffix}")

    up, down, default = (written(axes) for axes in ("y-up", "y-down", None))
    np.testing.assert_allclose(down, up * [1, -1, -1], atol=1e-5)
    np.testing.assert_array_equal(default, down)
    assert np.abs(up[1:]).max() > 1e-3


def test_ply_and_spz_lie_alike_for_those_who_read_both(tmp_path: Path) -> None:
    """Converters take a PLY's Y for down and an SPZ's for up, as the SPZ library says."""
    gsply = pytest.importorskip("gsply")
    for name in ("a.ply", "a.compressed.ply", "a.spz"):
        export(ExportRequest("person1-light", tmp_path / name, emotion="happy"))
    ply, packed = (gsply.plyread(tmp_path / name) for name in ("a.ply", "a.compressed.ply"))
    spz = gsply.read_spz(tmp_path / "a.spz")
    np.testing.assert_allclose(ply.means * [1, -1, -1], spz.means, atol=1e-5)
    np.testing.assert_allclose(np.sort(packed.means, axis=0), np.sort(ply.means, axis=0), atol=5e-4)


def test_a_ply_says_what_its_format_has_no_place_for(tmp_path: Path) -> None:
    for axes, way in (("y-up", b"Y up"), ("y-down", b"Y down")):
        export(ExportRequest("person1-light", tmp_path / "a.ply", axes=axes, overwrite=True))
        header = (tmp_path / "a.ply").read_bytes().split(b"end_header")[0]
        assert b"comment emosplat: world space, metres, " + way in header
        assert b"comment emosplat: spherical harmonics of degree 2, colours in sRGB" in header
        for said in (b"without antialiasing", b"comment SplatRenderMode: default", b"comment antialiased 0"):
            assert said in header


@pytest.mark.parametrize("name", ["a.spz", "a.glb", "a.splat.glb", "a.vrm", "a.usda", "folder"])
def test_formats_that_fix_their_axes_keep_them(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"--axes: expected a sequence or one of \.ply"):
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
