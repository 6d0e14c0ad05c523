"""Sounds for the headphone check: what is to be heard is there, and only between the ears."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.studies.headphones import BAND, PART, PAUSE, PITCH, RATE, TONE, antiphase, headphone_settings, huggins
from emosplat.studies.procedure import Headphones

F64 = NDArray[np.float64]


def parts(sound: F64) -> list[F64]:
    """The middles of the three parts, without their rise and fall."""
    step, length, edge = round((PART + PAUSE) * RATE), round(PART * RATE), round(0.05 * RATE)
    return [sound[k * step + edge : k * step + length - edge] for k in range(3)]


def level(sound: F64) -> float:
    return float(np.sqrt(np.mean(sound**2)))


@given(right=st.integers(0, 2), seed=st.integers(0, 1000))
def test_huggins_pitch_is_between_the_ears_alone(right: int, seed: int) -> None:
    sound = huggins(right, np.random.default_rng(seed))
    for number, part in enumerate(parts(sound)):
        left, other = np.fft.rfft(part, axis=0).T
        at = np.fft.rfftfreq(len(part), 1 / RATE)
        inside = np.abs(at - PITCH) < 0.5 * BAND * PITCH
        outside = (np.abs(at - PITCH) > 2 * BAND * PITCH) & (at > 100) & (at < 5000)
        alike = [
            np.abs(np.sum(left[where] * other[where].conj()))
            / np.sqrt(np.sum(np.abs(left[where]) ** 2) * np.sum(np.abs(other[where]) ** 2))
            * np.sign(np.real(np.sum(left[where] * other[where].conj())))
            for where in (inside, outside)
        ]
        assert alike[1] > 0.98
        assert (alike[0] < 0) == (number == right)  # turned by half a circle in the middle of the band
        # each ear alone: no more and no less at the pitch than beside it
        for ear in (left, other):
            ratio = np.mean(np.abs(ear[inside]) ** 2) / np.mean(np.abs(ear[outside]) ** 2)
            assert 0.4 < ratio < 2.2


@given(right=st.integers(0, 2), seed=st.integers(0, 1000))
def test_loudspeakers_make_another_tone_the_quietest(right: int, seed: int) -> None:
    tones = parts(antiphase(right, np.random.default_rng(seed)))
    assert int(np.argmin([level(tone) for tone in tones])) == right  # with headphones
    in_the_air = [level(tone.sum(axis=1)) for tone in tones]
    assert int(np.argmin(in_the_air)) != right
    assert min(in_the_air) < 1e-9
    loudest = np.abs(np.fft.rfft(tones[right][:, 0])).argmax() * RATE / len(tones[right])
    assert loudest == pytest.approx(TONE, abs=2)


@pytest.mark.parametrize("kind", ["huggins", "antiphase"])
def test_the_page_knows_what_is_right(tmp_path: Path, kind: str) -> None:
    check = Headphones.model_validate({"kind": kind, "trials": 6, "pass": 5})
    told = headphone_settings(check, tmp_path, seed=3)
    assert told is not None
    rights = [sound["right"] for sound in told["sounds"]]
    assert sorted(rights) == ["1", "1", "2", "2", "3", "3"]
    for sound in told["sounds"]:
        samples, rate = soundfile.read(tmp_path / sound["file"])
        assert (samples.shape[1], rate) == (2, RATE)
        assert 0.001 < np.abs(samples).max() < 1.0
    assert headphone_settings(check, tmp_path, seed=3) == told
    assert json.dumps(told)
    assert headphone_settings(None, tmp_path, seed=3) is None
