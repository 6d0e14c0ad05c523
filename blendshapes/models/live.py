"""Lips a tenth of a second behind the sound, for a face that is looked at while somebody speaks; gestures by rule."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain, count, islice, repeat
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ...core.errors import InputError
from ..emotion import EMOTION_AXES, EmotionTrack, Mood, Settled
from ..face_motion import FaceMotion, join
from ..score import Score, shaped
from ..speech.encoder import AXES, QUIET, RATE, Articulation
from ..speech.moment import Listener
from ..speech.voice_emotion import VoiceEmotion
from .procedural import CHUNK, MAX_GAZE, gesturing
from .speaking import Encoder, check_streamable, heard, speaking_face

if TYPE_CHECKING:
    from ..bundle import Bundle

F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# Time constants, seconds, each of two filters in a row: a change begins and ends smoothly
FEELS, LOOKS, TURNS = 0.12, 0.02, 0.2  # of the emotion, the eyes, and the head that follows them
FOLLOWS = 0.4  # share of the gaze that the head turns
REMEMBERED = 1.5  # seconds of emotion, for blinks that it has brought about


class Live:
    """A motion model: every frame once the sound up to `lookahead` after it has come, from that and the past.

    >>> from emosplat.blendshapes.models import find_model
    >>> model, mood = find_model("live"), Mood()
    >>> microphone = (np.zeros(160, np.float32) for _ in range(100))
    >>> pieces = model.stream(Score(fps=25, emotion=mood), microphone)
    >>> len(next(pieces))
    1
    >>> mood.intensity = 0.5
    >>> len(list(pieces))
    24
    """

    name = "live"

    def __init__(self, encoder: Encoder, voice: VoiceEmotion | None = None) -> None:
        """`encoder`: a `LiveEncoder`, or what tells frames as it does, one at a time and ready to be shown.

        `voice`: hears an emotion that is left to the voice, which takes a whole clip; None: the built-in one."""
        self._encoder = encoder
        self._voice = voice
        self.lookahead = round(encoder.lookahead + 1 / RATE, 6)

    def plan(self, score: Score) -> FaceMotion:
        """The whole clip, bit for bit as it would be streamed. Raises InputError without a sound."""
        return join([FaceMotion.rest(0, fps=score.fps, seed=score.seed), *self.pieces(score)])

    def pieces(self, score: Score) -> Iterator[FaceMotion]:
        """`plan`, piece by piece in constant memory."""
        if score.sound is None:
            raise InputError(f"motion model {self.name!r}: expected a score with a sound, found none")
        return _gathered(self.stream(score, score.sound()))

    def stream(self, score: Score, blocks: Iterable[F32]) -> Iterator[FaceMotion]:
        """The motion of sound that arrives, one frame at a time; without a duration to the end of the blocks.

        Frame i shows t = (i + 0.5) / fps and comes as soon as the blocks reach t + `lookahead`; keys and fixed spans of
        the score delay it by their reach. Where the score's emotion is a `Mood`, it may be changed in the meantime.
        Raises InputError for words, which are not known beforehand here.
        """
        if score.phones:
            raise InputError(
                f"motion model {self.name!r}: expected sound alone, found words as well; use another model"
            )
        check_streamable(score)
        return shaped(self._frames(heard(score, self._voice), blocks), score)

    def _frames(self, score: Score, blocks: Iterable[F32]) -> Iterator[FaceMotion]:
        arriving = self._encoder.follow(blocks)
        if score.duration is not None:
            arriving = chain(arriving, repeat(_SILENT))
        listener, face = Listener(score.fps, score.asked_effort), _Face(score)
        for frame in count() if score.frames is None else range(score.frames):
            time = (frame + 0.5) / score.fps
            while not listener.knows(time):
                piece = next(arriving, None)
                if piece is None:
                    return
                listener.hear(piece)
            yield face.at(time, frame, listener)


def _gathered(frames: Iterator[FaceMotion]) -> Iterator[FaceMotion]:
    """The same motion in pieces of `CHUNK` frames, which a solver works off faster."""
    while piece := list(islice(frames, CHUNK)):
        yield join(piece)


_SILENT = Articulation(np.zeros((1, len(AXES)), np.float32), np.zeros(1, np.float32), np.full(1, QUIET, np.float32))


def create(bundle: Bundle) -> Live:
    """The model with the weights of `bundle`."""
    return Live(bundle.live_encoder(), bundle.voice())


class _Face:
    """One face over time: what it feels, and where it looks."""

    def __init__(self, score: Score) -> None:
        assert isinstance(score.emotion, Settled)  # `heard` has listened
        self._score, self._emotion = score, score.emotion
        self._felt = _Eased(np.zeros(len(EMOTION_AXES)), FEELS * score.fps)
        self._eyes, self._head = _Eased(np.zeros(2), LOOKS * score.fps), _Eased(np.zeros(2), TURNS * score.fps)
        self._past: deque[tuple[float, F64]] = deque(maxlen=int(REMEMBERED * score.fps) + 1)

    def at(self, time: float, frame: int, listener: Listener) -> FaceMotion:
        """The next frame."""
        times = np.array([time])
        self._past.append((time, self._felt.towards(self._emotion.at(times)[0])))
        track = EmotionTrack(np.array([t for t, _ in self._past]), np.stack([p for _, p in self._past]))
        score, moment = replace(self._score, emotion=track), listener.moment(time)
        face = gesturing(speaking_face(score, moment, times, frame), score, moment)
        return self._looking(face)

    def _looking(self, face: FaceMotion) -> FaceMotion:
        """The face with the eyes where the mood wants them; the head follows part of the way, more slowly."""
        wanted = self._emotion.gaze if isinstance(self._emotion, Mood) else (0.0, 0.0)
        eyes = self._eyes.towards(np.array(wanted))
        turn = self._head.towards(FOLLOWS * np.array(wanted)) * (self._score.head_motion != "none")
        head = face.head.copy()
        head[:, :2] += turn
        return replace(face, head=head, gaze=np.clip(face.gaze + eyes - turn, -MAX_GAZE, MAX_GAZE))


class _Eased:
    """A value that is led to another by two filters of one time constant in a row."""

    def __init__(self, value: F64, frames: float) -> None:
        self._near, self._value = value, value
        self._share = 1 - np.exp(-1 / frames)

    def towards(self, target: F64) -> F64:
        """The value one frame later."""
        self._near = self._near + self._share * (target - self._near)
        self._value = self._value + self._share * (self._near - self._value)
        return self._value
