import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from emosplat.blendshapes.speech.effort import MOST, Habit
from emosplat.blendshapes.speech.encoder import TILT_OF_EFFORT

F32 = NDArray[np.float32]


def noise(*, gain: float = 1.0, brighter: float = 0.0) -> F32:
    """Two seconds, with so many dB more from 1 kHz on."""
    wave = np.random.default_rng(0).standard_normal(32000)
    share = np.interp(np.fft.rfftfreq(len(wave), 1 / 16000), [900, 1100], [1, 10 ** (brighter / 20)])
    return (0.02 * gain * np.fft.irfft(np.fft.rfft(wave) * share, len(wave))).astype(np.float32)


def habit(wave: F32) -> Habit:
    return Habit.of(lambda: [wave])


@given(st.floats(-15, 15))
def test_where_both_were_recorded_alike_the_level_tells(decibels: float) -> None:
    loud = noise(gain=10 ** (decibels / 20))
    assert habit(noise()).effort(lambda: [loud]) == pytest.approx(decibels, abs=0.2)


def test_where_levels_were_evened_out_overtones_tell() -> None:
    ordinary = habit(noise())
    for brighter in (-3.0, 3.0, 6.0):
        bright = noise(brighter=brighter)
        bright *= np.sqrt(np.mean(noise() ** 2) / np.mean(bright**2))
        assert ordinary.effort(lambda bright=bright: [bright]) == pytest.approx(brighter / TILT_OF_EFFORT, rel=0.2)


def test_where_the_two_contradict_each_other_overtones_tell() -> None:
    bright = 0.1 * noise(brighter=6.0)
    assert habit(noise()).effort(lambda: [bright]) == pytest.approx(6.0 / TILT_OF_EFFORT, rel=0.2)


def test_the_same_voice_makes_no_effort_and_none_makes_more_than_the_most() -> None:
    assert habit(noise()).effort(lambda: [noise()]) == 0
    assert habit(noise(gain=0.01)).effort(lambda: [noise(gain=10)]) == MOST
    silence = np.zeros(32000, np.float32)
    assert -MOST <= habit(silence).effort(lambda: [silence]) <= MOST
