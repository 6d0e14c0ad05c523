"""Salient moments: phrases and stressed syllables are found where they were put."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.blendshapes.speech.accents import KINDS, WIDTH, Accent, accents, felt
from emosplat.blendshapes.speech.encoder import AXES, RATE, Articulation
from emosplat.blendshapes.speech.phones import Segment
from emosplat.core.errors import InputError

SPOKEN = ((1.0, 3.0), (3.6, 6.0))  # seconds
LOUD = (1.8, 4.5)


def spoken(duration: float = 8.0) -> Articulation:
    times = np.arange(int(duration * RATE) + 1) / RATE
    speech = np.any([(times >= a) & (times < b) for a, b in SPOKEN], axis=0).astype(np.float32)
    level = np.where(speech > 0, -6, -60) + sum(9 * np.exp(-(((times - t) / 0.12) ** 2)) for t in LOUD) * speech
    return Articulation(np.zeros((len(times), len(AXES)), np.float32), speech, level.astype(np.float32))


def times_of(kind: str, found: list[Accent]) -> list[float]:
    return [a.time for a in found if a.kind == kind]


def test_phrases_and_stresses_are_found() -> None:
    found = accents([spoken()])
    np.testing.assert_allclose(times_of("begin", found), [a for a, _ in SPOKEN], atol=0.03)
    np.testing.assert_allclose(times_of("end", found), [b for _, b in SPOKEN], atol=0.03)
    strong = [a.time for a in found if a.kind == "stress" and a.strength > 0.5]
    np.testing.assert_allclose(strong, LOUD, atol=0.05)
    assert found == sorted(found, key=lambda a: a.time)


def test_a_short_break_parts_no_phrases() -> None:
    whole = spoken()
    speech = whole.speech.copy()
    speech[100:108] = 0  # 0.16 s
    assert len(times_of("end", accents([replace(whole, speech=speech)]))) == 2


@given(st.lists(st.integers(1, 400), min_size=1, max_size=4))
def test_pieces_equal_the_whole(cuts: list[int]) -> None:
    whole = spoken()
    edges = [0, *sorted(set(cuts)), len(whole)]
    pieces = [Articulation(whole.axes[a:b], whole.speech[a:b], whole.level[a:b]) for a, b in pairwise(edges)]
    assert accents([p for p in pieces if len(p)]) == accents([whole])


def test_known_vowels_tell_the_time_of_a_stress() -> None:
    phones = [Segment(1.70, 1.76, "T"), Segment(1.76, 1.90, "AA"), Segment(1.90, 1.95, "N")]
    found = times_of("stress", accents([spoken()], phones=phones))
    assert 1.83 in [round(t, 3) for t in found]


def test_moments_are_felt_around_their_time() -> None:
    near = felt([Accent(1.0, "stress", 0.8), Accent(2.0, "end")], np.array([1.0, 1.0 + WIDTH, 2.0, 9.0]))
    np.testing.assert_allclose(near[:, KINDS.index("stress")], [0.8, 0.8 / np.e, 0, 0], atol=1e-6)
    np.testing.assert_allclose(near[:, KINDS.index("end")], [0, 0, 1, 0], atol=1e-6)


@pytest.mark.parametrize(
    ("values", "problem"), [((1.0, "nod"), "kind"), ((-1.0,), "time"), ((1.0, "end", 2.0), "strength")]
)
def test_impossible_moments_are_refused(values: tuple, problem: str) -> None:
    with pytest.raises(InputError, match=problem):
        Accent(*values)
