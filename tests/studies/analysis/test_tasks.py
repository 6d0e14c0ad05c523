"""Each task's statistics on small data whose results are known."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from emosplat.studies.analysis import identification, mushra, preference, rating, sync
from emosplat.studies.analysis.contrasts import Scored, means, mixed_model
from emosplat.studies.analysis.key import Key, Shown
from emosplat.studies.analysis.responses import Answer
from emosplat.studies.design import Identification, Mushra, Preference, Rating, Study
from emosplat.studies.lists import IN_STEP, NONE_OF_THESE, OUT_OF_STEP
from emosplat.studies.simulate import Effects

from .conftest import Simulator


def shown(key: Key, task: str, condition: str = "all") -> list[Shown]:
    """Main trials of a task that show a condition."""
    return [s for s in key.values() if (s.task, s.condition, s.phase) == (task, condition, "main")]


def answered(trials: Sequence[Shown], responses: Sequence[str], item: str = "answer") -> list[Answer]:
    """One answer per trial, each by the participant who has the list."""
    return [Answer(f"p{s.list}", s, item, r, 1.0, "") for s, r in zip(trials, responses, strict=True)]


# ------------------------------------------------------------------------------------------------------- preference


def chosen(key: Key, pair: str, firsts: int, equal: int, n: int) -> list[Answer]:
    """`firsts` answers for the first of a pair wherever it stood, some without preference, the rest for the second."""
    trials = shown(key, "fits", pair)[:n]
    first = pair.partition("/")[0]
    side = [s.left == first for s in trials]
    wins = ["left" if left else "right" for left in side[:firsts]]
    losses = ["right" if left else "left" for left in side[firsts + equal :]]
    return answered(trials, [*wins, *["no difference"] * equal, *losses])


def test_preference_is_counted_for_conditions_and_not_for_sides(study: Study, key: Key) -> None:
    task = next(t for t in study.tasks if isinstance(t, Preference))
    answers = chosen(key, "happy/angry", firsts=14, equal=2, n=24)
    assert len({a.response for a in answers[:14]}) == 2  # both sides
    (pair,) = preference.pairs(study, task, answers)
    assert (pair.first, pair.second, pair.equal) == (14, 8, 2)
    test = stats.binomtest(14, 22)
    assert pair.p_binomial == pytest.approx(test.pvalue)
    assert pair.wilson == pytest.approx(tuple(test.proportion_ci(method="wilson")))
    (headline,) = preference.tests(study, task, answers)
    assert headline.estimate.value == pytest.approx((14 + 2 / 2) / 24)


def test_bradley_terry_of_two_is_the_logit_of_their_share(key: Key) -> None:
    strengths = preference.bradley_terry(chosen(key, "happy/angry", firsts=18, equal=0, n=24), draws=50)
    gap = strengths[0].value - strengths[1].value
    assert gap == pytest.approx(np.log(18 / 6), abs=0.01)  # the ridge pulls a little


def test_condition_that_always_won_has_no_strength(key: Key) -> None:
    answers = [a for pair in ("happy/angry", "happy/theirs") for a in chosen(key, pair, firsts=20, equal=0, n=20)]
    answers += chosen(key, "angry/theirs", firsts=12, equal=0, n=20)
    assert sorted(map(sorted, preference.groups(answers))) == [["angry", "theirs"], ["happy"]]
    assert preference.bradley_terry(answers, draws=20) == []


def test_interval_is_none_where_many_draws_have_a_condition_that_always_won(key: Key) -> None:
    answers = [a for pair in ("happy/angry", "happy/theirs") for a in chosen(key, pair, firsts=20, equal=0, n=20)]
    answers = answers[:-1] + chosen(key, "happy/theirs", firsts=0, equal=0, n=20)[-1:]
    answers += chosen(key, "angry/theirs", firsts=12, equal=0, n=20)
    assert preference.groups(answers) == [["happy", "angry", "theirs"]]
    strengths = preference.bradley_terry(answers, draws=40)
    assert np.isfinite([s.value for s in strengths]).all()
    assert np.isnan([s.low for s in strengths]).all()


def test_bradley_terry_finds_planted_strengths(main_answers: Simulator) -> None:
    effects = Effects({"fits": {"happy": 2.0, "angry": 1.0}}, participant_sd=0.2, clip_sd=0.0, lapse=0.0)
    strengths = {s.condition: s for s in preference.bradley_terry(main_answers("fits", effects), draws=200)}
    assert strengths["happy"].value > strengths["angry"].value > strengths["theirs"].value
    for name, true in (("happy", 1.0), ("angry", 0.0), ("theirs", -1.0)):
        assert strengths[name].low - 0.2 < true < strengths[name].high + 0.2


# --------------------------------------------------------------------------------------------------- rating, sliders


def test_headline_difference_is_that_of_the_means(study: Study, main_answers: Simulator) -> None:
    task = next(t for t in study.tasks if isinstance(t, Rating))
    answers = main_answers("natural", Effects({"natural": {"angry": 1.0}}))
    (test,) = rating.tests(study, task, answers)
    found = {m.condition: m.estimate.value for m in means(rating.scored(study, task, answers))}
    assert test.estimate.value == pytest.approx(found["angry"] - found["happy"])


def test_mixed_model_agrees_with_the_means_of_a_complete_crossing(study: Study, main_answers: Simulator) -> None:
    task = next(t for t in study.tasks if isinstance(t, Rating))
    answers = main_answers("natural", Effects({"natural": {"angry": 1.0}}))
    model = mixed_model(rating.scored(study, task, answers))
    (test,) = rating.tests(study, task, answers)
    assert model is not None
    assert model.converged
    assert "crossed random" in model.fitted
    (name, value, low, high) = model.effects[0]
    assert (name, model.reference) == ("angry", "happy")
    assert value == pytest.approx(test.estimate.value, abs=1e-6)
    assert low < value < high


def test_mixed_model_of_equal_scores_is_none() -> None:
    scored = Scored(np.full(4, 3.0), ["a", "b"] * 2, ["p", "p", "q", "q"], ["c"] * 4, (1.0, 7.0), ["a", "b"])
    assert mixed_model(scored) is None


@pytest.mark.slow
def test_signed_ranks_are_those_of_scipy(study: Study, main_answers: Simulator) -> None:
    task = next(t for t in study.tasks if isinstance(t, Mushra))
    answers = main_answers("quality", Effects({"quality": {"angry": 0.5}}))
    (rank,) = mushra.signed_ranks(study, task, answers)
    people = sorted({a.participant for a in answers})
    means_ = {
        (p, c): np.mean([a.number for a in answers if a.participant == p and a.shown.stimuli[a.item] == c])
        for p in people
        for c in ("happy", "angry")
    }
    expected = stats.wilcoxon([means_[p, "angry"] - means_[p, "happy"] for p in people])
    assert rank.p == pytest.approx(expected[1])


def test_sliders_are_checked_by_reference_and_anchor(study: Study, key: Key) -> None:
    task = next(t for t in study.tasks if isinstance(t, Mushra))
    given = {"happy": "95", "angry": "40", "anchor": "5"}
    pages = shown(key, "quality")[:4]
    answers = [Answer("p", s, item, given[s.stimuli[item]], 1.0, "") for s in pages for item in s.stimuli]
    assert mushra.checks(task, answers) == mushra.Checks(1.0, 1.0)
    wrong = [replace(a, response="0") if a.response == "95" and a.shown is pages[0] else a for a in answers]
    assert mushra.checks(task, wrong) == mushra.Checks(0.75, 0.75)


# ---------------------------------------------------------------------------------------------------- identification


def emotions(key: Key, happy: Sequence[str], angry: Sequence[str]) -> list[Answer]:
    trials = shown(key, "emotion", "happy")[: len(happy)] + shown(key, "emotion", "angry")[: len(angry)]
    return answered(trials, [*happy, *angry])


def test_targets_are_labels_whatever_their_case(study: Study) -> None:
    task = next(t for t in study.tasks if isinstance(t, Identification))
    assert identification.targets(study, task) == {"happy": "Happy", "angry": "angry"}  # other systems' have none


def test_unbiased_hit_rate_sees_through_a_favourite_answer(study: Study, key: Key) -> None:
    task = next(t for t in study.tasks if isinstance(t, Identification))
    right = identification.targets(study, task)
    found = identification.confusion(study, task, emotions(key, ["Happy"] * 10, ["Happy"] * 8 + ["angry"] * 2))
    happy, angry = identification.recognition(found, right)
    assert (happy.hits, happy.shown, angry.hits) == (10, 10, 2)
    assert happy.unbiased == pytest.approx(10**2 / (10 * 18))
    assert happy.unbiased_chance == pytest.approx(10 / 20 * 18 / 20)
    assert angry.unbiased == pytest.approx(2**2 / (10 * 2))
    assert angry.p_binomial == pytest.approx(stats.binomtest(2, 10, 1 / 4).pvalue)


def test_agreement_is_one_where_all_are_right_and_none_where_answers_are_exchanged(study: Study, key: Key) -> None:
    task = next(t for t in study.tasks if isinstance(t, Identification))
    right = identification.targets(study, task)
    perfect = emotions(key, ["Happy"] * 20, ["angry"] * 20)
    agreed = identification.agreement(identification.confusion(study, task, perfect), right, perfect)
    assert (agreed.kappa, agreed.alpha) == (pytest.approx(1.0), pytest.approx(1.0))
    half = emotions(key, ["Happy", "angry"] * 10, ["Happy", "angry"] * 10)
    agreed = identification.agreement(identification.confusion(study, task, half), right, half)
    assert agreed.kappa == pytest.approx(0.0)


def test_agreement_needs_something_to_agree_on(study: Study, key: Key) -> None:
    task = next(t for t in study.tasks if isinstance(t, Identification))
    same = emotions(key, [NONE_OF_THESE] * 10, [])
    found = identification.confusion(study, task, same)
    assert identification.agreement(found, identification.targets(study, task), same) == identification.Agreement(
        None, None
    )


# -------------------------------------------------------------------------------------------------------------- sync


@pytest.mark.parametrize("truth", [sync.Curve(0, 120, 0.9), sync.Curve(55, 90, 0.8), sync.Curve(-80, 150, 0.97)])
def test_curve_of_many_answers_is_found_again(truth: sync.Curve) -> None:
    offsets = np.repeat(np.arange(-400.0, 401, 100), 3000)
    yes = (np.random.default_rng(0).random(len(offsets)) < truth.at(offsets)).astype(float)
    found = sync.fit(offsets, yes)
    assert found is not None
    assert found.centre == pytest.approx(truth.centre, abs=5)
    assert found.sigma == pytest.approx(truth.sigma, rel=0.05)
    assert found.height == pytest.approx(truth.height, abs=0.03)


def test_window_is_the_width_at_half_height() -> None:
    curve = sync.Curve(20, 100, 0.9)
    floor = sync.SLIPS / 2
    ends = curve.at(np.array([20 - curve.window / 2, 20 + curve.window / 2])) - floor
    assert ends == pytest.approx((curve.at(np.array([20.0])) - floor) / 2 * np.ones(2))


def test_answers_that_do_not_fall_off_have_no_curve() -> None:
    offsets = np.repeat([-200.0, 0, 200], 30)
    assert sync.fit(offsets, np.zeros(90)) is None
    assert sync.fit(offsets, np.ones(90)) is None
    assert sync.fit(offsets, (offsets == 200).astype(float)) is None


@pytest.mark.slow
def test_most_intervals_hold_the_truth(key: Key) -> None:
    truth = sync.Curve(60, 130, 0.95)
    trials = [s for s in key.values() if s.task == "sync" and s.phase == "main"]
    p = truth.at(np.array([float(s.condition) for s in trials]))
    centres = windows = 0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        found = sync.intervals(answered(trials, [IN_STEP if rng.random() < q else OUT_OF_STEP for q in p]), draws=40)
        assert found is not None
        centres += found.centre[0] < truth.centre < found.centre[1]
        windows += found.window[0] < truth.window < found.window[1]
    assert min(centres, windows) >= 5
