"""Descriptions of robots: the built-in one is sound, every fault is told in one line that names line and field."""

import contextlib
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emosplat.avatars.library import builtin_avatars
from emosplat.core.errors import InputError
from emosplat.pipeline.robot.description import (
    JOINTS,
    Joint,
    Robot,
    builtin_robots,
    find_robot,
    load_robot,
    parse_robot,
    validated,
)

EXAMPLE = find_robot("morpheus-like").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", builtin_robots())
def test_built_in_descriptions_are_sound(name: str) -> None:
    robot = load_robot(name)
    assert robot.name == name
    assert robot.face in builtin_avatars()
    assert (robot.low <= robot.neutral).all()
    assert (robot.neutral < robot.high).all()


def test_the_example_has_a_servo_for_every_joint(robot: Robot) -> None:
    assert 25 <= len(robot.servos) <= 33
    assert {s.moves for s in robot.servos if isinstance(s, Joint)} == set(JOINTS)


@pytest.mark.parametrize(
    ("old", "new", "field", "problem"),
    [
        ("rate: 50", "rate: 5", "rate", "greater than or equal to 10"),
        ("rate: 50", "rates: 50", "rates", "no such field"),
        ("rate: 50", "rate: fast", "rate", "valid number"),
        ("rate: 50", "rate: 50\nrate: 60", "rate", "is there twice"),
        ("emosplat-robot-1", "emosplat-robot-2", "format", "emosplat-robot-1"),
        ("kind: rod", "kind: stick", "servos.13", "does not match"),
        ("moves: jaw-pitch", "moves: jaw-pich", "servos.0.moves", "jaw-pitch"),
        ("moves: jaw-yaw", "moves: jaw-pitch", "robot", "moves 'jaw-pitch' is there twice"),
        ("channel: 2\n", "channel: 1\n", "robot", "channel 1 is there twice"),
        ("channel: 2\n", "channel: 2.5\n", "servos.1.channel", "valid integer"),
        ("name: jaw-side", "name: jaw", "robot", "name 'jaw' is there twice"),
        ("limits: [-5, 60]", "limits: [60, -5]", "servos.0", "found 60 and -5"),
        ("limits: [-5, 60]", "limits: [-5, 600]", "servos.0.limits.1", "less than or equal to 179"),
        ("limits: [-5, 60]", "limits: [-5]", "servos.0.limits", "field required"),
        ("limits: [-5, 60]\n    neutral: 0", "limits: [-5, 60]\n    neutral: 70", "servos.0", "found 70"),
        ("limits: [0, 90]\n    neutral: 0", "limits: [0, 90]\n    neutral: 5", "servos.23", "cannot push"),
        ("at: 269", "at: 470", "servos.13.at", "less than 468"),
        ("at: 269\n    direction: [0, 1, 0]", "at: 269", "servos.13", "found neither"),
        ("at: 269\n", "at: 269\n    towards: 5\n", "servos.13", "found both"),
        ("at: 269\n    direction: [0, 1, 0]", "at: 269\n    direction: [0, 0, 0]", "servos.13", "not 0 0 0"),
        ("at: 269\n    direction: [0, 1, 0]", "at: 269\n    towards: 269", "servos.13", "another point"),
        ("speed: 600", "speed: 0", "speed", "greater than 0"),
        ("speed: 600", "speed: .inf", "speed", "finite"),
        ("speed: 600", "speed: .nan", "speed", "finite"),
        ("channel: 1\n", "channel: 1\n    pulse: [2000, 1000]\n", "servos.0", "reversed"),
        ("channel: 1\n", "channel: 1\n    reversed: maybe\n", "servos.0.reversed", "valid boolean"),
        ("travel: 22", "travel: 0", "servos.0", "other than 0"),
        ("travel: 1.0", "travel: 40", "servos.7", "share of shut"),
    ],
)
def test_mistakes_name_line_and_field(old: str, new: str, field: str, problem: str) -> None:
    assert old in EXAMPLE
    with pytest.raises(InputError) as error:
        parse_robot(EXAMPLE.replace(old, new, 1), source="mine.yaml")
    told = str(error.value)
    assert told.startswith("mine.yaml: line ")
    assert "\n" not in told
    assert field in told
    assert problem.lower() in told.lower()
    if field != "robot":  # what belongs together is looked at when all lines have been read
        line = EXAMPLE[: EXAMPLE.index(old)].count("\n") + 1
        assert any(f"line {n}:" in told for n in range(line - 9, line + 3))


@pytest.mark.parametrize(
    "text", ["", "- 1", "a: [", "\x00", "a: &x [1]\nb: *x", "? [1]\n: 2", "!!python/name:os.system"]
)
def test_what_is_no_description_is_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"mine\.yaml"):
        parse_robot(text, source="mine.yaml")


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(InputError, match="morpheus-like"):
        load_robot("morpheus")


@given(st.text(max_size=200))
def test_any_text_is_a_description_or_an_error(text: str) -> None:
    with contextlib.suppress(InputError):
        parse_robot(text, source="mine.yaml")


@given(st.data())
def test_a_mutated_description_is_one_or_an_error(data: st.DataObject) -> None:
    lines = EXAMPLE.splitlines()[:60]
    i = data.draw(st.integers(0, len(lines) - 1))
    lines[i] = data.draw(
        st.one_of(st.just(""), st.just(lines[i] * 2), st.just(lines[i][1:]), st.text(max_size=30).map(lines[i].__add__))
    )
    with contextlib.suppress(InputError):
        parse_robot("\n".join(lines), source="mine.yaml")


def test_a_description_survives_json(robot: Robot) -> None:
    again = validated(json.loads(json.dumps(robot.model_dump(mode="json"))), source="here")
    assert again.model_dump() == robot.model_dump()


def test_shares_of_the_way_and_angles_are_each_others_reverse(robot: Robot) -> None:
    angles = np.random.default_rng(0).uniform(robot.low, robot.high, (5, len(robot.servos)))
    np.testing.assert_allclose(robot.angles(robot.shares(angles)), angles)
    np.testing.assert_allclose(robot.shares(np.stack([robot.neutral, robot.high])), [[0] * 33, [1] * 33])
