"""How well does a simulated animatronic face do what it is asked? `python benchmarks/robot.py [SPEECH...]`.

The built-in robot, several individuals of it; nobody here has hardware. SPEECH: recordings; without any, the two halves
of the demo sentence, which share no word.

- self-model: distance of landmarks on held-out babble, mm, beside a straight-line model and the bare description, which
  does not know how the individual was built; the same with landmarks that tremble as a tracker's do;
- limits: the greatest share of angle, speed and acceleration over 10,000 random frames;
- round trip: wish -> commands -> simulator, per emotion; lips on the midline in frames whose wish is closed;
- emotions: eight emotions told apart from landmarks of single frames (every fifth) and of clips (most frames' vote), by
  linear discriminants on 20 principal components. They learn from the first recording with some seeds and are tested on
  the others with other seeds. The same of the wish.
"""

from __future__ import annotations

import argparse
import os
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray

import emosplat
from emosplat.avatars.head import HeadModel
from emosplat.avatars.motion import Motion
from emosplat.blendshapes.emotion import EMOTIONS
from emosplat.pipeline.clip.loaded import LoadedModels
from emosplat.pipeline.clip.request import ClipRequest
from emosplat.pipeline.clip.source import open_source
from emosplat.pipeline.robot.babble import Babble, simulated
from emosplat.pipeline.robot.description import Robot, load_robot
from emosplat.pipeline.robot.drive import round_trip, solve_motion
from emosplat.pipeline.robot.landmarks import FaceReader, Seen
from emosplat.pipeline.robot.limits import possible, used
from emosplat.pipeline.robot.self_model import MM, SelfModel, fit, held_out_rows
from emosplat.pipeline.robot.simulator import Simulator
from emosplat.pipeline.settings import read_settings

F64 = NDArray[np.float64]
TREMBLE = 0.5  # mm
COMPONENTS = 20
Piece = tuple[Path, float, float | None]  # recording, start, duration
Frames = list[tuple[int, F64]]  # number of an emotion, landmarks [n, D] of a clip


def self_models(robot: Robot, head: HeadModel, units: int, poses: int) -> list[SelfModel]:
    """Learn units, print their errors."""
    models = []
    print(f"self-model, {poses} poses; mm     held out  95 %   lips   straight line  description  at rest   fit s")
    for unit in range(units):
        simulator = Simulator(robot, head, unit=unit)
        babble = simulated(robot, simulator.see, poses, seed=0, unit=unit)
        started = time.process_time()
        model = fit(babble)
        took = time.process_time() - started
        rows = held_out_rows(len(babble.commands))
        straight = straight_error(babble, rows)
        bare = Simulator(robot, head).see(babble.commands[rows].astype(np.float64)).landmarks
        described = MM * np.linalg.norm(bare - babble.seen.landmarks[rows], axis=2).mean()
        held = model.held_out
        print(
            f"  individual {unit}                {held.mean_mm:7.3f} {held.p95_mm:6.3f} {held.lips_mm:6.3f} "
            f"{straight:12.3f} {described:12.3f} {held.still_mm:9.2f} {took:8.0f}"
        )
        models.append(model)
    return models


def straight_error(babble: Babble, rows: NDArray[np.bool_]) -> float:
    """Held-out error of linear least squares from commands to landmarks, mm."""
    x = np.c_[babble.robot.shares(babble.commands.astype(np.float64)), np.ones(len(rows))]
    y = babble.seen.landmarks.reshape(len(rows), -1).astype(np.float64)
    told = x[rows] @ np.linalg.lstsq(x[~rows], y[~rows], rcond=None)[0]
    return float(MM * np.linalg.norm((told - y[rows]).reshape(rows.sum(), -1, 3), axis=2).mean())


def trembling(robot: Robot, head: HeadModel, poses: int) -> None:
    """The error against true landmarks where those that were learned from tremble."""
    simulator = Simulator(robot, head, unit=0)
    clean = simulated(robot, simulator.see, poses, seed=0, unit=0)
    shaken = np.random.default_rng(0).normal(0, TREMBLE / MM, clean.seen.landmarks.shape).astype(np.float32)
    model = fit(replace(clean, seen=Seen(clean.seen.landmarks + shaken, clean.seen.pose)))
    rows = held_out_rows(len(clean.commands))
    told = model(clean.commands[rows].astype(np.float64)).landmarks
    error = MM * np.linalg.norm(told - clean.seen.landmarks[rows], axis=2).mean()
    print(f"  learned from landmarks that tremble by {TREMBLE:g} mm: {error:.3f} from the true ones")


def limits(robot: Robot) -> None:
    """Ten thousand frames of noise that knows no limits."""
    random = np.random.default_rng(0)
    wild = random.uniform(2 * robot.low, 2 * robot.high, (10_000, len(robot.servos)))
    shares = used(possible(wild, robot, fps=robot.rate), robot, fps=robot.rate)
    print("limits, 10,000 random frames: " + ", ".join(f"{name} {share:.6f}" for name, share in shares.items()))


def motion_of(piece: Piece, emotion: str, seed: int, robot: Robot, loaded: LoadedModels) -> Motion:
    """What the robot is asked to do."""
    path, start, duration = piece
    given = {"emotion": emotion, "seed": seed, "avatar": robot.face, "fps": Fraction(robot.rate), "start": start}
    settings = read_settings(given | ({} if duration is None else {"duration": duration}))
    return Motion.concatenate(open_source(ClipRequest(path, Path("clip.mp4"), settings), loaded).motion)


def main() -> None:
    """Print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("speech", nargs="*", type=Path)
    parser.add_argument("--units", type=int, default=3)
    parser.add_argument("--poses", type=int, default=4000)
    parser.add_argument("--seeds", type=int, default=2)
    asked = parser.parse_args()
    robot, loaded = load_robot("morpheus-like"), LoadedModels("cpu")
    head = loaded.avatar(robot.face).head
    models = self_models(robot, head, asked.units, asked.poses)
    trembling(robot, head, asked.poses)
    limits(robot)
    demo = Path(str(emosplat.example_speech()))
    pieces: list[Piece] = [(p, 0.0, None) for p in asked.speech] or [(demo, 0.0, 3.3), (demo, 3.3, None)]
    reader = FaceReader(head)
    made: dict[str, list[Frames]] = {"wish": [], "robot": []}
    print("round trip, mm      landmarks  lips  still face   closed frames: wish  robot  closed")
    rows: dict[str, list[tuple[float, ...]]] = {}
    for piece in pieces:
        for kind in made.values():
            kind.append([])
        for seed in range(asked.seeds):
            seed_of = seed if piece is pieces[0] else 1000 + seed  # others than those that were learned from
            model = models[seed % len(models)]
            simulator = Simulator(robot, head, unit=model.unit)
            for number, emotion in enumerate(EMOTIONS):
                motion = motion_of(piece, emotion, seed_of, robot, loaded)
                solved = solve_motion(model, head, motion)
                trip = round_trip(simulator, reader, motion, solved)
                count = trip.closures
                gap = (count, count * (trip.wish_gap_mm or 0), count * (trip.gap_mm or 0), count * (trip.closed or 0))
                rows.setdefault(emotion, []).append((trip.error_mm, trip.lips_mm, trip.still_mm, *gap))
                seen = simulator.see(solved.commands).landmarks
                for name, landmarks in (("wish", solved.wish.landmarks), ("robot", seen)):
                    made[name][-1].append((number, landmarks[::5].reshape(len(landmarks[::5]), -1).astype(np.float64)))
    for emotion, found in rows.items():
        table = np.array(found)
        error, lips, still = table[:, :3].mean(axis=0)
        count, wish, got, closed = table[:, 3:].sum(axis=0)
        print(
            f"  {emotion:15s} {error:8.2f} {lips:7.2f} {still:8.2f} {count:15.0f} {wish / count:11.2f} "
            f"{got / count:6.2f} {100 * closed / count:6.0f} %"
        )
    for name, sets in made.items():
        frames, clips = told_apart(sets[0], [clip for other in sets[1:] for clip in other])
        print(f"emotions of the {name}: {frames:.2f} of frames, {clips:.2f} of clips (chance {1 / len(EMOTIONS):.2f})")


def told_apart(learned: Frames, tested: Frames) -> tuple[float, float]:
    """Shares of frames and of clips whose emotion is told."""
    x = np.concatenate([frames for _, frames in learned])
    label = np.concatenate([np.full(len(frames), number) for number, frames in learned])
    mean = x.mean(axis=0)
    axes = np.linalg.svd(x - mean, full_matrices=False)[2][:COMPONENTS]
    z = (x - mean) @ axes.T
    centres = np.stack([z[label == k].mean(axis=0) for k in range(len(EMOTIONS))])
    within = z - centres[label]
    spread = within.T @ within / len(z)
    spread += 0.05 * np.trace(spread) / len(spread) * np.eye(len(spread))
    pull = np.linalg.solve(spread, centres.T)
    offset = 0.5 * (centres.T * pull).sum(axis=0)
    votes = [((frames - mean) @ axes.T @ pull - offset).argmax(axis=1) for _, frames in tested]
    right = np.concatenate([vote == number for vote, (number, _) in zip(votes, tested, strict=True)])
    clips = [
        np.bincount(vote, minlength=len(EMOTIONS)).argmax() == number
        for vote, (number, _) in zip(votes, tested, strict=True)
    ]
    return float(right.mean()), float(np.mean(clips))


if __name__ == "__main__":
    main()
