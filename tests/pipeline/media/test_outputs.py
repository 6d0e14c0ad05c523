"""One table of output formats: an entry there is all that a new one needs; whatever names formats follows it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from emosplat import InputError, example_speech, speak
from emosplat.avatars.avatar import Avatar
from emosplat.avatars.motion import Motion
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import FACE_MOTION
from emosplat.cli import app
from emosplat.pipeline.batch.names import format_suffix, relative_name, suffixes
from emosplat.pipeline.media.outputs import (
    FORMATS,
    FaceFormat,
    MotionFormat,
    VideoFormat,
    described,
    output_format,
    video_format,
)
from emosplat.pipeline.media.probe import probe

SMALL = ["--size", "64x64", "--duration", "0.4", "--quiet"]
GIF = VideoFormat(
    suffix=".gif",
    video_codec="GIF",
    audio_codec=None,
    pix_fmt="rgb8",
    alpha_pix_fmt=None,
    even=False,
    video_arguments="-pix_fmt {pix_fmt} -c:v gif",
)
AVI = VideoFormat(
    suffix=".avi",
    video_codec="FFV1",
    audio_codec="PCM",
    pix_fmt="bgr0",
    alpha_pix_fmt="bgra",
    even=False,
    video_arguments="-pix_fmt {pix_fmt} -c:v ffv1",
)


def write_jaw(path: Path, motion: Motion, avatar: Avatar) -> None:
    np.savetxt(path, motion.jaw[:, 0], header=avatar.name)


def write_lids(path: Path, face: FaceMotion) -> None:
    np.savetxt(path, face.lids)


def render(out: Path, *options: str) -> tuple[int, str]:
    """Exit code and output of the command line."""
    result = CliRunner().invoke(app, [str(example_speech()), "-o", str(out), *SMALL, *options])
    return result.exit_code, result.output


@pytest.fixture(autouse=True)
def known_anew() -> Iterator[None]:
    """Batches remember the table, which only tests change."""
    suffixes.cache_clear()
    yield
    suffixes.cache_clear()


@pytest.mark.slow
def test_a_video_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, ".avi", AVI)
    assert render(tmp_path / "o.avi") == (0, "")
    info = probe(tmp_path / "o.avi")
    assert info.picture is not None
    assert info.sound is not None
    assert (info.picture.codec, info.picture.frames, info.sound.codec) == ("ffv1", 10, "pcm_s16le")
    assert (tmp_path / "o.avi.json").is_file()
    assert ".avi (FFV1 + PCM, alpha)" in described()
    assert format_suffix("avi") == ".avi"
    assert relative_name("a/b.avi", source="here") == "a/b.avi"
    code, text = render(tmp_path / "o.mp4", "--background", "transparent")
    assert code == 2
    assert ".mkv, .png, .avi" in text.replace("\n", " ")


@pytest.mark.slow
def test_a_format_may_hold_no_sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, ".gif", GIF)
    assert render(tmp_path / "o.gif") == (0, "")
    info = probe(tmp_path / "o.gif")
    assert info.picture is not None
    assert (info.picture.codec, info.picture.frames, info.sound) == ("gif", 10, None)
    assert ".gif (GIF)" in described()
    assert ".gif" not in suffixes()  # a batch listens to what it has written


@pytest.mark.slow
def test_a_motion_format_is_one_entry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FORMATS, ".jaw", MotionFormat(".jaw", "how far the mouth is open", write_jaw))
    monkeypatch.setitem(FORMATS, ".lids", FaceFormat(".lids", "how far the lids are closed", write_lids))
    assert render(tmp_path / "o.jaw") == (0, "")
    assert render(tmp_path / "o.lids") == (0, "")
    clip = speak(example_speech(), duration=0.4, size=(64, 64))
    np.testing.assert_array_equal(np.loadtxt(tmp_path / "o.jaw", dtype=np.float32), clip.motion.jaw[:, 0])
    assert np.loadtxt(tmp_path / "o.lids").shape == (10, 2)
    assert ".jaw (how far the mouth is open)" in described()
    code, text = render(tmp_path / "o.xyz")
    assert code == 2
    assert ".jaw, .lids or a folder" in " ".join(text.split())
    with pytest.raises(InputError, match=r"expected a suffix of \.mp4, \.webm, \.mov, \.mkv$"):
        relative_name("o.jaw", source="here")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["o.jaw", "o.jaw.json", "o.lids", "o.lids.json"]


@pytest.mark.slow
def test_a_writer_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(path: Path, motion: Motion, avatar: Avatar) -> None:
        path.write_text("half", encoding="utf-8")
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setitem(FORMATS, ".jaw", MotionFormat(".jaw", "half a file", write))
    assert render(tmp_path / "o.jaw")[0] == 2
    assert not list(tmp_path.iterdir())


def test_help_describes_every_format() -> None:
    text = " ".join(CliRunner().invoke(app, ["--help"], env={"COLUMNS": "300"}).output.split())
    assert described() in text.replace(" │ │ ", " ")


def test_frames_go_to_no_format_of_motion() -> None:
    with pytest.raises(InputError, match=r"o\.npz: expected a video, one of \.mp4"):
        video_format("o.npz")


@pytest.mark.slow
def test_capitals_make_no_difference(tmp_path: Path) -> None:
    assert render(tmp_path / "O.NPZ") == (0, "")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["O.NPZ", "O.NPZ.json"]


def test_suffixes_are_their_own_keys() -> None:
    assert all(output_format(f"%d{suffix}") is format for suffix, format in FORMATS.items())
    assert all(format.suffix == suffix for suffix, format in FORMATS.items())
    assert isinstance(FORMATS[FACE_MOTION], FaceFormat)  # what is read as face motion is written as such


def test_standard_output_is_no_folder_of_that_name() -> None:
    with pytest.raises(InputError, match="-o -: expected the name of a file or folder"):
        output_format("-")
