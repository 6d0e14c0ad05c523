"""Who sees what in which order: one list of trials per participant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from .counterbalance import arrange, full_pools, latin_pools, left_first, spread, williams
from .design import Anchor, AnyTask, Identification, Mushra, Preference, Rating, Study, Sync
from .stimuli import FROZEN, LOWPASS, Showing, Stimulus, blind_name, shifted

Phase = Literal["practice", "main", "catch"]
NONE_OF_THESE = "none of these"
LEFT, RIGHT, EQUAL = "left", "right", "no difference"
IN_STEP, OUT_OF_STEP = "in sync", "not in sync"
SOUND_EARLY, SOUND_LATE = "sound too early", "sound too late"


@dataclass(frozen=True)
class Trial:
    """One page of a participant's list."""

    task: AnyTask
    phase: Phase
    clip: str
    condition: str  # its level: a condition, a pair "a/b", an offset "+240", or "all"
    stimuli: tuple[Stimulus, ...]  # one, or all of a page of sliders
    reference: Stimulus | None = None  # shown openly beside them
    expected: str | None = None  # what an attentive participant answers to a check

    @property
    def question(self) -> str:
        """What is asked; an attention check says what to answer."""
        if self.expected is None:
            return self.task.question
        if isinstance(self.task, Mushra):
            return "This is an attention check. Please move all sliders to 0."
        if isinstance(self.task, Rating) and not self.task.scale.points:
            return "This is an attention check. Please move the slider to 0."
        return f"This is an attention check. Please answer: {self.expected}."

    def choices(self) -> list[str]:
        """The answers to choose from; none where there are sliders only."""
        return choices(self.task)


def choices(task: AnyTask) -> list[str]:
    """The answers that a task offers."""
    match task:
        case Preference():
            return [LEFT, RIGHT, *([EQUAL] if task.equal else [])]
        case Identification():
            return [*task.labels, *([NONE_OF_THESE] if task.none_of_these else [])]
        case Sync():
            return [SOUND_EARLY, IN_STEP, SOUND_LATE] if task.direction else [IN_STEP, OUT_OF_STEP]
        case Rating():
            return [str(step) for step in range(1, task.scale.points + 1)]
        case Mushra():
            return []


def make_list(study: Study, participant: int) -> list[Trial]:
    """All trials of one participant, task after task; the same for the same seed whatever the other lists are."""
    trials: list[Trial] = []
    for number, task in enumerate(study.tasks):
        rng = np.random.default_rng(np.random.SeedSequence(study.seed, spawn_key=(participant, number)))
        main = _main(study, task, participant, rng)
        checks = [_check(main[i], rng) for i in rng.permutation(len(main))[: task.catch]]
        trials += [*_practice(study, task, rng), *spread(main, checks)]
    return trials


def make_lists(study: Study) -> list[list[Trial]]:
    """The lists of all participants."""
    return [make_list(study, participant) for participant in range(study.participants)]


def levels(study: Study, task: AnyTask) -> list[str]:
    """What a task varies from trial to trial."""
    match task:
        case Preference():
            return [f"{a}/{b}" for a, b in study.pairs_of(task)]
        case Sync():
            return [f"{ms:+d}" for ms in task.offsets_ms]
        case Mushra():
            return ["all"]
        case _:
            return study.conditions_of(task)


def all_stimuli(lists: Iterable[list[Trial]], seed: int) -> dict[str, Stimulus]:
    """Every stimulus of the lists once by its blind name, in the order of these names."""
    found = {s for trials in lists for t in trials for s in (*t.stimuli, *([t.reference] if t.reference else []))}
    return dict(sorted((blind_name(stimulus, seed), stimulus) for stimulus in found))


def _main(study: Study, task: AnyTask, participant: int, rng: np.random.Generator) -> list[Trial]:
    clips = [clip.id for clip in study.shown]
    n = len(levels(study, task))
    latin = task.assignment == "latin"
    if latin:
        pools = latin_pools(n, len(clips), participant=participant, repetitions=task.repetitions)
    else:
        pools = full_pools(n, len(clips), repetitions=task.repetitions)
    order = arrange(pools, participant=participant, max_run=task.max_run, rng=rng)
    seen: dict[tuple[int, int], int] = {}
    trials: list[Trial] = []
    for position, (clip, level) in enumerate(order):
        repetition = seen[clip, level] = seen.get((clip, level), -1) + 1
        left = left_first(n, clip, level, participant=participant, repetition=repetition, latin=latin)
        row = participant * len(order) + position
        trials.append(_trial(study, task, "main", clips[clip], level, left=left, row=row))
    return trials


def _practice(study: Study, task: AnyTask, rng: np.random.Generator) -> list[Trial]:
    clips = [clip.id for clip in study.clips if clip.practice]
    order = rng.permutation(len(levels(study, task)))
    return [
        _trial(study, task, "practice", clips[k % len(clips)], int(order[k % len(order)]), left=k % 2 == 0, row=k)
        for k in range(task.practice)
    ]


def _trial(study: Study, task: AnyTask, phase: Phase, clip: str, level: int, *, left: bool, row: int) -> Trial:
    name = levels(study, task)[level]
    match task:
        case Preference():
            first, second = (Showing(clip, condition) for condition in study.pairs_of(task)[level])
            stimuli = (Stimulus(first, second) if left else Stimulus(second, first),)
        case Sync():
            stimuli = (Stimulus(shifted(clip, task.condition, task.offsets_ms[level])),)
        case Mushra():
            page = _page(study, task, clip)
            square = williams(len(page))
            stimuli = tuple(page[i] for i in square[row % len(square)])
        case _:
            stimuli = (Stimulus(Showing(clip, name)),)
    reference = None
    if isinstance(task, Mushra) and task.reference is not None:
        reference = Stimulus(Showing(clip, task.reference), open=True)
    return Trial(task, phase, clip, name, stimuli, reference)


def _page(study: Study, task: Mushra, clip: str) -> list[Stimulus]:
    """The stimuli of a page of sliders: the conditions, the hidden reference and the anchor, each once."""
    conditions = study.conditions_of(task)
    showings = [Showing(clip, condition) for condition in conditions]
    if task.reference is not None and task.reference not in conditions:
        showings.append(Showing(clip, task.reference))
    if task.anchor is not None:
        showings.append(_anchor(task.anchor, clip, task.reference or conditions[0]))
    return [Stimulus(showing) for showing in showings]


def _anchor(anchor: Anchor, clip: str, source: str) -> Showing:
    match anchor.kind:
        case "frozen":
            return Showing(clip, source, FROZEN)
        case "shifted":
            return shifted(clip, source, anchor.ms)
        case "lowpass":
            return Showing(clip, source, f"{LOWPASS}{anchor.hz}")


def _check(trial: Trial, rng: np.random.Generator) -> Trial:
    """The same video with a clear instruction in place of the question."""
    answers = trial.choices()
    expected = str(rng.choice(answers)) if answers else "0"
    return replace(trial, phase="catch", expected=expected)


def served(trials: list[Trial], study: Study) -> list[dict[str, Any]]:
    """A list as the participant's page reads it: blind names, and nothing about conditions or checks."""
    return [_served(number, trial, study) for number, trial in enumerate(trials)]


def _served(number: int, trial: Trial, study: Study) -> dict[str, Any]:
    task = trial.task
    page: dict[str, Any] = {
        "trial": number,
        "phase": "practice" if trial.phase == "practice" else "main",
        "task": task.id,
        "type": task.type,
        "instructions": task.instructions,
        "question": trial.question,
        "stimuli": [video_file(stimulus, study) for stimulus in trial.stimuli],
        "choices": trial.choices(),
    }
    if trial.reference is not None:
        page["reference"] = video_file(trial.reference, study)
    if isinstance(task, Rating):
        page |= {"low": task.scale.low, "high": task.scale.high}
    if isinstance(task, Identification):
        page["ask_intensity"] = task.intensity
    return page


def video_file(stimulus: Stimulus, study: Study) -> str:
    """Name of a stimulus's file in the served folder."""
    return f"{blind_name(stimulus, study.seed)}.mp4"
