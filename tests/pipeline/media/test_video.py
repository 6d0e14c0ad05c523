import itertools
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from math import ceil, floor
from pathlib import Path

import av
import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from emosplat.core.errors import InputError
from emosplat.pipeline.media.audio import AudioClip, open_audio
from emosplat.pipeline.media.outputs import VideoFormat, video_format, video_formats
from emosplat.pipeline.media.probe import probe
from emosplat.pipeline.media.video import VideoWriter, check_target, frame_count, frame_rate

pytestmark = pytest.mark.slow

F32 = NDArray[np.float32]
U8 = NDArray[np.uint8]

RATE = 44_100
WIDTH, HEIGHT = 96, 64
FILES = ["clip.mp4", "clip.webm", "clip.mov", "clip.mkv"]
RATES = [Fraction(f) for f in (24, 25, 30, 50, 60)] + [Fraction(f * 1000, 1001) for f in (24, 30, 60)]
TARGETS = [*FILES, "pictures"]
SEE_THROUGH = TARGETS[1:]


def sound(path: Path, samples: F32, rate: int = RATE, subtype: str = "PCM_16") -> AudioClip:
    soundfile.write(path, samples, rate, subtype=subtype)
    return open_audio(path)


def noise(seconds: float, rate: int = RATE, channels: int = 1) -> F32:
    shape = (round(seconds * rate), channels)
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


def plain(value: int = 128, channels: int = 3) -> U8:
    return np.full((HEIGHT, WIDTH, channels), value, np.uint8)


def patches(alpha: bool = False) -> U8:
    """Six saturated or skin-like colours; with alpha, a ramp from 0 to 255 downwards."""
    colors = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (200, 150, 120), (40, 90, 30)]
    picture = np.repeat(np.array(colors, np.uint8), WIDTH // 6, axis=0)[None].repeat(HEIGHT, axis=0)
    if not alpha:
        return np.ascontiguousarray(picture)
    ramp = np.linspace(0, 255, HEIGHT).astype(np.uint8)[:, None, None].repeat(WIDTH, axis=1)
    return np.concatenate([picture, ramp], axis=2)


def encode(
    target: Path,
    frames: list[U8],
    *,
    fps: float | Fraction = 25,
    audio: AudioClip | None = None,
    overwrite: bool = False,
) -> Path:
    height, width, channels = frames[0].shape
    pixels = "rgba" if channels == 4 else "rgb24"
    writer = VideoWriter(target, width=width, height=height, fps=fps, pixels=pixels, audio=audio, overwrite=overwrite)
    with writer:
        for frame in frames:
            writer.write(frame)
    return target


class Trouble(BaseException):
    """Stands in for Ctrl-C, which pytest would take for itself."""


def interrupt(writer: VideoWriter) -> None:
    with writer:
        writer.write(plain())
        raise Trouble


def kill_encoder(writer: VideoWriter, *, frames_after: int) -> None:
    with writer:
        writer.write(plain())
        os.kill(writer._encoder.pid, signal.SIGKILL)
        for _ in range(frames_after):
            writer.write(plain())


def decode(path: Path, *, alpha: bool = False) -> list[tuple[float, U8]]:
    """Time in seconds and uint8 [H,W,3|4] of every frame, converted by the file's own colour tags."""
    if path.is_dir():
        pictures = (np.asarray(Image.open(name)) for name in sorted(path.glob("*.png")))
        return [(i / 25, picture) for i, picture in enumerate(pictures)]
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        # FFmpeg's own VP9 decoder drops alpha.
        decoder = av.CodecContext.create("libvpx-vp9", "r") if path.suffix == ".webm" else stream.codec_context
        packets = (packet for packet in container.demux(stream) if packet.size)
        frames = [f for packet in itertools.chain(packets, [None]) for f in decoder.decode(packet)]
        target = "rgba" if alpha else "rgb24"
        unit = float(stream.time_base or 0)
        return [((f.pts or 0) * unit, np.asarray(f.to_ndarray(format=target), np.uint8)) for f in frames]


def shift_of_click(path: Path, expected: float) -> float:
    """Seconds by which the click comes after `expected`, by the container's own timestamps."""
    with av.open(str(path / "audio.wav" if path.is_dir() else path)) as container:
        stream = container.streams.audio[0]
        frames = list(container.decode(stream))
        samples = np.concatenate([frame.to_ndarray().reshape(-1).astype(np.float64) for frame in frames])
        return (frames[0].time or 0) + int(np.abs(samples).argmax()) / stream.sample_rate - expected


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> AudioClip:
    """Noise whose length fits no frame of any codec."""
    return sound(tmp_path_factory.mktemp("sound") / "a.wav", noise(1.0137))


@pytest.mark.parametrize("fps", [Fraction(25), Fraction(30000, 1001)])
@pytest.mark.parametrize("target", TARGETS)
def test_streams_are_what_the_suffix_promises(tmp_path: Path, speech: AudioClip, target: str, fps: Fraction) -> None:
    frames = frame_count(speech.exact_duration, fps)
    info = probe(encode(tmp_path / target, [plain()] * frames, fps=fps, audio=speech))
    picture, codec = info.picture, info.sound
    assert picture is not None
    assert codec is not None
    expected = {
        "clip.mp4": ("h264", "yuv420p", "aac", RATE),
        "clip.webm": ("vp9", "yuv420p", "opus", 48_000),
        "clip.mov": ("prores", "yuv444p12le", "pcm_s16le", RATE),  # FFmpeg's decoder fills 10 bits up to 12
        "clip.mkv": ("ffv1", "bgr0", "flac", RATE),
        "pictures": ("png", "rgb24", "pcm_s16le", RATE),
    }[target]
    assert (picture.codec, picture.pix_fmt, codec.codec, codec.sample_rate) == expected
    assert (picture.width, picture.height, picture.alpha, picture.frames) == (WIDTH, HEIGHT, False, frames)
    resampled = codec.sample_rate != RATE
    assert 0 <= codec.samples - floor(speech.exact_duration * codec.sample_rate) <= resampled
    if picture.duration is not None:
        assert picture.fps == fps
        assert -resampled / codec.sample_rate <= picture.duration - codec.duration < 1 / fps


@pytest.mark.parametrize("target", SEE_THROUGH)
def test_alpha_survives_straight(tmp_path: Path, speech: AudioClip, target: str) -> None:
    path = encode(tmp_path / target, [patches(alpha=True)] * 26, audio=speech)
    info = probe(path)
    assert info.picture is not None
    assert info.picture.alpha
    _, frame = decode(path, alpha=True)[5]
    original = patches(alpha=True)
    difference = np.abs(frame.astype(int) - original)
    assert difference[..., 3].max() <= {"clip.webm": 6, "clip.mov": 2}.get(target, 0)
    if target in ("clip.mkv", "pictures"):
        assert difference.max() == 0


@pytest.mark.parametrize("alpha", [False, True])
@pytest.mark.parametrize("target", ["clip.mkv", "pictures"])
@pytest.mark.parametrize("size", [(64, 96), (65, 97), (17, 33)])
def test_lossless_formats_return_every_bit(tmp_path: Path, target: str, alpha: bool, size: tuple[int, int]) -> None:
    rng = np.random.default_rng(1)
    frames = [rng.integers(0, 256, (*size, 4 if alpha else 3), np.uint8) for _ in range(3)]
    read = [frame for _, frame in decode(encode(tmp_path / target, frames), alpha=alpha)]
    assert np.array_equal(read, frames)


def test_a_system_that_grants_no_larger_pipe_does_with_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def refused(*_: object) -> int:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(fcntl, "fcntl", refused)
    frames = [plain(value) for value in (0, 128, 255)]
    assert np.array_equal([frame for _, frame in decode(encode(tmp_path / "clip.mkv", frames))], frames)


@pytest.mark.parametrize("target", FILES)
def test_saturated_colours_survive(tmp_path: Path, target: str) -> None:
    path = encode(tmp_path / target, [patches()] * 8)
    centre = slice(WIDTH // 12, None, WIDTH // 6)
    for _, frame in decode(path):
        difference = np.abs(frame[16:48, centre].astype(int) - patches()[16:48, centre])
        assert difference.max() <= 4
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        if target != "clip.mkv":
            assert (context.colorspace, context.color_primaries, context.color_trc) == (1, 1, 1)
            assert context.color_range == 1


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("source", ["wav", "m4a", "mp3", "ogg", "opus"])
def test_a_click_and_its_flash_come_together(tmp_path: Path, source: str, target: str) -> None:
    """The flash is placed by the sound as the model hears it, and both are found again in the output."""
    samples = np.zeros(round(1.7 * RATE), np.float32)
    samples[round(0.8 * RATE) :][:8] = 0.9
    audio = sound(tmp_path / "click.wav", samples)
    if source != "wav":
        path = tmp_path / f"click.{source}"
        ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
        subprocess.run([ffmpeg, "-v", "error", "-i", str(audio.path), str(path)], check=True)
        audio = open_audio(path)
    heard = np.concatenate(list(audio.blocks()))
    flash = floor(np.abs(heard).argmax() / 16_000 * 25 + 1e-2)
    assert flash == 20
    frames = [plain(255 if i == flash else 0) for i in range(frame_count(audio.exact_duration, 25))]
    path = encode(tmp_path / target, frames, audio=audio)
    bright = [time for time, frame in decode(path) if frame.mean() > 128]
    assert len(bright) == 1
    assert abs(shift_of_click(path, bright[0])) < 0.001  # measured: up to 0.15 ms, half a frame is 20 ms


def test_index_comes_before_the_media(tmp_path: Path, speech: AudioClip) -> None:
    data = encode(tmp_path / "clip.mp4", [plain()] * 26, audio=speech).read_bytes()
    assert 0 < data.find(b"moov") < data.find(b"mdat")


def test_every_frame_is_another(tmp_path: Path) -> None:
    frames = [plain(i * 20) for i in range(12)]
    for target in TARGETS:
        read = decode(encode(tmp_path / target, frames))
        assert [round(float(frame.mean()) / 20) for _, frame in read] == list(range(12))
        assert [time for time, _ in read] == pytest.approx([i / 25 for i in range(12)], abs=1e-3)


@pytest.mark.parametrize("rate", [8_000, 12_345, 22_050, 64_000, 192_000])
@pytest.mark.parametrize("target", FILES)
def test_sound_keeps_its_rate_where_the_codec_knows_it(tmp_path: Path, target: str, rate: int) -> None:
    audio = sound(tmp_path / "a.wav", noise(0.5, rate, channels=2), rate)
    found = probe(encode(tmp_path / target, [plain()] * 13, audio=audio)).sound
    assert found is not None
    nearest = {"clip.mp4": {12_345: 16_000, 192_000: 96_000}.get(rate, rate), "clip.webm": 48_000}
    assert found.sample_rate == nearest.get(target, rate)
    assert abs(found.exact_duration - audio.exact_duration) <= Fraction(1, found.sample_rate)
    assert found.channels == 2


@pytest.mark.parametrize("channels", [1, 3, 4, 6, 8, 12])
def test_channels_are_kept_up_to_eight(tmp_path: Path, channels: int) -> None:
    audio = sound(tmp_path / "a.wav", noise(0.5, channels=channels))
    for target in TARGETS:
        found = probe(encode(tmp_path / target, [plain()] * 13, audio=audio)).sound
        assert found is not None
        nearest = {3: 2, 4: 5} if target == "clip.webm" else {}  # Opus knows neither 2.1 nor 4.0
        assert found.channels == nearest.get(channels, channels if channels <= 8 else 1)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "FLOAT"])
@pytest.mark.parametrize("target", ["clip.mov", "clip.mkv", "pictures"])
def test_lossless_sound_is_the_original(tmp_path: Path, target: str, subtype: str) -> None:
    audio = sound(tmp_path / "a.wav", noise(0.5, channels=2), subtype=subtype)
    found = probe(encode(tmp_path / target, [plain()] * 13, audio=audio)).sound
    assert found is not None
    before, after = (np.concatenate(list(clip.blocks(rate=RATE))) for clip in (audio, found))
    assert np.abs(before - after).max() <= (2**-22 if subtype == "FLOAT" else 0)


def test_a_stretch_of_sound_is_cut_to_the_sample(tmp_path: Path) -> None:
    sound(tmp_path / "a.wav", noise(2.0))
    audio = open_audio(tmp_path / "a.wav", start=0.7531, duration=0.6)
    found = probe(encode(tmp_path / "clip.mkv", [plain()] * 15, audio=audio)).sound
    assert found is not None
    before, after = (np.concatenate(list(clip.blocks(rate=RATE))) for clip in (audio, found))
    assert np.array_equal(before, after)


def test_tags_of_the_recording_are_not_passed_on(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "a.mka"), "w") as out:
        out.metadata["title"] = "Anna Example, take 3"
        stream = out.add_stream("pcm_s16le", rate=RATE, layout="mono")
        stream.metadata["language"] = "fin"
        frame = av.AudioFrame.from_ndarray(np.ones((1, RATE), np.int16), format="s16", layout="mono")
        frame.sample_rate = RATE
        out.mux(stream.encode(frame))
    audio = open_audio(tmp_path / "a.mka")
    for target in FILES:
        data = encode(tmp_path / target, [plain()] * 25, audio=audio).read_bytes()
        assert b"Anna" not in data


def test_video_without_sound(tmp_path: Path) -> None:
    for target in TARGETS:
        info = probe(encode(tmp_path / target, [plain()] * 3))
        assert info.sound is None
        assert info.picture is not None
        assert info.picture.frames == 3


def test_numbered_pattern(tmp_path: Path, speech: AudioClip) -> None:
    encode(tmp_path / "50%" / "run" / "f_%03d.png", [plain()] * 2, audio=speech)
    assert sorted(os.listdir(tmp_path / "50%" / "run")) == ["audio.wav", "f_000.png", "f_001.png"]


@pytest.mark.parametrize("name", ["-y.mp4", "a:b.mp4", "50%d.mp4", "ä 'b'.mp4", "x" * 246 + ".mp4"])
def test_odd_target_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    encode(Path(name), [plain()] * 2)
    assert os.listdir(tmp_path) == [name]


def test_permissions_are_the_usual_ones(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    (tmp_path / "usual folder").mkdir()
    for target in TARGETS:
        mode = encode(tmp_path / target, [plain()]).stat().st_mode
        like = tmp_path / "usual folder" if stat.S_ISDIR(mode) else usual
        assert mode == like.stat().st_mode


# ---- refusals


@pytest.mark.parametrize("name", ["clip.avi", "clip.gif", "clip.jpg", "clip.mp4.part"])
def test_unknown_suffixes_list_the_known(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match=r"unknown suffix.*one of \.mp4, \.webm, \.mov, \.mkv, \.npz, .* or a folder"):
        check_target(tmp_path / name)


def test_a_single_picture_is_no_target(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"frames/%06d\.png"):
        check_target(tmp_path / "clip.png")


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_odd_sizes_are_refused_with_the_size_to_use(suffix: str) -> None:
    with pytest.raises(InputError, match="found 513x511; use 514x512"):
        VideoWriter(f"clip{suffix}", width=513, height=511, fps=25)


def test_transparent_mp4_is_refused_with_what_to_use() -> None:
    with pytest.raises(InputError, match=r"use \.webm, \.mov, \.mkv, \.png"):
        VideoWriter("clip.mp4", width=64, height=64, fps=25, pixels="rgba")


@pytest.mark.parametrize("fps", [0, -1, 1000, float("nan"), float("inf"), "abc", "1/0"])
def test_absurd_frame_rates_are_refused(fps: float | str) -> None:
    with pytest.raises(InputError, match="fps: expected"):
        frame_rate(fps)


def test_existing_targets_need_overwrite(tmp_path: Path) -> None:
    for target in TARGETS:
        path = encode(tmp_path / target, [plain()] * 3)
        with pytest.raises(InputError, match=r"already .*--overwrite"):
            encode(path, [plain()])
        encode(path, [plain()], overwrite=True)
        info = probe(path)
        assert info.picture is not None
        assert info.picture.frames == 1


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.docx").touch()
    for target in (tmp_path, tmp_path / "%06d.png"):
        with pytest.raises(InputError, match=r"found thesis\.docx"):
            check_target(target, overwrite=True)


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "v1.2").mkdir()
    encode(tmp_path / "v1.2", [plain()])
    assert os.listdir(tmp_path / "v1.2") == ["000000.png"]


def test_targets_of_the_wrong_kind(tmp_path: Path) -> None:
    (tmp_path / "clip.mp4").mkdir()
    (tmp_path / "pictures").touch()
    with pytest.raises(InputError, match="found a folder"):
        check_target(tmp_path / "clip.mp4", overwrite=True)
    with pytest.raises(InputError, match="found a file"):
        check_target(tmp_path / "pictures", overwrite=True)
    with pytest.raises(InputError, match="cannot be written"):
        check_target(tmp_path / "pictures" / "clip.mp4")


def test_missing_parents_are_created(tmp_path: Path) -> None:
    assert check_target(tmp_path / "a" / "b" / "clip.mp4") == video_format("x.mp4")
    assert os.listdir(tmp_path / "a" / "b") == []


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may write anywhere")
def test_forbidden_folders_are_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(InputError, match="cannot be written: Permission denied"):
        check_target(tmp_path / "clip.mp4")
    tmp_path.chmod(0o700)


def test_a_device_that_takes_no_files_is_refused() -> None:
    with pytest.raises(InputError, match="cannot be written"):
        check_target("/proc/clip.mp4")


def test_wrong_frames_are_a_programming_error(tmp_path: Path) -> None:
    wrong = [plain()[:32], plain(channels=4), plain().astype(np.float32), plain()[..., 0]]
    for frame in wrong:
        with pytest.raises(ValueError, match="frame: expected uint8"):
            encode(tmp_path / "clip.mp4", [plain(), frame])  # pyright: ignore[reportArgumentType]
    writer = VideoWriter(tmp_path / "clip.mp4", width=64, height=64, fps=25)
    with pytest.raises(ValueError, match="no frame"), writer:
        pass


def test_frames_may_be_views(tmp_path: Path) -> None:
    wide = np.random.default_rng(0).integers(0, 256, (HEIGHT, 2 * WIDTH, 3), np.uint8)
    _, frame = decode(encode(tmp_path / "clip.mkv", [plain(), wide[:, ::-2]]))[1]
    assert np.array_equal(frame, wide[:, ::-2])


# ---- failures on the way


@pytest.mark.parametrize("target", TARGETS)
def test_an_interrupt_leaves_nothing(tmp_path: Path, speech: AudioClip, target: str) -> None:
    writer = VideoWriter(tmp_path / target, width=WIDTH, height=HEIGHT, fps=25, audio=speech)
    with pytest.raises(Trouble):
        interrupt(writer)
    assert writer._encoder.returncode is not None
    assert os.listdir(tmp_path) == []


def test_an_interrupt_keeps_the_earlier_video(tmp_path: Path) -> None:
    path = encode(tmp_path / "clip.mp4", [plain()] * 3)
    before = path.read_bytes()
    with pytest.raises(Trouble):
        interrupt(VideoWriter(path, width=WIDTH, height=HEIGHT, fps=25, overwrite=True))
    assert path.read_bytes() == before


@pytest.mark.parametrize("frames_after", [0, 200])
@pytest.mark.parametrize("target", TARGETS)
def test_a_killed_encoder_is_one_clear_error(tmp_path: Path, speech: AudioClip, target: str, frames_after: int) -> None:
    writer = VideoWriter(tmp_path / target, width=WIDTH, height=HEIGHT, fps=25, audio=speech)
    with pytest.raises(InputError, match=r"could not be encoded: .*SIGKILL") as caught:
        kill_encoder(writer, frames_after=frames_after)  # 200 are more than the pipe holds
    assert "\n" not in str(caught.value)
    assert os.listdir(tmp_path) == []


FULL_DISK = """
import resource, sys
import numpy as np
from emosplat.core.errors import InputError
from emosplat.pipeline.media.video import VideoWriter
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
rng = np.random.default_rng(0)
try:
    with VideoWriter(sys.argv[1], width=96, height=64, fps=25) as writer:
        for _ in range(100):
            writer.write(rng.integers(0, 256, (64, 96, 3), np.uint8))
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize("target", FILES)
def test_a_file_that_may_not_grow_is_one_clear_error(tmp_path: Path, target: str) -> None:
    """A limit on the size of files stands in for a full disk."""
    command = [sys.executable, "-c", FULL_DISK, str(tmp_path / target)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60).stdout
    assert f"{target}: could not be encoded:" in said
    assert len(said.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_sound_that_vanished_is_one_clear_error(tmp_path: Path) -> None:
    audio = sound(tmp_path / "a.wav", noise(0.5))
    audio.path.unlink()
    with pytest.raises(InputError, match=r"could not be encoded: .*No such file"):
        encode(tmp_path / "clip.mp4", [plain()] * 300, audio=audio)
    assert os.listdir(tmp_path) == []


def test_many_writers_at_once(tmp_path: Path) -> None:
    writers = [VideoWriter(tmp_path / f"{i}.mkv", width=WIDTH, height=HEIGHT, fps=25) for i in range(4)]
    opened = [writer.__enter__() for writer in writers]
    for value in range(3):
        for writer in opened:
            writer.write(plain(value))
    for writer in opened:
        writer.__exit__(None, None, None)
    assert sorted(os.listdir(tmp_path)) == [f"{i}.mkv" for i in range(4)]


# ---- arithmetic


@given(samples=st.integers(1_600, 10**9), rate=st.integers(8_000, 192_000), fps=st.integers(1, 240), ntsc=st.booleans())
def test_frames_cover_the_sound_and_no_more(samples: int, rate: int, fps: int, ntsc: bool) -> None:
    speed = Fraction(fps * 1000, 1001) if ntsc and fps > 1 else Fraction(fps)
    duration = Fraction(samples, rate)
    frames = frame_count(duration, speed)
    assert abs(frames - ceil(duration * speed)) <= (duration * speed % 1 <= Fraction(1, 10**6))
    assert frames == frame_count(float(duration), float(speed)) or duration * speed > 10**5
    assert (frames - 1) / speed < duration


@given(
    frames=st.integers(1, 10**5),
    fps=st.sampled_from(RATES),
)
def test_whole_frames_are_not_rounded_up(frames: int, fps: Fraction) -> None:
    assert frame_count(frames / fps, fps) == frames
    assert frame_count(float(frames / fps), float(fps)) == frames


@given(width=st.integers(16, 4096), height=st.integers(16, 4096), which=st.sampled_from(video_formats()))
def test_a_refused_size_names_one_that_works(width: int, height: int, which: VideoFormat) -> None:
    try:
        which.check(width=width, height=height)
    except InputError as error:
        named = str(error).rsplit(" ", 1)[1].split("x")
        which.check(width=int(named[0]), height=int(named[1]))
    else:
        assert not which.even or (width % 2, height % 2) == (0, 0)


@pytest.mark.parametrize(("text", "rate"), [("25", 25), ("29.97", Fraction("29.97")), (float(RATES[-1]), RATES[-1])])
def test_frame_rates(text: str | float, rate: Fraction) -> None:
    assert frame_rate(text) == rate


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.rglob(".emosplat-*"))
