"""How much effort a voice makes beside its own habit, where a recording of its ordinary speech is known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.tensors import read_tensors
from .encoder import BUILT_IN, FORMAT, TILT_OF_EFFORT, Blocks
from .features import log_mel_stream, normaliser_of

MOST = 20.0  # dB
SAME = 1.0  # dB by which overtones may differ and count as equal


@dataclass(frozen=True)
class Habit:
    """How loud and how bright somebody's ordinary speech is in a recording."""

    level: float  # dB
    tilt: float  # dB, `features.Normaliser.tilt`

    @staticmethod
    def of(sound: Blocks) -> Habit:
        """That of a recording; `sound` opens it: mono 16 kHz arrays of any size, float32."""
        prior = read_tensors(BUILT_IN, format=FORMAT, what="speech weights").tensors["prior"]
        heard = normaliser_of(log_mel_stream(sound()), prior)
        return Habit(heard.level, heard.tilt)

    def effort(self, sound: Blocks) -> float:
        """Decibels by which another recording of the same voice is spoken louder, -20..20.

        Where both were recorded alike, the level tells it; where levels were evened out, the stronger overtones of
        louder voices do (`encoder.vocal_effort`). Where both say the same, the one that says more is believed, else the
        overtones: no gain changes them.
        """
        heard = Habit.of(sound)
        louder, brighter = heard.level - self.level, (heard.tilt - self.tilt) / TILT_OF_EFFORT
        contradicted = louder * brighter < 0 and abs(brighter) > SAME
        return float(np.clip(brighter if contradicted else max(louder, brighter, key=abs), -MOST, MOST))
