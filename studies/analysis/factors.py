"""The factors of a design: named in it, or found in what its conditions differ in, and coded as columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np
from numpy.typing import NDArray

from ..design import Condition, Study

FIELDS = (
    *("level", "emotion", "intensity", "sound", "vocoded", "snr", "blur", "inverted", "only", "point_light"),
    *("avatar", "style", "style_strength", "variety", "weights", "model", "camera"),
)
BY = " x "  # between the factors of an interaction

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Layout:
    """A full crossing of factors, and which combination of levels each condition is."""

    factors: Mapping[str, Sequence[str]]  # name -> levels
    cells: Mapping[str, Sequence[str]]  # condition -> its level of each factor
    left_out: Sequence[str]  # conditions of the task that are none of the combinations

    @property
    def effects(self) -> list[tuple[str, ...]]:
        """Main effects, then interactions, as names of factors."""
        names = list(self.factors)
        return [some for n in range(1, len(names) + 1) for some in combinations(names, n)]

    def levels_of(self, factor: str, conditions: Sequence[str]) -> list[str]:
        """The level of a factor that each of the conditions has."""
        place = list(self.factors).index(factor)
        return [self.cells[name][place] for name in conditions]

    def columns(self, effect: Sequence[str], conditions: Sequence[str]) -> Floats:
        """An effect's columns [N, q] for N answers to these conditions: sum-to-zero coding, R's `contr.sum`."""
        made = np.ones((len(conditions), 1))
        for factor in effect:
            levels = self.factors[factor]
            rows = [levels.index(level) for level in self.levels_of(factor, conditions)]
            coded = sum_coding(len(levels))[rows]
            made = (made[:, :, None] * coded[:, None, :]).reshape(len(conditions), -1)
        return made


def sum_coding(levels: int) -> Floats:
    """[levels, levels - 1]: the last level is minus the sum of the others."""
    return np.vstack([np.eye(levels - 1), -np.ones(levels - 1)])


def layout_of(study: Study, conditions: Sequence[str]) -> Layout | None:
    """The crossing of factors among the conditions of a task; None where there is none.

    Without `analysis: factors:` in the design, factors are fields in which its conditions differ: those that cross with
    the most conditions, each combination once. Conditions that other systems made belong to named factors only.
    """
    named = study.analysis.factors
    if named is not None:
        belongs = {
            factor: {name: level for level, names in levels.items() for name in names}
            for factor, levels in named.items()
        }
        cells = {
            name: [belongs[factor][name] for factor in named]
            for name in conditions
            if all(name in belongs[factor] for factor in named)
        }
        factors = {factor: list(levels) for factor, levels in named.items()}
    else:
        fields, cells = _found(
            {c: _values(study.conditions[c]) for c in conditions if study.conditions[c].videos is None}
        )
        factors = {f: list(dict.fromkeys(cell[i] for cell in cells.values())) for i, f in enumerate(fields)}
    return _layout(factors, cells, [name for name in conditions if name not in cells])


def pairs_to_test(study: Study, conditions: Sequence[str]) -> list[tuple[str, str]]:
    """All pairs of conditions; but where two or more factors cross, only those with a condition that is not among them.

    The tests of factors and their levels say what the other pairs would, with fewer tests and more answers for each.
    """
    layout = layout_of(study, conditions)
    pairs = list(combinations(conditions, 2))
    if layout is None or len(layout.factors) < 2:
        return pairs
    return [pair for pair in pairs if set(pair) & set(layout.left_out)]


def _layout(factors: Mapping[str, list[str]], cells: Mapping[str, list[str]], left_out: list[str]) -> Layout | None:
    """Without factors of which the task shows one level only; None where combinations are missing."""
    shown = {
        factor: [level for level in levels if any(cell[i] == level for cell in cells.values())]
        for i, (factor, levels) in enumerate(factors.items())
    }
    vary = [i for i, levels in enumerate(shown.values()) if len(levels) > 1]
    kept = {factor: levels for factor, levels in shown.items() if len(levels) > 1}
    reduced = {name: [cell[i] for i in vary] for name, cell in cells.items()}
    if not kept or {tuple(cell) for cell in reduced.values()} != set(product(*kept.values())):
        return None
    return Layout(kept, reduced, left_out)


def _found(values: Mapping[str, Mapping[str, str]]) -> tuple[list[str], dict[str, list[str]]]:
    """The fields that are factors, and the cells of the conditions that they cross."""
    vary = [f for f in FIELDS if len({own[f] for own in values.values()}) > 1]
    best: tuple[list[str], dict[str, list[str]]] = ([], {})
    for n in range(len(vary), 0, -1):  # of as many conditions rather more factors
        for fields in combinations(vary, n):
            cells = _crossed({name: [own[f] for f in fields] for name, own in values.items()})
            if len(cells) > len(best[1]):
                best = (list(fields), cells)
    return best


def _crossed(cells: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """The conditions that are a full crossing, each combination once: levels that meet too few others are dropped."""
    left = dict(cells)
    while left:
        counts = [{cell[i] for cell in left.values()} for i in range(len(next(iter(left.values()))))]
        combinations_ = int(np.prod([len(levels) for levels in counts]))
        if len({tuple(cell) for cell in left.values()}) == len(left) == combinations_:
            return left
        rarest = min(
            ((i, level) for i, levels in enumerate(counts) if len(levels) > 1 for level in sorted(levels)),
            key=lambda one: sum(cell[one[0]] == one[1] for cell in left.values()) * len(counts[one[0]]),
            default=None,
        )
        if rarest is None:
            return {}
        left = {name: cell for name, cell in left.items() if cell[rarest[0]] != rarest[1]}
    return {}


def _values(condition: Condition) -> dict[str, str]:
    return {name: _text(value) for name, value in condition if name in FIELDS}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    return "none" if value is None else str(value)
