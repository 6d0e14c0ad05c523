"""The whole face over time: speech, emotion and gestures become Motion, streamed in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, Protocol

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from ...avatars.geometry import part_of_face
from ...avatars.head import HeadModel
from ...avatars.motion import Motion
from ...core.errors import InputError
from ...core.maths import smoothstep
from ..emotion import Emotion, FromVoice, envelope
from ..solve.articulation import CLOSE_AXIS, TUCK_AXIS
from ..solve.composition import Cue, composer_for
from ..solve.fusion import FusionModel
from ..speech.encoder import AXES, QUIET, RATE, Articulation, Blocks, low_pass_kernel
from ..speech.phones import Segment
from ..speech.prosody import listen
from ..speech.transcript import corrected
from . import gestures
from .gestures import HeadMotion

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

CHUNK = 32  # frames of Motion at a time
REACH = 1.5  # seconds around a frame within which the speech may matter to it

LIDS = 0.003, 0.010  # metres from the eyelids, which a blink closes whatever the emotion does to them

# The mouth begins to close where the mean speech probability falls below the first and rests below the second
PAUSE_BEGINS, PAUSE_FULL = 0.55, 0.2
PAUSE_WINDOW = 0.3  # seconds
EASE = 0.5  # seconds over which the emotion's mouth gives way to speech
# An emotion rises before a phrase, holds through its short pauses and relaxes to a share in long ones
RISES, HOLDS, RELAXES = 0.3, 0.5, 0.6  # seconds ahead of the phrase, after it, and for rising and falling
RELAXED = 0.75

SMOOTH = 9.0  # Hz: the encoder's own low-pass
FILTER_REACH = 25  # samples at 50 Hz, enough for a few frames per second

STRESSED = 5.0  # dB above the surroundings: a strongly stressed syllable
SYLLABLE, SURROUNDINGS = 0.4, 1.8  # seconds
QUIETEST = -14.0  # dB: pauses are no deep dips of the voice
MAX_GAZE = np.radians(25.0)


class Encoder(Protocol):
    """What `Performer` needs of a `SpeechEncoder`."""

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        """Consecutive pieces of the articulation of one clip, 50 frames per second."""
        ...


@dataclass(frozen=True)
class Direction:
    """What the person asked of the actor."""

    emotion: Emotion
    intensity: float = 1.0  # 0..1
    seed: int = 0
    blink: bool = True
    head_motion: HeadMotion = "subtle"

    def __post_init__(self) -> None:
        """Raises InputError for an intensity outside 0..1."""
        if not 0 <= self.intensity <= 1:
            raise InputError(f"intensity: expected a number in 0..1, found {self.intensity:g}")


def heard(direction: Direction, blocks: Blocks) -> Direction:
    """The direction, with an emotion that was left to the voice read from `blocks()`."""
    if not isinstance(direction.emotion, FromVoice):
        return direction
    return replace(direction, emotion=listen(blocks()).track())


class Performer:
    """Turns speech into the motion of one head."""

    def __init__(
        self, head: HeadModel, encoder: Encoder, fusion: FusionModel | Literal["built-in"] | None = "built-in"
    ) -> None:
        """`fusion`, learned blendshapes, is used where it belongs to the head's version; elsewhere poses are added."""
        self.head = head
        self._encoder = encoder
        self._compose = composer_for(head, FusionModel.built_in() if fusion == "built-in" else fusion)
        lids = [head.regions[name] for name in ("left_lid", "right_lid") if name in head.regions]
        self._lids = part_of_face(head, np.concatenate([np.zeros(0, np.int32), *lids]), full=LIDS[0], none=LIDS[1])
        rows = [i for side in ("Left", "Right") for i in head.arkit.rows(f"eyeBlink{side}")]
        self._blink = head.arkit.expr[rows].sum(axis=0)

    def perform(
        self, blocks: Blocks, *, duration: float, fps: float, direction: Direction, phones: Sequence[Segment] = ()
    ) -> Iterator[Motion]:
        """Consecutive chunks of the motion of one clip, ceil(duration * fps) frames in all.

        `blocks()` opens the clip anew: float32 mono 16 kHz arrays of any size; `duration` in seconds; `phones`: what
        is said, when that is known (`transcript.Aligner`).
        Raises InputError when the head lacks an emotion that is asked for.
        """
        direction = heard(direction, blocks)
        self._compose.emotions.check(direction.emotion)
        score = _Score(corrected(self._encoder.articulate(blocks), phones))
        frames = int(np.ceil(duration * fps - 1e-6))
        for start in range(0, frames, CHUNK):
            times = np.arange(start + 0.5, min(start + CHUNK, frames), dtype=np.float64) / fps
            yield self._chunk(score.around(times[0], times[-1]), times, duration, fps, direction)

    def _chunk(self, speech: _Excerpt, times: F64, duration: float, fps: float, direction: Direction) -> Motion:
        def emotion(at: F64) -> F64:
            return _weights(direction, at, duration)

        presence = RELAXED + (1 - RELAXED) * speech.at(times, speech.phrase)
        weights, activity = presence[:, None] * emotion(times), speech.at(times, speech.activity)
        speaking = speech.at(times, _averaged(speech.activity, EASE))
        cue = Cue(times, speech.axes_at(times, fps), activity, speaking, weights, direction.seed)
        expr, jaw = self._compose(cue)
        if direction.blink:
            lids = gestures.blinks(times, seed=direction.seed, emotion=emotion, pauses=speech.pauses)
            expr = expr + lids[:, None] * (self._blink - expr @ self._lids)
        stress = speech.at(times, speech.stress) * speaking
        neck, eyes = _head_and_eyes(times, direction, weights, speaking, stress)
        motion = Motion.rest(len(times), self.head.expressions, fps)
        motion.jaw[:, 0] = jaw
        return replace(motion, expr=_f32(expr), neck=_f32(neck), eyes=_f32(eyes))


def _weights(direction: Direction, times: F64, duration: float) -> F64:
    """Emotion weights [n, 8] at `times`, scaled by the intensity and the envelope of the clip."""
    assert not isinstance(direction.emotion, FromVoice)  # `perform` has listened
    return direction.intensity * envelope(times, duration)[:, None] * direction.emotion.at(times)


def _head_and_eyes(times: F64, direction: Direction, emotion: F64, speaking: F64, stress: F64) -> tuple[F64, F64]:
    """Neck [n, 3] and eyes [n, 6], axis-angle radians; the eyes hold the camera while the head moves."""
    neck = gestures.head_motion(
        times, seed=direction.seed, style=direction.head_motion, emotion=emotion, speaking=speaking, stress=stress
    )
    eye = -neck
    if direction.head_motion != "none":
        eye[:, :2] += gestures.glances(times, seed=direction.seed)
    eye = np.clip(eye, -MAX_GAZE, MAX_GAZE) * [1, 1, 0]
    return neck, np.concatenate([eye, eye], axis=1)


def _f32(values: F64) -> F32:
    return values.astype(np.float32)


def _averaged(signal: F64, seconds: float) -> F64:
    """`signal` [m] at 50 Hz under a moving Hann window of `seconds`; the ends are inexact."""
    taps = 2 * round(seconds * RATE / 2) + 1
    window = np.sin(np.pi * np.arange(1.0, taps + 1.0) / (taps + 1)) ** 2
    average: F64 = np.convolve(signal, window / window.sum(), mode="same").astype(np.float64)
    return average


@dataclass(frozen=True, eq=False)
class _Excerpt:
    """A window of the articulation at 50 Hz, silent outside the clip, and what can be read from it.

    Values within `REACH` of its ends may be inexact.
    """

    times: F64  # [m] seconds, multiples of 1 / 50
    axes: F64  # [m, 8]
    speech: F64  # [m]
    level: F64  # [m] dB

    @cached_property
    def activity(self) -> F64:
        """1 while someone speaks, 0 in pauses, [m]."""
        return smoothstep((_averaged(self.speech, PAUSE_WINDOW) - PAUSE_FULL) / (PAUSE_BEGINS - PAUSE_FULL))

    @cached_property
    def phrase(self) -> F64:
        """1 during a phrase with its short pauses, rising before it; 0 in long pauses, [m]."""
        after, before = round(HOLDS * RATE), round(RISES * RATE)
        near = sliding_window_view(np.pad(self.activity, (after, before)), after + before + 1).max(axis=1)
        return _averaged(near, RELAXES)

    @cached_property
    def stress(self) -> F64:
        """How much louder than their surroundings syllables are, [m], about -1..1."""
        level = np.maximum(self.level, QUIETEST)
        return np.tanh((_averaged(level, SYLLABLE) - _averaged(level, SURROUNDINGS)) / STRESSED)

    @property
    def pauses(self) -> F64:
        """Times at which pauses begin."""
        silent = self.activity < 0.5
        return self.times[1:][silent[1:] & ~silent[:-1]]

    def at(self, times: F64, signal: F64) -> F64:
        """A signal [m] of this window, linearly interpolated at `times`."""
        return np.interp(times, self.times, signal)

    def axes_at(self, times: F64, fps: float) -> F64:
        """Axes [n, 8] of frames at `times`: low-passed below the frame rate, closures by their peak in the frame."""
        axes = self.axes
        if (cutoff := 0.4 * fps) < SMOOTH:
            kernel = low_pass_kernel(cutoff, reach=FILTER_REACH)
            axes = np.stack([np.convolve(axis, kernel, mode="same") for axis in axes.T], axis=1)
        sampled = np.stack([self.at(times, axis) for axis in axes.T], axis=1)
        within = times + np.linspace(-0.5, 0.5, 5)[:, None] / fps
        for axis in (CLOSE_AXIS, TUCK_AXIS):
            sampled[:, axis] = self.at(within, self.axes[:, axis]).max(axis=0)
        return sampled


class _Score:
    """The articulation of a clip as it arrives, of which only a window is kept."""

    def __init__(self, pieces: Iterator[Articulation]) -> None:
        self._pieces = pieces
        self._rows = np.zeros((0, len(AXES) + 2))  # axes, speech, level
        self._first = 0  # index of the first row kept

    def around(self, first: float, last: float) -> _Excerpt:
        """The window first..last (seconds) and `REACH` around it; windows must be asked for in order of time."""
        start, stop = int((first - REACH) * RATE) - 1, int((last + REACH) * RATE) + 2
        self._fill(start, stop)
        rows = np.tile([0.0] * (len(AXES) + 1) + [QUIET], (stop - start, 1))
        have = self._rows[: stop - self._first]
        offset = self._first - start
        rows[offset : offset + len(have)] = have
        return _Excerpt(np.arange(start, stop) / RATE, rows[:, : len(AXES)], rows[:, -2], rows[:, -1])

    def _fill(self, start: int, stop: int) -> None:
        """Hold the rows start..stop of the clip, as far as it goes, and forget those before."""
        pieces = [self._rows]
        end = self._first + len(self._rows)
        while end < stop and (piece := next(self._pieces, None)) is not None:
            pieces.append(np.column_stack([piece.axes, piece.speech, piece.level]).astype(np.float64))
            end += len(piece)
        rows = np.concatenate(pieces)
        forgotten = min(max(start - self._first, 0), len(rows))
        self._rows, self._first = rows[forgotten:], self._first + forgotten
