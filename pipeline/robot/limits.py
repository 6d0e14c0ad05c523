"""What servos can do of what is wished of them: limits of angle, speed and acceleration, never exceeded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .description import Robot

F64 = NDArray[np.float64]

MARGIN = 1 - 2e-5  # of speed and acceleration: room for numbers that are rounded when they are written
ROUNDS = 150  # of the search for the nearest motion that is possible
TOLERANCE = 1e-3  # degrees: a round that changes less ends it


@dataclass(frozen=True, eq=False)
class Steps:
    """Limits of one frame: degrees, degrees per frame, degrees per frame squared; each [S]."""

    low: F64
    high: F64
    speed: F64
    acceleration: F64

    @staticmethod
    def of(robot: Robot, fps: float) -> Steps:
        """Of a robot that gets `fps` commands per second."""
        return Steps(robot.low, robot.high, MARGIN * robot.speed / fps, MARGIN * robot.acceleration / fps**2)


def possible(wish: F64, robot: Robot, *, fps: float, weights: F64 | None = None) -> F64:
    """Commands [T, S] that all limits allow, near to `wish` [T, S], degrees; they begin at rest.

    weights: [T] how much each frame counts; None: all the same
    """
    if not len(wish):
        return wish
    steps = Steps.of(robot, fps)
    counted = np.ones(len(wish)) if weights is None else weights / weights.mean()
    return braking(nearest(wish, steps, counted), steps)


def nearest(wish: F64, steps: Steps, weights: F64) -> F64:
    """Nearly the nearest motion within all limits, looking ahead: ADMM (Boyd et al. 2011) on

    min sum_t weights[t] (x[t] - wish[t])^2   with x, its first and its second differences within their limits.
    """
    from scipy.linalg import cho_solve_banded, cholesky_banded

    frames = len(wish)
    if frames < 3:
        return np.clip(wish, steps.low, steps.high)
    unit = steps.acceleration  # every servo in its own: degrees per frame squared
    wished, low, high, speed = wish / unit, steps.low / unit, steps.high / unit, steps.speed / unit
    factor = cholesky_banded(_system(weights), lower=True)
    x = np.clip(wished, low, high)
    duals = [np.zeros_like(x), np.zeros((frames - 1, x.shape[1])), np.zeros((frames - 2, x.shape[1]))]
    for _ in range(ROUNDS):
        found = [x, np.diff(x, axis=0), np.diff(x, n=2, axis=0)]
        within = [
            np.clip(found[0] + duals[0], low, high),
            np.clip(found[1] + duals[1], -speed, speed),
            np.clip(found[2] + duals[2], -1, 1),
        ]
        duals = [d + f - w for d, f, w in zip(duals, found, within, strict=True)]
        right = weights[:, None] * wished
        for order, (w, d) in enumerate(zip(within, duals, strict=True)):
            right = right + _backward(w - d, order)
        new = cho_solve_banded((factor, True), right)
        change = np.abs((new - x) * unit).max()
        x = new
        if change < TOLERANCE:
            break
    return x * unit


def _system(weights: F64) -> F64:
    """Lower bands [3, T] of diag(weights) + I + D1'D1 + D2'D2 with the first and second differences D1 and D2."""
    frames = len(weights)
    bands = np.zeros((3, frames))
    bands[0] = weights + 1
    bands[0, :-1] += 1
    bands[0, 1:] += 1
    bands[1, :-1] -= 1
    for start, stencil in ((0, 1.0), (1, -2.0), (2, 1.0)):
        bands[0, start : frames - 2 + start] += stencil**2
    bands[1, : frames - 2] -= 2
    bands[1, 1 : frames - 1] -= 2
    bands[2, : frames - 2] += 1
    return bands


def _backward(values: F64, order: int) -> F64:
    """The transpose of differences of an order."""
    for _ in range(order):
        padded = np.pad(values, ((1, 1), (0, 0)))
        values = -np.diff(padded, axis=0)
    return values


def braking(wish: F64, steps: Steps) -> F64:
    """Follow `wish` [T, S] frame by frame, as near as all limits allow; each frame can still brake before its limit.

    Induction: while the way that braking takes fits into what is left, slowing down is always possible, so that limits
    of angle, speed and acceleration hold at once.
    """
    out = np.empty_like(wish)
    out[0] = np.clip(wish[0], steps.low, steps.high)
    speed = np.zeros(wish.shape[1])
    for t in range(1, len(wish)):
        before = out[t - 1]
        most = np.minimum(steps.speed, speed + steps.acceleration)
        most = np.minimum(most, _fastest(steps.high - before, steps.acceleration))
        least = np.maximum(-steps.speed, speed - steps.acceleration)
        least = np.maximum(least, -_fastest(before - steps.low, steps.acceleration))
        speed = np.maximum(np.minimum(wish[t] - before, most), least)
        out[t] = np.clip(before + speed, steps.low, steps.high)
        speed = out[t] - before
    return out


def _fastest(room: F64, acceleration: F64) -> F64:
    """The greatest step from which one can brake within `room`: v + (v - a) + (v - 2 a) + ... <= room."""
    room = np.maximum(room, 0)
    steps = np.maximum(np.ceil((np.sqrt(1 + 8 * room / acceleration) - 1) / 2), 1)
    return (room + acceleration * steps * (steps - 1) / 2) / steps


def used(commands: F64, robot: Robot, *, fps: float) -> dict[str, float]:
    """The greatest angle, speed and acceleration of commands [T, S] as shares of their limits; 1 is the limit."""
    middle, half = (robot.low + robot.high) / 2, (robot.high - robot.low) / 2
    speed, acceleration = np.diff(commands, axis=0) * fps, np.diff(commands, n=2, axis=0) * fps**2
    return {
        "angle": float((np.abs(commands - middle) / half).max(initial=0)),
        "speed": float((np.abs(speed) / robot.speed).max(initial=0)),
        "acceleration": float((np.abs(acceleration) / robot.acceleration).max(initial=0)),
    }
