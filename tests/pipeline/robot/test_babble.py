"""Motor babble: within limits, kept as it was, and matched to a film."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from emosplat.core.errors import InputError
from emosplat.core.npz import save_npz
from emosplat.core.rotation import rotation_matrices
from emosplat.pipeline.robot.babble import (
    Babble,
    load_babble,
    matched,
    poses,
    save_babble,
    similarity,
    simulated,
    trajectory,
)
from emosplat.pipeline.robot.description import Robot
from emosplat.pipeline.robot.landmarks import POINTS
from emosplat.pipeline.robot.limits import used
from emosplat.pipeline.robot.simulator import Simulator


def test_poses_and_the_way_between_them_are_within_limits(robot: Robot) -> None:
    stations = poses(robot, 30, seed=0)
    assert ((stations >= robot.low) & (stations <= robot.high)).all()
    assert (stations.max(axis=0) > robot.neutral + 0.5 * (robot.high - robot.neutral)).all()
    way = trajectory(robot, stations)
    assert max(used(way, robot, fps=robot.rate).values()) <= 1
    np.testing.assert_allclose(way[0], robot.neutral, atol=0.1)
    assert (
        np.abs(way[None] - stations[:, None]).max(axis=2).min(axis=1).max() < 12
    )  # slow servos do not quite get there


def test_babble_comes_back(tried: Babble, tmp_path: Path) -> None:
    save_babble(tmp_path / "b.npz", tried)
    again = load_babble(tmp_path / "b.npz")
    assert again.robot.model_dump() == tried.robot.model_dump()
    assert again.unit == 3
    for name in ("commands", "points", "rest"):
        np.testing.assert_array_equal(getattr(again, name), getattr(tried, name))
    np.testing.assert_array_equal(again.seen.landmarks, tried.seen.landmarks)
    np.testing.assert_array_equal(again.seen.pose, tried.seen.pose)


def test_equal_seeds_are_equal_babble(robot: Robot, simulator: Simulator) -> None:
    one, two, other = (simulated(robot, simulator.see, 100, seed=s, unit=3).commands for s in (0, 0, 1))
    np.testing.assert_array_equal(one, two)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("format", np.array("other"), "format"),
        ("robot", np.array("{"), "robot: expected JSON"),
        ("robot", np.array("[]"), "JSON object"),
        ("robot", np.array('{"format": "emosplat-robot-1"}'), "field required"),
        ("unit", np.array("minus one"), "unit"),
        ("commands", np.full((1500, 33), 170.0), "within the servos' limits"),
        ("commands", np.zeros((10, 33)), "at least 100"),
        ("landmarks", np.zeros((1500, 3)), "landmarks"),
        ("points", np.array([1, 2]), "points"),
        ("rest", np.full((3, 3), np.nan), "rest"),
    ],
)
def test_faults_name_the_field(tried: Babble, tmp_path: Path, field: str, value: np.ndarray, problem: str) -> None:
    save_babble(tmp_path / "b.npz", tried)
    with np.load(tmp_path / "b.npz") as file:
        arrays = dict(file)
    save_npz(tmp_path / "bad.npz", arrays | {field: value})
    with pytest.raises(InputError, match=r"bad\.npz") as error:
        load_babble(tmp_path / "bad.npz")
    assert problem in str(error.value)


def test_a_film_is_matched_to_its_commands(robot: Robot, simulator: Simulator) -> None:
    """Pictures of a camera without perspective, upside: landmarks and the neck come back to the skull's own frame."""
    way = trajectory(robot, poses(robot, 6, seed=2))
    times = np.arange(len(way)) / robot.rate
    seen = simulator.see(way)
    world = np.einsum("tij,tlj->tli", rotation_matrices(seen.pose), seen.landmarks - [0, -0.04, -0.03])
    camera = rotation_matrices(np.array([0.05, -0.1, 0.02], np.float32))
    pixels = (world @ camera.T) * 2000 * [1, -1, -1] + [500, 400, 0]
    still = simulator.see(robot.neutral[None]).landmarks[0].astype(np.float64)
    pixels[5] = np.nan  # not seen
    babble = matched(robot, times, way, times, pixels, still)
    assert len(babble.commands) == len(way) - 1
    np.testing.assert_allclose(babble.rest, still, atol=2e-4)
    kept = np.delete(np.arange(len(way)), 5)
    # points that should not move do so a little, by the strings of the brows
    assert 1000 * np.linalg.norm(babble.seen.landmarks - seen.landmarks[kept], axis=2).mean() < 0.8
    apart = rotation_matrices(babble.seen.pose).transpose(0, 2, 1) @ rotation_matrices(seen.pose[kept])
    assert np.degrees(np.arccos(np.clip((np.trace(apart, axis1=1, axis2=2) - 1) / 2, -1, 1))).mean() < 12


def test_a_film_of_too_few_faces_is_refused(robot: Robot) -> None:
    way = np.tile(robot.neutral, (300, 1))
    times = np.arange(300) / 50
    with pytest.raises(InputError, match="at least 100 pictures of a face"):
        matched(robot, times, way, times, np.full((300, len(POINTS), 3), np.nan), np.zeros((len(POINTS), 3)))


def test_similarity_undoes_one() -> None:
    random = np.random.default_rng(0)
    points, turn = random.normal(size=(9, 3)), rotation_matrices(np.array([0.4, -1.0, 0.3], np.float32)).astype(float)
    found, scale, middle = similarity(points, 0.3 * points @ turn.T + [1, 2, 3])
    np.testing.assert_allclose(found, turn, atol=1e-6)
    np.testing.assert_allclose([scale, *middle], [0.3, *(0.3 * points.mean(axis=0) @ turn.T + [1, 2, 3])], atol=1e-6)


def test_a_film_is_told_apart_from_an_individual(tried: Babble, tmp_path: Path) -> None:
    save_babble(tmp_path / "b.npz", replace(tried, unit=None))
    assert load_babble(tmp_path / "b.npz").unit is None
