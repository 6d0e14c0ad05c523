"""What brows and head do to a song: they go up with the pitch and along with the phrase.

People who watch singers without sound tell the size of an interval, and its direction, from brows, head and mouth
(Thompson, Russo & Livingstone, Psychonomic Bulletin & Review 17, 2010); singers raise the head for breath and sway with
the phrase (Davidson, Popular Music 20, 2001). The sizes are ours, kept small beside what speech and emotion do.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...core.maths import smoothstep
from ..face_motion import FaceMotion
from ..noise import draws
from ..speech.encoder import RATE
from .song import BREATH, Song, smoothed

F64 = NDArray[np.float64]

SLOW = 0.6  # seconds over which brows and head follow the pitch
AHEAD = 0.1  # seconds by which they are ahead of the voice
BROWS, MOST_BROWS = 0.05, 0.5  # weight of browInnerUp and browOuterUp per semitone above the song's middle
LIFT, MOST_LIFT = np.radians(0.35), np.radians(4.0)  # of the head per semitone, up
SWAY = np.radians((1.2, 2.6))  # yaw and roll in the middle of a phrase, to alternate sides
BOW = np.radians(2.0)  # pitch at the end of a phrase, down
INHALING = np.radians(1.5)  # pitch with the breath before it, up
LONGEST = 4.0  # seconds of a phrase after which the sway is no larger
EASE = 0.6  # seconds in which a bow comes and goes
_PERSON = 40  # stream of the seed


def singing(face: FaceMotion, song: Song, *, seed: int) -> FaceMotion:
    """The face with what a singer adds; where nobody sings it stays as it is."""
    times = face.times
    share = np.interp(times, np.arange(len(song.sung)) / RATE, song.sung)
    if not share.any():
        return face
    lively = 0.7 + 0.6 * draws(seed, _PERSON, np.arange(2))[:, 0]  # brows and head of this person
    higher = _higher(song, times + AHEAD)
    raised = share * lively[0] * np.clip(BROWS * higher, 0, MOST_BROWS)
    yaw, roll, pitch = _phrased(song, times, seed=seed)
    pitch -= np.clip(LIFT * higher, -MOST_LIFT, MOST_LIFT)
    names = ("browInnerUp", "browOuterUpLeft", "browOuterUpRight")
    columns = {name: face.column(name) + raised * (1 - np.clip(face.column(name), 0, 1)) for name in names}
    for name, change in (("headPitch", pitch), ("headYaw", yaw), ("headRoll", roll)):
        columns[name] = face.column(name) + share * lively[1] * change
    for side in ("Left", "Right"):  # the eyes stay where they look
        columns[f"gaze{side}Pitch"] = face.column(f"gaze{side}Pitch") - share * lively[1] * pitch
        columns[f"gaze{side}Yaw"] = face.column(f"gaze{side}Yaw") - share * lively[1] * yaw
    return face.with_columns(columns)


def _higher(song: Song, times: F64) -> F64:
    """Semitones above the song's middle, slowly, [n]."""
    slow = smoothed(song.pitch - song.middle, SLOW)
    return np.interp(times, np.arange(len(slow)) / RATE, slow)


def _phrased(song: Song, times: F64, *, seed: int) -> tuple[F64, F64, F64]:
    """Yaw, roll and pitch of the head along the phrases, [n] each, radians."""
    yaw, roll, pitch = np.zeros((3, len(times)))
    end = 0.0
    for number, (start, stop) in enumerate(song.phrases):
        side = (-1.0) ** number * (1 if draws(seed, _PERSON, np.array([-1]))[0, 0] < 0.5 else -1)
        size = min((stop - start) / LONGEST, 1.0)
        arch = np.sin(np.pi * np.clip((times - start) / max(stop - start, 1e-6), 0, 1)) ** 2
        yaw += SWAY[0] * side * size * arch
        roll += SWAY[1] * side * size * arch
        pitch += BOW * size * _bump(times, stop)
        if start - end >= BREATH:
            pitch -= INHALING * _bump(times, start - BREATH / 2)
        end = stop
    return yaw, roll, pitch


def _bump(times: F64, middle: float) -> F64:
    """1 at a time, 0 `EASE` before and after, smooth, [n]."""
    return smoothstep(1 - np.abs(times - middle) / EASE)
