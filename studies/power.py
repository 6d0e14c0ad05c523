"""How many participants a study needs: the same lists, simulated answers, the same exclusions, the same tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..core.errors import InputError
from .analysis.clusters import Test, wilson
from .analysis.exclusions import apply_exclusions
from .analysis.factors import BY, Layout
from .analysis.headlines import Results, results
from .analysis.key import key_of
from .design import AnyTask, Study, load_study
from .lists import make_lists
from .simulate import Effects, parse_effects, simulate

ALPHA = 0.05
SIZES = (6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # participants that are tried
BATCH = 20  # studies between two looks at whether a size can still reach the target
SURE = 0.999  # level of the interval that must leave out the target before a size is given up

Progress = Callable[[int, int, int], None]  # participants, studies simulated, of how many


@dataclass(frozen=True)
class Power:
    """How often one test found something, in simulated studies of one size."""

    participants: int
    test: str
    found: int
    studies: int

    @property
    def share(self) -> float:
        """Of the studies."""
        return self.found / self.studies

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share: simulation is not exact either."""
        return wilson(self.found, self.studies)

    def line(self) -> str:
        """For the terminal."""
        low, high = self.interval
        power = f"power {self.share:.2f} [{low:.2f}, {high:.2f}]"
        return f"{self.participants:4} participants  {self.test:32}  {power}  ({self.studies} studies)"


@dataclass(frozen=True)
class Plan:
    """Power of the tests that count at growing numbers of participants."""

    powers: Sequence[Power]
    needed: int | None  # participants with whom all of them reach the target; None: even the most do not
    clips: int

    def line(self, target: float) -> str:
        """The answer in a sentence."""
        if self.needed is not None:
            return f"{self.needed} participants are enough for a power of {target:g}"
        few = f"{self.clips} clip{'s' * (self.clips > 1)}"
        return f"{SIZES[-1]} participants do not reach a power of {target:g} with {few}: more clips would help more"


def plan_participants(
    design: Path,
    task: str,
    effects: Sequence[str],
    *,
    test: str | None = None,
    target: float = 0.8,
    studies: int = 200,
    options: Effects | None = None,
    seed: int = 0,
    progress: Progress = lambda _participants, _done, _total: None,
) -> Plan:
    """Try growing numbers of participants until `test`, or else all with something to find, reach the target.

    `options` gives everything but the effects. A size is given up as soon as it is clear that it does not reach the
    target. Raises InputError for tasks, tests and effects that the design does not have.
    """
    study = load_study(design)
    one = next((t for t in study.tasks if t.id == task), None)
    if one is None:
        raise InputError(f"--task: expected one of {', '.join(t.id for t in study.tasks)}, found {task!r}")
    true = replace(options or Effects(), by_task=parse_effects(effects, study))
    counted = _counted(study, one, true, test)
    contrasts = any(": " in name for name in counted)
    powers: list[Power] = []
    for participants in SIZES:
        simulated = simulated_results(
            study, one, true, participants=participants, studies=studies, seed=seed, contrasts=contrasts
        )
        found = _tally(simulated, counted, participants, studies, target, progress)
        powers += found
        if all(power.share >= target for power in found):
            return Plan(powers, participants, len(study.shown))
    return Plan(powers, None, len(study.shown))


def simulated_results(
    study: Study,
    task: AnyTask,
    effects: Effects,
    *,
    participants: int,
    studies: int,
    seed: int,
    contrasts: bool = False,
) -> Iterator[Results]:
    """The results of one simulated study after the other, all with the same lists; contrasts of levels take longer."""
    wanted = study.model_copy(update={"participants": participants, "tasks": [task]})
    key = key_of(wanted, make_lists(wanted))
    for number in range(studies):
        rng = np.random.default_rng((seed, participants, number))
        kept = apply_exclusions(simulate(wanted, key, effects, rng=rng), wanted, key)
        yield results(wanted, task, kept.answers, contrasts=contrasts)


def _counted(study: Study, task: AnyTask, effects: Effects, test: str | None) -> list[str]:
    """Names of what must reach the target; the results of one large study tell what there is.

    Without a name that is what has something to find: effects of factors where there are some, else tests.
    """
    participants = SIZES[-1] // 4
    (found,) = simulated_results(
        study, task, effects, participants=participants, studies=1, seed=0, contrasts=test is not None
    )
    if test is not None:
        names = list(found.corrected())
        wanted = test.replace("×", "x").replace("\N{MINUS SIGN}", "-")
        if wanted not in names:
            raise InputError(f"--test: expected one of {', '.join(names)}, found {test!r}")
        return [wanted]
    if found.factorials:
        planted = _planted(found.factorials[0].layout, task, effects)
    else:
        planted = [t.name for t in found.tests if _is_planted(t, task, effects)]
    if not planted:
        raise InputError(f"--effect: with these, no test of {task.id} has anything to find; try for instance happy=0.8")
    return planted


def _planted(layout: Layout, task: AnyTask, effects: Effects) -> list[str]:
    """The effects of factors that are not 0 among the qualities of conditions."""
    names = list(layout.cells)
    columns = {effect: layout.columns(effect, names) for effect in layout.effects}
    quality = np.array([effects.of(task.id, name) for name in names])
    everything = np.column_stack([np.ones(len(names)), *columns.values()])
    weights = np.linalg.lstsq(everything, quality)[0]
    found: list[str] = []
    first = 1
    for effect, own in columns.items():
        if np.abs(weights[first : first + own.shape[1]]).max() > 1e-9:
            found.append(BY.join(effect))
        first += own.shape[1]
    return found


def _is_planted(test: Test, task: AnyTask, effects: Effects) -> bool:
    """Whether what a test compares differs: two effects from each other, or one from nothing."""
    values = [effects.of(task.id, name) for name in test.about]
    return not values or len({*values, *([0.0] if len(values) == 1 else [])}) > 1


def _tally(
    simulated: Iterator[Results],
    counted: Sequence[str],
    participants: int,
    studies: int,
    target: float,
    progress: Progress,
) -> list[Power]:
    """Power of what is counted, from all studies or from those after which the target is out of reach."""
    found: Counter[str] = Counter()
    done = 0
    for done, one in enumerate(simulated, start=1):
        found.update(name for name, p in one.corrected().items() if p < ALPHA)
        progress(participants, done, studies)
        if done % BATCH == 0 and any(wilson(found[name], done, level=SURE)[1] < target for name in counted):
            break
    return [Power(participants, name, found[name], done) for name in counted]
