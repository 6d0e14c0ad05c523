"""Answers by participants who never were, with effects that are known: they test the analysis, and plan studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from .analysis.key import ANCHOR, Key, Shown, read_key
from .analysis.psychometric import CENTRE
from .analysis.responses import ANSWER, INTENSITY, SIMULATED, Answer, items_of, write_responses
from .design import AnyTask, Study, load_study
from .lists import EQUAL, IN_STEP, LEFT, OTHER, OUT_OF_STEP, RIGHT, SOUND_EARLY, SOUND_LATE, choices, right_of
from .possible import STEP_MS
from .targets import targets
from .tasks import Comparison, Discrimination, Free, Identification, Mushra, Preference, Rating, Sync, Trace

WIDTH = "width"  # of a sync task's curve (standard deviation), ms
ANCHOR_QUALITY = -2.0
SLIDER_STEP = 15.0  # of 100, for one unit of quality
SHARPEST = 0.95  # share of "in sync" at a participant's own centre
UNDECIDED = 0.25  # a smaller advantage is called "no difference" where that may be answered
WORDS = ("calm", "tired", "curious", "bored")  # of people who label freely
TRACE_STEPS = 30  # of a simulated trace: three seconds
BEGAN = datetime(2000, 1, 1, tzinfo=UTC)  # so that nobody takes them for real


@dataclass(frozen=True)
class Effects:
    """What is true of simulated participants, in units of quality: the logit of a choice, the noise of a rating.

    A condition's quality is by how much it is preferred, rated higher, or how clearly its emotion stands out. A sync
    task has a centre and a width (standard deviation) in ms instead.
    """

    by_task: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    participant_sd: float = 0.5  # how far participants differ in what they make of a condition
    clip_sd: float = 0.3  # and clips
    lapse: float = 0.02  # share of answers given at random
    careless: float = 0.0  # share of participants who answer everything at random

    def of(self, task: str, name: str, default: float = 0.0) -> float:
        """A task's effect by name."""
        return self.by_task.get(task, {}).get(name, default)


def parse_effects(texts: Sequence[str], study: Study) -> dict[str, dict[str, float]]:
    """Effects by task from `happy=0.8` (all tasks that show it), `fits:happy=0.8`, `sync:centre=60`.

    Raises InputError for what the design does not have.
    """
    effects: dict[str, dict[str, float]] = {task.id: {} for task in study.tasks}
    for text in texts:
        where, _, number = text.partition("=")
        one, colon, name = where.rpartition(":")
        try:
            value = float(number)
        except ValueError:
            value = float("nan")
        if not np.isfinite(value):
            raise InputError(f"--effect {text}: expected CONDITION=NUMBER or TASK:NAME=NUMBER")
        takers = [t for t in study.tasks if name in _effect_names(study, t) and (not colon or t.id == one)]
        if not takers:
            names = sorted({n for t in study.tasks if not colon or t.id == one for n in _effect_names(study, t)})
            found = f"expected one of {', '.join(names)}" if names else f"expected a task of the design, found {one!r}"
            raise InputError(f"--effect {text}: {found}")
        if name == WIDTH and value <= 0:
            raise InputError(f"--effect {text}: expected a width above 0 ms")
        for task in takers:
            effects[task.id][name] = value
    return effects


def simulate_study(folder: Path, out: Path, effects: Sequence[str], *, seed: int, options: Effects) -> int:
    """Answer a built study, one simulated participant per list, into the CSV file `out`; how many answers there are.

    `options` gives everything but the effects. Raises InputError.
    """
    study, key = load_study(folder / "study.yaml"), read_key(folder)
    given = replace(options, by_task=parse_effects(effects, study))
    answers = simulate(study, key, given, rng=np.random.default_rng(seed))
    write_responses(out, answers)
    return len(answers)


def simulate(study: Study, key: Key, effects: Effects, *, rng: np.random.Generator) -> list[Answer]:
    """Answers of one participant per list in `key`, in the order of the lists."""
    crowd = _Crowd(study, effects, rng)
    lists: dict[int, list[Shown]] = {}
    for shown in key.values():
        lists.setdefault(shown.list, []).append(shown)
    answers: list[Answer] = []
    for number, trials in lists.items():
        careless = rng.random() < effects.careless
        answers += crowd.answer_list(f"{SIMULATED}{number:03}", trials, careless=careless)
    return answers


class _Crowd:
    """Participants and clips, each with leanings of their own that are drawn when first needed."""

    def __init__(self, study: Study, effects: Effects, rng: np.random.Generator) -> None:
        self._effects = effects
        self._rng = rng
        self._tasks = {task.id: task for task in study.tasks}
        self._targets = {task.id: targets(study, task) for task in study.tasks if isinstance(task, Identification)}
        self._leanings: dict[tuple[str, ...], float] = {}

    def answer_list(self, who: str, trials: Sequence[Shown], *, careless: bool) -> list[Answer]:
        """All answers of one participant."""
        answers: list[Answer] = []
        spent = 0.0
        for shown in trials:
            task = self._tasks[shown.task]
            given = self._answer_trial(who, task, shown, careless=careless)
            for item, response in given.items():
                took = float(np.exp(self._rng.normal(7.8, 0.4)))  # log-normal, about 2.4 s
                spent += took
                received = (BEGAN + timedelta(milliseconds=spent)).isoformat(timespec="milliseconds")
                answers.append(Answer(who, shown, item, response, round(took), received))
        return answers

    def _answer_trial(self, who: str, task: AnyTask, shown: Shown, *, careless: bool) -> dict[str, str]:
        if careless or self._rng.random() < self._effects.lapse:
            given = {item: self._at_random(task, item) for item in items_of(task, shown)}
            return given | ({OTHER: WORDS[0] if given[ANSWER] == OTHER else ""} if OTHER in given else {})
        if shown.phase == "catch":
            given = dict.fromkeys(items_of(task, shown), shown.expected)
            if isinstance(task, Trace):
                given[ANSWER] = f"0:50 {STEP_MS}:{shown.expected}"
            return given | {item: text for item, text in ((INTENSITY, "50"), (OTHER, "")) if item in given}
        return self._answer_main(who, task, shown)

    def _answer_main(self, who: str, task: AnyTask, shown: Shown) -> dict[str, str]:
        match task:
            case Preference():
                given = {ANSWER: self._prefer(who, task, shown)}
            case Rating():
                given = {ANSWER: self._rate(who, task, shown.clip, shown.condition, points=task.scale.points)}
            case Identification():
                given = self._identify(who, task, shown)
            case Sync():
                given = {ANSWER: self._judge(who, task, shown)}
            case Mushra():
                names = shown.stimuli.items()
                given = {file: self._rate(who, task, shown.clip, name, points=0) for file, name in names}
            case Discrimination():
                given = {ANSWER: self._tell_apart(who, task, shown)}
            case Free():
                given = {ANSWER: self._label(who, task, shown)}
            case Trace():
                level = int(self._rate(who, task, shown.clip, shown.condition, points=0))
                given = {ANSWER: _trace(level)}
        return given

    def _at_random(self, task: AnyTask, item: str) -> str:
        answers = WORDS if isinstance(task, Free) else choices(task)
        if answers and item == ANSWER:
            return answers[int(self._rng.integers(len(answers)))]
        value = int(self._rng.integers(101))
        return _trace(value) if isinstance(task, Trace) else str(value)

    def _quality(self, who: str, task: Comparison, clip: str, condition: str) -> float:
        """What a participant makes of a condition in a clip."""
        usual = ANCHOR_QUALITY if condition == ANCHOR else 0.0
        true = self._effects.of(task.id, condition, usual)
        return true + self._leaning(who, task.id, condition) + self._leaning(clip, task.id, condition, clip=True)

    def _leaning(self, whose: str, *what: str, clip: bool = False) -> float:
        """A participant's or clip's own deviation, the same whenever it is asked for."""
        name = ("clip" if clip else "person", whose, *what)
        if name not in self._leanings:
            sd = self._effects.clip_sd if clip else self._effects.participant_sd
            self._leanings[name] = float(self._rng.normal(0, sd))
        return self._leanings[name]

    def _prefer(self, who: str, task: Preference, shown: Shown) -> str:
        first, second = (self._quality(who, task, shown.clip, name) for name in shown.condition.split("/"))
        advantage = first - second + float(self._rng.logistic())
        if task.equal and abs(advantage) < UNDECIDED:
            return EQUAL
        first_is_left = shown.left == shown.condition.split("/")[0]
        return LEFT if (advantage > 0) == first_is_left else RIGHT

    def _rate(self, who: str, task: Comparison, clip: str, condition: str, *, points: int) -> str:
        general = self._leaning(who, task.id) + self._leaning(clip, task.id, clip=True)
        felt = general + self._quality(who, task, clip, condition) + float(self._rng.normal())
        if points:
            return str(int(np.clip(round((points + 1) / 2 + felt * (points - 1) / 6), 1, points)))
        return str(int(np.clip(round(50 + SLIDER_STEP * felt), 0, 100)))

    def _identify(self, who: str, task: Identification, shown: Shown) -> dict[str, str]:
        """The label that stands out most: all have the same chance where the target's effect is 0."""
        labels = choices(task)
        target = self._targets[task.id].get(shown.condition)
        strength = self._effects.of(task.id, shown.condition)
        drawn = [
            (label == target) * strength
            + self._leaning(who, task.id, shown.condition, label)
            + self._leaning(shown.clip, task.id, shown.condition, label, clip=True)
            + float(self._rng.gumbel())
            for label in labels
        ]
        given = {ANSWER: labels[int(np.argmax(drawn))]}
        if task.other:
            given[OTHER] = WORDS[0] if given[ANSWER] == OTHER else ""
        if task.intensity:
            given[INTENSITY] = str(int(np.clip(round(50 + SLIDER_STEP * (strength + self._rng.normal())), 0, 100)))
        return given

    def _judge(self, who: str, task: Sync, shown: Shown) -> str:
        """In step near a centre that differs a little between participants and clips."""
        width = self._effects.of(task.id, WIDTH, 120.0)
        own = self._leaning(who, task.id) + self._leaning(shown.clip, task.id, clip=True)
        offset = float(shown.condition) - self._effects.of(task.id, CENTRE) - own * width / 2
        if task.forced:
            return SOUND_LATE if offset + width * float(self._rng.normal()) > 0 else SOUND_EARLY
        if self._rng.random() < SHARPEST * np.exp(-(offset**2) / (2 * width**2)):
            return IN_STEP
        if not task.direction:
            return OUT_OF_STEP
        return SOUND_LATE if offset > 0 else SOUND_EARLY

    def _tell_apart(self, who: str, task: Discrimination, shown: Shown) -> str:
        """Right with the logit by which the two conditions' effects differ."""
        first, second = (self._effects.of(task.id, name) for name in shown.condition.split("/"))
        own = self._leaning(who, task.id, shown.condition) + self._leaning(
            shown.clip, task.id, shown.condition, clip=True
        )
        right = right_of(list(shown.stimuli.values()))
        if abs(first - second) + own + float(self._rng.logistic()) > 0:
            return right
        return next(one for one in choices(task) if one != right)

    def _label(self, who: str, task: Free, shown: Shown) -> str:
        """A word: the condition's own name as often as its effect says."""
        words = [shown.condition, *WORDS]
        strength = self._effects.of(task.id, shown.condition) + self._leaning(who, task.id, shown.condition)
        drawn = [(place == 0) * strength + float(self._rng.gumbel()) for place in range(len(words))]
        return words[int(np.argmax(drawn))]


def _trace(level: int) -> str:
    """From the middle to a level within a second, and there it stays."""
    return " ".join(f"{STEP_MS * k}:{round(50 + (level - 50) * min(1.0, k / 10))}" for k in range(TRACE_STEPS))


def _effect_names(study: Study, task: AnyTask) -> list[str]:
    if isinstance(task, Sync):
        return [CENTRE, WIDTH]
    if isinstance(task, Mushra) and task.anchor is not None:
        return [*study.conditions_of(task), ANCHOR]
    if isinstance(task, Discrimination):
        return list(dict.fromkeys(name for pair in study.pairs_of(task) for name in pair))
    return study.conditions_of(task)
