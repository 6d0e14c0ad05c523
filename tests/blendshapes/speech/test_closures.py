from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from emosplat.blendshapes.speech import closures
from emosplat.blendshapes.speech.closures import FLANKS, PARTED, SEALED, contacts, swings

F64 = NDArray[np.float64]

RATE = 50
probabilities = arrays(np.float64, st.integers(2, 120), elements=st.floats(0, 1))


def times_of(signal: F64) -> F64:
    return np.arange(len(signal)) / RATE


def bump(middle: float, seconds: float, height: float = 1.0, *, duration: float = 2.0) -> F64:
    """A probability that rises and falls within a frame around a stretch of time."""
    times = np.arange(round(duration * RATE)) / RATE
    return height * np.clip(0.5 - (np.abs(times - middle) - seconds / 2) * RATE, 0, 1)


def made(probability: F64, fps: float, within: float = 0.0) -> tuple[F64, F64]:
    at = np.arange(0.5, int(len(probability) / RATE * fps), dtype=np.float64) / fps
    return at, swings(times_of(probability), probability[:, None], at, flanks=FLANKS[:1], within=within)[:, 0]


@given(probabilities, st.floats(5, 120))
def test_contacts_are_in_order_within_the_sound_and_as_sure_as_it_is(probability: F64, fps: float) -> None:
    times = times_of(probability)
    found = list(contacts(times, probability))
    assert all(one.end <= other.start for one, other in pairwise(found))
    for contact in found:
        assert contact.start < contact.end
        assert 0 <= contact.degree <= 1
        assert times[0] <= (contact.start + contact.end) / 2 <= times[-1]
    _, closed = made(probability, fps)
    assert np.all((closed >= 0) & (closed <= 1))
    if probability.max() <= PARTED:
        assert not found
        assert not closed.any()


@pytest.mark.parametrize("fps", [23.976, 25, 30, 60])
@given(middle=st.floats(0.5, 1.5), seconds=st.floats(0.03, 0.2))
def test_every_sure_contact_shows_in_a_picture(fps: float, middle: float, seconds: float) -> None:
    _, closed = made(bump(middle, seconds), fps, within=0.5 / fps)
    assert closed.max() == 1


@given(st.floats(0.5, 1.5), st.floats(0.02, 0.12))
def test_a_contact_lasts_as_long_as_people_s(middle: float, seconds: float) -> None:
    at, closed = made(bump(middle, seconds), 1000)
    touching = at[closed > 0.9]
    assert 0.01 <= touching[-1] - touching[0] < 0.08
    assert (touching[-1] + touching[0]) / 2 == pytest.approx(middle, abs=0.005)
    assert at[closed > 0][-1] - at[closed > 0][0] == pytest.approx(2 * FLANKS[0] + closures.BRIEF, abs=0.015)


def test_a_hum_stays_closed() -> None:
    at, closed = made(bump(1.0, 1.0), 100)
    assert closed[np.abs(at - 1.0) < 0.4].min() == 1


def test_two_contacts_with_a_doubt_between_them_are_two() -> None:
    apart = np.maximum(bump(0.9, 0.06), bump(1.1, 0.06))
    joined = np.maximum(apart, bump(1.0, 0.2, 0.9))
    doubted = np.maximum(apart, bump(1.0, 0.2, 0.4))
    assert [len(list(contacts(times_of(p), p))) for p in (apart, doubted, joined)] == [2, 2, 1]


def test_a_doubtful_contact_is_half_made() -> None:
    degrees = [made(bump(1.0, 0.1, p), 100)[1].max() for p in (PARTED, 0.3, 0.4, 0.5, SEALED, 1.0)]
    assert degrees[0] == 0
    assert np.all(np.diff(degrees[:5]) > 0)
    assert degrees[4] == degrees[5] == 1


@given(probabilities, st.integers(0, 50))
def test_when_the_sound_begins_does_not_matter(probability: F64, late: int) -> None:
    padded = np.concatenate([[0], probability, [0]])
    at = np.arange(0, len(padded) / RATE, 0.013)
    before = swings(times_of(padded), padded[:, None], at, flanks=[0.1])
    after = np.concatenate([np.zeros(late), padded])
    np.testing.assert_allclose(
        swings(times_of(after), after[:, None], at + late / RATE, flanks=[0.1]), before, atol=1e-9
    )


def test_a_window_shows_what_the_whole_does() -> None:
    rng = np.random.default_rng(0)
    smooth = np.convolve(rng.standard_normal(600), np.hanning(9), mode="same")
    probability = np.clip(smooth / smooth.std(), 0, 1)
    times = times_of(probability)
    at = np.linspace(5.5, 6.5, 77)
    near = slice(200, 400)
    whole = swings(times, probability[:, None], at, flanks=[0.1])
    np.testing.assert_array_equal(swings(times[near], probability[near, None], at, flanks=[0.1]), whole)
