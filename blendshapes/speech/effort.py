"""How much effort a voice makes beside its own habit, where a recording of its ordinary speech is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.tensors import read_tensors
from .encoder import BUILT_IN, FORMAT, TILT_OF_EFFORT, Blocks
from .features import ClipStatistics, log_mel_stream

MOST = 20.0  # dB


@dataclass(frozen=True)
class Habit:
    """How loud and how bright somebody's ordinary speech is in a recording."""

    level: float  # dB
    tilt: float  # dB, `features.Normaliser.tilt`

    @staticmethod
    def of(sound: Blocks) -> Habit:
        """That of a recording; `sound` opens it: mono 16 kHz arrays of any size, float32."""
        prior = read_tensors(BUILT_IN, format=FORMAT, what="speech weights").tensors["prior"]
        statistics = ClipStatistics(prior.astype(np.float64))
        for mel in log_mel_stream(sound()):
            statistics.add(mel)
        heard = statistics.normaliser()
        return Habit(heard.level, heard.tilt)

    def effort(self, sound: Blocks) -> float:
        """Decibels by which another recording of the same voice is spoken louder, -20..20.

        Where both were recorded alike, the level tells it; where levels were evened out, the stronger overtones of
        louder voices do (`encoder.vocal_effort`). The one that differs more is believed.
        """
        heard = Habit.of(sound)
        signs = heard.level - self.level, (heard.tilt - self.tilt) / TILT_OF_EFFORT
        return float(np.clip(max(signs, key=abs), -MOST, MOST))
