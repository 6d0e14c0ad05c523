"""What a tracked face does, as a face motion that plays on any head.

A tracker's weights are its own: our heads at a quarter of a smile look to it like half of one, and at fully lowered
brows like a quarter. So weights are taken back through what the tracker reads off our own pictures (`RESPONSES`), the
mouth is drawn in or out until it is as wide as was measured, and the jaw, which decides most, is opened until the lips
are as far apart. What trembles from picture to picture though no muscle is that fast is smoothed (`STEADY`). How near
our pictures come to the film is measured by `python benchmarks/tracking.py`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter
from scipy.signal import savgol_filter

from ...avatars.arkit import ARKIT_52, EYE_RANGE
from ...avatars.head import HeadModel
from ...avatars.library import builtin_head
from ...blendshapes.evaluation import naturalness as n
from ...blendshapes.face_motion import LIP_CONTACT, REGIONS, SIDES, FaceMotion
from ...blendshapes.solve.solver import Solver
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
OWN = ("mouthPucker", "mouthFunnel")  # counted from what is usual: narrow lips are read as drawn in all the time
# Left out: what it never reads (nose, puffed cheeks, tongue, the jaw's sides), and what it takes for a smile (press,
# dimple). Its 478 points do not tell them either: of person1 to person4, each by a ridge regression on the other three,
# r .4 to .5 for nose, puff and the jaw's sides, .2 for raised cheeks.

# Seconds over which a column is smoothed, by how its name begins; lids, jaw and contact stay as they are
STEADY = {
    "head": 0.28, "brow": 0.44, "eyeSquint": 0.44, "cheek": 0.44, "mouthSmile": 0.44, "mouthFrown": 0.44,
    "mouthLeft": 0.44, "mouthRight": 0.44, "mouth": 0.2, n.WIDTH: 0.2,
}  # fmt: skip
FIXATION = 0.2  # seconds for which eyes rest at least

YAW_PER_LOOK, PITCH_PER_LOOK = 0.8 * EYE_RANGE, 1.5 * EYE_RANGE  # radians per weight
MOST_GAZE = np.radians(30.0)
LIPS_MEET = 0.011  # opening that the tracker reads off lips that touch
CONTACT = 0.010, 0.020  # opening at which lips surely touch, and from which on they do not
WIDEST_JAW, MOST_DRAWN, STEPS = np.radians(30.0), 0.6, 3
SAMPLED = 12  # frames by which the usual width is known


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
    return _solved(_read(film, max(1, math.ceil(seconds * film.fps - 1e-6)), delay=delay), _Mouth(head))


class LiveFace:
    """What the face of a film that still goes on does in its last picture, as `face_motion` has it so far."""

    def __init__(self, head: HeadModel) -> None:
        self._mouth = _Mouth(head)

    def __call__(self, film: TrackedFilm) -> FaceMotion:
        """One frame."""
        start = film.times[0]
        frames = round((film.times[-1] - start) * film.fps) + 1
        return _solved(_read(film, frames, delay=float(start)), self._mouth, first=-1)


@dataclass(frozen=True, eq=False)
class _Read:
    """What a tracker tells of T frames, before it is solved for the mouth of a head."""

    motion: FaceMotion  # the jaw shut
    opening: F64  # [T] of the lips, eye distances
    width: F64  # [T] of the mouth, eye distances
    seen: NDArray[np.bool_]  # [T]


def _read(film: TrackedFilm, frames: int, *, delay: float) -> _Read:
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
    return _Read(
        rest.with_columns({name: _steady(name, bridged(c, seen), film.fps) for name, c in columns.items()}),
        bridged(np.maximum(measured[n.OPENING] - LIPS_MEET, 0), seen),
        _steady(n.WIDTH, bridged(measured[n.WIDTH], seen), film.fps),
        seen,
    )


def _solved(read: _Read, mouth: _Mouth, *, first: int = 0) -> FaceMotion:
    """What was read as motion from frame `first` on: the mouth as wide and as open as measured."""
    motion = read.motion[first:]
    if (usual := float(np.median(read.width))) > 0:
        motion = mouth.drawn(motion, read.width[first:] / usual * mouth.usual_width(read.motion))
    known = np.array([region not in ("cheeks", "emotion") for region in REGIONS])
    return replace(mouth.opened(motion, read.opening[first:]), given=read.seen[first:, None] & known)


def bridged(column: F64, seen: NDArray[np.bool_]) -> F64:
    """A column [T] whose unseen frames lie on lines between the seen ones; 0 where none was seen."""
    if not seen.any():
        return np.zeros(len(column))
    frames = np.arange(len(column))
    return np.interp(frames, frames[seen], column[seen])


def _steady(name: str, column: F64, fps: float) -> F64:
    """A column [T] without what trembles: gaze by fixations, all else by parabolas (Savitzky and Golay 1964)."""
    if name.startswith("gaze"):
        return median_filter(column, _odd(FIXATION * fps), mode="nearest")
    frames = _odd(next((s for begin, s in STEADY.items() if name.startswith(begin)), 0.0) * fps)
    if not 3 < frames <= len(column):
        return column
    return np.clip(np.asarray(savgol_filter(column, frames, 2)), column.min(), column.max())


def _odd(frames: float) -> int:
    """The odd number next to `frames`."""
    return 2 * round((frames - 1) / 2) + 1


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
            usual = float(np.nanmedian(column)) if unit in OWN and np.isfinite(column).any() else 0.0
            yield name, np.clip(FACTORS[unit] * (column - usual), 0, 1)
    for side in SIDES:  # who smiles with the eyes raises the cheeks (Ekman and Friesen's AU 6)
        smile, squint = (weights[:, ARKIT_52.index(f"{unit}{side}")] for unit in ("mouthSmile", "eyeSquint"))
        yield f"cheekSquint{side}", np.sqrt(np.maximum(smile * squint, 0))


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


class _Mouth:
    """A head's mouth, brought to measures in eye distances."""

    def __init__(self, head: HeadModel) -> None:
        self._solver, self._reader = Solver(head), CurveReader(head)

    def usual_width(self, motion: FaceMotion) -> float:
        """Usual width of a mouth that does nothing of this motion but smile."""
        some = motion.table([f"mouthSmile{s}" for s in SIDES])[:: max(1, len(motion) // SAMPLED)]
        smiling = FaceMotion.rest(len(some), fps=motion.fps)
        smiling = smiling.with_columns({f"mouthSmile{side}": some[:, i] for i, side in enumerate(SIDES)})
        return float(np.median(self._reader.width(self._solver(smiling))))

    def drawn(self, motion: FaceMotion, width: F64) -> FaceMotion:
        """The motion with the mouth drawn in or out to `width` [T]."""

        def by(out: F64) -> FaceMotion:
            columns = {"mouthPucker": motion.column("mouthPucker") - out}
            columns |= {f"mouthStretch{s}": motion.column(f"mouthStretch{s}") + np.maximum(out, 0) for s in SIDES}
            return motion.with_columns({name: np.clip(column, 0, 1) for name, column in columns.items()})

        reached = _where_reached(lambda out: self._reader.width(self._solver(by(out))), width, -MOST_DRAWN, MOST_DRAWN)
        return by(reached)

    def opened(self, motion: FaceMotion, opening: F64) -> FaceMotion:
        """The motion with the jaw at which the lips are `opening` [T] apart."""
        parted = motion.with_column(LIP_CONTACT, 0.0)

        def gap(jaw: F64) -> F64:
            return self._reader.opening(self._solver(parted.with_column("jawPitch", jaw)))

        return motion.with_column("jawPitch", _where_reached(gap, opening, 0.0, WIDEST_JAW))


def _where_reached(measured: Callable[[F64], F64], wanted: F64, least: float, most: float) -> F64:
    """Where a measure that grows is as wanted [T], by regula falsi in every frame at once."""
    low, high = np.full(len(wanted), least), np.full(len(wanted), most)
    at_low, at_high, at = measured(low), measured(high), low
    for _ in range(STEPS):
        share = np.clip((wanted - at_low) / np.maximum(at_high - at_low, 1e-6), 0, 1)
        at = low + share * (high - low)
        found = measured(at)
        beyond = found > wanted
        low, at_low = np.where(beyond, low, at), np.where(beyond, at_low, found)
        high, at_high = np.where(beyond, at, high), np.where(beyond, found, at_high)
    return at
