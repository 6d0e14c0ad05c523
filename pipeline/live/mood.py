"""Stub until the model brings its own."""

from __future__ import annotations

from ...blendshapes.emotion import EmotionMix, EmotionTrack


class Mood(EmotionTrack):
    def __init__(self, emotion: EmotionMix, intensity: float = 1.0, gaze: tuple[float, float] = (0.0, 0.0)) -> None:
        for n, v in (("emotion", emotion), ("intensity", intensity), ("gaze", gaze)):
            self.__dict__[n] = v

    def __setattr__(self, n, v):
        self.__dict__[n] = v

    def at(self, times):
        return self.intensity * self.emotion.at(times)
