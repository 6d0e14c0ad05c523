"""Who stays: exactly those whom the design lets stay."""

from dataclasses import replace

import numpy as np
import pytest

from emosplat.studies.analysis.exclusions import apply_exclusions
from emosplat.studies.analysis.key import Key
from emosplat.studies.analysis.responses import Answer
from emosplat.studies.design import Study
from emosplat.studies.simulate import Effects, simulate


@pytest.fixture
def attentive(study: Study, key: Key) -> list[Answer]:
    """One participant who passes all checks."""
    answers = simulate(study, key, Effects(lapse=0.0), rng=np.random.default_rng(0))
    return [a for a in answers if a.shown.list == 0]


def fail(answers: list[Answer], tasks: set[str]) -> list[Answer]:
    """The same answers with the checks of these tasks answered wrongly."""
    wrong = {"left": "right", "right": "left", "no difference": "left"}
    return [
        replace(a, response=wrong.get(a.response, "77" if a.shown.expected == "0" else "sad"))
        if a.shown.phase == "catch" and a.shown.task in tasks
        else a
        for a in answers
    ]


def test_attentive_participant_stays(study: Study, key: Key, attentive: list[Answer]) -> None:
    kept = apply_exclusions(attentive, study, key)
    assert not kept.left_out
    assert kept.stayed[0].checks == sum(task.catch for task in study.tasks) == 9
    assert {a.shown.phase for a in kept.answers} == {"main"}
    assert len(kept.answers) == sum(a.shown.phase == "main" for a in attentive)


def test_one_failed_check_is_forgiven_and_two_are_not(study: Study, key: Key, attentive: list[Answer]) -> None:
    assert apply_exclusions(fail(attentive, {"fits"}), study, key).stayed[0].failed == 1
    left_out = apply_exclusions(fail(attentive, {"fits", "slide"}), study, key).left_out
    assert left_out[0].failed == 2
    assert left_out[0].reasons == ["failed 2 or more attention checks"]


def test_page_of_sliders_is_one_check(study: Study, key: Key, attentive: list[Answer]) -> None:
    assert apply_exclusions(fail(attentive, {"quality"}), study, key).stayed[0].failed == 1


def test_slider_may_be_a_little_off(study: Study, key: Key, attentive: list[Answer]) -> None:
    nearly = [
        replace(a, response="5") if a.shown.phase == "catch" and a.shown.expected == "0" else a for a in attentive
    ]
    assert apply_exclusions(nearly, study, key).stayed[0].failed == 0


def test_who_left_early_is_left_out(study: Study, key: Key, attentive: list[Answer]) -> None:
    trials = sorted({a.shown.trial for a in attentive if a.shown.phase == "main"})
    nine_tenths = trials[: -(-len(trials) * 9 // 10)]
    enough = [a for a in attentive if a.shown.trial in nine_tenths]
    assert not apply_exclusions(enough, study, key).left_out
    too_few = [a for a in enough if a.shown.trial != nine_tenths[0]]
    assert apply_exclusions(too_few, study, key).left_out[0].reasons == ["answered less than 90 % of the trials"]


def test_who_answers_at_random_is_found(study: Study, key: Key) -> None:
    answers = simulate(study, key, Effects(careless=1.0), rng=np.random.default_rng(1))
    assert len(apply_exclusions(answers, study, key).left_out) >= 10


def test_bad_timing_leaves_out_if_the_design_says_so(study: Study, key: Key, attentive: list[Answer]) -> None:
    bad = [replace(a, timing={"frames": 90, "dropped_frames": 10, "stalled_ms": 300}) for a in attentive]
    kept = apply_exclusions(bad, study, key)
    assert not kept.left_out
    assert kept.stayed[0].dropped == 0.1
    assert kept.stayed[0].stalled > 20
    for share, left in ((0.1, 1), (0.11, 0)):
        rule = study.exclusion.model_copy(update={"dropped_frames": share})
        found = apply_exclusions(bad, study.model_copy(update={"exclusion": rule}), key)
        assert len(found.left_out) == left
    assert found.participants[0].reasons == []
    assert apply_exclusions(attentive, study.model_copy(update={"exclusion": rule}), key).stayed[0].dropped is None
