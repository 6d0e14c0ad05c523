"""Finished files are measured, damaged ones refused; loudness against the standard's own test tones."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from emosplat.pipeline.batch.check import DamagedOutput, check_finished
from emosplat.pipeline.batch.loudness import LoudnessMeter, k_weighting
from emosplat.pipeline.media.audio import open_audio
from emosplat.pipeline.media.video import VideoWriter

FPS = Fraction(25)


@pytest.fixture(scope="module", params=[".mp4", ".webm", ".mov", ".mkv"])
def video(
    request: pytest.FixtureRequest, babble: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    folder = tmp_path_factory.mktemp("video")
    sound = open_audio(babble(folder / "a.wav", 1.0))
    out = folder / f"v{request.param}"
    with VideoWriter(out, width=70, height=50, fps=FPS, audio=sound) as writer:
        for i in range(25):
            writer.write(np.full((50, 70, 3), 10 * i, np.uint8))
    return out


def test_a_whole_file_is_measured(video: Path) -> None:
    found = check_finished(video, frames=25, fps=FPS, sound=1.0)
    assert (found.frames, found.duration, found.bytes) == (25, 1.0, video.stat().st_size)
    assert found.av_offset_ms == pytest.approx(0, abs=10)
    assert found.loudness_lufs is not None
    assert -30 < found.loudness_lufs < -5
    assert found.poster.startswith("data:image/jpeg;base64,")
    assert found.pictures == check_finished(video, frames=25, fps=FPS, sound=1.0).pictures


@pytest.mark.parametrize("wrong", [{"frames": 24}, {"fps": Fraction(30)}, {"sound": 2.0}])
def test_a_wrong_length_is_refused(video: Path, wrong: dict[str, object]) -> None:
    expected: dict[str, object] = {"frames": 25, "fps": FPS, "sound": 1.0}
    with pytest.raises(DamagedOutput):
        check_finished(video, **(expected | wrong))  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.7])
def test_a_cut_file_is_refused(video: Path, tmp_path: Path, share: float) -> None:
    data = video.read_bytes()
    cut = tmp_path / video.name
    cut.write_bytes(data[: int(share * len(data))])
    with pytest.raises(DamagedOutput):
        check_finished(cut, frames=25, fps=FPS, sound=1.0)


def measured(samples: np.ndarray, rate: int) -> float | None:
    meter = LoudnessMeter(rate)
    for piece in np.array_split(np.atleast_2d(samples), 7, axis=1):
        meter.add(piece)
    return meter.finish()


def test_k_weighting_is_the_standards_at_48_khz() -> None:
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    high_pass = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]
    np.testing.assert_allclose(k_weighting(48_000), [shelf, high_pass], atol=1e-8)


@pytest.mark.parametrize("rate", [16_000, 44_100, 48_000])
def test_a_full_scale_sine_is_minus_3_lufs(rate: int) -> None:
    sine = np.sin(2 * np.pi * 997 * np.arange(5 * rate) / rate)
    assert measured(sine, rate) == pytest.approx(-3.01, abs=0.05)
    assert measured(np.stack([sine, sine]), rate) == pytest.approx(0.0, abs=0.05)


def test_pauses_do_not_count() -> None:
    rate = 16_000
    sine = 0.1 * np.sin(2 * np.pi * 997 * np.arange(10 * rate) / rate)
    with_pause = np.concatenate([sine, np.zeros(10 * rate), 0.001 * sine])
    assert measured(with_pause, rate) == pytest.approx(-23.01, abs=0.2)


def test_silence_has_no_loudness_and_short_sounds_have() -> None:
    assert measured(np.zeros(16_000), 16_000) is None
    assert measured(np.ones(100) * 0.1, 16_000) is not None
