"""The low-pass anchor: speech that is smeared over time, on a face whose eyes and head move as ever."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfiltfilt

from ..avatars.motion import Motion
from ..blendshapes.score import Score
from ..blendshapes.talking_head import TalkingHead
from ..pipeline.media.audio import AudioClip

ORDER = 2  # of the Butterworth filter, which runs forward and backward: no delay


def smeared(actor: TalkingHead, speech: AudioClip, direction: Score, *, fps: float, cutoff: float) -> Motion:
    """The motion of the speech with expression and jaw low-passed at `cutoff` Hz; blinks keep their speed."""
    score = replace(direction, sound=speech.blocks, duration=speech.duration, fps=fps)
    whole, lidless = actor.motion(score), actor.motion(replace(score, blink=False))
    blinks = whole.expr - lidless.expr
    return replace(whole, expr=low_pass(lidless.expr, fps, cutoff) + blinks, jaw=low_pass(lidless.jaw, fps, cutoff))


def low_pass(curves: NDArray[np.float32], fps: float, cutoff: float) -> NDArray[np.float32]:
    """Curves [T, n] without what is faster than `cutoff` Hz (half of the power remains there); ends are held."""
    if cutoff >= fps / 2 or len(curves) < 2:
        return curves
    filters = butter(ORDER, cutoff, fs=fps, output="sos")
    reach = min(len(curves) - 1, round(2 * fps / cutoff))
    return sosfiltfilt(filters, curves, axis=0, padtype="constant", padlen=reach).astype(np.float32)
