"""One simulated robot and what it learned of itself, for all tests of robots."""

import pytest

from emosplat.avatars.head import HeadModel
from emosplat.avatars.library import open_avatar
from emosplat.pipeline.robot import self_model
from emosplat.pipeline.robot.babble import Babble, simulated
from emosplat.pipeline.robot.description import Robot, load_robot
from emosplat.pipeline.robot.self_model import SelfModel, fit
from emosplat.pipeline.robot.simulator import Simulator


@pytest.fixture(scope="session")
def robot() -> Robot:
    return load_robot("morpheus-like")


@pytest.fixture(scope="session")
def head(robot: Robot) -> HeadModel:
    return open_avatar(robot.face).head


@pytest.fixture(scope="session")
def simulator(robot: Robot, head: HeadModel) -> Simulator:
    return Simulator(robot, head, unit=3)


@pytest.fixture(scope="session")
def tried(robot: Robot, simulator: Simulator) -> Babble:
    return simulated(robot, simulator.see, 1200, seed=0, unit=3)


@pytest.fixture(scope="session")
def learned(tried: Babble) -> SelfModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(self_model, "STEPS", 1000)
        return fit(tried)
