"""Moments of speech: read from the past, as an excerpt reads them from all of it, only later."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.speech.encoder import AXES, QUIET, RATE, Articulation
from emosplat.blendshapes.speech.excerpt import Articulated
from emosplat.blendshapes.speech.moment import REMEMBERED, Listener, Moment

CLOSE, JAW = AXES.index("close"), AXES.index("jaw")
SPOKEN = (1.0, 3.0)  # seconds


def said(frames: int = 300, *, close: dict[int, float] | None = None) -> list[Articulation]:
    """Somebody speaks from 1 to 3 s, with a syllable every quarter of a second; contacts by frame."""
    times = np.arange(frames) / RATE
    speech = ((times >= SPOKEN[0]) & (times < SPOKEN[1])).astype(np.float32)
    level = np.where(speech > 0, -4 + 4 * np.sin(2 * np.pi * 4 * times), QUIET).astype(np.float32)
    axes = np.zeros((frames, len(AXES)), np.float32)
    axes[:, JAW] = 0.5 * speech
    for frame, degree in (close or {}).items():
        axes[frame, CLOSE] = degree
    return [Articulation(axes[k : k + 1], speech[k : k + 1], level[k : k + 1]) for k in range(frames)]


def moments(pieces: list[Articulation], fps: float) -> list[Moment]:
    """The moments of pictures at this rate, each as soon as it is known."""
    listener, found = Listener(fps, None), []
    for piece in pieces:
        listener.hear(piece)
        while listener.knows(time := (len(found) + 0.5) / fps):
            found.append(listener.moment(time))
    return found


@given(fps=st.sampled_from([5.0, 12.0, 24.0, 25.0, 29.97, 30.0, 50.0, 60.0, 240.0]))
def test_a_moment_is_known_with_the_frame_after_it(fps: float) -> None:
    listener, frame = Listener(fps, None), 0
    for k, piece in enumerate(said(100)):
        listener.hear(piece)
        while listener.knows(time := (frame + 0.5) / fps):
            assert (k - 1) / RATE <= time + 1e-9 < k / RATE + 1e-9
            assert np.isfinite(listener.moment(time).axes).all()
            frame += 1
    assert frame == sum((i + 0.5) / fps < 99 / RATE - 1e-9 for i in range(round(2 * fps)))


@pytest.mark.parametrize("name", ["activity", "speaking", "phrase"])
def test_what_is_read_from_the_past_comes_to_what_is_read_from_everything(name: str) -> None:
    pieces = said()
    told = np.array([getattr(m, name)[0] for m in moments(pieces, 25)])
    whole = Articulated(iter(pieces)).around(0.0, 5.9)
    expected = whole.at((np.arange(len(told)) + 0.5) / 25, getattr(whole, name))
    assert told[[2, 60, 140]] == pytest.approx(expected[[2, 60, 140]], abs=0.1)  # before, within, long after
    assert told[:25].max() < 1e-9  # nothing before it sounds
    assert np.abs(np.diff(told)).max() < 0.5


def test_stress_follows_the_loudness_of_syllables() -> None:
    pieces = said()
    told = np.array([m.stress[0] for m in moments(pieces, 50)])[75:145]
    level = np.array([p.level[0] for p in pieces])[75:145]
    best = max(np.corrcoef(told[lag:], level[: len(level) - lag])[0, 1] for lag in range(8))
    assert best > 0.6


def test_lips_stay_ajar_for_a_while_after_speech_and_then_shut() -> None:
    between = np.array([m.between[0] for m in moments(said(), 25)])
    assert between[:75].max() < 0.05
    assert between[80:88].min() > 0.5
    assert between[110:].max() < 0.05


def test_pauses_are_told_where_they_begin_and_forgotten() -> None:
    found = moments(said(), 25)
    assert not len(found[70].pauses)
    assert found[85].pauses == pytest.approx([SPOKEN[1]], abs=0.3)
    many = [piece for _ in range(40) for piece in said(200)]
    assert len(moments(many, 25)[-1].pauses) <= REMEMBERED * RATE


@pytest.mark.parametrize("fps", [12.0, 25.0, 30.0, 60.0])
@pytest.mark.parametrize("frame", range(80, 92))
def test_no_contact_falls_between_pictures(fps: float, frame: int) -> None:
    close = [m.axes[0, CLOSE] for m in moments(said(close={frame: 0.9}), fps)]
    assert max(close) == pytest.approx(0.9, abs=1e-6)


def test_a_louder_voice_opens_the_mouth_wider_and_what_is_asked_counts_instead_of_its_effort() -> None:
    def jaw(level: float, voice: float, asked: float | None) -> float:
        listener = Listener(25, asked)
        axes = np.full((1, len(AXES)), 0.5, np.float32)
        for _ in range(3):
            listener.hear(Articulation(axes, np.ones(1, np.float32), np.full(1, level, np.float32), voice))
        return listener.moment(0.02).axes[0, JAW]

    assert jaw(-4, 0, None) == pytest.approx(0.5)
    assert jaw(-14, 0, None) < 0.5 < jaw(6, 0, None)
    assert jaw(-4, 10, None) > jaw(-4, 0, None)
    assert jaw(-4, 10, 1.0) == pytest.approx(0.5)


@pytest.mark.parametrize("fps", [24.0, 25.0, 29.97, 60.0])
def test_steady_motion_has_no_delay_and_trembling_is_halved(fps: float) -> None:
    ramp, tremble = (np.zeros((100, len(AXES)), np.float32) for _ in range(2))
    ramp[:, JAW] = np.linspace(0, 1, 100)
    tremble[:, JAW] = 0.5 + 0.1 * (-1.0) ** np.arange(100)
    speech, level = np.ones(1, np.float32), np.full(1, -4, np.float32)
    moved, trembled = (
        np.array([m.axes[0, JAW] for m in moments([Articulation(row[None], speech, level) for row in axes], fps)])
        for axes in (ramp, tremble)
    )
    times = (np.arange(len(moved)) + 0.5) / fps
    np.testing.assert_allclose(moved[4:], times[4:] * RATE / 99, atol=1e-6)
    assert np.abs(trembled[4:] - 0.5).max() < 0.08
    assert np.abs(trembled[4:] - 0.5).mean() < 0.05
