"""Limits of servos: never exceeded, and nothing given up that need not be."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emosplat.pipeline.robot.command_files import parse_commands, write_commands
from emosplat.pipeline.robot.description import Robot, validated
from emosplat.pipeline.robot.limits import Steps, braking, nearest, possible, used


def one_servo(low: float, high: float, speed: float, acceleration: float) -> Robot:
    servo = {
        "name": "jaw", "kind": "joint", "moves": "jaw-pitch", "travel": 20, "limits": [low, high], "neutral": low,
        "speed": speed, "acceleration": acceleration, "channel": 1,
    }  # fmt: skip
    return validated({"format": "emosplat-robot-1", "name": "one", "servos": [servo]}, source="test")


def within(commands: np.ndarray, robot: Robot, fps: float) -> None:
    assert (commands >= robot.low).all()
    assert (commands <= robot.high).all()
    shares = used(commands, robot, fps=fps)
    assert shares["speed"] <= 1
    assert shares["acceleration"] <= 1


def test_ten_thousand_random_frames_exceed_no_limit_nor_do_they_on_disk(robot: Robot, tmp_path) -> None:
    random = np.random.default_rng(0)
    wild = random.uniform(2 * robot.low - 10, 2 * robot.high, (10_000, len(robot.servos)))
    commands = possible(wild, robot, fps=robot.rate)
    within(commands, robot, robot.rate)
    write_commands(tmp_path / "c.csv", robot, commands, fps=robot.rate)
    _, again = parse_commands((tmp_path / "c.csv").read_text(), robot, source="c.csv")
    np.testing.assert_allclose(again, commands, atol=1e-6)
    within(again, robot, robot.rate)


@settings(max_examples=60)
@given(st.data())
def test_any_wish_of_any_servo_is_made_possible(data: st.DataObject) -> None:
    low = data.draw(st.floats(-179, 170))
    high = data.draw(st.floats(min(low + 0.5, 178.9), 179))
    robot = one_servo(low, high, data.draw(st.floats(1, 5000)), data.draw(st.floats(1, 500_000)))
    fps = data.draw(st.floats(5, 240))
    wish = np.array(data.draw(st.lists(st.floats(-1000, 1000), min_size=1, max_size=60)))[:, None]
    within(possible(wish, robot, fps=fps), robot, fps)


def test_what_is_possible_stays(robot: Robot) -> None:
    times = np.arange(200)[:, None] / robot.rate
    middle, half = (robot.low + robot.high) / 2, (robot.high - robot.low) / 2
    wish = middle + 0.4 * half * np.cos(2 * np.pi * 0.7 * times)
    assert np.abs(possible(wish, robot, fps=robot.rate) - wish).max() < 0.3


def test_looking_ahead_is_better_than_following(robot: Robot) -> None:
    wish = np.tile(robot.neutral, (120, 1))
    wish[40:43] = robot.high
    steps = Steps.of(robot, robot.rate)
    ahead, after = possible(wish, robot, fps=robot.rate), braking(wish, steps)
    assert np.abs(ahead - wish).mean() < np.abs(after - wish).mean()
    assert ahead[41].mean() > after[41].mean() + 1  # it sets out before


def test_frames_that_count_more_are_kept(robot: Robot) -> None:
    random = np.random.default_rng(1)
    wish = random.uniform(robot.low, robot.high, (200, len(robot.servos)))
    kept = np.arange(20, 200, 40)
    weights = np.ones(200)
    weights[kept] = 30
    plain, led = (np.abs(possible(wish, robot, fps=50, weights=w) - wish)[kept].mean() for w in (None, weights))
    assert led < 0.8 * plain


def test_the_search_solves_its_equations() -> None:
    """Where no limit is met, the nearest motion is the wish."""
    steps = Steps(np.array([-1e6]), np.array([1e6]), np.array([1e6]), np.array([1e6]))
    wish = np.random.default_rng(0).normal(0, 10, (50, 1))
    np.testing.assert_allclose(nearest(wish, steps, np.ones(50)), wish, atol=1e-3)


@pytest.mark.parametrize("frames", [0, 1, 2])
def test_short_clips(robot: Robot, frames: int) -> None:
    commands = possible(np.tile(robot.high, (frames, 1)), robot, fps=robot.rate)
    assert commands.shape == (frames, len(robot.servos))
    np.testing.assert_allclose(commands, np.tile(robot.high, (frames, 1)))
