"""Contacts of the lips in time: from the probability of a contact to the way lips come together and part.

Lips do not snap: they swing towards a target that lies beyond the contact, meet at nearly their highest speed, and what
is seen is the part of the swing above the contact (Loefqvist & Gracco, "Lip and jaw kinematics in bilabial stop
consonant production", JASA 102, 1997). So the contact is short and its flanks are long: measured mouths stay under a
tenth of their range for 55 ms (sensors) to 80 ms (video) at /p b m/, while a recogniser is sure of the phone for 100 ms
and more and changes its mind within 20. Here the second is turned into the first. The constants were set on two readers
(LibriVox, LibriSpeech) and GRID s1 so that speed, acceleration and duration are those of the measured mouths.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...core.maths import runs, smoothstep

F64 = NDArray[np.float64]

PARTED, SEALED = 0.25, 0.55  # probability of a contact that counts as none, and in full
FLANKS = 0.1, 0.04  # seconds in which lips come together, and part; in which a lip finds the teeth
SWING = 0.9  # exponent of the flanks' sine: below 2 they are steepest at the contact
BRIEF = 0.01  # seconds that the shortest contact is complete
RELEASING = 0.12  # seconds of a recognised contact in which the lips still close or open again


@dataclass(frozen=True)
class Contact:
    """Lips that touch or nearly touch."""

    start: float  # seconds between which it is complete
    end: float
    degree: float  # 0..1, 1: the lips are pressed together


def contacts(times: F64, probability: F64) -> Iterator[Contact]:
    """The contacts that a probability [m] at `times` [m] speaks of, in order of time.

    >>> times = np.arange(50) / 50
    >>> [contact] = contacts(times, np.exp(-(((times - 0.5) / 0.04) ** 2)))
    >>> round(contact.start, 3), round(contact.end, 3), contact.degree
    (0.495, 0.505, 1.0)
    """
    for first, stop in runs(probability > PARTED):
        peak = probability[first:stop].max()
        level = max(PARTED, peak / 2)  # two contacts with a doubt between them are two
        for low, high in runs(probability[first:stop] > level):
            start = _crossing(times, probability, first + low - 1, level)
            end = _crossing(times, probability, first + high - 1, level)
            middle, half = (start + end) / 2, max(end - start - RELEASING, BRIEF) / 2
            sure = probability[first + low : first + high].max(keepdims=True)
            degree = smoothstep((sure - PARTED) / (SEALED - PARTED)).item()
            yield Contact(middle - half, middle + half, degree)


def swings(times: F64, probabilities: F64, at: F64, *, flanks: Sequence[float], within: float = 0.0) -> F64:
    """How far each contact of probability [m, K] at `times` [m] is made at the times `at` [n], 0..1, [n, K].

    `flanks` [K]: seconds in which each kind comes together, and parts. The most within so many seconds around:
    half a frame shows a contact in the picture that covers its middle, and makes it no longer in the others.
    """
    made = np.zeros((len(at), probabilities.shape[1]))
    for kind, (probability, flank) in enumerate(zip(probabilities.T, flanks, strict=True)):
        for contact in contacts(times, probability):
            away = np.maximum(np.maximum(contact.start - at, at - contact.end) - within, 0)
            parted = np.sin(0.5 * np.pi * np.minimum(away / flank, 1)) ** SWING
            made[:, kind] = np.maximum(made[:, kind], contact.degree * (1 - parted))
    return made


def _crossing(times: F64, signal: F64, index: int, level: float) -> float:
    """When the signal crosses `level` between `index` and the next one; at the clip's ends, where it is beyond."""
    if index < 0:
        return float(times[0])
    if index + 1 >= len(times):
        return float(times[-1])
    share = (level - signal[index]) / (signal[index + 1] - signal[index])
    return float(times[index] + share * (times[index + 1] - times[index]))
