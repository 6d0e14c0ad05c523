"""From what is wished of a face to commands: by gradient through the robot's self-model, over the whole clip."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...core.cores import one_thread
from ...core.maths import smoothstep, widened
from .landmarks import BROWS, EYES, IRISES, LIP_PAIRS, LIPS, Seen, index_of
from .limits import Steps, possible
from .self_model import MM, TURN, SelfModel

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# how much landmarks count; all others 1
WEIGHTS = ((LIPS, 4.0), (BROWS, 3.0), (EYES, 3.0), (IRISES, 6.0))
GAP = 6.0  # how much the opening of the lips counts beside the landmarks, per pair
CLOSED = (
    0.6,
    1.4,
)  # mm of opening beyond that at rest: up to the first lips count as closed, beyond the second not at all
PRESS = 0.8  # mm by which lips that close are led past each other: the skin stops them
CLOSING = 12.0  # how much more the opening counts in frames in which the lips close
AROUND = 0.06  # seconds before and after a closure that count more, too
POSE = 1.0  # how much the neck counts
EFFORT = 0.02  # mm^2 that a servo at its limit costs: what moves nothing rests
RESTLESS = 0.02  # mm^2 that a step costs whose acceleration is at its limit
BEYOND = 20.0  # mm^2 that each step beyond a limit of speed or acceleration costs, by its square
ROUNDS, RATE = 300, 0.03  # of the gradient, in shares of a servo's way
BLOCK, LEAD = 3000, 100  # frames solved at once, and of the block before that are solved again


@dataclass(frozen=True, eq=False)
class Solved:
    """Commands for a wish."""

    commands: F64  # [T, S] degrees, within all limits
    aimed: F64  # [T, S] degrees, before the limits of speed and acceleration were made exact
    expected: Seen  # [T] what the self-model expects of the commands
    wish: Seen  # [T]
    closing: F64  # [T] 0..1: how far the lips were to be closed


def wished(model: SelfModel, seen: Seen, rest: F32) -> Seen:
    """What a face does, seen against its own rest [L, 3], on the robot's face."""
    return Seen(model.rest + seen.landmarks - rest, seen.pose)


@one_thread()
def solve(
    model: SelfModel, wish: Seen, *, fps: float, report: Callable[[int, int], None] = lambda _done, _all: None
) -> Solved:
    """Commands [T, S] for a wish of at least one frame [T] at `fps` frames per second, block by block.

    Lips that are to be closed count more than the rest of the face, in the gradient and where limits have to give
    something up. `report` is told frames done and of how many.
    """
    aim = _Aim(model, wish, fps)
    found: list[F64] = []
    for start in range(0, len(wish), BLOCK):
        lead = min(LEAD, start)
        block = slice(start - lead, min(start + BLOCK, len(wish)))
        before = found[-1][-lead:] if lead else None
        found.append(aim.descend(block, before)[lead:])
        report(block.stop, len(wish))
    angles = model.robot.angles(np.concatenate(found))
    commands = possible(angles, model.robot, fps=fps, weights=np.where(aim.near_closure, 1 + CLOSING, 1.0))
    return Solved(commands, angles, model(commands), wish, aim.closing)


class _Aim:
    """What is minimised, in the modes that the self-model tells landmarks in."""

    def __init__(self, model: SelfModel, wish: Seen, fps: float) -> None:
        self._model = model
        robot = model.robot
        index = index_of(model.points)
        weights = np.ones(len(model.points))
        for points, weight in WEIGHTS:
            weights[[index[p] for p in points if p in index]] = weight
        weights /= weights.sum()
        by_row = np.repeat(weights, 3)
        moved = MM * (wish.landmarks.astype(np.float64) - model.rest).reshape(len(wish), -1)
        modes, mean = model.modes.astype(np.float64), model.mean.astype(np.float64)
        self._form = torch.from_numpy(modes * by_row @ modes.T).float()  # [K, K]
        self._pull = torch.from_numpy((moved - mean) * by_row @ modes.T).float()  # [T, K]
        pairs = [(index[a], index[b]) for a, b in LIP_PAIRS if a in index and b in index]
        upper, lower = np.array(pairs, np.int64).reshape(-1, 2).T
        # height of the upper above the lower lip, beyond that at rest
        opening = (modes.reshape(len(modes), -1, 3)[:, upper, 1] - modes.reshape(len(modes), -1, 3)[:, lower, 1]).T
        own = mean.reshape(-1, 3)[upper, 1] - mean.reshape(-1, 3)[lower, 1]
        gaps = moved.reshape(len(moved), -1, 3)[:, upper, 1] - moved.reshape(len(moved), -1, 3)[:, lower, 1]
        self._opening = torch.from_numpy(opening).float()  # [P, K]
        widest = gaps.max(axis=1, initial=-np.inf) if gaps.shape[1] else np.full(len(wish), np.inf)
        self.closing = smoothstep((CLOSED[1] - widest) / (CLOSED[1] - CLOSED[0]))
        pressed = gaps + self.closing[:, None] * (np.minimum(gaps, -PRESS) - gaps)
        self._gaps = torch.from_numpy(pressed - own).float()  # [T, P]
        around = round(AROUND * fps)
        self.near_closure = widened(self.closing, around, around) > 0
        self._gap_weights = torch.from_numpy(GAP / 100 * np.where(self.near_closure, 1 + CLOSING, 1.0)).float()
        self._pose = torch.from_numpy(TURN * wish.pose).float()
        steps, way = Steps.of(robot, fps), robot.high - robot.neutral
        self._low = torch.from_numpy(robot.shares(robot.low)).float()
        self._speed = torch.from_numpy(steps.speed / way).float()
        self._acceleration = torch.from_numpy(steps.acceleration / way).float()

    def descend(self, block: slice, before: F64 | None) -> F64:
        """Shares [n, S] of the servos' ways for a block of frames; `before` holds its first frames, already solved."""
        shares = self._start(block)
        if before is not None:
            shares[: len(before)] = torch.from_numpy(before).float()
        shares.requires_grad_(True)
        optimizer = torch.optim.Adam([shares], lr=RATE)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, ROUNDS, eta_min=RATE / 50)
        for _ in range(ROUNDS):
            optimizer.zero_grad()
            self._loss(shares, block).backward()
            optimizer.step()
            schedule.step()
            with torch.no_grad():
                shares.copy_(torch.minimum(torch.maximum(shares, self._low), torch.ones(())))
                if before is not None:
                    shares[: len(before)] = torch.from_numpy(before).float()
        return shares.detach().numpy().astype(np.float64)

    def _loss(self, shares: Tensor, block: slice) -> Tensor:
        out = self._model.network(shares)
        modes, pose = out[:, :-3], out[:, -3:]
        near = ((modes @ self._form) * modes).sum(1) - 2 * (modes * self._pull[block]).sum(1)
        gap = self._gap_weights[block, None] * torch.square(modes @ self._opening.T - self._gaps[block])
        turned = POSE / TURN * torch.square(pose - self._pose[block]).sum(1)
        loss = near + gap.sum(1) + turned + EFFORT * torch.square(shares).mean(1)
        total = loss.sum()
        if len(shares) > 2:
            speed = torch.diff(shares, dim=0) / self._speed
            bend = torch.diff(shares, n=2, dim=0) / self._acceleration
            total = total + RESTLESS * torch.square(bend).mean(1).sum()
            for used in (speed, bend):
                total = total + BEYOND * torch.square(torch.relu(used.abs() - 1)).mean(1).sum()
        return total

    def _start(self, block: slice) -> Tensor:
        """The best of the self-model's straight part, within the limits."""
        network = self._model.network
        with torch.no_grad():
            weight = network.straight.weight.double()
            modes, form = weight[:-3], self._form.double()
            left = modes.T @ form @ modes + POSE / TURN * weight[-3:].T @ weight[-3:]
            left += 10 * EFFORT / left.shape[0] * torch.eye(left.shape[0], dtype=torch.float64)
            right = self._pull[block].double() @ modes + POSE / TURN * self._pose[block].double() @ weight[-3:]
            found = torch.linalg.solve(left, right.T).T.float()
            return torch.minimum(torch.maximum(found, self._low), torch.ones(()))
