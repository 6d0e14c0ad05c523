"""What of a voice tells how somebody might move: a few numbers, so that few speakers are enough to learn from."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..speech.prosody import FEATURES, binned, features
from ..speech.voice_emotion import LEAST

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# What it is called, and which of `prosody.FEATURES` it is
NUMBERS = {
    "pitch range": "spread of pitch",
    "loudness range": "spread of level",
    "tempo": "syllables per voiced second",
    "effort": "mean tilt",
    "brightness": "mean cepstrum 1",
    "pitch": "pitch",
}
_COLUMNS = [FEATURES.index(name) for name in NUMBERS.values()]


def voiceprint(blocks: Iterable[F32], *, what: str) -> F64:
    """The numbers [V] of a voice, mono 16 kHz blocks; `what` names it in errors.

    Raises InputError where hardly any voice is heard.
    """
    whole = binned(blocks).sum(axis=0)
    if whole[-1] < LEAST:
        raise InputError(f"{what}: expected at least {LEAST:g} s of voice, found {whole[-1]:.2f} s")
    return features(whole[None], whole)[0, _COLUMNS]
