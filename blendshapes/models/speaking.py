"""What every built-in model shares: the mouth as the sound has it, the emotion as it is asked for, a head at rest."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..emotion import EMOTIONS, EmotionTrack, Settled, actions, envelope, expressions, settled
from ..face_motion import ACTIVITY, EMOTION, SPEAKING, SPEECH, FaceMotion, join
from ..score import LIDS, Score, shaped
from ..singing.articulation import sung
from ..singing.gestures import singing
from ..speech.effort import Habit
from ..speech.encoder import Articulation, Blocks, joined
from ..speech.excerpt import OPENING, Articulated, Excerpt
from ..speech.moment import Speech
from ..speech.rules import corrected
from ..speech.voice_emotion import VoiceEmotion

F64 = NDArray[np.float64]

# In short pauses people breathe: the mouth stays ajar by about a fifth of its range
AJAR, AJAR_JAW, AJAR_LIPS = 0.8, 0.14, 0.25  # share of speech's freedom that lips keep then; axes
RELAXED = 0.75

OPEN_EYED = [EMOTIONS.index(name) for name in ("angry", "fearful", "surprised")]
CHANNELS = (*SPEECH, ACTIVITY, SPEAKING, *(EMOTION + label for label in EMOTIONS))


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


@runtime_checkable
class PhoneticEncoder(Encoder, Protocol):
    """What songs need besides."""

    def articulate(self, blocks: Blocks, *, voice: F64 | None = None) -> Iterator[Articulation]:
        """As `Encoder`, with `sounds`; `voice` [frames]: the least probability that somebody speaks, if known."""
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

    if isinstance(score.emotion, Settled):
        return score
    return replace(score, emotion=settled(score.emotion, duration=score.duration, listen=listen))


def check_streamable(score: Score) -> None:
    """Raise InputError for what has to know the whole sound beforehand."""
    if isinstance(score.effort, Habit):
        raise InputError("effort: expected auto or a number for sound that arrives, found a voice to compare it with")


class SpokenModel:
    """What motion models have in common that take the mouth from the sound; a model tells `_pieces`."""

    name: str

    def __init__(self, encoder: Encoder, voice: VoiceEmotion | None = None) -> None:
        self._encoder = encoder
        self._voice = voice

    def plan(self, score: Score) -> FaceMotion:
        """The whole clip; keys and fixed spans are met. Raises InputError without a sound."""
        pieces = list(self.pieces(score))
        return join(pieces) if pieces else FaceMotion.rest(0, fps=score.fps)

    def pieces(self, score: Score) -> Iterator[FaceMotion]:
        """`plan`, piece by piece in constant memory. The sound is opened anew as often as needed."""
        if score.sound is None:
            raise InputError(f"motion model {self.name!r}: expected a score with a sound, found none")
        articulation = self._articulation(score.sound, score)
        return shaped(self._performed(heard(score, self._voice), articulation), score)

    def _articulation(self, sound: Blocks, score: Score) -> Iterator[Articulation]:
        pieces = self._uttered(sound, score)
        if not isinstance(score.effort, Habit):
            return pieces
        effort = score.effort.effort(sound)
        return (replace(piece, effort=effort) for piece in pieces)

    def _uttered(self, sound: Blocks, score: Score) -> Iterator[Articulation]:
        song = score.song
        if song is None:
            return corrected(self._encoder.articulate(sound), score.phones)
        assert isinstance(self._encoder, PhoneticEncoder)
        spoken = joined(corrected(self._encoder.articulate(sound, voice=song.voice * song.sung), score.phones))
        assert spoken.sounds is not None
        return iter([sung(spoken, song, spoken.sounds, phones=score.phones)])

    def _performed(self, score: Score, articulation: Iterator[Articulation]) -> Iterator[FaceMotion]:
        pieces = self._pieces(score, articulation)
        if score.song is None or score.head_motion == "none":
            return pieces
        return (singing(piece, score.song, seed=score.seed) for piece in pieces)

    def _pieces(self, score: Score, articulation: Iterator[Articulation]) -> Iterator[FaceMotion]:
        """The motion before the score's keys and fixed spans are met."""
        raise NotImplementedError


def walk(score: Score, speech: Articulated, chunk: int) -> Iterator[tuple[Excerpt, F64, int]]:
    """The clip in steps of `chunk` frames: the speech around them, their times [n], and the number of the first.

    Without a duration it goes on to the end of the sound.
    """
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
        yield window, times, start


def speaking_face(score: Score, speech: Speech, times: F64, first: int) -> FaceMotion:
    """The frames at `times` [n], of which the first is the clip's frame number `first`, without gestures."""
    asked = presented_at(score, speech, times)
    weights, extra = expressions(asked), actions(asked)
    activity = speech.at(times, speech.activity)
    axes = speech.axes_at(times, score.fps, effort=score.asked_effort)
    between = speech.at(times, speech.between)
    axes[:, OPENING] += np.multiply.outer(between, (AJAR_JAW, AJAR_LIPS, AJAR_LIPS))
    activity = np.maximum(activity, AJAR * between)
    lids = LIDS * (1 - weights[:, OPEN_EYED].sum(axis=1).clip(0, 1))
    columns = [axes, activity[:, None], speech.at(times, speech.speaking)[:, None], weights]
    return FaceMotion(
        fps=score.fps,
        channels=(*CHANNELS, *extra),
        values=np.concatenate([*columns, *(c[:, None] for c in extra.values())], axis=1),
        jaw=np.zeros((len(times), 3)),
        head=np.zeros((len(times), 6)),
        gaze=np.zeros((len(times), 2, 2)),
        lids=np.stack([lids, lids], axis=1),
        first=first,
        seed=score.seed,
    )


def presented_at(score: Score, speech: Speech, times: F64) -> F64:
    """Points [n, D] of emotion space at `times`, which relax in long pauses."""
    presence = RELAXED + (1 - RELAXED) * speech.at(times, speech.phrase)
    return presence[:, None] * point_at(score, times)


def point_at(score: Score, times: F64) -> F64:
    """Points [n, D] of emotion space at `times`, scaled by the intensity and the envelope of the clip."""
    assert isinstance(score.emotion, Settled)  # `heard` has listened
    strength = score.intensity * envelope(times, np.inf if score.duration is None else score.duration)
    return strength[:, None] * score.emotion.at(times)
