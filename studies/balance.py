"""Are the lists as balanced as they should be? Counted on the finished lists, not believed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .design import AnyTask, Study
from .lists import Trial, levels
from .tasks import Discrimination, Preference

VERSIONS = 4  # of a discrimination: which of the pair comes first, and whether that is the one that comes again


@dataclass(frozen=True)
class Count:
    """How often the cells of one kind occur in all lists together."""

    task: str
    what: str
    fewest: int
    most: int

    @property
    def exact(self) -> bool:
        """Whether every cell occurs equally often."""
        return self.fewest == self.most

    def line(self) -> str:
        """For the table that a build prints."""
        found = f"{self.fewest}" if self.exact else f"{self.fewest} to {self.most}"
        return f"{self.task:20}  {self.what:34}  {found:>12}  {'balanced' if self.exact else ''}"


def check_balance(study: Study, lists: Sequence[Sequence[Trial]]) -> list[Count]:
    """Counts of the main trials: condition, clip, side, position in the round, and who follows whom."""
    counts: list[Count] = []
    for task in study.tasks:
        orders = [[t for t in trials if t.task.id == task.id and t.phase == "main"] for trials in lists]
        counts += _count_task(study, task, orders)
    return counts


def _count_task(study: Study, task: AnyTask, orders: list[list[Trial]]) -> list[Count]:
    names = levels(study, task)
    clips = [clip.id for clip in study.shown]
    trials = [t for order in orders for t in order]
    cells = [(c, n) for c in clips for n in names]
    counts = [_count(task, "clip x condition", cells, ((t.clip, t.condition) for t in trials))]
    if len(names) > 1:
        rounds = [order[i : i + len(names)] for order in orders for i in range(0, len(order), len(names))]
        places = [(n, k) for n in names for k in range(len(names))]
        seen = ((t.condition, k) for one in rounds for k, t in enumerate(one))
        counts.append(_count(task, "condition x position in round", places, seen))
        follow = [(a, b) for a in names for b in names if a != b]
        pairs = ((a.condition, b.condition) for one in rounds for a, b in pairwise(one))
        counts.append(_count(task, "condition follows condition", follow, pairs))
    if isinstance(task, Preference):
        sides = [(n, left) for n in names for left in (True, False)]
        counts.append(_count(task, "pair x side", sides, ((t.condition, first_is_left(t)) for t in trials)))
        per_list = [sum(first_is_left(t) for t in order) * 2 - len(order) for order in orders]
        counts.append(Count(task.id, "left minus right, per participant", min(per_list), max(per_list)))
    if isinstance(task, Discrimination):
        versions = [(n, v) for n in names for v in range(VERSIONS)]
        counts.append(_count(task, "pair x order of videos", versions, ((t.condition, version(t)) for t in trials)))
    again = [sum(a.clip == b.clip for a, b in pairwise(order)) for order in orders]
    counts.append(Count(task.id, "same clip twice in a row", min(again), max(again)))
    runs = [longest_run([t.condition for t in order]) for order in orders]
    counts.append(Count(task.id, "longest run of a condition", min(runs), max(runs)))
    return counts


def first_is_left(trial: Trial) -> bool:
    """Whether the first condition of a pair stands on the left."""
    return trial.stimuli[0].left.condition == trial.condition.split("/")[0]


def version(trial: Trial) -> int:
    """Which of the orders of a discrimination this is: who comes first, and whether they come again in the end."""
    shown = [stimulus.left.condition for stimulus in trial.stimuli]
    return 2 * first_is_left(trial) + (shown[-1] == shown[0])


def longest_run(names: Sequence[str]) -> int:
    """The largest number of equal names in a row."""
    longest = run = min(len(names), 1)
    for a, b in pairwise(names):
        run = run + 1 if a == b else 1
        longest = max(longest, run)
    return longest


def _count(task: AnyTask, what: str, cells: Iterable[object], found: Iterable[object]) -> Count:
    counted = Counter(found)
    numbers = [counted[cell] for cell in cells]
    return Count(task.id, what, min(numbers), max(numbers))
