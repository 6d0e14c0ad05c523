"""Pictures of films: upright, in a piece, on the clock of the sound."""

import subprocess
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import pytest
import soundfile

from emosplat.core.errors import InputError
from emosplat.pipeline.media.audio import holes_in_sound, open_audio
from emosplat.pipeline.media.film import MOST_PIXELS, pictures, usual_rate
from emosplat.pipeline.media.video import VideoWriter

RATE = 48_000


def clip(path: Path, frames: int, *, width: int = 64, height: int = 48, fps: float = 25, flash: int = -1) -> Path:
    """Black pictures whose left half is white, one of them all white while the sound clicks."""
    samples = np.zeros(round(frames / fps * RATE), np.float32)
    if flash >= 0:
        samples[round((flash + 0.5) / fps * RATE) :][:8] = 0.9
    soundfile.write(path.with_suffix(".wav"), samples, RATE)
    audio = open_audio(path.with_suffix(".wav"))
    with VideoWriter(path, width=width, height=height, fps=fps, audio=audio, overwrite=True) as writer:
        for i in range(frames):
            picture = np.zeros((height, width, 3), np.uint8)
            picture[:, : width // 2] = 255
            if i == flash:
                picture[:] = 255
            writer.write(picture)
    return path


def ffmpeg(*words: str | Path) -> None:
    subprocess.run([imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-y", *map(str, words)], check=True)


@pytest.mark.parametrize("suffix", [".mp4", ".webm", ".mov", ".mkv"])
def test_a_flash_is_when_the_sound_clicks(tmp_path: Path, suffix: str) -> None:
    path = clip(tmp_path / f"f{suffix}", 20, flash=13)
    bright = [p.time for p in pictures(path) if p.pixels.mean() > 200]
    click = np.abs(np.concatenate(list(open_audio(path).blocks()))).argmax() / 16_000
    assert bright == pytest.approx([click - 0.5 / 25], abs=0.004)


def test_a_hole_in_the_sound_is_closed_in_the_picture_too(tmp_path: Path) -> None:
    """Recordings of calls lose packets; players wait there, and whoever reads samples alone does not."""
    whole, holed = clip(tmp_path / "whole.mkv", 50), tmp_path / "holed.mkv"
    ffmpeg("-i", whole, "-af", "aselect='not(between(t,0.8,1.2))'", "-c:v", "copy", "-c:a", "pcm_s16le", holed)
    assert holes_in_sound(whole) == []
    [(begin, length)] = holes_in_sound(holed)
    assert [line for line in open_audio(holed).warnings if f"holes of {length:.2f} s" in line]
    times = [p.time for p in pictures(holed)]
    kept = [t for t in np.arange(50) / 25 if not begin < t < begin + length]
    assert times == pytest.approx([t - length * (t > begin) for t in kept], abs=0.03)


def test_sound_that_begins_later_than_the_picture_is_the_clock(tmp_path: Path) -> None:
    whole, late = clip(tmp_path / "whole.mkv", 20), tmp_path / "late.mkv"
    ffmpeg("-i", whole, "-itsoffset", "0.2", "-i", whole, "-map", "0:v", "-map", "1:a", "-c", "copy", late)
    assert [p.time for p in pictures(late)] == pytest.approx(np.arange(20) / 25 - 0.2, abs=0.002)


def test_pictures_are_in_a_piece_whatever_their_width(tmp_path: Path) -> None:
    for width in (64, 66, 70, 90):
        picture = next(pictures(clip(tmp_path / "f.mkv", 8, width=width)))
        assert picture.pixels.flags["C_CONTIGUOUS"]
        assert picture.pixels.shape == (48, width, 3)
        assert picture.pixels.mean(axis=(0, 2)).tolist() == [255.0] * (width // 2) + [0.0] * (width // 2)


def test_large_pictures_become_smaller(tmp_path: Path) -> None:
    picture = next(pictures(clip(tmp_path / "f.mkv", 6, width=2 * MOST_PIXELS, height=200)))
    assert picture.pixels.shape == (100, MOST_PIXELS, 3)


def test_a_phone_that_was_held_upright_films_upright_people(tmp_path: Path) -> None:
    lying, upright = clip(tmp_path / "lying.mp4", 8), tmp_path / "upright.mp4"
    ffmpeg("-display_rotation", "90", "-i", lying, "-c", "copy", upright)
    picture = next(pictures(upright))
    assert picture.pixels.shape == (64, 48, 3)
    decoded = tmp_path / "decoded.png"
    ffmpeg("-i", upright, "-frames:v", "1", decoded)  # FFmpeg turns by itself
    from PIL import Image

    assert np.abs(picture.pixels.astype(int) - np.asarray(Image.open(decoded).convert("RGB"))).mean() < 3


def test_sound_alone_is_no_film(tmp_path: Path) -> None:
    path = clip(tmp_path / "f.mkv", 6).with_suffix(".wav")
    with pytest.raises(InputError, match="expected a film, found no pictures"):
        list(pictures(path))


@pytest.mark.parametrize("fps", [12, 24, 24000 / 1001, 25, 29.97, 30, 50, 60])
def test_the_rate_is_the_usual_one_near_rounded_times(fps: float) -> None:
    times = np.round(np.arange(100) / fps, 3)
    assert usual_rate(times) == pytest.approx(fps, rel=0.002)
    assert usual_rate(times[:1]) == 25
