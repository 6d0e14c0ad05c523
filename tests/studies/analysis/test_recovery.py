"""Planted effects are found, and where nothing was planted nothing is (1,000 studies: `benchmarks/studies.py`)."""

import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from emosplat.core.errors import InputError
from emosplat.studies.design import AnyTask, Study
from emosplat.studies.power import ALPHA, Power, plan_participants, simulated_results
from emosplat.studies.simulate import Effects, parse_effects

from .conftest import CROSSED, DESIGN

pytestmark = pytest.mark.slow

STUDIES = 60
NOTHING = {"sync": {"width": 1e6}, "order": {"width": 1e6}}  # the same answers at any offset
STRONG = {
    "fits": {"happy": 3.0},
    "natural": {"angry": 2.0},
    "slide": {"angry": 2.0},
    "emotion": {"happy": 4.0, "angry": 4.0},
    "sync": {"centre": 75.0},
    "quality": {"angry": 2.0},
    "apart": {"angry": 4.0},
    "same": {"angry": 4.0},
    "order": {"centre": 90.0},
    "course": {"angry": 2.0},
}
TASKS = list(STRONG)


@pytest.fixture
def design(tmp_path: Path) -> Path:
    path = tmp_path / "study.yaml"
    path.write_text(DESIGN)
    return path


def power_at(
    study: Study, task: AnyTask, effects: Effects, *, participants: int, studies: int, seed: int
) -> list[Power]:
    """Power of each test and effect of a task with this many participants, p corrected by Holm."""
    found: Counter[str] = Counter()
    for one in simulated_results(study, task, effects, participants=participants, studies=studies, seed=seed):
        found.update({name: int(p < ALPHA) for name, p in one.corrected().items()})
    return [Power(participants, name, count, studies) for name, count in found.items()]


@pytest.mark.parametrize("task", TASKS)
def test_false_positives_are_as_rare_as_promised(study: Study, task: str) -> None:
    one = next(t for t in study.tasks if t.id == task)
    effects = Effects(NOTHING, participant_sd=0.7, clip_sd=0.6)
    most = stats.binom.ppf(0.9999, STUDIES, ALPHA)
    false = sum(
        any(test.p_holm < ALPHA for test in found.tests if test.name != "centre")
        for found in simulated_results(study, one, effects, participants=12, studies=STUDIES, seed=1)
    )
    assert false <= most


def test_taking_clips_as_all_there_is_would_find_too_much(study: Study) -> None:
    """Otherwise the test above could not fail."""
    one = next(t for t in study.tasks if t.id == "quality")
    effects = Effects(participant_sd=0.2, clip_sd=1.5)
    studies = simulated_results(study, one, effects, participants=12, studies=STUDIES, seed=1)
    assert sum(found.tests[0].estimate.p_these < ALPHA for found in studies) > stats.binom.ppf(0.9999, STUDIES, ALPHA)


@pytest.mark.parametrize("task", TASKS)
def test_strong_effects_are_found(study: Study, task: str) -> None:
    one = next(t for t in study.tasks if t.id == task)
    effects = Effects(STRONG, participant_sd=0.3, clip_sd=0.1)
    powers = power_at(study, one, effects, participants=12, studies=10, seed=0)
    powers = [power for power in powers if power.test != "angry over theirs"]  # nothing was planted there
    assert powers
    assert all(power.share >= 0.9 for power in powers), powers


def test_slider_differences_are_recovered_without_bias(study: Study) -> None:
    one = next(t for t in study.tasks if t.id == "slide")
    effects = Effects({"slide": {"angry": 0.8}}, lapse=0.0)
    studies = simulated_results(study, one, effects, participants=12, studies=40, seed=2)
    found = np.array([one.tests[0].estimate.value for one in studies])
    assert abs(found.mean() - 0.8 * 15) < 4 * found.std() / np.sqrt(len(found)) + 0.3  # a slider ends at 0 and 100


def test_more_participants_give_more_power(study: Study) -> None:
    one = next(t for t in study.tasks if t.id == "natural")
    effects = Effects({"natural": {"angry": 0.5}}, clip_sd=0.1)
    few, many = (power_at(study, one, effects, participants=n, studies=40, seed=0)[0] for n in (4, 30))
    assert many.share > few.share
    assert many.interval[0] < many.share < many.interval[1]


def test_plan_stops_at_the_first_size_that_is_enough(study: Study, design: Path) -> None:
    plan = plan_participants(design, "slide", ["angry=1.5"], studies=20, options=Effects(clip_sd=0.1))
    assert plan.needed == plan.powers[-1].participants
    assert plan.powers[-1].share >= 0.8
    assert all(power.share < 0.8 for power in plan.powers[:-1])
    assert {power.test for power in plan.powers} == {"angry - happy"}


def test_plan_counts_only_tests_with_something_to_find(design: Path) -> None:
    plan = plan_participants(design, "fits", ["happy=9"], studies=10, options=Effects(participant_sd=0, clip_sd=0))
    assert {power.test for power in plan.powers} == {"happy over angry", "happy over theirs"}
    with pytest.raises(InputError, match="no test of fits has anything to find"):
        plan_participants(design, "fits", ["happy=0"])
    with pytest.raises(InputError, match="--test: expected one of angry - happy, found 'up'"):
        plan_participants(design, "slide", ["happy=1"], test="up")
    with pytest.raises(InputError, match="--task: expected one of fits, natural"):
        plan_participants(design, "none", ["happy=1"])


def test_few_clips_that_differ_are_never_enough(study: Study, tmp_path: Path) -> None:
    design = tmp_path / "study.yaml"
    design.write_text(re.sub(r"  - \{id: c[1-5], .*\n", "", DESIGN))
    options = Effects(clip_sd=3.0)
    plan = plan_participants(design, "slide", ["angry=0.5"], target=0.99, studies=20, options=options)
    assert plan.needed is None
    assert "more clips" in plan.line(0.99)


def test_effects_go_to_the_tasks_that_show_them(study: Study) -> None:
    effects = parse_effects(["happy=0.8", "natural:angry=-1", "sync:centre=60"], study)
    assert effects["fits"] == {"happy": 0.8}
    assert effects["natural"] == {"happy": 0.8, "angry": -1.0}
    assert effects["sync"] == {"centre": 60.0}


@pytest.mark.parametrize(
    "text", ["happy", "happy=", "happy=nan", "sad=1", "nothere:happy=1", "fits:centre=1", "width=0"]
)
def test_effects_that_the_design_does_not_have_are_refused(study: Study, text: str) -> None:
    with pytest.raises(InputError, match=f"--effect {text}: expected"):
        parse_effects([text], study)


def test_effects_of_factors_are_planned_for(tmp_path: Path) -> None:
    design = tmp_path / "study.yaml"
    design.write_text(CROSSED)
    high = [f"natural:{emotion}_high=3" for emotion in ("happy", "angry", "sad")]
    options = Effects(participant_sd=0.1, clip_sd=0)
    plan = plan_participants(design, "natural", high, studies=10, options=options)
    assert {power.test for power in plan.powers} == {"intensity"}  # the same in all emotions
    pair = "emotion: sad - happy"
    plan = plan_participants(design, "natural", ["happy_low=3", "happy_high=3"], test=pair, studies=10, options=options)
    assert {power.test for power in plan.powers} == {pair}
    assert plan.needed is not None
