"""Pitch and loudness of voices that are known, because they are made here."""

import numpy as np
import pytest

from emosplat.pipeline.media.voice import voice_curves

RATE = 16_000
TIMES = (np.arange(100) + 0.5) / 25  # 4 s


def voice(pitch: float, level: float = 0.1, seconds: float = 4.0) -> np.ndarray:
    times = np.arange(int(seconds * RATE)) / RATE
    tones = [np.sin(2 * np.pi * pitch * k * times) / k for k in range(1, 12)]
    return (level * np.sum(tones, axis=0)).astype(np.float32)


@pytest.mark.parametrize("pitch", [90.0, 140.0, 220.0, 330.0])
def test_the_pitch_of_a_voice_is_its_fundamental(pitch: float) -> None:
    found = voice_curves([voice(pitch)], TIMES)["pitch_hz"][5:-5]
    assert np.abs(12 * np.log2(found / pitch)).max() < 0.5  # semitones


def test_pauses_and_hisses_have_none() -> None:
    hiss = 0.1 * np.random.default_rng(0).normal(size=RATE).astype(np.float32)
    sound = np.concatenate([voice(150, seconds=1.0), np.zeros(RATE, np.float32), hiss, voice(150, seconds=1.0)])
    pitch = voice_curves([sound], TIMES)["pitch_hz"]
    assert np.isfinite(pitch[3:22]).all()
    assert np.isnan(pitch[28:47]).all()
    assert np.isnan(pitch[53:72]).mean() > 0.8
    assert np.isfinite(pitch[80:97]).all()


def test_loudness_is_the_root_mean_square_in_decibels() -> None:
    times = np.arange(4 * RATE) / RATE
    sine = np.sin(2 * np.pi * 200 * times).astype(np.float32)
    loud, soft = (voice_curves([g * sine], TIMES)["loudness_db"][5:-5] for g in (1.0, 0.1))
    np.testing.assert_allclose(loud, 20 * np.log10(np.sqrt(0.5)), atol=0.1)
    np.testing.assert_allclose(soft, loud - 20, atol=0.01)
    assert voice_curves([0 * sine], TIMES)["loudness_db"].max() == pytest.approx(-100)


def test_blocks_hardly_matter_and_what_lies_beyond_is_unknown() -> None:
    whole = voice_curves([voice(140)], TIMES)
    pieces = voice_curves([voice(140)[:RATE], voice(140)[RATE:]], TIMES)
    for name, values in whole.items():
        inside = np.abs(TIMES - 1) > 0.1
        np.testing.assert_allclose(pieces[name][inside], values[inside], atol=0.5)
    assert np.isnan(voice_curves([voice(140, seconds=1.0)], TIMES)["loudness_db"][26:]).all()
    assert all(np.isnan(curve).all() for curve in voice_curves([], TIMES).values())
