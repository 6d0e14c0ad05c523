"""What the sliders say, and the face that it makes."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...blendshapes.emotion import EmotionMix, mix_of, within
from ...blendshapes.emotion_text import read_emotion_text
from ...core.errors import InputError
from ..avatar.portraits import arkit_expression

# part of the face -> label -> ARKit shape; without a side both sides move
UNITS = {
    "brows": {"lowered": "browDown", "inner raised": "browInnerUp", "outer raised": "browOuterUp"},
    "lids": {"blink": "eyeBlink", "squint": "eyeSquint", "wide open": "eyeWide"},
    "mouth": {
        "smile": "mouthSmile",
        "frown": "mouthFrown",
        "pucker": "mouthPucker",
        "funnel": "mouthFunnel",
        "press": "mouthPress",
        "stretch": "mouthStretch",
        "upper lip up": "mouthUpperUp",
    },
    "nose and cheeks": {"sneer": "noseSneer", "puff": "cheekPuff", "cheeks up": "cheekSquint"},
}


@dataclass(frozen=True)
class Controls:
    """One position of all sliders."""

    emotion: Mapping[str, float] = field(default_factory=dict)  # label -> 0..1
    words: str = ""  # an emotion that is added, as `read_emotion_text` reads it
    intensity: float = 1.0
    units: Mapping[str, float] = field(default_factory=dict)  # ARKit shape -> 0..1
    jaw: float = 0.0  # degrees, + opens
    gaze: tuple[float, float] = (0.0, 0.0)  # degrees, to the person's left and up
    head: tuple[float, float, float] = (0.0, 0.0, 0.0)  # degrees: to the person's left, up, to the left shoulder

    @property
    def mix(self) -> EmotionMix:
        """The emotion with its intensity; a sum above 1 is scaled down to 1. Words nobody understands add nothing."""
        added = np.array(mix_of(self.emotion).point)
        with suppress(InputError):
            added = added + read_emotion_text(self.words).points.mean(axis=0)
        return EmotionMix(tuple((self.intensity * within(added[None])[0]).tolist()))


def with_controls(head: HeadModel, frame: Motion, controls: Controls) -> Motion:
    """One frame with everything but the emotion added: shapes, jaw, gaze and the turn of the head."""
    expr = frame.expr + arkit_expression(head, **controls.units)
    jaw, neck, eyes = frame.jaw.copy(), frame.neck.copy(), frame.eyes.copy()
    jaw[:, 0] = np.maximum(jaw[:, 0] + np.radians(controls.jaw), 0)
    left, up = np.radians(controls.gaze)
    eyes += np.array([-up, left, 0] * 2, np.float32)
    turn, lift, tilt = np.radians(controls.head)
    neck += np.array([-lift, turn, -tilt], np.float32)
    return replace(frame, expr=expr.astype(np.float32), jaw=jaw, neck=neck, eyes=eyes)
