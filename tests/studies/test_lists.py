"""Lists: reproducible, balanced, and silent about conditions."""

import json
from pathlib import Path

import pytest
import yaml

from emosplat.studies.balance import check_balance, first_is_left
from emosplat.studies.design import Study, load_study
from emosplat.studies.example import TEMPLATE
from emosplat.studies.lists import all_stimuli, make_list, make_lists, served
from emosplat.studies.page.words import english

from .conftest import DESIGN, write_design


@pytest.fixture(scope="module")
def study() -> Study:
    return load_study(TEMPLATE)


def test_the_example_is_balanced_as_it_says(study: Study) -> None:
    for count in check_balance(study, make_lists(study)):
        if ("clip" in count.what and "row" not in count.what) or "condition " in count.what or "side" in count.what:
            assert count.exact, count.line()
        if count.what == "left minus right, per participant":
            assert (count.fewest, count.most) == (0, 0)


def test_balance_notices_a_spoilt_list(study: Study) -> None:
    lists = make_lists(study)
    fits = [t for t in lists[0] if t.task.id == "fits" and t.phase == "main"]
    lists[0] = [fits[0] if t is fits[1] else t for t in lists[0]]
    spoilt = {c.what for c in check_balance(study, lists) if c.task == "fits" and not c.exact}
    assert "clip x condition" in spoilt


def test_a_list_depends_on_nothing_but_seed_and_number(study: Study) -> None:
    more = study.model_copy(update={"participants": study.participants + 10})
    assert make_list(study, 3) == make_list(more, 3)
    other = study.model_copy(update={"seed": study.seed + 1})
    assert make_list(study, 3) != make_list(other, 3)


def test_practice_comes_first_and_checks_say_what_to_answer(study: Study) -> None:
    for trials in make_lists(study)[:5]:
        for task in study.tasks:
            phases = [t.phase for t in trials if t.task.id == task.id]
            assert phases[: task.practice] == ["practice"] * task.practice
            assert phases.count("practice") == task.practice
            assert phases.count("catch") == task.catch
        for trial in trials:
            if trial.phase == "catch":
                assert trial.expected is not None
                assert trial.expected in trial.question(english())
                assert trial.expected in trial.choices()


def test_what_is_served_tells_no_condition(study: Study) -> None:
    conditions = set(study.conditions) - {"neutral", "happy", "angry"}  # these are also labels to choose from
    assert not conditions
    renamed = {"cond_" + name: condition for name, condition in study.conditions.items()}
    text = study.model_dump_json()
    for name in study.conditions:
        text = text.replace(f'"conditions":["{name}"', f'"conditions":["cond_{name}"')
    study = Study.model_validate(
        {
            **study.model_dump(),
            "conditions": {k: v.model_dump(exclude_unset=True) for k, v in renamed.items()},
            "tasks": [
                {
                    **task.model_dump(exclude_unset=True),
                    **({"condition": "cond_neutral"} if task.type == "sync" else {"conditions": None}),
                }
                for task in study.tasks
            ],
        }
    )
    for trials in make_lists(study)[:4]:
        page = json.dumps(served(trials, study))
        assert "cond_" not in page
        assert "catch" not in page
        assert "frozen" not in page


def test_names_are_blind_and_sorted_by_chance(study: Study) -> None:
    stimuli = all_stimuli(make_lists(study), study.seed)
    assert list(stimuli) == sorted(stimuli)
    assert all(name[0] == "v" and len(name) == 16 for name in stimuli)
    assert len(set(stimuli.values())) == len(stimuli)
    again = all_stimuli(make_lists(study), study.seed + 1)
    assert not set(stimuli) & set(again)


def test_sides_are_named_after_the_first_of_the_pair(study: Study) -> None:
    trials = [t for t in make_list(study, 0) if t.task.type == "preference"]
    for trial in trials:
        left, right = (showing.condition for showing in trial.stimuli[0].showings)
        assert trial.condition in (f"{left}/{right}", f"{right}/{left}")
        assert first_is_left(trial) == (trial.condition == f"{left}/{right}")


def test_the_example_lists_are_in_the_file(study: Study) -> None:
    assert Path(TEMPLATE).is_file()
    assert len(make_lists(study)) == study.participants == 30


TELLING = """
title: Telling apart
seed: 4
participants: 8
clips:
  - {id: a, audio: none.wav}
  - {id: b, audio: none.wav}
  - {id: c, audio: none.wav}
  - {id: d, audio: none.wav}
conditions: {m0: {emotion: happy}, m1: {emotion: sad}, m2: {emotion: angry}}
tasks:
  - {id: abx, type: discrimination, question: "?", continuum: [m0, m1, m2]}
  - {id: far, type: discrimination, question: "?", continuum: [m0, m1, m2], step: 2, method: same_different}
"""


def test_discrimination_shows_every_order_of_every_pair_equally_often() -> None:
    study = Study.model_validate(yaml.safe_load(TELLING))
    lists = make_lists(study)
    counts = {(count.task, count.what): count for count in check_balance(study, lists)}
    for task in ("abx", "far"):
        assert counts[task, "clip x condition"].exact
        assert counts[task, "pair x order of videos"].exact
    assert {t.condition for t in lists[0] if t.task.id == "abx"} == {"m0/m1", "m1/m2"}
    assert {t.condition for t in lists[0] if t.task.id == "far"} == {"m0/m2"}


def test_a_morph_is_a_continuum() -> None:
    values = yaml.safe_load(TELLING) | {"conditions": {"mix": {"morph": {"from": "happy", "to": "angry", "steps": 4}}}}
    values["tasks"] = [{"id": "abx", "type": "discrimination", "question": "?", "continuum": ["mix"], "step": 2}]
    study = Study.model_validate(values)
    assert study.pairs_of(study.tasks[0]) == [("mix_1", "mix_3"), ("mix_2", "mix_4")]  # pyright: ignore[reportArgumentType]
    assert {t.condition for t in make_lists(study)[0]} == {"mix_1/mix_3", "mix_2/mix_4"}


def test_what_is_there_twice_has_two_names() -> None:
    study = Study.model_validate(yaml.safe_load(TELLING))
    for trials in make_lists(study):
        for trial, page in zip(trials, served(trials, study), strict=True):
            assert len(set(page["stimuli"])) == len(page["stimuli"]) == (3 if page["task"] == "abx" else 2)
            shown = [stimulus.left.condition for stimulus in trial.stimuli]
            if page["task"] == "abx":
                assert trial.right == ("A" if shown[2] == shown[0] else "B")
            else:
                assert trial.right == ("same" if shown[1] == shown[0] else "different")


def test_right_answers_are_told_in_practice_alone(tmp_path: Path) -> None:
    design = DESIGN.replace("labels: [glad, sad]}", "labels: [happy, sad], practice: 1, feedback: true}")
    design = design.replace("offsets_ms: [-250, 0, 250]}", "offsets_ms: [-250, 0, 250], practice: 3, feedback: true}")
    study = load_study(write_design(tmp_path, design))
    pages = served(make_list(study, 0), study)
    told = {
        page["phase"]: [p["right"] for p in pages if "right" in p and p["phase"] == page["phase"]] for page in pages
    }
    assert sorted(told["practice"]) == ["happy", "in sync", "not in sync", "not in sync"]
    assert set(told["main"]) == {None}
