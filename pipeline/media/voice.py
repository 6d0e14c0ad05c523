"""How high and how loud a voice is, for pictures and tables of a clip; librosa does the listening."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

RATE = 16_000  # Hz
HOP, WINDOW = 640, 1024  # samples: 25 values per second, each of 64 ms
LOWEST, HIGHEST = 70.0, 450.0  # Hz of the voice
RESOLUTION = 0.25  # semitones; the usual 0.1 takes sixty times as long
FLOOR = 1e-5  # root mean square of silence: -100 dB


def voice_curves(blocks: Iterable[F32], times: F64) -> dict[str, F32]:
    """Pitch and loudness at `times` [T] seconds of consecutive mono 16 kHz arrays, by name.

    `pitch_hz` [T] is NaN where the voice has none (pauses, voiceless sounds): probabilistic YIN, Mauch & Dixon (2014).
    `loudness_db` [T] is the root mean square below full scale, NaN beyond the sound. Blocks are heard one by one; long
    ones are better.
    """
    import librosa

    pitch, level = [], []
    for block in blocks:
        count = -(-len(block) // HOP)
        heard = np.pad(block[HOP // 2 :], (0, count * HOP - len(block)))  # windows around the middles of the hops
        found, _, _ = librosa.pyin(
            heard,
            fmin=LOWEST,
            fmax=HIGHEST,
            sr=RATE,
            resolution=RESOLUTION,
            frame_length=WINDOW,
            hop_length=HOP,
        )
        rms = librosa.feature.rms(y=heard, frame_length=WINDOW, hop_length=HOP)[0]
        pitch.append(found[:count])
        level.append(20 * np.log10(np.maximum(rms[:count], FLOOR)))
    curves = {"pitch_hz": pitch, "loudness_db": level}
    return {name: _at(times, np.concatenate([np.zeros(0), *values])) for name, values in curves.items()}


def _at(times: F64, values: F64) -> F32:
    """The value [T] of the hop that each time lies in, NaN beyond the last."""
    index = np.floor(times * RATE / HOP + 1e-6).astype(np.int64)
    known = index < len(values)
    out = np.full(len(times), np.nan, np.float32)
    out[known] = values[index[known]]
    return out
