"""What a tracked face does, as a face motion that plays on any head.

A tracker's weights are its own: our heads at a quarter of a smile look to it like half of one, and at fully lowered
brows like a quarter. So weights are taken back through what the tracker reads off our own pictures (`RESPONSES`), and
the jaw, which decides most, is opened until the lips are as far apart as was measured. How near our pictures come to
the film is measured by `python benchmarks/tracking.py`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52, EYE_RANGE
from ...avatars.head import HeadModel
from ...avatars.library import builtin_head
from ...blendshapes.evaluation import naturalness as n
from ...blendshapes.face_motion import LIP_CONTACT, REGIONS, FaceMotion
from ...blendshapes.solve.solver import SIDES, Solver
from ...core.maths import smoothstep
from ..clip.curves import CurveReader
from .film import INDEX, TrackedFilm
from .landmarks import curves, from_middle, rotation_vectors

F64 = NDArray[np.float64]

# What MediaPipe reads off pictures of our people (median of person1 to person4) whose weight is 0, 1/4, 1/2, 3/4, 1
LEVELS = (0.0, 0.25, 0.5, 0.75, 1.0)
RESPONSES = {
    "browInnerUp": (0.18, 0.36, 0.48, 0.61, 0.70),
    "browOuterUp": (0.13, 0.19, 0.29, 0.40, 0.51),
    "mouthLeft": (0.00, 0.01, 0.02, 0.06, 0.20),
    "mouthRight": (0.00, 0.01, 0.02, 0.10, 0.30),
    "mouthSmile": (0.06, 0.52, 0.74, 0.87, 0.94),
    "mouthFrown": (0.00, 0.01, 0.04, 0.13, 0.27),
    "mouthStretch": (0.02, 0.04, 0.10, 0.24, 0.43),
    "mouthUpperUp": (0.00, 0.01, 0.05, 0.21, 0.38),
    "eyeBlink": (0.04, 0.19, 0.59, 0.74, 0.79),
}
# Where that would magnify what trembles: a factor, by which faces come back from our pictures in their size
FACTORS = {
    "browDown": 3.0,
    "eyeSquint": 0.6,
    "mouthFunnel": 0.5,
    "mouthPucker": 1.0,
    "mouthRollLower": 1.0,
    "mouthRollUpper": 1.0,
    "mouthShrugUpper": 1.0,
    "mouthLowerDown": 1.0,
}
# Left out: what it never reads (nose, cheeks, tongue, the jaw's sides), and what it takes for a smile (press, dimple)

YAW_PER_LOOK, PITCH_PER_LOOK = 0.8 * EYE_RANGE, 1.5 * EYE_RANGE  # radians per weight
MOST_GAZE = np.radians(30.0)
LIPS_MEET = 0.011  # opening that the tracker reads off lips that touch
CONTACT = 0.010, 0.020  # opening at which lips surely touch, and from which on they do not
WIDEST_JAW, JAW_STEPS = np.radians(30.0), 3


def whole_motion(film: TrackedFilm) -> FaceMotion:
    """The face motion of a whole film, measured on the built-in head."""
    return face_motion(film, builtin_head(), seconds=float(film.times[-1]) + 1 / film.fps)


def face_motion(film: TrackedFilm, head: HeadModel, *, seconds: float, delay: float = 0.0) -> FaceMotion:
    """The motion of a tracked film's face for `seconds` from the first sample of its sound on, at the usual frame rate.

    `delay`: seconds by which the film's picture is late behind its sound, which are taken away.

    The head turns from the middle of the film, where it is taken to look into the camera, and stays in its place.
    Where no face was seen the motion goes straight on and is not `given`; cheeks never are. `head` is ours: on it the
    jaw is opened until the gap of the lips is as measured.
    """
    frames = max(1, math.ceil(seconds * film.fps - 1e-6))
    rest = FaceMotion.rest(frames, fps=film.fps)
    times = rest.times + delay
    weights, poses = film.sampled(film.weights, times), film.sampled(film.poses, times)
    measured = curves(film.sampled(film.points, times), INDEX, fps=film.fps, poses=poses)
    seen = np.isfinite(weights).all(axis=1) & np.isfinite(measured[n.OPENING])
    columns = dict(_shapes(weights)) | _gaze(weights)
    turn = rotation_vectors(from_middle(poses))
    columns |= {f"head{axis}": turn[:, i] for i, axis in enumerate(("Pitch", "Yaw", "Roll"))}
    low, high = CONTACT
    columns[LIP_CONTACT] = 1 - smoothstep((measured[n.OPENING] - low) / (high - low))
    motion = rest.with_columns({name: bridged(column, seen) for name, column in columns.items()})
    opening = bridged(np.maximum(measured[n.OPENING] - LIPS_MEET, 0), seen)
    motion = _with_jaw(motion, opening, head)
    known = np.array([region not in ("cheeks", "emotion") for region in REGIONS])
    return replace(motion, given=seen[:, None] & known)


def bridged(column: F64, seen: NDArray[np.bool_]) -> F64:
    """A column [T] whose unseen frames lie on lines between the seen ones; 0 where none was seen."""
    if not seen.any():
        return np.zeros(len(column))
    frames = np.arange(len(column))
    return np.interp(frames, frames[seen], column[seen])


def _shapes(weights: F64) -> Iterator[tuple[str, F64]]:
    """Columns of the tracker's weights [T, 52] by name."""
    for name in ARKIT_52:
        unit = name if name in RESPONSES else name.removesuffix("Left").removesuffix("Right")
        column = weights[:, ARKIT_52.index(name)]
        if unit == "eyeBlink":
            yield name.replace("eyeBlink", "lid"), np.interp(column, RESPONSES[unit], LEVELS)
        elif unit in RESPONSES:
            yield name, np.interp(column, RESPONSES[unit], LEVELS)
        elif unit in FACTORS:
            yield name, np.clip(FACTORS[unit] * column, 0, 1)


def _gaze(weights: F64) -> dict[str, F64]:
    """Both eyes' mean direction, from its middle, where they are taken to look into the camera."""

    def look(way: str, side: str) -> F64:
        return weights[:, ARKIT_52.index(f"eyeLook{way}{side}")]

    to_left = look("Out", "Left") - look("In", "Left") + look("In", "Right") - look("Out", "Right")
    down = look("Down", "Left") - look("Up", "Left") + look("Down", "Right") - look("Up", "Right")
    shut = weights[:, [ARKIT_52.index(f"eyeBlink{side}") for side in SIDES]].mean(axis=1)
    awake = shut < n.HALF
    turned = {
        "Yaw": YAW_PER_LOOK * _from_usual(to_left / 2, awake),
        "Pitch": PITCH_PER_LOOK * _from_usual(down / 2, awake),
    }
    return {
        f"gaze{side}{axis}": np.clip(column, -MOST_GAZE, MOST_GAZE) for side in SIDES for axis, column in turned.items()
    }


def _from_usual(column: F64, awake: NDArray[np.bool_]) -> F64:
    """A column [T] from its median; where the eyes are shut it goes straight on."""
    known = awake & np.isfinite(column)
    return bridged(column - np.median(column[known]), known) if known.any() else np.zeros(len(column))


def _with_jaw(motion: FaceMotion, opening: F64, head: HeadModel) -> FaceMotion:
    """The motion with the jaw at which the lips of `head` are `opening` [T] apart, eye distances."""
    solver, reader = Solver(head), CurveReader(head)
    parted = motion.with_column(LIP_CONTACT, 0.0)

    def gap(jaw: F64) -> F64:
        return reader.opening(solver(parted.with_column("jawPitch", jaw)))

    jaw = np.zeros(len(motion))
    low, high = np.zeros(len(motion)), np.full(len(motion), WIDEST_JAW)
    gap_low, gap_high = gap(low), gap(high)
    for _ in range(JAW_STEPS):  # regula falsi, in every frame at once: the gap grows with the jaw
        share = np.clip((opening - gap_low) / np.maximum(gap_high - gap_low, 1e-6), 0, 1)
        jaw = low + share * (high - low)
        found = gap(jaw)
        wide = found > opening
        low, gap_low = np.where(wide, low, jaw), np.where(wide, gap_low, found)
        high, gap_high = np.where(wide, jaw, high), np.where(wide, found, gap_high)
    return motion.with_column("jawPitch", jaw)
