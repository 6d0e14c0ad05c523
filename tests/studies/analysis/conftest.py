"""A study of all tasks that is never rendered, and answers to it."""

from collections.abc import Callable

import numpy as np
import pytest
import yaml

from emosplat.studies.analysis.exclusions import apply_exclusions
from emosplat.studies.analysis.key import Key, key_of
from emosplat.studies.analysis.responses import Answer
from emosplat.studies.design import Study
from emosplat.studies.lists import make_lists
from emosplat.studies.simulate import Effects, simulate

DESIGN = """
title: Six clips
seed: 3
participants: 12
clips:
  - {id: c0, audio: none.wav}
  - {id: c1, audio: none.wav}
  - {id: c2, audio: none.wav}
  - {id: c3, audio: none.wav}
  - {id: c4, audio: none.wav}
  - {id: c5, audio: none.wav}
  - {id: p0, audio: none.wav, practice: true}
conditions: {happy: {emotion: happy}, angry: {emotion: angry}, theirs: {videos: "{clip}.mp4"}}
tasks:
  - {id: fits, type: preference, question: "?", equal: true, practice: 1, catch: 1}
  - {id: natural, type: rating, question: "?", conditions: [happy, angry], catch: 1}
  - id: slide
    type: rating
    question: "?"
    conditions: [happy, angry]
    scale: {points: 0}
    assignment: latin
    catch: 1
  - {id: emotion, type: identification, question: "?", labels: [Happy, angry, sad], other: true, catch: 1}
  - {id: sync, type: sync, question: "?", condition: happy, offsets_ms: [-300, -150, 0, 150, 300], catch: 1}
  - {id: quality, type: mushra, question: "?", conditions: [happy, angry], reference: happy, anchor: {}, catch: 1}
  - {id: apart, type: discrimination, question: "?", pairs: [[happy, angry]], catch: 1}
  - {id: same, type: discrimination, question: "?", continuum: [happy, angry], method: same_different}
  - id: order
    type: sync
    question: "?"
    condition: happy
    offsets_ms: [-300, -150, 0, 150, 300]
    direction: true
    forced: true
  - {id: words, type: free, question: "?", conditions: [happy, angry], catch: 1}
  - {id: course, type: trace, question: "?", conditions: [happy, angry], catch: 1}
"""


@pytest.fixture(scope="session")
def study() -> Study:
    return Study.model_validate(yaml.safe_load(DESIGN))


@pytest.fixture(scope="session")
def key(study: Study) -> Key:
    return key_of(study, make_lists(study))


Simulator = Callable[..., list[Answer]]


@pytest.fixture(scope="session")
def main_answers(study: Study, key: Key) -> Simulator:
    """Simulated answers of one task that the analysis uses."""

    def simulated(task: str, effects: Effects, seed: int = 0) -> list[Answer]:
        answers = simulate(study, key, effects, rng=np.random.default_rng(seed))
        return [a for a in apply_exclusions(answers, study, key).answers if a.shown.task == task]

    return simulated


CROSSED = """
title: 3 emotions x 2 intensities
seed: 4
participants: 12
clips: [{id: c0, audio: n.wav}, {id: c1, audio: n.wav}, {id: c2, audio: n.wav}, {id: c3, audio: n.wav}]
conditions:
  neutral: {}
  happy_low: {emotion: happy, intensity: 0.5}
  happy_high: {emotion: happy}
  angry_low: {emotion: angry, intensity: 0.5}
  angry_high: {emotion: angry}
  sad_low: {emotion: sad, intensity: 0.5}
  sad_high: {emotion: sad}
  filmed: {videos: "{clip}.mp4"}
tasks:
  - {id: natural, type: rating, question: "?", scale: {points: 0}, catch: 2}
  - {id: seen, type: identification, question: "?", labels: [happy, angry, sad]}
analysis: {equivalence: {natural: 5}, bayes: true}
"""


@pytest.fixture(scope="session")
def crossed_study() -> Study:
    """Six conditions are two factors; two stand beside them."""
    return Study.model_validate(yaml.safe_load(CROSSED))


@pytest.fixture(scope="session")
def crossed_key(crossed_study: Study) -> Key:
    return key_of(crossed_study, make_lists(crossed_study))
