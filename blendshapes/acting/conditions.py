"""What the acting model is told about every frame: the sound, its salient moments, the emotion, and what must stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..emotion import EMOTIONS
from ..speech.accents import KINDS, Accent, accents_in, felt
from ..speech.encoder import AXES
from ..speech.excerpt import Excerpt
from .space import RATE

F64 = NDArray[np.float64]

HEARD = (*AXES, "activity", "between", "level", "stress", "said")
# The groups of columns that are left out at times in training, so that each may be guided
GROUPS: dict[str, tuple[str, ...]] = {"sound": HEARD, "accents": KINDS, "emotion": EMOTIONS}
TOLD = tuple(f"{group}.{name}" for group, names in GROUPS.items() for name in names)
COLUMNS = {group: [k for k, name in enumerate(TOLD) if name.startswith(f"{group}.")] for group in GROUPS}
LOUDEST, LEVELS = -4.0, 10.0  # dB: the middle of speech, and what one unit is
QUIETEST = -30.0


def told(
    speech: Excerpt, times: F64, emotion: F64, *, effort: float | None = None, moments: Sequence[Accent] | None = None
) -> F64:
    """What the model is told at `times` [n]: [n, C], columns `TOLD`, about -3..3.

    `emotion` [n, 8]: weights; `moments`: those that stand out, by default the speech's own.
    """

    axes = speech.axes_at(times, RATE, effort=effort)
    level = (np.clip(speech.at(times, speech.level), QUIETEST, None) - LOUDEST) / LEVELS
    heard = [speech.at(times, s) for s in (speech.activity, speech.between)]
    heard += [level, speech.at(times, speech.stress), speech.at(times, speech.speech)]
    near = felt(accents_in(speech) if moments is None else moments, times)
    return np.column_stack([axes, *heard, near, emotion])
