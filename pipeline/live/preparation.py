"""What a session begins with: the settings of a clip as a face that is steered, and models that are warm."""

from __future__ import annotations

import numpy as np

from ...blendshapes.emotion import EmotionMix
from ...blendshapes.models import MotionModel
from ...blendshapes.score import Score
from ...blendshapes.solve.solver import Solver
from ...core.errors import InputError
from ..clip.loaded import LoadedModels
from ..settings import ClipSettings
from .control import Control, mix_told
from .draw import Painter
from .frame import FrameReader
from .pcm import HEARD

FPS = 30  # frames per second, unless given
_WARMED = 0.5  # seconds of silence that everything is tried with


def control_of(settings: ClipSettings, loaded: LoadedModels) -> Control:
    """The first state of what can be steered. Raises InputError."""
    if isinstance(settings.effort, str):
        raise InputError(f"effort: {settings.effort}: expected auto or a number from 0.5 to 2 for sound that arrives")
    emotion = settings.emotion
    if not isinstance(emotion, EmotionMix):
        if not isinstance(emotion, str):
            raise InputError("emotion: expected one that holds until another is asked for")
        emotion = mix_told(emotion)
    return Control(emotion, intensity=settings.intensity, style=loaded.style(settings))


def score_of(settings: ClipSettings, control: Control, *, fps: float) -> Score:
    """What is asked of the model; the style is the control's, who may change it."""
    return Score(
        fps=fps,
        emotion=control.mood,
        effort=settings.effort_told(),
        variety=settings.variety,
        seed=settings.seed,
        blink=settings.blink,
        head_motion=settings.head_motion,
    )


def warm(model: MotionModel, solver: Solver, painter: Painter | None) -> None:
    """Do everything once, so that the first frame is no later than the others."""
    read = FrameReader(solver)
    silence = np.zeros(round(_WARMED * HEARD), np.float32)
    frames = [read(face, 0) for piece in model.stream(Score(fps=25), [silence]) for face in piece.chunks(1)]
    for frame in frames:
        frame.as_json()
    if painter is not None and frames:
        painter(frames[0].motion, 0)
