"""What may be changed while a face lives: emotion, intensity, gaze and style, from keys, pages and programs."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...blendshapes.acting.style import STATISTICS
from ...blendshapes.acting.style_files import load_style
from ...blendshapes.bundle import Bundle
from ...blendshapes.emotion import (
    EMOTION_AXES,
    EmotionMix,
    Mood,
    canonical_emotion,
    is_label,
    parse_emotion,
    point,
    within,
)
from ...blendshapes.emotion_text import read_emotion_text
from ...blendshapes.face_motion import FaceMotion
from ...blendshapes.score import Score, Style, shaped
from ...core.errors import InputError
from ..listeners import Changing
from ..settings import problem_of
from ..style.library import USUAL, builtin_styles, find_style, own_styles

MOST_GAZE = 25.0  # degrees
LONGEST = 500  # characters of an emotion in words
LARGEST = 16 << 10  # bytes of a message

_MEASURED = {  # regions -> coordinates whose sizes (logarithms) a style was measured by
    "head": ("head_pitch", "head_yaw", "head_roll"),
    "brows": ("brow_left", "brow_right", "brow_inner"),
    "cheeks": ("cheek", "smile_left", "smile_right"),
    "jaw": ("jaw",),
    "mouth": ("round", "wide", "upper_lip", "lower_lip"),
}
_GAINS = (0.4, 2.0)  # what lies beyond was measured badly

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Degrees = Annotated[float, Field(ge=-MOST_GAZE, le=MOST_GAZE, allow_inf_nan=False)]


_KINDS = ("constrained-str", "dict[str,constrained-float]")  # what pydantic calls the two of an emotion


class Change(BaseModel):
    """What a message asks for; what it leaves out stays."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    emotion: Annotated[str, Field(max_length=LONGEST)] | dict[str, Share] | None = None
    intensity: Share | None = None
    look_left: Degrees | None = None  # to the person's left
    look_up: Degrees | None = None
    style: Annotated[str, Field(max_length=100)] | None = None
    style_strength: Annotated[float, Field(ge=0, le=2, allow_inf_nan=False)] | None = None


def read_change(message: str | bytes) -> Change:
    """A message, JSON; raises InputError.

    >>> read_change('{"emotion": {"happy": 0.5}, "look_left": 10}').look_left
    10.0
    """
    if len(message) > LARGEST:
        raise InputError(f"control: expected at most {LARGEST} bytes, found {len(message)}")
    try:
        return Change.model_validate_json(message)
    except ValidationError as error:
        raise InputError(f"control: {problem_of_change(error)[:300]}") from None


def problem_of_change(error: ValidationError) -> str:
    """What is wrong with a change, with the field; an emotion, text or weights, is what it was meant to be."""
    errors = error.errors(include_url=False, include_context=True)
    first = next((e for e in errors if e["type"] not in ("string_type", "dict_type")), errors[0])
    where = ".".join(str(part) for part in first["loc"] if str(part) not in _KINDS)
    return f"{where}{where and ': '}{problem_of(first)}"


def mix_told(told: str | dict[str, float]) -> EmotionMix:
    """An emotion that holds until another is asked for: labels with weights, or words. Raises InputError.

    Files and `auto` are none: nothing from outside is opened, and there is nothing to listen to beforehand.

    >>> mix_told("a little nervous") != mix_told({"happy": 0.5})
    True
    """
    if not isinstance(told, str):
        axes = {name if name in EMOTION_AXES else canonical_emotion(name): told[name] for name in told}
        return EmotionMix(tuple(within(np.array([point(**axes)]))[0].tolist()))
    if all(is_label(part.partition(":")[0]) for part in told.split(",")):
        return parse_emotion(told)
    emotion = read_emotion_text(told).emotion
    if not isinstance(emotion, EmotionMix):
        raise InputError(f"emotion {told[:60]!r}: expected one that holds, found a change from one to another")
    return emotion


def with_gains(style: Style) -> Style:
    """A style with what was measured of it as gains, which any motion heeds; gains that it tells itself stay.

    The gaze is not among them: where somebody looks is steered.
    """
    usual = dict(zip(STATISTICS, Bundle().acted().usual.tolist(), strict=True))
    gains: dict[str, float] = {}
    for region, coordinates in _MEASURED.items():
        names = [f"{name}.size" for name in coordinates if f"{name}.size" in style.statistics]
        if names:
            gain = np.exp(np.mean([style.statistics[name] - usual[name] for name in names]))
            gains[region] = float(np.clip(gain, *_GAINS))
    return replace(style, gains=gains | dict(style.gains))


def style_names() -> list[str]:
    """Styles that may be asked for, first none."""
    return [USUAL, *builtin_styles(), *own_styles()]


class Control(Changing):
    """The state that all who steer share; from any thread."""

    def __init__(self, emotion: EmotionMix, *, intensity: float = 1.0, style: Style | None = None) -> None:
        super().__init__()
        self.mood = Mood(emotion, intensity=intensity)
        self.style = style and with_gains(style)
        self._lock = threading.Lock()

    def apply(self, change: Change) -> None:
        """Do what is asked for, all or nothing; raises InputError."""
        emotion = None if change.emotion is None else mix_told(change.emotion)
        with self._lock:
            style = self._styled(change)
            if emotion is not None:
                self.mood.emotion = emotion
            if change.intensity is not None:
                self.mood.intensity = change.intensity
            pitch, yaw = self.mood.gaze
            up, left = change.look_up, change.look_left
            self.mood.gaze = (
                pitch if up is None else -float(np.radians(up)),
                yaw if left is None else float(np.radians(left)),
            )
            self.style = style
        self.tell()

    def _styled(self, change: Change) -> Style | None:
        style = self.style
        if change.style is not None:
            if change.style not in style_names():
                raise InputError(f"style: expected one of {', '.join(style_names())}, found {change.style[:60]!r}")
            named = None if change.style == USUAL else load_style(find_style(change.style)).style
            style = named and with_gains(replace(named, strength=style.strength if style else named.strength))
        if change.style_strength is not None and style is not None:
            style = replace(style, strength=change.style_strength)
        return style

    def state(self) -> dict[str, Any]:
        """What is asked for now, as a message would say it; of the emotion all that is not 0."""
        with self._lock:
            weights = zip(EMOTION_AXES, self.mood.emotion.point, strict=True)
            pitch, yaw = self.mood.gaze
            return {
                "emotion": {axis: round(float(weight), 3) for axis, weight in weights if weight},
                "intensity": self.mood.intensity,
                "look_left": round(float(np.degrees(yaw)), 1),
                "look_up": round(float(-np.degrees(pitch)), 1),
                "style": self.style.name if self.style else USUAL,
                "style_strength": self.style.strength if self.style else 1.0,
            }

    def styled(self, face: FaceMotion) -> FaceMotion:
        """A piece of motion as the style of now has it."""
        style = self.style
        if style is None:
            return face
        (piece,) = shaped([face], Score(fps=face.fps, style=style))
        return piece
