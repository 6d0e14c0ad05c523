"""The simulated face: at rest the head's own, pulled where its servos say, lips that stop each other."""

import numpy as np
import pytest

from emosplat.avatars.head import HeadModel
from emosplat.avatars.motion import Motion
from emosplat.pipeline.robot.description import Attached, Robot
from emosplat.pipeline.robot.landmarks import FaceReader, Places
from emosplat.pipeline.robot.simulator import OVERLAP, STRETCH, Simulator, Unit, pull


@pytest.fixture(scope="module")
def described(robot: Robot, head: HeadModel) -> Simulator:
    return Simulator(robot, head)


def alone(robot: Robot, name: str, share: float) -> np.ndarray:
    shares = np.zeros((1, len(robot.servos)))
    shares[0, robot.names.index(name)] = share
    return robot.angles(shares)


def test_at_neutral_it_is_the_head_at_rest(robot: Robot, head: HeadModel, described: Simulator) -> None:
    np.testing.assert_allclose(described.vertices(robot.neutral[None])[0], head.v_template, atol=1e-5)
    still = FaceReader(head).read(Motion.rest(1, head.expressions, 50))
    np.testing.assert_allclose(described.see(robot.neutral[None]).landmarks, still.landmarks, atol=1e-5)


def test_strings_and_rods_pull_their_point_and_no_skin_beyond(
    robot: Robot, head: HeadModel, described: Simulator
) -> None:
    rest = head.v_template.astype(np.float64)
    for servo in (s for s in robot.servos if isinstance(s, Attached)):
        moved = described.vertices(alone(robot, servo.name, 1.0))[0] - rest
        place = Places.on(head, (servo.at,))
        travel = servo.travel / 1000
        expected = travel / np.sqrt(1 + (travel / STRETCH) ** 2)  # skin gives way less the farther it is pulled
        assert place.of(moved)[0] @ pull(head, servo) > 0.75 * expected, servo.name
        assert np.linalg.norm(moved, axis=1).max() < 1.5 * travel, servo.name
        away = np.linalg.norm(rest - place.of(rest)[0], axis=1)
        assert np.linalg.norm(moved[away > servo.radius / 1000 + 0.012], axis=1).max() < 0.05 * travel, servo.name


def test_skin_is_not_pulled_across_the_gap_of_the_lips(robot: Robot, head: HeadModel, described: Simulator) -> None:
    moved = described.vertices(alone(robot, "left-upper-lip", 1.0))[0] - head.v_template
    middle = {n: r[np.abs(head.v_template[r, 0]) < 0.01] for n, r in head.regions.items() if n.endswith("_lip")}
    upper, lower = (np.linalg.norm(moved[middle[n]], axis=1).max() for n in ("upper_lip", "lower_lip"))
    assert upper > 0.004
    assert lower < 0.1 * upper


def test_lips_never_lie_in_each_other(robot: Robot, simulator: Simulator) -> None:
    random = np.random.default_rng(0).uniform(robot.low, robot.high, (1000, len(robot.servos)))
    gaps = simulator.look(random)[1]
    assert (gaps < -0.8 * OVERLAP).any()  # some press
    assert gaps.min() > -OVERLAP - 0.0003


def test_the_neck_turns_the_skull_and_not_the_face(robot: Robot, described: Simulator) -> None:
    commands = alone(robot, "turn", 0.5)
    seen, rest = described.see(commands), described.see(robot.neutral[None])
    np.testing.assert_allclose(seen.landmarks, rest.landmarks, atol=1e-6)
    np.testing.assert_allclose(np.degrees(seen.pose), [[0, 20, 0]], atol=1e-4)
    face = described.places.of(described.vertices(commands))[0]
    back = np.linalg.svd((face - face.mean(axis=0)).T @ (rest.landmarks[0] - rest.landmarks[0].mean(axis=0)))
    assert np.degrees(np.arccos((np.trace(back[0] @ back[2]) - 1) / 2)) == pytest.approx(20, abs=0.1)


def test_individuals_differ_and_stay_themselves(robot: Robot, head: HeadModel, simulator: Simulator) -> None:
    commands = np.random.default_rng(0).uniform(robot.low, robot.high, (3, len(robot.servos)))
    first, other = Simulator(robot, head, unit=3), Simulator(robot, head, unit=4)
    np.testing.assert_array_equal(first.see(commands).landmarks, simulator.see(commands).landmarks)
    assert np.abs(first.see(commands).landmarks - other.see(commands).landmarks).max() > 2e-4


def test_what_servos_move_grows_with_their_angle(robot: Robot) -> None:
    shares = np.linspace(-1, 1, 201)[:, None].repeat(len(robot.servos), axis=1)
    for number in range(20):
        assert (np.diff(Unit.of(robot, number)(shares), axis=0) >= 0).all()
    np.testing.assert_array_equal(Unit.of(robot, None)(shares), shares)


def test_no_frame_depends_on_another(robot: Robot, simulator: Simulator) -> None:
    commands = np.random.default_rng(0).uniform(robot.low, robot.high, (4, len(robot.servos)))
    whole, single = simulator.see(commands), simulator.see(commands[2:3])
    np.testing.assert_allclose(whole.landmarks[2:3], single.landmarks, atol=1e-6)
