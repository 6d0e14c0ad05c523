"""A face motion carried over to a new recording of the same words.

Two recordings are laid beside each other by dynamic time warping (Sakoe and Chiba 1978) of what is heard in them, or by
the phones of a transcript. The mouth follows that to the frame. Head, brows, gaze and lids have a pace of their own:
they follow a smoothed course, so that a nod does not rush through a syllable that was said faster.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import SequenceMatcher

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..face_motion import FaceMotion, region_of
from ..speech.encoder import RATE, Articulation
from ..speech.features import BANDS, log_mel, normalise
from ..speech.phones import SILENCE, Segment

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

EXACT = ("mouth", "jaw")  # regions that follow the sound to the frame
SMOOTHED, SMOOTHED_OWN_PACE = 0.1, 1.2  # seconds over which the course of the mouth, and of all else, is averaged
LONGEST = 180.0  # seconds of sound that are compared
CEPSTRA = 13
ASIDE = 0.5  # of the usual cost, for a step in which one of the recordings stands still
LEAST_PHONES = 3
FINE = 0.01  # seconds between the points of a course that is averaged


@dataclass(frozen=True, eq=False)
class Course:
    """Where in an old recording the moments of a new one are; linear between the points, which do not fall.

    Beyond the last point both go on alike.
    """

    new: F64  # [n] seconds, increasing
    old: F64  # [n] seconds

    def __call__(self, times: NDArray[np.floating], *, smoothed: float = 0.0) -> F64:
        """Old times [m] of new `times` [m], averaged over so many seconds of the new recording."""
        beyond = np.maximum(times - self.new[-1], 0)
        if not smoothed:
            return np.interp(times, self.new, self.old) + beyond
        grid = np.linspace(self.new[0], self.new[-1], math.ceil((self.new[-1] - self.new[0]) / FINE) + 2)
        course = np.interp(grid, self.new, self.old)
        reach = min(round(smoothed / 2 / FINE), len(grid) - 1)
        window = np.hanning(2 * reach + 3)[1:-1]
        padded = np.pad(course, reach, mode="reflect", reflect_type="odd")  # the ends stay where they are
        averaged = np.convolve(padded, window / window.sum(), mode="valid")
        return np.interp(times, grid, averaged.astype(np.float64)) + beyond


def heard(samples: F32, articulation: Sequence[Articulation]) -> F64:
    """What recordings are compared by, [n, 22] at 50 per second: cepstra and articulation, each of unit deviation.

    samples: mono 16 kHz; articulation: what a speech encoder hears in it
    """
    mel = log_mel(samples)[::2]  # 50 per second, as the articulation
    bands = normalise(mel, np.zeros(BANDS)).astype(np.float64)
    k = np.arange(1, CEPSTRA + 1)[:, None]
    cepstra = bands @ np.cos(np.pi * k * (np.arange(BANDS) + 0.5) / BANDS).T
    axes = np.concatenate([np.concatenate([a.axes, a.speech[:, None]], axis=1) for a in articulation]).astype(
        np.float64
    )
    n = min(len(cepstra), len(axes))
    found = np.concatenate([cepstra[:n] / np.sqrt(CEPSTRA), axes[:n] / np.sqrt(axes.shape[1])], axis=1)
    blocks = (found[:, :CEPSTRA], found[:, CEPSTRA:])
    return np.concatenate([(b - b.mean(axis=0)) / max(float(b.std()), 1e-6) for b in blocks], axis=1)


def by_sound(old: F64, new: F64) -> Course:
    """The course by what is heard in both (see `heard`). Raises InputError for sounds that are too long."""
    if max(len(old), len(new)) > LONGEST * RATE:
        found = max(len(old), len(new)) / RATE
        raise InputError(f"retime: expected at most {LONGEST:g} s of sound, found {found:.0f} s; give a transcript")
    from librosa.sequence import dtw
    from scipy.spatial.distance import cdist

    cost = cdist(old, new)
    aside = ASIDE * float(np.median(cost))
    _, path = dtw(C=cost, weights_add=np.array([0.0, aside, aside]))
    path = path[::-1]
    moments = np.arange(len(new))
    count = np.bincount(path[:, 1], minlength=len(new))
    mean = np.bincount(path[:, 1], weights=path[:, 0], minlength=len(new)) / count
    return Course(moments / RATE, mean / RATE)


def by_phones(old: Sequence[Segment], new: Sequence[Segment], *, seconds: tuple[float, float]) -> Course:
    """The course by the phones of both recordings, which last `seconds`; phones that only one has are passed over.

    Raises InputError where they have too little in common.
    """
    spoken = [[p for p in phones if p.phone != SILENCE] for phones in (old, new)]
    names = [[p.phone for p in phones] for phones in spoken]
    blocks = SequenceMatcher(None, *names, autojunk=False).get_matching_blocks()
    pairs = [(spoken[0][b.a + i], spoken[1][b.b + i]) for b in blocks for i in range(b.size)]
    if len(pairs) < max(LEAST_PHONES, max(map(len, names)) / 2):
        raise InputError(
            f"retime: expected the same words in both recordings, found {len(pairs)} phones in common of "
            f"{len(names[0])} and {len(names[1])}"
        )
    points = [(0.0, 0.0), *((b.start, a.start) for a, b in pairs), (pairs[-1][1].end, pairs[-1][0].end)]
    points += [(seconds[1], seconds[0])]
    new_times, old_times = np.maximum.accumulate(np.array(points), axis=0).T
    kept = np.append(np.diff(new_times) > 1e-6, True)
    return Course(new_times[kept], old_times[kept])


def retimed(face: FaceMotion, course: Course, *, seconds: float) -> FaceMotion:
    """The motion on a new recording of `seconds`: lips where its sounds are, contacts kept.

    >>> face = FaceMotion.rest(50, fps=25).with_column("headYaw", np.linspace(0, 1, 50))
    >>> slower = retimed(face, Course(np.array([0.0, 4.0]), np.array([0.0, 2.0])), seconds=4.0)
    >>> len(slower), float(slower.column("headYaw")[50].round(2))
    (100, 0.5)
    """
    frames = max(1, math.ceil(seconds * face.fps - 1e-6))
    times, ends = (np.arange(frames) + 0.5) / face.fps, np.arange(frames + 1) / face.fps
    exact, own = (
        face.sampled(course(times, smoothed=smoothed), course(ends, smoothed=smoothed))
        for smoothed in (SMOOTHED, SMOOTHED_OWN_PACE)
    )
    columns = {name: exact.column(name) for name in face.columns if region_of(name) in EXACT}
    return replace(own.with_columns(columns), first=0)
