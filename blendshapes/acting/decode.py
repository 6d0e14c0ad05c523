"""Coordinates of the model as the columns of a face that speaks: what is quick is drawn anew, and contacts are kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.maths import smoothstep
from ..face_motion import SPEAKING, FaceMotion
from ..models.gestures import BLINK, CLOSED, CLOSING, LIVELINESS, OPENING, STILLNESS, posture
from ..noise import draws
from ..score import HeadMotion
from .space import GAZE, HEAD, INDEX, LID, MOUTH, RATE, columns

F64 = NDArray[np.float64]

SHUT = 0.45  # of the lids' coordinate: a blink
# Seconds at either end of a clip in which nobody blinks: the network, which sees nothing beyond, has blinks crowd there
AWAKE = 0.25
# Eyes rest and jump: about how long they rest, by what share of it that varies, and how long a jump takes, seconds
FIXATION, JITTER, SACCADE = 0.45, 0.5, 0.05
MAX_GAZE = np.radians(25.0)
REACH = 0.5  # seconds of coordinates around a frame that matter to it
_JUMPS = 191  # stream of the seed
_HEAD, _GAZE = [INDEX[n] for n in HEAD], [INDEX[n] for n in GAZE]


def acted(
    face: FaceMotion,
    grid: F64,
    values: F64,
    *,
    emotion: F64,
    head_motion: HeadMotion,
    blink: bool,
    seed: int,
    duration: float | None = None,
) -> FaceMotion:
    """The speaking face with what the model makes of it.

    `values` [m, D]: coordinates at the times `grid` [m], which reach `REACH` beyond the face's; `emotion` [n, 8] of its
    frames; `seed` of when eyes jump; `duration` of the clip, where it is known. Lips that touch stay where the sound
    has them: style changes how they close, not whether.
    """
    size = LIVELINESS[head_motion]
    at = resampled(grid, values, face.times)
    changed = _mouth(face, at)
    shapes = columns(at)
    for name, weight in shapes.items():
        if not name.startswith("head") and (size or not name.startswith("brow")):
            changed[name] = np.clip(face.column(name) + weight, 0, 1)
    still = STILLNESS + (1 - STILLNESS) * face.column(SPEAKING)
    neck = size * still[:, None] * at[:, _HEAD] + (posture(emotion) if size else 0)
    changed |= dict(zip(("headPitch", "headYaw", "headRoll"), neck.T, strict=True))
    looks = fixated(grid, values[:, _GAZE], face.times, seed=seed) if size else 0
    gaze = np.clip(looks - neck[:, :2], -MAX_GAZE, MAX_GAZE)
    for side in ("Left", "Right"):
        changed |= {f"gaze{side}Pitch": gaze[:, 0], f"gaze{side}Yaw": gaze[:, 1]}
    if blink:
        deepest = blinks(grid, values[:, INDEX[LID]])
        end = np.inf if duration is None else duration
        shut = closed(face.times, deepest[(deepest >= AWAKE) & (deepest <= end - AWAKE)])
        changed |= {name: face.column(name) + (1 - face.column(name)) * shut for name in ("lidLeft", "lidRight")}
    return face.with_columns(changed)


def _mouth(face: FaceMotion, at: F64) -> dict[str, F64]:
    """The articulation [n] by column, changed where the lips are free and somebody speaks."""
    free = 1 - np.maximum(face.column("speech.close"), face.column("speech.tuck"))
    free = free * face.column("speech.activity")
    out: dict[str, F64] = {}
    for name in MOUTH:
        axis = face.column(f"speech.{name}")
        out[f"speech.{name}"] = np.clip(axis + free * at[:, INDEX[name]], 0, np.maximum(axis, 1))
    return out


def resampled(grid: F64, values: F64, times: F64) -> F64:
    """Values [m, D] of an even grid at `times` [n], [n, D]: cubic (Catmull & Rom, 1974), still beyond the ends."""
    place = np.clip((times - grid[0]) * RATE, 0, len(grid) - 1)
    cell = np.minimum(place.astype(int), max(len(grid) - 2, 0))
    f = (place - cell)[:, None]
    before, here, after, beyond = (values[np.clip(cell + k, 0, len(grid) - 1)] for k in (-1, 0, 1, 2))
    bend = 2 * before - 5 * here + 4 * after - beyond
    return here + 0.5 * f * (after - before + f * (bend + f * (3 * (here - after) + beyond - before)))


def fixated(grid: F64, gaze: F64, times: F64, *, seed: int) -> F64:
    """Gaze [n, 2] at `times` that rests and jumps, of one [m, 2] at the times `grid` that drifts."""
    slot = np.floor(times / FIXATION).astype(np.int64)
    first = int(slot.min(initial=0)) - 1
    numbers = np.arange(first, int(slot.max(initial=0)) + 3)
    starts = FIXATION * (numbers + JITTER * draws(seed, _JUMPS, numbers)[:, 0])
    looks = resampled(grid, gaze, (starts[:-1] + starts[1:]) / 2)
    here = slot - first
    jumped = smoothstep((times - starts[here]) / SACCADE)[:, None]
    return looks[here - 1] + jumped * (looks[here] - looks[here - 1])


def blinks(grid: F64, lid: F64) -> F64:
    """Times [k] at which blinks are deepest, between frames of the grid, by the lids' coordinate [m]."""
    middle = lid[1:-1]
    peaks = np.flatnonzero((middle > SHUT) & (middle > lid[:-2]) & (middle >= lid[2:])) + 1
    bend = lid[peaks - 1] - 2 * lid[peaks] + lid[peaks + 1]
    shift = 0.5 * (lid[peaks - 1] - lid[peaks + 1]) / np.minimum(bend, -1e-9)
    return grid[peaks] + np.clip(shift, -0.5, 0.5) / RATE


def closed(times: F64, deepest: F64) -> F64:
    """Closure of the lids [n] at `times`: every blink falls fast and rises slowly, as people's do."""
    phase = times[:, None] - (deepest - CLOSING - CLOSED / 2)
    return (smoothstep(phase / CLOSING) * smoothstep((BLINK - phase) / OPENING)).max(axis=1, initial=0.0)
