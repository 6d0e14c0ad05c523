"""What a subtitle may say of a region of the face: its actions, with the FACS unit and what they do to a face motion.

An action brings columns of a face motion to a value ("to"), adds to what the face does by itself ("add"), or asks for
at least so much ("least"). Facial Action Coding System: Ekman and Friesen 1978.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..face_motion import JAW_OPEN, LIP_CONTACT, SIDES, both
from ..score import Mode

Way = Literal["hold", "nod", "shake", "blink"]


@dataclass(frozen=True)
class Action:
    """One thing that a region can do."""

    unit: str  # of FACS
    columns: Mapping[str, float]  # at intensity 1
    mode: Mode = "to"
    way: Way = "hold"  # for as long as the cue lasts, or a movement of its own within it
    fades: tuple[str, ...] = ()  # columns that would speak against it, gone while it lasts
    usual: float = 0.6  # intensity where none is told

    @property
    def sided(self) -> bool:
        """Whether one side alone can do it."""
        ends = {side for side in SIDES for name in self.columns if name.endswith(side)}
        return len(ends) == len(SIDES)


def _gaze(pitch: float, yaw: float) -> dict[str, float]:
    axes = (("Pitch", pitch), ("Yaw", yaw))
    return {f"gaze{side}{axis}": math.radians(degrees) for side in SIDES for axis, degrees in axes}


def _head(axis: str, degrees: float) -> dict[str, float]:
    return {f"head{axis}": math.radians(degrees)}


# Degrees at intensity 1: where eyes look, how far a head turns, nods and shakes
LOOK, TURN, NOD, TILT, SHAKE, BOB = 20.0, 30.0, 15.0, 15.0, 10.0, 8.0
FORWARD = 0.02  # metres

VOCABULARY: Mapping[str, Mapping[str, Action]] = {
    "brows": {
        "raise": Action("AU 1+2", {"browInnerUp": 1.0, **both("browOuterUp")}, fades=tuple(both("browDown"))),
        "raise inner": Action("AU 1", {"browInnerUp": 1.0}, fades=tuple(both("browOuterUp"))),
        "raise outer": Action("AU 2", both("browOuterUp"), fades=tuple(both("browDown"))),
        "lower": Action("AU 4", both("browDown"), fades=("browInnerUp", *both("browOuterUp"))),
    },
    "eyes": {
        "widen": Action("AU 5", both("eyeWide"), fades=tuple(both("eyeSquint"))),
        "squint": Action("AU 7", both("eyeSquint"), fades=tuple(both("eyeWide"))),
        "close": Action("AU 43", both("lid"), usual=1.0),
        "blink": Action("AU 45", both("lid"), way="blink", usual=1.0),
    },
    "gaze": {
        "left": Action("AU 61", _gaze(0, LOOK)),
        "right": Action("AU 62", _gaze(0, -LOOK)),
        "up": Action("AU 63", _gaze(-LOOK, 0)),
        "down": Action("AU 64", _gaze(LOOK, 0)),
        "ahead": Action("", _gaze(0, 0)),
    },
    "cheeks": {
        "raise": Action("AU 6", both("cheekSquint")),
        "puff": Action("AU 34", {"cheekPuff": 1.0}),
    },
    "nose": {"wrinkle": Action("AU 9", both("noseSneer"))},
    "lips": {
        "smile": Action("AU 12", both("mouthSmile"), fades=tuple(both("mouthFrown"))),
        "frown": Action("AU 15", both("mouthFrown"), fades=tuple(both("mouthSmile"))),
        "dimple": Action("AU 14", both("mouthDimple")),
        "raise upper": Action("AU 10", both("mouthUpperUp")),
        "lower": Action("AU 16", both("mouthLowerDown")),
        "pucker": Action("AU 18", {"mouthPucker": 1.0}),
        "stretch": Action("AU 20", both("mouthStretch")),
        "funnel": Action("AU 22", {"mouthFunnel": 1.0}),
        "press": Action("AU 24", both("mouthPress")),
        "roll in": Action("AU 28", {"mouthRollLower": 1.0, "mouthRollUpper": 1.0}),
        "close": Action("AU 25, absent", {LIP_CONTACT: 1.0}, usual=1.0),
        "shift left": Action("", {"mouthLeft": 1.0}, fades=("mouthRight",)),
        "shift right": Action("", {"mouthRight": 1.0}, fades=("mouthLeft",)),
    },
    "jaw": {
        "open": Action("AU 26+27", {"jawPitch": JAW_OPEN}, mode="least"),
        "forward": Action("AD 29", {"jawForward": 1.0}),
        "left": Action("AD 30", {"jawLeft": 1.0}, fades=("jawRight",)),
        "right": Action("AD 30", {"jawRight": 1.0}, fades=("jawLeft",)),
    },
    "head": {
        "turn left": Action("AD 51", _head("Yaw", TURN), mode="add"),
        "turn right": Action("AD 52", _head("Yaw", -TURN), mode="add"),
        "up": Action("AD 53", _head("Pitch", -NOD), mode="add"),
        "down": Action("AD 54", _head("Pitch", NOD), mode="add"),
        "tilt left": Action("AD 55", _head("Roll", -TILT), mode="add"),
        "tilt right": Action("AD 56", _head("Roll", TILT), mode="add"),
        "forward": Action("AD 57", {"headZ": FORWARD}, mode="add"),
        "back": Action("AD 58", {"headZ": -FORWARD}, mode="add"),
        "nod": Action("AD 85", _head("Pitch", BOB), mode="add", way="nod"),
        "shake": Action("AD 84", _head("Yaw", SHAKE), mode="add", way="shake"),
    },
}
FACE = "face"  # the region of which an emotion is told
REGIONS = (*VOCABULARY, FACE)
# Other words for the same actions
SYNONYMS: Mapping[str, Mapping[str, str]] = {
    "brows": {
        **dict.fromkeys(("up", "raised", "lift"), "raise"),
        **dict.fromkeys(("furrow", "frown", "down", "lowered", "knit"), "lower"),
    },
    "eyes": {
        **dict.fromkeys(("wide", "open"), "widen"),
        **dict.fromkeys(("narrow", "tighten"), "squint"),
        **dict.fromkeys(("shut", "closed"), "close"),
    },
    "gaze": {
        **{f"look {way}": way for way in ("left", "right", "up", "down")},
        **dict.fromkeys(("camera", "forward", "viewer"), "ahead"),
    },
    "cheeks": {**dict.fromkeys(("raised", "lift"), "raise"), "puffed": "puff"},
    "nose": dict.fromkeys(("sneer", "scrunch"), "wrinkle"),
    "lips": {
        **{"corners up": "smile", "corners down": "frown", "round": "funnel", "tuck": "roll in", "closed": "close"},
        **dict.fromkeys(("tighten", "pressed"), "press"),
        **dict.fromkeys(("upper up", "sneer"), "raise upper"),
        "purse": "pucker",
    },
    "jaw": dict.fromkeys(("drop", "opened"), "open"),
    "head": {
        **{"left": "turn left", "right": "turn right", "tilt": "tilt left"},
        **{"lean in": "forward", "lean back": "back"},
        **dict.fromkeys(("raise", "lift"), "up"),
        **dict.fromkeys(("lower", "bow"), "down"),
    },
}
DEGREES: Mapping[str, float] = {
    "barely": 0.15, "slightly": 0.25, "slight": 0.25, "a little": 0.3, "lightly": 0.3, "somewhat": 0.4, "half": 0.5,
    "clearly": 0.7, "strongly": 0.9, "strong": 0.9, "wide": 0.9, "very": 0.9, "fully": 1.0,
}  # fmt: skip

# What people show who feel so (EMFACS: Ekman, Irwin and Rosenberg 1994), for the regions of a cue in other words
PROTOTYPES: Mapping[str, Mapping[str, Mapping[str, float]]] = {
    "happy": {"cheeks": {"raise": 0.8}, "eyes": {"squint": 0.4}, "lips": {"smile": 0.8}},
    "sad": {"brows": {"raise inner": 0.8}, "eyes": {"close": 0.2}, "lips": {"frown": 0.6}, "head": {"down": 0.3}},
    "angry": {"brows": {"lower": 0.9}, "eyes": {"squint": 0.5}, "lips": {"press": 0.6}, "nose": {"wrinkle": 0.3}},
    "fearful": {"brows": {"raise inner": 0.9}, "eyes": {"widen": 0.8}, "lips": {"stretch": 0.6}, "jaw": {"open": 0.15}},
    "surprised": {"brows": {"raise": 0.9}, "eyes": {"widen": 0.7}, "jaw": {"open": 0.35}},
    "disgusted": {"nose": {"wrinkle": 0.9}, "lips": {"raise upper": 0.6}, "eyes": {"squint": 0.4}},
    "contempt": {"lips": {"dimple": 0.5}, "eyes": {"squint": 0.2}},
    "neutral": {},
}  # fmt: skip
