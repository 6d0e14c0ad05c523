"""Visemes: every phone has one that the heads have, and phones are found at their times."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.speech.encoder import AXES, Articulation
from emosplat.blendshapes.speech.phones import PHONES, SILENCE, Segment
from emosplat.blendshapes.speech.visemes import VISEMES, phones_at, phones_heard


def test_every_phone_has_a_viseme_of_the_heads() -> None:
    assert set(VISEMES) == set(PHONES)
    assert set(VISEMES.values()) == set(builtin_head().visemes.names)


@given(st.lists(st.tuples(st.floats(0, 0.2), st.floats(0.01, 0.3), st.sampled_from(PHONES)), max_size=6))
def test_phones_are_found_where_they_are(parts: list[tuple[float, float, str]]) -> None:
    segments, end = [], 0.0
    for gap, length, phone in parts:
        segments.append(Segment(end + gap, end + gap + length, phone))
        end += gap + length
    times = np.linspace(-0.1, end + 0.1, 37)
    slow = [next((s.phone for s in segments if s.start <= time < s.end), SILENCE) for time in times]
    assert phones_at(times, segments) == slow


def test_the_likeliest_phone_is_heard_where_somebody_speaks() -> None:
    sounds = np.full((10, len(PHONES)), 0.01, np.float32)
    sounds[:, PHONES.index("AA")] = 0.5
    sounds[4:, PHONES.index("B")] = 0.9
    speech = np.array([0, 0, 1, 1, 1, 1, 1, 1, 1, 0.2], np.float32)
    heard = Articulation(np.zeros((10, len(AXES)), np.float32), speech, np.zeros(10, np.float32), sounds=sounds)
    times = np.array([-0.1, 0.02, 0.05, 0.06, 0.1, 0.18, 0.5])
    assert phones_heard(times, heard) == [SILENCE, SILENCE, "AA", "AA", "B", SILENCE, SILENCE]
    assert phones_heard(times, replace(heard, sounds=None)) == [""] * 7
