"""Slow and quick motion, and the mouth beside the sound: what is put in comes out."""

from __future__ import annotations

import numpy as np
import pytest

from emosplat.blendshapes.acting.bands import BANDS, LEAST_HEARD, REACH, beside_sound, slow
from emosplat.blendshapes.acting.space import MOUTH, RATE
from emosplat.blendshapes.noise import slow_noise

TIMES = np.arange(1000) / RATE
FREE = np.ones(len(TIMES), bool)
RNG = np.random.default_rng(0)


def said(seed: int = 0) -> np.ndarray:
    """Axes [T, 5] of speech: syllables on phrases."""
    quick, held = (slow_noise(TIMES, seed=seed, stream=k, period=p, width=5) for k, p in enumerate((0.15, 1.5)))
    return np.clip(0.35 + 0.12 * quick + 0.1 * held, 0, None)


def test_drifts_are_slow_and_trembling_is_not() -> None:
    drift, tremble = np.sin(0.5 * TIMES)[:, None], ((-1.0) ** np.arange(len(TIMES)))[:, None]
    inner = slice(REACH, -REACH)
    np.testing.assert_allclose(slow(drift)[inner], drift[inner], atol=0.01)
    np.testing.assert_allclose(slow(tremble)[inner], 0, atol=0.01)


def test_a_piece_with_its_surroundings_is_as_slow_as_in_the_whole() -> None:
    values = said()
    np.testing.assert_allclose(slow(values[200 - REACH : 300 + REACH])[REACH:-REACH], slow(values)[200:300], atol=1e-12)


def test_frames_outside_do_not_count() -> None:
    values, inside = said(), FREE.astype(float)
    inside[:40] = 0
    values[:40] = 7
    np.testing.assert_allclose(slow(values, inside)[40:], slow(values[40:]), atol=1e-12)


def test_the_mouth_beside_the_sound_is_as_large_as_it_was_made() -> None:
    heard, gains = said(), RNG.uniform(0.3, 1.6, (len(MOUTH), len(BANDS)))
    held = slow(heard)
    found = beside_sound(gains[:, 0] * held + gains[:, 1] * (heard - held), heard, FREE)
    assert found is not None
    np.testing.assert_allclose(found, gains, atol=0.12)


def test_it_does_not_hang_on_what_is_said() -> None:
    """Two sounds of which one hardly rounds the lips: the same habit."""
    habits = []
    for seed, rounded in ((1, 1.0), (2, 0.4)):
        heard = said(seed) * [1, rounded, 1, 1, 1]
        mouth = 1.4 * heard + 0.02 * RNG.standard_normal(heard.shape)
        found = beside_sound(mouth, heard, FREE)
        assert found is not None
        habits.append(found[1, 0])
    assert habits[0] == pytest.approx(habits[1], abs=0.05)


def test_what_is_not_heard_tells_nothing() -> None:
    heard = said() * [1, 0, 1, 1, 1]
    found = beside_sound(1.5 * said(), heard, FREE)
    assert found is not None
    np.testing.assert_allclose(found[1], 1)


def test_another_take_and_little_speech_tell_nothing() -> None:
    assert beside_sound(said(3), said(4), FREE) is None
    few = np.arange(len(TIMES)) < LEAST_HEARD - 1
    assert beside_sound(said(), said(), few) is None
    assert beside_sound(np.zeros((len(TIMES), 5)), said(), FREE) is None
