"""What a clip is made from, and the reading of it from the words a person typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Literal, get_args

from ...blendshapes.emotion import Emotion, FromVoice, parse_emotion, read_emotion_track
from ...blendshapes.score import Score
from ...core.errors import InputError
from ..camera.path import CameraLock

HeadMotion = Literal["none", "subtle", "lively"]
MAX_SIZE = 4096  # pixels
FROM_VOICE = "auto"  # in place of an emotion


@dataclass(frozen=True)
class ClipRequest:
    """Everything that one clip is made from; equal requests on equal files give equal frames."""

    source: Path  # speech (audio or video file), or a motion npz
    out: Path
    direction: Score  # how it is acted; what is heard is filled in
    sound: Path | None = None  # the audio of a motion file
    avatar: str = "person1"
    weights: Path | None = None  # folder of `render train`; None: the built-in ones
    fps: Fraction | None = None  # None: 25, or a motion file's own
    width: int = 512  # pixels
    height: int = 512
    camera: str = "front"  # a view's name, or the path of a camera file
    camera_lock: CameraLock = "world"
    background: str = "white"
    device: str = "auto"
    start: float = 0.0  # seconds
    duration: float | None = None  # seconds
    transcript: str | None = None  # what is said in the speech, in English
    overwrite: bool = False


def parse_size(text: str) -> tuple[int, int]:
    """Read `512x512` (width x height); raises InputError."""
    match = re.fullmatch(r"(\d{1,5})[xX×](\d{1,5})", text.strip())
    width, height = (int(n) for n in match.groups()) if match else (0, 0)
    if not (16 <= width <= MAX_SIZE and 16 <= height <= MAX_SIZE):
        raise InputError(f"--size {text!r}: expected WIDTHxHEIGHT from 16 to {MAX_SIZE} pixels, for instance 512x512")
    return width, height


def parse_direction(
    *, emotion: str, intensity: float, emotion_track: Path | None, seed: int, blink: bool, head_motion: str
) -> Score:
    """Read how the clip is to be acted; raises InputError."""
    if not 0 <= intensity <= 1:
        raise InputError(f"--intensity {intensity:g}: expected a number from 0 to 1")
    if head_motion not in ("none", "subtle", "lively"):
        raise InputError(f"--head-motion {head_motion!r}: expected one of {', '.join(get_args(HeadMotion))}")
    if not 0 <= seed < 2**63:
        raise InputError(f"--seed {seed}: expected an integer from 0 to 2^63 - 1")
    mood = _emotion(emotion) if emotion_track is None else read_emotion_track(emotion_track)
    return Score(emotion=mood, intensity=intensity, seed=seed, blink=blink, head_motion=head_motion)


def _emotion(text: str) -> Emotion:
    return FromVoice() if text.strip().lower() == FROM_VOICE else parse_emotion(text)


def parse_camera_lock(text: str) -> CameraLock:
    """Read what the camera is fixed to; raises InputError."""
    if text not in get_args(CameraLock):
        raise InputError(f"--camera-lock {text!r}: expected world or face")
    return text  # pyright: ignore[reportReturnType]
