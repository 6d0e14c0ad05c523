"""Effects of factors, against repeated-measures ANOVA, tables with closed formulas, and planted truths."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, stats
from statsmodels.stats.anova import AnovaRM
from statsmodels.stats.weightstats import DescrStatsW

from emosplat.studies.analysis.clusters import UNLIMITED, mean_of
from emosplat.studies.analysis.contrasts import Scored, mixed_effects
from emosplat.studies.analysis.crossed import Crossing
from emosplat.studies.analysis.evidence import PRIOR, bayes_factor, equivalence
from emosplat.studies.analysis.exclusions import apply_exclusions
from emosplat.studies.analysis.factorial import Factorial, Measure, factorial, factorials
from emosplat.studies.analysis.factors import layout_of
from emosplat.studies.analysis.headlines import results
from emosplat.studies.analysis.key import Key
from emosplat.studies.analysis.logistic import regress
from emosplat.studies.analysis.responses import Answer
from emosplat.studies.analysis.sensitivity import variants
from emosplat.studies.design import Study
from emosplat.studies.simulate import Effects, simulate

SIX = [f"{emotion}_{level}" for emotion in ("happy", "angry", "sad") for level in ("low", "high")]


def measure(people: int, clips: int, seed: int, *, effect: float = 0.0, binary: bool = False) -> Measure:
    """Scores in which participants differ, and high intensity is `effect` more."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, 0.6, (people, 6))
    cells = [(p, c, k) for p in range(people) for c in range(clips) for k in range(6)]
    felt = np.array([own[p, k] + effect * (k % 2) for p, _, k in cells]) + rng.normal(size=len(cells))
    scores = (felt > 0).astype(float) if binary else felt
    names = [SIX[k] for *_, k in cells]
    scored = Scored(scores, names, [f"p{p}" for p, *_ in cells], [f"c{c}" for _, c, _ in cells], (-9, 9), SIX)
    return Measure("rating", "points", scored, binary)


def of(scored: Scored, condition: str) -> np.ndarray:
    return scored.scores[np.array(scored.conditions) == condition]


def analysed(study: Study, one: Measure) -> Factorial:
    found = factorial(study, one)
    assert found is not None
    return found


def test_one_clip_is_a_repeated_measures_anova(crossed_study: Study) -> None:
    one = measure(10, 1, 0)
    scored = one.scored
    emotions, levels = zip(*(name.split("_") for name in scored.conditions), strict=True)
    table = pd.DataFrame({"y": scored.scores, "who": scored.participants, "emotion": emotions, "intensity": levels})
    expected = AnovaRM(table, "y", "who", within=["emotion", "intensity"]).fit().anova_table
    found = analysed(crossed_study, one).effects
    assert [e.f for e in found] == pytest.approx(expected["F Value"].tolist())
    assert found[1].p == pytest.approx(expected["Pr > F"].iloc[1])
    assert found[1].df2 == pytest.approx(9)
    assert 0.5 <= found[0].df1 / 2 <= 1  # Huynh and Feldt's epsilon of three levels


def test_difference_of_levels_is_that_of_means_with_its_effect_size(crossed_study: Study) -> None:
    one = measure(12, 6, 1, effect=1.0)
    found = analysed(crossed_study, one)
    contrast = next(c for c in found.contrasts if c.effect == "intensity")
    high = np.array([name.endswith("high") for name in one.scored.conditions])
    gap = one.scored.scores[high].mean() - one.scored.scores[~high].mean()
    assert contrast.test.name == "intensity: 1 - 0.5"
    assert contrast.difference.value == pytest.approx(gap)
    within = np.sqrt(np.mean([of(one.scored, name).var(ddof=1) for name in SIX]))
    assert contrast.size[0] == pytest.approx(gap / within, rel=0.01)
    assert contrast.test.estimate.p == pytest.approx(next(e for e in found.effects if e.name == "intensity").p)


def test_interaction_of_two_levels_is_a_difference_of_differences(crossed_study: Study) -> None:
    one = measure(12, 6, 2)
    kept = replace(one, scored=one.scored.only(["happy_low", "happy_high", "sad_low", "sad_high"]))
    contrast = analysed(crossed_study, kept).contrasts[-1]
    signs = {"happy_low": 1, "happy_high": -1, "sad_low": -1, "sad_high": 1}
    expected = sum(sign * of(kept.scored, name).mean() for name, sign in signs.items())
    assert contrast.test.name == "emotion x intensity: difference of differences"
    assert contrast.difference.value == pytest.approx(expected)


def test_penalized_odds_ratio_of_a_table_adds_a_half_to_each_cell() -> None:
    yes = np.repeat([1.0, 0.0, 1.0, 0.0], [9, 3, 5, 0])  # nobody says no to the second
    second = np.repeat([0.0, 1.0], [12, 5])
    found = regress(yes, np.column_stack([np.ones(17), second])).coefficients
    assert found == pytest.approx([np.log(9.5 / 3.5), np.log((5.5 / 0.5) / (9.5 / 3.5))])


def test_odds_ratio_is_planted_one_and_agrees_with_its_score_test(crossed_study: Study) -> None:
    found = analysed(crossed_study, measure(40, 12, 3, effect=0.8, binary=True))
    contrast = next(c for c in found.contrasts if c.effect == "intensity")
    share = stats.norm.cdf(0.8 / np.hypot(1, 0.6))
    assert contrast.size[1] < share / (1 - share) < contrast.size[2]
    test = next(e for e in found.effects if e.name == "intensity")
    assert contrast.test.estimate.p == pytest.approx(test.p)


def test_answers_that_are_all_alike_have_no_odds(crossed_study: Study) -> None:
    one = measure(12, 6, 4, binary=True)
    high = np.array([name == "sad_high" for name in one.scored.conditions])
    one.scored.scores[high] = 1.0
    found = analysed(crossed_study, one)
    assert found.alike == ["sad_high"]
    assert all(np.isnan(c.size[0]) and 0 < c.test.estimate.p <= 1 for c in found.contrasts)


def test_ratings_that_never_vary_prove_nothing(crossed_study: Study) -> None:
    one = measure(12, 6, 5)
    one.scored.scores[:] = 4.1
    found = analysed(crossed_study, one)
    assert [e.p for e in found.effects] == [1.0, 1.0, 1.0]
    assert {(c.test.estimate.p, c.difference.value, c.difference.se) for c in found.contrasts} == {(1.0, 0.0, 0.0)}
    layout = layout_of(crossed_study, SIX)
    assert layout is not None
    assert mixed_effects(one.scored, {"emotion": layout.columns(["emotion"], one.scored.conditions)}) is None


def test_planted_effects_are_found_in_both_measures_of_an_identification(
    crossed_study: Study, crossed_key: Key
) -> None:
    planted = {name: 3.0 if name.endswith("high") else 0.5 for name in SIX}
    effects = Effects({"seen": planted}, participant_sd=0.2, clip_sd=0.1)
    answers = simulate(crossed_study, crossed_key, effects, rng=np.random.default_rng(0))
    task = crossed_study.tasks[1]
    kept = [a for a in apply_exclusions(answers, crossed_study, crossed_key).answers if a.shown.task == "seen"]
    named, strength = factorials(crossed_study, task, kept)
    assert (named.measure.name, strength.measure.name) == ("named right", "strength")
    for found in (named, strength):
        p = {e.name: e.p_holm for e in found.effects}
        assert p["intensity"] < 0.05 < p["emotion"]  # of four clips only
    corrected = results(crossed_study, task, kept).corrected()
    assert corrected["intensity"] == next(e.p_holm for e in named.effects if e.name == "intensity")
    assert "intensity of strength" in corrected


def test_equivalence_is_that_of_two_one_sided_t_tests() -> None:
    y = np.random.default_rng(0).normal(0.1, 1, 40)
    found = mean_of(y, Crossing.of((p, "clip") for p in range(40)), null=0.0, limits=UNLIMITED)
    assert equivalence(found, 0.5) == pytest.approx(DescrStatsW(y).ttost_mean(-0.5, 0.5)[0])
    assert np.isnan(equivalence(replace(found, se=0.0), 0.5))


@pytest.mark.parametrize("mean", [0.0, 0.3, 0.8])
def test_bayes_factor_is_the_likelihood_of_t_over_a_cauchy_prior(mean: float) -> None:
    y = np.random.default_rng(1).normal(mean, 1, 20)
    found = mean_of(y, Crossing.of((p, "clip") for p in range(20)), null=0.0, limits=UNLIMITED)
    t = found.value / found.se

    def likely_and_expected(d: float) -> float:
        return float(stats.nct.pdf(t, 19, d * np.sqrt(20)) * stats.cauchy.pdf(d, scale=PRIOR))

    likely = integrate.quad(likely_and_expected, -6, 6, limit=200)[0]
    assert bayes_factor(found) == pytest.approx(likely / stats.t.pdf(t, 19), rel=1e-3)


def test_exclusions_are_undone_one_rule_at_a_time(crossed_study: Study, crossed_key: Key) -> None:
    answers = simulate(crossed_study, crossed_key, Effects(careless=0.5), rng=np.random.default_rng(1))
    early = [a for a in answers if a.participant != "sim.000" or a.shown.trial < 20]
    kept = apply_exclusions(early, crossed_study, crossed_key)
    found = variants(early, kept)
    assert next(iter(found)) == "nobody left out"
    assert len(found) == 3

    def people(some: list[Answer]) -> set[str]:
        return {a.participant for a in some}

    assert people(found["nobody left out"]) == {f"sim.{i:03}" for i in range(12)}
    assert "sim.000" not in people(found["only: answered less than 90 % of the trials"])
    assert people(found["only: failed 2 or more attention checks"]) > people(list(kept.answers))
    assert variants(list(kept.answers), apply_exclusions(list(kept.answers), crossed_study, crossed_key)) == {}
