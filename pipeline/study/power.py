"""How many participants a study needs: the same lists, simulated answers, the same exclusions, the same tests."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...errors import InputError
from .analysis.clusters import Test, wilson
from .analysis.exclusions import apply_exclusions
from .analysis.headlines import headline_tests
from .analysis.key import Key, key_of
from .design import AnyTask, Study, load_study
from .lists import make_lists
from .simulate import Effects, parse_effects, simulate

ALPHA = 0.05
SIZES = (6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)  # participants that are tried


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


def needed_participants(
    design: Path,
    task: str,
    effects: Sequence[str],
    *,
    test: str | None = None,
    target: float = 0.8,
    studies: int = 200,
    options: Effects | None = None,
    seed: int = 0,
) -> Iterator[list[Power]]:
    """Power of a task's tests at growing numbers of participants, until `test` (or else all) reaches the target.

    Raises InputError for tasks, tests and effects that the design does not have.
    """
    study = load_study(design)
    one = next((t for t in study.tasks if t.id == task), None)
    if one is None:
        raise InputError(f"--task: expected one of {', '.join(t.id for t in study.tasks)}, found {task!r}")
    true = replace(options or Effects(), by_task=parse_effects(effects, study))
    study = study.model_copy(update={"tasks": [one]})
    for participants in SIZES:
        powers = power_at(study, one, true, participants=participants, studies=studies, seed=seed)
        names = [power.test for power in powers]
        if test is not None and test not in names:
            raise InputError(f"--test: expected one of {', '.join(names)}, found {test!r}")
        yield powers
        if all(power.share >= target for power in powers if test in (None, power.test)):
            return


def power_at(
    study: Study, task: AnyTask, effects: Effects, *, participants: int, studies: int, seed: int
) -> list[Power]:
    """Power of each headline test of a task with this many participants, p corrected by Holm."""
    found: dict[str, int] = {}
    for tests in simulated_tests(study, task, effects, participants=participants, studies=studies, seed=seed):
        for test in tests:
            found[test.name] = found.get(test.name, 0) + (test.p_holm < ALPHA)
    return [Power(participants, name, count, studies) for name, count in found.items()]


def simulated_tests(
    study: Study, task: AnyTask, effects: Effects, *, participants: int, studies: int, seed: int
) -> Iterator[list[Test]]:
    """The headline tests of one simulated study after the other, all with the same lists."""
    wanted = study.model_copy(update={"participants": participants, "tasks": [task]})
    key = key_of(wanted, make_lists(wanted))
    for number in range(studies):
        yield _tests(wanted, task, key, effects, np.random.default_rng((seed, participants, number)))


def _tests(study: Study, task: AnyTask, key: Key, effects: Effects, rng: np.random.Generator) -> list[Test]:
    kept = apply_exclusions(simulate(study, key, effects, rng=rng), study, key)
    return headline_tests(study, task, kept.answers)
