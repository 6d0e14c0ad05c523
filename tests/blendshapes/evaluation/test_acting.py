"""Measures of generated acting against closed forms, and what must not change them."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from emosplat.blendshapes.acting.conditions import TOLD
from emosplat.blendshapes.acting.prior import chance
from emosplat.blendshapes.acting.space import COORDINATES
from emosplat.blendshapes.evaluation import acting as e
from emosplat.blendshapes.face_motion import FaceMotion

FPS = 25.0


def normal(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape)


def test_mouths_may_differ_where_somebody_speaks_and_the_lips_are_apart() -> None:
    face = FaceMotion.rest(4, fps=FPS).with_columns(
        {
            "speech.activity": np.array([1.0, 1, 1, 0]),
            "speech.close": np.array([0.0, 1, 0, 0]),
            "speech.tuck": np.array([0.0, 0, 1, 0]),
        }
    )
    assert_array_equal(e.free(face), [True, False, False, False])


def test_curves_are_compared_in_pairs_and_only_where_asked() -> None:
    a, where = normal(0, 40), np.arange(40) < 30
    b = np.where(where, -2 * a + 1, 100.0)
    assert_allclose(e.alike([a, a, b], where), [1, -1, -1])


@given(st.floats(2.0, 6.0), st.integers(2, 6))
def test_people_far_apart_are_told_apart_whatever_the_units(apart: float, people: int) -> None:
    who = np.repeat(np.arange(people), 20)
    middles = 10 * apart * np.eye(people, 8)
    units = np.logspace(-2, 2, 8)
    examples, asked = (middles[who] + normal(seed, len(who), 8) for seed in (0, 1))
    recogniser = e.Recogniser.of(examples * units, who)
    assert_array_equal(recogniser(asked * units), who)


def test_people_who_do_not_differ_are_told_apart_by_chance_only() -> None:
    who = np.repeat(np.arange(4), 50)
    recogniser = e.Recogniser.of(normal(0, 200, 6), who)
    assert np.mean(recogniser(normal(1, 200, 6)) == who) == pytest.approx(0.25, abs=0.12)


def test_diversity_is_the_mean_distance_of_pairs() -> None:
    still = np.zeros((10, 2))
    assert e.diversity([still, still + 3]) == pytest.approx(3)
    assert e.diversity([still, still, still + 3]) == pytest.approx(2)
    assert math.isnan(e.diversity([still]))


def test_coverage_is_high_for_equals_and_nothing_for_strangers() -> None:
    real = normal(0, 200, 4)
    assert e.coverage(normal(1, 200, 4), real) > 0.85
    assert e.coverage(normal(1, 200, 4) + 50, real) == 0
    half = np.concatenate([real[:100], real[100:] + 50])
    assert e.coverage(real[:100], half) == pytest.approx(0.5)
    assert math.isnan(e.coverage(real, real[:3]))


@given(st.floats(0.2, 5.0), st.floats(-3.0, 3.0))
def test_the_frechet_distance_of_scaled_and_moved_clouds_is_known(scale: float, shift: float) -> None:
    cloud = normal(0, 400, 3)
    deviations = np.linalg.eigvalsh(np.cov(cloud, rowvar=False))
    moved = np.sum(((scale - 1) * cloud.mean(axis=0) + shift) ** 2)
    wanted = moved + (scale - 1) ** 2 * deviations.sum()
    assert e.frechet_distance(cloud, scale * cloud + shift) == pytest.approx(wanted, rel=1e-6, abs=1e-6)


def test_frames_are_compared_with_their_speeds() -> None:
    values = 0.5 * np.arange(6.0)[:, None]
    assert_allclose(e.moving(values, FPS), np.column_stack([values[1:], np.full(5, 1.25)]))


def beating(beats: np.ndarray, seconds: float) -> np.ndarray:
    """A head that rests where the voice beats, ahead by what is usual, and moves in between."""
    times = (np.arange(round(100 * seconds)) + 0.5) / 100
    away = np.abs(times[:, None] - (beats - e.LEAD)).min(axis=1)
    course = np.cumsum(np.minimum(away, 0.2) + 1e-3)
    return np.stack([course, 0 * course, 0 * course], axis=1)


def test_a_head_that_stops_at_the_beats_is_in_time_and_not_by_chance() -> None:
    beats = np.cumsum(np.random.default_rng(0).uniform(0.6, 1.6, 25)) + 0.5
    on, off = e.beat_alignment(beating(beats, beats[-1] + 1), 100, beats)
    assert on > 0.9
    assert off < 0.6
    late, _ = e.beat_alignment(beating(beats, beats[-1] + 1), 100, beats + 0.3)
    assert late < off
    assert math.isnan(e.beat_alignment(np.zeros((100, 3)), 100, beats)[0])


@given(st.floats(-2, 2))
def test_a_nod_is_as_deep_as_it_was_made(depth: float) -> None:
    times, beats = (np.arange(1000) + 0.5) / FPS, np.arange(3.0, 36.0, 3.0)
    pitch = 0.7 + depth * np.exp(-(((times[:, None] - beats + e.LEAD) / 0.15) ** 2)).sum(axis=1)
    assert e.nod(pitch, FPS, beats) == pytest.approx(depth, rel=0.03, abs=1e-9)
    assert math.isnan(e.nod(pitch, FPS, np.zeros(0)))


@given(st.floats(0.5, 20.0))
def test_a_jump_is_told_in_what_is_usual_of_the_column(size: float) -> None:
    values = np.cumsum(np.where(np.arange(300) % 2, 0.1, -0.1))[:, None] * np.array([1.0, 5.0])
    values[120:] += [size * 0.1, 0.0]
    found = e.jumps(values, [120])
    assert_allclose(found[0], [abs(size - 1), 1.0], rtol=1e-6)


class Told:
    """A network that knows where a performance goes, as far as its style says so."""

    context = 7

    def __init__(self, goal: np.ndarray, seed: int) -> None:
        self.goal, self.begin = goal, chance(np.arange(len(goal)), seed)

    def __call__(self, rows: np.ndarray, style: np.ndarray, way: float) -> np.ndarray:
        assert len(rows) == len(self.goal) + 2 * self.context
        assert_array_equal(rows[: self.context], 0)
        here = self.begin + way * (self.goal - self.begin)
        assert_allclose(rows[self.context : -self.context, : len(COORDINATES)], here, atol=1e-5)
        return style[0] * (self.goal - self.begin)


def test_the_error_of_a_direction_is_nothing_for_who_knows_it() -> None:
    goal = normal(3, 60, len(COORDINATES)).astype(np.float32)
    heard = normal(4, 60, len(TOLD)).astype(np.float32)
    network = Told(goal, 5)

    def error(share: float) -> float:
        return e.direction_error(network, np.array([share], np.float32), heard, goal, seed=5)  # type: ignore[arg-type]

    assert error(1.0) == pytest.approx(0, abs=1e-9)
    assert error(0.5) == pytest.approx(error(0.0) / 4, rel=1e-4)
