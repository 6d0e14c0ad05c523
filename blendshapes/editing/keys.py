"""Key frames by name: `smile:0.6,turn:10`, or the pose of another face, as columns that a face motion is led to."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...avatars.arkit import ARKIT_52, EYE_RANGE
from ...core.errors import InputError
from ...core.tables import number
from ..emotion import EMOTIONS
from ..face_motion import (
    ACTIVITY,
    BASIS,
    EMOTION,
    JAW_OPEN,
    LIP_CONTACT,
    RIGID,
    SHAPES,
    SIDES,
    SPEAKING,
    SPEECH,
    FaceMotion,
    both,
    check_channel,
    join,
)
from ..score import Key, Score, shaped
from .regions import is_weight, within_range

REACH = 0.3  # seconds before and after a key within which the motion is led there and back
DEGREE = math.radians(1)
MOST_DEGREES = 90.0
# beyond these a number is a slip: radians, metres, standard deviations
MOST_ANGLE, MOST_WAY, MOST_BASIS = math.radians(MOST_DEGREES) + 1e-9, 1.0, 20.0


# What people call it -> columns, and how much of each makes 1
CONTROLS: Mapping[str, Mapping[str, float]] = {
    "smile": both("mouthSmile"),
    "frown": both("mouthFrown"),
    "pucker": {"mouthPucker": 1.0},
    "funnel": {"mouthFunnel": 1.0},
    "press": both("mouthPress"),
    "stretch": both("mouthStretch"),
    "dimple": both("mouthDimple"),
    "upper_lip_raise": both("mouthUpperUp"),
    "lower_lip_drop": both("mouthLowerDown"),
    "lips_closed": {LIP_CONTACT: 1.0},
    "jaw_open": {"jawPitch": JAW_OPEN},
    "brow_raise": {"browInnerUp": 1.0, **both("browOuterUp")},
    "inner_brow_raise": {"browInnerUp": 1.0},
    "outer_brow_raise": both("browOuterUp"),
    "brow_lower": both("browDown"),
    "squint": both("eyeSquint"),
    "wide_eyes": both("eyeWide"),
    "blink": both("lid"),
    "cheek_raise": both("cheekSquint"),
    "puff": {"cheekPuff": 1.0},
    "sneer": both("noseSneer"),
    # degrees: chin down, to the person's left, to the left shoulder; where both eyes look
    "nod": {"headPitch": DEGREE},
    "turn": {"headYaw": DEGREE},
    "tilt": {"headRoll": -DEGREE},
    "look_left": {"gazeLeftYaw": DEGREE, "gazeRightYaw": DEGREE},
    "look_up": {"gazeLeftPitch": -DEGREE, "gazeRightPitch": -DEGREE},
    **{label: {EMOTION + label: 1.0} for label in EMOTIONS if label != "neutral"},
    # ARKit's names of what the joints do; its jawOpen is jaw_open
    **{f"eyeBlink{side}": {f"lid{side}": 1.0} for side in SIDES},
    **{
        f"eyeLook{way}{side}": {f"gaze{side}{axis}": sign * EYE_RANGE}
        for side, outward in (("Left", 1), ("Right", -1))
        for way, axis, sign in (
            ("Up", "Pitch", -1), ("Down", "Pitch", 1), ("Out", "Yaw", outward), ("In", "Yaw", -outward)
        )
    },
}  # fmt: skip
IN_DEGREES = ("nod", "turn", "tilt", "look_left", "look_up")
_COLUMNS = (*SHAPES, *SPEECH, ACTIVITY, SPEAKING, *(EMOTION + label for label in EMOTIONS), *RIGID)
_NAMES = {name.lower().replace("_", ""): name for name in (*_COLUMNS, *CONTROLS)}
_POSE = re.compile(r"(?P<path>.+)@(?P<time>[^@]*)", re.DOTALL)
_FILE = re.compile(r".*\.[A-Za-z]\w{1,4}", re.DOTALL)  # ends as the names of files do
assert not [n for n in ARKIT_52 if n.lower() not in _NAMES]


@dataclass(frozen=True)
class PoseOf:
    """A moment of another face: of a face motion or a film, at so many seconds, or a picture's (None)."""

    path: Path
    time: float | None = None


@dataclass(frozen=True)
class Wish:
    """What somebody wants a face to look like at one time."""

    time: float  # seconds
    pose: Mapping[str, float] | PoseOf  # columns, or another face's moment


def parse_key(text: str) -> Wish:
    """Read `1.2=smile:0.6,turn:10`, `1.2=OTHER.json@3.4` or `1.2=PICTURE.png`; raises InputError.

    >>> parse_key("1.2=smile:0.6").pose
    {'mouthSmileLeft': 0.6, 'mouthSmileRight': 0.6}
    >>> parse_key("0.5=smile.json@2")
    Wish(time=0.5, pose=PoseOf(path=PosixPath('smile.json'), time=2.0))
    """
    before, equals, wanted = text.partition("=")
    if not equals or not wanted.strip():
        raise InputError(
            f"key {_short(text)}: expected TIME=NAME:VALUE,... or TIME=FILE@TIME, for instance 1.2=smile:0.6,turn:10"
        )
    time = number(before, f"key {_short(text)}: time", low=0)
    return Wish(time, parse_pose(wanted))


def parse_pose(text: str) -> Mapping[str, float] | PoseOf:
    """The right side of a key; raises InputError."""
    if found := _POSE.fullmatch(text):
        return PoseOf(Path(found["path"]), number(found["time"], f"key {_short(text)}: time", low=0))
    if _FILE.fullmatch(text):
        return PoseOf(Path(text))
    controls: dict[str, float] = {}
    for item in text.split(","):
        name, colon, value = item.rpartition(":")
        if not colon:
            raise InputError(f"key {_short(text)}: expected NAME:VALUE, found {_short(item)}")
        known = known_name(name)
        if known in controls:
            raise InputError(f"key {_short(text)}: expected each name once, found {known} twice")
        controls[known] = number(value, f"key {_short(text)}: {known}")
    return columns_of(controls)


def columns_of(controls: Mapping[str, float]) -> dict[str, float]:
    """Columns of a face motion that controls (`CONTROLS`, any column, any ARKit shape) stand for.

    Raises InputError for an unknown name, a value out of range, or two names of the same column.

    >>> columns_of({"brow_lower": 0.5, "headX": 0.01})
    {'browDownLeft': 0.5, 'browDownRight': 0.5, 'headX': 0.01}
    """
    columns: dict[str, float] = {}
    for given, value in controls.items():
        name = known_name(given)
        made_of = CONTROLS.get(name, {name: 1.0})
        for column, whole in made_of.items():
            if column in columns:
                raise InputError(f"key: {name}: expected each column once, found another name of {column}")
            _check_value(name, float(value), column, whole)
            columns[column] = whole * float(value)
    return columns


def known_name(name: str) -> str:
    """A control or column by its name in any case, with or without underscores; raises InputError with near ones."""
    name = name.strip()
    key = name.lower().replace("_", "")
    if key in _NAMES:
        return _NAMES[key]
    try:
        check_channel(name)
    except ValueError:
        near = [_NAMES[n] for n in get_close_matches(key, _NAMES, n=3)]
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; some are {', '.join([*CONTROLS][:8])}"
        raise InputError(f"key: expected the name of a control or column, found {_short(name)}{hint}") from None
    return name


def _check_value(name: str, value: float, column: str, whole: float) -> None:
    if name in IN_DEGREES:
        low, high, what = -MOST_DEGREES, MOST_DEGREES, "degrees"
    elif column.startswith(BASIS):
        low, high, what = -MOST_BASIS, MOST_BASIS, "standard deviations"
    elif column in ("headX", "headY", "headZ"):
        low, high, what = -MOST_WAY, MOST_WAY, "metres"
    elif is_weight(column) or whole != 1:
        low, high, what = 0.0, 1.0, "a number"
    else:
        low, high, what = -MOST_ANGLE, MOST_ANGLE, "radians"
    if not low <= value <= high:
        raise InputError(f"key: {name}: expected {what} in {low:.3g}..{high:.3g}, found {value:g}")


def moment_of(face: FaceMotion, time: float, *, what: str) -> FaceMotion:
    """The frame that a face motion shows at `time` seconds from its beginning; raises InputError beyond its end.

    `what` names it in the error.
    """
    frame = frame_at(face, time, what=what)
    return face[frame : frame + 1]


def frame_at(face: FaceMotion, time: float, *, what: str) -> int:
    """Which frame is shown at `time` seconds from the beginning; raises InputError beyond the end."""
    if not 0 <= time <= face.duration or not len(face):
        raise InputError(f"{what}: expected a time within 0..{face.duration:g} s, found {time:g}")
    return min(math.floor(time * face.fps), len(face) - 1)


def keyed(face: FaceMotion, keys: Sequence[Key]) -> FaceMotion:
    """The motion with keys met, times in seconds from its beginning; what lies out of their reach is as it was.

    Weights stay within 0..1. Raises InputError for a time outside, or a column that two keys want at one frame.

    >>> still = FaceMotion.rest(50, fps=25)
    >>> keyed(still, [Key(1.0, {"headYaw": 0.2})]).column("headYaw")[[10, 25, 40]]
    array([0. , 0.2, 0. ])
    """
    wanted: dict[str, dict[int, Key]] = {}
    placed: list[Key] = []
    for key in keys:
        frame = frame_at(face, key.time, what="key")
        for name in key.columns:
            if frame in wanted.setdefault(name, {}):
                raise InputError(f"key: {name}: expected one key at {key.time:g} s, found two")
            wanted[name][frame] = key
        placed.append(replace(key, time=(frame + 0.5) / face.fps))
    start = replace(face, first=0)
    led = join(shaped([start], Score(fps=face.fps, keys=tuple(placed))))
    columns: dict[str, NDArray[np.float64]] = {}
    for name, at in wanted.items():
        near = np.zeros(len(face), bool)
        for frame, key in at.items():
            near |= np.abs(np.arange(len(face)) - frame) <= key.reach * face.fps
        before = face.column(name)
        columns[name] = np.where(near, within_range(name, led.column(name), before), before)
    return face.with_columns(columns)


def _short(text: str) -> str:
    return repr(text[:40])
