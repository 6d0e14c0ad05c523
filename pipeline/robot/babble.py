"""Motor babble: a robot tries what its servos can do, and what is seen of its face is kept."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.npz import NpzFields, save_npz
from ...core.rotation import axis_angles
from .command_files import read_commands
from .description import Robot, validated
from .landmarks import POINTS, STEADY, Seen, index_of
from .limits import possible

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

FORMAT = "emosplat-babble-1"
LEAST = 100  # frames of which anything can be learned
MOVE, HOLD = 0.4, 0.3  # seconds between two poses, and in one
MOVING = 0.25  # frames on the way between poses that are kept, of the number of poses
FILMED = "filmed"
RESTED = 0.5  # seconds at the beginning of a film in which the robot is at rest


@dataclass(frozen=True, eq=False)
class Babble:
    """Commands and what came of them."""

    robot: Robot
    commands: F32  # [N, S] degrees
    seen: Seen  # [N]
    points: NDArray[np.int64]  # [L] of MediaPipe's mesh
    rest: F32  # [L, 3] metres: the face at neutral
    unit: int | None  # which simulated individual; None: a film, or the robot as described


def poses(robot: Robot, count: int, *, seed: int) -> F64:
    """Random poses [count, S], degrees: some servos anywhere within their limits, the others where they rest."""
    random = np.random.default_rng(seed)
    anywhere = random.uniform(robot.low, robot.high, (count, len(robot.servos)))
    part = random.uniform(0.15, 1.0, (count, 1))  # of the servos that move
    return np.where(random.uniform(size=anywhere.shape) < part, anywhere, robot.neutral)


def trajectory(robot: Robot, stations: F64) -> F64:
    """From rest through poses [N, S] and back, smoothly, at the robot's rate and within its limits, [T, S]."""
    stations = np.concatenate([robot.neutral[None], stations, robot.neutral[None]])
    move, hold = round(MOVE * robot.rate), round(HOLD * robot.rate)
    share = np.linspace(0, 1, move + 1)[1:, None]
    smooth = share**3 * (10 - 15 * share + 6 * share**2)  # the least jerk (Flash and Hogan 1985)
    pieces = [np.repeat(robot.neutral[None], round(RESTED * robot.rate) + hold, axis=0)]
    for before, after in itertools.pairwise(stations):
        pieces += [before + smooth * (after - before), np.repeat(after[None], hold, axis=0)]
    return possible(np.concatenate(pieces), robot, fps=robot.rate)


def simulated(robot: Robot, see: Callable[[F64], Seen], count: int, *, seed: int, unit: int | None) -> Babble:
    """Babble of a simulator: `count` poses, and a quarter as many frames on the way between some of them."""
    stations = poses(robot, count, seed=seed)
    frames = round(MOVING * count)
    way = trajectory(robot, stations[: max(2, round(frames / (MOVE * robot.rate)))])
    chosen = np.random.default_rng([seed, 1]).choice(len(way), min(frames, len(way)), replace=False)
    commands = np.concatenate([stations, way[np.sort(chosen)]])
    rest = see(robot.neutral[None]).landmarks[0]
    return Babble(robot, commands.astype(np.float32), see(commands), np.array(POINTS), rest, unit)


def filmed(
    robot: Robot,
    commands: Path,
    film: Path,
    tracker: Path | None,
    still: F64,
    *,
    delay: float,
    report: Callable[[int], None] = lambda _: None,
) -> Babble:
    """Babble of hardware: the commands that were played, and a film of the robot that begins with it at rest.

    Landmarks are pixels and a depth that the tracker guesses; the points that do not move carry them to the size and
    place of the head that the skin was cast of. Raises InputError.

    still: [L, 3] the landmarks of that head at rest, metres; delay: seconds from the beginning of the film to the first
    command; `report` is told how many pictures have been looked at
    """
    from ..media.film import pictures
    from ..tracking.tracker import largest, open_tracker

    times, angles = read_commands(commands, robot)
    shown, points = [], []
    with open_tracker(tracker) as faces:
        for done, picture in enumerate(pictures(film)):
            report(done)
            shown.append(picture.time - delay)
            points.append(largest(faces.find(picture.pixels)).points[list(POINTS)].astype(np.float64))
    found = np.array(points).reshape(-1, len(POINTS), 3)
    return matched(robot, times, angles, np.array(shown), found, still)


def matched(robot: Robot, times: F64, angles: F64, shown: F64, points: F64, still: F64) -> Babble:
    """Babble of commands [T, S] at `times` [T] and points [N, L, 3] (pixels right, down, away) of pictures at `shown`
    [N] seconds after the first command; `still` [L, 3] are the points of the head at rest, metres.

    Raises InputError where too few pictures show a face.
    """
    upright = points * [1, -1, -1]
    known = np.isfinite(points).all(axis=(1, 2)) & (shown >= times[0]) & (shown <= times[-1])
    if known.sum() < LEAST:
        raise InputError(f"film: expected at least {LEAST} pictures of a face while commands last, found {known.sum()}")
    index = index_of(np.array(POINTS))
    steady = [index[p] for p in STEADY]
    shown, upright = shown[known], upright[known]
    resting = shown <= shown[0] + RESTED
    first = upright[resting].mean(axis=0)
    turn, scale, _ = similarity(first[steady], still[steady])
    middle = first[steady].mean(axis=0)
    placed = scale * (upright - middle) @ turn.T + still[steady].mean(axis=0)
    rest = placed[resting].mean(axis=0)
    landmarks, poses_seen = np.empty_like(placed), np.empty((len(placed), 3))
    for t, face in enumerate(placed):
        back, _, _ = similarity(face[steady], rest[steady])
        landmarks[t] = (face - face[steady].mean(axis=0)) @ back.T + rest[steady].mean(axis=0)
        poses_seen[t] = axis_angles(back.T[None])[0]
    commands = np.stack([np.interp(shown, times, column) for column in angles.T], axis=1)
    seen = Seen(landmarks.astype(np.float32), poses_seen.astype(np.float32))
    return Babble(robot, commands.astype(np.float32), seen, np.array(POINTS), rest.astype(np.float32), None)


def similarity(points: F64, onto: F64) -> tuple[F64, float, F64]:
    """Rotation [3, 3], scale and the mean of `onto` [3] that carry points [n, 3] onto others (Umeyama 1991)."""
    a, b = points - points.mean(axis=0), onto - onto.mean(axis=0)
    left, sizes, right = np.linalg.svd(b.T @ a)
    sign = np.array([1, 1, np.sign(np.linalg.det(left @ right))])
    return left * sign @ right, float((sizes * sign).sum() / max(np.square(a).sum(), 1e-12)), onto.mean(axis=0)


def save_babble(path: Path, babble: Babble) -> None:
    """Write babble, whole or not at all."""
    unit = FILMED if babble.unit is None else str(babble.unit)
    save_npz(
        path,
        {
            "format": np.array(FORMAT),
            "robot": np.array(json.dumps(babble.robot.model_dump(mode="json"))),
            "unit": np.array(unit),
            "commands": babble.commands,
            "landmarks": babble.seen.landmarks,
            "pose": babble.seen.pose,
            "points": babble.points,
            "rest": babble.rest,
        },
    )


def load_babble(path: Path) -> Babble:
    """Read babble; raises InputError naming the file and the field."""
    fields = NpzFields(path)
    if (found := fields.text("format")) != FORMAT:
        raise fields.error("format", repr(FORMAT), repr(found))
    robot = robot_of_json(fields.text("robot"), source=f"{path}: robot")
    commands = fields.floats("commands", ("N", len(robot.servos)))
    if len(commands) < LEAST:
        raise fields.error("commands", f"at least {LEAST} frames", str(len(commands)))
    outside = (commands < robot.low - 0.01).any() or (commands > robot.high + 0.01).any()
    if outside:
        raise fields.error("commands", "angles within the servos' limits", "others")
    unit = fields.text("unit")
    if unit != FILMED and not (unit.isascii() and unit.isdigit() and len(unit) < 10):
        raise fields.error("unit", f"a number or {FILMED!r}", repr(unit[:40]))
    seen = Seen(fields.floats("landmarks", ("N", "L", 3)), fields.floats("pose", ("N", 3)))
    return Babble(
        robot,
        commands,
        seen,
        fields.indices("points", ("L",), 478).astype(np.int64),
        fields.floats("rest", ("L", 3)),
        None if unit == FILMED else int(unit),
    )


def robot_of_json(text: str, *, source: str) -> Robot:
    """A description that was kept as JSON; raises InputError."""
    try:
        values = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{source}: expected JSON, found something else ({error})") from None
    if not isinstance(values, dict):
        raise InputError(f"{source}: expected a JSON object, found {type(values).__name__}")
    return validated(values, source=source)
