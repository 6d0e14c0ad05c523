"""Which phone is said at a time, and the viseme that it looks like."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .encoder import RATE, Articulation
from .phones import PHONES, SILENCE, Segment

F64 = NDArray[np.float64]

SPOKEN = 0.5  # probability of speech below which nothing is said
# The fifteen visemes of Meta's (Oculus') lip sync, which are those of our heads, by phones of `PHONES`
_GROUPS = {
    "sil": "SIL",
    "PP": "P B M",
    "FF": "F V",
    "TH": "TH DH",
    "DD": "T D",
    "kk": "K G X HH",
    "CH": "CH JH SH ZH",
    "SS": "S Z",
    "nn": "N L NG",
    "RR": "R ER",
    "aa": "AA AE AH A1 AX",
    "E": "EH EY1",
    "ih": "IH IY Y Y2",
    "oh": "AO OW1 OY1",
    "ou": "UH UW OW2 W YY OE",
}
VISEMES = {phone: viseme for viseme, phones in _GROUPS.items() for phone in phones.split()}


def phones_at(times: F64, segments: Sequence[Segment]) -> list[str]:
    """The phone at each of `times` [n] seconds by segments in order of time; silence between them."""
    starts = np.array([segment.start for segment in segments])
    places = np.searchsorted(starts, times, side="right") - 1
    return [
        segments[k].phone if k >= 0 and time < segments[k].end else SILENCE
        for time, k in zip(times, places, strict=True)
    ]


def phones_heard(times: F64, heard: Articulation) -> list[str]:
    """The likeliest phone at each of `times` [n] seconds, as the speech encoder hears it; empty where it tells none."""
    if heard.sounds is None or not len(heard):
        return [""] * len(times)
    frames = np.rint(times * RATE).astype(int)
    rows = np.clip(frames, 0, len(heard) - 1)
    spoken = (heard.speech[rows] >= SPOKEN) & (frames >= 0) & (frames < len(heard))
    likeliest = heard.sounds[rows].argmax(axis=1)
    return [PHONES[k] if said else SILENCE for k, said in zip(likeliest, spoken, strict=True)]
