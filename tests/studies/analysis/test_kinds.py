"""Discrimination, temporal order, traces and free labels: against formulas and other programs."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import approx_fprime

from emosplat.studies.analysis import discrimination, free, order, psychometric, trace
from emosplat.studies.analysis.identification import own_words
from emosplat.studies.analysis.key import Key
from emosplat.studies.analysis.responses import Answer
from emosplat.studies.design import Study
from emosplat.studies.simulate import Effects
from emosplat.studies.tasks import Discrimination, Free, Trace

from .conftest import Simulator

OFFSETS = np.array([-300.0, -150, 0, 150, 300])


def test_psychometric_function_finds_what_made_the_answers() -> None:
    rng = np.random.default_rng(0)
    offsets = np.tile(OFFSETS, 4000)
    true = order.Psychometric(pss=40.0, sigma=120.0)
    found = order.fit(offsets, (rng.random(len(offsets)) < true.at(offsets)).astype(float))
    assert found is not None
    assert found.pss == pytest.approx(40, abs=4)
    assert found.jnd == pytest.approx(stats.norm.ppf(0.75) * 120, rel=0.04)
    assert order.fit(offsets, np.zeros(len(offsets))) is None
    assert order.fit(offsets, (offsets < 0).astype(float)) is None  # falls instead


def test_psychometric_gradient_is_that_of_the_likelihood() -> None:
    said, n = np.array([1, 4, 9, 15, 19.0]), np.full(5, 20)
    arguments = (order.Psychometric, OFFSETS / 600, said, n)
    for at in ([0.05, np.log(0.2)], [-0.1, np.log(0.5)]):
        numeric = approx_fprime(np.array(at), lambda x: psychometric.loss(x, *arguments)[0], 1e-7)
        assert psychometric.loss(np.array(at), *arguments)[1] == pytest.approx(numeric, rel=1e-4)


def test_order_tests_find_the_centre(main_answers: Simulator, study: Study) -> None:
    answers = main_answers("order", Effects({"order": {"centre": 60.0}}, participant_sd=0.1, clip_sd=0.1, lapse=0.0))
    task = next(t for t in study.tasks if t.id == "order")
    change, centre = order.tests(study, task, answers)  # pyright: ignore[reportArgumentType]
    assert change.estimate.value > 0
    assert centre.estimate.low < 60 < centre.estimate.high
    spread = order.intervals(answers, draws=50)
    assert spread is not None
    assert spread.pss[0] < centre.estimate.value < spread.pss[1]


def test_d_prime_is_that_of_the_textbook(study: Study, main_answers: Simulator) -> None:
    task = next(t for t in study.tasks if isinstance(t, Discrimination) and t.id == "same")
    answers = main_answers("same", Effects({"same": {"angry": 1.5}}))
    [told] = discrimination.told_apart(study, task, answers)
    rights = [discrimination.right_of(list(a.shown.stimuli.values())) for a in answers]
    hits = sum(a.response == "different" for a, right in zip(answers, rights, strict=True) if right == "different")
    false = sum(a.response == "different" for a, right in zip(answers, rights, strict=True) if right == "same")
    differ, same = rights.count("different"), rights.count("same")
    expected = stats.norm.ppf((hits + 0.5) / (differ + 1)) - stats.norm.ppf((false + 0.5) / (same + 1))
    assert told.d_prime == pytest.approx(expected)
    assert told.right == hits + same - false
    assert told.answers == len(answers)


@given(values=st.lists(st.integers(0, 100), min_size=1, max_size=40))
def test_a_trace_at_even_steps_is_its_values(values: list[int]) -> None:
    text = " ".join(f"{100 * k}:{value}" for k, value in enumerate(values))
    assert trace.sampled(text).tolist() == values


def test_a_trace_holds_until_its_next_sample() -> None:
    assert trace.sampled("30:10 120:20 350:30").tolist() == [10, 10, 20, 20]


def test_courses_are_means_over_what_still_runs(study: Study, key: Key, main_answers: Simulator) -> None:
    task = next(t for t in study.tasks if isinstance(t, Trace))
    happy = [a for a in main_answers("course", Effects()) if a.shown.condition == "happy"][:2]
    first, second = replace(happy[0], response="0:10 100:20"), replace(happy[1], response="0:30 100:40 200:70")
    courses = trace.courses(study, task, [first, second])
    assert courses["happy"].tolist() == [20, 30, 70]
    assert list(courses) == ["happy"]
    assert trace.scored(study, task, [first]).scores.tolist() == [15]


def test_agreement_on_words_is_that_of_all_pairs(study: Study, main_answers: Simulator) -> None:
    task = next(t for t in study.tasks if isinstance(t, Free))
    answers = main_answers("words", Effects({"words": {"happy": 2.0}}))
    for found in free.labels(study, task, answers):
        words = [free.word(a.response) for a in answers if a.shown.condition == found.condition]
        pairs = [a == b for a, b in combinations(words, 2)]
        assert found.agreement == pytest.approx(np.mean(pairs))
        assert found.answers == len(words)
    assert free.word(" Very  HAPPY. ") == "very happy"


def test_own_words_are_counted(main_answers: Simulator) -> None:
    one = main_answers("emotion", Effects())[0]
    given_: list[Answer] = [replace(one, item="other", response=word) for word in ("Smug", "smug ", "", "odd")]
    assert own_words(given_) == [(one.shown.condition, "odd", 1), (one.shown.condition, "smug", 2)]
