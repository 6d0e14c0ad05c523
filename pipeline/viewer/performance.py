"""What the face does by itself, before the sliders: nothing, a recorded motion, or speech acted out."""

from __future__ import annotations

import io
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache
from typing import Protocol

import numpy as np

from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...blendshapes.bundle import find_bundle
from ...blendshapes.emotion import EmotionMix
from ...blendshapes.face_motion import FaceMotion, join
from ...blendshapes.score import Style
from ...blendshapes.solve.solver import Solver
from ...blendshapes.talking_head import TalkingHead
from ..clip.source import solved, varied
from ..export.still import FPS, emotion_face
from ..media.audio import AudioClip
from ..media.video import frame_count
from ..settings import DEFAULTS, ClipSettings
from ..words import song_of

ACTED = 8  # emotions whose motion is kept
SOUND_RATE = 24_000  # Hz of the sound that the browser plays


class Performance(Protocol):
    """Frames of motion, each to be had at any time."""

    frames: int
    fps: float

    def frame(self, index: int, emotion: EmotionMix) -> Motion:
        """One frame of motion, with this emotion."""
        ...

    def still(self, emotion: EmotionMix) -> Motion:
        """What is shown before it plays."""
        ...

    def face(self, emotion: EmotionMix) -> FaceMotion:
        """All of it without a head; of a recording without the emotion, which is only shown (see `shown`)."""
        ...

    def shown(self, frame: Motion, emotion: EmotionMix) -> Motion:
        """A frame of `face`, solved, as `frame` shows it."""
        ...


class Recording:
    """A recorded motion, or a single still; the emotion comes on top of what the motion shows."""

    def __init__(self, solver: Solver, motion: Motion | FaceMotion | None = None) -> None:
        self._solver = solver
        self._face = motion if isinstance(motion, FaceMotion) else None
        moved = solved(motion, solver) if isinstance(motion, FaceMotion) else motion
        self._motion = moved or Motion.rest(1, solver.head.expressions, FPS)
        self.frames, self.fps = len(self._motion), self._motion.fps

    def frame(self, index: int, emotion: EmotionMix) -> Motion:
        """See `Performance.frame`."""
        return self.shown(self._motion[index : index + 1], emotion)

    def still(self, emotion: EmotionMix) -> Motion:
        """The first frame."""
        return self.frame(0, emotion)

    def face(self, emotion: EmotionMix) -> FaceMotion:
        """See `Performance.face`."""
        if self._face is None:
            self._face = self._solver.face_motion(self._motion)
        return self._face

    def shown(self, frame: Motion, emotion: EmotionMix) -> Motion:
        """See `Performance.shown`."""
        return with_emotion(self._solver.head, frame, emotion)


def with_emotion(head: HeadModel, frame: Motion, emotion: EmotionMix) -> Motion:
    """A frame with an emotion on top."""
    expr, jaw = emotion_face(head, emotion)
    return replace(frame, expr=frame.expr + expr, jaw=frame.jaw + np.array([jaw, 0, 0], np.float32))


class Speech:
    """Speech, acted anew for each emotion exactly as a clip of it would be."""

    def __init__(
        self, actor: TalkingHead, audio: AudioClip, settings: ClipSettings = DEFAULTS, style: Style | None = None
    ) -> None:
        """`style` is what the settings' one means (`LoadedModels.style`)."""
        self._actor = actor
        self._acted = lru_cache(maxsize=ACTED)(self._act)
        rate = settings.fps or Fraction(FPS)
        self.fps = float(rate)
        self.frames = frame_count(audio.exact_duration, rate)
        song = song_of(audio, settings.singing, find_bundle(settings.weights).encoder)
        score = varied(settings.score(style), audio)
        self._score = replace(score, sound=audio.blocks, duration=audio.duration, fps=self.fps, intensity=1, song=song)

    def frame(self, index: int, emotion: EmotionMix) -> Motion:
        """See `Performance.frame`."""
        return self._acted(emotion)[0][index : index + 1]

    def still(self, emotion: EmotionMix) -> Motion:
        """The emotion by itself: a clip rises to it from neutral, and a slider would seem to do nothing."""
        head = self._actor.head
        return with_emotion(head, Motion.rest(1, head.expressions, FPS), emotion)

    def face(self, emotion: EmotionMix) -> FaceMotion:
        """See `Performance.face`."""
        return self._acted(emotion)[1]

    def shown(self, frame: Motion, emotion: EmotionMix) -> Motion:
        """See `Performance.shown`."""
        return frame

    def _act(self, emotion: EmotionMix) -> tuple[Motion, FaceMotion]:
        faces: list[FaceMotion] = []
        score = replace(self._score, emotion=emotion)  # its intensity is in the sliders
        return Motion.concatenate(self._actor.perform(score, faces=faces)), join(faces)


def sound_file(audio: AudioClip) -> bytes:
    """The clip as FLAC, which every browser plays: mono, 16 bits, to the sample."""
    import soundfile

    samples = np.concatenate(list(audio.blocks(rate=SOUND_RATE)))
    stream = io.BytesIO()
    soundfile.write(stream, np.clip(samples, -1, 1), SOUND_RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()
