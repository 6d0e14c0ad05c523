"""Today's model: speech as the encoder hears it, emotion as it is asked for, and gestures by rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ...core.maths import smoothstep, widened
from ..emotion import EMOTIONS, EmotionMix, EmotionTrack, actions, envelope, expressions, settled
from ..face_motion import ACTIVITY, EMOTION, SPEAKING, SPEECH, FaceMotion, join
from ..score import Score, shaped
from ..speech.closures import FLANKS, swings
from ..speech.encoder import AXES, CONTACTS, QUIET, RATE, Articulation, Blocks, low_pass_kernel
from ..speech.transcript import corrected
from ..speech.voice_emotion import VoiceEmotion
from . import gestures

if TYPE_CHECKING:
    from ..bundle import Bundle

F64 = NDArray[np.float64]

CHUNK = 32  # frames at a time where the whole sound is there
LIVE_CHUNK = 5  # frames at a time where it arrives
REACH = 1.5  # seconds around a frame within which the speech may matter to it

# The mouth opens wider by these shares for every 10 dB above the middle of the clip's speech (dB), and of the effort of
# its voice: within speech, of two people who were measured, one opens wider by a third and one not at all
LOUDER, MIDDLE = 0.15, -4.0
EFFORT = 0.3
EFFORT_WINDOW = 0.14  # seconds
LEAST_EFFORT, MOST_EFFORT = 0.5, 2.0
OPENING = [AXES.index(name) for name in ("jaw", "upper_lip", "lower_lip")]

# The mouth begins to close where the mean speech probability falls below the first and rests below the second
PAUSE_BEGINS, PAUSE_FULL = 0.55, 0.2
PAUSE_WINDOW = 0.3  # seconds
# In short pauses people breathe: the mouth stays ajar by about a fifth of its range
AJAR, AJAR_JAW, AJAR_LIPS = 0.8, 0.14, 0.25  # share of speech's freedom that lips keep then; axes
PAUSE = 1.0  # seconds of a pause after which the mouth shuts
OPENS = 0.2  # seconds before speech in which the mouth is free to open for it (205 ms, median of a filmed speaker)
EASE = 0.5  # seconds over which the emotion's mouth gives way to speech
# An emotion rises before a phrase, holds through its short pauses and relaxes to a share in long ones
RISES, HOLDS, RELAXES = 0.3, 0.5, 0.6  # seconds ahead of the phrase, after it, and for rising and falling
RELAXED = 0.75

SMOOTH = 9.0  # Hz: the encoder's own low-pass
FILTER_REACH = 25  # samples at 50 Hz, enough for a few frames per second

# The lids of people who talk stand lower than on a neutral portrait: opening of the eye over its width 0.31 (0.29 to
# 0.33, 17 filmed people), of the built-in people's portraits 0.39
LIDS = 0.2
OPEN_EYED = [EMOTIONS.index(name) for name in ("angry", "fearful", "surprised")]
STRESSED = 5.0  # dB above the surroundings: a strongly stressed syllable
SYLLABLE, SURROUNDINGS = 0.4, 1.8  # seconds
QUIETEST = -14.0  # dB: pauses are no deep dips of the voice
MAX_GAZE = np.radians(25.0)


class Encoder(Protocol):
    """What the model needs of a `SpeechEncoder`."""

    @property
    def lookahead(self) -> float:
        """Seconds of sound after a frame that `follow` waits for."""
        ...

    def articulate(self, blocks: Blocks) -> Iterator[Articulation]:
        """Consecutive pieces of the articulation of one clip, 50 frames per second; `blocks()` opens it anew."""
        ...

    def follow(self, blocks: Iterable[NDArray[np.float32]]) -> Iterator[Articulation]:
        """The same of sound that can be heard only once."""
        ...


def heard(score: Score, voice: VoiceEmotion | None = None) -> Score:
    """The score with its emotion over time: what was left to the voice is read from its sound by `voice` (the built-in
    weights), what is spread over the clip fits its length.

    Raises InputError where there is none to listen to beforehand.
    """

    def listen() -> EmotionTrack:
        if score.sound is None:
            raise InputError("emotion auto: expected a recording to listen to, found sound that is still to come")
        return (voice or VoiceEmotion.built_in()).listen(score.sound()).track()

    if isinstance(score.emotion, EmotionMix | EmotionTrack):
        return score
    return replace(score, emotion=settled(score.emotion, duration=score.duration, listen=listen))


class Procedural:
    """A motion model: lips from the speech encoder, emotion as asked, blinks, gaze and head by rule.

    >>> from emosplat.blendshapes.models import find_model
    >>> score = Score(duration=1.0, sound=lambda: [np.zeros(16_000, np.float32)])
    >>> len(find_model("procedural").plan(score))
    25
    """

    name = "procedural"

    def __init__(self, encoder: Encoder, voice: VoiceEmotion | None = None) -> None:
        self._encoder = encoder
        self._voice = voice
        self.lookahead = encoder.lookahead + REACH + 0.1

    def plan(self, score: Score) -> FaceMotion:
        """The whole clip; keys and fixed spans are met. Raises InputError without a sound."""
        pieces = list(self.pieces(score))
        return join(pieces) if pieces else FaceMotion.rest(0, fps=score.fps)

    def pieces(self, score: Score) -> Iterator[FaceMotion]:
        """`plan`, piece by piece in constant memory. The sound is opened anew as often as needed."""
        if score.sound is None:
            raise InputError(f"motion model {self.name!r}: expected a score with a sound, found none")
        speech = _Articulated(corrected(self._encoder.articulate(score.sound), score.phones))
        return shaped(self._pieces(heard(score, self._voice), speech, CHUNK), score)

    def stream(self, score: Score, blocks: Iterable[NDArray[np.float32]]) -> Iterator[FaceMotion]:
        """The motion of sound that arrives: frames come `lookahead` seconds after what they show, at the latest.

        The speaker's level and timbre are those of the sound so far. Without a duration it goes on to the end of the
        blocks.
        """
        speech = _Articulated(corrected(self._encoder.follow(blocks), score.phones))
        return shaped(
            self._pieces(heard(score, self._voice), speech, max(1, min(LIVE_CHUNK, round(0.1 * score.fps)))), score
        )

    def _pieces(self, score: Score, speech: _Articulated, chunk: int) -> Iterator[FaceMotion]:
        for start in count(0, chunk):
            stop = start + chunk if score.frames is None else min(start + chunk, score.frames)
            if stop <= start:
                return
            times = np.arange(start + 0.5, stop, dtype=np.float64) / score.fps
            window = speech.around(times[0], times[-1])
            if score.frames is None:  # `around` has noticed the end of the sound if it lies within reach
                times = times[times < speech.duration]
                if not len(times):
                    return
            yield _piece(score, window, times, start)


def create(bundle: Bundle) -> Procedural:
    """The model with the weights of `bundle`."""
    return Procedural(bundle.encoder(), bundle.voice())


def _piece(score: Score, speech: _Excerpt, times: F64, first: int) -> FaceMotion:
    """The frames at `times` [n], of which the first is the clip's frame number `first`."""

    def emotion(at: F64) -> F64:
        return expressions(_point(score, at))

    presence = RELAXED + (1 - RELAXED) * speech.at(times, speech.phrase)
    asked = presence[:, None] * _point(score, times)
    weights, extra = expressions(asked), actions(asked)
    activity = speech.at(times, speech.activity)
    speaking = speech.at(times, _averaged(speech.activity, EASE))
    axes = speech.axes_at(times, score.fps, effort=score.effort)
    between = speech.at(times, speech.between)
    axes[:, OPENING] += np.multiply.outer(between, (AJAR_JAW, AJAR_LIPS, AJAR_LIPS))
    activity = np.maximum(activity, AJAR * between)
    lids = LIDS * (1 - weights[:, OPEN_EYED].sum(axis=1).clip(0, 1))
    if score.blink:
        lids = lids + (1 - lids) * gestures.blinks(times, seed=score.seed, emotion=emotion, pauses=speech.pauses)
    neck, gaze = _head_and_gaze(times, score, weights, speaking, speech)
    if score.head_motion != "none":
        stress = speech.at(times, speech.stress) * speaking
        own = gestures.brows(times, seed=score.seed, emotion=weights, speaking=speaking, stress=stress)
        own |= gestures.one_sided(times, seed=score.seed, speaking=speaking)
        extra = {name: np.sum([w[name] for w in (own, extra) if name in w], axis=0) for name in own | extra}
    columns = [axes, activity[:, None], speaking[:, None], weights, *(c[:, None] for c in extra.values())]
    return FaceMotion(
        fps=score.fps,
        channels=(*CHANNELS, *extra),
        values=np.concatenate(columns, axis=1),
        jaw=np.zeros((len(times), 3)),
        head=np.concatenate([neck, np.zeros_like(neck)], axis=1),
        gaze=np.stack([gaze, gaze], axis=1),
        lids=np.stack([lids, lids], axis=1),
        first=first,
        seed=score.seed,
    )


CHANNELS = (*SPEECH, ACTIVITY, SPEAKING, *(EMOTION + label for label in EMOTIONS))


def _point(score: Score, times: F64) -> F64:
    """Points [n, D] of emotion space at `times`, scaled by the intensity and the envelope of the clip."""
    assert isinstance(score.emotion, EmotionMix | EmotionTrack)  # `heard` has listened
    strength = score.intensity * envelope(times, np.inf if score.duration is None else score.duration)
    return strength[:, None] * score.emotion.at(times)


def _head_and_gaze(times: F64, score: Score, emotion: F64, speaking: F64, speech: _Excerpt) -> tuple[F64, F64]:
    """Rotation of the head [n, 3], radians, and gaze [n, 2]: the eyes hold the camera while the head moves."""
    stress = speech.at(times + gestures.NOD_LEAD, speech.stress) * speaking
    neck = gestures.head_motion(
        times, seed=score.seed, style=score.head_motion, emotion=emotion, speaking=speaking, stress=stress
    )
    gaze = -neck
    if score.head_motion != "none":
        gaze[:, :2] += gestures.glances(times, seed=score.seed)
    return neck, np.clip(gaze, -MAX_GAZE, MAX_GAZE)[:, :2]


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
    voice: F64  # [m] dB, the effort of the clip's voice so far

    @cached_property
    def activity(self) -> F64:
        """1 while someone speaks, 0 in pauses, [m]."""
        coming = widened(self.speech, round(OPENS * RATE), 0)
        return smoothstep((_averaged(coming, PAUSE_WINDOW) - PAUSE_FULL) / (PAUSE_BEGINS - PAUSE_FULL))

    @cached_property
    def phrase(self) -> F64:
        """1 during a phrase with its short pauses, rising before it; 0 in long pauses, [m]."""
        return _averaged(widened(self.activity, round(RISES * RATE), round(HOLDS * RATE)), RELAXES)

    @cached_property
    def between(self) -> F64:
        """1 in short pauses, between words, 0 while someone speaks and where nobody spoke or will speak, [m]."""
        said = smoothstep((self.speech - PAUSE_FULL) / (PAUSE_BEGINS - PAUSE_FULL))
        reach = round(PAUSE * RATE)
        around = np.minimum(widened(said, 0, reach), widened(said, reach, 0))
        return _averaged(around * (1 - said), SYLLABLE / 2)

    @cached_property
    def stress(self) -> F64:
        """How much louder than their surroundings syllables are, [m], about -1..1."""
        level = np.maximum(self.level, QUIETEST)
        return np.tanh((_averaged(level, SYLLABLE) - _averaged(level, SURROUNDINGS)) / STRESSED)

    def effort(self, asked: float | None) -> F64:
        """How much wider than usual the mouth opens, [m], about 1 in ordinary speech."""
        louder = _averaged(self.level, EFFORT_WINDOW) - MIDDLE
        usual = 1 + EFFORT * self.voice / 10 if asked is None else asked
        return np.clip((1 + LOUDER * louder / 10) * usual, LEAST_EFFORT, MOST_EFFORT)

    @property
    def pauses(self) -> F64:
        """Times at which pauses begin."""
        silent = self.activity < 0.5
        return self.times[1:][silent[1:] & ~silent[:-1]]

    def at(self, times: F64, signal: F64) -> F64:
        """A signal [m] of this window, linearly interpolated at `times`."""
        return np.interp(times, self.times, signal)

    def axes_at(self, times: F64, fps: float, *, effort: float | None) -> F64:
        """Axes [n, 8] of frames at `times`: low-passed below the frame rate, contacts by their peak in the frame."""
        axes = self.axes.copy()
        axes[:, OPENING] *= self.effort(effort)[:, None]
        if (cutoff := 0.4 * fps) < SMOOTH:
            kernel = low_pass_kernel(cutoff, reach=FILTER_REACH)
            axes = np.stack([np.convolve(axis, kernel, mode="same") for axis in axes.T], axis=1)
        sampled = np.stack([self.at(times, axis) for axis in axes.T], axis=1)
        sampled[:, CONTACTS] = swings(self.times, self.axes[:, CONTACTS], times, flanks=FLANKS, within=0.5 / fps)
        return sampled


class _Articulated:
    """The articulation of a clip as it arrives, of which only a window is kept."""

    def __init__(self, pieces: Iterator[Articulation]) -> None:
        self._pieces = pieces
        self._rows = np.zeros((0, len(AXES) + 3))  # axes, speech, level, effort
        self._first = 0  # index of the first row kept
        self.duration = np.inf  # seconds, known once the sound has ended

    def around(self, first: float, last: float) -> _Excerpt:
        """The window first..last (seconds) and `REACH` around it; windows must be asked for in order of time."""
        start, stop = int((first - REACH) * RATE) - 1, int((last + REACH) * RATE) + 2
        self._fill(start, stop)
        rows = np.tile([0.0] * (len(AXES) + 1) + [QUIET, 0.0], (stop - start, 1))
        have = self._rows[: stop - self._first]
        offset = self._first - start
        rows[offset : offset + len(have)] = have
        return _Excerpt(np.arange(start, stop) / RATE, rows[:, : len(AXES)], *rows[:, len(AXES) :].T)

    def _fill(self, start: int, stop: int) -> None:
        """Hold the rows start..stop of the clip, as far as it goes, and forget those before."""
        pieces = [self._rows]
        end = self._first + len(self._rows)
        while end < stop and (piece := next(self._pieces, None)) is not None:
            effort = np.full(len(piece), piece.effort)
            pieces.append(np.column_stack([piece.axes, piece.speech, piece.level, effort]).astype(np.float64))
            end += len(piece)
        if end < stop:
            self.duration = min(self.duration, (end - 1) / RATE)
        rows = np.concatenate(pieces)
        forgotten = min(max(start - self._first, 0), len(rows))
        self._rows, self._first = rows[forgotten:], self._first + forgotten
