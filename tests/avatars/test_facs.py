"""Action units: every one is of ARKit shapes, and a face that makes a shape makes its unit."""

import numpy as np
import pytest

from emosplat.avatars import Motion
from emosplat.avatars.arkit import ARKIT_52, ArkitSolver
from emosplat.avatars.facs import ACTION_UNITS, action_units
from emosplat.avatars.library import builtin_head
from emosplat.blendshapes.emotion import ACTIONS


def test_units_are_of_shapes_that_exist() -> None:
    shapes = [shape for shapes in ACTION_UNITS.values() for shape in shapes]
    assert set(shapes) <= set(ARKIT_52)
    assert len(shapes) == len(set(shapes))
    for name, parts in ACTION_UNITS.items():
        side = name.partition("_")[2]
        assert all(part.lower().endswith(side) for part in parts)


def test_they_agree_with_the_actions_that_may_be_asked_for() -> None:
    """The table of emotion space has its own numbers: the same shape is the same unit there."""
    import inspect

    from emosplat.blendshapes import emotion

    numbers = {}
    for line in inspect.getsource(emotion).splitlines():
        if "# AU " in line:
            shape = line.split('"')[3]
            numbers[shape] = int(line.partition("# AU ")[2].split(",")[0])
    assert len(numbers) >= len(ACTIONS)
    ours = {shape: int(name[2:4]) for name, shapes in ACTION_UNITS.items() for shape in shapes}
    for shape, number in numbers.items():
        found = {ours[one] for one in (shape, f"{shape}Left", f"{shape}Right") if one in ours}
        assert found == {number}, shape


@pytest.mark.parametrize("unit", ["AU12_left", "AU04_right", "AU01", "AU18", "AU45_left", "AU26"])
def test_a_face_that_makes_a_shape_makes_its_unit(unit: str) -> None:
    head = builtin_head()
    row = head.arkit.rows(ACTION_UNITS[unit][0])[0]
    motion = Motion.rest(1, head.expressions, 25.0)
    motion.expr[0], motion.jaw[0, 0] = 0.8 * head.arkit.expr[row], 0.8 * head.arkit.jaw[row]
    units = action_units(dict(zip(ARKIT_52, ArkitSolver(head).weights(motion).T, strict=True)))
    strength = {name: float(values[0]) for name, values in units.items()}
    assert strength[unit] == pytest.approx(0.8, abs=0.1)
    assert max(strength, key=lambda name: strength[name]) == unit
    assert all(np.isfinite(list(strength.values())))
