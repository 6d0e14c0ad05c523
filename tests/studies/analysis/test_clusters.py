"""Estimates over participants and clips, against textbook formulas and against other libraries."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.multitest import multipletests

from emosplat.studies.analysis.clusters import (
    SHARES,
    UNLIMITED,
    difference_of,
    holm_corrected,
    mean_of,
    slope_of,
)
from emosplat.studies.analysis.crossed import Crossing, fit


def crossed(people: int, clips: int) -> Crossing:
    return Crossing.of((p, c) for p in range(people) for c in range(clips))


def planted(people: int, clips: int, seed: int) -> np.ndarray:
    """Scores [people, clips] in which both matter."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(people, 1)) + rng.normal(size=(1, clips)) + rng.normal(size=(people, clips))


@pytest.mark.parametrize("seed", range(5))
def test_complete_crossing_is_the_quasi_f_of_clark(seed: int) -> None:
    people, clips = 14, 7
    y = planted(people, clips, seed)
    rows, columns = y.mean(axis=1, keepdims=True), y.mean(axis=0, keepdims=True)
    ms_people = clips * rows.var(ddof=1)
    ms_clips = people * columns.var(ddof=1)
    ms_rest = float(((y - rows - columns + y.mean()) ** 2).sum()) / ((people - 1) * (clips - 1))
    total = ms_people + ms_clips - ms_rest
    df = total**2 / (
        ms_people**2 / (people - 1) + ms_clips**2 / (clips - 1) + ms_rest**2 / ((people - 1) * (clips - 1))
    )
    fitted = fit(y.ravel(), np.ones((y.size, 1)), crossed(people, clips))
    squares = fitted.squares
    assert (squares.people, squares.clips, squares.rest) == pytest.approx((ms_people, ms_clips, ms_rest))
    assert (squares.df_people, squares.df_clips, squares.df_rest) == pytest.approx((13, 6, 78))
    assert min(ms_people, ms_clips) > ms_rest  # else it would be pooled
    found = mean_of(y.ravel(), crossed(people, clips), null=0.0, limits=UNLIMITED)
    assert found.df == pytest.approx(df)
    assert found.se**2 == pytest.approx(total / y.size, rel=0.1)  # calibration makes little difference here
    assert found.p == pytest.approx(2 * stats.t.sf(abs(y.mean()) / found.se, df))


def test_one_clip_is_a_t_test_over_participants() -> None:
    y = np.random.default_rng(0).normal(0.4, 1, 12)
    found = mean_of(y, crossed(12, 1), null=0.1, limits=UNLIMITED)
    expected = stats.ttest_1samp(y, 0.1)
    assert found.p == pytest.approx(expected[1])
    assert (found.low, found.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_difference_within_participants_is_a_paired_t_test() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=10), rng.normal(0.5, 1, 10)
    crossing = Crossing.of((p, "clip") for _ in range(2) for p in range(10))
    found = difference_of(np.concatenate([first, second]), np.repeat([False, True], 10), crossing, limits=UNLIMITED)
    assert found.value == pytest.approx(second.mean() - first.mean())
    assert found.p == pytest.approx(stats.ttest_rel(first, second)[1])


def test_slope_is_that_of_least_squares_with_intercepts() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.normal(size=(2, 40))
    crossing = crossed(10, 4)
    dummies = [np.eye(10)[crossing.participants], np.eye(4)[crossing.clips]]
    expected = np.linalg.lstsq(np.column_stack([x, *dummies]), y)[0][0]
    assert slope_of(y, x, crossing).value == pytest.approx(expected)


def test_answers_without_variation_prove_no_more_than_a_sign_test() -> None:
    found = mean_of(np.ones(24), crossed(6, 4), null=0.5, limits=SHARES)
    assert found.p == 2 * 0.5**6


def test_one_participant_proves_nothing() -> None:
    found = mean_of(np.ones(4), crossed(1, 4), null=0.5, limits=SHARES)
    assert (found.p, found.low, found.high) == (1.0, 0.0, 1.0)


def test_clips_that_differ_widen_the_interval() -> None:
    clips = np.tile([-1.0, 1.0, -1.0, 1.0], 30) + np.random.default_rng(0).normal(0, 0.1, 120)
    found = mean_of(clips, crossed(30, 4), null=0.0, limits=UNLIMITED)
    assert found.high - found.low > 10 * (found.high_these - found.low_these)


def test_incomplete_crossing_has_no_negative_variance() -> None:
    rng = np.random.default_rng(0)
    crossing = Crossing.of((p, (p + k) % 5) for p in range(10) for k in range(2))
    for _ in range(50):
        found = mean_of(rng.normal(size=20), crossing, null=0.0, limits=UNLIMITED)
        assert found.se > 0
        assert 1 <= found.df <= 19 + 1e-9  # where nothing differs all answers count
        assert found.p >= 0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_is_that_of_statsmodels(p: list[float]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gc.collect", lambda: 0)  # which it does each time, for 100 ms
        expected = multipletests(p, method="holm")[1]
    assert holm_corrected(p) == pytest.approx(expected)
