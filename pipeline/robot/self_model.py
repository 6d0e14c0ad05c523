"""What a robot knows of its own face: a small network from commands to landmarks, learned of babble."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ...core.cores import one_thread
from ...core.errors import InputError
from ...core.tensors import checked, read_tensors, write_tensors
from .babble import Babble, robot_of_json
from .description import Robot
from .landmarks import LIPS, Seen

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FORMAT = "emosplat-self-1"
WIDTH = 160  # of both hidden layers
MODES = 72  # in which landmarks are told, at most
STEPS, BATCH, RATE, DECAY = 6000, 256, 3e-3, 1e-4  # of training
BLOCK, EVERY = 25, 8  # every eighth block of 25 frames is held out
MM = 1000.0
TURN = 100.0  # mm that a radian of the neck counts as: about what it moves the face by
MOST_TENSORS = 64 << 20  # bytes of a file


@dataclass(frozen=True)
class HeldOut:
    """Error on frames that were not learned from."""

    frames: int
    mean_mm: float  # distance of landmarks, mean
    p95_mm: float  # 95th percentile
    lips_mm: float  # mean over the lips alone
    still_mm: float  # mean of a face that never moved, for comparison
    neck_deg: float  # mean error of the neck's pose


class Network(nn.Module):
    """Shares of the servos' ways [n, S] to modes of the landmarks and the pose of the skull [n, K + 3], mm."""

    def __init__(self, servos: int, outputs: int, *, seed: int = 0) -> None:
        super().__init__()
        self.straight = nn.Linear(servos, outputs)
        self.first = nn.Linear(servos, WIDTH)
        self.second = nn.Linear(WIDTH, WIDTH)
        self.last = nn.Linear(WIDTH, outputs)
        random = torch.Generator().manual_seed(seed)
        for layer in (self.first, self.second):
            bound = math.sqrt(3 / layer.in_features)
            nn.init.uniform_(layer.weight, -bound, bound, generator=random)
            nn.init.zeros_(layer.bias)
        for layer in (self.straight, self.last):
            nn.init.zeros_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, shares: Tensor) -> Tensor:
        """A straight part, and what bends it."""
        hidden = nn.functional.silu(self.second(nn.functional.silu(self.first(shares))))
        return self.straight(shares) + self.last(hidden)


@dataclass(frozen=True, eq=False)
class SelfModel:
    """A robot's description with what its face does at any command."""

    robot: Robot
    network: Network
    points: NDArray[np.int64]  # [L] of MediaPipe's mesh
    rest: F32  # [L, 3] metres
    mean: F32  # [3 L] mm from rest
    modes: F32  # [K, 3 L] orthonormal
    unit: int | None  # which simulated individual it was learned of; None: hardware
    held_out: HeldOut

    def __call__(self, commands: F64) -> Seen:
        """What will be seen at commands [T, S], degrees."""
        with torch.no_grad():
            out = self.network(torch.from_numpy(self.robot.shares(commands)).float()).numpy()
        return self.told(out)

    def told(self, out: F32) -> Seen:
        """Outputs of the network [T, K + 3] as landmarks and poses."""
        moved = out[:, :-3] @ self.modes + self.mean
        landmarks = self.rest + moved.reshape(len(out), -1, 3) / MM
        return Seen(landmarks.astype(np.float32), (out[:, -3:] / TURN).astype(np.float32))


def held_out_rows(count: int) -> NDArray[np.bool_]:
    """[N] which frames are not learned from: whole blocks, because neighbours of a film are alike."""
    return np.arange(count) // BLOCK % EVERY == EVERY - 1


@one_thread()
def fit(babble: Babble, *, seed: int = 0, report: Callable[[int, int], None] = lambda _done, _all: None) -> SelfModel:
    """Learn a self-model; equal babble and seed give an equal one. `report` is told steps done and of how many."""
    moved = MM * (babble.seen.landmarks - babble.rest).reshape(len(babble.seen), -1).astype(np.float64)
    held = held_out_rows(len(moved))
    mean, modes = _modes(moved[~held])
    target = np.concatenate([(moved - mean) @ modes.T, TURN * babble.seen.pose], axis=1)
    shares = babble.robot.shares(babble.commands.astype(np.float64))
    x, y = (torch.from_numpy(a[~held]).float() for a in (shares, target))
    network = Network(x.shape[1], y.shape[1], seed=seed)
    with torch.no_grad():  # the straight part begins where least squares puts it
        straight = np.linalg.lstsq(np.c_[x, np.ones(len(x))], y.numpy(), rcond=1e-6)[0]
        network.straight.weight.copy_(torch.from_numpy(straight[:-1].T))
        network.straight.bias.copy_(torch.from_numpy(straight[-1]))
    _train(network, x, y, seed, report)
    model = SelfModel(
        babble.robot,
        network.eval(),
        babble.points,
        babble.rest,
        mean.astype(np.float32),
        modes.astype(np.float32),
        babble.unit,
        HeldOut(0, 0, 0, 0, 0, 0),
    )
    return replace(model, held_out=measured(model, babble, held))


def _modes(moved: F64) -> tuple[F64, F64]:
    """Mean [D] and orthonormal directions [K, D] in which displacements [N, D] vary most."""
    mean = moved.mean(axis=0)
    vectors = np.linalg.eigh((moved - mean).T @ (moved - mean)).eigenvectors
    count = min(MODES, len(moved), len(vectors))
    modes = vectors[:, ::-1][:, :count].T
    signs = np.sign(modes[np.arange(count), np.abs(modes).argmax(axis=1)])
    return mean, modes * signs[:, None]


def _train(network: Network, x: Tensor, y: Tensor, seed: int, report: Callable[[int, int], None]) -> None:
    random = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=STEPS, pct_start=0.05)
    size = min(BATCH, len(x))
    for step in range(STEPS):
        rows = torch.randint(len(x), (size,), generator=random)
        loss = torch.square(network(x[rows]) - y[rows]).sum(dim=1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 100 == 0:
            report(step, STEPS)


def measured(model: SelfModel, babble: Babble, rows: NDArray[np.bool_]) -> HeldOut:
    """The error on some frames of babble."""
    told = model(babble.commands[rows].astype(np.float64))
    error = MM * np.linalg.norm(told.landmarks - babble.seen.landmarks[rows], axis=2)
    still = MM * np.linalg.norm(babble.rest - babble.seen.landmarks[rows], axis=2)
    neck = np.degrees(np.linalg.norm(told.pose - babble.seen.pose[rows], axis=1))
    return HeldOut(
        int(rows.sum()),
        float(error.mean()),
        float(np.percentile(error, 95)),
        float(error[:, np.isin(babble.points, LIPS)].mean()),
        float(still.mean()),
        float(neck.mean()),
    )


def save_self(path: Path, model: SelfModel) -> None:
    """Write a self-model, whole or not at all; raises InputError."""
    tensors: dict[str, NDArray[Any]] = {f"network.{n}": t.numpy() for n, t in model.network.state_dict().items()}
    tensors |= {"points": model.points, "rest": model.rest, "mean": model.mean, "modes": model.modes}
    info = {
        "format": FORMAT,
        "robot": json.dumps(model.robot.model_dump(mode="json")),
        "unit": model.unit,
        "held_out": vars(model.held_out),
    }
    write_tensors(path, tensors, info)


def load_self(path: Path) -> SelfModel:
    """Read a self-model; raises InputError naming the file."""
    file = read_tensors(path, format=FORMAT, what="self-model", max_bytes=MOST_TENSORS)
    try:
        robot = robot_of_json(file.info["robot"], source=f"{path}: robot")
        points = file.tensors["points"]
        if (
            points.ndim != 1
            or points.dtype.kind not in "iu"
            or points.min(initial=0) < 0
            or points.max(initial=0) > 477
        ):
            raise ValueError("points: expected numbers of MediaPipe's mesh")
        if len(set(points.tolist())) < len(points):
            raise ValueError("points: expected each once")
        count, modes = len(points), len(file.tensors["modes"])
        network = Network(len(robot.servos), modes + 3)
        state = {
            n: torch.from_numpy(checked(file.tensors, f"network.{n}", tuple(t.shape)))
            for n, t in network.state_dict().items()
        }
        network.load_state_dict(state)
        unit = file.info["unit"]
        if unit is not None and (type(unit) is not int or unit < 0):
            raise ValueError("unit: expected a number or nothing")
        return SelfModel(
            robot,
            network.eval(),
            points.astype(np.int64),
            checked(file.tensors, "rest", (count, 3)),
            checked(file.tensors, "mean", (3 * count,)),
            checked(file.tensors, "modes", (modes, 3 * count)),
            unit,
            HeldOut(**{name: kind(file.info["held_out"][name]) for name, kind in HELD_OUT.items()}),
        )
    except InputError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise InputError(f"{path}: expected a self-model, found something else ({error})") from None


HELD_OUT: dict[str, type] = {
    "frames": int, "mean_mm": float, "p95_mm": float, "lips_mm": float, "still_mm": float, "neck_deg": float,
}  # fmt: skip
