"""What the acting model moves: a few signed coordinates, and how they stand in the columns of a face motion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..face_motion import JAW_OPEN, SHAPES, SIDES, SPEECH, FaceMotion

F64 = NDArray[np.float64]

RATE = 25.0  # frames per second at which the model thinks; the face motion has its own

# Articulation: how far the mouth differs from what the sound alone would have it do
MOUTH = ("jaw", "round", "wide", "upper_lip", "lower_lip")
INNER = 0.5  # share of a raised outer brow with which the inner one rises
# Weights of a raised and a lowered brow of 1: with these the built-in model's brows move as much as measured people's
RAISED, LOWERED = 2.0, 1.2
# The others, each the columns that it raises and those that it raises when it is negative, with their weights
SHAPED: dict[str, tuple[Mapping[str, float], Mapping[str, float]]] = {
    "brow_left": ({"browOuterUpLeft": RAISED, "browInnerUp": INNER * RAISED}, {"browDownLeft": LOWERED}),
    "brow_right": ({"browOuterUpRight": RAISED, "browInnerUp": INNER * RAISED}, {"browDownRight": LOWERED}),
    "brow_inner": ({"browInnerUp": 1.0}, {}),
    "squint": ({"eyeSquintLeft": 1.0, "eyeSquintRight": 1.0}, {"eyeWideLeft": 1.0, "eyeWideRight": 1.0}),
    "cheek": ({"cheekSquintLeft": 1.0, "cheekSquintRight": 1.0}, {}),
    "smile_left": ({"mouthSmileLeft": 1.0}, {"mouthFrownLeft": 1.0}),
    "smile_right": ({"mouthSmileRight": 1.0}, {"mouthFrownRight": 1.0}),
}
LID = "lid"
GAZE = ("gaze_pitch", "gaze_yaw")  # in the room: the head's turn is taken out; radians
HEAD = ("head_pitch", "head_yaw", "head_roll")  # radians
COORDINATES = (*MOUTH, *SHAPED, LID, *GAZE, *HEAD)
INDEX = {name: k for k, name in enumerate(COORDINATES)}
# About a standard deviation of each in ordinary talk: the model works in these units
SCALE = np.array(
    [
        *[0.10] * len(MOUTH),
        *[0.2, 0.2, 0.15, 0.15, 0.15, 0.12, 0.12, 0.25],
        *np.radians([2.0, 3.0]),
        *np.radians([1.8, 1.9, 1.2]),
    ]
)
# Which of `face_motion.REGIONS` a coordinate belongs to
REGION = {
    **dict.fromkeys(MOUTH, "mouth"),
    **{"brow_left": "brows", "brow_right": "brows", "brow_inner": "brows", "squint": "lids", "cheek": "cheeks"},
    **{"smile_left": "mouth", "smile_right": "mouth", LID: "lids"},
    **dict.fromkeys(GAZE, "gaze"),
    **dict.fromkeys(HEAD, "head"),
}


def coordinates(face: FaceMotion) -> F64:
    """What a face does, [T, D] in the units of its columns; the mouth as a whole, not what differs from the sound.

    A face without articulation (a tracked film) has its mouth read from the ARKit shapes.

    >>> smile = FaceMotion.rest(2, fps=25).with_column("mouthSmileLeft", 0.6)
    >>> float(coordinates(smile)[0, INDEX["smile_left"]])
    0.6
    """

    def pair(up: str, down: str, raised: float = 1.0, lowered: float = 1.0) -> list[F64]:
        return [face.column(up + side) / raised - face.column(down + side) / lowered for side in ("Left", "Right")]

    brows = pair("browOuterUp", "browDown", RAISED, LOWERED)
    inner = face.column("browInnerUp") - INNER * RAISED * sum(np.maximum(brow, 0) for brow in brows)
    squint = (sum(pair("eyeSquint", "eyeWide"))) / 2
    cheek = (face.column("cheekSquintLeft") + face.column("cheekSquintRight")) / 2
    smile = pair("mouthSmile", "mouthFrown")
    face_columns = [*brows, inner, squint, cheek, *smile, face.lids.mean(axis=1)]
    gaze = face.gaze.mean(axis=1) + face.head[:, :2]
    return np.column_stack([_mouth(face), *face_columns, gaze, face.head[:, :3]])


def columns(values: F64) -> dict[str, F64]:
    """Coordinates [T, D] as ARKit weights and angles to be added to a face's columns, by column; without the mouth's
    articulation, the lids and the gaze."""
    out: dict[str, F64] = {}
    for name, (up, down) in SHAPED.items():
        value = values[:, INDEX[name]]
        for side, amount in ((up, np.maximum(value, 0)), (down, np.maximum(-value, 0))):
            for column, weight in side.items():
                out[column] = out.get(column, 0.0) + weight * amount
    for column, name in zip(("headPitch", "headYaw", "headRoll"), HEAD, strict=True):
        out[column] = values[:, INDEX[name]]
    return out


def of_column(name: str, value: float) -> list[tuple[int, float]]:
    """The coordinates that a column of a face motion with this value tells, as pairs of index and value.

    >>> of_column("headYaw", 0.1) == [(INDEX["head_yaw"], 0.1)]
    True
    """
    if name.startswith("speech.") and name.removeprefix("speech.") in MOUTH:
        return [(INDEX[name.removeprefix("speech.")], value)]
    rigid = dict(zip(("headPitch", "headYaw", "headRoll"), HEAD, strict=True))
    if name in rigid:
        return [(INDEX[rigid[name]], value)]
    for coordinate, (up, down) in SHAPED.items():
        for side, sign in ((up, 1.0), (down, -1.0)):
            alone = name != "browInnerUp" or coordinate == "brow_inner"  # it rises with the outer brows, too
            if name in side and alone and (value or sign > 0):
                return [(INDEX[coordinate], sign * value / side[name])]
    return []


def _mouth(face: FaceMotion) -> F64:
    """Articulation [T, 5], from the speech axes where there are any, else from ARKit shapes."""
    if any(name in face.channels for name in SPEECH):
        return face.table([f"speech.{name}" for name in MOUTH])
    shapes = [face.jaw[:, 0] / JAW_OPEN]
    for name in READ:
        sides = [face.column(name + side) for side in SIDES] if f"{name}Left" in SHAPES else [face.column(name)]
        shapes.append(np.mean(sides, axis=0))
    return np.stack(shapes, axis=1) @ AXES_OF


# Shapes that tell articulation beside the jaw, and the axes [6, 5] that they tell: what our own speaking heads show of
# their axes, by least squares (`python benchmarks/acting_data.py --only mouth`)
READ = ("mouthFunnel", "mouthPucker", "mouthStretch", "mouthUpperUp", "mouthLowerDown")
AXES_OF = np.array(
    [
        [1.64, 0.00, 0.00, 0.80, 1.25],
        [0.00, 0.52, 0.00, 0.00, 0.00],
        [0.00, 0.52, 0.00, 0.00, 0.00],
        [0.00, 0.00, 1.06, 0.00, 0.00],
        [0.00, 0.00, 0.00, 0.79, 0.00],
        [0.00, 0.00, 0.00, 0.00, 1.17],
    ]
)
