"""Commands for a wish: near to it, lips closed where they are to be, emotions still apart, limits kept."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import emosplat
from emosplat.avatars.head import HeadModel
from emosplat.avatars.motion import Motion
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.blendshapes.face_motion import FaceMotion
from emosplat.blendshapes.solve.solver import Solver
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.clip.source import open_source
from emosplat.pipeline.robot import inverse
from emosplat.pipeline.robot.babble import poses, trajectory
from emosplat.pipeline.robot.description import Robot, validated
from emosplat.pipeline.robot.drive import round_trip, solve_motion
from emosplat.pipeline.robot.inverse import solve
from emosplat.pipeline.robot.landmarks import FaceReader, Seen
from emosplat.pipeline.robot.limits import used
from emosplat.pipeline.robot.self_model import SelfModel
from emosplat.pipeline.robot.simulator import Simulator
from emosplat.pipeline.settings import read_settings


@pytest.fixture(autouse=True)
def _fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverse, "ROUNDS", 120)


@pytest.fixture(scope="module")
def spoken(robot: Robot) -> Motion:
    """The beginning of the demo sentence."""
    settings = read_settings({"avatar": robot.face, "fps": Fraction(50), "duration": 3.4, "model": "procedural"})
    source = open_source(
        ClipRequest(Path(str(emosplat.example_speech())), Path("c.mp4"), settings), LoadedModels("cpu")
    )
    return Motion.concatenate(source.motion)


def test_a_face_that_the_robot_made_is_made_again(robot: Robot, learned: SelfModel, simulator: Simulator) -> None:
    """Commands may differ, where servos can stand for each other; the face may not."""
    wish = simulator.see(trajectory(robot, poses(robot, 4, seed=7)))
    solved = solve(learned, wish, fps=robot.rate)
    made = simulator.see(solved.commands)
    error = 1000 * np.linalg.norm(made.landmarks - wish.landmarks, axis=2).mean()
    moved = 1000 * np.linalg.norm(wish.landmarks - learned.rest, axis=2).mean()
    assert error < 0.2 * moved
    assert np.degrees(np.linalg.norm(made.pose - wish.pose, axis=1)).mean() < 3
    assert max(used(solved.commands, robot, fps=robot.rate).values()) <= 1 + 1e-12


def test_speech_closes_the_lips_and_keeps_all_limits(
    robot: Robot, head: HeadModel, learned: SelfModel, simulator: Simulator, spoken: Motion
) -> None:
    solved = solve_motion(learned, head, spoken)
    trip = round_trip(simulator, FaceReader(head), spoken, solved)
    assert max(used(solved.commands, robot, fps=50).values()) <= 1 + 1e-12
    assert trip.error_mm < 0.5 * trip.still_mm
    assert trip.closures >= 5
    assert trip.closed is not None
    assert trip.closed >= 0.9
    reader = FaceReader(head)
    wish = simulator.gaps(reader.skin(spoken))[:, 3]
    made = simulator.look(solved.commands)[1][:, 3]
    assert np.corrcoef(wish, made)[0, 1] > 0.95  # and opens them between


def test_closures_are_not_the_first_thing_given_up(
    head: HeadModel, learned: SelfModel, simulator: Simulator, spoken: Motion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a robot whose servos are too slow for speech, closures that count more stay nearer to closed."""
    plain = learned.robot.model_dump(mode="json")
    slow = [servo | {"speed": 120, "acceleration": 2500} for servo in plain["servos"]]
    robot = validated(plain | {"servos": slow}, source="test")
    model = replace(learned, robot=robot)
    gaps = []
    for closing in (0.0, inverse.CLOSING):
        monkeypatch.setattr(inverse, "CLOSING", closing)
        solved = solve_motion(model, head, spoken)
        assert max(used(solved.commands, robot, fps=50).values()) <= 1 + 1e-12
        gaps.append(round_trip(simulator, FaceReader(head), spoken, solved).gap_mm)
    assert gaps[1] < gaps[0]


def test_eight_emotions_stay_apart(head: HeadModel, learned: SelfModel, simulator: Simulator) -> None:
    """A held expression, done by the robot, looks more like its own wish than like any other."""
    columns = [FaceMotion.rest(4, fps=50).with_column(f"emotion.{name}", 1.0) for name in EMOTIONS]
    solver, reader = Solver(head), FaceReader(head)
    wishes, made = [], []
    for face in columns:
        solved = solve_motion(learned, head, solver(face))
        wishes.append(solved.wish.landmarks[2] - learned.rest)
        made.append(simulator.see(solved.commands).landmarks[2] - learned.rest)
    apart = np.linalg.norm(np.array(made)[:, None] - np.array(wishes)[None], axis=3).mean(axis=2)
    assert apart.argmin(axis=1).tolist() == list(range(len(EMOTIONS)))
    assert reader.places.points.tolist() == learned.points.tolist()


def test_long_clips_are_solved_in_blocks_without_a_seam(
    robot: Robot, learned: SelfModel, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    wish = simulator.see(trajectory(robot, poses(robot, 2, seed=3)))
    monkeypatch.setattr(inverse, "ROUNDS", 60)
    whole = solve(learned, wish, fps=robot.rate)
    monkeypatch.setattr(inverse, "BLOCK", 60)
    monkeypatch.setattr(inverse, "LEAD", 20)
    blocks = solve(learned, wish, fps=robot.rate)
    assert len(blocks.commands) == len(wish)
    assert np.abs(np.diff(blocks.aimed, axis=0)).max() < 2 * np.abs(np.diff(whole.aimed, axis=0)).max()
    a, b = (simulator.see(s.commands).landmarks for s in (whole, blocks))
    assert 1000 * np.linalg.norm(a - b, axis=2).mean() < 0.5


@pytest.mark.parametrize("frames", [1, 2])
def test_short_wishes(robot: Robot, learned: SelfModel, frames: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inverse, "ROUNDS", 5)
    wish = Seen(np.tile(learned.rest, (frames, 1, 1)), np.zeros((frames, 3), np.float32))
    assert solve(learned, wish, fps=robot.rate).commands.shape == (frames, len(robot.servos))
