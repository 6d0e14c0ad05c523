"""Whole clips through the whole path: files in, files out, decoded again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from emosplat.avatars import Motion
from emosplat.avatars.library import ASSETS, open_avatar
from emosplat.avatars.motion_files import load_motion, save_motion
from emosplat.blendshapes.bundle import SPEECH
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.render import render_clip
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.clip.sidecar import file_sha256, read_sidecar
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.media.probe import probe
from emosplat.pipeline.settings import read_settings


@pytest.fixture(scope="module")
def loaded() -> LoadedModels:
    return LoadedModels("cpu")


def request(source: Path, out: Path, *, sound: Path | None = None, **changes: object) -> ClipRequest:
    settings = read_settings({"emotion": "happy", "size": (64, 64), **changes})
    return ClipRequest(source, out, settings, sound)


def decoded(path: Path) -> np.ndarray:
    """All frames of a video, [T, H, W, 3]."""
    import av

    with av.open(str(path)) as container:
        return np.stack([f.to_ndarray(format="rgb24") for f in container.decode(video=0)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "container", "video", "audio", "pixels"),
    [
        ("o.mp4", "mp4", "h264", "aac", "yuv420p"),
        ("o.webm", "webm", "vp9", "opus", "yuv420p"),
        ("o.mov", "mov", "prores", "pcm_s16le", "yuv444p12le|yuva444p12le|yuv444p10le|yuva444p10le"),
        ("o.mkv", "matroska", "ffv1", "flac", "bgr0|gbrp|bgra"),
    ],
)
def test_every_format_holds_picture_and_sound(
    babble: Path, tmp_path: Path, loaded: LoadedModels, name: str, container: str, video: str, audio: str, pixels: str
) -> None:
    record = render_clip(request(babble, tmp_path / name), loaded=loaded)
    info = probe(tmp_path / name)
    assert info.picture is not None
    assert info.sound is not None
    assert container in info.container
    assert (info.picture.codec, info.sound.codec) == (video, audio)
    assert info.picture.pix_fmt in pixels.split("|")
    assert info.picture.frames == record["result"]["frames"] == 33  # ceil(1.3 s * 25)
    assert abs(info.sound.duration - 1.3) <= 1 / 25
    assert [p.name for p in sorted(tmp_path.iterdir())] == [name, f"{name}.json"]


@pytest.mark.slow
def test_frames_as_pictures(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    import cv2

    render_clip(request(babble, tmp_path / "frames", background="transparent"), loaded=loaded)
    pictures = sorted((tmp_path / "frames").glob("*.png"))
    assert len(pictures) == 33
    first = cv2.imread(str(pictures[0]), cv2.IMREAD_UNCHANGED)
    assert first is not None
    assert first.shape == (64, 64, 4)
    assert first[0, 0, 3] == 0  # nothing in the corner
    assert first[32, 32, 3] == 255  # the face in the middle
    assert soundfile.info(tmp_path / "frames" / "audio.wav").duration == pytest.approx(1.3)


@pytest.mark.slow
def test_the_face_opens_its_mouth_when_the_click_sounds(tmp_path: Path, loaded: LoadedModels) -> None:
    """Click and flash through the whole path: the picture changes within 10 ms of the sound."""
    fps, open_frame = 25, 20
    head = open_avatar("person1").head
    motion = Motion.rest(40, head.expressions, fps)
    motion.jaw[open_frame:, 0] = 0.4
    save_motion(tmp_path / "m.npz", motion, vertices=len(head.v_template))
    sound = np.zeros(int(1.6 * 48_000), np.float32)
    sound[int(open_frame / fps * 48_000) :][:48] = 0.9
    soundfile.write(tmp_path / "click.wav", sound, 48_000)
    for suffix in (".mp4", ".webm", ".mov", ".mkv"):
        out = tmp_path / f"o{suffix}"
        render_clip(request(tmp_path / "m.npz", out, sound=tmp_path / "click.wav"), loaded=loaded)
        change = np.abs(np.diff(decoded(out).astype(float), axis=0)).mean(axis=(1, 2, 3))
        shown = (change.argmax() + 1) / fps
        heard = np.abs(np.concatenate(list(open_audio(out).blocks(rate=48_000)))).argmax() / 48_000
        assert abs(shown - heard) <= 0.010, suffix


@pytest.mark.slow
def test_same_request_same_frames(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    render_clip(request(babble, tmp_path / "a.mkv"), loaded=loaded)
    render_clip(request(babble, tmp_path / "b.mkv"), loaded=LoadedModels("cpu"))
    np.testing.assert_array_equal(decoded(tmp_path / "a.mkv"), decoded(tmp_path / "b.mkv"))


def test_own_weights_speak_and_are_recorded(bent_weights: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    speech = ASSETS / "demo" / "hello.flac"
    usual = render_clip(request(speech, tmp_path / "usual.npz", duration=2.0), loaded=loaded)
    other = render_clip(request(speech, tmp_path / "other.npz", duration=2.0, weights=bent_weights), loaded=loaded)
    assert other["weights_sha256"] == {**usual["weights_sha256"], "speech": file_sha256(bent_weights / SPEECH)}
    assert np.mean(other["curves"]["jaw_open_deg"]) > np.mean(usual["curves"]["jaw_open_deg"]) + 1
    again = render_clip(request(speech, tmp_path / "again.npz", duration=2.0), loaded=loaded)
    assert again["curves"] == usual["curves"]
    with pytest.raises(InputError, match="--weights: expected speech to move the face by"):
        render_clip(request(tmp_path / "usual.npz", tmp_path / "o.mp4", weights=bent_weights), loaded=loaded)


def test_motion_written_and_played_again_gives_the_same_frames(
    babble: Path, tmp_path: Path, loaded: LoadedModels
) -> None:
    render_clip(request(babble, tmp_path / "direct.mkv"), loaded=loaded)
    render_clip(request(babble, tmp_path / "m.npz"), loaded=loaded)
    render_clip(request(tmp_path / "m.npz", tmp_path / "played.mkv", sound=babble), loaded=loaded)
    direct, played = decoded(tmp_path / "direct.mkv"), decoded(tmp_path / "played.mkv")
    assert direct.shape == played.shape
    assert np.abs(direct.astype(int) - played).max() <= 1  # rounding only


def test_emotion_and_seed_change_the_motion(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    def expressions(name: str, **changes: Any) -> np.ndarray:
        render_clip(request(babble, tmp_path / name, **changes), loaded=loaded)
        return load_motion(tmp_path / name, expressions=76, fps=25).expr

    reference = expressions("happy.npz")
    assert np.abs(expressions("sad.npz", emotion="sad") - reference).max() > 0.3
    assert np.abs(expressions("seed.npz", seed=1) - reference).max() > 1e-3
    assert np.linalg.norm(expressions("half.npz", intensity=0.5)) < np.linalg.norm(reference)


def test_face_motion_written_and_played_again_gives_the_very_frames(
    babble: Path, tmp_path: Path, loaded: LoadedModels
) -> None:
    render_clip(request(babble, tmp_path / "direct.mkv"), loaded=loaded)
    render_clip(request(babble, tmp_path / "face.json"), loaded=loaded)
    render_clip(request(tmp_path / "face.json", tmp_path / "played.mkv", sound=babble), loaded=loaded)
    assert np.array_equal(decoded(tmp_path / "direct.mkv"), decoded(tmp_path / "played.mkv"))


def test_curves_of_live_link_are_played_at_any_rate(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    render_clip(request(babble, tmp_path / "link.csv"), loaded=loaded)
    record = render_clip(request(tmp_path / "link.csv", tmp_path / "back.npz", fps=50), loaded=loaded)
    assert (record["result"]["fps"], record["result"]["frames"]) == (50, 66)


def test_sidecar_says_how_it_was_made(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    record = render_clip(request(babble, tmp_path / "o.mp4"), loaded=loaded)
    assert read_sidecar(tmp_path / "o.mp4") == json.loads(json.dumps(record))
    assert {"command", "versions", "audio_sha256", "avatar_sha256", "weights_sha256", "settings", "device"} <= set(
        record
    )
    assert {len(curve) for curve in record["curves"].values()} == {33}


def test_part_of_the_audio(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    record = render_clip(request(babble, tmp_path / "o.mp4", start=0.5, duration=0.4), loaded=loaded)
    assert record["result"]["frames"] == 10
    info = probe(tmp_path / "o.mp4")
    assert info.sound is not None
    assert info.sound.duration == pytest.approx(0.4, abs=0.025)


def test_an_existing_file_is_kept(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    (tmp_path / "o.mp4").write_text("mine")
    with pytest.raises(InputError, match="already exists"):
        render_clip(request(babble, tmp_path / "o.mp4"), loaded=loaded)
    assert (tmp_path / "o.mp4").read_text() == "mine"


def test_a_failure_leaves_nothing_behind(babble: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    class Unplugged(Exception):
        pass

    def report(progress: object) -> None:
        if getattr(progress, "done", 0) > 5:
            raise Unplugged

    for name in ("o.mp4", "frames", "m.npz"):
        with pytest.raises(Unplugged):
            render_clip(request(babble, tmp_path / name), loaded=loaded, report=report)
    assert list(tmp_path.iterdir()) == []


def test_an_emotion_from_the_voice_is_recorded_and_can_be_given_again(
    babble: Path, tmp_path: Path, loaded: LoadedModels
) -> None:
    record = render_clip(request(babble, tmp_path / "a.npz", emotion="auto"), loaded=loaded)
    assert record["settings"]["emotion_from_voice"] is True
    track = record["settings"]["emotion"]
    assert len(track["time_s"]) == 3  # half seconds
    with pytest.raises(InputError, match="--emotion auto: expected speech to listen to, found the motion"):
        render_clip(request(tmp_path / "a.npz", tmp_path / "b.npz", emotion="auto"), loaded=loaded)
