"""Who sees what in which order: one list of trials per participant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from .counterbalance import arrange, full_pools, latin_pools, spread, turn_of, williams
from .design import AnyTask, Study
from .page.words import Words, english
from .stimuli import FROZEN, LOWPASS, Showing, Stimulus, blind_name, shifted
from .targets import targets
from .tasks import (
    NONE_OF_THESE,
    OTHER,
    Anchor,
    Discrimination,
    Free,
    Identification,
    Mushra,
    Preference,
    Rating,
    Sync,
    Trace,
)

Phase = Literal["practice", "main", "catch"]
LEFT, RIGHT, EQUAL = "left", "right", "no difference"
IN_STEP, OUT_OF_STEP = "in sync", "not in sync"
SOUND_EARLY, SOUND_LATE = "sound too early", "sound too late"
FIRST, SECOND, SAME, DIFFERENT = "A", "B", "same", "different"
COLOURS = ("violet", "green", "orange", "blue")  # words to type, in attention checks of free labels


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
    def right(self) -> str | None:
        """The answer that is right whatever participants think; None where there is none."""
        match self.task:
            case Sync() if self.condition == "+0":
                return None if self.task.forced else IN_STEP
            case Sync() if self.task.direction:
                return SOUND_LATE if self.condition.startswith("+") else SOUND_EARLY
            case Sync():
                return OUT_OF_STEP
            case Discrimination():
                return right_of([stimulus.left.condition for stimulus in self.stimuli])
            case _:
                return None

    def question(self, words: Words) -> str:
        """What is asked; an attention check says what to answer."""
        if self.expected is None:
            return self.task.question
        match self.task:
            case Mushra():
                return words["check_sliders"]
            case Trace():
                return words["check_trace"]
            case Rating() if not self.task.scale.points:
                return words["check_slider"]
            case Free():
                return words["check_word"].format(word=self.expected)
            case _:
                return words["check_answer"].format(answer=words.get(f"answer_{self.expected}", self.expected))

    def choices(self) -> list[str]:
        """The answers to choose from; none where there are sliders only."""
        return choices(self.task)


def choices(task: AnyTask) -> list[str]:
    """The answers that a task offers."""
    match task:
        case Preference():
            offered = [LEFT, RIGHT, *([EQUAL] if task.equal else [])]
        case Identification():
            more = [*([OTHER] if task.other else []), *([NONE_OF_THESE] if task.none_of_these else [])]
            offered = [*task.labels, *more]
        case Sync() if task.direction:
            offered = [SOUND_EARLY, *([] if task.forced else [IN_STEP]), SOUND_LATE]
        case Sync():
            offered = [IN_STEP, OUT_OF_STEP]
        case Rating():
            offered = [str(step) for step in range(1, task.scale.points + 1)]
        case Discrimination():
            offered = [FIRST, SECOND] if task.method == "abx" else [SAME, DIFFERENT]
        case Mushra() | Free() | Trace():
            offered = []
    return offered


def right_of(conditions: Sequence[str]) -> str:
    """The right answer of a discrimination that shows these conditions one after the other."""
    if len(conditions) == 3:
        return FIRST if conditions[2] == conditions[0] else SECOND
    return SAME if conditions[0] == conditions[1] else DIFFERENT


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
        case Preference() | Discrimination():
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
    names = levels(study, task)
    n = len(names)
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
        turn = turn_of(n, clip, level, participant=participant, repetition=repetition, latin=latin)
        row = participant * len(order) + position
        trials.append(_trial(study, task, "main", clips[clip], names[level], turn=turn, row=row))
    return trials


def _practice(study: Study, task: AnyTask, rng: np.random.Generator) -> list[Trial]:
    clips = [clip.id for clip in study.clips if clip.practice]
    names = levels(study, task)
    order = rng.permutation(len(names))
    return [
        _trial(study, task, "practice", clips[k % len(clips)], names[order[k % len(order)]], turn=k, row=k)
        for k in range(task.practice)
    ]


def _trial(study: Study, task: AnyTask, phase: Phase, clip: str, level: str, *, turn: int, row: int) -> Trial:
    match task:
        case Preference():
            first, second = (Showing(clip, condition) for condition in level.split("/"))
            stimuli = (Stimulus(first, second) if turn % 2 == 0 else Stimulus(second, first),)
        case Discrimination():
            stimuli = _told_apart(task, clip, level.split("/"), turn)
        case Sync():
            stimuli = (Stimulus(shifted(clip, task.condition, int(level))),)
        case Mushra():
            page = _page(study, task, clip)
            square = williams(len(page))
            stimuli = tuple(page[i] for i in square[row % len(square)])
        case _:
            stimuli = (Stimulus(Showing(clip, level)),)
    reference = None
    if isinstance(task, Mushra) and task.reference is not None:
        reference = Stimulus(Showing(clip, task.reference), open=True)
    return Trial(task, phase, clip, level, stimuli, reference)


def _told_apart(task: Discrimination, clip: str, pair: list[str], turn: int) -> tuple[Stimulus, ...]:
    """A, B and X, or one and another: four versions in turn. What is there twice has two names."""
    first, second = (Showing(clip, condition) for condition in (pair if turn % 2 == 0 else pair[::-1]))
    again = first if turn // 2 % 2 == 0 else second
    if task.method == "abx":
        return Stimulus(first), Stimulus(second), Stimulus(again, open=True)
    return Stimulus(first), Stimulus(again, open=True)


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
    answers = [answer for answer in trial.choices() if answer != OTHER]
    if isinstance(trial.task, Free):
        answers = COLOURS
    expected = str(rng.choice(answers)) if answers else "0"
    return replace(trial, phase="catch", expected=expected)


def served(trials: list[Trial], study: Study, words: Words | None = None) -> list[dict[str, Any]]:
    """A list as the participant's page reads it: blind names, and nothing about conditions or checks.

    `words`: the page's own, in the study's language; None: English.
    """
    return [_served(number, trial, study, words or english()) for number, trial in enumerate(trials)]


def _served(number: int, trial: Trial, study: Study, words: Words) -> dict[str, Any]:
    task = trial.task
    practice = trial.phase == "practice"
    page: dict[str, Any] = {
        "trial": number,
        "phase": "practice" if practice else "main",
        "task": task.id,
        "type": task.type,
        "instructions": task.instructions,
        "question": trial.question(words),
        "stimuli": [video_file(stimulus, study) for stimulus in trial.stimuli],
        "choices": trial.choices(),
    }
    match task:
        case Mushra() if trial.reference is not None:
            page["reference"] = video_file(trial.reference, study)
        case Rating():
            page |= {"low": task.scale.low, "high": task.scale.high, "line": task.scale.line}
        case Trace():
            page |= {"low": task.low, "high": task.high}
        case Identification():
            page |= {"ask_intensity": task.intensity, "ask_other": task.other}
    if isinstance(task, Identification | Sync | Discrimination) and task.feedback:
        page["right"] = None
        if practice:
            told = isinstance(task, Identification)
            page["right"] = targets(study, task).get(trial.condition) if told else trial.right
    return page


def video_file(stimulus: Stimulus, study: Study) -> str:
    """Name of a stimulus's file in the served folder."""
    return f"{blind_name(stimulus, study.seed)}.mp4"
