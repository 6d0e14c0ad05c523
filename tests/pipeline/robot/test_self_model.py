"""What a robot learns of itself: right on frames it has not seen, the same every time, kept and read safely."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

from emosplat.core.errors import InputError
from emosplat.core.tensors import read_info
from emosplat.pipeline.robot import self_model
from emosplat.pipeline.robot.babble import Babble
from emosplat.pipeline.robot.description import Robot
from emosplat.pipeline.robot.landmarks import POINTS
from emosplat.pipeline.robot.self_model import SelfModel, fit, held_out_rows, load_self, measured, save_self
from emosplat.pipeline.robot.simulator import Simulator


def test_held_out_frames_are_told_far_better_than_by_a_straight_line(tried: Babble, learned: SelfModel) -> None:
    rows = held_out_rows(len(tried.commands))
    assert learned.held_out.frames == rows.sum() > 100
    x = np.c_[tried.robot.shares(tried.commands.astype(np.float64)), np.ones(len(rows))]
    y = tried.seen.landmarks.reshape(len(rows), -1).astype(np.float64)
    straight = x[rows] @ np.linalg.lstsq(x[~rows], y[~rows], rcond=None)[0] - y[rows]
    by_line = 1000 * np.linalg.norm(straight.reshape(rows.sum(), -1, 3), axis=2).mean()
    assert learned.held_out.mean_mm < 0.7 * by_line
    assert learned.held_out.mean_mm < 0.1 * learned.held_out.still_mm
    assert learned.held_out.neck_deg < 1.5


def test_it_knows_its_own_build_which_the_description_does_not(
    robot: Robot, learned: SelfModel, simulator: Simulator
) -> None:
    commands = np.random.default_rng(9).uniform(robot.low, robot.high, (200, len(robot.servos)))
    true, described = simulator.see(commands), Simulator(robot, simulator.head).see(commands)
    told = learned(commands)
    own, bare = (np.linalg.norm(s.landmarks - true.landmarks, axis=2).mean() for s in (told, described))
    assert own < 0.7 * bare


def test_blocks_are_held_out_whole() -> None:
    rows = held_out_rows(1000)
    assert rows.sum() == 125
    assert np.abs(np.diff(rows.astype(int))).sum() == 2 * 5 - 1  # the last block ends the babble


def test_equal_babble_gives_an_equal_model(tried: Babble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(self_model, "STEPS", 30)
    one, two, other = fit(tried), fit(tried), fit(tried, seed=1)
    pairs = zip(one.network.state_dict().items(), two.network.state_dict().values(), strict=True)
    assert all(torch.equal(a, b) for (_, a), b in pairs)
    assert not torch.equal(one.network.first.weight, other.network.first.weight)
    assert one.held_out == two.held_out


def test_it_is_kept_with_its_robot_and_its_error(tried: Babble, learned: SelfModel, tmp_path: Path) -> None:
    save_self(tmp_path / "self.safetensors", learned)
    again = load_self(tmp_path / "self.safetensors")
    assert again.robot.model_dump() == learned.robot.model_dump()
    assert again.unit == 3
    assert again.held_out == learned.held_out
    commands = tried.commands[:20].astype(np.float64)
    np.testing.assert_array_equal(again(commands).landmarks, learned(commands).landmarks)
    rows = held_out_rows(len(tried.commands))
    assert measured(again, tried, rows) == learned.held_out


@pytest.mark.parametrize(
    ("name", "value", "problem"),
    [
        ("rest", np.zeros((3, 3), np.float32), "rest"),
        ("rest", np.full((len(POINTS), 3), np.nan, np.float32), "finite"),
        ("modes", np.zeros((2, 9), np.float32), "expected shape"),
        ("points", np.array([500] * len(POINTS)), "points"),
        ("points", np.array([5] * len(POINTS)), "each once"),
        ("points", np.zeros((2, 2)), "points"),
        ("network.first.weight", None, "first.weight"),
    ],
)
def test_faults_of_a_file_are_told(
    learned: SelfModel, tmp_path: Path, name: str, value: np.ndarray | None, problem: str
) -> None:
    path = tmp_path / "self.safetensors"
    save_self(path, learned)
    info = read_info(path, format=self_model.FORMAT, what="self-model")
    tensors = load_file(path)
    if value is None:
        del tensors[name]
    else:
        tensors[name] = value
    self_model.write_tensors(path, tensors, info)
    with pytest.raises(InputError, match=r"self\.safetensors: expected a self-model") as error:
        load_self(path)
    assert problem in str(error.value)


def test_other_files_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.safetensors").write_bytes(b"not one")
    save_file({"x": np.zeros(1, np.float32)}, tmp_path / "b.safetensors")
    for name in ("a", "b", "missing"):
        with pytest.raises(InputError, match=r"self-model|format"):
            load_self(tmp_path / f"{name}.safetensors")
