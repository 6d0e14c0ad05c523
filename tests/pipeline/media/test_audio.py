import io
import subprocess
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import suppress
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.core.errors import InputError
from emosplat.core.media_formats import FILM, SOUND
from emosplat.pipeline.media import audio
from emosplat.pipeline.media.audio import AudioClip, _blocks, open_audio, spool
from emosplat.pipeline.media.outputs import video_format

F32 = NDArray[np.float32]
RATE = 44_100
CLICKS = (0.5, 1.0, 1.5)  # seconds
SAMPLES = 79_381  # 1.8 s, a multiple of no codec's frame

# suffix, ffmpeg arguments, whether the container records where the sound ends
GAPLESS = [
    ("wav", "-c:a pcm_s16le"),
    ("flac", "-c:a flac"),
    ("mp3", "-c:a libmp3lame"),
    ("m4a", "-c:a aac"),
    ("ogg", "-c:a libvorbis"),
    ("opus", "-c:a libopus"),
    ("webm", "-c:a libopus"),
    ("mov", "-c:a pcm_s16le"),
    ("aiff", "-c:a pcm_s16be"),
]
PADDED = [("mka", "-c:a aac"), ("aac", "-c:a aac"), ("ts", "-c:a aac"), ("avi", "-c:a libmp3lame"), ("wma", "")]


def write(path: Path, samples: F32, rate: int = RATE, subtype: str = "FLOAT") -> Path:
    soundfile.write(path, samples, rate, subtype=subtype)
    return path


def noise(seconds: float = 1.0, rate: int = RATE, channels: int = 1) -> F32:
    shape = (round(seconds * rate), channels)
    return (0.1 * np.random.default_rng(0).standard_normal(shape)).astype(np.float32)


def ffmpeg(*arguments: str | Path) -> bytes:
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-y", "-v", "error", *map(str, arguments)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def heard(clip: AudioClip, rate: int = 16_000, seconds: float = 1.0) -> F32:
    return np.concatenate(list(clip.blocks(rate=rate, seconds=seconds)))


def played(clip: AudioClip) -> F32:
    """[channels, n] that ffmpeg puts into an output file."""
    raw = ffmpeg(*clip.ffmpeg_input(), "-map", f"0:{clip.stream}", "-af", clip.ffmpeg_trim(), "-f", "f32le", "-")
    return np.frombuffer(raw, np.float32).reshape(-1, clip.channels).T


def click_times(signal: F32, rate: int) -> list[float]:
    """Onset near each of CLICKS, seconds."""
    found = []
    for time in CLICKS:
        first = round((time - 0.2) * rate)
        window = np.abs(signal[first : round((time + 0.2) * rate)])
        found.append((first + int(window.argmax())) / rate)
    return found


@pytest.fixture(scope="module")
def clicks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    samples = np.zeros(SAMPLES, np.float32)
    for time in CLICKS:
        samples[round(time * RATE) :][:3] = 0.9
    return write(tmp_path_factory.mktemp("clicks") / "clicks.wav", samples, subtype="PCM_16")


@pytest.mark.parametrize(("suffix", "codec"), GAPLESS)
def test_gapless_formats_keep_every_sample_and_the_time_of_clicks(
    clicks: Path, tmp_path: Path, suffix: str, codec: str
) -> None:
    path = tmp_path / f"clicks.{suffix}"
    ffmpeg("-i", clicks, *codec.split(), path)
    clip = open_audio(path)
    assert abs(clip.exact_duration - Fraction(SAMPLES, RATE)) <= Fraction(1, clip.sample_rate)
    assert click_times(heard(clip), 16_000) == pytest.approx(CLICKS, abs=1e-3)
    assert click_times(played(clip)[0], clip.sample_rate) == pytest.approx(CLICKS, abs=1e-3)


@pytest.mark.parametrize(("suffix", "codec"), GAPLESS + PADDED)
def test_the_model_hears_what_the_output_file_plays(clicks: Path, tmp_path: Path, suffix: str, codec: str) -> None:
    path = tmp_path / f"clicks.{suffix}"
    ffmpeg("-i", clicks, *codec.split(), path)
    for clip in (open_audio(path), open_audio(path, start=0.4567, duration=0.789)):
        model, output = heard(clip, clip.sample_rate), played(clip)[0]
        assert model.shape == output.shape == (clip.samples,)
        assert np.abs(model - output).max() < 1e-4


def test_sound_track_of_a_video(clicks: Path, tmp_path: Path) -> None:
    path = tmp_path / "video.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=1.8", "-i", clicks, "-c:a", "aac", path)
    clip = open_audio(path)
    assert (clip.stream, clip.codec, clip.samples) == (1, "aac", SAMPLES)
    assert click_times(heard(clip), 16_000) == pytest.approx(CLICKS, abs=1e-3)


@pytest.mark.parametrize("suffix", ["mkv", "mp4", "mov", "ts", "mka"])
@pytest.mark.parametrize("flagged", [0, 1, 2])
def test_the_track_that_players_play_is_heard(tmp_path: Path, suffix: str, flagged: int) -> None:
    """Each track has a level of its own; FFmpeg's choice is the oracle where the container keeps the flag."""
    path = tmp_path / f"many.{suffix}"
    levels = [0.1, 0.2, 0.4]
    sounds = [write(tmp_path / f"{i}.wav", level * np.ones((RATE, 1), np.float32)) for i, level in enumerate(levels)]
    inputs = [word for sound in sounds for word in ("-i", sound)]
    maps = [
        word for i in range(3) for word in ("-map", str(i), f"-disposition:a:{i}", "default" if i == flagged else "0")
    ]
    ffmpeg(*inputs, *maps, "-c:a", "aac" if suffix in ("mp4", "ts") else "pcm_s16le", path)
    clip = open_audio(path)
    expected = levels[0 if suffix == "ts" else flagged]
    assert np.median(heard(clip)) == pytest.approx(expected, abs=0.01)
    assert np.median(played(clip)) == pytest.approx(expected, abs=0.01)
    assert clip.tracks == 3
    assert any("3 audio tracks" in line for line in clip.warnings)


CONTAINERS = [  # FFmpeg's muxers of sound and film, and a codec that each holds
    ("mxf", "-c:a pcm_s16le -ar 48000"), ("nut", "-c:a pcm_s16le"), ("wma", ""), ("asf", "-c:a wmav2"),
    ("3gp", "-c:a aac"),
    ("amr", "-ar 8000 -ac 1"), ("sf", "-f ircam"), ("au", ""), ("caf", ""), ("w64", ""), ("voc", ""),
    ("tta", ""), ("wv", ""),
    ("aiff", ""), ("ogg", "-c:a libopus"), ("spx", "-c:a libspeex -f ogg"), ("rm", "-c:a ac3"), ("ac3", ""),
    ("eac3", ""),
    ("mp2", ""), ("mpg", "-c:a mp2"), ("vob", "-c:a ac3 -f vob"), ("wtv", "-c:a mp2"), ("flv", "-c:a aac"),
    ("dts", "-c:a dca -strict -2"),
    ("sox", ""), ("gsm", "-c:a libgsm -ar 8000 -ac 1"), ("m4b", "-c:a aac -f ipod"), ("rf64.wav", "-rf64 always"),
]  # fmt: skip


@pytest.mark.parametrize(("suffix", "options"), CONTAINERS)
def test_any_container_that_ffmpeg_writes_is_read(clicks: Path, tmp_path: Path, suffix: str, options: str) -> None:
    path = tmp_path / f"sound.{suffix}"
    picture = (
        ["-f", "lavfi", "-i", "color=size=720x576:rate=25:duration=1.8", "-c:v", "mpeg2video"]
        if suffix == "mxf"
        else []
    )
    try:
        ffmpeg(*picture, "-i", clicks, *options.split(), path)
    except subprocess.CalledProcessError:
        pytest.skip("this FFmpeg cannot write it")
    clip = open_audio(path)
    assert clip.duration == pytest.approx(SAMPLES / RATE, abs=0.1)
    assert played(clip).shape == (clip.channels, clip.samples)
    assert path.suffix in SOUND | FILM
    ffmpeg(*clip.ffmpeg_input(), *video_format("o.mp4").audio(clip), tmp_path / "again.m4a")
    assert open_audio(tmp_path / "again.m4a").duration == pytest.approx(clip.duration, abs=0.1)


def nist(samples: NDArray[np.int16], rate: int, order: str) -> bytes:
    """A NIST SPHERE file as TIMIT's are (header of 1024 bytes of text)."""
    fields = {"sample_count": ("i", len(samples)), "sample_n_bytes": ("i", 2), "channel_count": ("i", 1)}
    fields |= {"sample_byte_format": ("s2", order), "sample_rate": ("i", rate), "sample_sig_bits": ("i", 16)}
    text = "NIST_1A\n   1024\n" + "".join(f"{n} -{kind} {v}\n" for n, (kind, v) in fields.items()) + "end_head\n"
    return text.encode().ljust(1024) + samples.astype("<i2" if order == "01" else ">i2").tobytes()


@pytest.mark.parametrize("order", ["01", "10"])
@pytest.mark.parametrize("name", ["SA1.WAV", "sa1.sph", "sa1.nist", "sa1"])
def test_nist_sphere_is_read_under_any_name(tmp_path: Path, name: str, order: str) -> None:
    samples = (3000 * np.sin(np.arange(16_000) / 9)).astype(np.int16)
    (tmp_path / name).write_bytes(nist(samples, 16_000, order))
    assert np.allclose(heard(open_audio(tmp_path / name)), samples / 32768, atol=1e-6)


def test_cover_art_is_no_hindrance(clicks: Path, tmp_path: Path) -> None:
    picture, path = tmp_path / "cover.png", tmp_path / "song.mp3"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64", "-frames:v", "1", picture)
    ffmpeg(
        "-i", clicks, "-i", picture, "-map", "0", "-map", "1", "-c:v", "copy", "-disposition:v", "attached_pic", path
    )
    assert open_audio(path).samples == SAMPLES


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_sample_formats_share_one_scale(tmp_path: Path, subtype: str) -> None:
    samples = noise()
    clip = open_audio(write(tmp_path / "a.wav", samples, subtype=subtype))
    assert np.abs(heard(clip, RATE) - samples[:, 0]).max() < (1 / 64 if subtype == "PCM_U8" else 1 / 16384)
    assert clip.peak == pytest.approx(np.abs(samples).max(), abs=1 / 64)


@pytest.mark.parametrize("channels", [1, 2, 3, 6, 7, 8, 9, 24])
def test_any_channel_count_is_mixed_by_its_mean(tmp_path: Path, channels: int) -> None:
    samples = noise(0.5, channels=channels)
    clip = open_audio(write(tmp_path / "a.wav", samples))
    assert (clip.channels, clip.samples) == (channels, len(samples))
    assert np.allclose(heard(clip, RATE), samples.mean(axis=1), atol=1e-6)


@pytest.mark.parametrize("channels", [2, 6, 7, 8])
def test_planar_codecs_of_many_channels(tmp_path: Path, channels: int) -> None:
    path = tmp_path / "a.m4a"
    ffmpeg("-i", write(tmp_path / "a.wav", noise(0.5, channels=channels)), "-c:a", "aac", path)
    clip = open_audio(path)
    assert clip.channels == channels
    assert np.allclose(heard(clip, RATE), played(clip).mean(axis=0), atol=1e-4)


@pytest.mark.parametrize("rate", [8_000, 11_025, 12_345, 16_000, 22_050, 48_000, 96_000, 192_000])
def test_rates_become_the_models_without_delay_or_drift(tmp_path: Path, rate: int) -> None:
    samples = noise(1.3, rate)[:, 0]
    clip = open_audio(write(tmp_path / "a.wav", samples, rate))
    block_wise = heard(clip, seconds=0.1)
    assert len(block_wise) == round(Fraction(len(samples), rate) * 16_000)
    whole = soxr.resample(samples, rate, 16_000) if rate != 16_000 else samples
    shared = min(len(whole), len(block_wise))
    assert abs(len(whole) - len(block_wise)) <= 1
    assert np.abs(whole[:shared] - block_wise[:shared]).max() < 1e-5


def test_blocks_are_even_and_start_anew_at_every_call(tmp_path: Path) -> None:
    clip = open_audio(write(tmp_path / "a.wav", noise(1.25)))
    first, second = list(clip.blocks(seconds=0.3)), list(clip.blocks(seconds=0.3))
    assert [len(b) for b in first] == [4800] * 4 + [800]
    assert all(b.dtype == np.float32 for b in first)
    assert np.array_equal(np.concatenate(first), np.concatenate(second))
    assert np.allclose(np.concatenate(first), heard(clip, seconds=10.0), atol=1e-6)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_short_clips_are_heard_once_and_alike(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rate: int) -> None:
    path = write(tmp_path / "a.wav", noise(1.3, rate=rate), rate=rate)
    kept = open_audio(path, start=0.1)
    monkeypatch.setattr(audio, "SHORT", 0.0)
    anew = list(kept.blocks(seconds=0.25))
    monkeypatch.undo()
    first = list(kept.blocks(seconds=0.25))
    path.unlink()
    again = list(kept.blocks(seconds=0.25))
    for blocks in (first, again):
        assert [len(b) for b in blocks] == [len(b) for b in anew]
        assert np.array_equal(np.concatenate(blocks), np.concatenate(anew))
    with pytest.raises(InputError, match="no such audio file"):
        list(kept.blocks(rate=24_000))  # others are decoded anew


@settings(max_examples=30)
@given(start=st.floats(0, 0.7), duration=st.one_of(st.none(), st.floats(0.2, 2.0)))
def test_start_and_duration_are_exact_to_the_sample(ramp: Path, start: float, duration: float | None) -> None:
    clip = open_audio(ramp, start=start, duration=duration)
    first = round(Fraction(start) * RATE)
    last = RATE if duration is None else min(RATE, first + round(Fraction(duration) * RATE))
    assert (clip.start_sample, clip.samples) == (first, last - first)
    expected = np.linspace(0, 1, RATE, endpoint=False, dtype=np.float32)[first:last]
    assert np.array_equal(heard(clip, RATE), expected)


def test_output_is_cut_to_the_sample(ramp: Path) -> None:
    clip = open_audio(ramp, start=0.12345, duration=0.5)
    assert np.array_equal(played(clip)[0], heard(clip, RATE))


@pytest.fixture(scope="module")
def ramp(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One second whose samples tell their own time."""
    path = tmp_path_factory.mktemp("ramp") / "ramp.wav"
    return write(path, np.linspace(0, 1, RATE, endpoint=False, dtype=np.float32))


@given(parts=st.lists(st.integers(0, 50), max_size=20), size=st.integers(1, 60))
def test_blocks_keep_every_sample_in_order(parts: list[int], size: int) -> None:
    edges = np.cumsum([0, *parts])
    pieces = [np.arange(a, b, dtype=np.float32) for a, b in pairwise(edges)]
    blocks = list(_blocks(pieces, size))
    assert np.array_equal(np.concatenate([np.zeros(0), *blocks]), np.arange(edges[-1]))
    assert all(len(b) == size for b in blocks[:-1])
    assert all(0 < len(b) <= size for b in blocks)


@pytest.mark.slow
def test_long_files_need_no_more_memory(tmp_path: Path) -> None:
    path = write(tmp_path / "long.wav", noise(400, 8_000), 8_000, subtype="PCM_16")  # 12.8 MB as float32
    tracemalloc.start()
    try:
        clip = open_audio(path)
        assert sum(len(block) for block in clip.blocks()) == 6_400_000
        assert tracemalloc.get_traced_memory()[1] < 6e6
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("start", "duration"), [(0.0, None), (0.3, None), (0.0, 1.9)])
def test_the_fingerprint_is_that_of_the_sound(tmp_path: Path, start: float, duration: float | None) -> None:
    """Of the same samples in any lossless file, of any stretch of it, behind any silence; of no others."""
    sound = write(tmp_path / "a.wav", noise(2.5, channels=2), subtype="PCM_16")
    whole = open_audio(sound).fingerprint
    for name in ("a.flac", "a.mkv", "b.wav"):
        ffmpeg("-i", sound, *(["-c:a", "pcm_f32le"] if name == "b.wav" else ["-c:a", "flac"]), tmp_path / name)
        assert open_audio(tmp_path / name, start=start, duration=duration).fingerprint == whole
    late = np.concatenate([np.zeros((3000, 2), np.float32), soundfile.read(sound)[0].astype(np.float32)])
    assert open_audio(write(tmp_path / "late.wav", late), start=start, duration=duration).fingerprint == whole
    assert open_audio(write(tmp_path / "other.wav", noise(2.5, channels=2)[::-1])).fingerprint != whole
    assert open_audio(write(tmp_path / "silent.wav", np.zeros(RATE, np.float32))).fingerprint == 0


def test_what_is_known_of_a_clip(tmp_path: Path) -> None:
    samples = 0.5 * np.sin(np.arange(RATE) * 0.1).astype(np.float32)
    clip = open_audio(write(tmp_path / "a.wav", samples, subtype="PCM_16"))
    assert (clip.codec, clip.sample_format, clip.sample_rate, clip.channels) == ("pcm_s16le", "s16", RATE, 1)
    assert (clip.duration, clip.start) == (1.0, 0.0)
    assert clip.peak == pytest.approx(0.5, abs=1e-3)
    assert clip.rms == pytest.approx(0.5 / np.sqrt(2), abs=1e-3)
    assert len(clip.sha256) == 64
    assert clip.warnings == ()


def test_doubtful_recordings_are_flagged(tmp_path: Path) -> None:
    silent = open_audio(write(tmp_path / "silent.wav", np.zeros(RATE, np.float32)))
    opposed = open_audio(write(tmp_path / "opposed.wav", noise() * np.array([1, -1], np.float32)))
    assert np.allclose(heard(opposed, RATE), noise()[:, 0], atol=1e-6)
    clipped = open_audio(write(tmp_path / "clipped.wav", np.clip(20 * noise(), -1, 1), subtype="PCM_16"))
    assert silent.silent
    assert not opposed.silent
    assert clipped.clipped
    assert not clipped.silent
    for clip in (silent, opposed, clipped):
        assert len(clip.warnings) == 1


@pytest.mark.parametrize(("suffix", "codec"), [("wav", ""), ("flac", ""), ("mp3", "")])
def test_a_cut_off_file_is_used_and_flagged(tmp_path: Path, suffix: str, codec: str) -> None:
    whole, cut = tmp_path / f"whole.{suffix}", tmp_path / f"cut.{suffix}"
    ffmpeg("-i", write(tmp_path / "a.wav", noise(5.0)), *codec.split(), whole)
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    clip = open_audio(cut)
    assert 1.5 < clip.duration < 3
    assert clip.missing == pytest.approx(5 - clip.duration, abs=0.1)
    assert any("cut off" in line for line in clip.warnings)


def test_a_few_damaged_packets_are_skipped_and_many_refused(tmp_path: Path) -> None:
    whole, path = tmp_path / "whole.m4a", tmp_path / "damaged.m4a"
    ffmpeg("-i", write(tmp_path / "a.wav", noise(10.0)), "-movflags", "+faststart", "-b:a", "128k", whole)
    data = np.frombuffer(whole.read_bytes(), np.uint8).copy()
    data[len(data) // 2 :][:300] = 255
    path.write_bytes(data.tobytes())
    clip = open_audio(path)
    assert 0 < clip.damaged < 5
    assert clip.duration > 9.8
    assert any("damaged" in line for line in clip.warnings)
    for first in range(len(data) // 4, len(data) - 400, 2000):
        data[first : first + 300] = 255
    path.write_bytes(data.tobytes())
    with pytest.raises(InputError, match="packets damaged"):
        open_audio(path)


Maker = Callable[[Path], Path]


def _with(name: str, content: bytes) -> Maker:
    def make(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return make


def _sound(samples: F32, rate: int = RATE) -> Maker:
    return lambda folder: write(folder / "a.wav", samples, rate)


def _broken(value: float) -> F32:
    samples = noise()
    samples[22_050] = value
    return samples


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda folder: folder / "none.wav", "no such", id="missing"),
        pytest.param(lambda folder: folder, "folder", id="folder"),
        pytest.param(lambda _: Path("/dev/null"), "device", id="device"),
        pytest.param(_with("a.wav", b""), "empty", id="empty"),
        pytest.param(_with("a.wav", b"some words, no sound\n" * 50), "unreadable", id="text"),
        pytest.param(_with("a.wav", b"RIFF\x24\0\0\0WAVEfmt "), "unreadable", id="header only"),
        pytest.param(
            _with("a.m3u8", b"#EXTM3U\n#EXTINF:3,\n/etc/hostname\n#EXT-X-ENDLIST\n"), "unreadable", id="playlist"
        ),
        pytest.param(_with("a.ffconcat", b"ffconcat version 1.0\nfile x.wav\n"), "unreadable", id="concat"),
        pytest.param(_sound(noise()[:1]), "0.2 s", id="one sample"),
        pytest.param(_sound(noise()[:0]), "without samples|unreadable", id="no sample"),
        pytest.param(_sound(noise(0.19)), "0.2 s", id="short"),
        pytest.param(_sound(_broken(np.nan)), r"NaN or infinity at 0\.500 s", id="nan"),
        pytest.param(_sound(_broken(1e30)), r"within -1 to 1, found one of 1\.0e\+30 at 0\.500 s", id="huge"),
        pytest.param(_sound(_broken(-np.inf)), r"NaN or infinity at 0\.500 s", id="inf"),
        pytest.param(_sound(noise(1.0, 4_000), 4_000), "8000 to 192000 Hz, found 4000", id="low rate"),
        pytest.param(_sound(noise(1.0, 384_000), 384_000), "found 384000", id="high rate"),
    ],
)
def test_bad_files_are_refused_in_one_line(tmp_path: Path, make: Maker, message: str) -> None:
    path = make(tmp_path)
    with pytest.raises(InputError, match=message) as caught:
        open_audio(path)
    assert "\n" not in str(caught.value)
    assert path.name in str(caught.value)


def test_video_without_sound_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mute.mp4"
    ffmpeg("-f", "lavfi", "-i", "color=size=64x64:rate=25:duration=1", path)
    with pytest.raises(InputError, match="no audio track"):
        open_audio(path)


@settings(max_examples=40)
@given(data=st.binary(min_size=1, max_size=300), head=st.sampled_from([b"", b"RIFF", b"fLaC", b"OggS", b"ID3\x04"]))
def test_random_bytes_never_crash(tmp_path_factory: pytest.TempPathFactory, data: bytes, head: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "random.wav"
    path.write_bytes(head + data)
    with suppress(InputError):
        open_audio(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": 1.0}, "start: expected less than"),
        ({"start": -0.1}, "start: expected seconds"),
        ({"start": float("nan")}, "start: expected seconds"),
        ({"start": 0.9}, r"at least 0\.2 s"),
        ({"duration": 0.1}, "duration: expected at least"),
        ({"duration": float("nan")}, "duration: expected"),
    ],
)
def test_stretches_outside_the_file_are_refused(ramp: Path, options: dict[str, float], message: str) -> None:
    with pytest.raises(InputError, match=message):
        open_audio(ramp, **options)  # pyright: ignore[reportArgumentType]


def test_damage_outside_the_stretch_does_not_matter(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", _broken(np.nan))
    assert open_audio(path, duration=0.4).samples == 17_640
    assert open_audio(path, start=0.6).samples == 17_640


@pytest.mark.parametrize(
    "name", ["-i.wav", "http:x.wav", "50%d.wav", "a 'b' \"c\".wav", "tön [1].wav", "concat:a|b.wav"]
)
def test_odd_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / name, noise())
    clip = open_audio(name)
    assert np.allclose(played(clip)[0], heard(clip, RATE))


def test_standard_input_is_spooled_and_deleted(tmp_path: Path) -> None:
    data = write(tmp_path / "a.wav", noise()).read_bytes()
    with spool(io.BytesIO(data)) as path:
        assert open_audio(path).samples == RATE
    assert not path.exists()


def test_a_file_that_shrinks_while_in_use_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", noise(2.0))
    clip = open_audio(path)
    write(path, noise(1.0))
    with pytest.raises(InputError, match="changed"):
        heard(clip)


@pytest.fixture(autouse=True)
def _no_leftovers(tmp_path: Path) -> Iterator[None]:
    yield
    assert not list(tmp_path.glob(".emosplat-*"))
