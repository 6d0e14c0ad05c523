"""What a network for live sound learns: to make of the sound so far what the encoder makes of the whole clip."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..speech.closures import FLANKS, swings
from ..speech.encoder import CONTACTS, RATE, SpeechEncoder
from ..speech.live import ROWS, RunningNormaliser

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]


class Overheard:
    """The sound is heard as it arrives; what an encoder that knows the whole clip makes of it is learned.

    That is all of it, filters, gate and the swing of the contacts. What the rules make of the phones is not looked at,
    but where nobody speaks the mouth is closed.
    """

    def __init__(self, teacher: SpeechEncoder, prior: F64) -> None:
        """`prior` [80]: mean spectrum of speech, the teacher's."""
        self._teacher = teacher
        self.prior = prior

    def __call__(self, mel: F32, ruled: F32) -> tuple[F32, F32]:
        """Features [2 m, 80] and axes [m, 8] of log-mel energies [2 m, 80]; `ruled` [m, 8] is 0 where nobody speaks."""
        normalised = RunningNormaliser(self.prior)
        pieces = [normalised(mel[i : i + ROWS])[0] for i in range(0, len(mel), ROWS)]
        axes = shown(self._teacher, mel)[: len(ruled)] if ruled.any() else ruled
        return np.concatenate(pieces), axes


def shown(encoder: SpeechEncoder, mel: F32) -> F32:
    """Axes [m, 8] of a clip of log-mel energies [n, 80] with the contacts as the lips make them."""
    axes = encoder.articulation_of(mel).axes.astype(np.float64)
    times = np.arange(len(axes)) / RATE
    axes[:, CONTACTS] = swings(times, axes[:, CONTACTS], times, flanks=FLANKS, within=0.5 / RATE)
    return axes.astype(np.float32)
