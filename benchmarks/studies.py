"""Does the analysis of studies find what is there, and nothing where there is nothing? `python benchmarks/studies.py`.

1,000 simulated studies per task without any effect, then as many with one. Participants and clips differ in what they
make of each condition, as they do in life. False positives of the headline tests should be near 5 %, and 95 % intervals
should hold the truth in 95 %; beside them stand the tests that take clips, or all answers, as all there is.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import yaml
from numpy.typing import NDArray

from emosplat.studies.analysis.clusters import Test, wilson
from emosplat.studies.analysis.exclusions import apply_exclusions
from emosplat.studies.analysis.headlines import headline_tests
from emosplat.studies.analysis.identification import confusion, recognition
from emosplat.studies.analysis.key import key_of
from emosplat.studies.analysis.preference import pairs
from emosplat.studies.analysis.responses import Answer
from emosplat.studies.design import AnyTask, Study
from emosplat.studies.lists import IN_STEP, SOUND_LATE, make_lists
from emosplat.studies.simulate import SLIDER_STEP, TRACE_STEPS, Effects, simulate
from emosplat.studies.targets import targets
from emosplat.studies.tasks import Identification, Preference, Sync

PARTICIPANTS, CLIPS, ALPHA = 20, 8, 0.05
DESIGN = """
title: benchmark
seed: 7
participants: 0
clips: []
conditions: {happy: {emotion: happy}, angry: {emotion: angry}}
tasks:
  - {id: preference, type: preference, question: "?"}
  - {id: slider, type: rating, question: "?", scale: {points: 0}}
  - {id: latin, type: rating, question: "?", scale: {points: 0}, assignment: latin}
  - {id: identification, type: identification, question: "?", labels: [happy, angry, sad], intensity: false}
  - {id: sync, type: sync, condition: happy, question: "?", offsets_ms: [-300, -150, 0, 150, 300], assignment: latin}
  - {id: mushra, type: mushra, question: "?", anchor: {kind: frozen}}
  - {id: discrimination, type: discrimination, question: "?", pairs: [[happy, angry]], repetitions: 2}
  - id: order
    type: sync
    condition: happy
    question: "?"
    offsets_ms: [-300, -150, 0, 150, 300]
    assignment: latin
    direction: true
    forced: true
  - {id: trace, type: trace, question: "?"}
"""
FLAT = {"sync": {"width": 1e6}, "order": {"width": 1e6}}  # the same whatever the offset, so that there is no centre
CENTRED = {"sync": {"centre": 0.0}, "order": {"centre": 0.0}}
SOMETHING = {
    "preference": {"happy": 0.8},
    "slider": {"angry": 0.8},
    "latin": {"angry": 0.8},
    "identification": {"happy": 1.0, "angry": 1.0},
    "sync": {"centre": 60.0},
    "mushra": {"angry": 0.8},
    "discrimination": {"angry": 0.8},
    "order": {"centre": 60.0},
    "trace": {"angry": 0.8},
}
RAMP = float(np.mean(np.minimum(np.arange(TRACE_STEPS) / 10, 1)))  # a simulated trace comes from the middle


@dataclass
class Tally:
    """How often, in how many studies."""

    studies: int = 0
    clustered: int = 0
    participants: int = 0
    independent: int = 0
    covered: int = 0
    total: float = 0.0

    def line(self, name: str, truth: float | None, *, plain: bool) -> str:
        """The row of one test."""
        columns = [self.clustered, self.participants, *([self.independent] if plain else [])]
        shares = "  ".join(f"{share(count, self.studies):24}" for count in columns)
        if truth is None:
            return f"{name:44} {shares}"
        mean = self.total / self.studies
        return f"{name:44} {mean:8.3f} (true {truth:.3f})  held by {share(self.covered, self.studies)}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=1000)
    parser.add_argument("--participants", type=int, default=PARTICIPANTS)
    parser.add_argument("--clips", type=int, default=CLIPS)
    parser.add_argument("--task", action="append", help="one of the tasks; all if none is named")
    options = parser.parse_args()
    study = design(options.participants, options.clips)
    if options.task:
        study = study.model_copy(update={"tasks": [task for task in study.tasks if task.id in options.task]})
    print(f"{options.studies} studies per task, {options.participants} participants, {options.clips} clips")
    print("\nno effect: p < .05 in %; over participants and clips (headline), participants alone, answers (binomial)")
    report_nothing(study, options.studies, Effects())
    print("\nneither effects nor differences between participants and clips: the same")
    report_nothing(study, options.studies, Effects(participant_sd=0, clip_sd=0))
    print("\nwith an effect: mean estimate, and how many 95 % intervals hold the truth")
    for task in study.tasks:
        effects = Effects(by_task=SOMETHING)
        report(study, task, effects, options.studies, truths=expected(study, effects))


def design(participants: int, clips: int) -> Study:
    """The studies that are simulated."""
    values = yaml.safe_load(DESIGN)
    values["clips"] = [{"id": f"c{i}", "audio": "none.wav"} for i in range(clips)]
    return Study.model_validate(values | {"participants": participants})


def report_nothing(study: Study, studies: int, effects: Effects) -> None:
    """Studies in which every significant result is a false one."""
    for task in study.tasks:
        report(study, task, replace(effects, by_task=FLAT), studies, leave_out="centre")
    for task in study.tasks:
        if isinstance(task, Sync):
            report(study, task, replace(effects, by_task=CENTRED), studies, leave_out=(IN_STEP, SOUND_LATE))


def report(
    study: Study,
    task: AnyTask,
    effects: Effects,
    studies: int,
    *,
    truths: Mapping[str, float] | None = None,
    leave_out: str | tuple[str, ...] = "no test",
) -> None:
    """Print a row per test of one task: how often it found something, or with `truths` how near it was to them."""
    began = time.process_time()
    tallies: dict[str, Tally] = {}
    for tests, plain in run(study, task, effects, studies):
        for test in tests:
            tally = tallies.setdefault(test.name, Tally())
            truth = (truths or {}).get(f"{task.id}: {test.name}", test.null)
            tally.studies += 1
            tally.clustered += test.estimate.p < ALPHA
            tally.participants += test.estimate.p_these < ALPHA
            tally.independent += plain.get(test.name, 1.0) < ALPHA
            tally.covered += test.estimate.low <= truth <= test.estimate.high
            tally.total += test.estimate.value
    for name, tally in tallies.items():
        full = f"{task.id}: {name}"
        if not name.startswith(leave_out) and (truths is None or full in truths):
            plain = isinstance(task, Preference | Identification)
            print(tally.line(full, None if truths is None else truths[full], plain=plain), flush=True)
    print(f"{'':44} {1000 * (time.process_time() - began) / studies:.0f} ms of processor time per study", flush=True)


def run(study: Study, task: AnyTask, effects: Effects, studies: int) -> Iterator[tuple[list[Test], dict[str, float]]]:
    """Headline tests and exact binomial p-values of one simulated study after the other."""
    study = study.model_copy(update={"tasks": [task]})
    key = key_of(study, make_lists(study))
    for number in range(studies):
        answers = simulate(study, key, effects, rng=np.random.default_rng(number))
        kept = apply_exclusions(answers, study, key).answers
        tests = headline_tests(study, task, kept)
        yield tests, dict(zip((test.name for test in tests), binomial(study, task, kept), strict=False))


def binomial(study: Study, task: AnyTask, answers: Sequence[Answer]) -> list[float]:
    """p-values that take all answers as independent, in the order of the tests."""
    match task:
        case Preference():
            return [pair.p_binomial for pair in pairs(study, task, answers)]
        case Identification():
            right = targets(study, task)
            return [one.p_binomial for one in recognition(confusion(study, task, answers), right)]
        case _:
            return []


def expected(study: Study, effects: Effects, draws: int = 1_000_000) -> dict[str, float]:
    """What is true of the population, by test: from the simulation's formulas, with a million draws where needed."""
    rng = np.random.default_rng(0)
    sd = float(np.hypot(effects.participant_sd, effects.clip_sd))
    attentive, guess = 1 - effects.lapse, effects.lapse
    advantage = 0.8 + sd * np.sqrt(2) * rng.normal(size=draws)
    told = 0.8 + sd * rng.normal(size=draws)
    drawn = sd * rng.normal(size=(draws, 4)) + rng.gumbel(size=(draws, 4)) + np.array([1.0, 0, 0, 0])
    named = attentive * float(np.mean(drawn.argmax(axis=1) == 0)) + guess / 4
    felt = sd * rng.normal(size=draws) + np.hypot(1, sd) * rng.normal(size=draws)
    apart = attentive * float(np.mean(slider(felt + 0.8)) - np.mean(slider(felt)))
    return {
        "preference: happy over angry": attentive * float(np.mean(1 / (1 + np.exp(-advantage)))) + guess / 2,
        "slider: angry - happy": apart,
        "latin: angry - happy": apart,
        "mushra: angry - happy": apart,
        "identification: happy named happy": named,
        "identification: angry named angry": named,
        "sync: centre": 60.0,
        "order: centre": 60.0,
        "discrimination: happy from angry": attentive * float(np.mean(1 / (1 + np.exp(-told)))) + guess / 2,
        "trace: angry - happy": RAMP * apart,
    }


def slider(felt: NDArray[np.float64]) -> NDArray[np.float64]:
    """0 to 100 from what was felt."""
    return np.clip(50 + SLIDER_STEP * felt, 0, 100)


def share(count: int, studies: int) -> str:
    """A share with Wilson's interval, in %."""
    low, high = wilson(count, studies)
    return f"{100 * count / studies:.1f} ({100 * low:.1f} to {100 * high:.1f})"


if __name__ == "__main__":
    main()
