"""How somebody moves, as numbers measured on an example: sizes, speeds and habits of every coordinate, and key poses.

Key poses stand beside the numbers as in Michel et al., "Model See Model Do" (SIGGRAPH 2025): a style is not only how
much somebody moves but what the face looks like meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import runs
from ..face_motion import REGIONS, SPEAKING, FaceMotion
from ..score import Style
from ..speech.encoder import AXES
from ..speech.excerpt import Excerpt
from .bands import BANDS, BESIDE_SOUND, beside_sound
from .space import COORDINATES, GAZE, HEAD, INDEX, LID, MOUTH, RATE, REGION, SCALE, SHAPED, coordinates

F64 = NDArray[np.float64]
Mask = NDArray[np.bool_]

# Of every coordinate, in units of `SCALE`; sizes as natural logarithms
MEASURES = ("mean", "size", "speed", "with_jaw")
STATISTICS = (*(f"{c}.{m}" for c in COORDINATES if c != LID for m in MEASURES), "lid.blinks", "lid.length")
POSES = 4
POSED = (*SHAPED, *HEAD)  # the coordinates of key poses
SHORTEST = 4.0  # seconds of an example
STILL = 1e-3  # the least size and speed: a coordinate that an example lacks
SHUT = 0.5  # closure of the lids of a blink
LONGEST_BLINK = 0.5  # seconds
SLOW = 0.5  # seconds: poses are what lasts longer than this
FARTHEST = 4.0  # standard deviations from what is usual, and units of a pose, that the model is told of
ROUNDS = 20  # of k-means
PAUSED = 0.1  # between words, where people breathe
TOUCHING = 0.3  # of a contact: lips that touch or nearly do
_POSED = [INDEX[name] for name in POSED]
POSE_UNITS = SCALE[_POSED]
_JAW, _SPOKEN = INDEX["jaw"], [INDEX[name] for name in MOUTH]
_HEARD, _TOUCH = [AXES.index(name) for name in MOUTH], [AXES.index(name) for name in ("close", "tuck")]
_GAZE, _TURNS = [INDEX[name] for name in GAZE], [INDEX[name] for name in HEAD[:2]]  # pitch and yaw
_OF_REGION = [REGIONS.index(REGION[name]) for name in COORDINATES]


def style_of(face: FaceMotion, name: str, speech: Excerpt | None = None) -> Style:
    """The style of a motion, at least `SHORTEST` seconds long; the longer, the surer. Raises InputError.

    `speech` is what is said meanwhile, where that is known: the mouth is measured beside it, too. What an example does
    not tell, as phones that leave out the head, is no part of the style.

    >>> still = FaceMotion.rest(250, fps=25).with_column("headYaw", np.full(250, 0.1))
    >>> statue = style_of(still, "statue").statistics
    >>> statue["head_yaw.size"] < -6, "smile_left.size" in statue
    (True, False)
    """
    if face.duration < SHORTEST:
        raise InputError(f"style {name!r}: expected at least {SHORTEST:g} s of motion, found {face.duration:.2f} s")
    face = face if face.fps == RATE else face.resampled(RATE)
    values = coordinates(face)
    speaking = face.column(SPEAKING) > 0.5 if SPEAKING in face.channels else np.ones(len(face), bool)
    told = _told(values, face)
    style = named(name, measured(values, speaking), key_poses(values), told)
    habits = None if speech is None else _articulated(values, speech, face)
    if habits is None:
        return style
    known = [told[k] for k in _SPOKEN for _ in BANDS]
    beside = {n: float(v) for n, v, k in zip(BESIDE_SOUND, habits.ravel(), known, strict=True) if k}
    return replace(style, statistics={**style.statistics, **beside})


def _told(values: F64, face: FaceMotion) -> Mask:
    """Which coordinates an example tells, [D]: what is 0 in every frame was not measured.

    Where somebody looks in the room needs both eyes and head.
    """
    told = np.array(values.any(axis=0) & face.given[:, _OF_REGION].any(axis=0))
    told[_GAZE] &= told[_TURNS] & face.gaze.any()
    return told


def _articulated(values: F64, speech: Excerpt, face: FaceMotion) -> F64 | None:
    axes = speech.axes_at(face.times, RATE, effort=None)
    speaking = (speech.at(face.times, speech.activity) > 0.5) & (speech.at(face.times, speech.between) < PAUSED)
    free = speaking & (axes[:, _TOUCH].max(axis=1) < TOUCHING) & face.given[:, REGIONS.index("mouth")]
    return beside_sound(values[:, _SPOKEN], axes[:, _HEARD], free)


def named(name: str, statistics: F64, poses: F64, told: Mask | None = None) -> Style:
    """Statistics [S] and key poses [K, P], in the units of columns, as a style: of the coordinates that are `told` [D],
    by default all."""
    told = np.ones(len(COORDINATES), bool) if told is None else told
    known = {c for c, t in zip(COORDINATES, told, strict=True) if t}

    def is_told(statistic: str) -> bool:
        coordinate, measure = statistic.split(".")
        return coordinate in known and (measure != "with_jaw" or "jaw" in known)

    return Style(
        name,
        statistics={n: v for n, v in zip(STATISTICS, statistics.tolist(), strict=True) if is_told(n)},
        poses=tuple({n: v for n, v in zip(POSED, pose.tolist(), strict=True) if n in known} for pose in poses),
    )


def measured(values: F64, speaking: Mask) -> F64:
    """`STATISTICS` [S] of coordinates [T, D] at 25 frames per second; the mouth counts where `speaking` [T]."""
    if speaking.sum() < RATE:
        speaking = np.ones(len(values), bool)
    scaled = values / SCALE
    jaw = _standard(scaled[:, _JAW], speaking)
    found: list[float] = []
    for k, name in enumerate(COORDINATES):
        if name == LID:
            continue
        mask = speaking if k in _SPOKEN else np.ones(len(values), bool)
        column = scaled[:, k]
        speeds = np.abs(np.diff(column))[mask[1:] & mask[:-1]] * RATE
        spread = float(column[mask].std())
        found += [float(column[mask].mean()), math.log(max(spread, STILL))]
        found += [math.log(max(float(np.sqrt(np.mean(speeds**2))), STILL)) if len(speeds) else math.log(STILL)]
        found += [float(np.mean(_standard(column, speaking)[speaking] * jaw[speaking]))]
    return np.array([*found, *_blinking(values[:, INDEX[LID]])])


def key_poses(values: F64) -> F64:
    """What the face mostly looks like in coordinates [T, D]: `POSES` poses of `POSED`, [K, P], the most usual first.

    k-means of the slow motion, begun from its extremes, so that equal motion has equal poses.
    """
    taps = np.hanning(round(SLOW * RATE) + 2)[1:-1]
    slow = np.stack(
        [np.convolve(np.pad(c, len(taps) // 2, mode="edge"), taps / taps.sum(), mode="valid") for c in values.T], axis=1
    )[: len(values), _POSED]
    scaled = slow / POSE_UNITS
    centres = _extremes(scaled)
    nearest = np.zeros(len(scaled), int)
    for _ in range(ROUNDS):
        nearest = np.square(scaled[:, None] - centres).sum(axis=2).argmin(axis=1)
        centres = np.array([scaled[nearest == k].mean(axis=0) if (nearest == k).any() else c
                            for k, c in enumerate(centres)])  # fmt: skip
    usual = np.argsort(-np.bincount(nearest, minlength=POSES), kind="stable")
    return centres[usual] * POSE_UNITS


def standard(style: Style, usual: F64, spread: F64) -> tuple[F64, F64]:
    """A style's statistics [S] as standard deviations from what is usual, and its key poses [K, P] in units.

    Numbers that the style lacks are usual ones.
    """
    values = np.array([style.statistics.get(name, u) for name, u in zip(STATISTICS, usual, strict=True)])
    return np.clip((values - usual) / spread, -FARTHEST, FARTHEST), pose_table(style.poses)


def pose_table(poses: Sequence[Mapping[str, float]]) -> F64:
    """Key poses [K, P] in units of `SCALE`, at most `FARTHEST` of them; zeros for those that are missing."""
    table = np.zeros((POSES, len(POSED)))
    for k, pose in enumerate(poses[:POSES]):
        table[k] = [pose.get(name, 0.0) for name in POSED]
    return np.clip(table / POSE_UNITS, -FARTHEST, FARTHEST)


def _standard(column: F64, speaking: Mask) -> F64:
    spread = column[speaking].std()
    return (column - column[speaking].mean()) / spread if spread > STILL else np.zeros_like(column)


def _blinking(lids: F64) -> tuple[float, float]:
    """Blinks per minute, as the logarithm of one more, and their mean length, 0.1 seconds."""
    level = np.median(lids)
    lengths = [(b - a) / RATE for a, b in runs(lids - level > SHUT * (1 - level)) if (b - a) / RATE <= LONGEST_BLINK]
    rate = 60 * len(lengths) / (len(lids) / RATE)
    return math.log1p(rate), 10 * float(np.mean(lengths)) if lengths else 1.4


def _extremes(points: F64) -> F64:
    """`POSES` points [K, P] far from each other: the one nearest to the middle, then always the farthest."""
    middle = points.mean(axis=0)
    chosen = [int(np.square(points - middle).sum(axis=1).argmin())]
    for _ in range(POSES - 1):
        distance = np.min([np.square(points - points[c]).sum(axis=1) for c in chosen], axis=0)
        chosen.append(int(distance.argmax()))
    return points[chosen]
