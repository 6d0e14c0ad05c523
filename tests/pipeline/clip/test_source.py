"""What a clip is made from: a motion's own frame rate, and names however they are written."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from emosplat.avatars.motion import Motion
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.face_motion_files import save_face_motion
from emosplat.core.errors import InputError
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.render import render_clip
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.clip.source import ClipSource, open_source, recorded_fps
from emosplat.pipeline.media.video import check_target
from emosplat.pipeline.settings import read_settings


@pytest.fixture(scope="module")
def loaded() -> LoadedModels:
    return LoadedModels("cpu")


def motion(path: Path, frames: int = 60, **more: object) -> Path:
    arrays = {"expr": np.zeros((frames, 50), np.float32), "jaw_pose": np.zeros((frames, 3), np.float32)}
    with path.open("wb") as stream:
        np.savez(stream, **(arrays | more))  # pyright: ignore[reportArgumentType]
    return path


def opened(path: Path, loaded: LoadedModels, **changes: object) -> ClipSource:
    return open_source(ClipRequest(path, Path("o.mp4"), read_settings(changes)), loaded)


@pytest.mark.parametrize("told", ["fps", "mocap_frame_rate", "framerate"])
@pytest.mark.parametrize("rate", [24, 29.97, 30, 60, 120])
def test_a_motion_lasts_as_long_as_its_own_frame_rate_says(
    tmp_path: Path, loaded: LoadedModels, told: str, rate: float
) -> None:
    source = opened(motion(tmp_path / "m.npz", 60, **{told: np.float32(rate)}), loaded)
    assert source.frames == 60
    assert float(source.frames / source.fps) == pytest.approx(60 / rate, rel=1e-4)
    assert source.warnings == []
    slower = opened(tmp_path / "m.npz", loaded, fps=source.fps / 2)
    assert float(slower.frames / slower.fps) == pytest.approx(60 / rate, rel=1e-4)


def test_a_guessed_frame_rate_is_said(tmp_path: Path, loaded: LoadedModels) -> None:
    source = opened(motion(tmp_path / "m.npz"), loaded)
    assert source.fps == 25
    assert any("no frame rate; taken as 25" in line for line in source.warnings)


def test_what_is_asked_of_acting_where_nobody_acts_is_said(tmp_path: Path, loaded: LoadedModels) -> None:
    path = motion(tmp_path / "m.npz", fps=np.float32(25))
    asked = {"emotion": "angry", "blink": False, "size": "64x64", "seed": 3}
    assert opened(path, loaded, **asked).warnings == ["the motion is shown as it is, without --emotion, --blink"]
    save_face_motion(tmp_path / "m.json", FaceMotion.rest(10, fps=25))
    told = opened(tmp_path / "m.json", loaded, head_motion="lively").warnings
    assert told == ["the motion is shown as it is, without --head-motion"]


@pytest.mark.parametrize(
    ("beside", "fps"),
    [
        ('{"result": {"fps": 50}}', 50),
        ('{"result": {"text": "of another program"}}', 30),
        ('{"transcription": []}', 30),
        ("[]", 30),
        ("no json", 30),
        ('{"result": 3}', 30),
    ],
)
def test_only_a_record_of_ours_speaks_for_a_motion(tmp_path: Path, beside: str, fps: int) -> None:
    motion(tmp_path / "m.npz", fps=30)
    (tmp_path / "m.npz.json").write_text(beside)
    assert recorded_fps(tmp_path / "m.npz") == fps


def test_frames_that_a_tracker_lost_are_said(tmp_path: Path, loaded: LoadedModels) -> None:
    jaw = np.zeros((60, 3), np.float32)
    jaw[7] = np.nan
    source = opened(motion(tmp_path / "m.npz", fps=25, jaw_pose=jaw), loaded)
    assert len(source.warnings) == 1
    assert "jaw_pose: NaN or infinity in 1 of 60 rows" in source.warnings[0]


@pytest.mark.parametrize("suffix", [".npz", ".Npz", ".NPZ", ".csv", ".CSV", ".json", ".JSON"])
def test_suffixes_however_written(tmp_path: Path, loaded: LoadedModels, suffix: str) -> None:
    """What is written under such a name is read under it, as what it is."""
    out = tmp_path / f"m{suffix}"
    render_clip(ClipRequest(motion(tmp_path / "a.npz", frames=8, fps=25), out), loaded=loaded)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["a.npz", out.name, f"{out.name}.json"])
    assert opened(out, loaded).frames == 8


@pytest.mark.parametrize("suffix", [".mp4", ".npz", ".csv", ""])
@pytest.mark.parametrize("sign", ["y", "語"])
def test_a_name_without_room_for_its_record_is_refused_before_anything_is_made(
    tmp_path: Path, suffix: str, sign: str
) -> None:
    size = len(sign.encode())
    fits = sign * ((250 - len(suffix)) // size)
    check_target(tmp_path / f"{fits}{suffix}", overwrite=False)
    with pytest.raises(InputError, match="at most 250 bytes"):
        check_target(tmp_path / f"{fits}{sign}{sign}{suffix}", overwrite=False)
    assert list(tmp_path.iterdir()) == []


def test_an_infinite_duration_is_all_of_it(tmp_path: Path, babble: Path, loaded: LoadedModels) -> None:
    assert opened(motion(tmp_path / "m.npz"), loaded, duration=float("inf")).frames == 60
    assert opened(babble, loaded, duration=float("inf")).frames == opened(babble, loaded).frames


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory, babble: Path) -> Path:
    samples, rate = soundfile.read(babble)
    path = tmp_path_factory.mktemp("other") / "other.wav"
    soundfile.write(path, samples[::-1], rate)
    return path


def glances(path: Path, loaded: LoadedModels, *, varied: bool = True, **changes: object) -> np.ndarray:
    """Where the eyes look of their own accord: to the side, which no emotion does, and in the world."""
    settings = read_settings({"duration": 1.3, "model": "procedural", **changes})
    request = ClipRequest(path, Path("o.mp4"), settings, varied=varied)
    motion = Motion.concatenate(open_source(request, loaded).motion)
    return motion.eyes[:, 1] + motion.neck[:, 1]  # on the head they make up for its turns


def test_clips_of_one_seed_differ_and_equal_ones_do_not(
    babble: Path, other: Path, tmp_path: Path, loaded: LoadedModels
) -> None:
    first = glances(babble, loaded)
    same = shutil.copy(babble, tmp_path / "called otherwise.wav")
    np.testing.assert_array_equal(first, glances(Path(same), loaded))
    # conditions of a clip can be compared
    np.testing.assert_allclose(glances(babble, loaded, emotion="angry"), first, atol=1e-6)
    assert np.abs(first - glances(other, loaded)).max() > 1e-3
    assert np.abs(first - glances(babble, loaded, seed=1)).max() > 1e-3
    # batches and studies seed by clip, whatever its sound
    by_clip = glances(babble, loaded, varied=False)
    np.testing.assert_allclose(glances(other, loaded, varied=False), by_clip, atol=1e-6)


def two_tracks(path: Path, sounds: list[Path]) -> Path:
    import av

    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in sounds]
        for stream, sound in zip(streams, sounds, strict=True):
            samples, _ = soundfile.read(sound, dtype="int16")
            frame = av.AudioFrame.from_ndarray(np.asarray(samples[None], np.int16), format="s16", layout="mono")
            frame.rate = 16_000
            for packet in (*stream.encode(frame), *stream.encode(None)):
                container.mux(packet)
    return path


def test_a_track_can_be_chosen(babble: Path, other: Path, tmp_path: Path, loaded: LoadedModels) -> None:
    film = two_tracks(tmp_path / "film.mkv", [babble, other])

    def heard(**changes: object) -> np.ndarray:
        audio = opened(film, loaded, **changes).audio
        assert audio is not None
        return np.concatenate(list(audio.blocks()))

    samples = [soundfile.read(path, dtype="float32")[0] for path in (babble, other)]
    np.testing.assert_allclose(heard(track=1), samples[0], atol=1e-4)
    np.testing.assert_allclose(heard(track="2"), samples[1], atol=1e-4)
    np.testing.assert_allclose(heard(), samples[0], atol=1e-4)
    assert any("2 audio tracks" in line for line in opened(film, loaded).warnings)
    assert not any("audio tracks" in line for line in opened(film, loaded, track=1).warnings)
    with pytest.raises(InputError, match="track: expected one of its 2, found 3"):
        opened(film, loaded, track=3)
    for wrong in (0, -1, "x", 1.5, True):
        with pytest.raises(InputError, match="--track"):
            read_settings({"track": wrong})
